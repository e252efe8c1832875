"""The systems outside that dialing asks and tells: pre-dial validation, notifications of processed contacts, and what
treatments do beside the dialing (HTTP requests and SQL statements that the configuration names)."""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ocs.app.config import OCSOptions
from ocs.clock import IClock
from ocs.dialing.actions import ExecuteSql, SendHttpRequest, SideEffect
from ocs.dialing.contact import Contact
from ocs.links.attempt_notifications import AttemptNotifier
from ocs.links.http import http_client
from ocs.links.named_requests import NamedRequests
from ocs.links.notifications import ContactNotifier
from ocs.links.state_notifications import GroupStanding, ListStanding, StateNotifier
from ocs.links.validation import PreDialValidation
from ocs.scheduler.engine import Engine
from ocs.scheduler.remaining import TimesToComplete
from ocs.scheduler.session import DialingSession
from ocs.store.named_statements import NamedStatements
from ocs.store.notification_spool import NotificationSpool

__all__ = ["Outside", "standing"]


class Outside:
    """Built from the configuration; `validation` and `notifier` are None where nobody is to be asked or told. Requests keep
    the reactor's time, repetitions the engine's."""

    log = Logger()

    def __init__(self, options: OCSOptions, reactor: Any, clock: IClock, rng: random.Random,
                 change: Callable[[Any], Deferred[Any]]) -> None:
        application_id = options.application.dbid
        self._client = http_client(reactor, options.http)
        self._clock, self._change = clock, change
        self._standings: Callable[[], list[GroupStanding]] = list
        self._times: TimesToComplete | None = None
        self._requests = NamedRequests(self._client, options.http_request, application_id, clock)
        self._statements = NamedStatements(options.sql_statement, change)
        self.validation = self.notifier = self.attempts = self.states = None
        if options.pre_dial_validation:
            self.validation = PreDialValidation(self._client, options.pre_dial_validation, application_id, clock)

        def in_thread(work: Callable[..., Any], *args: Any) -> Deferred[Any]:
            return deferToThreadPool(reactor, reactor.getThreadPool(), work, *args)

        file = options.notification_spool.file
        if options.record_history_notification:
            spool = NotificationSpool(file.with_name(f"{file.stem}-history{file.suffix}"), in_thread)
            self.attempts = AttemptNotifier(self._client, options.record_history_notification, options.notification_spool, spool,
                                            clock, rng)
        if options.campaign_group_state_notification:
            self.states = StateNotifier(self._client, options.campaign_group_state_notification, clock)
        if options.contact_processed_notification:
            spool = NotificationSpool(file, in_thread)
            self.notifier = ContactNotifier(self._client, options.contact_processed_notification,
                                            options.notification_spool, spool, application_id, clock, rng)

    def prepared(self, options: OCSOptions) -> Callable[[], None]:
        """Requests and statements of a configuration that was read again; reads files. To call what is returned puts them in
        the place of those before. ConfigurationError for a header's file that cannot be used."""
        requests = NamedRequests(self._client, options.http_request, options.application.dbid, self._clock)
        statements = NamedStatements(options.sql_statement, self._change)

        def use() -> None:
            requests.counts = self._requests.counts
            self._requests, self._statements = requests, statements

        return use

    def listen(self, engine: Engine) -> None:
        """Tell of what the engine does; before the first session is loaded."""
        history, states = engine.context.history, self.states
        if self.attempts is not None:
            history.add_listener(self.attempts)
        if states is not None:
            times = self._times = TimesToComplete(engine)
            self._standings = lambda: [standing(session, times) for session in engine.loaded()]
            engine.watch(lambda session, event: states.changed(standing(session, times), event))
            history.add_group_listener(lambda session, before: states.regrouped(standing(session, times), before))

    def carry_out(self, effect: SideEffect, contact: Contact) -> None:
        """What a treatment does beside the dialing. The names have been checked with the configuration; but a list that was
        taken out of it keeps its treatments for as long as agents have records of it."""
        if isinstance(effect, SendHttpRequest) and effect.request in self._requests.names():
            self._requests.send(effect.request, contact)
        elif isinstance(effect, ExecuteSql) and effect.statement in self._statements.names():
            self._statements.run(effect.statement, contact)
        else:
            self.log.warn("record {record_id}: {effect} is not configured any more", record_id=contact.record.record_id,
                          effect=repr(effect))

    async def start(self) -> None:
        """Go on with what the last run could not tell; StoreUnavailable if its spool cannot be opened."""
        for notifier in (self.notifier, self.attempts):
            if notifier is not None:
                await notifier.start()
        if self.states is not None:
            self.states.start(self._standings)
        if self._times is not None:
            self._times.start()

    async def stop(self) -> None:
        """Send nothing any more."""
        if self._times is not None:
            self._times.stop()
        if self.states is not None:
            self.states.stop()
        for notifier in (self.notifier, self.attempts):
            if notifier is not None:
                await notifier.stop()
        stopped = self._client.stop()
        if isinstance(stopped, Deferred):
            await stopped


def standing(session: DialingSession, times: TimesToComplete) -> GroupStanding:
    """How a campaign group stands now."""
    agents = session.context.agents.of(session.group)
    lists = {one.name: ListStanding(dict(session.list_results[one.name]), times.of_list(session, one))
             for one in session.group.lists}
    return GroupStanding(session.group, session.state, session.guid, dict(session.results), len(agents),
                         sum(bool(agent.calls) for agent in agents), times.of_group(session), lists)
