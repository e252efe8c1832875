"""Campaign groups that dial for the same agents: each agent counts for one of them."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.assignment import AssignmentRules
from ocs.dialing.campaign import CallbackDialing, CallingList
from ocs.dialing.results import DialingMode, RecordType
from ocs.errors import WrongState
from ocs.scheduler.session import DialingSession
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import DNS, Bench, record


def two(first: Any = AssignmentRules(), second: Any = AssignmentRules(), assigned: bool = True, **both: Any
        ) -> tuple[Bench, DialingSession]:
    """Groups spring and autumn with the same agents; spring is the bench's own."""
    made = Bench(agent_assignment=assigned, assignment=first, **both)
    made.memory.add_list("autumn", [record(number) for number in range(101, 121)])
    other = replace(made.group, campaign="autumn", campaign_dbid=2, dbid=2, assignment=second,
                    lists=(CallingList("autumn", 2, 3),), agent_assignment=True)
    made.engine.add(other)
    autumn = made.engine.sessions[other.name]
    made.wait(autumn.load())
    return made, autumn


def shares(made: Bench) -> tuple[int, int]:
    """Dials of spring and of autumn."""
    autumn = sum(number > "+12125550100" for number in made.switch.numbers)
    return len(made.switch.numbers) - autumn, autumn


def test_without_assignment_the_second_start_is_refused() -> None:
    made, autumn = two(assigned=False)
    with pytest.raises(WrongState, match="spring@sales is dialed for the same agents"):
        autumn.start()


@pytest.mark.parametrize("first, second, dials", [
    (AssignmentRules(), AssignmentRules(), (2, 2)),
    (AssignmentRules(priority=2), AssignmentRules(), (4, 0)),
    (AssignmentRules(priority=2, maximum=1), AssignmentRules(), (1, 3)),
    (AssignmentRules(maximum=1), AssignmentRules(maximum=2), (1, 2))])
def test_each_agent_counts_for_one_group(first: AssignmentRules, second: AssignmentRules, dials: tuple[int, int]) -> None:
    made, autumn = two(first, second)
    autumn.start()
    made.ready(*DNS)
    made.pass_(3.0)
    assert shares(made) == dials


def test_agents_of_a_group_that_is_paused_go_elsewhere_and_come_back_after_their_calls() -> None:
    made, autumn = two(AssignmentRules(priority=2))
    autumn.start()
    made.ready("7001", "7002")
    made.pass_(2.0)
    made.talk("7001", made.switch.dialed[0])
    made.switch.over(made.switch.dialed[1].conn_id, call_state=6)
    made.session.pause()
    made.pass_(3.0)
    assert shares(made)[1] == 1         # 7001 is on a call of spring
    made.session.resume()
    made.pass_(3.0)
    assert made.context.has_agent(made.session, "7001") and made.context.has_agent(made.session, "7002")


@pytest.mark.parametrize("leave_s, moved", [(30.0, True), (None, False)])
def test_agents_of_a_group_without_records_go_elsewhere_after_a_while_where_that_is_wanted(leave_s: float | None,
                                                                                           moved: bool) -> None:
    made, autumn = two(AssignmentRules(priority=2, leave_records_s=leave_s), records=[record(1)])
    autumn.start()
    made.ready("7001")
    made.pass_(2.0)
    made.switch.over(made.switch.dialed[0].conn_id, call_state=11)
    made.pass_(20.0)
    assert shares(made) == (1, 0)
    made.pass_(25.0)
    assert shares(made) == (1, 1 if moved else 0)


def test_a_callback_for_anybody_goes_to_an_agent_whom_the_group_has() -> None:
    due = record(1, record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=int(VirtualClock().wall()) + 20)
    made, autumn = two(AssignmentRules(), AssignmentRules(priority=2), records=[due], predictive_callback=CallbackDialing.PREVIEW)
    autumn.start()
    made.ready("7001")
    made.pass_(60.0)
    made.switch.over(made.switch.dialed[0].conn_id, call_state=6)
    made.pass_(1.0)
    assert not any(event.name == "ScheduledCall" for _, event in made.heard)
    autumn.pause()
    made.switch.over(made.switch.dialed[-1].conn_id, call_state=6)
    made.pass_(60.0)
    assert any(event.name == "ScheduledCall" for _, event in made.heard)


def test_predictive_groups_pace_by_their_own_agents_only() -> None:
    made, autumn = two(AssignmentRules(maximum=3), AssignmentRules(maximum=1), mode=DialingMode.PREDICTIVE)
    autumn.start()
    made.ready(*DNS)
    made.pass_(3.0)
    assert len(made.session.feed.pacer.agents) == 3 and len(autumn.feed.pacer.agents) == 1
    autumn.stop()
    made.wait(autumn.force_unload())
    made.pass_(3.0)
    assert len(made.session.feed.pacer.agents) == 3
