"""Several calling lists on one table: what each of them says holds for the records that it has claimed."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.filtering import FilterText
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState, CustomField
from ocs.errors import UnfitCallingList, UnknownCallingList, WrongState
from ocs.scheduler.regroup import prepare_groups
from ocs.scheduler.session import DialingSession
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType
from tests.scheduler.bench import QUEUE, RETRY_BUSY, Bench, record
from tests.scheduler.test_session import crashed
from tests.scheduler.test_tally import Keeper

LOW, HIGH = FilterText((("criteria", "record_id <= 10"),)), FilterText((("criteria", "record_id > 5"),))
NEVER_AGAIN = Treatment("never", CallResult.BUSY, TreatmentAction.NONE, dbid=7)
LATER = Treatment("later", CallResult.UNKNOWN, TreatmentAction.RETRY_IN, dbid=9, interval_s=6_000.0)


def vip(**values: Any) -> CallingList:
    """A second list on the table "list", with twice the attempts and another treatment of Busy."""
    values = {"maximum_attempts": 6, "treatments": (NEVER_AGAIN,), "filter": HIGH, "table": "list", **values}
    return CallingList("vip", 2, **values)


def bench(records: list[Any] | None = None, second: CallingList | None = None, **values: Any) -> Bench:
    """Twelve records, all of them held: those up to 5 can only be claimed by "list", from 11 on only by "vip"."""
    values = {"calling_list": {"filter": LOW}, "minimum_buffer": 12.0, "optimal_buffer": 12.0, **values}
    return Bench(records or [record(n) for n in range(1, 13)], more_lists=(second or vip(),), **values)


def by_list(session: DialingSession) -> dict[str, list[int]]:
    """What is held, by the list that claimed it."""
    found: dict[str, list[int]] = {}
    for held in session.held:
        found.setdefault(held.calling_list.name, []).append(held.record.record_id)
    return {name: sorted(ids) for name, ids in found.items()}


def autumn(made: Bench, calling_list: CallingList) -> DialingSession:
    """Another campaign, with an agent of its own, on this list."""
    group = CampaignGroup(2, "autumn", 2, AgentGroup("east", 2, (), ("7009",)), (calling_list,), voice_transfer_destination=QUEUE)
    made.engine.add(group)
    return made.engine.sessions[group.name]


def test_each_record_is_held_once_by_a_list_whose_filter_it_meets():
    held = by_list(bench().session)
    assert sorted(held["list"] + held["vip"]) == list(range(1, 13))
    assert set(range(1, 6)) <= set(held["list"]) <= set(range(1, 11)) and {11, 12} <= set(held["vip"]) <= set(range(6, 13))


def test_treatments_and_attempts_are_those_of_the_list_that_dials():
    made = bench([record(1), record(11)])
    made.ready("7001", "7002")
    for asked in list(made.switch.dialed):
        made.switch.over(asked.conn_id, call_state=6)
    made.pass_(0)
    (one,), (other,) = made.attempts(1), made.attempts(11)
    assert (one.calling_list, one.treatment, one.on_table) == ("list", RETRY_BUSY.name, "list")
    assert (other.calling_list, other.treatment, other.on_table) == ("vip", NEVER_AGAIN.name, "list")
    assert made.state(1) is ChainState.WAITING and made.record(11).record_status is RecordStatus.UPDATED


@pytest.mark.parametrize("attempts, dialed", [(2, 2), (3, 1), (6, 0)])
def test_the_maximum_of_attempts_is_that_of_the_list(attempts, dialed):
    made = bench([record(1, attempt=attempts), record(11, attempt=attempts)])
    made.ready("7001", "7002")
    assert len(made.switch.dialed) == dialed


def test_what_was_not_dialed_is_counted_for_the_list_and_its_table():
    made, keeper = bench([record(1, attempt=6), record(11, attempt=6)], running=False), Keeper()
    made.context.keep_refusals = keeper
    made.up()
    made.begin()
    made.ready("7001")
    made.pass_(10)
    assert sorted((one.calling_list, one.table, one.records) for one in keeper.rows.values()) == [
        ("list", "", 1), ("vip", "list", 1)]


def test_agents_are_told_the_list_with_the_fields_of_its_table():
    made = bench([record(11)])
    made.ready("7001")
    told = dict(made.switch.dialed[0].user_data)
    assert (told["GSW_CALLING_LIST"], told["GSW_CALL_RESULT"], told["CustomerName"]) == ("vip", 28, "Person 11")
    made.talk()
    answer = made.ask("7001", "UpdateCallCompletionStats", (("CustomerName", "Ann"),), record_handle=made.holder(11).handle)
    assert answer.name == "UpdateCallCompletionStatsAcknowledge" and made.record(11).fields["name"] == "Ann"


# -- crashes --------------------------------------------------------------------------------------------------------
def test_after_a_crash_each_record_goes_on_in_the_list_that_dialed_it():
    made = bench([record(1), record(11)])
    made.ready("7001", "7002")
    assert len(made.switch.dialed) == 2
    second = crashed(made, more_lists=(vip(treatments=(LATER,)),), calling_list={"filter": LOW})
    second.up()
    second.store.failing.add("claim_chains")
    second.wait(second.session.load())
    assert second.store.of("recover") == [second.session.owner], "a table is recovered once, not once for each of its lists"
    assert (second.attempts(1)[0].treatment, second.attempts(11)[0].treatment) == (None, LATER.name)
    assert {one.state for one in made.memory.attempts.values()} == {AttemptState.UNKNOWN}


def test_after_a_crash_a_list_that_is_no_more_gives_its_records_to_another_one_of_its_table():
    made = bench([record(11)])
    made.ready("7001")
    second = crashed(made, treatments=(LATER,))
    second.up()
    second.wait(second.session.load())
    assert second.attempts(11)[0].treatment == LATER.name
    assert second.record(11).record_status is RecordStatus.READY


# -- while it runs --------------------------------------------------------------------------------------------------
def test_a_list_that_is_put_in_takes_nothing_of_what_another_one_of_its_table_holds():
    made = Bench([record(n) for n in range(1, 13)], calling_list={"filter": LOW}, minimum_buffer=12.0, optimal_buffer=24.0)
    before = by_list(made.session)
    assert before == {"list": list(range(1, 11))}
    made.ready("7001")
    made.wait(made.session.reconfigure(replace(made.session.group, lists=(*made.session.group.lists, vip()))))
    made.pass_(0)
    assert by_list(made.session) == {**before, "vip": [11, 12]} and len(made.switch.dialed) == 1


def test_the_table_of_a_list_changes_with_the_next_load_and_the_list_as_a_whole_with_it():
    made = bench()
    made.memory.add_list("other", [record(n, fields={"colour": "red"}) for n in (101, 102)], (CustomField("colour"),))
    one, other = made.session.group.lists
    by_colour = FilterText((("criteria", "colour = 'red'"),))
    wanted = replace(made.session.group, lists=(one, replace(other, table="other", filter=by_colour, share=3)))
    with pytest.raises(WrongState, match="lists.table while it is loaded"):
        made.wait(made.session.reconfigure(wanted))
    outcome, = made.wait(prepare_groups(made.engine, {wanted.name: wanted})).apply()
    assert outcome.waits == ("lists.table",)
    assert made.session.group.lists[1] == replace(other, share=3) and 12 in by_list(made.session)["vip"]
    made.session.stop()
    made.session.unload()
    made.pass_(0)
    made.wait(made.session.load())
    assert by_list(made.session)["vip"] == [101, 102]


def test_a_table_that_is_not_there_and_a_filter_that_does_not_fit_it_are_told_by_list_and_table():
    made = bench(second=vip(table="nowhere"), running=False)
    with pytest.raises(UnknownCallingList, match=r"nowhere \(of calling list vip\) is not in the database"):
        made.wait(made.session.load())
    made = bench(second=vip(filter=FilterText((("criteria", "colour = 'red'"),))), calling_list={"active": False}, running=False)
    with pytest.raises(UnfitCallingList, match="calling list vip: criteria.*colour"):
        made.wait(made.session.load())


# -- several campaigns ----------------------------------------------------------------------------------------------
def test_lists_of_two_campaigns_share_a_table_without_a_record_in_both():
    made = Bench([record(n) for n in range(1, 13)], calling_list={"filter": LOW})
    second = autumn(made, vip())
    made.wait(second.load())
    one, other = by_list(made.session)["list"], by_list(second)["vip"]
    assert len(one) == len(other) == 6 and not set(one) & set(other)


def test_a_contact_in_a_call_of_one_campaign_is_not_dialed_for_another():
    """The agent asks for a callback at once while the call still goes on: the chain is in the table again, and due."""
    made = Bench([record(1)], running=False)
    second = autumn(made, vip(filter=None))
    made.up()
    made.begin()
    made.ready("7001")
    asked = made.talk()
    answer = made.ask("7001", "RecordReschedule", record_handle=made.holder(1).handle,
                      date_time=parse_date_time("03/10/2026 12:31"), callback_type=CallbackType.CAMPAIGN)
    assert answer.name == "RecordRescheduleAcknowledge"
    made.session.unload()
    made.wait(second.load())
    second.start()
    made.ready("7009")
    made.pass_(90)
    assert made.switch.dialed == [asked], "the call goes on"
    made.hang_up(asked)
    made.pass_(30)
    assert len(made.switch.dialed) == 2
