"""Statistics: what can be opened, what clients hear of it, and that their own picture stays the server's."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.options import load
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.directory import ObjectRef
from ocs.servers.statserver.states import CallPhase, DNEvent, DNEventKind, DNState, WorkState
from protocols.message import Message
from protocols.message_server import IMessageService
from protocols.statserver.messages import VOCABULARY, ObjectType, Status
from protocols.statserver.targets import Target, target_from_wire
from tests.servers.statserver.site import ready_dns
from tests.servers.statserver.world import StatClient, StatWorld

K, Kind = DNEventKind, ObjectType
TALKS = DNEvent(K.CALL, conn_id="a", phase=CallPhase.CONNECTED, call_type=3)
RELEASED = DNEvent(K.CALL_GONE, conn_id="a")


def statuses(message: Message) -> dict[str, int]:
    return {one["AgentID"]: one["Status"] for one in message.get("Targets")}


def test_it_provides_the_interface_of_a_message_service() -> None:
    assert IMessageService.providedBy(StatWorld().service)


def test_a_group_is_opened_told_as_a_whole_and_then_change_by_change_until_it_is_closed() -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    opened = client.open(5, "sales")
    assert (opened.name, opened.get("UserRequestID"), opened.get("ObjectID")) == ("SEventStatOpened", 5, "sales")
    (snapshot,) = client.news()
    assert snapshot.name == "SEventCurrentTargetState_Snapshot" and snapshot.get("TargetsLeft") == 0
    assert statuses(snapshot) == {"ann": Status.WAIT_FOR_NEXT_CALL, "cat": Status.LOGGED_OUT}
    world.clock.advance(7)
    world.event("7001", TALKS)
    (update,) = client.news()
    assert update.name == "SEventCurrentTargetState_TargetUpdated" and update.get("UserRequestID") == 5
    target = target_from_wire(update.get("Target"))
    assert (target.agent_id, target.status, target.since) == ("ann", Status.CALL_OUTBOUND, world.clock.wall())
    assert client.ask("RequestCloseStatistic", UserRequestID=5).name == "SEventStatClosed"
    world.event("7001", RELEASED)
    assert not client.news() and not len(world.service.statistics)


def test_members_of_a_virtual_group_come_and_go() -> None:
    world = StatWorld().up()
    client = StatClient(world)
    client.open(1, "here")
    client.news()
    world.event("7003", DNEvent(K.LOGIN, "1002"))
    world.event("7003", DNEvent(K.READY, "1002"))
    world.event("7003", DNEvent(K.LOGOUT))
    assert client.names() == ["CurrentTargetState_TargetAdded", "CurrentTargetState_TargetUpdated",
                              "CurrentTargetState_TargetRemoved"]


def test_without_a_source_a_statistic_is_invalid_and_afterwards_told_anew() -> None:
    world = StatWorld()
    client = StatClient(world)
    client.open(1, "sales")
    (invalid,) = client.news()
    assert invalid.name == "SEventStatInvalid" and "in sight" in invalid.get("Reason")
    assert client.ask("RequestPeekStatistic", UserRequestID=1).get("ErrorCode") == 166
    world.up(dn7001="1001")
    assert client.names()[:2] == ["StatValid", "CurrentTargetState_Snapshot"]
    world.lose("two")
    assert client.names() == ["CurrentTargetState_TargetUpdated"], "cat may be there"
    world.lose("one")
    assert client.names() == ["StatInvalid"], "and nothing of its members"
    world.picture.seen("one", ready_dns(dn7003="1003"), world.clock.wall())
    valid, snapshot = client.news()
    assert valid.name == "SEventStatValid"
    assert statuses(snapshot) == {"ann": Status.NOT_MONITORED, "cat": Status.WAIT_FOR_NEXT_CALL}


@pytest.mark.parametrize("kind, name, status", [
    (Kind.AGENT, "ann", Status.CALL_OUTBOUND), (Kind.AGENT_PLACE, "desk-1", Status.CALL_OUTBOUND),
    (Kind.REG_DN, "7001@one", Status.CALL_OUTBOUND), (Kind.GROUP_AGENTS, "sales", Status.NOT_READY_FOR_NEXT_CALL),
    (Kind.GROUP_PLACES, "floor", Status.NOT_READY_FOR_NEXT_CALL)])
def test_the_current_state_of_every_kind_of_object_is_told_when_it_changes(kind: ObjectType, name: str, status: Status) -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    assert client.open(1, name, kind, 10).name == "SEventStatOpened"
    assert [one.get("Status") for one in client.news()] == [Status.WAIT_FOR_NEXT_CALL]
    world.clock.advance(3)
    world.event("7001", TALKS)
    (info,) = client.news()
    assert (info.name, info.get("Status"), info.get("Since")) == ("SEventInfo", status, world.clock.wall())
    world.event("7001", DNEvent(K.CALL, conn_id="b", phase=CallPhase.RINGING))
    assert not client.news(), "its status is the same"


def test_an_agent_and_a_place_can_be_followed_as_targets() -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    client.open(1, "ann", Kind.AGENT)
    client.open(2, "desk-1", Kind.AGENT_PLACE)
    assert [len(one.get("Targets")) for one in client.news()] == [1, 1]
    world.event("7001", TALKS)
    assert [(one.get("UserRequestID"), one.get("Target")["Status"]) for one in client.news()] == [(2, 14), (1, 14)]


def test_members_are_counted_by_their_status() -> None:
    world = StatWorld().up(dn7001="1001", dn7003="1003")
    client = StatClient(world)
    client.open(1, "sales", category=12)
    client.open(2, "sales", category=12, MainMask=[int(Status.WAIT_FOR_NEXT_CALL)])
    assert [one.get("Value") for one in client.news()] == [2, 2]
    world.event("7001", TALKS)
    assert [(one.get("UserRequestID"), one.get("Value")) for one in client.news()] == [(2, 1)], "the other did not change"


def test_notification_by_time_tells_at_its_times_and_none_only_on_request() -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    client.open(1, "sales", category=12, NotificationMode=1, Frequency=10)
    client.open(2, "sales", NotificationMode=2)
    assert [one.get("UserRequestID") for one in client.news()] == [1]
    world.event("7001", DNEvent(K.LOGOUT))
    assert not client.news()
    world.clock.pump([5.0] * 4)
    assert [(one.get("UserRequestID"), one.get("Value")) for one in client.news()] == [(1, 0), (1, 0)]
    answer = client.ask("RequestPeekStatistic", UserRequestID=2)
    assert answer.name == "SEventCurrentTargetState_Snapshot" and len(answer.get("Targets")) == 2
    world.lose("one", "two")
    client.news()
    world.clock.pump([5.0] * 4)
    assert not client.news(), "nothing is told of what is not valid"
    client.client.closed()
    assert world.clock.getDelayedCalls() == []


def test_a_large_group_comes_in_pages_and_the_answer_is_the_last() -> None:
    people = [{"id": f"agent-with-a-rather-long-name-{number:06d}"} for number in range(900)]
    options = load(StatServerOptions, {
        "tserver": [{"name": "one", "dns": ["7001"]}], "agent": people,
        "agent_group": [{"name": "many", "agents": [one["id"] for one in people]}]})
    world = StatWorld(options.directory())
    world.picture.seen("one", {"7001": DNState(monitored=True)}, 1.0)
    client = StatClient(world)
    client.open(1, "many")
    pages = client.news()
    assert len(pages) > 4 and [one.get("TargetsLeft") for one in pages] == sorted(
        (one.get("TargetsLeft") for one in pages), reverse=True) and pages[-1].get("TargetsLeft") == 0
    assert [target["AgentID"] for page in pages for target in page.get("Targets")] == [one["id"] for one in people]
    answer = client.ask("RequestPeekStatistic", UserRequestID=1)
    assert answer.get("TargetsLeft") == 0 and len(client.news()) == len(pages) - 1


@pytest.mark.parametrize("changes, code, text", [
    ({"ObjectID": "nobody"}, 59, "ObjectID: there is no 'nobody'"), ({"ObjectType": 3}, 59, "ObjectID"),
    ({"ObjectType": 5}, 53, "Category: 44 is not computed"), ({"ObjectType": 99}, 53, "ObjectType: 99"),
    ({"Category": 1}, 53, "Category: 1 is not available"), ({"Category": 12, "ObjectType": 0}, 53, "Category: 12"),
    ({"NotificationMode": 3}, 53, "NotificationMode"), ({"NotificationMode": 9}, 53, "NotificationMode: 9"),
    ({"NotificationMode": 1}, 53, "Frequency"), ({"NotificationMode": 1, "Frequency": 0.1}, 53, "Frequency"),
    ({"Category": 12, "MainMask": []}, 53, "MainMask"), ({"Category": 12, "MainMask": [99]}, 53, "MainMask"),
    ({"Category": 12, "MainMask": "all"}, 53, "MainMask"), ({"UserRequestID": 0}, 53, "UserRequestID"),
    ({"UserRequestID": 7}, 53, "UserRequestID: 7 is open already"), ({"UserRequestID": "x"}, 53, "UserRequestID")])
def test_what_cannot_be_opened_is_refused_by_name_and_changes_nothing(changes: dict[str, Any], code: int, text: str) -> None:
    world = StatWorld().up()
    client = StatClient(world)
    client.open(7, "sales")
    client.news()
    answer = client.ask("RequestOpenStatistic", **{"UserRequestID": 8, "ObjectType": 2, "ObjectID": "sales", "Category": 44,
                                                   **changes})
    assert (answer.name, answer.get("ErrorCode")) == ("SEventError", code) and answer.get("ErrorMessage").startswith(text)
    assert len(world.service.statistics) == 1 and not client.news()


def test_ids_that_are_not_open_are_refused_and_the_number_of_statistics_is_bounded() -> None:
    world = StatWorld(statistics_limit=2).up()
    client = StatClient(world)
    for name in ("RequestCloseStatistic", "RequestPeekStatistic", "RequestCloseDataStream"):
        assert client.ask(name, UserRequestID=1).get("ErrorCode") == 53
    client.open(1, "sales")
    client.open(2, "german")
    assert client.open(3, "here").get("ErrorCode") == 166
    assert StatClient(world, "desktop").open(1, "sales").name == "SEventStatOpened", "each client has its own ids"


def test_who_leaves_takes_the_statistics_along() -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    client.open(1, "sales")
    client.client.closed()
    world.event("7001", TALKS)
    assert not len(world.service.statistics)


# -- a client that follows ----------------------------------------------------------------------------------------
class Follower:
    """What a client knows of one group by the messages alone."""

    def __init__(self) -> None:
        self.targets: dict[str, Target] | None = None
        self._coming: dict[str, Target] = {}

    def hear(self, message: Message) -> None:
        name = message.name.removeprefix("SEvent").removeprefix("CurrentTargetState_")
        if name == "StatInvalid":
            self.targets, self._coming = None, {}
        elif name == "Snapshot":
            self._coming.update({one["AgentID"]: target_from_wire(one) for one in message.get("Targets")})
            if not message.get("TargetsLeft"):
                self.targets, self._coming = self._coming, {}
        elif name.startswith("Target"):
            assert self.targets is not None, "a change before the whole"
            target = target_from_wire(message.get("Target"))
            if name == "TargetRemoved":
                del self.targets[target.agent_id]
            else:
                self.targets[target.agent_id] = target


_DAY = st.lists(st.one_of(
    st.tuples(st.just("event"), st.sampled_from(["7001", "7002", "7003"]), st.builds(
        DNEvent, st.sampled_from(DNEventKind), st.sampled_from(["1001", "1002", "1003"]), st.sampled_from(["6001", "6002"]),
        st.sampled_from(["a", "b"]), st.sampled_from(CallPhase), st.sampled_from([1, 2, 3]))),
    st.tuples(st.just("lost"), st.sampled_from(["one", "two"]), st.none()),
    st.tuples(st.just("seen"), st.sampled_from(["one", "two"]), st.dictionaries(
        st.sampled_from(["7001", "7003", "8001"]),
        st.builds(DNState, st.just(True), st.sampled_from(["1001", "1002"]), st.just("6001"), st.just(WorkState.READY))))),
    max_size=30)


@settings(deadline=None)
@given(_DAY, st.sampled_from(["sales", "german", "here", "queue"]), st.integers(0, 10))
def test_a_client_that_opens_a_group_at_any_time_has_the_servers_picture_ever_after(day: Any, name: str, when: int) -> None:
    world, follower = StatWorld(), Follower()
    client = StatClient(world)
    for place, (kind, where, what) in enumerate([*day, ("pause", "", None)]):
        world.clock.advance(1)
        if place == when:
            client.open(1, name)
        if kind == "event":
            world.event(where, what)
        elif kind == "lost":
            world.lose(where)
        elif kind == "seen":
            world.picture.seen(where, what, world.clock.wall())
        for message in client.news():
            follower.hear(message)
        if place < when:
            continue
        if not world.picture.in_sight:
            assert follower.targets is None
        else:
            assert follower.targets == {one.agent_id: one for one in world.picture.targets(ObjectRef(Kind.GROUP_AGENTS, name))}


_VALUES = st.one_of(st.integers(-5, 60), st.text(max_size=5), st.booleans(), st.none(), st.lists(st.integers(0, 20), max_size=3),
                    st.sampled_from(["sales", "ann", "desk-1", "7001@one", "spring"]))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*VOCABULARY.requests, "RequestAnything"]),
                          st.dictionaries(st.sampled_from([*VOCABULARY.types, "Unknown"]), _VALUES)), max_size=12))
def test_every_request_is_answered_exactly_once_whatever_it_holds(requests: list[tuple[str, dict[str, Any]]]) -> None:
    world = StatWorld().up(dn7001="1001")
    client = StatClient(world)
    for name, attributes in requests:
        attributes = {"UserRequestID": 1, "ObjectType": 2, "ObjectID": "sales", "Category": 44, "CampaignEvent": 3,
                      "Campaign": "spring", "Group": "sales", **attributes}
        answer = client.ask(name, **attributes)
        assert answer.name.startswith(("SEvent", "EventError")) and answer.get("ErrorCode") != 52
    client.client.closed()
    assert world.clock.getDelayedCalls() == [] and not len(world.service.statistics)
