"""An agent's desktop as a library: connect, log in, follow calls, settle records; on the OCS's desktop port or on a T-Server.

    desktop = connect_to(reactor, "tcp://ocs.example:7060", "1001", "the password")
    await desktop.start()
    await desktop.log_in("7001", queue="6001")
    await desktop.ready()
    desk = await desktop.until(lambda desk: desk.ringing)
    await desktop.answer()

`desktop.desk` is everything that is known (`protocols.desktop.model.Desk`), a new value after each message; `changed` is called
with it. Requests give Deferreds, to be awaited or chained. A lost connection is made again by itself, and the agent logged in
again at the same DN; what was under way then fails with LinkLost. Needs Twisted and this package, nothing of the server.
"""
from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from typing import Any, Callable, Mapping

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, DeferredLock, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.attributes import KVList, first, kv_list
from protocols.client import IClientListener, MessageClient
from protocols.codec import MESSAGE_PACK, Codec
from protocols.conversation import ClientConversation
from protocols.desktop.dialogue import DesktopDialogue
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import DesktopEvent, parse_event
from protocols.desktop.model import Desk, desktop_event, switch_event, without_record
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment
from protocols.desktop.places import desktop_endpoint
from protocols.desktop.port import TAKEN_OVER
from protocols.desktop.preparation import Preparation
from protocols.desktop.record import RecordData
from protocols.errors import LinkLost, LocalProtocolError, RequestFailed, RequestRefused
from protocols.keepalive import KeepAlive
from protocols.message import ErrorCode, Message
from protocols.tserver.messages import USER_EVENT_NUMBER, AgentWorkMode

__all__ = ["AgentDesktop", "Changed", "connect_to"]

_CLOSING_S = 2.0        # how long a server may take to close with us
Changed = Callable[[Desk, Desk, "Message | DesktopEvent | None"], None]
"""(before, after, what did it): None where the connection came or went."""


@implementer(IClientListener)
class AgentDesktop:
    """One agent. `endpoint` leads to a desktop port, where `agent` and `password` are the agent's; to a T-Server, where
    `application` (name, password) registers the program, and the agent logs in at the DN."""

    log = Logger()

    def __init__(self, reactor: Any, endpoint: IStreamClientEndpoint, agent: str, password: str, *, codec: Codec = MESSAGE_PACK,
                 application: tuple[str, str] | None = None, changed: Changed = lambda before, after, cause: None,
                 request_timeout_s: float = 15.0, keep_alive_s: float = 10.0, longest_pause_s: float = 20.0,
                 rng: random.Random | None = None) -> None:
        self._reactor, self._agent, self._password, self._codec = reactor, agent, password, codec
        self._application, self._changed, self._rng = application, changed, rng or random.Random()
        self._timeout_s, self._keep_alive_s, self._longest_pause_s = request_timeout_s, keep_alive_s, longest_pause_s
        self.desk = Desk()
        self.application_id = 0         # of the OCS, as GSW_APPLICATION_ID; told by a desktop port
        self.taken_over = False         # another desktop of the agent took over: this one does not connect again
        self._client: MessageClient | None = None       # while it is registered
        self._newest: MessageClient | None = None       # the last one built
        self._started: Deferred[None] | None = None
        self._seat: tuple[str, str] | None = None       # DN and queue, once the agent is logged in
        self._seated = False            # on this connection
        self._failures = 0
        self._answers: set[int] = set()     # reference ids of answers that are still to come as events
        self._waiting: list[tuple[Callable[[Desk], Any], Deferred[Desk]]] = []
        self._chained: list[DesktopEvent] = []
        self._one_chain = DeferredLock()
        self._dialogue = DesktopDialogue(reactor, self._distribute, request_timeout_s)
        self._service = ClientService(endpoint, Factory.forProtocol(self._build), retryPolicy=self._pause_s, clock=reactor)

    def listen(self, changed: Changed) -> None:
        """Call `changed` from now on, in place of the one before."""
        self._changed = changed

    # -- the connection -------------------------------------------------------------------------------------------
    def start(self) -> Deferred[None]:
        """Connect and register. Fires when that is granted. Fails as the endpoint does where there is no connection, with
        RequestRefused where the password is wrong; then nothing goes on."""
        started: Deferred[None] = Deferred()
        self._started = started
        self._service.startService()
        self._service.whenConnected(failAfterFailures=1).addErrback(self._not_started)
        return started

    def stop(self) -> Deferred[None]:
        """Disconnect, and stay so. The agent stays logged in for the server's grace; `log_out` first."""
        if not self._service.running:
            return succeed(None)
        stopped: Deferred[None] = self._service.stopService()
        if self._newest is not None and self._newest.connected:
            self._newest.close()        # a peer that does not let us is cut off
            cut = self._reactor.callLater(_CLOSING_S, self._newest.abort)
            stopped.addBoth(lambda _: cut.cancel() if cut.active() else None)
        return stopped

    def _not_started(self, failure: Failure) -> None:
        started, self._started = self._started, None
        if started is not None:
            self._reactor.callLater(0, self._give_up, started, failure)     # the service is in the middle of a step

    def _give_up(self, started: Deferred[None], failure: Failure) -> None:
        self.stop()
        started.errback(failure)

    def _build(self) -> MessageClient:
        registration = self._application or (self._agent, self._password)
        conversation = ClientConversation(*registration, keep_alive=KeepAlive(self._keep_alive_s), codec=self._codec)
        self._newest = MessageClient(conversation, self, self._reactor, self._timeout_s, outstanding_limit=100)
        return self._newest

    def _pause_s(self, _attempts: int) -> float:
        pause = min(self._longest_pause_s, 0.5 * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return pause * (0.5 + self._rng.random())

    # -- IClientListener ------------------------------------------------------------------------------------------
    def granted(self, client: MessageClient, answer: Message) -> None:
        self._client, self._failures = client, 0
        self.application_id = answer.get("ApplicationDBID", 0)
        # whoever was logged in is connected when the agent is back at the DN: nothing can be asked for before
        self._become(replace(self.desk, connected=self._seat is None, switch_up=answer.name == "EventLinkConnected",
                             agent_id=answer.get("AgentID", self._agent)), None)
        started, self._started = self._started, None
        if started is not None:
            started.callback(None)
        if self._seat is not None:
            self._again(*self._seat)

    def _again(self, dn: str, queue: str) -> None:
        def failed(failure: Failure) -> None:
            self.log.warn("agent {agent} cannot be logged in at {dn} again: {reason}", agent=self._agent, dn=dn,
                          reason=failure.getErrorMessage())
            if isinstance(failure.value, RequestRefused) and failure.value.code == ErrorCode.LINK_DOWN:
                self._become(replace(self.desk, connected=True, switch_up=False), None)     # goes on when the switch is back
            elif failure.check(LinkLost) is None:
                self._seat = None
                self._become(Desk(self.desk.agent_id, connected=self._client is not None, switch_up=self.desk.switch_up), None)
        Deferred.fromCoroutine(self._log_in(dn, queue, False)).addErrback(failed)

    def refused(self, client: MessageClient, error: RequestRefused) -> None:
        self._not_started(Failure(error))
        self.log.error("agent {agent} is not let in: {reason}", agent=self._agent, reason=str(error))

    def event(self, client: MessageClient, message: Message) -> None:
        if client is not self._client:
            return
        if message.name == "EventUserEvent":
            self._user_event(message.user_data)
        elif message.reference_id in self._answers:
            self._answers.discard(message.reference_id)
        else:
            self._heard(message)

    def _answered(self, message: Message) -> Message:
        """The desk is moved on before whoever asked goes on; the answer comes as an event, too."""
        self._answers.add(message.reference_id)
        self._heard(message)
        return message

    def _heard(self, message: Message) -> None:
        self._become(switch_event(self.desk, message), message)
        if message.name == "EventAgentLogout" and message.get("ThisDN") == self.desk.dn:
            self._seat, self._seated = None, False
            if first(message.get("Reasons", ()), TAKEN_OVER) is not None:
                self.taken_over = True
                self.stop()
        elif message.name == "EventLinkConnected" and self._seated:
            Deferred.fromCoroutine(self._look()).addErrback(self._looked_in_vain)
        elif message.name == "EventLinkConnected" and self._seat is not None and message.reference_id == 0:
            self._again(*self._seat)

    def lost(self, client: MessageClient, reason: str) -> None:
        if client is not self._client:
            return
        self._client, self._seated = None, False
        self._answers.clear()
        self._dialogue.lost(reason)
        self._become(replace(self.desk, connected=False, switch_up=False), None)

    def _user_event(self, user_data: KVList) -> None:
        event = parse_event(user_data)
        if event is None:
            return
        if event.name == "ChainedRecord":
            self._chained.append(event)
        self._become(desktop_event(self.desk, event), event)
        self._dialogue.received(user_data)

    def _become(self, desk: Desk, cause: Message | DesktopEvent | None) -> None:
        before, self.desk = self.desk, desk
        with self.log.failuresHandled("telling of a change"):
            self._changed(before, desk, cause)
        for waiting in [one for one in self._waiting if one[0](desk)]:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                waiting[1].callback(desk)

    def until(self, wanted: Callable[[Desk], Any], timeout_s: float | None = None) -> Deferred[Desk]:
        """Fires with the desk as soon as `wanted(desk)` is true; with a timeout it may fail with TimeoutError."""
        if wanted(self.desk):
            return succeed(self.desk)

        def forget(_: Deferred[Desk]) -> None:
            self._waiting[:] = [one for one in self._waiting if one[1] is not fired]

        fired: Deferred[Desk] = Deferred(forget)
        self._waiting.append((wanted, fired))
        return fired if timeout_s is None else fired.addTimeout(timeout_s, self._reactor)

    # -- the agent at the switch ----------------------------------------------------------------------------------
    def request(self, name: str, **attributes: Any) -> Deferred[Message]:
        """A request of docs/desktop-port.md, ThisDN filled in. Fires with its answer; fails with RequestRefused (ErrorCode and
        text), RequestTimedOut, LinkLost, or LocalProtocolError for a value that cannot travel."""
        if self._client is None:
            return fail(LinkLost(f"{name}: no connection"))
        dn = {"ThisDN": self.desk.dn} if self.desk.dn else {}
        return self._client.request(name, {**dn, **attributes}).addCallback(self._answered)

    def log_in(self, dn: str, queue: str = "", ready: bool = False) -> Deferred[None]:
        """Log the agent in at the extension, for this queue's calls (without one: for those of the agent's own). Fires when the
        state and the calls at the DN are known; fails as `request`."""
        return Deferred.fromCoroutine(self._log_in(dn, queue, ready))

    async def _log_in(self, dn: str, queue: str, ready: bool) -> None:
        before, self.desk = self.desk, replace(self.desk, dn=dn)
        more: dict[str, Any] = {"ThisQueue": queue} if queue else {}
        if ready:
            more["AgentWorkMode"] = int(AgentWorkMode.AUTO_IN)
        there: Message | None = None
        try:
            if self._application is not None:       # a T-Server wants the DN registered first
                there = await self.request("RequestRegisterAddress")
            await self.request("RequestAgentLogin", AgentID=self._agent, AgentPassword=self._password, **more)
        except BaseException as error:
            if not self._goes_on(dn, there, error):
                self.desk = replace(self.desk, dn=before.dn)
                raise
        self._seat, self._seated = (dn, queue), True
        await self._look()
        if self._client is not None and not self.desk.connected:
            self._become(replace(self.desk, connected=True), None)
        if self.application_id or self._application is not None:
            try:
                await self.ask("CampaignStatusRequest")
            except RequestFailed:
                pass            # of no campaign; or the news come late, as events

    def _goes_on(self, dn: str, there: Message | None, error: BaseException) -> bool:
        """A T-Server takes the client that registers the DN again for the agent's own: whoever was logged in there still is."""
        return (isinstance(error, RequestRefused) and error.code == ErrorCode.AGENT_ALREADY_IN and there is not None
                and there.get("AgentID") == self._agent and self._seat is not None and self._seat[0] == dn)

    async def _look(self) -> None:
        """How it stands at the DN: state, and calls that the desk does not know."""
        await self.request("RequestRegisterAddress")
        for call in self.desk.calls:
            if not call.user_data:
                try:
                    await self.request("RequestQueryCall", ConnID=call.conn_id)
                except RequestRefused:
                    pass        # it has ended meanwhile

    def _looked_in_vain(self, failure: Failure) -> None:
        failure.trap(RequestFailed)
        self.log.info("agent {agent}: {reason}", agent=self._agent, reason=failure.getErrorMessage())

    def log_out(self) -> Deferred[Message]:
        """Log the agent out of the DN; calls go on. Where calls may be on their way to the agent, `leave_campaign` first."""
        return self.request("RequestAgentLogout")

    def ready(self, auto_in: bool = False) -> Deferred[Message]:
        """Calls may come. `auto_in`: also after the next call, without a word."""
        return self.request("RequestAgentReady", AgentWorkMode=int(AgentWorkMode.AUTO_IN if auto_in else AgentWorkMode.MANUAL_IN))

    def not_ready(self, reason: str = "") -> Deferred[Message]:
        """No calls, for this reason (a break code)."""
        more = {"Reasons": (("ReasonCode", reason),)} if reason else {}
        return self.request("RequestAgentNotReady", AgentWorkMode=int(AgentWorkMode.AUX_WORK), **more)

    def after_call_work(self) -> Deferred[Message]:
        """No calls: the last one has work left."""
        return self.request("RequestAgentNotReady", AgentWorkMode=int(AgentWorkMode.AFTER_CALL_WORK))

    # -- calls ----------------------------------------------------------------------------------------------------
    def answer(self, conn_id: str = "") -> Deferred[Message]:
        """Take the call that rings."""
        call = self.desk.ringing
        return self._of_call("RequestAnswerCall", conn_id or (call.conn_id if call is not None else ""))

    def hang_up(self, conn_id: str = "") -> Deferred[Message]:
        """End a call: the one that the agent talks in, else the newest."""
        call = self.desk.talking or (self.desk.calls[-1] if self.desk.calls else None)
        return self._of_call("RequestReleaseCall", conn_id or (call.conn_id if call is not None else ""))

    def hold(self) -> Deferred[Message]:
        """Put the call on hold."""
        call = self.desk.talking
        return self._of_call("RequestHoldCall", "" if call is None else call.conn_id)

    def retrieve(self) -> Deferred[Message]:
        """Go on with the call on hold."""
        held = next((call for call in self.desk.calls if call.phase.value == "on hold"), None)
        return self._of_call("RequestRetrieveCall", "" if held is None else held.conn_id)

    def dial(self, number: str, record: RecordData | None = None) -> Deferred[Message]:
        """Call a number (E.164); with `record` it is the record's call, and the contact is shown the record's caller's number.
        Fires with EventDialing."""
        more: dict[str, Any] = {} if record is None else {"UserData": record.pairs()}
        if record is not None and record.cpn_digits and self._application is not None:      # at a desktop port the OCS does it
            more["Extensions"] = (("CPNDigits", record.cpn_digits),)
        return self.request("RequestMakeCall", OtherDN=number, **more)

    def _of_call(self, name: str, conn_id: str) -> Deferred[Message]:
        return self.request(name, ConnID=conn_id) if conn_id else fail(LocalProtocolError(f"{name}: there is no such call"))

    # -- records --------------------------------------------------------------------------------------------------
    def ask(self, name: str, record: RecordData | None = None, campaign: str | None = None, others: KVList = (), **values: Any
            ) -> Deferred[DesktopEvent]:
        """A request of docs/desktop-protocol.md. What it names of `record` (or `campaign`) is filled in; `others` are
        user-defined fields. Fires with the answer; fails with RequestRefused (GSW_ERROR_NUMBER, GSW_ERROR), RequestTimedOut,
        LinkLost, LocalProtocolError. A record of which the OCS knows nothing any more leaves the desk."""
        return Deferred.fromCoroutine(self._ask(name, record, campaign, others, values))

    async def _ask(self, name: str, record: RecordData | None, campaign: str | None, others: KVList, values: Mapping[str, Any]
                   ) -> DesktopEvent:
        known = self.desk.campaign(campaign) if campaign else None
        told = {"application_id": known.application_id if known else self.application_id or None, "campaign_name": campaign}
        if record is not None:
            told = {"application_id": record.application_id or self.application_id or None,
                    "campaign_name": record.campaign_name, "record_handle": record.record_handle}
        given = {key: value for key, value in {**told, **values}.items() if value is not None}
        try:
            return await self._dialogue.ask(name, others, **given)
        except RequestRefused as error:
            if record is not None and error.code == DesktopErrorCode.RECORD_NOT_FOUND:
                self._become(without_record(self.desk, record.record_handle), None)
            raise

    def next_record(self, campaign: str) -> Deferred[DesktopEvent]:
        """The next record of a preview campaign; it is at the desk then. RequestRefused 5: there is none now."""
        return self.ask("PreviewRecordRequest", campaign=campaign)

    def begin_previews(self, campaign: str) -> Deferred[DesktopEvent]:
        """Say that records to preview, and callbacks, are wanted; where the site wants to be told (agent_preview_mode_start), and
        after `leave_campaign`."""
        return self.ask("PreviewDialingModeStart", campaign=campaign)

    def end_previews(self, campaign: str) -> Deferred[DesktopEvent]:
        """Say that none are wanted any more."""
        return self.ask("PreviewDialingModeOver", campaign=campaign)

    def leave_campaign(self, campaign: str) -> Deferred[DesktopEvent]:
        """Ask to leave a campaign: from now on nothing is dialed for the agent there. Fires when the agent may go (`log_out`):
        when what is at hand is settled, and calls under way find others; the desk's campaign tells so meanwhile. It
        lasts until the next log-in, or `begin_previews`, which fails a leave that is not granted yet (RequestRefused 12)."""
        return self.ask("LogOut", campaign=campaign)

    def reject(self, record: RecordData) -> Deferred[DesktopEvent]:
        """Give a record back undialed."""
        return self.ask("RecordReject", record)

    def processed(self, record: RecordData, result: int | None = None, fields: Mapping[str, str | int] = {},
                  treatment: RecordTreatment | None = None) -> Deferred[DesktopEvent]:
        """The last word about a record: the call result, and user-defined fields. With `treatment` the result's treatment goes on
        with the record."""
        return self.ask("RecordProcessed", record, others=kv_list(fields), call_result=result, treatment=treatment)

    def update(self, record: RecordData, result: int | None = None, fields: Mapping[str, str | int] = {}
               ) -> Deferred[DesktopEvent]:
        """The same, but the record stays at the desk."""
        return self.ask("UpdateCallCompletionStats", record, others=kv_list(fields), call_result=result)

    def call_back(self, record: RecordData, at: datetime, personal: bool = False, phone: str | None = None,
                  fields: Mapping[str, str | int] = {}, result: int | None = None) -> Deferred[DesktopEvent]:
        """Call the contact again at this time (naive: local time of the record), by this agent or by any; perhaps at another
        number. The record leaves the desk."""
        kind = CallbackType.PERSONAL if personal else CallbackType.CAMPAIGN
        return self.ask("RecordReschedule", record, others=kv_list(fields), date_time=at, callback_type=kind, phone=phone,
                        call_result=result)

    def do_not_call(self, record: RecordData, whole_chain: bool = False) -> Deferred[DesktopEvent]:
        """This number, or every number of the contact, is not to be called any more. The record leaves the desk."""
        return self.ask("DoNotCall", record, chain_attr=ChainAttribute.ALL_CHAIN if whole_chain else None)

    def cancel(self, record: RecordData, whole_chain: bool = False) -> Deferred[DesktopEvent]:
        """Dial this record, or this contact, no more. The record leaves the desk."""
        return self.ask("RequestRecordCancel", record, chain_attr=ChainAttribute.ALL_CHAIN if whole_chain else None)

    def chain(self, record: RecordData) -> Deferred[list[RecordData]]:
        """The other numbers of the contact, each a record to dial and to settle by its own handle."""
        return self._one_chain.run(lambda: Deferred.fromCoroutine(self._chain(record)))

    async def _chain(self, record: RecordData) -> list[RecordData]:
        self._chained = []
        await self.ask("ChainedRecordRequest", record)
        found, self._chained = self._chained, []
        return [shown for event in found if (shown := event.record) is not None]

    def preparation(self) -> Deferred[Preparation]:
        """What the site has prepared; nothing on a T-Server."""
        return Deferred.fromCoroutine(self._preparation())

    async def _preparation(self) -> Preparation:
        if self._application is not None:
            return Preparation()
        return Preparation(await self.request("RequestQueryDesktop"))

    def _distribute(self, user_data: KVList) -> Deferred[Message]:
        return self.request("RequestDistributeUserEvent", UserEvent=USER_EVENT_NUMBER, UserData=user_data)


def connect_to(reactor: Any, uri: str, agent: str, password: str, *, authorities: Any = None, **options: Any) -> AgentDesktop:
    """A desktop for the port at `uri` (`tcp://`, `tls://`, `ws://`, `wss://` host:port), not yet started. ValueError for a line
    that is none; `options` are those of AgentDesktop."""
    endpoint, codec = desktop_endpoint(reactor, uri, authorities)
    return AgentDesktop(reactor, endpoint, agent, password, codec=codec, **options)
