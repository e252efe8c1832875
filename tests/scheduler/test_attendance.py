"""Agents who leave a campaign: nobody is dialed for them, and they do not wait for ever."""
from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.campaign import CallbackDialing
from ocs.dialing.results import DialingMode
from tests.scheduler.bench import Bench, agent_of, record


def busy(**group: object) -> Bench:
    """Three agents, two calls for each."""
    bench = Bench([record(n) for n in range(1, 40)], multiplier=2.0, **group)       # type: ignore[arg-type]
    bench.ready("7001", "7002", "7003")
    assert bench.session.under_way == 6
    return bench


def leaving(bench: Bench, dn: str = "7001") -> list[bool]:
    told: list[bool] = []
    asked: Deferred[bool] = bench.session.attendance.leave(dn)
    asked.addCallback(told.append)
    return told


def test_who_leaves_counts_no_longer_and_goes_when_the_calls_suffice_for_the_others() -> None:
    bench = busy()
    told = leaving(bench)
    assert told == [] and bench.session.attendance.wait_s() == 60
    for asked in bench.switch.dialed[:2]:
        bench.switch.over(asked.conn_id, call_state=7)
    bench.pass_(0)
    assert told == [True] and bench.session.under_way == 4
    bench.pass_(30)
    assert bench.session.callbacks.agents_for_calls() == 2


def test_where_more_calls_are_dialed_than_agents_are_there_the_wait_ends_when_those_of_before_must_be_over() -> None:
    bench = busy()
    bench.session.group = replace(bench.session.group, multiplier=0.1)      # as where a pacer dials ahead
    told = leaving(bench)
    bench.pass_(59)
    assert told == [] and bench.session.under_way == 6
    bench.pass_(2)
    assert told == [True]


def test_an_agent_who_is_not_free_goes_at_once() -> None:
    bench = busy()
    bench.switch.agent(AgentEventKind.NOT_READY, "7001", agent_of("7001"))
    assert leaving(bench) == [True]


def test_it_is_of_the_agent_and_not_of_the_desk() -> None:
    bench = busy()
    leaving(bench)
    bench.switch.agent(AgentEventKind.LOGIN, "7001", "2001")
    assert not bench.session.attendance.is_leaving("7001")


def test_a_callback_is_not_delivered_to_who_leaves() -> None:
    bench = Bench([record(n) for n in range(1, 4)], mode=DialingMode.PREVIEW, predictive_callback=CallbackDialing.PREVIEW)
    bench.ready("7001")
    assert leaving(bench) == [True] and not bench.session.attendance.takes_records("7001")
    bench.session.attendance.begin_previews("7001")
    assert bench.session.attendance.takes_records("7001")


def test_after_the_unload_everybody_begins_anew() -> None:
    bench = busy()
    told = leaving(bench)
    bench.session.force_unload()
    bench.pass_(1)
    assert told == [True]
    bench.unloaded()
    bench.begin()
    assert not bench.session.attendance.is_leaving("7001")
