"""Several sessions on one trunk group."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.dialing.campaign import AgentGroup, CallingList
from ocs.dialing.results import DialingMode
from tests.scheduler.bench import TRUNK, Bench, record

DNS = tuple(str(7001 + number) for number in range(12))


def two(lines: int, own: dict[str, Any] | None = None, **both: Any) -> Bench:
    """Spring has 8 agents, autumn 4, on a trunk group with so many lines; all are ready. `own` are values of spring alone."""
    made = Bench([record(number) for number in range(1, 60)], dns=DNS[:8], trunk_group_dn=TRUNK, **{**both, **(own or {})})
    made.switch.lines[TRUNK] = lines, 0
    made.memory.add_list("autumn", [record(number) for number in range(101, 160)])
    other = replace(made.group, campaign="autumn", campaign_dbid=2, dbid=2, maximum_ports=0,
                    group=AgentGroup("service", 2, (), DNS[8:]), lists=(CallingList("autumn", 2, 3),))
    made.engine.add(other)
    autumn = made.engine.sessions[other.name]
    made.wait(autumn.load())
    autumn.start()
    made.ready(*DNS)
    made.pass_(3.0)
    return made


def dials(made: Bench) -> tuple[int, int]:
    """Of spring and of autumn."""
    autumn = sum(number > "+12125550100" for number in made.switch.numbers)
    return len(made.switch.numbers) - autumn, autumn


def test_while_there_are_enough_lines_each_dials_what_it_wants() -> None:
    assert dials(two(100)) == (8, 4)


def test_scarce_lines_are_shared_by_need() -> None:
    made = two(9, mode=DialingMode.PREDICTIVE)
    for held in list(made.session.calls):
        assert held.call is not None
        made.switch.over(held.call.conn_id, call_state=7)
        made.pass_(0)
    made.pass_(3.0)
    in_use = {name: len(session.calls) for name, session in made.engine.sessions.items()}
    assert in_use == {"spring@sales": 6, "autumn@service": 3}


def test_ports_of_its_own_are_not_shared_and_the_lines_end_somewhere() -> None:
    made = two(9, own={"maximum_ports": 7})
    assert sum(dials(made)) == 9 and made.context.line_share(made.session, TRUNK, 9) is None
