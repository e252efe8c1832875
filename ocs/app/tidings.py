"""Databases that tell of changes by themselves: one listener for each PostgreSQL database, whoever wants to hear."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from ocs.database.backend import Backend, PostgresqlBackend
from ocs.database.notifications import Notifications

__all__ = ["Tidings"]


class Tidings:
    """`reactor` reads sockets; `in_thread` runs what blocks."""

    def __init__(self, reactor: Any, in_thread: Callable[..., Deferred[Any]]) -> None:
        self._reactor, self._in_thread = reactor, in_thread
        self._notifications: dict[str, Notifications] = {}

    def listen(self, backend: Backend, channel: str, told: Callable[[], None]) -> Callable[[], bool]:
        """Before the start: call `told()` when this database tells of the channel. What is returned says whether it does at
        present; a database that is no PostgreSQL never does."""
        if not isinstance(backend, PostgresqlBackend):
            return lambda: False
        place = backend.url.render_as_string(hide_password=False)
        one = self._notifications.setdefault(place, Notifications(backend, self._reactor, self._in_thread))
        one.listen(channel, told)
        return lambda: one.up

    def start(self) -> None:
        for one in self._notifications.values():
            one.startService()

    def stop(self) -> Deferred[Any]:
        """Fires when nobody listens any more."""
        return gatherResults([maybeDeferred(one.stopService) for one in self._notifications.values() if one.running])
