"""Two real T-Servers in front of two switches, and one OCS that dials on both: a campaign whose agents sit on both switches,
another whose agents are all on the first. One T-Server is killed, and comes back: nothing waits that need not, and all accounts
agree."""
from __future__ import annotations

import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint

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
from ocs.dialing.values import Attempt, AttemptState
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.lab.people import AgentPerson
from ocs.servers.tserver.config import TServerOptions
from tests.doubles.ports import free_port
from tests.system.test_icon import CLOCK, NOON, until

SPEED, CONTACTS = 60.0, 400
NEARBY = "nearby"                               # the list of the campaign on the first switch alone
LISTS = {CALLING_LIST: "+1415555", NEARBY: "+1212555"}     # each with how its numbers begin
SIDES = ("", "east")
WEST, EAST, LOCAL = slice(0, 3), slice(3, 6), slice(6, 9)      # who sits where, of the agents


class Center:
    """Both T-Servers and the OCS under twistd, agents on sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        self.backend = backend_for(database)
        for name, begin in LISTS.items():
            contacts = folder / f"{name}.csv"
            contacts.write_text("\n".join(["name,phone", *(f"Person {n},{begin}{1_000 + n:04}" for n in range(CONTACTS))]) + "\n")
            options = DemoOptions(contacts=contacts, dnc=None, agents=9, mode=DialingMode.PROGRESSIVE, speed=SPEED, now=None,
                                  seed=1, directory=folder)
            take_in(self.backend, options, name, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self.ports = {side: free_port() for side in SIDES}
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tservers = {side: Child(CLOCK, f"tserver{side}", "ocs-tserver", folder / f"tserver{side}.toml", folder, self._lock)
                         for side in SIDES}
        self.ocs = Child(CLOCK, "ocs", "ocs", folder / "ocs.toml", folder, self._lock)
        self._floors: list[LabFloor] = []

    def _log(self, side: str) -> Path:
        return self.folder / f"calls{side}.jsonl"

    def _tserver(self, side: str) -> dict[str, Any]:
        values = tserver_config(self.plan)
        values["listen"].update(port=self.ports[side])
        values["switch"].update(call_log=str(self._log(side)))
        values["service"].update(ready_file=str(self.folder / f"tserver{side}.ready"))
        return values

    def _ocs(self) -> dict[str, Any]:
        """The demonstration's server, with a second switch and a second campaign."""
        values = ocs_config(self.plan, self.ports[""])
        values["tserver"].update(reconnect_min_s=0.1, reconnect_max_s=0.5)
        values["switch"] = [{**values["tserver"], "name": "east", "port": self.ports["east"]}]
        agents = self.plan.agents
        group, campaign, session = values["agent_group"][0], values["campaign"][0], values["campaign_group"][0]
        values["agent_group"] = [
            {**group, "agents": [one.login for one in (*agents[WEST], *agents[EAST])],
             "dns": [*(one.dn for one in agents[WEST]), *(f"{one.dn}@east" for one in agents[EAST])]},
            {**group, "name": NEARBY, "dbid": 302, "agents": [one.login for one in agents[LOCAL]],
             "dns": [one.dn for one in agents[LOCAL]]}]
        values["calling_list"].append({**values["calling_list"][0], "name": NEARBY, "dbid": 102,
                                       "dial_log_destination": ""})
        values["campaign"].append({**campaign, "name": NEARBY, "dbid": 202, "lists": [NEARBY]})
        # each campaign has a queue of its own: agents of the one do not take calls of the other
        values["campaign_group"] = [
            {**session, "elsewhere": [{"voice_transfer_destination": "6001@east"}]},
            {**session, "campaign": NEARBY, "group": NEARBY, "dbid": 402, "voice_transfer_destination": "6002"}]
        return values

    def _people(self, side: str) -> list[AgentPerson]:
        if side:
            return list(self.plan.agents[EAST])
        return [*self.plan.agents[WEST], *(replace(one, queue="6002") for one in self.plan.agents[LOCAL])]

    async def open(self) -> None:
        for side in SIDES:
            values = self._tserver(side)
            values["dn"].append({"number": "6002", "kind": "acd-queue"})
            local = {one.login for one in self.plan.agents[LOCAL]}
            values["agent"] = [{**one, "queue": "6002"} if one["id"] in local else one for one in values["agent"]]
            write_config(self.folder / f"tserver{side}.toml", TServerOptions, values)
            await self.tservers[side].start()
        write_config(self.folder / "ocs.toml", OCSOptions, self._ocs())
        await self.ocs.start()
        for side in SIDES:
            endpoint = TCP4ClientEndpoint(CLOCK, "127.0.0.1", self.ports[side], timeout=2)
            desks = tserver_desks(CLOCK, endpoint, "lab", self.plan.passwords["lab"])
            self._floors.append(LabFloor(self.plan.time.clock(CLOCK), self._people(side), desks, self.plan.behaviour))
            self._floors[-1].start()

    def lines(self, side: str) -> list[CallLine]:
        """A T-Server's calls, with the ConnIDs by which the OCS knows them."""
        calls = read_call_log(self._log(side))[0]
        return [replace(call, conn_id=f"{call.conn_id}@{side}") for call in calls] if side else calls

    def dialed(self, side: str, calling_list: str) -> int:
        return sum(call.destination.startswith(LISTS[calling_list]) for call in self.lines(side))

    async def more(self, *wanted: tuple[str, str]) -> None:
        """Wait until (switch, list) have calls that they had not."""
        goals = {each: self.dialed(*each) + 6 for each in wanted}
        await until(lambda: all(self.dialed(*each) >= goal for each, goal in goals.items()),
                    f"calls of {wanted}\n{self.ocs.last_lines()}", 60.0)

    async def kill(self, side: str) -> None:
        ended = self.tservers[side].ended()
        self.tservers[side]._signal(signal.SIGKILL)
        await ended

    def said(self, text: str) -> int:
        """How many lines of the OCS's log have this text."""
        return self.ocs.log_file.read_text().count(text)

    async def close(self) -> None:
        await self.ocs.stop(40.0)
        for floor in self._floors:
            await floor.stop(30.0)
        for tserver in self.tservers.values():
            await tserver.stop(30.0)
        os.close(self._lock)

    def check(self, calling_list: str) -> list[Attempt]:
        """Every call is an attempt and every attempt a call; nobody logged a bug. The attempts of a list."""
        calls = [call for side in SIDES for call in self.lines(side) if call.destination.startswith(LISTS[calling_list])]
        accounts = replace(read_accounts(self.backend, calling_list, self.folder / "none", 1), calls=calls)
        # what a T-Server had in progress when it was killed stands in no log of its own; the OCS says which calls these were
        lost = {f"call {conn_id} is not in the call log" for conn_id in re.findall(
            r"call (\S+) of record \d+ is given up: the switch does not have it", self.ocs.log_file.read_text())}
        assert [one for one in reconcile(accounts, edge_s=self.plan.edge_s) if one.partition(": ")[2] not in lost] == []
        assert 0 < len(lost) <= 9 + 9, "a call or two an agent, at each of two kills"
        for child in (self.ocs, *self.tservers.values()):
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]
        return list(accounts.attempts)


@pytest_twisted.ensureDeferred
async def test_one_of_two_switches_goes_and_comes_back_and_everybody_else_dials_on(tmp_path: Path) -> None:
    center = Center(tmp_path)
    try:
        await center.open()
        await center.more(("", CALLING_LIST), ("east", CALLING_LIST), ("", NEARBY))
        await center.kill("east")
        await until(lambda: center.said("switch east: lost") or center.said("switch east"), "the OCS knows", 20.0)
        await center.more(("", CALLING_LIST), ("", NEARBY))
        await center.tservers["east"].start()
        await center.more(("", CALLING_LIST), ("east", CALLING_LIST), ("", NEARBY))
        await center.kill("")
        await center.more(("east", CALLING_LIST))
        await center.tservers[""].start()
        await center.more(("", CALLING_LIST), ("east", CALLING_LIST), ("", NEARBY))
    finally:
        await center.close()
    assert center.dialed("east", NEARBY) == 0, "that campaign is on the first switch alone"
    for calling_list, most in ((CALLING_LIST, 12), (NEARBY, 6)):
        attempts = center.check(calling_list)
        unknown = sum(one.state is AttemptState.UNKNOWN for one in attempts)
        assert unknown <= most, "what was in progress when a server was killed, and nothing else"
        where = {(one.conn_id or "").partition("@")[2] for one in attempts if one.state is AttemptState.CLOSED}
        assert where == ({"", "east"} if calling_list == CALLING_LIST else {""})
