"""One campaign group on two switches, and what trunk groups have for all who dial from them."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.dialing.call import SwitchEvent
from ocs.dialing.campaign import AgentGroup, Place
from ocs.dialing.results import CallResult, DialingMode
from ocs.dialing.session import Condition
from tests.scheduler.bench import QUEUE, TRUNK, Bench, record

EAST = f"{QUEUE}@east"
DNS = ("7001", "7002", "7001@east", "7002@east")


def two_switches(**values: Any) -> Bench:
    return Bench(dns=DNS, **{"elsewhere": (Place(EAST),), **values})


def origins(bench: Bench) -> list[str]:
    return [asked.dn for asked in bench.switch.dialed]


# -- where a call is placed -------------------------------------------------------------------------------------------
def test_a_call_is_placed_on_the_switch_where_an_agent_waits() -> None:
    bench = two_switches()
    bench.ready("7001@east")
    bench.ready("7001", "7002")
    bench.ready("7002@east")
    assert sorted(origins(bench)) == [QUEUE, QUEUE, EAST, EAST] and origins(bench)[0] == EAST
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    bench.pass_(0)
    assert origins(bench)[4:] == [EAST]


def test_an_answered_call_at_a_trunk_group_goes_to_the_queue_of_its_switch() -> None:
    bench = two_switches(trunk_group_dn=TRUNK, elsewhere=(Place(EAST, f"{TRUNK}@east"),))
    bench.ready("7001@east")
    asked, = bench.switch.dialed
    assert asked.dn == f"{TRUNK}@east"
    bench.switch.call_event(SwitchEvent.ESTABLISHED, asked.conn_id, asked.dn)
    bench.pass_(0)
    moved, = bench.switch.of("transfer_call")
    assert (moved.dn, moved.destination) == (f"{TRUNK}@east", EAST)


def test_all_dns_of_both_switches_are_watched() -> None:
    bench = two_switches(trunk_group_dn=TRUNK, elsewhere=(Place(EAST, f"{TRUNK}@east"),))
    assert {*DNS, QUEUE, TRUNK, EAST, f"{TRUNK}@east"} <= set(bench.switch.watched)


# -- a switch that is away --------------------------------------------------------------------------------------------
def test_one_switch_away_the_other_dials_on() -> None:
    bench = two_switches()
    bench.ready("7001", "7001@east")
    assert sorted(origins(bench)) == [QUEUE, EAST]
    bench.switch.lose("east")
    here = next(asked for asked in bench.switch.dialed if asked.dn == QUEUE)
    bench.switch.over(here.conn_id, call_state=7)
    bench.pass_(5)
    assert bench.session.may_dial and origins(bench)[2:] == [QUEUE]


def test_a_session_on_one_switch_does_not_mind_what_becomes_of_another() -> None:
    bench = Bench()
    bench.switch.lose("east")
    assert bench.session.may_dial
    bench = Bench(dns=("7001@east",), voice_transfer_destination=EAST)
    bench.switch.lose("east")
    bench.pass_(2)
    assert not bench.session.may_dial and bench.session.why_not == "no link to the T-Server east"
    assert bench.session.loop.condition is Condition.SYSTEM_ERROR


def test_a_preview_campaign_goes_on_while_any_agents_switch_is_there() -> None:
    bench = two_switches(mode=DialingMode.PREVIEW, elsewhere=(), voice_transfer_destination="")
    bench.switch.lose("east")
    assert bench.session.may_dial
    bench.switch.lose("")
    assert not bench.session.may_dial


def test_a_switch_that_comes_back_ends_only_calls_of_its_own_that_it_no_longer_has() -> None:
    bench = two_switches()
    bench.ready("7001", "7001@east")
    there = next(asked for asked in bench.switch.dialed if asked.dn == EAST)
    bench.switch.lose("east")
    del bench.switch.calls[there.conn_id]
    bench.pass_(3)
    assert len(bench.session.calls) == 2
    bench.switch.regain("east")
    bench.pass_(0)
    assert [held.call.origin_dn for held in bench.session.calls if held.call is not None] == [QUEUE]
    assert bench.session.results == {CallResult.UNKNOWN: 1}


def test_a_call_waits_for_its_own_switch_beyond_its_lease_and_no_longer_for_another() -> None:
    bench = two_switches()
    bench.ready("7001", "7001@east")
    bench.switch.lose("east")
    bench.pass_(200)
    assert EAST in {held.call.origin_dn for held in bench.session.calls if held.call is not None}
    assert {asked.dn for asked in bench.switch.of("release_call")} == {QUEUE}       # the other one's lease is over


# -- lines ------------------------------------------------------------------------------------------------------------
def test_no_more_calls_are_placed_than_the_trunk_group_has_lines() -> None:
    bench = Bench(trunk_group_dn=TRUNK, multiplier=3.0, running=False)
    bench.switch.lines[TRUNK] = 4, 0
    bench.up()
    bench.begin()
    bench.ready("7001", "7002")
    bench.pass_(20)
    assert len(bench.switch.dialed) == 4 and bench.session.loop.condition is Condition.WAITING_PORTS
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    bench.pass_(1)
    assert len(bench.switch.dialed) == 5


def test_all_sessions_on_a_trunk_group_share_its_lines() -> None:
    bench = Bench([record(n) for n in range(1, 40)], trunk_group_dn=TRUNK, multiplier=4.0, dns=("7001", "7002"))
    bench.switch.lines[TRUNK] = 5, 0
    others = AgentGroup("others", 2, (), ("7003",))
    bench.engine.add(replace(bench.group, campaign="winter", campaign_dbid=2, dbid=2, group=others))
    second = bench.engine.sessions["winter@others"]
    bench.wait(second.load())
    second.start()
    bench.ready("7003", "7001", "7002")
    bench.pass_(20)
    assert (len(second.calls), len(bench.session.calls), len(bench.switch.dialed)) == (4, 1, 5)
    assert bench.session.loop.condition is Condition.WAITING_PORTS


def test_where_a_trunk_group_tells_no_lines_or_there_is_none_only_the_groups_own_limit_counts() -> None:
    for values in ({"trunk_group_dn": TRUNK}, {}):
        bench = Bench(multiplier=3.0, maximum_ports=5, **values)
        bench.switch.lines[QUEUE] = 1, 1
        bench.ready("7001", "7002")
        bench.pass_(20)
        assert len(bench.switch.dialed) == 5
