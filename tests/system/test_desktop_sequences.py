"""The recommended sequences of the desktop protocol, mode by mode, over real sockets: T-Server, Interaction Server and OCS under
twistd, one campaign in each mode, and in each one agent who is this test and says what the page says."""
from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, AsyncIterator, Callable
from zoneinfo import ZoneInfo

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from zope.interface import implementer

from ocs.app.config import OCSOptions
from ocs.app.demo.children import Child
from ocs.app.demo.configs import (
    CALLING_LIST,
    INTERACTION_QUEUE,
    TRUNK_GROUP,
    LabTime,
    interaction_config,
    make_plan,
    ocs_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.database.backend import backend_for
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.lab.agents.desk import IDeskUser, TServerDesk
from ocs.lab.people import AgentPerson
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.tserver.config import TServerOptions
from protocols.attributes import KVList
from protocols.client import MessageClient
from protocols.conversation import ClientConversation
from protocols.desktop import keys
from protocols.desktop.dialogue import DesktopDialogue
from protocols.desktop.messages import DesktopEvent, parse_event
from protocols.desktop.names import CallbackType
from protocols.desktop.record import RecordData
from protocols.errors import RequestRefused
from protocols.interaction.messages import MEDIA_TYPE
from protocols.tserver.messages import Message
from tests.system.test_icon import NOON, until

CLOCK: Any = reactor
SPEED, CONTACTS = 30.0, 150
MODES = (DialingMode.PREVIEW, DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE, DialingMode.PROGRESSIVE_SEIZING,
         DialingMode.PUSH_PREVIEW, DialingMode.PREDICTIVE_GVP)
NEEDS: dict[DialingMode, dict[str, Any]] = {
    DialingMode.PROGRESSIVE_SEIZING: {"trunk_group_dn": TRUNK_GROUP},
    DialingMode.PREDICTIVE_GVP: {"trunk_group_dn": TRUNK_GROUP, "ivr_profile": "connect"},
    DialingMode.PUSH_PREVIEW: {"interaction_queue": INTERACTION_QUEUE, "maximum_queue_size": 1}}


class Center:
    """The servers. Everybody who is called answers and talks until the agent hangs up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        contacts = folder / "contacts.csv"
        rows = [f"Person {n},+1415555{1_000 + n:04},+1415556{1_000 + n:04}" for n in range(CONTACTS)]
        contacts.write_text("\n".join(["name,phone,phone2", *rows]) + "\n")
        options = DemoOptions(contacts=contacts, dnc=None, agents=len(MODES), mode=DialingMode.PREVIEW, speed=SPEED, now=None,
                              seed=1, directory=folder)
        take_in(backend_for(database), options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self.clock = self.plan.time.clock(reactor)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.interaction, self.ocs = (
            Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock)
            for name, plugin in (("tserver", "ocs-tserver"), ("interaction", "ocs-interaction"), ("ocs", "ocs")))
        self.ports: dict[str, int] = {}

    def person(self, mode: DialingMode) -> AgentPerson:
        """Who works in this campaign."""
        return self.plan.agents[MODES.index(mode)]

    def queue(self, mode: DialingMode) -> str:
        """Where its calls wait."""
        return f"60{11 + MODES.index(mode)}"

    async def open(self) -> None:
        values = tserver_config(self.plan)
        values["simulator"].update(person=1.0, machine=0.0, busy=0.0, invalid=0.0, fax=0.0, answer_s=3.0, talk_s=3_000.0)
        values["dn"] += [{"number": self.queue(mode), "kind": "acd-queue"} for mode in MODES]
        values["ivr_application"] = [{"name": "connect", "step": [{"name": "hello", "play": "one moment", "seconds": 2}]}]
        for mode in MODES:
            values["agent"][MODES.index(mode)]["queue"] = self.queue(mode)
        write_config(self.folder / "tserver.toml", TServerOptions, values)
        self.ports["tserver"] = int((await self.tserver.start())["tserver"]["port"])
        write_config(self.folder / "interaction.toml", InteractionServerOptions, interaction_config(self.plan))
        self.ports["interaction"] = int((await self.interaction.start())["interaction"]["port"])
        write_config(self.folder / "ocs.toml", OCSOptions, self._ocs())
        await self.ocs.start()

    def _ocs(self) -> dict[str, Any]:
        values = ocs_config(self.plan, self.ports["tserver"], interaction_port=self.ports["interaction"])
        group, campaign, session = values["agent_group"][0], values["campaign"][0], values["campaign_group"][0]
        groups: list[dict[str, Any]] = []
        values["agent_group"], values["campaign"] = groups, []
        values["campaign_group"] = []
        for place, mode in enumerate(MODES):
            person = self.person(mode)
            groups.append({**group, "name": mode.word, "dbid": 301 + place, "agents": [person.login], "dns": [person.dn]})
            values["campaign"].append({**campaign, "name": mode.word, "dbid": 201 + place})
            values["campaign_group"].append({**session, "campaign": mode.word, "group": mode.word, "dbid": 401 + place,
                                             "mode": mode.word, "voice_transfer_destination": self.queue(mode),
                                             "minimum_buffer": 2.0, "optimal_buffer": 3.0, **NEEDS.get(mode, {})})
        values["dialing"].update(pacing_tick_s=1.0, stop_deadline_s=60.0)
        return values

    async def close(self) -> None:
        await self.ocs.stop(40.0)
        await self.interaction.stop(20.0)
        await self.tserver.stop(20.0)
        os.close(self._lock)
        for child in (self.ocs, self.interaction, self.tserver):
            assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]

    def row(self, phone: str | None) -> dict[str, Any]:
        """A record's row in the database."""
        with closing(sqlite3.connect(self.folder / "ocs.sqlite")) as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute(f"SELECT * FROM cl_{CALLING_LIST} WHERE contact_info = ?", (phone,)).fetchone())


@implementer(IDeskUser)
class Desk:
    """An agent's desktop at the T-Server: what it hears, and what it says."""

    def __init__(self, center: Center, mode: DialingMode) -> None:
        self.center, self.person, self.campaign = center, center.person(mode), mode.word
        self.events: list[Message] = []
        self.told: list[DesktopEvent] = []
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", center.ports["tserver"])
        self.desk = TServerDesk(CLOCK, endpoint, "lab", center.plan.passwords["lab"], self.person.dn, random.Random(1))
        self._queue = center.queue(mode)
        self.desk.start(self)

    def desk_up(self) -> None:
        """Requests may be sent."""

    def desk_down(self, reason: str) -> None:
        """They may not."""

    def switch_event(self, message: Message) -> None:
        self.events.append(message)

    def desktop_event(self, event: DesktopEvent) -> None:
        self.told.append(event)

    # -- at the switch --------------------------------------------------------------------------------------------
    async def log_in(self) -> None:
        await until(lambda: self.desk.up, "the link", 10)
        await self.desk.request("RequestRegisterAddress")
        await self.desk.request("RequestAgentLogin", AgentID=self.person.login, AgentPassword=self.person.password,
                                ThisQueue=self._queue)

    async def event(self, name: str, fits: Callable[[Message], Any] = lambda message: True) -> Message:
        """The next event of this name that fits; what came before it is forgotten."""
        def found() -> list[Message]:
            return [one for one in self.events if one.name == name and fits(one)]
        await until(found, f"{name} at {self.person.dn}, not {[one.name for one in self.events]}", 25)
        message = found()[0]
        del self.events[:self.events.index(message) + 1]
        return message

    async def dial(self, shown: DesktopEvent) -> str:
        """Dial a record with all of its pairs attached, until somebody answers; the ConnID."""
        assert shown.record is not None
        await self.desk.request("RequestMakeCall", OtherDN=shown.record.phone, UserData=shown.raw)
        return str((await self.event("EventEstablished")).get("ConnID"))

    async def take_call(self) -> tuple[str, RecordData]:
        """A call with a record rings, is answered and shows its record; the ConnID."""
        ringing = await self.event("EventRinging", lambda message: RecordData.from_pairs(message.user_data))
        await self.desk.request("RequestAnswerCall", ConnID=ringing.get("ConnID"))
        record = RecordData.from_pairs(ringing.user_data)
        assert record is not None
        return str(ringing.get("ConnID")), record

    async def hang_up(self, conn_id: str) -> None:
        await self.desk.request("RequestReleaseCall", ConnID=conn_id)

    async def leave(self) -> None:
        """LogOut, at most one LogOutTime, then LogOutAcknowledge, then the switch."""
        assert (await self.ask("LogOut")).name == "LogOutAcknowledge"
        await self.desk.request("RequestAgentLogout")
        await self.desk.stop()

    # -- to the OCS -----------------------------------------------------------------------------------------------
    async def ask(self, name: str, others: KVList = (), **values: Any) -> DesktopEvent:
        given = {"application_id": 1, "campaign_name": self.campaign, **values}
        answer: DesktopEvent = await self.desk._dialogue.ask(name, others, **given)
        return answer

    async def hears(self, name: str) -> DesktopEvent:
        """The next event of this name that came unasked, or ahead of an answer."""
        await until(lambda: any(one.name == name for one in self.told), f"{name} at {self.person.dn}", 25)
        event = next(one for one in self.told if one.name == name)
        self.told.remove(event)
        return event


@pytest_twisted.async_yield_fixture(scope="module")
async def center(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    found = Center(tmp_path_factory.mktemp("center"))
    try:
        await found.open()
        yield found
    finally:
        await found.close()


@pytest_twisted.ensureDeferred
async def test_preview_and_a_callback_that_is_delivered(center: Center) -> None:
    desk = Desk(center, DialingMode.PREVIEW)
    await desk.log_in()
    assert (await desk.hears("CampaignStarted")).campaign_mode == "Preview"
    assert (await desk.ask("CampaignStatusRequest", campaign_name=None)).name == "CampaignStarted"
    assert (await desk.ask("PreviewDialingModeStart")).name == "PreviewDialingModeStartAcknowledge"

    shown = await desk.ask("PreviewRecordRequest")
    assert shown.record is not None
    handle, phone = shown.record.record_handle, shown.record.phone
    end = await desk.ask("ChainedRecordRequest", record_handle=handle)
    other = await desk.hears("ChainedRecord")
    assert end.name == "ChainedRecordsDataEnd" and other.record is not None and other.record.chain_id == shown.record.chain_id

    conn_id = await desk.dial(shown)
    await desk.ask("UpdateCallCompletionStats", record_handle=handle, call_result=33, others=(("name", "Renamed"),))
    await desk.hang_up(conn_id)
    due = datetime.fromtimestamp(center.clock.wall() + 75, ZoneInfo("America/Los_Angeles")).replace(tzinfo=None, second=0)
    await desk.ask("RecordReschedule", record_handle=handle, date_time=due, callback_type=CallbackType.PERSONAL)
    assert (await desk.ask("RecordProcessed", record_handle=handle)).name == "RecordProcessedAcknowledge"
    row = center.row(phone)
    assert row["record_type"] == RecordType.PERSONAL_CALLBACK and row["name"] == "Renamed"

    rejected = await desk.ask("PreviewRecordRequest")
    assert (await desk.ask("RecordReject", record_handle=rejected.record_handle)).name == "RecordRejectAcknowledge"

    callback = await desk.hears("ScheduledCall")
    assert callback.record is not None and callback.record.phone == phone and callback.record.callback_type == "Personal"
    await desk.hang_up(await desk.dial(callback))
    await desk.ask("RecordProcessed", record_handle=callback.record_handle, call_result=33)
    assert center.row(phone)["record_status"] == RecordStatus.UPDATED
    await desk.leave()


@pytest.mark.parametrize("mode", [DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE, DialingMode.PREDICTIVE_GVP])
@pytest_twisted.ensureDeferred
async def test_calls_that_come_by_themselves(center: Center, mode: DialingMode) -> None:
    desk = Desk(center, mode)
    await desk.log_in()
    assert (await desk.hears("CampaignStarted")).campaign_mode == mode.desktop
    await desk.desk.request("RequestAgentReady")
    conn_id, record = await desk.take_call()
    assert record.campaign_mode == mode.desktop and record.record_handle and dict(record.fields)["name"]
    await desk.ask("UpdateCallCompletionStats", record_handle=record.record_handle, call_result=33)
    await desk.hang_up(conn_id)
    assert (await desk.ask("RecordProcessed", record_handle=record.record_handle)).name == "RecordProcessedAcknowledge"
    assert center.row(record.phone)["call_result"] == CallResult.ANSWER

    await desk.desk.request("RequestAgentReady")
    conn_id, record = await desk.take_call()
    await desk.hang_up(conn_id)
    assert (await desk.ask("DoNotCall", record_handle=record.record_handle)).name == "DoNotCallAcknowledge"
    assert center.row(record.phone)["record_type"] == RecordType.NO_CALL
    await desk.leave()


@pytest_twisted.ensureDeferred
async def test_an_engaged_agent_who_is_joined_with_a_customer(center: Center) -> None:
    desk = Desk(center, DialingMode.PROGRESSIVE_SEIZING)
    await desk.log_in()
    await desk.desk.request("RequestAgentReady")
    engaging = await desk.event("EventRinging")
    assert RecordData.from_pairs(engaging.user_data) is None
    await desk.desk.request("RequestAnswerCall", ConnID=engaging.get("ConnID"))
    joined = await desk.event("EventPartyChanged", lambda message: RecordData.from_pairs(message.user_data))
    record = RecordData.from_pairs(joined.user_data)
    assert record is not None and record.campaign_mode == "EngagedProgressive"
    await desk.ask("RequestRecordCancel", record_handle=record.record_handle)
    assert center.row(record.phone)["record_status"] == RecordStatus.CANCELLED
    await desk.hang_up(str(joined.get("ConnID")))
    with pytest.raises(RequestRefused):
        await desk.ask("RecordProcessed", record_handle=record.record_handle)
    await desk.desk.request("RequestAgentNotReady")
    await desk.leave()


class InteractionDesk:
    """The same desktop's connection to the Interaction Server; requests go with its user events."""

    def __init__(self, center: Center, person: AgentPerson, campaign: str) -> None:
        self.person, self.campaign, self.up = person, campaign, False
        self.interaction_id = ""        # accepted last
        self.events: list[Message] = []
        self._dialogue = DesktopDialogue(CLOCK, self._distribute)
        password = center.plan.passwords["lab"]
        self.client = MessageClient(ClientConversation("lab", password), self, CLOCK)
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", center.ports["interaction"])
        self.connected = endpoint.connect(Factory.forProtocol(lambda: self.client))

    def granted(self, client: Any, answer: Message) -> None:
        self.up = True

    def refused(self, client: Any, error: Exception) -> None:
        raise error

    def lost(self, client: Any, reason: str) -> None:
        self._dialogue.lost(reason)

    def event(self, client: Any, message: Message) -> None:
        if message.name == "EventUserEvent":
            self._dialogue.received(message.user_data)
        else:
            self.events.append(message)

    def _distribute(self, user_data: KVList) -> Any:
        return self.client.request("RequestDistributeUserEvent", {
            "AgentID": self.person.login, "InteractionID": self.interaction_id, "UserData": user_data})

    async def invited(self) -> Message:
        """The next invitation, accepted."""
        await until(lambda: any(one.name == "EventInvite" for one in self.events), "an invitation", 25)
        invited = next(one for one in self.events if one.name == "EventInvite")
        self.events.remove(invited)
        self.interaction_id = invited.get("InteractionID", "")
        await self.client.request("RequestAccept", {"AgentID": self.person.login, "InteractionID": self.interaction_id})
        return invited

    async def ask(self, name: str, **values: Any) -> DesktopEvent:
        answer: DesktopEvent = await self._dialogue.ask(name, application_id=1, campaign_name=self.campaign, **values)
        return answer


@pytest_twisted.ensureDeferred
async def test_pushed_previews(center: Center) -> None:
    desk = Desk(center, DialingMode.PUSH_PREVIEW)
    await desk.log_in()
    pushed = InteractionDesk(center, desk.person, desk.campaign)
    await pushed.connected
    await until(lambda: pushed.up, "the Interaction Server", 10)
    await pushed.client.request("RequestAgentLogin", {"AgentID": desk.person.login, "MediaTypes": [MEDIA_TYPE]})
    await pushed.client.request("RequestReadyForMedia", {"AgentID": desk.person.login, "MediaType": MEDIA_TYPE})

    shown = parse_event(((keys.USER_EVENT, "PreviewRecord"), *(await pushed.invited()).user_data))
    assert shown is not None and shown.record is not None
    conn_id = await desk.dial(shown)
    await desk.hang_up(conn_id)
    done = await pushed.ask("RecordProcessed", record_handle=shown.record_handle, call_result=33)
    assert done.name == "RecordProcessedAcknowledge" and dict(done.raw)[keys.CALL_RESULT] == 33     # it repeats the request
    assert center.row(shown.record.phone)["record_status"] == RecordStatus.UPDATED
    await until(lambda: any(one.name == "EventProcessingStopped" for one in pushed.events), "the end of the interaction", 10)

    await pushed.client.request("RequestReadyForMedia", {"AgentID": desk.person.login, "MediaType": MEDIA_TYPE})
    refused = parse_event(((keys.USER_EVENT, "PreviewRecord"), *(await pushed.invited()).user_data))
    assert refused is not None and refused.record is not None
    assert (await pushed.ask("RecordReject", record_handle=refused.record_handle)).name == "RecordRejectAcknowledge"
    await pushed.client.request("RequestAgentLogout", {"AgentID": desk.person.login})
    pushed.client.close()
    await desk.leave()
