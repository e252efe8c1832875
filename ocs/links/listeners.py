"""Several listeners on one link."""
from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from protocols.client import IClientListener
from protocols.errors import RequestRefused
from protocols.message import Message

__all__ = ["ClientListeners"]


@implementer(IClientListener)
class ClientListeners:
    """Tells each of `listeners` (IClientListener) in turn; one that fails does not keep the others from hearing."""

    log = Logger()

    def __init__(self, *listeners: Any) -> None:
        self._listeners = listeners

    def granted(self, client: Any, answer: Message) -> None:
        self._each("granted", client, answer)

    def refused(self, client: Any, error: RequestRefused) -> None:
        self._each("refused", client, error)

    def event(self, client: Any, message: Message) -> None:
        self._each("event", client, message)

    def lost(self, client: Any, reason: str) -> None:
        self._each("lost", client, reason)

    def _each(self, name: str, *args: Any) -> None:
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of {name}", listener=listener, name=name):
                getattr(listener, name)(*args)
