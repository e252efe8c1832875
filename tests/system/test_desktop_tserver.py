"""The client library where a site has no desktop port: T-Server and OCS under twistd, the desktop is one of the T-Server's
clients, an application, and everything about records goes by user events on the agent's DN."""
from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint

from ocs.app.config import OCSOptions
from ocs.app.demo.configs import ocs_config, tserver_config, write_config
from ocs.dialing.results import CallResult, DialingMode, RecordType
from ocs.servers.tserver.config import TServerOptions
from protocols.desktop.client import AgentDesktop
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.model import Attendance, Phase, Work
from protocols.errors import RequestRefused
from protocols.message import ErrorCode
from tests.system.test_desktop_port import CLOCK, EVERYBODY_ANSWERS, Center, take_a_call

APPLICATION = "visitor"


class WithoutPort(Center):
    """The same center, whose OCS has no port for desktops."""

    async def open(self, **group: Any) -> None:
        """Start both. `group` are more options of the campaign group."""
        values = tserver_config(self.plan)
        values["simulator"].update(EVERYBODY_ANSWERS)
        write_config(self.folder / "tserver.toml", TServerOptions, values)
        facts = await self.tserver.start()
        self.port = int(facts["tserver"]["port"])
        values = ocs_config(self.plan, self.port)
        values["desktop_port"]["enabled"] = False
        values["campaign_group"][0].update(group)
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        assert "desktop" not in await self.ocs.start()

    def client(self, agent: str = "", password: str = "", application: tuple[str, str] | None = None) -> AgentDesktop:
        """A desktop that is not yet started; the first visitor's unless said otherwise."""
        return AgentDesktop(
            CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", self.port), agent or self.person.login,
            password or self.person.password, application=application or (APPLICATION, self.plan.passwords[APPLICATION]))


@pytest_twisted.ensureDeferred
async def test_an_agent_takes_calls_and_settles_them_by_way_of_the_tserver(tmp_path: Path) -> None:
    center = WithoutPort(tmp_path, DialingMode.PROGRESSIVE)
    try:
        await center.open(ring_tone="vip", cpn_digits="+12125550199")
        desktop = center.client()
        await desktop.start()
        assert desktop.desk.switch_up and desktop.desk.agent_id == center.person.login and desktop.application_id == 0
        assert (await desktop.preparation()).break_codes == ()
        await desktop.log_in(center.person.dn, center.person.queue)
        desk = await desktop.until(lambda desk: desk.campaigns, 10)
        assert desk.campaigns[0].running and desk.campaigns[0].mode == "Progressive" and desk.work is Work.NOT_READY
        await desktop.not_ready("Lunch")
        assert desktop.desk.reason == "Lunch"
        await desktop.after_call_work()
        assert desktop.desk.work is Work.AFTER_CALL_WORK

        record = await take_a_call(desktop)
        assert (record.ring_tone, record.cpn_digits) == ("vip", "+12125550199")
        await desktop.update(record, CallResult.BUSY)
        await desktop.processed(record, CallResult.WRONG_PARTY)
        assert desktop.desk.records == () and center.row(record)["call_result"] == CallResult.WRONG_PARTY

        record = await take_a_call(desktop)
        await desktop.do_not_call(record)
        assert center.row(record)["record_type"] == RecordType.NO_CALL and desktop.desk.records == ()
        with pytest.raises(RequestRefused) as late:
            await desktop.reject(record)
        assert late.value.code == DesktopErrorCode.RECORD_NOT_FOUND

        # the connection is lost in a call, and made again: the agent goes on with it
        await desktop.ready()
        desk = await desktop.until(lambda desk: desk.ringing, 30)
        await desktop.answer()
        handle = desktop.desk.records[0].handle
        desktop._client.abort()         # type: ignore[union-attr]
        await desktop.until(lambda desk: not desk.connected, 10)
        desk = await desktop.until(lambda desk: desk.connected and desk.work is not Work.LOGGED_OUT
                                   and desk.calls and desk.calls[0].record is not None, 20)
        assert desk.dn == center.person.dn and desk.calls[0].phase is Phase.TALKING and desk.records[0].handle == handle
        await desktop.hang_up()
        await desktop.cancel(desktop.desk.records[0].record)
        assert desktop.desk.records == ()

        assert (await desktop.leave_campaign(desk.campaigns[0].name)).name == "LogOutAcknowledge"
        assert desktop.desk.campaigns[0].attendance is Attendance.LEFT
        await desktop.log_out()
        assert desktop.desk.work is Work.LOGGED_OUT
        await desktop.stop()
    finally:
        await center.close()


@pytest_twisted.ensureDeferred
async def test_previews_by_way_of_the_tserver_and_what_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    center = WithoutPort(tmp_path, DialingMode.PREVIEW)
    try:
        await center.open(cpn_digits="+12125550199", agent_preview_mode_start=True)
        with pytest.raises(RequestRefused) as refused:
            await center.client(application=(APPLICATION, "not the password")).start()
        assert refused.value.code == ErrorCode.BAD_PASSWORD
        wrong = center.client(password="not the password")
        await wrong.start()
        with pytest.raises(RequestRefused) as refused:
            await wrong.log_in(center.person.dn, center.person.queue)
        assert refused.value.code == ErrorCode.AGENT_BAD_PASSWORD and wrong.desk.work is Work.LOGGED_OUT
        await wrong.stop()

        desktop = center.client()
        await desktop.start()
        await desktop.log_in(center.person.dn, center.person.queue)
        campaign = (await desktop.until(lambda desk: desk.campaigns, 10)).campaigns[0]
        with pytest.raises(RequestRefused, match="PreviewDialingModeStart"):
            await desktop.next_record(campaign.name)
        await desktop.begin_previews(campaign.name)
        record = (await desktop.next_record(campaign.name)).record
        assert record is not None and dict(record.fields).get("name", "").startswith("Person")
        assert record.cpn_digits == "+12125550199" and await desktop.chain(record) == []

        asked: list[Any] = []
        send = desktop._client.request          # type: ignore[union-attr]

        def noting(name: str, attributes: Any) -> Any:
            asked.append(attributes)
            return send(name, attributes)

        monkeypatch.setattr(desktop._client, "request", noting)
        assert (await desktop.dial(record.phone or "", record)).name == "EventDialing"
        assert asked[0]["Extensions"] == (("CPNDigits", "+12125550199"),)
        await desktop.until(lambda desk: desk.calls and desk.calls[0].phase is Phase.TALKING, 30)
        await desktop.hang_up()
        left = desktop.leave_campaign(campaign.name)
        await desktop.until(lambda desk: desk.campaigns[0].attendance is Attendance.LEAVING, 10)
        await desktop.call_back(record, datetime(2026, 3, 12, 10, 30), personal=True)
        row = center.row(record)
        assert row["record_type"] == RecordType.PERSONAL_CALLBACK and row["agent_id"] == center.person.login
        assert (await left).name == "LogOutAcknowledge"

        # another program finds the agent logged in: that one is to be ended first
        other = center.client()
        await other.start()
        with pytest.raises(RequestRefused) as refused:
            await other.log_in(center.person.dn, center.person.queue)
        assert refused.value.code == ErrorCode.AGENT_ALREADY_IN
        await other.request("RequestAgentLogout", ThisDN=center.person.dn)
        await desktop.until(lambda desk: desk.work is Work.LOGGED_OUT, 10)
        await other.log_in(center.person.dn, center.person.queue)
        assert other.desk.work is Work.NOT_READY and other.desk.campaigns
        await other.log_out()
        await other.stop()
        await desktop.stop()
    finally:
        await center.close()
