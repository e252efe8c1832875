"""The Stat Server as a process of its own in a contact center: killed in the middle of the dialing and started again, hanging,
without its T-Server; and what a client of its port hears."""
from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable

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
    GROUP,
    SESSION,
    LabTime,
    make_plan,
    ocs_config,
    statserver_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.reconcile import reconcile
from ocs.clock import SystemClock
from ocs.database.backend import backend_for
from ocs.dialing.results import DialingMode
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.tserver.config import TServerOptions
from protocols.message import Message
from protocols.statserver.messages import CampaignStatus, Status
from tests.system.test_demo import written

NOON = 1_773_160_200.0          # Tuesday 2026-03-10T16:30Z: all of the US is awake
SPEED = 60.0
CLOCK: Any = reactor


def pause(seconds: float) -> Deferred[None]:
    return deferLater(CLOCK, seconds, lambda: None)


async def until(condition: Callable[[], Any], what: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await pause(0.05)


class Center:
    """T-Server, Stat Server and OCS under twistd, six agents on sockets, a list of sixty contacts."""

    def __init__(self, folder: Path) -> None:
        self.folder, url = folder, f"sqlite:///{folder}/ocs.sqlite"
        options = DemoOptions(contacts=written(folder), dnc=None, agents=6, mode=DialingMode.PROGRESSIVE, speed=SPEED, now=None,
                              seed=1, directory=folder, database=url)
        self.backend = backend_for(url)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, url, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.statserver, self.ocs = (self._child(name) for name in ("tserver", "statserver", "ocs"))
        self._floor: LabFloor | None = None

    def _child(self, name: str) -> Child:
        plugin = name if name == "ocs" else f"ocs-{name}"
        return Child(CLOCK, name, plugin, self.folder / f"{name}.toml", self.folder, self._lock)

    async def open(self) -> None:
        write_config(self.folder / "tserver.toml", TServerOptions, tserver_config(self.plan))
        self.port = int((await self.tserver.start())["tserver"]["port"])
        stats = statserver_config(self.plan, self.port)
        write_config(self.folder / "statserver.toml", StatServerOptions, stats)
        self.stat_port = int((await self.statserver.start())["statserver"]["port"])
        stats["listen"]["port"] = self.stat_port        # where it is found again
        write_config(self.folder / "statserver.toml", StatServerOptions, stats)
        ocs = ocs_config(self.plan, self.port, self.stat_port)
        ocs["statserver"]["keep_alive_s"] = 1.0
        write_config(self.folder / "ocs.toml", OCSOptions, ocs)
        await self.ocs.start()
        desks = tserver_desks(CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", self.port), "lab", self.plan.passwords["lab"])
        self._floor = LabFloor(self.plan.time.clock(CLOCK), self.plan.agents, desks, self.plan.behaviour)
        self._floor.start()

    def dialed(self) -> int:
        """Attempts that the OCS has made, also those whose calls go on."""
        return len(read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1).attempts)

    @property
    def calls(self) -> int:
        """Calls into the network that are over."""
        return sum(call.kind == "outbound" for call in read_call_log(self.folder / "calls.jsonl")[0])

    async def calls_more(self, count: int, what: str) -> None:
        goal = self.calls + count
        await until(lambda: self.calls >= goal, what)

    def log(self) -> str:
        return self.ocs.log_file.read_text()

    async def kill(self, child: Child) -> None:
        """SIGKILL, as by the machine's death."""
        ended = child.ended()
        child._signal(signal.SIGKILL)
        await ended

    async def close(self) -> None:
        await self.ocs.stop(30.0)
        if self._floor is not None:
            await self._floor.stop(30.0)
        await self.statserver.stop(30.0)
        await self.tserver.stop(30.0)
        os.close(self._lock)

    def differences(self) -> list[str]:
        """Of both accounts, once everything has stopped."""
        return reconcile(read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1), edge_s=self.plan.edge_s)


@pytest_twisted.ensureDeferred
async def test_killed_in_the_middle_of_the_dialing_nothing_is_dialed_until_it_is_back(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.calls_more(8, "calls before the Stat Server is killed")
        told = center.log().count("does not dial")
        await center.kill(center.statserver)
        await until(lambda: center.log().count("does not dial") > told, "the reason in the log", 10.0)
        assert f"{SESSION} does not dial: no link to the Stat Server" in center.log()
        dialed = center.dialed()
        await pause(4.0)        # four minutes of the laboratory: agents finish and wait, retries fall due
        assert center.dialed() == dialed, "no further dials"
        again = center.log().count("dials again")
        assert int((await center.statserver.start())["statserver"]["port"]) == center.stat_port
        await until(lambda: center.log().count("dials again") > again, "a fresh snapshot", 20.0)
        await center.calls_more(8, "calls after it is back")
    finally:
        await center.close()
    assert center.differences() == [] and "Traceback" not in center.log()
    assert "Traceback" not in center.statserver.log_file.read_text()


@pytest_twisted.ensureDeferred
async def test_a_visitor_follows_agents_and_campaign_and_a_stat_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    center = Center(tmp_path)
    heard = Heard()
    link = None
    try:
        await center.open()
        options = LinkOptions(port=center.stat_port, application="visitor", password=center.plan.passwords["visitor"])
        link = Link("statserver", options, heard, CLOCK, Links(SystemClock(CLOCK)), random.Random(1))
        link.startService()
        await until(lambda: heard.client is not None, "the log-in")
        await heard.client.request("RequestOpenStatistic", {
            "UserRequestID": 1, "ObjectType": 2, "ObjectID": GROUP, "Category": 44})
        await heard.client.request("RequestOpenStatistic", {
            "UserRequestID": 2, "ObjectType": 10, "ObjectID": SESSION, "Category": 10})
        await center.calls_more(8, "calls")
        day = {Status.WAIT_FOR_NEXT_CALL, Status.CALL_RINGING, Status.CALL_OUTBOUND, Status.AFTER_CALL_WORK}
        await until(lambda: heard.statuses() >= day, "agents wait, are called, talk and wrap up")
        campaign = heard.last(2)
        assert campaign.get("Status") == CampaignStatus.RUNNING and campaign.get("DialMode") == DialingMode.PROGRESSIVE
        await until(lambda: heard.last(2).get("Actions").get("DialMade", 0) >= 5, "calls are counted")
        center.statserver._signal(signal.SIGSTOP)       # half open: it does not close, and says nothing
        await until(lambda: "does not dial: no link to the Stat Server" in center.log(), "it is given up", 20.0)
        dialed = center.dialed()
        await pause(2.0)
        assert center.dialed() == dialed
        center.statserver._signal(signal.SIGCONT)
        await center.calls_more(5, "calls after it speaks again")
    finally:
        if center.statserver.running:
            center.statserver._signal(signal.SIGCONT)
        if link is not None:
            await link.stopService()
        await center.close()
    assert center.differences() == []


class Heard:
    """A client that keeps what it hears."""

    def __init__(self) -> None:
        self.client: Any = None
        self.events: list[Message] = []

    def granted(self, client: Any, answer: Message) -> None:
        self.client = client

    def event(self, client: Any, message: Message) -> None:
        self.events.append(message)

    def refused(self, client: Any, error: Any) -> None:
        raise AssertionError(f"refused: {error}")

    def lost(self, client: Any, reason: str) -> None:
        """It may be lost, and come back."""

    def last(self, number: int) -> Message:
        """The last news of one statistic."""
        return [one for one in self.events if one.get("UserRequestID") == number][-1]

    def statuses(self) -> set[int]:
        """All statuses of members that were ever told."""
        targets = [target for one in self.events for target in one.get("Targets", [])]
        targets += [one.get("Target") for one in self.events if one.get("Target")]
        return {target["Status"] for target in targets}


@pytest_twisted.ensureDeferred
async def test_while_the_t_server_is_away_the_stat_server_serves_and_everything_comes_back(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.calls_more(5, "calls")
        await center.kill(center.tserver)
        await until(lambda: "does not dial: no link to the T-Server" in center.log(), "the reason in the log", 10.0)
        tserver = tserver_config(center.plan)
        tserver["listen"]["port"] = center.port
        write_config(center.folder / "tserver.toml", TServerOptions, tserver)
        await center.tserver.start()
        await center.calls_more(5, "calls after it is back")
    finally:
        await center.close()
    assert "Traceback" not in center.statserver.log_file.read_text()
