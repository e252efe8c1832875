"""The desktop port without sockets: agents' desktops that are connected to this server itself.

A connection is an agent's, who proves it by a password, and sits at one DN after the log-in there. What a desktop asks of the
switch goes there as it came (`IDeskLine`), events of the DN come back as the switch tells them; requests about records go where
every entry's go, and what agents are told unasked comes by `tell`. What all desktops hear at once goes by the same `rounds`, and
each desktop hears what waits for it ahead of everything else.

One agent has one desktop: a second one at the same DN takes over. A desktop that is lost leaves the agent not ready for a while,
then the agent is logged out. Source: docs/desktop-port.md.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Coroutine, Hashable, Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ocs.desktop.credentials import Credential, Gate
from ocs.desktop.entry import AgentEntry
from ocs.desktop.manual_dials import ManualDials
from ocs.desktop.port_values import PortLimits, Prepared, error_message, refusal, user_event
from ocs.desktop.records import record_data
from ocs.desktop.seats import Budget, Connection, Seat, Seats
from ocs.dialing.callbacks import is_callback, is_personal
from ocs.dialing.campaign import AgentGroup
from ocs.interfaces import ISwitchListener
from ocs.scheduler.engine import Engine
from protocols.attributes import KVList, first
from protocols.desktop.build import record_event
from protocols.desktop.fields import lenient_integer
from protocols.desktop.keys import APPLICATION_ID
from protocols.desktop.messages import is_event, is_request
from protocols.desktop.names import CallbackType
from protocols.desktop.port import TAKEN_OVER, VOCABULARY
from protocols.errors import RequestRefused
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, MessageServer, ServedClient
from protocols.tserver.messages import USER_EVENT_NUMBER, AddressType, AgentStatus, AgentWorkMode

__all__ = ["DesktopPort"]

_PATIENCE = 1_000       # refused requests in a row for which a connection is borne that asks too much


@implementer(IMessageService, ISwitchListener)
class DesktopPort:
    """`server` is the IMessageServer to put a transport in front of. `line` is the IDeskLine of the engine's switch; `desktops`
    tells agents by way of this port from now on, where they are connected to it; `check(hash, password)` fires with a bool;
    `clock` is the sockets' time."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, engine: Engine, line: Any, desktops: AgentEntry, check: Callable[[str, str], Deferred[bool]],
                 clock: IReactorTime, limits: PortLimits = PortLimits()) -> None:
        self._context, self._engine, self._line, self._desktops = engine.context, engine, line, desktops
        self._clock, self._limits, self._gate = clock, limits, Gate(check, clock)
        self._application_id = engine.context.options.application_id
        self._dials = ManualDials(engine)
        self.seats = Seats()
        self._agents: dict[str, Credential] = {}        # by every name that is good for a log-in
        self._prepared = Prepared()
        self._turns: dict[str, DeferredLock] = {}       # a T-Server checks one password at a time of one client
        self.server = MessageServer(self, {}, self._gate.verify, clients=limits.clients, greeting=self._greeting,
                                    before=self._first)
        self._own: dict[str, Callable[[ServedClient, Message], Coroutine[Any, Any, Message | None]]] = {
            "RequestAgentLogin": self._log_in, "RequestAgentLogout": self._log_out, "RequestMakeCall": self._make_call,
            "RequestRegisterAddress": self._register, "RequestDistributeUserEvent": self._user_event}
        engine.context.switch.add_listener(self)
        desktops.nearer = self.tell

    def use(self, agents: Sequence[Credential], applications: Mapping[str, str], prepared: Prepared) -> None:
        """Who may connect, from now on; who may not any more is closed. `applications`: name -> password's hash."""
        self._agents = {name: one for one in agents for name in (one.agent_id, one.employee_id) if name}
        self._agents.update((one.agent_id, one) for one in agents)      # an agent id is never another one's employee id
        hashes = {**{name: one.password_hash for name, one in self._agents.items()}, **applications}
        self._gate.keep(frozenset(hashes.values()))
        self.server.applications, self._prepared = hashes, prepared
        for client in self.server.granted():
            if client.application not in hashes:
                why = f"{client.application} may not connect any more"
                self.server.dismiss(client, error_message(ErrorCode.BAD_PASSWORD, why))

    def stop(self) -> None:
        """Wait for nobody any more. Agents stay logged in at the switch for its own grace, in case this server comes back."""
        for seat in self.seats:
            seat.end_grace()

    # -- registration ---------------------------------------------------------------------------------------------
    def _greeting(self, client: ServedClient) -> Message:
        credential = self._agents.get(client.application)
        named = {} if credential is None else {"AgentID": credential.agent_id}
        away = self._context.switch.away(())
        return Message("EventLinkDisconnected" if away else "EventLinkConnected", 0,
                       {"ApplicationDBID": self._application_id, **named})

    def granted(self, client: ServedClient) -> None:
        credential = self._agents.get(client.application)
        budget = Budget(self._limits.requests_per_s, self._limits.burst, self._clock.seconds())
        client.data = Connection(budget, "" if credential is None else credential.agent_id)

    def gone(self, client: ServedClient) -> None:
        seat, client.data.seat = client.data.seat, None
        if seat is not None and seat.client is client:
            self._lost(seat)

    # -- requests -------------------------------------------------------------------------------------------------
    def request(self, client: ServedClient, message: Message) -> Any:
        self._bear(client)
        if message.name == "RequestQueryDesktop":
            return Message("EventDesktopInfo", 0, self._prepared.attributes(self._application_id))
        if message.name == "RequestQueryServer":
            return Message("EventServerInfo", 0, {"ServerVersion": "1.0", "ApplicationDBID": self._application_id})
        client.data.outstanding += 1
        done = Deferred.fromCoroutine(self._own.get(message.name, self._pass_on)(client, message))
        return done.addBoth(self._done, client).addErrback(refusal)

    @staticmethod
    def _done(result: Any, client: ServedClient) -> Any:
        client.data.outstanding -= 1
        return result

    def _bear(self, client: ServedClient) -> None:
        """Refused where the connection asks too much; closed where it goes on."""
        connection: Connection = client.data
        if not connection.budget.take(self._clock.seconds()):
            text = f"more than {self._limits.requests_per_s:g} requests a second"
        elif connection.outstanding >= self._limits.outstanding:
            text = f"{connection.outstanding} requests are not answered yet"
        else:
            return
        if connection.budget.refused > _PATIENCE:
            self.log.warn("desktop of {client} is closed: {reason}", client=client.application, reason=text)
            self.server.dismiss(client, error_message(ErrorCode.TOO_MANY_REQUESTS, text))
        raise Refused(ErrorCode.TOO_MANY_REQUESTS, text)

    def _seat(self, client: ServedClient, message: Message) -> Seat:
        """Where the client's agent sits, which is where the message must be about."""
        seat: Seat | None = client.data.seat
        if seat is None:
            raise Refused(ErrorCode.NOT_REGISTERED, "ThisDN: no agent is logged in on this connection")
        if message.get("ThisDN", seat.dn) != seat.dn:
            raise Refused(ErrorCode.NOT_REGISTERED, f"ThisDN: {seat.agent_id} is at {seat.dn}")
        return seat

    async def _pass_on(self, client: ServedClient, message: Message) -> Message:
        answer: Message = await self._line.ask(self._seat(client, message).dn, message.name, message.attributes)
        return answer

    async def _make_call(self, client: ServedClient, message: Message) -> Message:
        seat = self._seat(client, message)
        why = self._dials.refusal(seat.dn, message.get("OtherDN"), message.user_data)
        if why:
            raise Refused(ErrorCode.BAD_CALLED_DN, f"OtherDN: {why}")
        about = self._dials.about_caller(seat.dn, message.user_data)
        if about:
            ours = {key for key, _ in about}
            theirs = tuple(pair for pair in message.extensions if pair[0] not in ours)
            message = replace(message, attributes={**message.attributes, "Extensions": (*theirs, *about)})
        return await self._pass_on(client, message)

    async def _register(self, client: ServedClient, message: Message) -> Message:
        """How it stands at the DN; where the agent is not there any more the desktop learns it behind the answer. Before the
        log-in, as desktops of a T-Server begin, there is nothing to hear yet."""
        if client.data.seat is None:
            dn = message.get("ThisDN", "")
            self._groups(dn)
            return Message("EventRegistered", 0, {"ThisDN": dn, "AddressType": int(AddressType.DN), "Extensions": (
                ("AgentStatus", int(AgentStatus.LOGGED_OUT)), ("calls", 0))})
        seat = self._seat(client, message)
        answer = await self._pass_on(client, message)
        status = first(answer.extensions, "AgentStatus")
        if seat.confirmed and (status == AgentStatus.LOGGED_OUT or answer.get("AgentID", seat.agent_id) != seat.agent_id):
            self._clock.callLater(0, self._ended, seat)
        return answer

    async def _user_event(self, client: ServedClient, message: Message) -> Message | None:
        seat, user_data = self._seat(client, message), message.user_data
        if not (is_request(user_data) and self._is_ours(user_data)):
            return await self._pass_on(client, Message(message.name, 0, {**message.attributes, "UserEvent": USER_EVENT_NUMBER}))
        client.answer(message, "EventACK", {"ThisDN": seat.dn, "UserEvent": USER_EVENT_NUMBER})
        self._desktops.reception.receive(self._desktops.requester_at(seat.dn), user_data,
                                         lambda pairs: (seat.client or client).send(user_event(seat.dn, pairs)))
        return None

    def _is_ours(self, user_data: KVList) -> bool:
        return lenient_integer(first(user_data, APPLICATION_ID)) in (None, self._application_id)

    # -- log-in ---------------------------------------------------------------------------------------------------
    async def _log_in(self, client: ServedClient, message: Message) -> Message:
        connection: Connection = client.data
        if connection.seat is not None:
            raise Refused(ErrorCode.ALREADY_IN_STATE, f"{connection.seat.agent_id} is logged in at {connection.seat.dn} here")
        if connection.busy:
            raise Refused(ErrorCode.SAME_REQUEST, "RequestAgentLogin: the one before is still being carried out")
        connection.busy = True
        try:
            agent_id = await self._who(client, message)
            if not client.granted:
                raise Refused(ErrorCode.NOT_REGISTERED, "the desktop is gone")
            seat = await self._sit(client, agent_id, message)
        finally:
            connection.busy = False
        if client.granted:
            connection.seat = seat
        elif seat.client is client:
            self._lost(seat)
        return Message("EventAgentLogin", 0, seat.attributes)

    async def _who(self, client: ServedClient, message: Message) -> str:
        """The agent id; Refused where the password, or the connection, is another one's."""
        own, named = client.data.agent_id, message.get("AgentID")
        if own:
            credential = self._agents.get(own if named is None else named)
            if credential is None or credential.agent_id != own:
                raise Refused(ErrorCode.AGENT_WRONG_ID, f"AgentID: this connection is that of {own}")
            return str(own)
        if named is None:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "AgentID: missing")
        credential = self._agents.get(named)
        if credential is None:
            raise Refused(ErrorCode.AGENT_WRONG_ID, f"AgentID: no agent {named[:64]!r} may work here")
        if not await self._gate.verify(credential.password_hash, message.get("AgentPassword", "")):
            raise Refused(ErrorCode.AGENT_BAD_PASSWORD, f"AgentPassword: not that of {credential.agent_id}")
        return credential.agent_id

    async def _sit(self, client: ServedClient, agent_id: str, message: Message) -> Seat:
        dn = message.get("ThisDN")
        groups = self._groups(dn)
        seat = self.seats.of(agent_id)
        if seat is not None and seat.dn != dn:
            if seat.client is not None:
                raise Refused(ErrorCode.AGENT_ID_IN_USE, f"AgentID: {agent_id} has a desktop at {seat.dn}")
            await self._line.ask(seat.dn, "RequestAgentLogout", {"AgentID": agent_id})
            self._ended(seat)
            seat = self.seats.of(agent_id)
        if seat is not None and seat.confirmed:
            self._take_over(seat, client)
            self._clock.callLater(0, self._remind, seat)
            return seat
        if seat is not None or self.seats.at(dn) is not None:
            raise Refused(ErrorCode.AGENT_ALREADY_IN, f"ThisDN: another log-in is at {dn}")
        for group in groups:            # of a campaign that is not loaded nothing is followed yet
            self._context.agents.watch(group)
        self._context.switch.watch([dn])
        seat = Seat(agent_id, dn, client)
        self.seats.take(seat)
        self._line.follow(dn, lambda event, seat=seat: self._heard(seat, event))
        try:
            seat.attributes = await self._log_in_at_switch(seat, message)
        except BaseException:
            self._leave(seat)
            raise
        seat.confirmed = True
        self.log.info("agent {agent} has a desktop at {dn}", agent=agent_id, dn=dn)
        return seat

    def _groups(self, dn: str) -> list[AgentGroup]:
        """The groups whose agents may log in at the DN; Refused where there is none."""
        groups = [session.group.group for session in self._engine.sessions.values() if dn in session.group.group.dns]
        if not groups:
            raise Refused(ErrorCode.NOT_CONFIGURED, f"ThisDN: no agent group that is dialed for has {dn[:64]}")
        return groups

    async def _log_in_at_switch(self, seat: Seat, message: Message) -> Mapping[str, Any]:
        turns = self._turns.setdefault(self._context.switch.switch_of(seat.dn), DeferredLock())
        try:
            answer: Message = await turns.run(self._line.ask, seat.dn, message.name,
                                              {**message.attributes, "AgentID": seat.agent_id})
        except RequestRefused as error:
            agent = self._context.agents.agent_at(seat.dn)
            if error.code != ErrorCode.AGENT_ALREADY_IN or agent is None or agent.agent_id != seat.agent_id:
                raise
            return {"ThisDN": seat.dn, "AgentID": seat.agent_id}      # by us, before a restart or a lost answer
        return answer.attributes

    def _take_over(self, seat: Seat, client: ServedClient) -> None:
        """Another desktop of the agent, at the same DN."""
        before, seat.client = seat.client, client
        seat.end_grace()
        if before is not None:
            self.log.info("agent {agent} at {dn}: another desktop takes over", agent=seat.agent_id, dn=seat.dn)
            before.data.seat = None
            self.server.dismiss(before, Message("EventAgentLogout", 0, {
                "ThisDN": seat.dn, "AgentID": seat.agent_id, "Reasons": ((TAKEN_OVER, 1),)}))

    def _remind(self, seat: Seat) -> None:
        """Tell a desktop that came later which records the agent has; those of calls come with the calls."""
        now = self._context.clock.wall()
        for session in self._engine.loaded():
            for held in session.desks.at(seat.dn):
                record = record_data(held, held.index, self._application_id, now)
                name = "ScheduledCall" if is_callback(held.record) and not held.call_over else "PreviewRecord"
                if name == "ScheduledCall":
                    kind = CallbackType.PERSONAL if is_personal(held.record) else CallbackType.CAMPAIGN
                    record = replace(record, callback_type=kind.value)
                self.tell(seat.dn, record_event(name, record))

    async def _log_out(self, client: ServedClient, message: Message) -> Message:
        seat = self._seat(client, message)
        answer = await self._pass_on(client, message)
        self._leave(seat)
        return answer

    # -- what happens at a seat -----------------------------------------------------------------------------------
    def _heard(self, seat: Seat, event: Message) -> None:
        """The switch tells of the DN."""
        user_data = event.user_data
        if not seat.confirmed or (event.name == "EventUserEvent" and self._is_ours(user_data)
                                  and (is_request(user_data) or is_event(user_data))):
            return          # said to, or by, a desktop that is connected to the T-Server; ours is told directly
        if seat.client is not None:
            seat.client.send(Message(event.name, 0, event.attributes))
        if event.name == "EventAgentLogout":
            self._leave(seat)

    def tell(self, dn: str, user_data: KVList) -> bool:
        """Tell the desktop at the DN; False if none is connected to this server."""
        seat = self.seats.at(dn)
        if seat is None or seat.client is None or not seat.confirmed:
            return False
        seat.client.send(user_event(dn, user_data))
        return True

    def _lost(self, seat: Seat) -> None:
        """No call is to come where nobody sees it."""
        seat.client = None
        if self.seats.of(seat.agent_id) is not seat:
            return
        seat.grace = self._clock.callLater(self._limits.grace_s, self._expired, seat)
        self.log.info("agent {agent} at {dn} has lost the desktop", agent=seat.agent_id, dn=seat.dn)
        self._quietly(seat, "RequestAgentNotReady", {"AgentWorkMode": int(AgentWorkMode.WALK_AWAY)})

    def _expired(self, seat: Seat) -> None:
        seat.grace = None
        self.log.info("agent {agent} at {dn} did not come back: logged out", agent=seat.agent_id, dn=seat.dn)
        self._leave(seat)
        self._quietly(seat, "RequestAgentLogout", {"AgentID": seat.agent_id})

    def _quietly(self, seat: Seat, name: str, attributes: Mapping[str, Any]) -> None:
        self._line.ask(seat.dn, name, attributes).addErrback(lambda failure: self.log.info(
            "{name} at {dn}: {reason}", name=name, dn=seat.dn, reason=failure.getErrorMessage()))

    def _ended(self, seat: Seat) -> None:
        """The agent is not logged in there any more, as somebody found out."""
        client = seat.client
        if self._leave(seat) and client is not None:
            client.send(Message("EventAgentLogout", 0, {"ThisDN": seat.dn, "AgentID": seat.agent_id}))

    def _leave(self, seat: Seat) -> bool:
        if not self.seats.leave(seat):
            return False
        self._line.follow(seat.dn, None)
        if seat.client is not None and seat.client.data is not None:
            seat.client.data.seat = None
        return True

    # -- ISwitchListener ------------------------------------------------------------------------------------------
    def switch_up(self, guids: Mapping[str, str], switch: str = "") -> None:
        self._tell_of_link("EventLinkConnected", switch)

    def switch_down(self, reason: str, switch: str = "") -> None:
        self._tell_of_link("EventLinkDisconnected", switch)

    def _tell_of_link(self, name: str, switch: str) -> None:
        desktops: list[Hashable] = []
        for client in self.server.granted():
            seat: Seat | None = client.data.seat
            if seat is None:
                desktops.append(client)
            elif self._context.switch.switch_of(seat.dn) == switch:
                desktops.append(seat.dn)
        self._desktops.rounds.to_all(desktops, lambda whom: self._send(whom, Message(name)))

    def _send(self, whom: Hashable, message: Message) -> None:
        """To the desktop at a DN, or on a connection without one."""
        seat = self.seats.at(whom) if isinstance(whom, str) else None
        client = whom if seat is None else seat.client
        if isinstance(client, ServedClient):
            client.send(message)

    def _first(self, client: ServedClient) -> None:
        """Something is about to be sent: what waits for this desktop goes ahead of it."""
        rounds, connection = self._desktops.rounds, client.data
        rounds.first(client)
        if connection is not None and connection.seat is not None:
            rounds.first(connection.seat.dn)

    def call_event(self, event: object) -> None:
        """Desktops hear of calls as the switch tells them."""

    def agent_event(self, event: object) -> None:
        """The same."""

    def user_event(self, dn: str, user_data: KVList, *more: object) -> None:
        """The same."""
