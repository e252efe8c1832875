"""The calls that are out: where each is, and when it may be answered.

A call goes from dialed to ringing to its end; where the network does not report ringing, from dialed to its end. Learned are:
how long until a call rings, how many do, how long until one that rings is answered or ends otherwise, how many are answered.
From these follows, for a call of any age, the chance to be answered within a time: answers that must have come by now if the
call were going to be answered speak against it.
"""
from __future__ import annotations

from typing import Hashable

import numpy as np

from ocs.dialing.pacing.ages import AgeCensus, Floats
from ocs.dialing.pacing.durations import Durations, spreads
from ocs.dialing.pacing.hit_ratio import AGES_S, LearnedShare

__all__ = ["CALL_SLOTS", "CallsOut"]

CALL_SLOTS, _WIDTH_S = 160, 0.5
_MEMORY = 2_000.0
_STEPS = 12                     # parts into which the wait for ringing is cut
_LOST_S = 600.0                 # a call of which nothing was heard for so long is forgotten
_TINY = 1e-6


class CallsOut:
    """Calls between dial and result; `dialed` and `ringing` are the vectors in which they are counted by age."""

    def __init__(self, dialed: Floats, ringing: Floats) -> None:
        self._dialed, self._ringing = AgeCensus(dialed, _WIDTH_S), AgeCensus(ringing, _WIDTH_S)
        self._calls: dict[Hashable, tuple[bool, int, float]] = {}       # rings, slot, since
        self._to_ring, self._unrung_answer, self._unrung_end, self._to_answer, self._to_end = (
            Durations(_WIDTH_S, CALL_SLOTS, _MEMORY) for _ in range(5))
        self.ring_share, self.answer_share = LearnedShare(0.9), LearnedShare(0.3)
        self.answered, self.failed, self.decided = 0, 0, 0.0
        self._yet = np.zeros(CALL_SLOTS), np.zeros(CALL_SLOTS)

    def __len__(self) -> int:
        return len(self._calls)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._dialed.advance(now)
        self._ringing.advance(now)
        self.ring_share.advance(now)
        self.answer_share.advance(now)

    def dial(self, now: float, call: Hashable) -> None:
        """The call was placed."""
        if call not in self._calls:
            self._calls[call] = False, self._dialed.enter(now), now
            self.ring_share.trial(now)

    def ring(self, now: float, call: Hashable) -> None:
        """The far end rings."""
        rings, slot, since = self._calls.get(call, (True, 0, 0.0))
        if not rings:
            self._dialed.leave(slot)
            self._to_ring.add(now - since)
            self.ring_share.success(now, since)
            self._calls[call] = True, self._ringing.enter(now), now
            self.answer_share.trial(now)

    def end(self, now: float, call: Hashable, answered: bool) -> bool:
        """The call has its result: a person answered, or not. False if the call is not known."""
        known = self._calls.pop(call, None)
        if known is None:
            return False
        rings, slot, since = known
        (self._ringing if rings else self._dialed).leave(slot)
        if rings:
            (self._to_answer if answered else self._to_end).add(now - since)
            if answered:
                self.answer_share.success(now, since)
        else:
            (self._unrung_answer if answered else self._unrung_end).add(now - since)
        self.answered += answered
        self.failed += not answered
        return True

    def withdraw(self, now: float, call: Hashable) -> bool:
        """The call was not dialed after all, or nobody can say how it ended: it teaches nothing. False if it is not known."""
        known = self._calls.pop(call, None)
        if known is None:
            return False
        rings, slot, since = known
        (self._ringing if rings else self._dialed).leave(slot)
        (self.answer_share if rings else self.ring_share).withdraw(now, since)
        return True

    def forget_lost(self, now: float) -> None:
        """Drop calls of which nothing was heard for ten minutes, so that none is waited for without end."""
        for call, (rings, slot, since) in list(self._calls.items()):
            if now - since > _LOST_S:
                del self._calls[call]
                (self._ringing if rings else self._dialed).leave(slot)

    # -- what follows from it ------------------------------------------------------------------------------------------
    def learn(self) -> None:
        """Take the spreads of durations from what was seen so far."""
        self._ring, self._early, self._late = spreads(self._dialed, self._to_ring, self._unrung_answer, self._unrung_end)
        self._answer, self._rest = spreads(self._ringing, self._to_answer, self._to_end)
        rung = self._to_ring.seen > 0
        self.decided = min(1.0, sum(each.share for each in ((self._answer, self._rest) if rung else (self._early, self._late))))
        self.ring_share.timing(self._ring.by(AGES_S))
        self.answer_share.timing(self._answer.by(AGES_S))

    def answer_delays(self, parts: int) -> Floats:
        """Seconds from dial to answer: the middles of `parts` equal shares of the answers."""
        edges: Floats = np.arange(CALL_SLOTS + 1, dtype=np.float64) * _WIDTH_S
        rung, answered = np.diff(self._ring.by(edges)), np.diff(self._answer.by(edges))
        density = np.convolve(rung, answered)[:CALL_SLOTS] * self._ring.share * self._answer.share
        density += np.diff(self._early.by(edges)) * self._early.share
        cumulated = np.concatenate(([0.0], np.cumsum(density)))
        if cumulated[-1] <= 0.0:
            return np.linspace(5.0, 20.0, parts)
        middles = (np.arange(parts) + 0.5) / parts
        return np.asarray(np.interp(middles, cumulated / cumulated[-1], edges), dtype=np.float64)

    def prepare(self, within_s: Floats) -> None:
        """Work out what does not depend on the shares: chances by age for each of the times `within_s`."""
        ages = self._ringing.ages()
        self._answer_then, self._rest_then = self._answer.by(ages), self._rest.by(ages)
        self._answer_soon = np.stack([self._answer.by(ages + time) for time in within_s]) - self._answer_then
        self._ring_then, self._early_then, self._late_then = (each.by(ages) for each in (self._ring, self._early, self._late))
        self._early_soon = np.stack([self._early.by(ages + time) for time in within_s]) - self._early_then
        self._via_ring = np.stack([self._rings_then_answers(ages, float(time)) for time in within_s])

    def _rings_then_answers(self, ages: Floats, time: float) -> Floats:
        steps = np.linspace(0.0, time, _STEPS + 1)
        rung = np.diff(self._ring.by(ages[:, None] + steps), axis=1)
        return np.asarray(rung @ self._answer.by(time - (steps[1:] + steps[:-1]) / 2))

    def chances(self) -> tuple[Floats, Floats]:
        """The chance to be answered within each of the prepared times, by age: (of dialed calls, of ringing calls)."""
        rings, answers = self.ring_share.value(), self.answer_share.value()
        out = answers * (1 - self._answer_then) + (1 - answers) * (1 - self._rest_then)
        out = np.maximum(out, _TINY)
        ringing, ringing_yet = answers * self._answer_soon / out, answers * (1 - self._answer_then) / out
        others = self._early.share + self._late.share
        early = (1 - rings) * (self._early.share / others if others > 0 else 0.0)
        late = 1 - rings - early
        out = rings * (1 - self._ring_then) + early * (1 - self._early_then) + late * (1 - self._late_then)
        out = np.maximum(out, _TINY)
        dialed = (rings * answers * self._via_ring + early * self._early_soon) / out
        dialed_yet = (rings * answers * (1 - self._ring_then) + early * (1 - self._early_then)) / out
        self._yet = np.clip(dialed_yet, 0.0, 1.0), np.clip(ringing_yet, 0.0, 1.0)
        return np.clip(dialed, 0.0, 1.0), np.clip(ringing, 0.0, 1.0)

    @property
    def hit_ratio(self) -> float:
        """The share of dialed calls that a person answers."""
        others = self._early.share + self._late.share
        unrung = (1.0 - self.ring_share.value()) * (self._early.share / others if others > 0 else 0.0)
        return self.ring_share.value() * self.answer_share.value() + unrung

    @property
    def failure_s(self) -> float:
        """The mean time from dial to an end without a person."""
        rung = self.ring_share.value() * (1.0 - self.answer_share.value())
        unrung = (1.0 - self.ring_share.value()) * self._late.share / max(_TINY, self._early.share + self._late.share)
        mean = rung * (self._ring.mean_s + self._rest.mean_s) + unrung * self._late.mean_s
        return mean / max(_TINY, rung + unrung)

    def chances_out(self) -> dict[Hashable, float]:
        """The chance of each call that is out to be answered yet, 0 to 1."""
        (dialed, ringing), (young, rung) = self._yet, (self._dialed, self._ringing)
        return {call: float(ringing[rung.place(slot)] if rings else dialed[young.place(slot)])
                for call, (rings, slot, _) in self._calls.items()}

    @property
    def doubt(self) -> float:
        """Relative variance of the hit ratio, from the number of calls it rests on."""
        return self.ring_share.doubt + self.answer_share.doubt
