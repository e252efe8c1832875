"""Timers and answers that belong to a state: both end when the state is left.

An episode is the time between two steps of a machine. What was begun in one is dropped in the next.
"""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from protocols.errors import ProtocolError

__all__ = ["Episodes"]


class Episodes:
    """One timer of the state, named timers of the whole shift, and answers that are heard in their own episode only."""

    log = Logger()

    def __init__(self, clock: IReactorTime, owner: str) -> None:
        self._clock, self._owner = clock, owner
        self._number = 0
        self._timer: IDelayedCall | None = None
        self._shift: dict[str, IDelayedCall] = {}

    @property
    def waiting(self) -> bool:
        """True while the state's timer runs."""
        return self._timer is not None

    def next(self) -> None:
        """The episode ends: its timer is cancelled, its answers will be ignored."""
        self._number += 1
        self._cancel()

    def end(self) -> None:
        """Everything ends."""
        self.next()
        for timer in self._shift.values():
            timer.cancel()
        self._shift.clear()

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Do this, and nothing that was planned before, unless the episode ends first."""
        self._cancel()
        self._timer = self._clock.callLater(delay_s, self._fire, call)

    def in_shift(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        """Do this whatever happens until `end`; nothing changes if it is planned already."""
        if name not in self._shift:
            self._shift[name] = self._clock.callLater(delay_s, self._fire_in_shift, name, call)

    def hear(self, asked: Deferred[Any], answered: Callable[[Any], None],
             failed: Callable[[ProtocolError], None]) -> None:
        """Go on with the answer or with the reason why there is none, in this episode only."""
        number = self._number

        def on_answer(answer: Any) -> None:
            if number == self._number:
                answered(answer)

        def on_failure(failure: Failure) -> None:
            failure.trap(ProtocolError)
            if number == self._number:
                failed(failure.value)       # type: ignore[arg-type]

        asked.addCallbacks(on_answer, on_failure)
        asked.addErrback(self.bug)

    def in_passing(self, asked: Deferred[Any]) -> Deferred[None]:
        """A request whose answer changes nothing; fires when it is over, whatever came of it."""
        asked.addCallbacks(lambda _: None, lambda failure: failure.trap(ProtocolError) and None)
        return asked.addErrback(self.bug)

    def bug(self, failure: Failure) -> None:
        """What should not happen is logged and goes no further."""
        self.log.failure("{owner} stumbles", failure, owner=self._owner)

    def _fire(self, call: Callable[[], None]) -> None:
        self._timer = None
        call()

    def _fire_in_shift(self, name: str, call: Callable[[], None]) -> None:
        del self._shift[name]
        call()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
