"""The example site of `etc/site`: seven servers, each a process under twistd with its file as it is shipped (ports and clock
apart), five campaigns at once in five ways of dialing. Each campaign is reconciled three ways."""
from __future__ import annotations

import os
import time
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import tomli_w
from click.testing import CliRunner
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from ocs.app.cli.root import ocs
from ocs.app.demo.accounts import Accounts, read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import LabTime
from ocs.app.demo.reconcile import reconcile
from ocs.database.backend import backend_for
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.lab.agents.pushed import PushedPreviews
from ocs.lab.people import AgentPerson
from ocs.options import load
from tests.doubles.ports import free_port
from tests.system.test_icon import CLOCK, NOON, until

SITE = Path(__file__).resolve().parents[2] / "etc" / "site"
# in the order of the start
SERVERS = {"icon": "ocs-icon", "tserver": "ocs-tserver", "statserver": "ocs-statserver", "cpdserver": "ocs-cpdserver",
           "interaction": "ocs-interaction", "obn": "ocs-obn", "ocs": "ocs"}
SPEED, CONTACTS, CALLS = 80.0, 16, 8       # contacts and least calls of each campaign


class Site:
    """The site in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {name: tomllib.loads((SITE / f"{name}.toml").read_text()) for name in SERVERS}
        self.lists = {one["name"]: one["dbid"] for one in self.files["ocs"]["calling_list"]}
        self.time = LabTime(SPEED, NOON, time.time())
        self.ports: dict[int, int] = {}
        for name, values in self.files.items():
            values = self._with_free_ports(values)
            values["clock"] = self.time.table()
            values["service"] = {"ready_file": str(folder / f"{name}.ready"), "stop_with_parent": True}
            (folder / f"{name}.toml").write_text(tomli_w.dumps(values))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.children = {name: Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock)
                         for name, plugin in SERVERS.items()}
        self._floor: LabFloor | None = None
        self._pushed: PushedPreviews | None = None

    def _with_free_ports(self, value: Any, key: str = "") -> Any:
        """The same port of the files is the same free port everywhere."""
        if isinstance(value, dict):
            return {name: self._with_free_ports(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._with_free_ports(each) for each in value]
        if key == "port":
            return self.ports.setdefault(value, free_port())
        if key == "uri":
            before, port = value.rsplit(":", 1)
            return f"{before}:{self.ports.setdefault(int(port), free_port())}"
        return value

    def phone(self, calling_list: str, number: int) -> str:
        return f"+1{415 + list(self.lists).index(calling_list)}555{1_000 + number}"

    def prepare(self) -> None:
        """As docs/operations.md says."""
        config = ("--config", str(self.folder / "ocs.toml"))
        done(["db", "upgrade", *config])
        for name in self.lists:
            path = self.folder / f"{name}.csv"
            path.write_text("\n".join(["name,phone", *(f"Person {n},{self.phone(name, n)}" for n in range(CONTACTS))]) + "\n")
            done(["list", "import", str(path), "--list", name, *config])

    async def open(self) -> None:
        for names in (("icon", "tserver"), ("statserver", "cpdserver", "interaction", "obn"), ("ocs",)):
            for starting in [Deferred.fromCoroutine(self.children[name].start()) for name in names]:
                await starting
        clock, switch = self.time.clock(CLOCK), TCP4ClientEndpoint(CLOCK, "127.0.0.1", self.ports[7_000])
        people = [AgentPerson(one["id"], str(7_001 + place), one["queue"], "agent-example")
                  for place, one in enumerate(self.files["tserver"]["agent"])]
        self._floor = LabFloor(clock, people, tserver_desks(CLOCK, switch, "desktop", "desktop-example"),
                               load(AgentBehaviour, {"wrap_up_s": 5.0}))
        self._floor.start()
        advisers = {one["id"] for one in self.files["interaction"]["agent"]}
        self._pushed = PushedPreviews(
            CLOCK, clock, TCP4ClientEndpoint(CLOCK, "127.0.0.1", self.ports[7_040]), "desktop", "desktop-example",
            [agent for agent in self._floor.agents if agent.person.login in advisers])
        self._pushed.start()

    def calls(self) -> Counter[str]:
        """Calls into the network that are over, by calling list."""
        owners = {self.phone(name, n): name for name in self.lists for n in range(CONTACTS)}
        return Counter(owners[call.destination] for call in read_call_log(self.folder / "calls.jsonl")[0]
                       if call.kind == "outbound")

    async def close(self) -> None:
        await self.children["ocs"].stop(40.0)
        if self._pushed is not None:
            await self._pushed.stop()
        if self._floor is not None:
            await self._floor.stop(30.0)
        for name in reversed(SERVERS):
            await self.children[name].stop(30.0)
        os.close(self._lock)

    def accounts(self, calling_list: str) -> Accounts:
        """What the three books have of one list; the T-Server's knows no lists, so its calls are told by their numbers."""
        accounts = read_accounts(backend_for(f"sqlite:///{self.folder / 'ocs.sqlite'}"), calling_list,
                                 self.folder / "calls.jsonl", 1, backend_for(f"sqlite:///{self.folder / 'icon.sqlite'}"),
                                 self.lists[calling_list])
        phones = {record.contact_info for record in accounts.records}
        assert len(phones) == CONTACTS
        return replace(accounts, calls=[call for call in accounts.calls if call.kind != "outbound" or call.destination in phones])


def done(arguments: list[str]) -> None:
    outcome = CliRunner().invoke(ocs, arguments)
    assert outcome.exit_code == 0, outcome.output


@pytest_twisted.ensureDeferred
async def test_five_campaigns_dial_in_five_ways_and_three_accounts_of_each_agree(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    site = Site(tmp_path)
    site.prepare()
    try:
        await site.open()
        await until(lambda: min(site.calls()[name] for name in site.lists) >= CALLS, "calls of every campaign", 90.0)
    finally:
        await site.close()
    for child in site.children.values():
        assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]
    books = {name: site.accounts(name) for name in site.lists}
    for name, accounts in books.items():
        assert reconcile(accounts, edge_s=2.0 * SPEED) == [], name
        assert len(accounts.outbound) >= CALLS and accounts.icon is not None and len(accounts.icon.calls) >= CALLS
    # who talked: only agents of the campaign's own group; nobody in the campaign without agents
    groups = {group["name"]: set(group["dns"]) for group in site.files["ocs"]["agent_group"]}
    for one in site.files["ocs"]["campaign_group"]:
        talked = {call.agent_dn for call in books[one["campaign"]].outbound if call.agent_dn}
        assert talked <= groups[one["group"]] and bool(talked) == (one["campaign"] != "reminders"), one["campaign"]
    engaged = [call for call in books["offers"].calls if call.kind == "engaging"]
    assert engaged and {call.agent_dn for call in engaged} <= groups["sales"] | {None}


def test_the_files_of_the_site_and_the_samples_agree_on_ports() -> None:
    """Whoever copies them gets servers that find each other, and no port is wanted twice."""
    listening = {name: tomllib.loads((SITE / f"{name}.toml").read_text())["listen"]["port"] for name in SERVERS if name != "ocs"}
    links = tomllib.loads((SITE / "ocs.toml").read_text())
    assert {name: links[name]["port"] for name in listening if name != "obn"} == {
        name: port for name, port in listening.items() if name != "obn"} and links["obn"]["uri"].endswith(f":{listening['obn']}")
    samples = {name: tomllib.loads((SITE.parent / f"{plugin}.toml").read_text()) for name, plugin in SERVERS.items()}
    assert {name: samples[name]["listen"]["port"] for name in listening} == listening
    assert {name: samples["ocs"][name]["port"] for name in listening if name != "obn"} == {
        name: port for name, port in listening.items() if name != "obn"}
    assert samples["obn"]["tserver"]["port"] == samples["cpdserver"]["tserver"]["port"] == listening["tserver"]
    own = [samples["ocs"][name]["port"] for name in ("http_server", "peer", "manhole", "desktop_port") if name in samples["ocs"]]
    assert len({*own, *listening.values()}) == len(own) + len(listening)
