"""Servers that are peers: who is who, what they tell, what happens when a link goes."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.peering import GroupKey, PeerSession
from ocs.dialing.session import SessionState
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import WrongState
from ocs.interfaces import IPeerRequests
from protocols.message import Message
from tests.doubles.clock import VirtualClock
from tests.doubles.peers import FakePeerRequests, PeerWorld

GROUP = CampaignGroup(1, "spring", 201, AgentGroup("sales", 301, (), ("7001",)), ())
KEY = GroupKey(201, 301)
ENTRY = DoNotCallEntry(phone="+15550101001", internal=True)
RUNNING = PeerSession(KEY, "spring@sales", SessionState.RUNNING, 2, 12, 9, 71)


def joined(*dbids: int) -> PeerWorld:
    world = PeerWorld(VirtualClock(), dbids or (1, 2))
    world.join_all()
    return world


def came(asked: Deferred[Any]) -> list[Any]:
    outcomes: list[Any] = []
    asked.addBoth(outcomes.append)
    return outcomes


def test_the_double_of_what_is_asked_is_one() -> None:
    assert verifyObject(IPeerRequests, FakePeerRequests())


def test_peers_know_each_other_by_name_number_and_start() -> None:
    world = joined()
    link = world.link(0, 1)
    assert link.open and (link.who.name, link.who.dbid, link.who.started_at) == ("ocs-1", 2, world.peers[1].ours.started_at)
    assert [one.name for one in world.services[0].connected] == ["ocs-1"]
    world.cut(0, 1)
    assert not link.open and "ocs-1" == link.who.name and world.services[1].connected == []


def test_a_peer_of_our_own_number_is_refused_by_name_and_nothing_is_loaded() -> None:
    world = joined(7, 7)
    link = world.link(0, 1)
    assert not link.open and "7 is that of ocs-1, which runs already (ocs-0 asks)" in link.conflict
    (refused,) = came(world.peers[0].check_load(replace(GROUP, shared=True)))
    assert refused.check(WrongState) and "ocs-1" in str(refused.value)
    world.cut(0, 1)         # it is gone: its number is free
    assert came(world.peers[0].check_load(GROUP)) == [None]


def test_nothing_is_done_for_a_client_that_has_not_said_who_it_is() -> None:
    from tests.doubles.loopback import Loopback
    from tests.doubles.peers import PASSWORD

    class Silent:
        def granted(self, client: Any, answer: Message) -> None:
            self.asked = came(client.request("RequestDoNotCall", {"Entries": [{"Phone": "+15550101001"}]}))

        def event(self, client: Any, message: Message) -> None:
            pass
        refused = lost = event

    world, silent = PeerWorld(VirtualClock()), Silent()
    Loopback(world.clock, world.servers[0], silent, password=PASSWORD)
    world.settle()
    assert silent.asked[0].value.code == 41 and world.requests[0].blocked == []


def test_sessions_of_peers_are_seen_at_once_when_they_change_and_gone_with_the_link() -> None:
    world = joined()
    there, link = world.requests[1], world.link(0, 1)
    there.told[KEY] = RUNNING
    world.services[1].changed()
    world.settle()
    assert link.sessions == {KEY: RUNNING}
    there.told[KEY] = replace(RUNNING, calls=10)
    world.clock.advance(5)          # counts are told from time to time
    world.settle()
    assert link.sessions[KEY].calls == 10
    world.cut(0, 1)
    assert link.sessions == {}
    world.join(0, 1)                # and all of them again
    world.settle()
    assert link.sessions[KEY].calls == 10
    there.told[KEY] = replace(RUNNING, state=SessionState.NOT_LOADED)
    world.services[1].changed()
    world.settle()
    assert link.sessions == {}


def test_a_request_is_acknowledged_only_when_every_peer_has_blocked_the_number() -> None:
    world = joined(1, 2, 3)
    notice = world.peers[0].block([ENTRY])
    told = came(notice.everywhere())
    assert told == []
    world.settle()
    assert told == [None] and [one.blocked for one in world.requests] == [[], [ENTRY], [ENTRY]]
    assert world.requests[1].blocked[0].request_id == ENTRY.request_id


def test_for_a_peer_that_is_away_the_request_waits_until_the_database_has_told_it() -> None:
    world = joined(1, 2, 3)
    world.cut(0, 2)
    notice = world.peers[0].block([ENTRY])
    world.settle()
    world.clock.advance(7)          # the commit takes its time
    told = came(notice.everywhere())
    world.clock.advance(0.9)
    assert told == []
    world.clock.advance(0.2)
    assert told == [None] and world.requests[1].blocked == [ENTRY] and world.requests[2].blocked == []


def test_a_link_that_goes_before_the_answer_counts_as_away() -> None:
    world = joined()
    notice = world.peers[0].block([ENTRY])
    world.cut(0, 1)
    told = came(notice.everywhere())
    world.clock.advance(0.9)
    assert told == []
    world.clock.advance(0.2)
    assert told == [None]


def test_of_two_that_load_a_group_at_the_same_time_the_lower_number_wins_whoever_asks_first() -> None:
    for first, second in ((0, 1), (1, 0)):
        world = joined()
        for place in (first, second):
            world.requests[place].told[KEY] = replace(RUNNING, state=SessionState.INACTIVE)
        outcomes = {place: came(world.peers[place].check_load(GROUP)) for place in (first, second)}
        world.settle()
        assert outcomes[0] == [None] and outcomes[1][0].check(WrongState)


def test_one_that_has_been_told_yes_is_not_overtaken() -> None:
    """The other one asks in the moment in which the answer is on its way."""
    world = joined()
    loading = replace(RUNNING, state=SessionState.INACTIVE)
    world.requests[1].told[KEY] = loading
    later = came(world.peers[1].check_load(GROUP))
    turns = 0
    while not later:
        world.clock.advance(0)
        turns += 1
    for turn in range(turns + 1):
        world = joined()
        world.requests[1].told[KEY] = loading
        second = came(world.peers[1].check_load(GROUP))
        for _ in range(turn):
            world.clock.advance(0)
        world.requests[0].told[KEY] = loading
        first = came(world.peers[0].check_load(GROUP))
        world.settle()
        assert (first == [None]) is not (second == [None]), turn


def test_a_group_that_is_found_loaded_twice_is_told_once() -> None:
    from twisted.logger import LogLevel, globalLogPublisher
    world, seen = joined(), []

    def observe(event: Any) -> None:
        if event["log_level"] is LogLevel.error:
            seen.append(event["session"])
    world.requests[0].told[KEY] = RUNNING
    world.requests[1].told[KEY] = RUNNING
    globalLogPublisher.addObserver(observe)
    try:
        for calls in range(3):
            world.requests[1].told[KEY] = replace(RUNNING, calls=calls)
            world.services[1].changed()
            world.settle()
        assert seen == ["spring@sales"]
        world.requests[0].shared.add(KEY)
        world.cut(0, 1)
        world.join(0, 1)
        world.settle()
        assert seen == ["spring@sales"]
    finally:
        globalLogPublisher.removeObserver(observe)
