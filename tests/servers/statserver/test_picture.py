"""The picture of a site: agents, places and groups follow from what happens at DNs, and listeners can keep up with it."""
from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.servers.statserver.directory import Directory, DNKey, ObjectRef
from ocs.servers.statserver.picture import MemberChange, Picture
from ocs.servers.statserver.states import (
    CallPhase,
    DNEvent,
    DNEventKind,
    DNState,
    WorkState,
    dn_status,
    group_status,
    step,
)
from protocols.statserver.messages import ObjectType, Status
from protocols.statserver.targets import Target
from protocols.tserver.messages import CallType
from tests.servers.statserver.site import SALES, group, ready_dns, site

K, S = DNEventKind, Status
FLOOR = group("floor", ObjectType.GROUP_PLACES)
GROUPS = [*(group(name) for name in ("sales", "german", "here", "queue")), FLOOR, group("all", ObjectType.GROUP_PLACES)]
TALKS = DNEvent(K.CALL, conn_id="a", phase=CallPhase.CONNECTED, call_type=CallType.OUTBOUND)


class Listener:
    """Keeps the members of every group by the news alone, as a client of the server does; sight news are kept as they come."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.members = {ref: {name_of(ref, target): target for target in picture.targets(ref)} for ref in GROUPS}
        self.news: list[tuple[str, Any]] = []

    def changed(self, ref: ObjectRef) -> None:
        self.news.append(("changed", ref))

    def member_changed(self, kind: MemberChange, group: ObjectRef, target: Target) -> None:
        self.news.append((kind.name, (group.id, name_of(group, target))))
        members = self.members[group]
        assert (name_of(group, target) in members) is (kind is not MemberChange.ADDED)
        if kind is MemberChange.REMOVED:
            del members[name_of(group, target)]
        else:
            assert members.get(name_of(group, target)) != target, "nothing is told twice"
            members[name_of(group, target)] = target

    def sight_changed(self) -> None:
        self.news.append(("sight", frozenset(self.picture.in_sight)))

    def told(self) -> list[tuple[str, Any]]:
        news, self.news = self.news, []
        return [one for one in news if one[0] != "changed"]


def name_of(ref: ObjectRef, target: Target) -> str:
    """Who it is, among the members of this group."""
    return target.place_id if ref.type is ObjectType.GROUP_PLACES else target.agent_id


def up(**logins: str) -> tuple[Picture, Listener]:
    """T-Server one is in sight with these agents ready, T-Server two with nobody."""
    picture = Picture(site())
    picture.seen("two", {dn: DNState(monitored=True) for dn in ("7001", "8001", "8002")}, 50.0)
    picture.seen("one", ready_dns(**logins), 100.0)
    picture.listener = listener = Listener(picture)
    return picture, listener


def statuses(picture: Picture, ref: ObjectRef) -> dict[str, Status]:
    return {name_of(ref, target): target.status for target in picture.targets(ref)}


def test_before_any_t_server_is_in_sight_nobody_is_monitored() -> None:
    picture = Picture(site())
    assert statuses(picture, SALES) == {"cat": S.NOT_MONITORED, "ann": S.NOT_MONITORED}
    assert statuses(picture, FLOOR) == {"desk-2": S.NOT_MONITORED, "desk-1": S.NOT_MONITORED}
    assert not any(picture.sees(ref) for ref in GROUPS) and picture.status(SALES) == (S.NOT_MONITORED, 0.0)


def test_a_member_has_everything_that_a_dialer_needs_to_know() -> None:
    picture, _ = up(dn7001="1001")
    (ann, cat) = picture.targets(SALES)
    assert (cat.agent_id, cat.status, cat.dns, cat.place_id) == ("cat", S.LOGGED_OUT, (), "")
    assert (ann.agent_id, ann.agent_dbid, ann.login, ann.place_id, ann.place_dbid) == ("ann", 11, "1001", "desk-1", 21)
    assert (ann.status, ann.since) == (S.WAIT_FOR_NEXT_CALL, 100.0)
    assert [(one.dn, one.switch, one.status) for one in ann.dns] == [
        ("7001", "one", S.WAIT_FOR_NEXT_CALL), ("7002", "one", S.ON_HOOK)]
    (place, desk) = picture.targets(FLOOR)
    assert (place.place_id, place.agent_id, place.status) == ("desk-2", "", S.ON_HOOK)
    assert (desk.place_id, desk.agent_id, desk.login, desk.status) == ("desk-1", "ann", "1001", S.WAIT_FOR_NEXT_CALL)


def test_a_call_at_the_other_dn_of_the_place_counts_for_the_agent() -> None:
    picture, listener = up(dn7001="1001")
    picture.event("one", "7002", TALKS, 130.0)
    assert picture.targets(SALES)[0].status is S.CALL_OUTBOUND and picture.targets(SALES)[0].since == 130.0
    assert listener.told() == [("UPDATED", ("floor", "desk-1")), ("UPDATED", ("all", "desk-1")), ("UPDATED", ("sales", "ann")),
                               ("UPDATED", ("german", "ann")), ("UPDATED", ("here", "ann")), ("UPDATED", ("queue", "ann"))]


def test_events_that_change_nothing_and_those_of_other_dns_are_not_told() -> None:
    picture, listener = up(dn7001="1001")
    picture.event("one", "7001", DNEvent(K.READY, "1001", "6001"), 140.0)
    picture.event("one", "9999", TALKS, 140.0)
    picture.event("nowhere", "7001", TALKS, 140.0)
    assert listener.news == []


def test_a_virtual_group_gains_and_loses_members_as_they_log_in_and_out() -> None:
    picture, listener = up()
    assert not statuses(picture, group("here")) and list(statuses(picture, group("german"))) == ["ann"]
    picture.event("one", "7003", DNEvent(K.LOGIN, "1002", "6001"), 110.0)
    assert ("ADDED", ("here", "ben")) in listener.told() and list(statuses(picture, group("here"))) == ["ben"]
    assert list(statuses(picture, group("queue"))) == ["ben"]
    picture.event("one", "7003", DNEvent(K.LOGOUT), 120.0)
    assert {("REMOVED", ("here", "ben")), ("REMOVED", ("queue", "ben"))} <= set(listener.told())
    assert not statuses(picture, group("here"))
    picture.event("two", "8001", DNEvent(K.LOGIN, "1002", "6002"), 130.0)
    assert not statuses(picture, group("here")) and not statuses(picture, group("queue")), "another T-Server, another queue"


def test_an_agent_whom_the_site_does_not_know_is_seen_at_the_place_only() -> None:
    picture, listener = up()
    picture.event("one", "7003", DNEvent(K.LOGIN, "stranger"), 110.0)
    picture.event("one", "7003", DNEvent(K.READY, "stranger"), 110.0)
    place = picture.targets(FLOOR)[0]
    assert (place.login, place.agent_id, place.status) == ("stranger", "", S.WAIT_FOR_NEXT_CALL)
    assert all("stranger" not in statuses(picture, ref) for ref in GROUPS)


def test_a_lost_t_server_takes_its_agents_out_of_sight_and_nobody_else() -> None:
    picture, listener = up(dn7001="1001")
    picture.event("two", "8001", DNEvent(K.LOGIN, "1003"), 110.0)
    picture.event("two", "8001", DNEvent(K.READY, "1003"), 111.0)
    listener.told()
    picture.lost("one", 120.0)
    assert listener.told()[0] == ("sight", frozenset({"two"})), "what is not valid any more is told first"
    assert statuses(picture, SALES) == {"cat": S.WAIT_FOR_NEXT_CALL, "ann": S.NOT_MONITORED}
    assert not picture.sees(FLOOR) and picture.sees(group("all", ObjectType.GROUP_PLACES)) and picture.sees(SALES)
    picture.lost("two", 130.0)
    assert not any(picture.sees(ref) for ref in GROUPS)
    picture.lost("two", 140.0)
    assert picture.targets(SALES)[1].since == 130.0, "lost once"
    picture.seen("one", ready_dns(dn7001="1001"), 150.0)
    assert listener.told()[-1] == ("sight", frozenset({"one"})), "whoever comes back is there before it is told"
    assert statuses(picture, SALES) == {"cat": S.NOT_MONITORED, "ann": S.WAIT_FOR_NEXT_CALL}, "two may have cat"


def test_a_dn_that_could_not_be_registered_stays_out_of_sight() -> None:
    picture = Picture(site())
    states = dict(ready_dns())
    del states["7003"]
    picture.seen("one", states, 100.0)
    picture.event("one", "7003", TALKS, 110.0)
    assert statuses(picture, FLOOR) == {"desk-2": S.NOT_MONITORED, "desk-1": S.ON_HOOK}


def test_the_status_of_objects_is_told_with_its_time() -> None:
    picture, listener = up(dn7001="1001")
    dn, agent, place = (ObjectRef(ObjectType.REG_DN, "7001@one"), ObjectRef(ObjectType.AGENT, "ann"),
                        ObjectRef(ObjectType.AGENT_PLACE, "desk-1"))
    picture.event("one", "7001", TALKS, 130.0)
    for ref in (dn, agent, place):
        assert picture.status(ref) == (S.CALL_OUTBOUND, 130.0) and ("changed", ref) in listener.news
    assert picture.status(SALES) == (S.NOT_READY_FOR_NEXT_CALL, 130.0)
    assert picture.counts(SALES) == {S.CALL_OUTBOUND: 1, S.LOGGED_OUT: 1}
    picture.event("one", "7001", DNEvent(K.CALL_GONE, conn_id="a"), 140.0)
    assert picture.status(SALES) == (S.WAIT_FOR_NEXT_CALL, 140.0)


def test_which_objects_there_are() -> None:
    picture = Picture(site())
    known = [SALES, FLOOR, ObjectRef(ObjectType.AGENT, "ann"), ObjectRef(ObjectType.AGENT_PLACE, "desk-3"),
             ObjectRef(ObjectType.REG_DN, "7001@two"), ObjectRef(ObjectType.REG_DN, "8002")]
    unknown = [ObjectRef(ObjectType.GROUP_PLACES, "sales"), ObjectRef(ObjectType.AGENT, "1001"),
               ObjectRef(ObjectType.REG_DN, "7001"), ObjectRef(ObjectType.REG_DN, "8002@one")]
    assert all(map(picture.knows, known)) and not any(map(picture.knows, unknown)), "7001 is at both T-Servers"


# -- random days against a plain model ----------------------------------------------------------------------------
_DNS = [DNKey("one", "7001"), DNKey("one", "7002"), DNKey("one", "7003"), DNKey("two", "7001"), DNKey("two", "8001")]
_HAPPENINGS = st.lists(st.one_of(
    st.tuples(st.just("event"), st.sampled_from(_DNS), st.builds(
        DNEvent, st.sampled_from(DNEventKind), st.sampled_from(["1001", "1002", "2002", "1003", "stranger"]),
        st.sampled_from(["6001", "6002"]), st.sampled_from(["a", "b"]), st.sampled_from(CallPhase),
        st.sampled_from([1, 2, 3, 4]))),
    st.tuples(st.just("lost"), st.sampled_from(["one", "two"]), st.none()),
    st.tuples(st.just("seen"), st.sampled_from(["one", "two"]), st.dictionaries(
        st.sampled_from(["7001", "7002", "7003", "8001", "8002"]),
        st.builds(DNState, st.just(True), st.sampled_from(["1001", "1002"]), st.just("6001"), st.just(WorkState.READY))))),
    max_size=40)


class Plain:
    """The same by looking at everything anew each time."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.states: dict[DNKey, DNState] = {
            DNKey(one.name, dn): DNState() for one in directory.switches.values() for dn in one.dns}
        self.up: set[str] = set()

    def happens(self, kind: str, where: Any, what: Any) -> None:
        if kind == "event" and self.states[where].monitored:
            self.states[where] = step(self.states[where], what)
        elif kind == "lost" and where in self.up:
            self.up.discard(where)
            self.states.update({key: DNState() for key in self.states if key.switch == where})
        elif kind == "seen":
            self.up.add(where)
            self.states.update({key: what.get(key.dn, DNState()) for key in self.states if key.switch == where})

    def seats(self, agent_id: str) -> list[DNKey]:
        return [key for key, state in self.states.items() if state.login in self.directory.agents[agent_id].logins]

    def agent(self, agent_id: str) -> Status:
        desks = set()
        for seat in self.seats(agent_id):
            owner = next((place for place in self.directory.places.values() if seat in place.dns), None)
            desks |= {seat} if owner is None else set(owner.dns)
        if not desks:
            return S.LOGGED_OUT if self.up == {"one", "two"} else S.NOT_MONITORED
        return max(dn_status(self.states[key]) for key in desks)

    def members(self, name: str) -> dict[str, Status]:
        seats = {agent_id: self.seats(agent_id) for agent_id in self.directory.agents}
        rules = {"sales": lambda one: one in ("cat", "ann"), "german": lambda one: one == "ann",
                 "here": lambda one: one != "cat" and any(key.switch == "one" for key in seats[one]),
                 "queue": lambda one: any(self.states[key].queue == "6001" for key in seats[one])}
        return {one: self.agent(one) for one in seats if rules[name](one)}


@settings(deadline=None)
@given(_HAPPENINGS)
def test_after_any_day_the_picture_is_that_of_a_plain_model_and_listeners_have_it_too(happenings: list[Any]) -> None:
    picture = Picture(site())
    picture.listener = listener = Listener(picture)
    plain = Plain(picture.directory)
    for at, (kind, where, what) in enumerate(happenings, 1):
        if kind == "event":
            picture.event(where.switch, where.dn, what, float(at))
        elif kind == "lost":
            picture.lost(where, float(at))
        else:
            picture.seen(where, what, float(at))
        plain.happens(kind, where, what)
    for ref in GROUPS:
        now = picture.targets(ref)
        assert listener.members[ref] == {name_of(ref, target): target for target in now}
        counts = Counter(target.status for target in now)
        assert picture.counts(ref) == counts and picture.status(ref)[0] is group_status(counts)
    for name in ("sales", "german", "here", "queue"):
        assert statuses(picture, group(name)) == plain.members(name)
    for name, place in picture.directory.places.items():
        target = next(one for one in picture.targets(group("all", ObjectType.GROUP_PLACES)) if one.place_id == name)
        assert target.status is max(dn_status(plain.states[key]) for key in place.dns)
