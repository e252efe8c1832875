"""The agents: who is idle, and when the others will be.

Learned are the lengths of talk and of wrap-up, the share of agents who go on working after a call (the others take a break or
leave), and how soon those who are away come back, after a break and after a shift. Of a talk little can be foretold from its
age; of a wrap-up a good deal.

A switch that ends an agent's call says that the agent is ready, and at the same moment that there is work to do after the call.
Who is ready for no longer than that has not been ready: otherwise every second wrap-up would seem to take no time.
"""
from __future__ import annotations

from enum import Enum
from typing import Hashable

import numpy as np

from ocs.dialing.pacing.absence import Absence
from ocs.dialing.pacing.ages import AgeCensus, Floats
from ocs.dialing.pacing.durations import Durations, spreads
from ocs.dialing.pacing.staying import Staying

__all__ = ["AWAY_KINDS", "Activity", "Agents", "TALK_SLOTS", "WRAP_SLOTS"]

TALK_SLOTS, _TALK_WIDTH_S = 360, 5.0
WRAP_SLOTS, _WRAP_WIDTH_S = 240, 1.0
AWAY_KINDS = 2                  # breaks, and ends of shifts
_MEMORY = 2_000.0
_STEPS = 8
_BREAKS_S, _SHIFTS_S = 20_000.0, 100_000.0      # agent-seconds away that are remembered,
_BREAK_S, _SHIFT_S = 3_000.0, 30_000.0          # and mean seconds away that are believed at first
_BLINK_S = 0.5                  # ready between a talk and its wrap-up for less: a switch that says one after the other
_TINY = 1e-4


class Activity(Enum):
    """What an agent does, for pacing."""
    READY = "ready"
    TALK = "talk"
    WRAP = "wrap"
    AWAY = "away"               # break, other work, logged out


class Agents:
    """All agents of a group; `talking` and `wrapping` are the vectors in which they are counted by age, `away` has a place for
    those on a break and one for those whose shift is over."""

    def __init__(self, talking: Floats, wrapping: Floats, away: Floats) -> None:
        self._talking, self._wrapping = AgeCensus(talking, _TALK_WIDTH_S), AgeCensus(wrapping, _WRAP_WIDTH_S)
        self._breaks, self._shifts = Absence(away[:1], _BREAKS_S, _BREAK_S), Absence(away[1:], _SHIFTS_S, _SHIFT_S)
        self._away: dict[Hashable, Absence] = {}
        # activity, slot, since (None: teaches nothing)
        self._agents: dict[Hashable, tuple[Activity, int, float | None]] = {}
        self._from_talk: dict[Hashable, float] = {}     # ready agents who come from a talk, since: perhaps for a blink
        self.talks, self.wraps = Durations(_TALK_WIDTH_S, TALK_SLOTS, _MEMORY), Durations(_WRAP_WIDTH_S, WRAP_SLOTS, _MEMORY)
        self.idle, self.handle_s, self._staying = 0, 0.0, Staying()

    def __len__(self) -> int:
        return len(self._agents)

    @property
    def stay(self) -> float:
        """The share of agents, 0 to 1, who go on working after a call."""
        return self._staying.share

    @property
    def present(self) -> int:
        """Agents who are not away."""
        return len(self._agents) - len(self._away)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._talking.advance(now)
        self._wrapping.advance(now)

    def change(self, now: float, agent: Hashable, activity: Activity, since: float | None = None) -> None:
        """The agent does this now. What an agent did before the first report is not known; where that says `since` when it
        began, its age counts, but its length teaches nothing: of what one finds under way the long ones are too many."""
        known, age_s = self._agents.get(agent), 0.0
        learned: float | None = now
        if known is not None:
            if known[0] is activity:
                return
            self._leave(now, agent, activity)
        elif since is not None and since < now:
            age_s, learned = now - since, None
        slot = 0
        if activity is Activity.READY:
            self.idle += 1
        elif activity is Activity.TALK:
            slot = self._talking.enter(now, age_s)
        elif activity is Activity.WRAP:
            slot = self._wrapping.enter(now, age_s)
        else:
            kind = self._away[agent] = self._shifts if self._staying.shift_ends else self._breaks
            kind.leave(now)
        self._agents[agent] = activity, slot, learned

    def _leave(self, now: float, agent: Hashable, activity: Activity) -> None:
        before, slot, since = self._agents[agent]
        if before is Activity.READY:
            self.idle -= 1
            ready = self._from_talk.pop(agent, None)
            if ready is not None and (activity is not Activity.WRAP or now - ready >= _BLINK_S):
                self.wraps.add(0.0)
                self._staying.saw(True)
        elif before is Activity.TALK:
            self._talking.leave(slot)
            if since is not None:
                self.talks.add(now - since)
            if activity is Activity.READY:
                self._from_talk[agent] = now
            elif activity is Activity.AWAY:
                self.wraps.add(0.0)
        elif before is Activity.WRAP:
            self._wrapping.leave(slot)
            if since is not None:
                self.wraps.add(now - since)
        else:
            self._away.pop(agent).back(now)
        if activity is Activity.AWAY or activity is Activity.READY and before is Activity.WRAP:
            self._staying.saw(activity is Activity.READY)

    def forget(self, now: float, agent: Hashable) -> None:
        """The agent no longer belongs to the group."""
        if agent in self._agents:
            self.change(now, agent, Activity.AWAY)
            self._away.pop(agent).drop(now)
            del self._agents[agent]

    def prepare(self, within_s: Floats) -> None:
        """Work out the chances to become free within each of the times, by age, of those who stay."""
        talk, = spreads(self._talking, self.talks)
        wrap, = spreads(self._wrapping, self.wraps)
        self.handle_s = talk.mean_up_to(TALK_SLOTS * _TALK_WIDTH_S) + wrap.mean_up_to(WRAP_SLOTS * _WRAP_WIDTH_S)
        talk_share, wrap_share = min(talk.share, 1.0), min(wrap.share, 1.0)
        ages = self._wrapping.ages()
        done = wrap_share * wrap.by(ages)
        self._wrap_free = np.stack([wrap_share * wrap.by(ages + time) - done for time in within_s]) / np.maximum(1 - done, _TINY)
        ages = self._talking.ages()
        rest = np.maximum(1 - talk_share * talk.by(ages), _TINY)
        rows = []
        for time in within_s:
            steps = np.linspace(0.0, float(time), _STEPS + 1)
            ended = np.diff(talk_share * talk.by(ages[:, None] + steps), axis=1)
            rows.append(ended @ (wrap_share * wrap.by(time - (steps[1:] + steps[:-1]) / 2)) / rest)
        self._talk_free = np.stack(rows)
        self._back = np.stack([self._breaks.within(within_s), self._shifts.within(within_s)], axis=1)

    def chances(self) -> tuple[Floats, Floats, Floats]:
        """The chance to be idle within each of the prepared times, by age: (of talkers, of those in wrap-up, of those away)."""
        return np.clip(self._talk_free * self.stay, 0.0, 1.0), np.clip(self._wrap_free * self.stay, 0.0, 1.0), self._back
