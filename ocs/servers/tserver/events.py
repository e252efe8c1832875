"""Events: stamped with time and sequence number, told to whoever is registered on the DN, after the step that caused them.

Nothing is sent from the middle of a step: events wait in the order of their making until the step is done (`flush`), so a
client that answers at once meets a consistent switch.
"""
from __future__ import annotations

from collections import deque
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, TypeVar

from twisted.logger import Logger

from ocs.clock import IClock
from protocols.tserver.messages import Message

if TYPE_CHECKING:
    from ocs.servers.tserver.directory import DN
    from ocs.servers.tserver.sessions import ClientSession

__all__ = ["Asker", "EventStream", "step"]

Method = TypeVar("Method", bound=Callable[..., Any])


class Asker(NamedTuple):
    """Who asked for what follows: its reference id goes into the direct answer, and only there."""

    session: ClientSession
    reference_id: int


class EventStream:
    """All events of the server, in one order."""

    log = Logger()

    def __init__(self, clock: IClock) -> None:
        self._clock = clock
        self._sequence = 0
        self.before_flush: Callable[[], None] = _nothing     # called at the end of each step, before clients hear of it
        self._outbox: deque[tuple[ClientSession, Message]] = deque()
        self._flushing = False

    def tell(self, dn: DN, name: str, attributes: Mapping[str, Any], asker: Asker | None = None) -> None:
        """Tell every client registered on the DN that wants events of this name, and whoever asked; the asker's copy carries
        its reference id."""
        if not dn.clients and asker is None:
            return
        stamped = self._stamp(attributes)
        if dn.clients:
            shared = Message(name, 0, stamped)
            for session in dn.clients:
                if (asker is None or session is not asker.session) and session.hears(name):
                    self._outbox.append((session, shared))
        if asker is not None:
            self._outbox.append((asker.session, Message(name, asker.reference_id, stamped)))

    def answer(self, asker: Asker, name: str, attributes: Mapping[str, Any]) -> None:
        """Answer one client; nobody else hears it."""
        self._outbox.append((asker.session, Message(name, asker.reference_id, self._stamp(attributes))))

    def flush(self) -> None:
        """Send what has been told. A client that calls back in gets its events behind those that wait."""
        self.before_flush()
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._outbox:
                session, message = self._outbox.popleft()
                try:
                    session.deliver(message)
                except Exception:
                    self.log.failure("telling {client} of {name}", client=session.application, name=message.name)
        finally:
            self._flushing = False

    def _stamp(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        microseconds = int(self._clock.wall() * 1_000_000)
        return {**attributes, "EventSequenceNumber": self._sequence, "TimeinSecs": microseconds // 1_000_000,
                "TimeinuSecs": microseconds % 1_000_000}


def _nothing() -> None:
    """Nobody wants to know."""


def step(method: Method) -> Method:
    """A method by which the world gets in (a request, a driver's report, a timer): events go out when it is done."""
    @wraps(method)
    def stepped(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        finally:
            self.events.flush()
    return stepped  # type: ignore[return-value]
