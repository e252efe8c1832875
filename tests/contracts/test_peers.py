"""What every provider of IPeers keeps: one suite on peers by command, and on real ones: octets between two servers."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.peering import CancelTarget, GroupKey, PeerSession
from ocs.dialing.session import SessionState
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import WrongState
from ocs.interfaces import IBlockNotice, IPeers
from ocs.scheduler.alone import NoPeers
from tests.doubles.clock import VirtualClock
from tests.doubles.peers import FakePeers, PeerWorld

GROUP = CampaignGroup(1, "spring", 201, AgentGroup("sales", 301, (), ("7001",)), ())
KEY = GroupKey(201, 301)
ENTRY = DoNotCallEntry(phone="+15550101001", internal=True)


class ByCommand:
    name = "east"

    def __init__(self) -> None:
        self.peers: Any = FakePeers()

    def has(self, agent: str = "", held: int = 0, group: str = "") -> None:
        self.peers.agents, self.peers.held, self.peers.loads = {agent: self.name}, held, {group}

    def blocked(self) -> list[DoNotCallEntry]:
        return list(self.peers.blocked)

    def settle(self) -> None:
        pass


class Real:
    name = "ocs-1"

    def __init__(self) -> None:
        self.world = PeerWorld(VirtualClock())
        self.world.join_all()
        self.peers: Any = self.world.peers[0]

    def has(self, agent: str = "", held: int = 0, group: str = "") -> None:
        there = self.world.requests[1]
        there.agents, there.held = {agent}, held
        there.told = {KEY: PeerSession(KEY, group, SessionState.ACTIVE)} if group else {}

    def blocked(self) -> list[DoNotCallEntry]:
        return list(self.world.requests[1].blocked)

    def settle(self) -> None:
        self.world.settle()


@pytest.fixture(params=[ByCommand, Real])
def rig(request: pytest.FixtureRequest) -> Any:
    return request.param()


def outcome(rig: Any, asked: Deferred[Any]) -> Any:
    """What a Deferred fires with, once everything has arrived."""
    came: list[Any] = []
    asked.addBoth(came.append)
    rig.settle()
    assert len(came) == 1
    return came[0]


def test_it_provides_the_interface(rig: Any) -> None:
    assert verifyObject(IPeers, rig.peers) and rig.peers.there


def test_nobody_to_ask_is_a_provider_too() -> None:
    alone = NoPeers()
    assert verifyObject(IPeers, alone) and verifyObject(IBlockNotice, alone.block([ENTRY])) and not alone.there
    assert alone.block([ENTRY]).everywhere().called


def test_a_notice_fires_when_the_peers_have_the_entry(rig: Any) -> None:
    notice = rig.peers.block([ENTRY])
    assert verifyObject(IBlockNotice, notice)
    rig.settle()
    assert outcome(rig, notice.everywhere()) is None and rig.blocked() == [ENTRY]


def test_records_that_are_cancelled_are_counted(rig: Any) -> None:
    rig.has(held=3)
    assert outcome(rig, rig.peers.cancel(CancelTarget(phone="+15550101001"))) == 3
    rig.has(held=0)
    assert outcome(rig, rig.peers.cancel(CancelTarget(phone="+15550101001"))) == 0


def test_an_agent_is_found_where_the_agent_is_and_takes_what_is_due(rig: Any) -> None:
    rig.has(agent="1001")
    assert outcome(rig, rig.peers.find_agent("1002", "list", KEY)) == ""
    assert outcome(rig, rig.peers.find_agent("1001", "list", KEY)) == rig.name
    assert outcome(rig, rig.peers.take_callback(rig.name, "1001", "list", KEY)) is True
    assert outcome(rig, rig.peers.take_callback("nobody", "1001", "list", KEY)) is False


def test_a_group_that_a_peer_has_is_loaded_only_where_it_is_shared(rig: Any) -> None:
    assert outcome(rig, rig.peers.check_load(GROUP)) is None
    rig.has(group="spring@sales")
    refused = outcome(rig, rig.peers.check_load(GROUP))
    assert refused.check(WrongState) and "spring@sales" in str(refused.value)
    assert outcome(rig, rig.peers.check_load(replace(GROUP, shared=True))) is None
