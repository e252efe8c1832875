"""The groups of a running engine replaced by others: checked first, then all in one step."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.filtering import FilterText
from ocs.dialing.results import DialingMode
from ocs.dialing.session import SessionState
from ocs.errors import StoreUnavailable, UnfitCallingList, WrongState
from ocs.scheduler.live import prepared
from ocs.scheduler.regroup import GroupNews, GroupOutcome, prepare_groups
from tests.scheduler.bench import FIELDS, QUEUE, Bench, record

OTHER, SECOND = "other", "autumn@sales"


def bench(**more: Any) -> Bench:
    """The group spring@sales on "list", running, and autumn@sales on "other", not loaded."""
    made = Bench([record(n) for n in range(1, 31)], **more)
    made.memory.add_list(OTHER, [record(n) for n in range(101, 131)], FIELDS)
    made.engine.add(CampaignGroup(2, "autumn", 2, AgentGroup("sales", 1, (), ("7001",)), (CallingList(OTHER, 2),),
                                  voice_transfer_destination=QUEUE))
    return made


def groups(made: Bench, first: dict[str, Any], second: dict[str, Any] | None = None) -> dict[str, CampaignGroup]:
    """The groups as they are, with changes."""
    found = {name: session.configured for name, session in made.engine.sessions.items()}
    found[made.group.name] = replace(found[made.group.name], **first)
    found[SECOND] = replace(found[SECOND], **(second or {}))
    return found


def regroup(made: Bench, wanted: dict[str, CampaignGroup]) -> dict[str, GroupOutcome]:
    return {one.group: one for one in made.wait(prepare_groups(made.engine, wanted)).apply()}


def with_filter(made: Bench, criteria: str) -> dict[str, Any]:
    return {"lists": (replace(made.session.configured.lists[0], filter=FilterText((("criteria", criteria),))),)}


def waiting(made: Bench) -> list[int]:
    return [held.record.record_id for held in made.session.buffer]


def test_all_groups_change_together():
    made = bench()
    outcomes = regroup(made, groups(made, {"multiplier": 2.0, **with_filter(made, "record_id > 20")}, {"maximum_ports": 5}))
    assert {one.news for one in outcomes.values()} == {GroupNews.CHANGED}
    assert made.session.group.multiplier == 2.0 and made.engine.sessions[SECOND].group.maximum_ports == 5
    assert waiting(made) == [21, 22, 23, 24, 25, 26]


@pytest.mark.parametrize("fault", ["filter", "store", "list"])
def test_one_group_that_cannot_change_stops_the_change_of_all(fault):
    made = bench()
    made.wait(made.engine.sessions[SECOND].load())
    before = {name: session.group for name, session in made.engine.sessions.items()}
    lists = {"filter": (CallingList(OTHER, 2, filter=FilterText((("order_by", "colour"),))),),
             "store": (), "list": (CallingList("nowhere", 3),)}[fault]
    wanted = groups(made, {"multiplier": 2.0}, {"lists": lists})
    if fault == "store":
        made.store.failing.add("calling_lists")
    with pytest.raises({"filter": UnfitCallingList, "store": StoreUnavailable, "list": Exception}[fault]):
        regroup(made, wanted)
    assert {name: session.group for name, session in made.engine.sessions.items()} == before
    assert all(session.configured is session.group for session in made.engine.sessions.values())


def test_what_needs_another_load_is_taken_with_it():
    made = bench()
    outcomes = regroup(made, groups(made, {"mode": DialingMode.PREVIEW, "multiplier": 2.0, "campaign_dbid": 77,
                                           "group": replace(made.group.group, dbid=9)}))
    assert outcomes[made.group.name] == GroupOutcome(made.group.name, GroupNews.CHANGED, ("campaign_dbid", "mode", "group.dbid"))
    group = made.session.group
    assert (group.mode, group.multiplier, made.session.owner.campaign_dbid) == (DialingMode.PROGRESSIVE, 2.0, 1)
    made.wait(made.session.unload())
    assert made.session.group.mode is DialingMode.PREVIEW
    made.begin()
    assert (made.session.owner.campaign_dbid, made.session.owner.group_dbid) == (77, 9)
    made.wait(made.session.unload())
    made.unloaded()


def test_a_session_that_unloads_takes_everything_with_its_next_load():
    made = bench()
    made.ready("7001")
    unloaded = made.session.unload()
    assert regroup(made, groups(made, {"multiplier": 2.0}))[made.group.name].news is GroupNews.WAITS
    assert made.session.group.multiplier == 1.0
    made.switch.over(made.switch.dialed[0].conn_id, call_state=12)
    made.pass_(2)
    assert unloaded.called
    made.begin()
    assert made.session.group.multiplier == 2.0


def test_a_session_that_is_loaded_while_others_are_checked_takes_it_with_its_next_load():
    made = bench(running=False)
    made.up()
    regrouping = made.wait(prepare_groups(made.engine, groups(made, {"multiplier": 2.0})))
    made.store.held.add("calling_lists")
    loading = Deferred.fromCoroutine(made.session.load())
    outcomes = {one.group: one.news for one in regrouping.apply()}
    assert outcomes[made.group.name] is GroupNews.WAITS
    made.store.held.clear()
    made.store.release()
    assert loading.called and made.session.state is SessionState.ACTIVE and made.session.group.multiplier == 1.0
    regroup(made, groups(made, {"multiplier": 2.0}))
    assert made.session.group.multiplier == 2.0


def test_a_group_that_is_new_can_be_loaded_and_one_that_is_gone_stays_until_it_is_unloaded():
    made = bench()
    new = CampaignGroup(3, "winter", 3, AgentGroup("sales", 1, (), ("7002",)), (CallingList(OTHER, 2),),
                        voice_transfer_destination=QUEUE)
    outcomes = regroup(made, {new.name: new})
    assert {name: one.news for name, one in outcomes.items()} == {
        new.name: GroupNews.ADDED, made.group.name: GroupNews.LEAVES, SECOND: GroupNews.REMOVED}
    assert set(made.engine.sessions) == {new.name, made.group.name} and made.session.state is SessionState.RUNNING
    made.wait(made.engine.session("winter").load())
    assert len(made.engine.session("winter").buffer) == 6
    made.wait(made.session.unload())
    assert set(made.engine.sessions) == {new.name} and not made.engine.leaving


def test_a_group_that_was_to_leave_may_stay_after_all():
    made = bench()
    both = groups(made, {})
    assert regroup(made, {SECOND: both[SECOND]})[made.group.name].news is GroupNews.LEAVES
    assert regroup(made, both)[made.group.name].news is GroupNews.CHANGED
    made.wait(made.session.unload())
    assert set(made.engine.sessions) == set(both)


def test_the_same_groups_again_disturb_nothing():
    made = bench()
    made.ready("7001")
    held, asked = list(made.session.buffer), len(made.store.of("claim_chains"))
    regroup(made, groups(made, {}))
    made.pass_(0)
    assert list(made.session.buffer) == held and len(made.store.of("claim_chains")) == asked


def test_the_values_of_another_group_are_refused():
    made = bench()
    with pytest.raises(WrongState, match="cannot change campaign"):
        made.wait(prepared(made.session, made.engine.sessions[SECOND].group))
