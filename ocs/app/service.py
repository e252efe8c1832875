"""The outbound contact server as one service: the parts wired together, started in order, stopped in order.

Start: database, do-not-call list, link to the T-Server, sessions that the configuration starts, console. Stop: dialing
ends, calls get a deadline to finish, records go back, the database is closed, links drop. A MultiService would stop its
parts all at once, so both orders are written out here.
"""
from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Callable, Mapping

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ocs.app.agents import AgentSource
from ocs.app.auditing import Auditing
from ocs.app.campaigns import AtStart, calling_lists
from ocs.app.config import OCSOptions, do_not_call_checks, to_campaign_groups
from ocs.app.desktops import DesktopSide
from ocs.app.dialers import PushedPreviews, SecondDialer
from ocs.app.engine_numbers import engine_numbers
from ocs.app.manhole import ManholeService
from ocs.app.outside import Outside
from ocs.app.peers import PeerSide
from ocs.app.reload import HangUp, Reloading
from ocs.app.reporting import Reporting
from ocs.app.rereads import Rereads
from ocs.app.sources import make_configuration
from ocs.app.switches import SwitchSide, switch_dbids
from ocs.app.third_parties import communication_entry
from ocs.app.tidings import Tidings
from ocs.app.verbs import Verbs
from ocs.app.web.api.site import Site
from ocs.app.web.service import WebSide
from ocs.clock import SystemClock
from ocs.database.backend import backend_for
from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.entry import AgentEntry
from ocs.desktop.interactions import InteractionEntry
from ocs.desktop.records import record_data
from ocs.errors import ConfigurationError, OCSError, StoreUnavailable
from ocs.links.registry import Links
from ocs.log import masked, trace_file
from ocs.runtime import ParentWatch, make_clock, remove_ready_file, write_ready_file
from ocs.scheduler.context import Context, EngineOptions
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.scheduler.peer_requests import PeerRequests
from ocs.store.change_spool import ChangeSpool
from ocs.store.checks_off import audit_checks
from ocs.store.do_not_call import NOTIFY_CHANNEL, Act
from ocs.store.do_not_call_feed import DoNotCallFeed
from ocs.store.do_not_call_load import snapshot_path
from ocs.store.spooled import SpooledStore
from ocs.store.sql import SqlStore
from ocs.store.versions import current_version, needed_version
from protocols.attributes import KVList
from protocols.trace import MessageTrace

__all__ = ["OCSService", "engine_options", "make_service"]


def make_service(options: OCSOptions, reactor: Any, path: Path | None = None) -> OCSService:
    """The whole server, not yet started; it can read the options again from the file at `path`. ConfigurationError for a
    database that cannot be used."""
    try:
        backend = backend_for(options.database.url)
        found = current_version(backend)
    except StoreUnavailable as error:
        raise ConfigurationError([f"database.url: {error}"]) from None
    if found != needed_version():
        raise ConfigurationError([f"database.url: {backend} is at schema version {found or 'none'}, this program"
                                  f" needs {needed_version()}: run `ocs db upgrade`"])
    return OCSService(options, reactor, path)


def engine_options(options: OCSOptions) -> EngineOptions:
    """The engine's numbers from the configuration."""
    return engine_numbers(options.dialing, options.application.dbid)


class OCSService(Service):
    """The server. `engine`, `switch` and `agents` are what its console shows."""

    log = Logger()

    def __init__(self, options: OCSOptions, reactor: Any, path: Path | None = None) -> None:
        self.options, self._reactor = options, reactor
        self.is_up = False                  # started whole, not stopping
        self.clock = make_clock(options.clock, reactor)
        rng = random.SystemRandom()
        groups = to_campaign_groups(options)
        self.store = SqlStore(options.database.url, reactor,
                              {group.campaign: group.campaign_dbid for group in groups.values()},
                              readers=options.database.pool_size, statement_timeout_s=options.database.statement_timeout_s)
        spool = options.change_spool
        self.spooled = SpooledStore(self.store, ChangeSpool(spool, reactor), reactor, self.clock.wall, options.application.dbid,
                                    spool.answer_timeout_s)
        self.links = Links(SystemClock(reactor))
        self.tservers = SwitchSide(options.tserver, options.switch, self.clock, reactor, self.links, rng)
        self.switch = self.tservers.switch
        self.agent_source = AgentSource(options.statserver, self.switch, reactor, self.links, rng)
        self.agents = self.agent_source.agents
        self.outside = Outside(options, reactor, self.clock, rng, self.store.change)
        self.reporting = Reporting(options.icon, options.application.dbid, self.store, reactor, self.clock, self.links, rng)
        self.second_dialer = SecondDialer(options.cpdserver, reactor, self.clock, self.links, rng)
        self.pushed = PushedPreviews(options.interaction, reactor, self.links, rng)
        self.peering = PeerSide(options.application.name, options.application.dbid, options.peer, options.peer_server, reactor,
                                self.clock.wall(), self.links, rng)
        self.desktop_side = DesktopSide(options.desktop_port, options.agent, reactor)
        self.web = WebSide(options.http_server, options.obn, options.http, reactor, self.clock, rng, self.links)
        self.context = Context(
            self.clock, rng, self.reporting.before(self.spooled), self.switch, self.agents, self._describe,
            engine_options(options), carry_out=self.outside.carry_out, validation=self.outside.validation,
            notifier=self.outside.notifier, keep_refusals=self.store.keep_refusals,
            keep_rule_periods=self.store.keep_rule_periods, peers=self.peering.peers,
            cpd=self.second_dialer.calls, interactions=self.pushed.interactions, obn=self.web.obn,
            record_uri=self.web.record_uri, switch_dbids=switch_dbids(options.tserver, options.switch))
        self.auditing = Auditing(options, self.context.history, reactor, self.clock.wall)
        self.do_not_call = self._do_not_call_feed()
        self.rereads = Rereads(self.clock, self.do_not_call.reread)
        self.tidings = Tidings(reactor, self._in_thread)
        self.tidings.listen(self.store.backend, NOTIFY_CHANNEL, self.do_not_call.wake)
        self.engine = Engine(self.context, groups)
        self.second_dialer.listen(self.engine)
        self.outside.listen(self.engine)
        self.desktops = AgentEntry(self.engine)
        self.desktop_side.listen(self.engine, self.switch, self.desktops)
        self.campaigns = CampaignOperations(self.engine)
        self.communication = communication_entry(self.engine, self.campaigns, self.desktops.reception.operations,
                                                 options.communication_dn, options.third_party)
        self.web.listen(Site(self.engine, self.campaigns, self.store, self.links, self._in_thread,
                             lambda: list(calling_lists(self.options).values()), self.do_not_call.wake),
                        self.desktops.reception.operations, lambda: self.is_up,
                        lambda: self.desktop_side.address().get("desktop", {}))
        self.peering.listen(PeerRequests(self.engine), self.engine.watch)
        self.pushed.listen(InteractionEntry(self.engine, self.desktops))
        self.agent_source.listen(self.context.history)
        self.reporting.listen(self.context.history)
        self.manhole = ManholeService(options.manhole, Verbs(self), reactor) if options.manhole.enabled else None
        self._parent = ParentWatch(reactor) if options.service.stop_with_parent else None
        self.configuration = None if path is None else make_configuration(path, options, reactor, self._in_thread, self.tidings)
        self.reloading = Reloading(self, self.configuration, self._in_thread, reactor)
        if self.configuration is not None:
            self.configuration.add_listener(self.reloading.follow)
        self._hang_up = None if path is None else HangUp(reactor, self.reloading.hung_up)
        self._starting: Deferred[None] | None = None

    def trace_wire(self, path: Path, numbers: bool) -> None:
        """Write what goes over the links from now on. OSError where the file cannot be written."""
        self.links.trace = MessageTrace(trace_file(path).write, self.clock.wall, str if numbers else masked)

    def _describe(self, held: HeldChain) -> KVList:
        return record_data(held, held.index, self.context.options.application_id, self.clock.wall()).pairs()

    def _in_thread(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *args)

    def _do_not_call_feed(self) -> DoNotCallFeed:
        """The list in memory follows the one in the database; beside a SQLite file lies its snapshot, if nowhere else."""
        snapshot, path = self.options.database.do_not_call_snapshot, getattr(self.store.backend, "path", None)
        if snapshot is None and path is not None:
            snapshot = snapshot_path(path)
        return DoNotCallFeed(self.context.do_not_call, self.store.backend, self.store.read, self._in_thread, self._reactor,
                             snapshot=snapshot)

    async def audit_checks(self, chosen: Mapping[str, bool]) -> None:
        """A check that is switched off leaves a trace in the database and in the log; `chosen`: option -> whether it is made."""
        act = Act(self.clock.wall(), self.options.application.name, origin="configuration")
        for name in await self.store.change(lambda work: audit_checks(work, chosen, act)):
            self.log.warn("{option} = false: numbers on the do-not-call list are dialed", option=name)

    def use(self, options: OCSOptions) -> None:
        """Go on with other options, as far as they are the engine's own numbers; groups and requests are changed beside."""
        self.options, self.context.options = options, engine_options(options)
        self.desktop_side.use(options.desktop_port, options.agent)
        self.store.know_campaigns({one.name: one.dbid for one in options.campaign})
        self._plan_rereads()

    def _plan_rereads(self) -> None:
        self.rereads.use(self.options.dialing.dnc_reread_daily, self.options.dialing.dnc_reread_timeout_min)

    # -- start ----------------------------------------------------------------------------------------------------
    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        if self._hang_up is not None:
            self._hang_up.startService()
        self.peering.take_port()
        self.desktop_side.take_port()
        self.web.take_port()
        if self.manhole is not None:
            self.manhole.privilegedStartService()

    def startService(self) -> None:
        super().startService()
        if self._parent is not None:
            self._parent.startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._not_started)

    async def _start(self) -> None:
        await self.spooled.start()          # with what the last run could not write
        await self.outside.start()
        await self.do_not_call.start()
        self._plan_rereads()
        self.tidings.start()
        await self.audit_checks(do_not_call_checks(self.options))
        await self.reporting.start()
        self.log.info("{count} do-not-call entries", count=len(self.context.do_not_call))
        self.tservers.start()
        self.agent_source.start()
        self.second_dialer.start()
        await self.peering.start()
        self.pushed.start()
        self.web.start()
        self.desktop_side.start()
        for group in self.options.campaign_group:
            if group.at_start is not AtStart.MANUAL:
                await self._bring_up(f"{group.campaign}@{group.group}", group.at_start)
        if self.manhole is not None:
            self.manhole.startService()
        if self.options.service.ready_file:
            facts = {**self.peering.address(), **self.desktop_side.address(), **self.web.address()}
            if self.manhole is not None:
                facts["manhole"] = self.manhole.address()
            write_ready_file(self.options.service.ready_file, facts)
        self.is_up = True
        if self.configuration is not None:
            self.configuration.start()
        self.log.info("ready: {count} campaign groups", count=len(self.engine.sessions))

    async def _bring_up(self, name: str, at_start: AtStart) -> None:
        session = self.engine.session(name)
        try:
            await session.load()
            if at_start is AtStart.START:
                session.start()
        except OCSError as error:
            self.log.error("{session} not brought up: {reason}", session=name, reason=str(error))

    def _not_started(self, failure: Any) -> None:
        if failure.check(CancelledError) is not None:
            return
        if failure.check(OCSError) is not None:
            self.log.error("not started: {reason}", reason=failure.getErrorMessage())
        else:
            self.log.failure("not started", failure)
        self._reactor.callLater(0, self._reactor.stop)

    # -- stop -----------------------------------------------------------------------------------------------------
    def stopService(self) -> Deferred[None]:
        super().stopService()
        self.is_up = False
        if self._starting is not None:
            self._starting.cancel()
        return Deferred.fromCoroutine(self._stop()).addErrback(lambda failure: self.log.failure("stopping", failure))

    async def _stop(self) -> None:
        if self._parent is not None:
            self._parent.stopService()
        if self.options.service.ready_file:
            remove_ready_file(self.options.service.ready_file)
        self.reloading.stop()
        if self.configuration is not None:
            await maybeDeferred(self.configuration.stop)
        await self.engine.stop(self.options.dialing.stop_deadline_s)
        await self.desktops.rounds.finished()
        await self.desktop_side.stop()
        await self.web.stop()
        await self.peering.stop()
        await self.reporting.stop()
        await self.auditing.stop()
        await self.outside.stop()
        await self.tidings.stop()
        self.rereads.stop()
        await self.do_not_call.stop()
        await self.spooled.stop()
        await self.agent_source.stop()
        await self.second_dialer.stop()
        await self.pushed.stop()
        await self.tservers.stop()
        if self.manhole is not None:
            await self.manhole.stopService()
        if self._hang_up is not None and self._hang_up.running:
            self._hang_up.stopService()
        self.log.info("stopped")
