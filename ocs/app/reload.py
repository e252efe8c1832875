"""A running server reads its configuration again: on SIGHUP, when an operator asks, when the Configuration Database has another.

It is checked as a whole, against the lists' database too, before anything changes: one with any fault changes nothing.
Then everything changes in one step: lists, filters, treatments, hours, numbers of campaign groups, groups that come and go.
Options that need a restart stay as they are and are named in the answer, and again in the next one.
"""
from __future__ import annotations

import signal
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.app.changes import Change, applicable, changes
from ocs.app.config import OCSOptions, do_not_call_checks, to_campaign_groups
from ocs.app.list_checks import list_problems
from ocs.errors import ConfigurationError, OCSError, WrongState
from ocs.log import set_level
from ocs.options import AT_NEXT_LOAD, AT_ONCE, AT_RESTART, enum_word
from ocs.scheduler.live import waiting
from ocs.scheduler.regroup import GroupNews, GroupOutcome, Regrouping, prepare_groups

__all__ = ["HangUp", "Reloading"]

_InThread = Callable[..., Deferred[Any]]        # (function, *arguments): what it returns
_LONGEST_SHOWN = 120
_RETRY_S = 5.0
_TURNS = 3              # that may wait for the one before; what comes then finds what the last of them finds
_SHOWN = 3


class Reloading:
    """Reads one server's configuration again. `server` is the OCSService; `in_thread` runs what would block; `clock` keeps the
    time of repetitions."""

    log = Logger()

    def __init__(self, server: Any, configuration: Any, in_thread: _InThread, clock: IReactorTime) -> None:
        self._server, self._configuration, self._in_thread, self._clock = server, configuration, in_thread, clock
        self._turn = DeferredLock()
        self._retry: IDelayedCall | None = None
        self._refused: list[str] = []               # why the last one was not taken over
        self._rows: list[dict[str, str]] = []       # what the last one changed, and what of it waits
        self._at: float | None = None

    def reload(self) -> Deferred[list[dict[str, str]]]:
        """Take over what the configuration has now. Fires with a row for each option that differs: what it was, what it is to
        be, and when it takes effect. Fails with ConfigurationError (every fault), StoreUnavailable, WrongState; then nothing
        has changed."""
        return self._turn.run(lambda: Deferred.fromCoroutine(self._reload())).addCallbacks(self._taken_over, self._not_taken_over)

    def hung_up(self) -> None:
        """The same, with the answer in the log. While one waits for its turn, another would find the same."""
        if not self._turn.waiting:
            self.reload().addErrback(self._failed)

    def follow(self) -> None:
        """The same; and once more after a while if it cannot be taken over, as what it needs may yet come: a list, a database."""
        self._stop_retrying()
        if len(self._turn.waiting) < _TURNS:
            told = self._refused
            self.reload().addErrback(self._failed_for_now, told)

    def stop(self) -> None:
        """Try no more."""
        self._stop_retrying()

    def _stop_retrying(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()

    def _taken_over(self, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        self._stop_retrying()
        self._refused, self._rows, self._at = [], rows, self._server.clock.wall()
        return rows

    def _not_taken_over(self, failure: Failure) -> Failure:
        error = failure.value
        self._refused = error.problems if isinstance(error, ConfigurationError) else [failure.getErrorMessage()]
        return failure

    def _failed_for_now(self, failure: Failure, told: list[str]) -> None:
        if self._server.is_up:
            self._retry = self._clock.callLater(_RETRY_S, self.follow)
            if self._refused != told:
                self._failed(failure)

    def _failed(self, failure: Failure) -> None:
        if failure.check(OCSError) is not None:
            for problem in self._refused:
                self.log.error("configuration not taken over: {problem}", problem=problem)
        else:
            self.log.failure("reading the configuration", failure)

    def state(self) -> str:
        """How it stands with the configuration, for people."""
        if self._configuration is None:
            return "as the server was started"
        parts = [self._configuration.origin]
        if self._at is not None:
            moment = datetime.fromtimestamp(self._at, timezone.utc).isoformat(sep=" ", timespec="seconds")
            parts.append(f"read again at {moment} UTC")
        engine = self._server.engine
        waits = {AT_NEXT_LOAD: [f"campaign_group[{name}].{value}" for name, session in engine.sessions.items()
                                for value in waiting(session)],
                 AT_RESTART: [row["option"] for row in self._rows if row["takes effect"] == AT_RESTART],
                 str(GroupNews.LEAVES.value): sorted(f"campaign_group[{name}]" for name in engine.leaving)}
        parts += [f"{effect}: {_some(options)}" for effect, options in waits.items() if options]
        if self._refused:
            parts.append(f"not taken over: {_some(self._refused)}")
        if self._configuration.trouble:
            parts.append(f"changes are not seen: {self._configuration.trouble}")
        return "; ".join(parts)

    async def _reload(self) -> list[dict[str, str]]:
        server, configuration = self._server, self._configuration
        if configuration is None:
            raise WrongState("the server was not started with a configuration file")
        if not server.is_up:
            raise WrongState("the server is starting or stopping")
        wanted: OCSOptions = await configuration.read()
        before: OCSOptions = server.options
        options = applicable(before, wanted)
        problems = [f"{configuration.told(problem)} (other options need a restart)" for problem in options.problems()]
        if problems:            # what may change now must fit what may not
            raise ConfigurationError(problems)
        groups = await self._in_thread(to_campaign_groups, options)
        faults = await self._in_thread(list_problems, options, await server.store.calling_lists())
        if faults:
            raise ConfigurationError([configuration.told(fault) for fault in faults])
        use_requests = await self._in_thread(server.outside.prepared, options)
        regrouping: Regrouping = await prepare_groups(server.engine, groups)
        checks = do_not_call_checks(before)
        await server.audit_checks({name: made for name, made in do_not_call_checks(options).items()
                                   if made is not checks.get(name, True)})
        if not server.is_up:
            raise WrongState("the server is stopping")
        # nothing below fails, and nothing comes between
        use_requests()
        server.use(options)
        if options.log.level is not before.log.level:
            set_level(options.log.level.value)
        rows = _rows(list(changes(before, wanted)), regrouping.apply())
        for row in rows:
            self.log.info("configuration: {option}: {old} -> {new}, {effect}", option=row["option"], old=row["from"],
                          new=row["to"], effect=row["takes effect"])
        self.log.info("configuration ({origin}) read again: {count} changes", origin=configuration.origin, count=len(rows))
        return rows


def _some(texts: list[str]) -> str:
    """The first few."""
    return ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")


def _rows(found: list[Change], outcomes: list[GroupOutcome]) -> list[dict[str, str]]:
    news = {f"campaign_group[{outcome.group}]": outcome.news for outcome in outcomes}
    rows = [{"option": change.option, "from": _shown(change.old), "to": _shown(change.new),
             "takes effect": _effect(change, news.get(change.option.partition("].")[0].removesuffix("]") + "]"))}
            for change in found]
    rows += [{"option": option, "from": "", "to": "", "takes effect": f"{AT_NEXT_LOAD}: it is being loaded or unloaded"}
             for option, what in news.items() if what is GroupNews.WAITS]
    return rows


def _effect(change: Change, news: GroupNews | None) -> str:
    """When an option takes effect, of a campaign group of which there is such news."""
    if news is GroupNews.LEAVES:
        return str(news.value)
    return AT_NEXT_LOAD if news is GroupNews.WAITS and change.effect == AT_ONCE else change.effect


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = enum_word(value) if isinstance(value, Enum) else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN - 3] + "..."


class HangUp(Service):
    """Calls `reload` in the reactor's thread when the process gets SIGHUP."""

    def __init__(self, reactor: Any, reload: Callable[[], None]) -> None:
        self._reactor, self._reload = reactor, reload
        self._before: Any = None

    def startService(self) -> None:
        super().startService()
        self._before = signal.signal(signal.SIGHUP, lambda number, frame: self._reactor.callFromThread(self._reload))

    def stopService(self) -> None:
        signal.signal(signal.SIGHUP, self._before)
        return super().stopService()        # type: ignore[no-any-return]
