"""The desktop port over real sockets: T-Server and OCS under twistd, the client library over TCP, TLS and WebSockets; the
example of the documentation, as it is."""
from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.utils import getProcessOutputAndValue

from ocs.app.config import OCSOptions
from ocs.app.demo.children import Child
from ocs.app.demo.configs import CALLING_LIST, LabTime, make_plan, ocs_config, tserver_config, write_config
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.database.backend import backend_for
from ocs.dialing.results import CallResult, DialingMode, RecordType
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.servers.tserver.config import TServerOptions
from protocols.desktop.client import AgentDesktop, connect_to
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.model import Attendance, Phase, Work
from protocols.desktop.record import RecordData
from protocols.errors import RequestRefused
from tests.system.test_icon import NOON, until

CLOCK: Any = reactor
ROOT = Path(__file__).resolve().parents[2]
SPEED, CONTACTS = 20.0, 30
EVERYBODY_ANSWERS = {"person": 1.0, "machine": 0.0, "busy": 0.0, "invalid": 0.0, "fax": 0.0, "talk_s": 40.0}


class Center:
    """A T-Server and an OCS with the desktop port; nobody else works here. Everybody who is called answers."""

    def __init__(self, folder: Path, mode: DialingMode, tls: bool = False) -> None:
        self.folder = folder
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        self.backend = backend_for(database)
        contacts = folder / "contacts.csv"
        contacts.write_text("\n".join(["name,phone", *(f"Person {n},+1415555{1_000 + n:04}" for n in range(CONTACTS))]) + "\n")
        options = DemoOptions(contacts=contacts, dnc=None, agents=1, mode=mode, speed=SPEED, now=None, seed=1, directory=folder,
                              tls=tls)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self.person = self.plan.visitors[0]
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.ocs = (Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock)
                                  for name, plugin in (("tserver", "ocs-tserver"), ("ocs", "ocs")))
        self.port = 0
        self.table = CALLING_LIST

    async def open(self, **port: Any) -> None:
        """Start both. `port` are more options of the desktop port."""
        values = tserver_config(self.plan)
        values["simulator"].update(EVERYBODY_ANSWERS)
        write_config(self.folder / "tserver.toml", TServerOptions, values)
        facts = await self.tserver.start()
        values = ocs_config(self.plan, int(facts["tserver"]["port"]))
        values["desktop_port"].update(port)
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        self.port = int((await self.ocs.start())["desktop"]["port"])

    def desktop(self, scheme: str = "tcp", **more: Any) -> AgentDesktop:
        """A desktop of the first visitor, not yet started."""
        authorities = None if self.plan.certificates is None else self.plan.certificates.ca
        return connect_to(CLOCK, f"{scheme}://127.0.0.1:{self.port}", self.person.login, self.person.password,
                          authorities=authorities, **more)

    async def close(self) -> None:
        await self.ocs.stop(40.0)
        await self.tserver.stop(30.0)
        os.close(self._lock)
        for child in (self.ocs, self.tserver):
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]

    def row(self, record: RecordData) -> dict[str, Any]:
        """The record's row in the database."""
        return self.row_of(record.phone or "")

    def row_of(self, phone: str) -> dict[str, Any]:
        """The row of a number."""
        with closing(sqlite3.connect(self.folder / "ocs.sqlite")) as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute(f"SELECT * FROM cl_{self.table} WHERE contact_info = ?", (phone,)).fetchone())


async def take_a_call(desktop: AgentDesktop) -> RecordData:
    """Ready, answer, talk, until it is over: the record."""
    await desktop.ready()
    desk = await desktop.until(lambda desk: desk.ringing, 30)
    call = desk.ringing
    assert call is not None and call.record is not None and call.record.phone
    assert (await desktop.answer()).name == "EventEstablished"
    assert desktop.desk.talking is not None and desktop.desk.held(call.record.record_handle) is not None
    await desktop.hang_up()
    (held,) = desktop.desk.unsettled
    assert held.talked and not desktop.desk.calls
    return held.record


@pytest.mark.parametrize("scheme", ["tcp", "ws", "tls", "wss"])
@pytest_twisted.ensureDeferred
async def test_an_agent_takes_calls_and_settles_them_over_every_transport(tmp_path: Path, scheme: str) -> None:
    center = Center(tmp_path, DialingMode.PROGRESSIVE, tls=scheme in ("tls", "wss"))
    try:
        await center.open(break_codes=["Lunch"])
        desktop = center.desktop(scheme)
        await desktop.start()
        assert (await desktop.preparation()).break_codes == ("Lunch",)
        await desktop.log_in(center.person.dn, center.person.queue)
        desk = await desktop.until(lambda desk: desk.campaigns, 10)
        assert desk.campaigns[0].running and desk.campaigns[0].mode == "Progressive" and desk.work is Work.NOT_READY
        await desktop.not_ready("Lunch")
        assert desktop.desk.reason == "Lunch"

        record = await take_a_call(desktop)
        await desktop.processed(record, CallResult.WRONG_PARTY)
        assert desktop.desk.records == () and center.row(record)["call_result"] == CallResult.WRONG_PARTY

        record = await take_a_call(desktop)
        await desktop.do_not_call(record)
        assert center.row(record)["record_type"] == RecordType.NO_CALL
        with pytest.raises(RequestRefused, match="do-not-call"):
            await desktop.dial(record.phone or "")
        with pytest.raises(RequestRefused) as late:
            await desktop.reject(record)
        assert late.value.code == DesktopErrorCode.RECORD_NOT_FOUND

        # the connection is lost and made again: the agent goes on at the same DN, not ready
        await desktop.ready()
        desktop._client.abort()         # type: ignore[union-attr]
        await desktop.until(lambda desk: not desk.connected, 10)
        desk = await desktop.until(lambda desk: desk.connected and desk.work is Work.NOT_READY, 10)
        assert desk.dn == center.person.dn
        await desktop.log_out()
        assert desktop.desk.work is Work.LOGGED_OUT
        await desktop.stop()
    finally:
        await center.close()


@pytest_twisted.ensureDeferred
async def test_previews_chains_callbacks_and_a_desktop_that_takes_over(tmp_path: Path) -> None:
    center = Center(tmp_path, DialingMode.PREVIEW)
    try:
        await center.open()
        wrong = connect_to(CLOCK, f"tcp://127.0.0.1:{center.port}", center.person.login, "not the password")
        with pytest.raises(RequestRefused) as refused:
            await wrong.start()
        assert refused.value.code == 119
        with pytest.raises(ConnectError):
            await connect_to(CLOCK, "tcp://127.0.0.1:1", center.person.login, center.person.password).start()

        first = center.desktop()
        await first.start()
        await first.log_in(center.person.dn, center.person.queue)
        campaign = (await first.until(lambda desk: desk.campaigns, 10)).campaigns[0]
        assert campaign.mode == "Preview"
        record = (await first.next_record(campaign.name)).record
        assert record is not None and dict(record.fields).get("name", "").startswith("Person")
        assert await first.chain(record) == []

        second = center.desktop("ws")
        await second.start()
        await second.log_in(center.person.dn)
        await until(lambda: first.taken_over and not first.desk.connected, "the first one is closed", 10)
        desk = second.desk
        assert desk.held(record.record_handle) is not None, "what the agent had is at the new desk"

        await second.dial(record.phone or "", record)
        await second.until(lambda desk: desk.calls and desk.calls[0].phase is Phase.TALKING, 30)
        await second.hang_up()
        left = second.leave_campaign(campaign.name)
        await second.until(lambda desk: desk.campaigns[0].attendance is Attendance.LEAVING, 10)
        assert not left.called, "the record is to be settled first"
        await second.call_back(record, datetime(2026, 3, 12, 10, 30), personal=True)
        assert (await left).name == "LogOutAcknowledge"
        assert second.desk.campaigns[0].attendance is Attendance.LEFT
        with pytest.raises(RequestRefused) as refused:
            await second.next_record(campaign.name)
        assert refused.value.code == DesktopErrorCode.AGENT_NOT_AVAILABLE
        await second.begin_previews(campaign.name)
        assert second.desk.campaigns[0].attendance is Attendance.THERE
        await second.reject((await second.next_record(campaign.name)).record)
        row = center.row(record)
        assert row["record_type"] == RecordType.PERSONAL_CALLBACK and row["agent_id"] == center.person.login
        assert second.desk.records == ()
        await second.log_out()
        await second.stop()
    finally:
        await center.close()


@pytest_twisted.ensureDeferred
async def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    center = Center(tmp_path, DialingMode.PROGRESSIVE)
    try:
        await center.open()
        person = center.person
        out, errors, status = await getProcessOutputAndValue(
            sys.executable, [str(ROOT / "docs/examples/agent_desktop.py"), f"tcp://127.0.0.1:{center.port}", person.login,
                             person.password, person.dn, person.queue, "2"],
            {**os.environ, "PYTHONPATH": str(ROOT)}, reactor=CLOCK)
        assert status == 0, errors.decode()
        lines = out.decode().splitlines()
        assert len(lines) == 2 and all(line.startswith("+1415555") and "Person" in line for line in lines), lines
    finally:
        await center.close()


@pytest_twisted.ensureDeferred
async def test_desktops_that_are_made_for_a_tserver_work_on_the_port(tmp_path: Path) -> None:
    """The laboratory's agents, who know the T-Server's wire only: the port is all the T-Server that they see."""
    center = Center(tmp_path, DialingMode.PROGRESSIVE)
    floor = None
    try:
        await center.open()
        endpoint = TCP4ClientEndpoint(CLOCK, "127.0.0.1", center.port)
        desks = tserver_desks(CLOCK, endpoint, "visitor", center.plan.passwords["visitor"])
        floor = LabFloor(center.plan.time.clock(CLOCK), center.plan.visitors, desks, center.plan.behaviour)
        floor.start()

        def settled() -> int:
            with closing(sqlite3.connect(center.folder / "ocs.sqlite")) as connection:
                return int(connection.execute(f"SELECT count(*) FROM cl_{CALLING_LIST} WHERE record_status = 3").fetchone()[0])
        await until(lambda: min(settled(), floor.account().settled) >= 5, f"records are settled\n{center.ocs.last_lines()}", 90)
        account = floor.account()
        assert not account.errors and not account.unanswered and account.logins == len(center.plan.visitors)
    finally:
        await center.ocs.stop(40.0)
        if floor is not None:
            await floor.stop(30.0)
        await center.close()
