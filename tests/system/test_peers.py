"""Two and three outbound contact servers, each a process of its own, on one list and one do-not-call list in PostgreSQL, at one
T-Server: what one of them acknowledges, all of them honour; one that is killed is survived, and started again."""
from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import deferLater

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import (
    CALLING_LIST,
    CAMPAIGN,
    LIST_DBID,
    SESSION,
    LabTime,
    icon_config,
    make_plan,
    ocs_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.reconcile import reconcile
from ocs.database.backend import backend_for
from ocs.dialing.results import DialingMode, RecordStatus
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.passwords import hash_password
from ocs.servers.icon.config import IconOptions
from ocs.servers.tserver.config import TServerOptions
from protocols.desktop.build import build_request
from protocols.desktop.messages import parse_event
from protocols.message import Message
from tests.doubles.ports import free_port
from tests.postgres import PostgresServer
from tests.system.test_demo import written

NOON = 1_773_160_200.0          # Tuesday 2026-03-10T16:30Z: all of the US is awake
SPEED = 60.0
BETWEEN = "between servers"
CLOCK: Any = reactor


def pause(seconds: float) -> Deferred[None]:
    return deferLater(CLOCK, seconds, lambda: None)


async def until(condition: Callable[[], Any], what: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await pause(0.05)


class Desk:
    """An agent's desktop that only sends requests, to whichever server it names."""

    def __init__(self, port: int, password: str, dn: str, clock: Any) -> None:
        self._dn, self._clock, self._references = dn, clock, 0
        self._waiting: dict[int, Deferred[Any]] = {}
        self._link = Link("desk", LinkOptions(port=port, application="visitor", password=password), self, CLOCK, Links(clock),
                          random.Random(1))

    async def open(self) -> None:
        self._link.startService()
        await until(lambda: self._link.up, "the desk's link")
        await self._link.request("RequestRegisterAddress", {"ThisDN": self._dn})

    async def close(self) -> None:
        await self._link.stopService()

    async def ask(self, server: int, name: str, **values: Any) -> Any:
        self._references += 1
        answer = self._waiting[self._references] = Deferred()
        await self._link.request("RequestDistributeUserEvent", {"ThisDN": self._dn, "UserData": build_request(
            name, reference_id=self._references, application_id=server, campaign_name=CAMPAIGN, **values)})
        return await answer.addTimeout(20.0, CLOCK)

    def event(self, client: Any, message: Message) -> None:
        told = parse_event(message.user_data) if message.name == "EventUserEvent" else None
        if told is not None and told.reference_id in self._waiting:
            self._waiting.pop(told.reference_id).callback(told)

    def granted(self, client: Any, answer: Message) -> None:
        pass

    refused = lost = granted


class Center:
    """A T-Server, an ICON, `count` servers that are peers, six agents who work for all of them."""

    def __init__(self, folder: Path, url: str, count: int, contacts: Path | None = None) -> None:
        self.folder, self.count = folder, count
        options = DemoOptions(contacts=contacts or written(folder), dnc=None, agents=6, mode=DialingMode.PROGRESSIVE, speed=SPEED,
                              now=None, seed=1, directory=folder, database=url)
        self.backend = backend_for(url)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, url, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self.clock = self.plan.time.clock(CLOCK)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.icon = self._child("tserver", "ocs-tserver"), self._child("icon", "ocs-icon")
        self.servers = [self._child(f"ocs-{number}", "ocs") for number in range(1, count + 1)]
        self._floor: LabFloor | None = None

    def _child(self, name: str, plugin: str) -> Child:
        return Child(CLOCK, name, plugin, self.folder / f"{name}.toml", self.folder, self._lock)

    async def open(self) -> None:
        write_config(self.folder / "tserver.toml", TServerOptions, tserver_config(self.plan))
        port = int((await self.tserver.start())["tserver"]["port"])
        write_config(self.folder / "icon.toml", IconOptions, icon_config(self.plan))
        history = int((await self.icon.start())["icon"]["port"])
        ports = [free_port() for _ in self.servers]
        for number, server in enumerate(self.servers, 1):
            self._configure(number, port, history, ports)
        starting = [Deferred.fromCoroutine(server.start()) for server in self.servers]
        facts = [await each for each in starting]
        assert [one["peer"]["port"] for one in facts] == ports
        await until(lambda: all(self.log(number).count(" is ocs-") >= self.count - 1 for number in range(1, self.count + 1)),
                    "every server knows the others")
        self.desk = Desk(port, self.plan.passwords["visitor"], self.plan.visitors[0].dn, self.clock)
        await self.desk.open()
        # a server that is killed answers nobody: agents do not wait for it long
        desks = tserver_desks(CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", port), "lab", self.plan.passwords["lab"], 2.0)
        self._floor = LabFloor(self.clock, self.plan.agents, desks, self.plan.behaviour)
        self._floor.start()

    def way(self, number: int, other: int, port: int) -> int:
        """The port at which the server `number` reaches the server `other`, which listens on `port`."""
        return port

    def _configure(self, number: int, port: int, history: int, ports: list[int]) -> None:
        name, config = f"ocs-{number}", ocs_config(self.plan, port, icon_port=history)
        config["icon"]["spool_file"] = str(self.folder / f"{name}-icon.spool")
        config["application"] = {"name": name, "dbid": number}
        config["manhole"] = {}
        config["service"] = {"ready_file": str(self.folder / f"{name}.ready"), "stop_with_parent": True}
        config["change_spool"] = {"file": str(self.folder / f"{name}.spool")}
        config["call_audit"]["directory"] = str(self.folder / f"{name}-audit")
        config["campaign_group"][0]["shared"] = True
        config["peer"] = {"enabled": True, "port": ports[number - 1], "application": [
            {"name": f"ocs-{other}", "password_hash": hash_password(BETWEEN, cheap=True)} for other in range(1, self.count + 1)]}
        config["peer_server"] = [{"name": f"peer-{other}", "port": self.way(number, other, ports[other - 1]),
                                  "application": name, "password": BETWEEN, "reconnect_min_s": 0.2, "reconnect_max_s": 1.0}
                                 for other in range(1, self.count + 1) if other != number]
        write_config(self.folder / f"{name}.toml", OCSOptions, config)

    def log(self, number: int) -> str:
        return self.servers[number - 1].log_file.read_text()

    @property
    def accounts(self) -> Any:
        return read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1, self.backend, LIST_DBID)

    @property
    def calls(self) -> int:
        """Calls into the network that are over."""
        return sum(call.kind == "outbound" for call in read_call_log(self.folder / "calls.jsonl")[0])

    async def calls_more(self, count: int, what: str) -> None:
        goal = self.calls + count
        await until(lambda: self.calls >= goal, what)

    async def kill(self, number: int) -> None:
        """SIGKILL, as by the machine's death."""
        ended = self.servers[number - 1].ended()
        self.servers[number - 1]._signal(signal.SIGKILL)
        await ended

    async def close(self) -> None:
        await self.desk.close()
        for stopping in [Deferred.fromCoroutine(server.stop(30.0)) for server in self.servers]:
            await stopping
        if self._floor is not None:
            await self._floor.stop(30.0)
        await self.icon.stop(30.0)
        await self.tserver.stop(30.0)
        os.close(self._lock)

    def called_after(self, acknowledged: dict[str, float]) -> list[str]:
        """Numbers that were dialed after the moment (lab clock) in which the request was acknowledged."""
        return [call.destination for call in read_call_log(self.folder / "calls.jsonl")[0]
                if call.kind == "outbound" and call.dialed_at > acknowledged.get(call.destination, float("inf"))]


async def ask_not_to_be_called(center: Center, servers: list[int], phones: list[str], acknowledged: dict[str, float]) -> None:
    """One request after another, each at one of these servers, while they dial."""
    for place, phone in enumerate(phones):
        answer = await center.desk.ask(servers[place % len(servers)], "DoNotCall", phone=phone)
        assert answer.name == "DoNotCallAcknowledge", answer
        acknowledged[phone] = center.clock.wall()
        await pause(0.05)


@pytest.mark.parametrize("count", [2, 3])
@pytest_twisted.ensureDeferred
async def test_what_one_server_acknowledges_all_of_them_honour(count: int, tmp_path: Path,
                                                               postgres_server: PostgresServer) -> None:
    center, acknowledged = Center(tmp_path, upgraded(postgres_server), count), {}
    try:
        await center.open()
        await center.calls_more(4, "the first calls")
        waiting = sorted({record.contact_info for record in center.accounts.records}
                         - {attempt.phone for attempt in center.accounts.attempts})
        phones = random.Random(count).sample(waiting, min(15, len(waiting)))
        await ask_not_to_be_called(center, list(range(1, count + 1)), phones, acknowledged)
        await center.calls_more(15, "calls after the requests")
    finally:
        await center.close()
    assert len(acknowledged) >= 8 and center.called_after(acknowledged) == []
    assert reconcile(center.accounts, edge_s=center.plan.edge_s) == []
    owners = {SESSION in center.log(number) and "has been running" in center.log(number) for number in range(1, count + 1)}
    assert owners == {True}, "each of them dialed"


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_killed_is_survived_and_takes_its_records_up_again(tmp_path: Path,
                                                                                  postgres_server: PostgresServer) -> None:
    center, acknowledged = Center(tmp_path, upgraded(postgres_server), 2), {}
    try:
        await center.open()
        await center.calls_more(6, "the first calls")
        await center.kill(2)
        held = {record.record_id for record in center.accounts.records if record.record_status is RecordStatus.RETRIEVED}
        assert held, "records were in its memory"
        waiting = sorted({record.contact_info for record in center.accounts.records}
                         - {attempt.phone for attempt in center.accounts.attempts})
        await ask_not_to_be_called(center, [1], waiting[:3], acknowledged)      # nobody else is there to be told
        await center.calls_more(5, "the other one goes on")
        await center.servers[1].start()
        await until(lambda: "peer peer-1 is ocs-1" in center.log(2)[center.log(2).rindex("do-not-call entries"):], "its peer")
        await ask_not_to_be_called(center, [2, 1], waiting[3:7], acknowledged)
        await center.calls_more(8, "calls after it is back")
    finally:
        await center.close()
    assert center.called_after(acknowledged) == []
    accounts = center.accounts
    assert reconcile(accounts, edge_s=center.plan.edge_s) == []
    assert not [record for record in accounts.records if record.record_status is RecordStatus.RETRIEVED]


def upgraded(server: PostgresServer) -> str:
    from ocs.store.versions import upgrade
    url = server.database()
    upgrade(url)
    return url
