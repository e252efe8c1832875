"""A store that fails, or keeps its callers waiting, on demand."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from ocs.errors import DatabaseAway
from ocs.interfaces import IReplayStore

__all__ = ["EVERYTHING", "MoodyStore"]

_CHANGES = frozenset({"claim_chains", "open_attempts", "save", "recover", "replay", "adopt_spool", "cancel_records",
                      "add_record"})
EVERYTHING = frozenset({*_CHANGES, "calling_lists", "zones", "do_not_call", "counts", "records",
                        "past_attempts", "answered_calls"})


@implementer(IReplayStore)
class MoodyStore:
    """Hands every request to `store`, but for those whose names are in `failing` (nothing is done, DatabaseAway), in `losing`
    (done, but the answer is lost: DatabaseAway) or in `held` (done and answered by `release`; changes that come after a held
    one wait behind it, as in a database's queue). `asked` lists (name, first argument) of what was done."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.failing: set[str] = set()
        self.losing: set[str] = set()
        self.held: set[str] = set()
        self.asked: list[tuple[str, Any]] = []
        self._waiting: list[tuple[str, Callable[[], Deferred[Any]], Deferred[Any]]] = []

    def go_away(self) -> None:
        """Nothing is done any more, as by a server that was stopped."""
        self.failing |= EVERYTHING

    def come_back(self) -> None:
        """Everything is done again."""
        self.failing.clear()
        self.losing.clear()

    def release(self) -> int:
        """Do what waits, oldest first; how many requests that were."""
        chosen, self._waiting = self._waiting, []
        for entry in chosen:
            self._do(*entry)
        return len(chosen)

    def of(self, name: str) -> list[Any]:
        """The first arguments of the requests of this name that were done."""
        return [argument for asked, argument in self.asked if asked == name]

    def _do(self, name: str, request: Callable[[], Deferred[Any]], told: Deferred[Any]) -> None:
        answer = fail(DatabaseAway(f"{name}: connection refused")) if name in self.failing else request()
        if name in self.losing:
            answer.addCallback(lambda _: fail(DatabaseAway(f"{name}: connection lost")))
        answer.addCallbacks(told.callback, told.errback)

    def _ask(self, name: str, *args: Any) -> Deferred[Any]:
        def request() -> Deferred[Any]:
            self.asked.append((name, args[0] if args else None))
            answer: Deferred[Any] = getattr(self._store, name)(*args)
            return answer

        told: Deferred[Any] = Deferred()
        behind = name in _CHANGES and any(waiting in _CHANGES for waiting, _, _ in self._waiting)
        if name in self.held or behind:
            self._waiting.append((name, request, told))
        else:
            self._do(name, request, told)
        return told

    def start(self) -> Deferred[None]:
        return self._ask("start")

    def stop(self) -> Deferred[None]:
        return self._ask("stop")

    def calling_lists(self) -> Deferred[Any]:
        return self._ask("calling_lists")

    def dialing_filter(self, calling_list: str, options: Any) -> Deferred[Any]:
        return self._ask("dialing_filter", calling_list, options)

    def zones(self, calling_list: str) -> Deferred[Any]:
        return self._ask("zones", calling_list)

    def claim_chains(self, request: Any) -> Deferred[Any]:
        return self._ask("claim_chains", request)

    def open_attempts(self, attempts: Any) -> Deferred[None]:
        return self._ask("open_attempts", attempts)

    def save(self, change: Any) -> Deferred[None]:
        return self._ask("save", change)

    def add_record(self, new: Any) -> Deferred[Any]:
        return self._ask("add_record", new)

    def cancel_records(self, request: Any) -> Deferred[Any]:
        return self._ask("cancel_records", request)

    def recover(self, owner: Any, calling_list: str) -> Deferred[Any]:
        return self._ask("recover", owner, calling_list)

    def replay(self, app_dbid: int, spool: str, changes: Any) -> Deferred[Any]:
        return self._ask("replay", app_dbid, spool, changes)

    def adopt_spool(self, app_dbid: int, spool: str, sequence: int) -> Deferred[None]:
        return self._ask("adopt_spool", app_dbid, spool, sequence)

    def past_attempts(self, wanted: Any) -> Deferred[Any]:
        return self._ask("past_attempts", wanted)

    def answered_calls(self, wanted: Any) -> Deferred[Any]:
        return self._ask("answered_calls", wanted)

    def do_not_call(self) -> Deferred[Any]:
        return self._ask("do_not_call")

    def counts(self, calling_list: str) -> Deferred[Any]:
        return self._ask("counts", calling_list)

    def records(self, calling_list: str, limit: int, offset: int = 0) -> Deferred[Any]:
        return self._ask("records", calling_list, limit, offset)
