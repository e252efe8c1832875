"""Every link of the outbound contact server cut at random moments, frozen (half open) and slowed down, while it dials: nothing is
lost, nothing is dialed twice, and the three accounts agree. (ICON's link: `test_icon`.)"""
from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import (
    CALLING_LIST,
    LIST_DBID,
    LabTime,
    cpdserver_config,
    icon_config,
    interaction_config,
    make_plan,
    obn_config,
    ocs_config,
    statserver_config,
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
from ocs.lab.agents.pushed import PushedPreviews
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.icon.config import IconOptions
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.obn.config import ObnOptions
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.tserver.config import TServerOptions
from tests.doubles.ports import free_port
from tests.doubles.proxy import Proxy
from tests.system.test_icon import CLOCK, NOON, pause, until

SPEED, CONTACTS, AGENTS = 60.0, 2_000, 6
LINKS = {"tserver": DialingMode.PROGRESSIVE, "statserver": DialingMode.PROGRESSIVE,
         "cpdserver": DialingMode.PROGRESSIVE_SEIZING, "interaction": DialingMode.PUSH_PREVIEW, "obn": DialingMode.POWER_GVP}


def contacts(folder: Path) -> Path:
    path = folder / "contacts.csv"
    path.write_text("\n".join(["name,phone", *(f"Person {n},+1{415 + n // 9_000}555{1_000 + n % 9_000:04}"
                                               for n in range(CONTACTS))]) + "\n")
    return path


class Center:
    """The servers under twistd, agents on sockets. The OCS reaches the server of one link through a proxy; the Outbound
    Notification Manager reaches the OCS through another one."""

    def __init__(self, folder: Path, link: str) -> None:
        self.folder, self.link = folder, link
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        options = DemoOptions(contacts=contacts(folder), dnc=None, agents=AGENTS, mode=LINKS[link], speed=SPEED, now=None,
                              seed=1, directory=folder, cpd=link == "cpdserver", obn=link == "obn")
        self.backend = backend_for(database)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.children = {name: Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock) for name, plugin in (
            ("tserver", "ocs-tserver"), ("icon", "ocs-icon"), ("statserver", "ocs-statserver"), ("cpdserver", "ocs-cpdserver"),
            ("interaction", "ocs-interaction"), ("obn", "ocs-obn"), ("ocs", "ocs"))}
        self.proxies: list[Proxy] = []
        self._floor: LabFloor | None = None
        self._pushed: PushedPreviews | None = None

    async def _started(self, name: str, kind: type[Any], values: dict[str, Any]) -> int:
        write_config(self.folder / f"{name}.toml", kind, values)
        return int((await self.children[name].start())[name]["port"])

    async def open(self) -> None:
        plan = self.plan
        switch = await self._started("tserver", TServerOptions, tserver_config(plan))
        ports = {"tserver": switch,
                 "statserver": await self._started("statserver", StatServerOptions, statserver_config(plan, switch)),
                 "icon": await self._started("icon", IconOptions, icon_config(plan))}
        if self.link == "cpdserver":
            ports["cpdserver"] = await self._started("cpdserver", CPDServerOptions, cpdserver_config(plan, switch))
        elif self.link == "interaction":
            ports["interaction"] = await self._started("interaction", InteractionServerOptions, interaction_config(plan))
        elif self.link == "obn":
            manager = obn_config(plan, switch)
            manager["notification"].update(timeout_s=1.0, again_min_s=0.05 * SPEED, again_max_s=0.5 * SPEED)
            manager["dialing"]["retry_s"] = 0.5 * SPEED
            ports["obn"] = await self._started("obn", ObnOptions, manager)
        self.proxies = [Proxy(CLOCK, ports[self.link])]
        reached = {**ports, self.link: self.proxies[0].port}
        values = ocs_config(plan, reached["tserver"], reached["statserver"], reached["icon"], reached.get("cpdserver"),
                            reached.get("interaction"), reached.get("obn"))
        values[self.link].update(reconnect_min_s=0.05, reconnect_max_s=0.2)
        if self.link == "obn":
            web = free_port()
            self.proxies.append(Proxy(CLOCK, web))
            values["obn"]["poll_s"] = 2.0
            values["http"]["response_timeout_s"] = 1.0
            values["http_server"].update(port=web, public_uri=f"http://127.0.0.1:{self.proxies[1].port}")
        else:
            values[self.link].update(request_timeout_s=1.0, keep_alive_s=0.5)
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        await self.children["ocs"].start()
        if self.link == "obn":
            return      # nobody works there: who asks for an agent gives up in the queue
        desks = tserver_desks(CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", switch), "lab", plan.passwords["lab"])
        clock = plan.time.clock(CLOCK)
        self._floor = LabFloor(clock, plan.agents, desks, plan.behaviour)
        self._floor.start()
        if self.link == "interaction":
            self._pushed = PushedPreviews(CLOCK, clock, TCP4ClientEndpoint(CLOCK, "127.0.0.1", ports["interaction"]), "lab",
                                          plan.passwords["lab"], self._floor.agents)
            self._pushed.start()

    @property
    def calls(self) -> int:
        return sum(call.kind == "outbound" for call in read_call_log(self.folder / "calls.jsonl")[0])

    async def calls_more(self, count: int) -> None:
        goal = self.calls + count
        await until(lambda: self.calls >= goal, f"{count} more calls\n{self.children['ocs'].last_lines()}", 90.0)

    async def close(self) -> None:
        await self.children["ocs"].stop(40.0)
        if self._pushed is not None:
            await self._pushed.stop()
        if self._floor is not None:
            await self._floor.stop(30.0)
        for name in ("interaction", "obn", "cpdserver", "statserver", "icon", "tserver"):
            await self.children[name].stop(30.0)
        for proxy in self.proxies:
            await proxy.close()
        os.close(self._lock)

    def check(self) -> None:
        """Every call is an attempt and every attempt a call, in all three accounts; nobody logged a bug."""
        accounts = read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1, backend_for(self.plan.icon_database),
                                 LIST_DBID)
        assert reconcile(accounts, edge_s=self.plan.edge_s) == []
        print(f"{self.link}: {len(accounts.records)} records, {len(accounts.attempts)} attempts, {len(accounts.outbound)} calls")
        for child in self.children.values():
            if not child.log_file.exists():
                continue        # it was not wanted
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]


async def disturb(rng: random.Random, proxies: list[Proxy], count: int) -> None:
    """Cut so often, at random moments; in between connections are slow, or stand half open."""
    done = 0
    while done < count:
        proxy = rng.choice(proxies)
        proxy.delay_s = rng.uniform(0.0, 0.2) if done % 3 == 1 else 0.0
        await pause(rng.uniform(0.05, 0.6))
        if done % 7 == 3:
            proxy.frozen = True          # half open: both sides think that they are connected
            await pause(rng.uniform(0.3, 2.0))
            proxy.thaw()
        done += proxy.cut() > 0
    for proxy in proxies:
        proxy.delay_s = 0.0


async def cut(folder: Path, link: str, count: int) -> None:
    rng, center = random.Random(f"{link}/{count}"), Center(folder, link)
    try:
        await center.open()
        await center.calls_more(3)
        await disturb(rng, center.proxies, count)
        await center.calls_more(3)
    finally:
        await center.close()
    center.check()


@pytest.mark.parametrize("link", LINKS)
@pytest_twisted.ensureDeferred
async def test_a_link_that_is_cut_frozen_and_slow_loses_and_doubles_nothing(tmp_path: Path, link: str) -> None:
    await cut(tmp_path, link, 20)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("link", LINKS)
@pytest_twisted.ensureDeferred
async def test_a_link_that_is_cut_two_hundred_times(tmp_path: Path, link: str) -> None:
    await cut(tmp_path, link, 200)
