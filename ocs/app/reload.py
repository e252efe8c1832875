"""A running server reads its configuration file again: on SIGHUP, or when an operator asks.

The file is checked as a whole, against the database too, before anything changes: a file with any fault changes nothing.
Then everything changes in one step: lists, filters, treatments, hours, numbers of campaign groups, groups that come and go.
Options that need a restart stay as they are and are named in the answer, and again in the next one.
"""
from __future__ import annotations

import signal
from enum import Enum
from pathlib import Path
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.app.changes import Change, applicable, changes
from ocs.app.config import OCSOptions, do_not_call_checks, load_configuration, to_campaign_groups
from ocs.app.list_checks import list_problems
from ocs.errors import ConfigurationError, OCSError, WrongState
from ocs.log import set_level
from ocs.options import AT_NEXT_LOAD, AT_ONCE, enum_word
from ocs.scheduler.regroup import GroupNews, GroupOutcome, Regrouping, prepare_groups

__all__ = ["HangUp", "Reloading"]

_InThread = Callable[..., Deferred[Any]]        # (function, *arguments): what it returns
_LONGEST_SHOWN = 120


class Reloading:
    """Reads one server's file again. `server` is the OCSService; `in_thread` runs what would block."""

    log = Logger()

    def __init__(self, server: Any, path: Path | None, in_thread: _InThread) -> None:
        self._server, self._path, self._in_thread = server, path, in_thread
        self._turn = DeferredLock()

    def reload(self) -> Deferred[list[dict[str, str]]]:
        """Take over what the file has now. Fires with a row for each option that differs: what it was, what it is in the file,
        and when it takes effect. Fails with ConfigurationError (every fault of the file), StoreUnavailable, WrongState; then
        nothing has changed."""
        return self._turn.run(lambda: Deferred.fromCoroutine(self._reload()))

    def hung_up(self) -> None:
        """The same, with the answer in the log. While one waits for its turn, another would find the same."""
        if not self._turn.waiting:
            self.reload().addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, OCSError):
            for problem in error.problems if isinstance(error, ConfigurationError) else [str(error)]:
                self.log.error("configuration not taken over: {problem}", problem=problem)
        else:
            self.log.failure("reading the configuration", failure)

    async def _reload(self) -> list[dict[str, str]]:
        server, path = self._server, self._path
        if path is None:
            raise WrongState("the server was not started with a configuration file")
        if not server.is_up:
            raise WrongState("the server is starting or stopping")
        wanted: OCSOptions = await self._in_thread(load_configuration, path)
        before: OCSOptions = server.options
        options = applicable(before, wanted)
        _need_consistent(path, options)
        groups = await self._in_thread(to_campaign_groups, options)
        faults = await self._in_thread(list_problems, options, await server.store.calling_lists())
        if faults:
            raise ConfigurationError([f"{path}: {fault}" for fault in faults])
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
        self.log.info("configuration {path} read again: {count} changes", path=str(path), count=len(rows))
        return rows


def _need_consistent(path: Path, options: OCSOptions) -> None:
    """What may change now must fit what may not."""
    problems = options.problems()
    if problems:
        raise ConfigurationError([f"{path}: {problem} (other options of the file need a restart)" for problem in problems])


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
