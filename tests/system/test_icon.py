"""A contact center on sockets that reports to ICON: ICON killed, the OCS killed, the network between them cut, frozen and slow;
and three accounts that agree on every attempt afterwards."""
from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import deferLater

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import Accounts, read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import (
    CALLING_LIST,
    LIST_DBID,
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
from ocs.dialing.results import DialingMode
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.servers.icon.config import IconOptions
from ocs.servers.tserver.config import TServerOptions
from tests.doubles.ports import free_port
from tests.doubles.proxy import Proxy

NOON = 1_773_160_200.0          # Tuesday 2026-03-10T16:30Z: all of the US is awake
SPEED, CONTACTS = 60.0, 400
CLOCK: Any = reactor


def pause(seconds: float) -> Deferred[None]:
    return deferLater(CLOCK, seconds, lambda: None)


async def until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await pause(0.05)


def contacts(folder: Path) -> Path:
    """More than a test dials."""
    path = folder / "contacts.csv"
    path.write_text("\n".join(["name,phone", *(f"Person {n},+1415555{n:04}" for n in range(1_000, 1_000 + CONTACTS))]) + "\n")
    return path


class Center:
    """T-Server, ICON and OCS under twistd, six agents on sockets. The OCS reaches ICON through a proxy."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        database = url or f"sqlite:///{folder / 'ocs.sqlite'}"
        options = DemoOptions(contacts=contacts(folder), dnc=None, agents=6, mode=DialingMode.PROGRESSIVE, speed=SPEED, now=None,
                              seed=1, directory=folder, database=url)
        self.backend = backend_for(database)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.icon, self.ocs = (
            Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock)
            for name, plugin in (("tserver", "ocs-tserver"), ("icon", "ocs-icon"), ("ocs", "ocs")))
        icon_port = free_port()
        self.proxy = Proxy(CLOCK, icon_port)
        icon = icon_config(self.plan)
        icon["listen"]["port"] = icon_port
        write_config(folder / "icon.toml", IconOptions, icon)
        self._floor: LabFloor | None = None

    async def open(self, **icon: Any) -> None:
        write_config(self.folder / "tserver.toml", TServerOptions, tserver_config(self.plan))
        port = int((await self.tserver.start())["tserver"]["port"])
        await self.icon.start()
        values = ocs_config(self.plan, port, icon_port=self.proxy.port)
        values["icon"].update(icon)
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        await self.ocs.start()
        desks = tserver_desks(CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", port), "lab", self.plan.passwords["lab"])
        self._floor = LabFloor(self.plan.time.clock(CLOCK), self.plan.agents, desks, self.plan.behaviour)
        self._floor.start()

    async def kill(self, child: Child) -> None:
        """kill -9, and another one is started."""
        ended = child.ended()
        child._signal(signal.SIGKILL)
        await ended
        await child.start()

    @property
    def calls(self) -> int:
        """Calls into the network that are over."""
        return sum(call.kind == "outbound" for call in read_call_log(self.folder / "calls.jsonl")[0])

    async def calls_more(self, count: int) -> None:
        goal = self.calls + count
        await until(lambda: self.calls >= goal, f"{count} more calls")

    async def close(self) -> None:
        await self.ocs.stop(40.0)
        if self._floor is not None:
            await self._floor.stop(30.0)
        await self.icon.stop(30.0)
        await self.tserver.stop(30.0)
        await self.proxy.close()
        os.close(self._lock)

    def accounts(self) -> Accounts:
        return read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1, backend_for(self.plan.icon_database),
                             LIST_DBID)

    def check(self, calls: int) -> Accounts:
        """Three accounts of at least so many calls agree, and nobody logged a bug."""
        accounts = self.accounts()
        assert reconcile(accounts, edge_s=self.plan.edge_s) == []
        assert len(accounts.outbound) >= calls and accounts.icon is not None and len(accounts.icon.attempts) >= calls
        for child in (self.ocs, self.icon):
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()
        return accounts


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "sqlite":
        return None
    return cast(str, request.getfixturevalue("postgres_server").database())


@pytest_twisted.ensureDeferred
async def test_icon_and_the_server_are_killed_at_any_moment_and_three_accounts_agree(tmp_path: Path, url: str | None) -> None:
    rng, center = random.Random(url is None), Center(tmp_path, url)
    try:
        await center.open()
        await center.calls_more(5)
        for child in (center.icon, center.ocs, center.icon, center.ocs):
            await pause(rng.uniform(0.2, 1.5))
            await center.kill(child)
        await center.calls_more(6)
    finally:
        await center.close()
    accounts = center.check(12)
    assert accounts.icon is not None and accounts.icon.missing == ()


@pytest_twisted.ensureDeferred
async def test_a_network_that_is_cut_frozen_and_slow_loses_and_doubles_no_report(tmp_path: Path) -> None:
    await cuts(tmp_path, 20)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest_twisted.ensureDeferred
async def test_a_network_that_is_cut_two_hundred_times(tmp_path: Path) -> None:
    await cuts(tmp_path, 200)


async def cuts(folder: Path, count: int) -> None:
    rng, center = random.Random(count), Center(folder)
    try:
        await center.open(request_timeout_s=1.0, keep_alive_s=0.5, reconnect_min_s=0.05, reconnect_max_s=0.2)
        await center.calls_more(3)
        done = 0
        while done < count:
            center.proxy.delay_s = rng.uniform(0.0, 0.2) if done % 3 == 1 else 0.0
            await pause(rng.uniform(0.02, 0.4))
            if done % 7 == 3:
                center.proxy.frozen = True          # half open: both sides think that they are connected
                await pause(rng.uniform(0.3, 2.0))
                center.proxy.thaw()
            done += center.proxy.cut() > 0
        center.proxy.delay_s = 0.0
        await center.calls_more(3)
    finally:
        await center.close()
    center.check(6)


@pytest_twisted.ensureDeferred
async def test_what_happens_while_icon_is_away_is_delivered_when_it_is_back(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.calls_more(3)
        await center.icon.stop(20.0)
        await center.calls_more(10)
        assert await center.ocs.stop(40.0)
        assert "reports wait for ICON; they are delivered after the next start" in center.ocs.log_file.read_text()
        await center.icon.start()
        await center.ocs.start()
        assert "reports wait for ICON from earlier" in center.ocs.log_file.read_text()
        await center.calls_more(3)
    finally:
        await center.close()
    center.check(15)


@pytest_twisted.ensureDeferred
async def test_icon_refuses_to_start_on_a_database_without_its_tables_unless_it_may_make_them(tmp_path: Path) -> None:
    from ocs.app.demo.children import ChildFailed
    center = Center(tmp_path)
    values = icon_config(center.plan)
    values["database"]["create"] = False
    write_config(tmp_path / "icon.toml", IconOptions, values)
    try:
        with pytest.raises(ChildFailed, match="no such file|ocs icon upgrade"):
            await center.icon.start()
    finally:
        await center.close()
