"""The pacing at work, hours of it in virtual time: busier agents than one call each would give, few people who find nobody."""
from __future__ import annotations

from functools import lru_cache

from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.values import AttemptState
from ocs.scheduler.mode_change import Course, change_course, why_not
from ocs.servers.tserver.calls import CallKind
from tests.scenarios.center import Center

LIMIT, SLACK = 0.03, 3      # a few hours end somewhere in the budget's course: so many calls more than the limit, at most
BUSY = ("talk", "wrap")


class Watch:
    """What a center has done since the watch began."""

    def __init__(self, center: Center) -> None:
        self._center = center
        self._seconds = dict(center.floor.account().seconds)
        self._attempts = set(center.store.attempts)

    @property
    def utilisation(self) -> float:
        """Talk and wrap-up over these and the time in which agents wait."""
        now = self._center.floor.account().seconds
        spent = {state: seconds - self._seconds.get(state, 0.0) for state, seconds in now.items()}
        busy = sum(spent[state] for state in BUSY)
        return busy / (busy + spent["ready"] + spent["ringing"])

    @property
    def answered_and_abandoned(self) -> tuple[int, int]:
        """By the results in the store."""
        attempts = [each for guid, each in self._center.store.attempts.items() if guid not in self._attempts]
        abandoned = sum(each.call_result in (CallResult.ABANDONED, CallResult.DROPPED) for each in attempts)
        return abandoned + sum(each.agent_connected_at is not None for each in attempts), abandoned

    def check_limit(self) -> None:
        """Not more were abandoned than the limit allows."""
        answered, abandoned = self.answered_and_abandoned
        assert abandoned <= LIMIT * answered + SLACK, f"{abandoned} of {answered}"


def working(mode: DialingMode) -> Center:
    """The agents are at their desks."""
    center = Center(mode=mode, agents=8, contacts=5_000)
    center.start()
    center.pass_(300.0)
    return center


@lru_cache
def progressive_hours() -> tuple[Center, float]:
    """Half an hour of one call an agent: the center as it is then, and how busy its agents were."""
    center = working(DialingMode.PROGRESSIVE)
    watch = Watch(center)
    center.pass_(1_800.0)
    return center, watch.utilisation


def test_agents_are_far_busier_than_with_one_call_each_and_the_limit_holds() -> None:
    _, progressive = progressive_hours()
    center = working(DialingMode.PREDICTIVE)
    watch = Watch(center)
    center.pass_(3_600.0)
    assert watch.utilisation > progressive + 0.12
    watch.check_limit()
    answered, abandoned = watch.answered_and_abandoned
    assert answered > 240
    budget = center.session.feed.pacer.budget       # it was told the same
    assert budget.abandoned - abandoned in (0, 1) and abs(budget.answered - answered) < 60
    assert any("expected free in" in one.reason for one in center.session.loop.decisions)


def test_progressive_becomes_predictive_with_all_that_was_learned() -> None:
    center, progressive = progressive_hours()
    pacer = center.session.feed.pacer
    learned, answered = pacer.calls.answered, pacer.budget.answered
    assert learned > 50 and not pacer.ready
    course = Course(DialingMode.PREDICTIVE)
    assert why_not(center.session, course) == ""
    change_course(center.session, course)
    center.pass_(2.0)
    assert center.session.feed.pacer is pacer and pacer.ready and pacer.calls.answered >= learned
    watch = Watch(center)
    center.pass_(1_800.0)
    assert watch.utilisation > progressive + 0.1
    watch.check_limit()
    change_course(center.session, Course(DialingMode.PROGRESSIVE))
    center.pass_(60.0)
    calm = Watch(center)
    center.pass_(600.0)
    assert calm.answered_and_abandoned[1] == 0 and pacer.budget.answered > answered
    assert any("ready x 1 less" in one.reason for one in center.session.loop.decisions.latest(50))


def test_a_link_that_is_away_for_half_a_minute_and_agents_who_leave_at_once_do_not_break_the_limit() -> None:
    center = working(DialingMode.PREDICTIVE)
    center.pass_(1_800.0)
    watch = Watch(center)
    center.link.abort()
    center.pass_(30.0)
    assert "no link" in center.session.loop.decisions[-1].reason
    center.link.connect()
    center.pass_(900.0)
    talks = center.session.feed.pacer.agents.talks.seen
    for agent in center.floor.agents[:4]:
        agent.stop(600.0)
    center.pass_(1_800.0)
    watch.check_limit()
    assert center.session.feed.pacer.agents.talks.seen > talks and len(center.session.feed.pacer.agents) == 4
    logged = {call.conn_id for call in center.calls if call.kind is CallKind.OUTBOUND}
    closed = {each.conn_id for each in center.store.attempts.values()
              if each.state is AttemptState.CLOSED and each.dialed_at is not None}
    assert closed <= logged
