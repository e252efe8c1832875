"""Changes of a session that is loaded: lists, shares, filters, what rules the dialing."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.shares import TypePriorities
from ocs.dialing.values import AgentGroup, CallingList, CampaignGroup, Treatment, TreatmentAction
from ocs.errors import UnknownCallingList, WrongState
from tests.scheduler.bench import FIELDS, Bench, record

OTHER = "other"


def bench(shares: tuple[int, int] = (10, 10), running: bool = True, **group: Any) -> Bench:
    """Two lists: records 1 to 60 in "list", 101 to 160 in "other"; buffer of 6 to 10 chains for nobody or one agent."""
    made = Bench([record(n) for n in range(1, 61)], running=False, minimum_buffer=6.0, optimal_buffer=10.0, **group)
    made.memory.add_list(OTHER, [record(n) for n in range(101, 161)], FIELDS)
    first = replace(made.group.lists[0], share=shares[0])
    both = replace(made.group, lists=(first, CallingList(OTHER, 2, 3, first.treatments, share=shares[1])))
    made.wait(made.session.reconfigure(both))
    if running:
        made.up()
        made.begin()
    return made


def waiting(made: Bench, name: str = "list") -> list[int]:
    return [held.record.record_id for held in made.session.buffer if held.calling_list.name == name]


def lists(made: Bench, **changes: dict[str, Any]) -> CampaignGroup:
    """The group with these changes of its lists."""
    group = made.session.group
    return replace(group, lists=tuple(replace(one, **changes.get(one.name, {})) for one in group.lists))


def retrieved(made: Bench, name: str) -> int:
    return sum(one.record_status is RecordStatus.RETRIEVED for one in made.wait(made.memory.records(name, 1_000)))


# -- shares ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shares, counts", [((10, 10), (5, 5)), ((30, 10), (8, 2)), ((10, 0), (10, 0)), ((90, 10), (9, 1))])
def test_lists_are_retrieved_by_their_shares(shares, counts):
    made = bench(shares)
    assert (len(waiting(made)), len(waiting(made, OTHER))) == counts


def test_shares_hold_over_many_small_retrievals():
    made = bench((75, 25))
    taken = {"list": 0, OTHER: 0}
    for _ in range(60):
        for _ in range(2):
            held = made.session.buffer.take()
            assert held is not None
            taken[held.calling_list.name] += 1
            made.session.give_back(held)
            made.memory._lists[held.calling_list.name].put(replace(held.record, record_status=RecordStatus.UPDATED))
        made.wait(made.session.buffer.fill())
        if sum(taken.values()) >= 76:
            break
    assert taken["list"] == pytest.approx(57, abs=3)


def test_what_a_list_does_not_have_the_others_give():
    made = bench((10, 10), running=False)
    for one in made.wait(made.memory.records("list", 100))[2:]:
        made.memory._lists["list"].put(replace(one, record_status=RecordStatus.UPDATED))
    made.up()
    made.begin()
    assert (len(waiting(made)), len(waiting(made, OTHER))) == (2, 8)


# -- lists ----------------------------------------------------------------------------------------------------------
def test_a_list_that_is_deactivated_gets_its_waiting_records_back_and_keeps_those_with_agents():
    made = bench()
    made.ready("7001", "7002")
    first, second = made.switch.dialed
    made.talk("7001", first)
    made.wait(made.session.reconfigure(lists(made, list={"active": False})))
    assert waiting(made) == [] and len(waiting(made, OTHER)) >= 12
    assert retrieved(made, "list") == 2 and made.state(1) is made.state(2) is ChainState.CALLING
    made.switch.over(second.conn_id, call_state=12)
    made.hang_up(first)
    made.switch.agent(AgentEventKind.READY, "7001", "1001")
    made.pass_(60)
    assert retrieved(made, "list") == 0 and all(number > "+12125550100" for number in made.switch.numbers[2:])


def test_a_retry_of_an_inactive_list_waits_in_the_list():
    made = bench()
    made.ready("7001")
    asked = made.switch.dialed[0]
    name = "list" if asked.destination < "+12125550100" else OTHER
    made.wait(made.session.reconfigure(lists(made, **{name: {"active": False}})))
    made.switch.over(asked.conn_id, call_state=6)
    assert retrieved(made, name) == 0


def test_a_treatment_that_waits_goes_back_with_its_list_and_keeps_its_date():
    made = bench()
    made.ready("7001")
    asked = made.switch.dialed[0]
    name, number = ("list", 1) if asked.destination < "+12125550100" else (OTHER, 101)
    made.switch.over(asked.conn_id, call_state=6)
    due = made.holder(number).record.dial_sched_time
    made.wait(made.session.reconfigure(lists(made, **{name: {"active": False}})))
    left = made.wait(made.memory.records(name, 1))[0]
    assert (left.record_status, left.dial_sched_time) == (RecordStatus.READY, due) and due is not None


def test_a_list_may_be_taken_out_and_put_in_again():
    made = bench()
    both = made.session.group
    made.wait(made.session.reconfigure(replace(both, lists=both.lists[:1])))
    assert retrieved(made, OTHER) == 0 and len(waiting(made)) == 10
    made.wait(made.session.reconfigure(both))
    made.ready("7001")
    made.pass_(2)
    for _ in range(8):
        made.session.dialer.choose(made.session.buffer.take())
    made.pass_(2)
    assert waiting(made, OTHER)


def test_chains_that_are_on_their_way_from_a_list_that_is_taken_out_go_back():
    made = bench(running=False)
    made.up()
    made.store.held.add("claim_chains")
    loading = Deferred.fromCoroutine(made.session.load())
    changed = Deferred.fromCoroutine(made.session.reconfigure(lists(made, list={"active": False})))
    made.store.held.clear()
    while made.store.release():
        pass
    assert loading.called and changed.called
    made.pass_(2)
    assert waiting(made) == [] and retrieved(made, "list") == 0 and len(waiting(made, OTHER)) >= 6


def test_a_new_list_is_dialed_at_once_and_one_that_the_database_does_not_have_is_refused():
    made = Bench([record(1)])
    made.memory.add_list(OTHER, [record(n) for n in range(101, 111)], FIELDS)
    group = made.session.group
    with pytest.raises(UnknownCallingList, match="nowhere"):
        made.wait(made.session.reconfigure(replace(group, lists=(*group.lists, CallingList("nowhere", 3)))))
    assert made.session.group is group
    made.wait(made.session.reconfigure(replace(group, lists=(*group.lists, CallingList(OTHER, 2)))))
    made.pass_(1)
    assert waiting(made, OTHER)


# -- filters --------------------------------------------------------------------------------------------------------
def test_other_filters_send_the_buffer_back_and_the_lists_are_asked_at_once():
    made = bench()
    made.ready("7001")
    asked = made.switch.dialed[0]
    before = len(made.store.of("claim_chains"))
    made.session.reload_filters()
    made.pass_(0)
    assert len(made.store.of("claim_chains")) > before and len(made.session.buffer) == 10
    assert asked.conn_id in made.switch.calls and len(made.session.held) == 11


def test_only_the_list_whose_filter_changed_is_given_back():
    made = bench()
    others = [held for held in made.session.buffer if held.calling_list.name == OTHER]
    made.session.reload_filters("list")
    made.pass_(0)
    assert [held for held in made.session.buffer if held.calling_list.name == OTHER][:len(others)] == others


def test_a_retry_under_way_stays_when_filters_change():
    made = bench()
    made.ready("7001")
    made.switch.over(made.switch.dialed[0].conn_id, call_state=6)
    held = next(each for each in made.session.held if each.state is ChainState.WAITING)
    made.session.reload_filters()
    assert held.state is ChainState.WAITING


def test_chains_that_are_on_their_way_with_the_filter_before_go_back():
    made = Bench([record(n) for n in range(1, 21)], running=False, priorities=TypePriorities(1, 1, 1))
    made.up()
    made.store.held.add("claim_chains")
    Deferred.fromCoroutine(made.session.load())
    made.session.reload_filters()
    made.store.held.clear()
    made.store.release()
    assert len(made.session.buffer) == 0 and not made.session.held
    made.pass_(2)
    assert len(made.session.buffer) == 6


# -- the rest ---------------------------------------------------------------------------------------------------------
def test_a_changed_treatment_rules_from_the_next_result_on():
    made = bench()
    made.ready("7001", "7002")
    first, second = made.switch.dialed
    made.switch.over(first.conn_id, call_state=6)
    never = (Treatment("never", CallResult.BUSY, TreatmentAction.NONE, dbid=9),)
    made.wait(made.session.reconfigure(lists(made, list={"treatments": never}, other={"treatments": never})))
    assert sum(held.state is ChainState.WAITING for held in made.session.held) == 1
    made.switch.over(second.conn_id, call_state=6)
    done = {attempt.guid: attempt for attempt in made.memory.attempts.values()}
    assert (done[first.guid].treatment, done[second.guid].treatment) == ("busy", "never")


def test_pacing_follows_new_values():
    made = bench(multiplier=1.0)
    made.ready("7001")
    assert made.session.under_way == 1
    made.wait(made.session.reconfigure(replace(made.session.group, multiplier=3.0)))
    made.pass_(1)
    assert made.session.under_way == 3


def test_agents_who_join_get_calls():
    made = bench(running=False)
    group = made.session.group
    made.wait(made.session.reconfigure(replace(group, group=AgentGroup("sales", 1, (), ("7001",)))))
    made.up()
    made.begin()
    made.wait(made.session.reconfigure(group))
    made.ready("7004")
    assert len(made.switch.dialed) == 1


@pytest.mark.parametrize("changes", [{"mode": DialingMode.PREVIEW}, {"voice_transfer_destination": "6002"}, {"dbid": 9},
                                     {"campaign": "autumn"}, {"group": AgentGroup("service", 1, (), ())}])
def test_what_calls_and_desktops_rely_on_cannot_change_while_loaded(changes):
    made = bench()
    group = made.session.group
    with pytest.raises(WrongState, match="group.name" if "group" in changes else next(iter(changes))):
        made.wait(made.session.reconfigure(replace(group, **changes)))
    assert made.session.group is group


def test_a_group_that_is_not_loaded_may_change_but_for_its_name():
    made = bench(running=False)
    made.wait(made.session.reconfigure(replace(made.session.group, mode=DialingMode.PREVIEW, campaign_dbid=7)))
    assert made.session.group.mode is DialingMode.PREVIEW and made.session.owner.campaign_dbid == 7
    with pytest.raises(WrongState, match="campaign"):
        made.wait(made.session.reconfigure(replace(made.session.group, campaign="autumn")))


def test_a_session_that_unloads_takes_no_changes():
    made = bench()
    made.ready("7001")
    made.session.unload()
    with pytest.raises(WrongState, match="waiting unload"):
        made.wait(made.session.reconfigure(lists(made, list={"active": False})))


def test_everything_is_given_back_after_changes():
    made = bench()
    made.ready("7001")
    made.session.reload_filters()
    made.wait(made.session.reconfigure(lists(made, list={"active": False})))
    made.wait(made.session.reconfigure(lists(made, list={"active": True}, other={"active": False})))
    made.switch.over(made.switch.dialed[0].conn_id, call_state=12)
    unloaded = made.session.unload()
    for asked in made.switch.dialed[1:]:
        made.switch.over(asked.conn_id, call_state=12)
    made.pass_(5)
    assert unloaded.called and retrieved(made, OTHER) == 0
    made.unloaded()
