"""Two real T-Servers as primary and backup, and the OCS that dials through them: the one that serves is killed, again and again;
nothing is dialed twice, nothing is lost, and all accounts agree."""
from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import CallLine, read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import CALLING_LIST, LabTime, make_plan, ocs_config, tserver_config, write_config
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.reconcile import reconcile
from ocs.database.backend import backend_for
from ocs.dialing.results import DialingMode
from ocs.dialing.values import AttemptState
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.passwords import hash_password
from ocs.servers.tserver.config import TServerOptions
from tests.doubles.ports import free_port
from tests.system.test_icon import CLOCK, NOON, until

SPEED, CONTACTS, AGENTS = 120.0, 400, 6
NAMES = ("tserver", "tserver2")


@implementer(IStreamClientEndpoint)
class Either:
    """One address after the other."""

    def __init__(self, *ports: int) -> None:
        self._ports, self._turn = ports, 0

    def connect(self, factory: Any) -> Deferred[Any]:
        self._turn += 1
        tried: Deferred[Any] = TCP4ClientEndpoint(CLOCK, "127.0.0.1", self._ports[self._turn % 2], timeout=2).connect(factory)
        return tried


class Center:
    """Both T-Servers and the OCS under twistd, agents on sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        contacts = folder / "contacts.csv"
        contacts.write_text("\n".join(["name,phone", *(f"Person {n},+1415555{1_000 + n:04}" for n in range(CONTACTS))]) + "\n")
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        options = DemoOptions(contacts=contacts, dnc=None, agents=AGENTS, mode=DialingMode.PROGRESSIVE, speed=SPEED, now=None,
                              seed=1, directory=folder)
        self.backend = backend_for(database)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self.ports = [free_port(), free_port()]
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tservers = [Child(CLOCK, name, "ocs-tserver", folder / f"{name}.toml", folder, self._lock) for name in NAMES]
        self.ocs = Child(CLOCK, "ocs", "ocs", folder / "ocs.toml", folder, self._lock)
        self._floor: LabFloor | None = None

    def _tserver(self, place: int) -> dict[str, Any]:
        values = tserver_config(self.plan)
        values["listen"].update(port=self.ports[place])
        values["switch"].update(call_log=str(self.folder / f"calls{place}.jsonl"))
        values["service"].update(ready_file=str(self.folder / f"{NAMES[place]}.ready"))
        values["application"].append({"name": "tserver-pair", "password_hash": hash_password("of the pair", cheap=True)})
        values["pair"] = {"role": ("primary", "backup")[place], "switch_over_s": 1.5, "partner": {
            "port": self.ports[1 - place], "password": "of the pair"}}
        return values

    async def open(self) -> None:
        for place, tserver in enumerate(self.tservers):
            write_config(self.folder / f"{NAMES[place]}.toml", TServerOptions, self._tserver(place))
            await tserver.start()
        values = ocs_config(self.plan, self.ports[0])
        values["tserver"].update(backup_host="127.0.0.1", backup_port=self.ports[1], reconnect_min_s=0.1, reconnect_max_s=0.5)
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        await self.ocs.start()
        desks = tserver_desks(CLOCK, Either(*self.ports), "lab", self.plan.passwords["lab"])
        self._floor = LabFloor(self.plan.time.clock(CLOCK), self.plan.agents, desks, self.plan.behaviour)
        self._floor.start()

    def lines(self) -> list[CallLine]:
        """The calls of both call logs. What was written by the one and ended by the other counts once."""
        found: dict[str, CallLine] = {}
        for place in (0, 1):
            for call in read_call_log(self.folder / f"calls{place}.jsonl")[0]:
                found.setdefault(call.conn_id, call)
        return list(found.values())

    async def calls_more(self, count: int, what: str) -> None:
        goal = len(self.lines()) + count
        await until(lambda: len(self.lines()) >= goal, f"{what}\n{self.ocs.last_lines()}", 60.0)

    async def kill(self, place: int) -> None:
        """SIGKILL, as by the machine's death, while calls are in progress."""
        ended = self.tservers[place].ended()
        self.tservers[place]._signal(signal.SIGKILL)
        await ended

    def said(self, place: int, text: str) -> int:
        """How many lines of its log have this text."""
        return self.tservers[place].log_file.read_text().count(text)

    async def close(self) -> None:
        await self.ocs.stop(40.0)
        if self._floor is not None:
            await self._floor.stop(30.0)
        for tserver in self.tservers:
            await tserver.stop(30.0)
        os.close(self._lock)

    def check(self) -> list[Any]:
        """Every call is an attempt and every attempt a call; nobody logged a bug. The attempts."""
        accounts = replace(read_accounts(self.backend, CALLING_LIST, self.folder / "none", 1), calls=self.lines())
        assert reconcile(accounts, edge_s=self.plan.edge_s) == []
        for child in (self.ocs, *self.tservers):
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]
        return list(accounts.attempts)


@pytest_twisted.ensureDeferred
async def test_the_primary_is_killed_in_mid_dialing_and_the_ocs_goes_on_with_the_backup(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.calls_more(12, "calls through the primary")
        await center.kill(0)
        await until(lambda: center.said(1, "this server serves now"), "the backup serves", 20.0)
        await center.calls_more(12, "calls through the backup")
        await center.tservers[0].start()
        await until(lambda: center.said(0, "has a copy of what the primary knows") > 0, "the old primary is the backup", 20.0)
        await center.calls_more(6, "calls while the old primary is the backup")
        await center.kill(1)
        await until(lambda: center.said(0, "this server serves now") == 2, "the old primary serves again", 20.0)
        await center.calls_more(12, "calls through the old primary")
    finally:
        await center.close()
    attempts = center.check()
    logs = [read_call_log(center.folder / f"calls{place}.jsonl")[0] for place in (0, 1)]
    assert len(logs[0]) >= 18 and len(logs[1]) >= 18
    unknown = sum(attempt.state is AttemptState.UNKNOWN for attempt in attempts)
    assert unknown <= 4 * AGENTS, "what was in progress when a server was killed, and nothing else"


@pytest_twisted.ensureDeferred
async def test_a_primary_that_is_stopped_in_order_hands_over_without_a_wait(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.calls_more(8, "calls through the primary")
        await center.tservers[0].stop(20.0)
        await until(lambda: center.said(1, "this server serves now"), "the backup serves", 20.0)
        assert center.said(1, "this server serves in 0 s") == 1
        await center.calls_more(8, "calls through the backup")
    finally:
        await center.close()
    center.check()
