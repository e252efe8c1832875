"""Telling one service of processed chains: at least once each, in order per chain, whatever the service does meanwhile.

Notices of one chain form a lane; a lane sends one at a time, several lanes at once. No answer, or one that speaks of the
service and not of the notice (408, 425, 429, 502, 503, 504), means that the service is away: everything pauses for a time
that doubles up to a bound, then one lane tries alone until it gets through. Any other answer but 2xx refuses the notice:
its lane waits and tries again, and after `retry_max_attempts` the notice is given up, so that it holds up no later one.
"""
from __future__ import annotations

from collections import Counter, OrderedDict, deque
from enum import Enum
from typing import Any, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.dialing.contact import Notice
from ocs.links.back_off import BackOff
from ocs.links.http import Answer
from protocols.errors import ProtocolError

__all__ = ["AWAY_STATUSES", "Outcome", "Outlet"]

AWAY_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
Lane = tuple[str, int]      # calling list, chain


class Outcome(Enum):
    """What became of one sending; the value is what people read."""
    TOLD = "told"
    REFUSED = "refused"
    AWAY = "no answer"
    GIVEN_UP = "given up"


class Outlet:
    """One service. `send` posts a notice; `settled` is told, once, of each that is done with (told or given up)."""

    log = Logger()

    def __init__(self, name: str, send: Callable[[Notice], Deferred[Answer]], settled: Callable[[Notice, Outcome], None],
                 clock: IClock, back_off: Callable[[], BackOff], parallel: int, retry_max_attempts: int) -> None:
        self.name, self._send, self._settled, self._clock = name, send, settled, clock
        self._new_back_off, self._pause = back_off, back_off()
        self._parallel, self._attempts_limit = parallel, retry_max_attempts
        self._lanes: dict[Lane, deque[Notice]] = {}
        self._ready: OrderedDict[Lane, None] = OrderedDict()        # lanes whose turn it is, in order
        self._under_way: dict[Lane, Deferred[Any]] = {}
        self._refused: dict[Lane, tuple[int, BackOff]] = {}         # how often the lane's first notice was refused
        self._timers: dict[Lane | None, IDelayedCall] = {}          # waits of lanes; None: everybody's
        self._stopped = False
        self.counts: Counter[Outcome] = Counter()

    @property
    def waiting(self) -> int:
        """Notices that are not done with."""
        return sum(map(len, self._lanes.values()))

    @property
    def away(self) -> bool:
        """True from the first unanswered notice until one gets through."""
        return self._pause.failures > 0

    def put(self, notice: Notice) -> None:
        """Tell of this, after what was put for the same chain before."""
        lane = notice.calling_list, notice.chain_id
        waiting = self._lanes.setdefault(lane, deque())
        waiting.append(notice)
        if len(waiting) == 1:
            self._ready[lane] = None
            self._go_on()

    def stop(self) -> None:
        """Send nothing any more, and give up what is under way."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for asked in tuple(self._under_way.values()):
            asked.cancel()

    def _go_on(self) -> None:
        """Send for as many lanes as may: one alone while the service is away, none during a pause."""
        while not self._stopped and self._ready and None not in self._timers:
            if len(self._under_way) >= (1 if self.away else self._parallel):
                return
            lane, _ = self._ready.popitem(last=False)
            self._start(lane)

    def _start(self, lane: Lane) -> None:
        notice = self._lanes[lane][0]
        self._under_way[lane] = asked = self._send(notice)
        asked.addCallbacks(self._judged, self._unanswered).addCallback(self._ended, lane)
        asked.addErrback(lambda failure: self.log.failure("telling {service}", failure, service=self.name))

    def _judged(self, answer: Answer) -> tuple[Outcome, str, float]:
        if answer.done:
            return Outcome.TOLD, "", 0.0
        outcome = Outcome.AWAY if answer.status in AWAY_STATUSES else Outcome.REFUSED
        return outcome, f"status {answer.status}", answer.retry_after_s or 0.0

    def _unanswered(self, failure: Failure) -> tuple[Outcome, str, float]:
        failure.trap(ProtocolError, CancelledError)
        return Outcome.AWAY, failure.getErrorMessage(), 0.0

    def _ended(self, judged: tuple[Outcome, str, float], lane: Lane) -> None:
        outcome, reason, asked_wait_s = judged
        del self._under_way[lane]
        if self._stopped:
            return
        self.counts[outcome] += 1
        if outcome is Outcome.AWAY:
            self._back_away(lane, reason, asked_wait_s)
        else:
            self._got_through()
            if outcome is Outcome.TOLD:
                self._done(lane, outcome)
            else:
                self._again_or_not(lane, reason)
        self._go_on()

    def _back_away(self, lane: Lane, reason: str, asked_wait_s: float) -> None:
        self._ready[lane] = None        # behind the others: one that breaks the service each time must not hold them up
        if None in self._timers:
            return          # sent before the pause; its end is everybody's
        first = not self.away
        wait_s = min(max(self._pause.next_delay(), asked_wait_s), self._pause.longest_s * 1.25)
        self._timers[None] = self._clock.callLater(wait_s, self._wait_over, None)
        tell = self.log.warn if first else self.log.debug
        tell("{service} is away, {count} notifications wait, next try in {wait_s:.1f} s: {reason}", service=self.name,
             count=self.waiting, wait_s=wait_s, reason=reason)

    def _got_through(self) -> None:
        if self.away:
            self._pause.granted()
            self.log.info("{service} answers again, {count} notifications wait", service=self.name, count=self.waiting)

    def _again_or_not(self, lane: Lane, reason: str) -> None:
        times, back_off = self._refused.get(lane, (0, None))
        back_off = back_off or self._new_back_off()
        if times + 1 < self._attempts_limit:
            self._refused[lane] = times + 1, back_off
            self._timers[lane] = self._clock.callLater(back_off.next_delay(), self._wait_over, lane)
            return
        self.log.error("{service} refuses the notification of chain {chain_id} of {calling_list} for good: {reason}",
                       service=self.name, calling_list=lane[0], chain_id=lane[1], reason=reason)
        self.counts[Outcome.GIVEN_UP] += 1
        self._done(lane, Outcome.GIVEN_UP)

    def _done(self, lane: Lane, outcome: Outcome) -> None:
        self._refused.pop(lane, None)
        waiting = self._lanes[lane]
        notice = waiting.popleft()
        if waiting:
            self._ready[lane] = None
        else:
            del self._lanes[lane]
        self._settled(notice, outcome)

    def _wait_over(self, lane: Lane | None) -> None:
        del self._timers[lane]
        if lane is not None:
            self._ready[lane] = None
        self._go_on()
