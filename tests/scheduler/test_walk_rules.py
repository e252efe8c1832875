"""Whatever happens in whatever order: nobody is dialed more often than a rule allows, and the account counts each call once."""
from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.compliance.calls import category, facts_of_attempt
from ocs.dialing.compliance.periods import Period, PeriodKind
from ocs.dialing.compliance.rules import AbandonRule, AttemptCap, AttemptKey, Category, QuietTime, Rule
from ocs.dialing.results import DialingMode
from ocs.dialing.values import Attempt, AttemptState
from protocols.attributes import KVList
from tests.doubles.switch import Asked
from tests.scheduler.walk import STEPS, World

MOST, WITHIN_S, CONTACT_MOST, QUIET_S = 2, 900.0, 3, 600.0
RULE = Rule("walk", "t", "s", "1", abandon=AbandonRule(0.03, Period(PeriodKind.ROLLING, 86_400.0)),
            caps=(AttemptCap(MOST, WITHIN_S), AttemptCap(CONTACT_MOST, WITHIN_S, AttemptKey.CONTACT)),
            quiet=(QuietTime(frozenset({Category.ABANDONED, Category.MACHINE}), QUIET_S, unless_agent=True),))
_SETTLED = (AttemptState.CLOSED, AttemptState.UNKNOWN)


class RuledWorld(World):
    """A walk under rules about attempts and abandoned calls."""

    def __init__(self, **group: Any) -> None:
        self.ruled_out = 0
        super().__init__(False, calling_list={"rules": (RULE,)}, rules=(RULE,), **group)

    def _asked(self, asked: Asked) -> Deferred[Any]:
        if asked.name == "make_predictive_call" and self.switch.up:
            attempt = self.bench.memory.attempts.get(asked.guid)
            assert attempt is not None
            self._allowed(attempt, quiet=True)
        return super()._asked(asked)

    def _scheduled(self, dn: str, user_data: KVList) -> None:
        super()._scheduled(dn, user_data)
        open_ = [one for one in self.bench.memory.attempts.values() if one.state is AttemptState.OPEN and one.agent_dn == dn]
        for one in open_[-1:]:
            self._allowed(one, quiet=False)

    def _allowed(self, attempt: Attempt, quiet: bool) -> None:
        """By what the database has at the moment of the dial."""
        now = self.bench.clock.wall()
        others = [one for one in self.bench.memory.attempts.values()
                  if one.guid != attempt.guid and one.state is not AttemptState.NOT_DIALED]
        recent = [one for one in others if one.opened_at > now - WITHIN_S]
        assert sum(one.phone == attempt.phone for one in recent) < MOST, "a number is dialed too often"
        assert sum(one.chain_id == attempt.chain_id for one in recent) < CONTACT_MOST, "a contact is dialed too often"
        for one in others if quiet else ():
            kind = category(facts_of_attempt(one), 2.0, RULE.abandon.counted_from) if RULE.abandon else None
            if one.phone == attempt.phone and kind in (Category.ABANDONED, Category.MACHINE):
                assert one.ended_at is None or one.ended_at + QUIET_S <= now, "a number is dialed too soon"

    def check(self) -> None:
        super().check()
        self.ruled_out += sum("by a rule" in reason for reason in self.session.tally.total)
        for reading in self.session.compliance.readings:
            assert reading.counts == dict(self._recounted()), "the account is not what the attempts tell"

    def _recounted(self) -> Counter[Category]:
        """From the attempts, and from what is noted of calls that are not written yet."""
        ledger = self.session.compliance._accounts      # type: ignore[attr-defined]
        (entry,) = ledger._entries.values()
        counts = Counter(kind for _, kind in entry.account._noted.values())
        assert RULE.abandon is not None
        for one in self.bench.memory.attempts.values():
            kind = category(facts_of_attempt(one), 2.0, RULE.abandon.counted_from)
            if one.state in _SETTLED and kind is not None and one.guid not in entry.account._noted:
                counts[kind] += 1
        return counts


@pytest.mark.parametrize("group", [{}, {"mode": DialingMode.PREVIEW}, {"mode": DialingMode.PREDICTIVE, "trunk_group_dn": "6800"}])
@pytest.mark.parametrize("seed", range(5))
def test_a_long_walk_under_rules_breaks_none(group: dict[str, Any], seed: int) -> None:
    rng = random.Random(seed)
    world = RuledWorld(**group)
    try:
        for number in range(400):
            if number % 130 == 129:
                world.crash()
            world.step(rng.choice(STEPS), rng.randrange(100_000))
    finally:
        world.end()
    assert world.dialed or group.get("mode") is DialingMode.PREVIEW


def test_the_walks_do_come_to_what_rules_forbid() -> None:
    rng = random.Random(7)
    world = RuledWorld()
    try:
        for _ in range(400):
            world.step(rng.choice(("time", "time", "agent", "call", "call", "call", "call")), rng.randrange(100_000))
    finally:
        world.end()
    assert world.ruled_out > 0
