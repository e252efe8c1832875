"""Campaign callbacks: when they are dialed, and which agent gets them."""
from __future__ import annotations

from dataclasses import replace

import pytest

from ocs.dialing.agent import Agent, AgentEventKind
from ocs.dialing.call import SwitchEvent
from ocs.dialing.campaign import CallbackDialing, CallbackDistribution
from ocs.dialing.results import DialingMode
from ocs.dialing.shares import TypePriorities
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType
from tests.scheduler.bench import PREVIEW, Bench, record
from tests.scheduler.callback_desk import (
    CAMPAIGN,
    GENERAL,
    NOW,
    OPTIONS,
    campaign,
    delivered,
    desk,
    handle_of,
    personal,
)


def test_a_campaign_callback_that_is_due_goes_before_the_records_in_the_buffer():
    bench = Bench([campaign(due=NOW + 30), *GENERAL], options=OPTIONS)
    bench.login("7001")
    bench.pass_(45)
    assert [held.record.record_id for held in bench.session.buffer][:2] == [1, 10]
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550001"]


def test_where_callbacks_have_the_lowest_priority_they_wait():
    bench = Bench([campaign(), *GENERAL], options=OPTIONS, priorities=TypePriorities(campaign_callback=0))
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550010"]


def test_a_previewed_campaign_callback_is_delivered_to_one_ready_agent():
    bench = desk([campaign(1), campaign(2)], predictive_callback=CallbackDialing.PREVIEW)
    bench.ready("7001")
    bench.pass_(12)
    (event,) = delivered(bench)
    assert event.record is not None and event.record.callback_type == "Campaign"
    assert bench.switch.dialed == []
    bench.ready("7002")
    bench.pass_(12)
    assert len(delivered(bench, "7002")) == 1
    bench.ask("7001", "RecordReject", record_handle=handle_of(bench))
    bench.pass_(75)
    assert len(delivered(bench)) + len(delivered(bench, "7002")) == 3


def test_a_previewed_callback_does_not_go_to_somebody_who_wants_no_calls():
    bench = desk([campaign()], predictive_callback=CallbackDialing.PREVIEW)
    bench.login("7001")
    bench.pass_(30)
    assert delivered(bench) == []


def test_a_previewed_callback_that_waits_keeps_an_agent_free_for_it():
    bench = Bench([campaign(due=NOW + 5), *GENERAL], options=OPTIONS, predictive_callback=CallbackDialing.PREVIEW)
    bench.ready("7001", "7002")
    assert bench.session.under_way == 2
    bench.pass_(15)
    assert delivered(bench) == delivered(bench, "7002") == [] and len(bench.session.callbacks) == 1
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(1)
    assert len(delivered(bench)) + len(delivered(bench, "7002")) == 1 and bench.session.under_way == 1


def test_in_preview_mode_an_agent_who_asks_gets_the_callback_first():
    bench = Bench([campaign(), *GENERAL], options=OPTIONS, mode=PREVIEW, predictive_callback=CallbackDialing.PREVIEW)
    bench.login("7001")
    bench.pass_(1)
    bench.switch.agent(AgentEventKind.CALL, "7001", conn_id="x")
    bench.switch.agent(AgentEventKind.CALL_GONE, "7001", conn_id="x")
    event = bench.preview()
    assert event.record is not None and event.record.chain_id in (1, 10)


ORIGINAL = {"campaign_callback_distr": CallbackDistribution.ORIGINAL_AGENT}


def test_a_campaign_callback_goes_to_the_agent_who_agreed_on_it():
    bench = desk([campaign(agent_id="1002")], "7001", "7002", **ORIGINAL)
    bench.pass_(12)
    assert len(delivered(bench, "7002")) == 1 and bench.switch.dialed == []


def test_while_that_agent_is_not_there_anybody_gets_it():
    bench = desk([campaign(agent_id="1002")], "7001", **ORIGINAL)
    bench.pass_(12)
    assert bench.switch.numbers == ["+12125550001"]


def test_it_does_not_wait_for_that_agent_for_ever():
    bench = Bench([campaign(agent_id="1002", due=NOW + 30)], options=OPTIONS, **ORIGINAL)
    bench.ready("7001", "7002")
    bench.switch.agent(AgentEventKind.CALL, "7002", conn_id="x", talking=True)
    bench.pass_(600)
    assert bench.switch.dialed == []
    bench.pass_(60)
    assert bench.switch.numbers == ["+12125550001"]


@pytest.mark.parametrize("distribution, agent_id", [
    (CallbackDistribution.CAMPAIGN_GROUP, None), (CallbackDistribution.ORIGINAL_AGENT, "1001")])
def test_the_agent_is_noted_where_callbacks_go_to_the_agent(distribution, agent_id):
    bench = desk([personal()], "7001", campaign_callback_distr=distribution)
    bench.ask("7001", "RecordReschedule", record_handle=handle_of(bench), callback_type=CallbackType.CAMPAIGN,
              date_time=parse_date_time("03/11/2026 10:00"))
    assert (bench.record().record_type, bench.record().agent_id) == (CAMPAIGN, agent_id)


@pytest.mark.parametrize("option, owner", [("callback_observe_campaign", {"campaign_dbid": 9}),
                                           ("callback_observe_group", {"group_dbid": 9})])
def test_callbacks_may_be_kept_to_those_who_agreed_on_them(option, owner):
    for observed in (False, True):
        bench = Bench([campaign(1), personal(2), record(3)], options=OPTIONS, running=False, **{option: observed})
        for number in (1, 2, 3):
            bench.memory._lists["list"].owners[number] = replace(bench.session.owner, **owner)
        bench.up()
        bench.begin()
        bench.ready("7001", "7002", "7003")
        bench.pass_(12)
        assert ("+12125550001" in bench.switch.numbers) is not observed
        assert bool(delivered(bench)) is not observed
        assert "+12125550003" in bench.switch.numbers


def test_a_caller_who_rings_at_an_agent_already_keeps_no_other_agent_from_a_callback() -> None:
    made = desk(GENERAL, mode=DialingMode.PREDICTIVE, predictive_callback=CallbackDialing.PREVIEW)
    feed = made.session.feed
    made.ready("7001")
    made.pass_(1.0)
    asked = made.switch.dialed[-1]
    made.switch.queued(asked.conn_id)
    feed._ahead = feed.pacer.ready = True       # calls go out ahead of agents
    made.ready("7002")
    assert (feed.unserved, made.session.callbacks._can_be_spared(agent_at(made, "7002"))) == (1, True)
    made.switch.agent(AgentEventKind.NOT_READY, "7001")
    assert not made.session.callbacks._can_be_spared(agent_at(made, "7002"))
    made.switch.agent(AgentEventKind.CALL, "7001", conn_id=asked.conn_id)
    made.switch.call_event(SwitchEvent.RINGING, asked.conn_id, "7001")
    assert (feed.unserved, made.session.callbacks._can_be_spared(agent_at(made, "7002"))) == (0, True)


def agent_at(made: Bench, dn: str) -> Agent:
    agent = made.agents.agent_at(dn)
    assert agent is not None
    return agent
