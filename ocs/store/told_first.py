"""A store that waits with every change of attempts and records until it has been told of: reports are on the disk first.

A crash between the two leaves a report of what the database never had, which can be found out and told; the other way round
there would be changes of which nobody ever hears.
"""
from __future__ import annotations

from typing import Any, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.python.components import proxyForInterface

from ocs.dialing.values import Attempt, ChainSave
from ocs.interfaces import IStore

__all__ = ["ToldFirst"]


class ToldFirst(proxyForInterface(IStore, "_store")):       # type: ignore[misc]
    """An IStore before another one. `told()` fires when what has been told is safe, in the order of the calls; it never
    fails."""

    def __init__(self, store: IStore, told: Callable[[], Deferred[None]]) -> None:
        super().__init__(store)
        self._told = told

    def open_attempts(self, attempts: Sequence[Attempt]) -> Deferred[None]:
        return self._after(self._store.open_attempts, attempts)

    def save(self, change: ChainSave) -> Deferred[None]:
        return self._after(self._store.save, change)

    def _after(self, work: Callable[..., Deferred[None]], *args: Any) -> Deferred[None]:
        told: Deferred[Any] = self._told()
        return told.addCallback(lambda _: work(*args))
