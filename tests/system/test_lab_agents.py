"""Lab agents on real sockets at a real T-Server: calls come out of the simulated network, a scripted OCS acknowledges."""
from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory

from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.lab.people import AgentPerson
from ocs.options import load
from ocs.passwords import hash_password
from ocs.servers.service import CompanionService
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.service import make_tserver
from protocols.client import MessageClient
from protocols.conversation import ClientConversation
from protocols.desktop.build import CampaignEvent, acknowledge, campaign_event
from protocols.desktop.messages import parse_request
from protocols.desktop.record import RecordData
from protocols.tserver.messages import Message

pytest_twisted = pytest.importorskip("pytest_twisted")

SPEED = 40.0
PEOPLE = [AgentPerson("1001", "7001", "6001", "secret"), AgentPerson("1002", "7002", "6001", "secret")]
BEHAVIOUR = AgentBehaviour(break_every_s=0.0, wrap_up_s=4.0, reschedule_share=0.0, do_not_call_share=0.0,
                           wrong_number_share=0.0, wrong_party_share=0.0, reject_share=0.0, record_retry_s=20.0)


class OCS:
    """What an OCS does on the wire, as far as agents see it: dials, acknowledges, offers records."""

    def __init__(self, mode: str) -> None:
        self.mode, self.requests = mode, []
        self.ready: Deferred[OCS] = Deferred()
        self.records = [RecordData(n, 1, "Spring", phone=f"+1415555{n:04d}") for n in range(1, 5)]
        self.client = MessageClient(ClientConversation("ocs", "secret"), self, reactor)

    def granted(self, client: Any, answer: Message) -> None:
        for dn in ("6001", "7001", "7002"):
            client.request("RequestRegisterAddress", {"ThisDN": dn})
        self.ready.callback(self)

    def refused(self, client: Any, error: Exception) -> None:
        self.ready.errback(error)

    def lost(self, client: Any, reason: str) -> None:
        """The test is over."""

    def event(self, client: Any, message: Message) -> None:
        request = parse_request(message.user_data) if message.name == "EventUserEvent" else None
        if request is None:
            return
        self.requests.append(request)
        if request.name == "CampaignStatusRequest":
            answer = campaign_event(CampaignEvent.STARTED, 1, "Spring", mode=self.mode)
        elif request.name == "PreviewRecordRequest":
            if not self.records:
                return
            answer = acknowledge(request, "PreviewRecord", self.records.pop().pairs())
        else:
            answer = acknowledge(request)
        client.request("RequestDistributeUserEvent", {"ThisDN": message.get("ThisDN"), "UserEvent": 96,
                                                      "UserData": answer})

    def dial(self, handle: int) -> Deferred[Message]:
        record = RecordData(handle, 1, "Spring", phone=f"+1415555{handle:04d}")
        return self.client.request("RequestMakePredictiveCall", {
            "ThisDN": "6001", "OtherDN": record.phone, "Timeout": 25, "UserData": record.pairs()})

    def settled(self) -> set[int | None]:
        return {request.record_handle for request in self.requests if request.name == "RecordProcessed"}


class Site:
    """A T-Server on a free port, an OCS at it, and two agents."""

    def __init__(self, folder: Path, mode: str) -> None:
        secret = hash_password("secret", cheap=True)
        self.options = load(TServerOptions, {
            "listen": {"port": 0}, "clock": {"speed": SPEED, "wall_start": 1_773_160_200, "real_start": time.time()},
            "switch": {"call_log": str(folder / "calls.jsonl")},
            "application": [{"name": name, "password_hash": secret} for name in ("ocs", "desktop")],
            "dn": [{"number": "7001", "count": 2}, {"number": "6001", "kind": "acd-queue"}],
            "agent": [{"id": person.login, "password_hash": secret} for person in PEOPLE],
            "simulator": {"person": 1.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0, "talk_s": 15.0,
                          "answer_s": 4.0}})
        self.service = CompanionService(reactor, "tserver", self.options, make_tserver)
        self.service.privilegedStartService()
        self.service.startService()
        clock, port = self.service.server.events._clock, self.service.address()["port"]
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", port)
        self.ocs = OCS(mode)
        self.floor = LabFloor(clock, PEOPLE, tserver_desks(reactor, endpoint, "desktop", "secret"), BEHAVIOUR)
        self._connecting = endpoint.connect(Factory.forProtocol(lambda: self.ocs.client))

    async def open(self) -> None:
        await self._connecting
        await self.ocs.ready
        self.floor.start()
        await until(lambda: sum(agent.book.counts["logins"] for agent in self.floor.agents) == 2)

    async def close(self) -> None:
        await self.floor.stop(60.0)
        self.ocs.client.close()
        await self.service.stopService()


async def until(met: Any) -> None:
    while not met():
        waited: Deferred[None] = Deferred()
        reactor.callLater(0.02, waited.callback, None)
        await waited


def limited(test: Any) -> Any:
    """A test that is ended after 45 s, and whose site is closed."""
    @functools.wraps(test)
    async def run(tmp_path: Path, sites: list[Site]) -> None:
        try:
            await Deferred.fromCoroutine(test(tmp_path, sites)).addTimeout(45, reactor)
        finally:
            for site in sites:
                await Deferred.fromCoroutine(site.close()).addTimeout(15, reactor)
    return pytest_twisted.ensureDeferred(run)


@pytest.fixture
def sites() -> list[Site]:
    """The sites of a test."""
    return []


@limited
async def test_two_agents_take_the_calls_of_a_queue_and_settle_their_records(tmp_path: Path, sites: list[Site]) -> None:
    sites.append(site := Site(tmp_path, "Progressive"))
    await site.open()
    await until(lambda: site.floor.states() == {"ready": 2})
    for handle in (1, 2):
        await site.ocs.dial(handle)
    await until(lambda: site.ocs.settled() == {1, 2})
    await until(lambda: site.floor.states() == {"ready": 2})
    account = site.floor.account()
    assert account.talked == 2 and account.results == {33: 2} and account.unanswered == 0
    assert 0 < account.utilisation < 1
    await site.floor.stop(60.0)
    assert all(agent.dn is None for agent in site.service.server.floor)


@limited
async def test_agents_ask_for_records_and_dial_them_themselves(tmp_path: Path, sites: list[Site]) -> None:
    sites.append(site := Site(tmp_path, "Preview"))
    await site.open()
    await until(lambda: site.ocs.settled() == {1, 2, 3, 4})
    account = site.floor.account()
    assert account.dialed == account.previewed == 4 and account.rejected == 0
    assert {request.name for request in site.ocs.requests} >= {"PreviewRecordRequest", "UpdateCallCompletionStats"}


@limited
async def test_agents_come_back_when_the_server_cuts_their_links(tmp_path: Path, sites: list[Site]) -> None:
    sites.append(site := Site(tmp_path, "Progressive"))
    await site.open()
    await until(lambda: site.floor.states() == {"ready": 2})
    for connection in list(site.service._factory.connections):
        if connection.transport.getPeer().port != site.ocs.client.transport.getHost().port:
            connection.abort()
    await until(lambda: site.floor.account().lost_links == 2)
    await until(lambda: site.floor.states() == {"ready": 2})
    await site.ocs.dial(5)
    await until(lambda: site.ocs.settled() == {5})
