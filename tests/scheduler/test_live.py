"""Changes of a session that is loaded: lists, shares, filters, what rules the dialing."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.filtering import FilterText
from ocs.dialing.results import CallResult, ContactInfoType, DialingMode, RecordStatus, RecordType
from ocs.dialing.session import SessionState
from ocs.dialing.shares import TypePriorities
from ocs.dialing.values import Record
from ocs.errors import UnfitCallingList, UnknownCallingList, WrongState
from tests.scheduler.bench import FIELDS, Bench, chain, record

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
            made.session.held.give_back(held)
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
def chosen(criteria: str = "", order_by: str = "", name: str = "") -> dict[str, Any]:
    """A list's new filter."""
    return {"filter": FilterText((("criteria", criteria), ("order_by", order_by)), name)}


def test_another_filter_sends_the_lists_buffer_back_and_it_is_asked_again_at_once():
    made = bench()
    made.ready("7001")
    asked = made.switch.dialed[0]
    others = waiting(made, OTHER)
    before = len(made.store.of("claim_chains"))
    made.wait(made.session.reconfigure(lists(made, list=chosen("record_id > 30", "record_id DESC"))))
    made.pass_(0)
    assert len(made.store.of("claim_chains")) > before and len(made.session.buffer) == 10
    came = waiting(made)
    assert came and came == list(range(60, 60 - len(came), -1)) and waiting(made, OTHER)[:len(others)] == others
    assert asked.conn_id in made.switch.calls and len(made.session.held) == 11
    assert retrieved(made, "list") + retrieved(made, OTHER) == 11


def test_without_a_filter_everything_is_dialed_again():
    made = bench(running=False)
    made.wait(made.session.reconfigure(lists(made, list=chosen("age > 50"), other=chosen("age = 40", "record_id DESC"))))
    made.up()
    made.begin()
    assert waiting(made) == [] and waiting(made, OTHER) == list(range(160, 150, -1))
    made.wait(made.session.reconfigure(lists(made, list={"filter": None}, other={"filter": None})))
    made.pass_(2)
    assert waiting(made) == [1, 2, 3, 4, 5] and waiting(made, OTHER) == [101, 102, 103, 104, 105]


def test_the_same_filter_under_another_name_or_in_other_pieces_changes_nothing():
    made = bench()
    made.wait(made.session.reconfigure(lists(made, list=chosen("record_id > 3 AND age = 40"))))
    before, asked = waiting(made), len(made.store.of("claim_chains"))
    same = FilterText((("criteria", "record_id > 3"), ("criteria1", "AND age = 40")), "elders")
    made.wait(made.session.reconfigure(lists(made, list={"filter": same})))
    assert waiting(made) == before and len(made.store.of("claim_chains")) == asked


def test_a_filter_that_cannot_be_used_changes_nothing():
    made = bench()
    made.wait(made.session.reconfigure(lists(made, list=chosen("record_id > 3"))))
    group, before = made.session.group, waiting(made)
    with pytest.raises(UnfitCallingList, match="calling list list: filter rich: order_by, line 1, column 1: no column 'wealth'"):
        made.wait(made.session.reconfigure(lists(made, list=chosen("age > 3", "wealth", "rich"), other={"active": False})))
    assert made.session.group is group and waiting(made) == before and waiting(made, OTHER)


def test_a_retry_under_way_stays_when_filters_change():
    made = bench()
    made.ready("7001")
    made.switch.over(made.switch.dialed[0].conn_id, call_state=6)
    held = next(each for each in made.session.held if each.state is ChainState.WAITING)
    nobody = chosen("record_id < 0")
    made.wait(made.session.reconfigure(lists(made, list=nobody, other=nobody)))
    assert held.state is ChainState.WAITING and made.session.held == {held}
    made.pass_(301)
    assert len(made.switch.dialed) == 2


def test_chains_that_are_on_their_way_with_the_filter_before_go_back():
    made = Bench([record(n) for n in range(1, 21)], running=False, priorities=TypePriorities(1, 1, 1))
    made.up()
    made.store.held.add("claim_chains")
    Deferred.fromCoroutine(made.session.load())
    made.wait(made.session.reconfigure(lists(made, list=chosen("", "record_id DESC"))))
    made.store.held.clear()
    made.store.release()
    assert len(made.session.buffer) == 0 and not made.session.held
    made.pass_(2)
    assert waiting(made) == [20, 19, 18, 17, 16, 15]


# -- what does not fit ----------------------------------------------------------------------------------------------
UNFIT = [(chosen("colour = 1"), "criteria, line 1, column 1: no column 'colour'"),
         (chosen("age = 'x'", name="old"), "filter old: criteria, line 1, column"),
         ({"disposition_field": "outcome"}, "disposition_field: the list has no field 'outcome'; its fields are name, age")]


@pytest.mark.parametrize("changes, reason", UNFIT)
def test_a_list_that_does_not_fit_its_columns_is_left_out_of_the_load(changes, reason, logged):
    made = bench(running=False)
    made.wait(made.session.reconfigure(lists(made, list=changes)))
    made.up()
    made.begin()
    assert waiting(made) == [] and len(waiting(made, OTHER)) == 10
    assert reason in made.session.lists.faults["list"] and any(reason in text for text in logged.texts(LogLevel.error))
    made.wait(made.session.unload())
    made.wait(made.session.reconfigure(lists(made, list={"filter": None, "disposition_field": "name"})))
    made.begin()
    assert len(waiting(made)) == 5 and not made.session.lists.faults


@pytest.mark.parametrize("changes, reason", UNFIT)
def test_a_session_without_a_list_that_fits_is_not_loaded(changes, reason):
    made = bench(running=False)
    made.wait(made.session.reconfigure(lists(made, list=changes, other=changes)))
    made.up()
    with pytest.raises(UnfitCallingList) as refused:
        made.wait(made.session.load())
    assert str(refused.value).count(reason) == 2 and made.session.state is SessionState.NOT_LOADED


# -- the order of a chain -------------------------------------------------------------------------------------------
def phones(made: Bench) -> list[int]:
    """The records that were dialed."""
    return [int(number[-4:]) for number in made.switch.numbers]


def fitted(records: list[Record], *treatments: Treatment, **filter_: str) -> Bench:
    made = Bench(records, running=False, treatments=treatments)
    made.wait(made.session.reconfigure(lists(made, list=chosen(**filter_))))
    made.up()
    made.begin()
    return made


NEXT = Treatment("next", CallResult.BUSY, TreatmentAction.NEXT_IN_CHAIN, dbid=2, cycle_attempts=1)


def test_the_order_rules_which_phone_of_a_chain_is_dialed_first_and_which_next():
    ages = {1: 20, 2: 60, 3: 40}
    made = fitted([replace(one, fields={"name": "", "age": ages[one.record_id]}) for one in chain(1, 2, 3)], NEXT,
                  order_by="age DESC")
    made.ready("7001")
    for number in range(3):
        made.switch.over(made.switch.dialed[number].conn_id, call_state=6)
        made.pass_(1)
    assert phones(made) == [2, 3, 1]


def test_the_first_phone_dialed_is_one_that_meets_the_criteria_the_next_ones_need_not():
    made = fitted([replace(one, contact_info_type=ContactInfoType.MOBILE if one.record_id == 2 else one.contact_info_type)
                   for one in chain(1, 2, 3)], replace(NEXT, cycle_attempts=2),
                  criteria="contact_info_type = 4 AND record_status = 1")
    made.ready("7001")
    for number in range(3):
        made.switch.over(made.switch.dialed[number].conn_id, call_state=6)
        made.pass_(1)
    assert phones(made)[:3] == [2, 3, 1]        # from there through the chain, and from its beginning


def test_a_rescheduled_chain_goes_on_with_the_phone_that_its_note_names_whatever_the_order():
    records = [replace(one, record_status=RecordStatus.CHAIN_READY) for one in chain(1, 2, 3)]
    records[0] = replace(records[0], record_status=RecordStatus.READY, record_type=RecordType.CAMPAIGN_RESCHEDULED,
                         dial_sched_time=1, treatments="2@1@2@1")
    made = fitted(records, NEXT, order_by="record_id DESC")
    made.ready("7001")
    assert phones(made) == [3]


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
    made.wait(made.session.reconfigure(lists(made, list=chosen("record_id > 7"))))
    made.wait(made.session.reconfigure(lists(made, list={"active": False})))
    made.wait(made.session.reconfigure(lists(made, list={"active": True}, other={"active": False})))
    made.switch.over(made.switch.dialed[0].conn_id, call_state=12)
    unloaded = made.session.unload()
    for asked in made.switch.dialed[1:]:
        made.switch.over(asked.conn_id, call_state=12)
    made.pass_(5)
    assert unloaded.called and retrieved(made, OTHER) == 0
    made.unloaded()
