"""The T-Server without sockets: clients connect, requests come in, answers and events go out.

All that happens does so in one step of one thread: a request, a driver's report or a timer changes the model, and the events
that follow go out in order when the step is done. On the real reactor `service` puts sockets in front; in virtual time
the same object runs on a clock that is advanced by command.
"""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.passwords import verify_password
from ocs.servers.tserver.agents import AgentFloor
from ocs.servers.tserver.arrivals import Arrivals
from ocs.servers.tserver.attendance import Attendance
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.call_control import CallControl
from ocs.servers.tserver.calls import CallNumbers, FinishedCall
from ocs.servers.tserver.conferences import Conferences
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.directory import Directory
from ocs.servers.tserver.driver import ISwitchDriver
from ocs.servers.tserver.events import Asker, EventStream, step
from ocs.servers.tserver.ivr.treatments import Poster, Treatments
from ocs.servers.tserver.network_side import NetworkSide
from ocs.servers.tserver.pair.mirror import MirrorSource
from ocs.servers.tserver.pair.pairing import Pairing
from ocs.servers.tserver.requests.rules import Request, Rule, prepare
from ocs.servers.tserver.requests.table import PAIR_REQUESTS, REQUESTS
from ocs.servers.tserver.sessions import ClientSession, SessionState
from ocs.servers.tserver.transfers import Transfers
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode, Message

__all__ = ["TServer"]


def _verify_here(password_hash: str, password: str) -> Deferred[bool]:
    """Check a password at once; for virtual time, where hashes are cheap. On the real reactor a thread does it."""
    return succeed(verify_password(password_hash, password))


def _post_nowhere(uri: str, body: bytes) -> Deferred[bool]:
    """Where there is no network nobody answers."""
    return succeed(False)


class TServer:
    """The call model of one switch and its clients.

    `clock` is the time that people wait for, `real_clock` (the same where not given) that of lost clients. `on_finished`
    is told of every call that ended. `verify(hash, password)` fires with a bool. `instance` (32 bits) makes ConnIDs of
    different starts differ; by default the wall clock's seconds.
    """

    log = Logger()
    version = "1.0"

    def __init__(self, clock: IClock, driver: ISwitchDriver, options: TServerOptions, *,
                 on_finished: Callable[[FinishedCall], None] = lambda call: None,
                 real_clock: IReactorTime | None = None, instance: int | None = None,
                 verify: Callable[[str, str], Deferred[bool]] = _verify_here, post: Poster = _post_nowhere) -> None:
        self.options, self.driver, self.clock, self.started_at = options, driver, clock, clock.wall()
        self.sessions: set[ClientSession] = set()
        self.applications = {one.name: one.password_hash for one in options.application}
        self.directory = Directory(options.dns())
        self.events = EventStream(clock)
        numbers = CallNumbers(int(self.started_at) if instance is None else instance)
        self.board = CallBoard(clock, driver, self.directory, self.events, options.switch, numbers, on_finished)
        self.arrivals = Arrivals(self.board)
        self.control = CallControl(self.board, self.arrivals)
        self.transfers = Transfers(self.board, self.arrivals, self.control)
        self.conferences = Conferences(self.board, self.arrivals)
        self.treatments = Treatments(self.board, self.arrivals, self.control, self.transfers,
                                     {one.name: one for one in options.ivr_application}, options.ivr.ports, post)
        self.board.on_left = self.treatments.left
        self.floor = AgentFloor(clock, self.events, options.agents(), self.arrivals.match)
        self.board.floor = self.floor
        self.attendance = Attendance(real_clock or clock, options.switch.agent_grace_s, self.directory, self.floor,
                                     self.control, self.events)
        self.mirror = MirrorSource(clock, self.board, self.floor)
        self.events.before_flush = self.mirror.send_changes
        self.pair: Pairing | None = None        # set by whoever makes this server one of two
        self.serving = False                    # False until it is started, and while it is the backup of another one
        self._verify, self._stopping = verify, False

    def start(self) -> Deferred[None]:
        """Start the driver; fires when calls can be made, fails as the driver does. One of a pair looks first whether the other
        one serves."""
        if self.pair is not None:
            self.pair.start()
            return succeed(None)
        self.serving = True
        return self.start_driver()

    def start_driver(self) -> Deferred[None]:
        """Connect to the switch."""
        return self.driver.start(NetworkSide(self.board, self.arrivals, self.transfers, self.treatments, self._link_changed))

    @step
    def stop(self) -> Deferred[None]:
        """Release every call (each gets its line in the call log), then stop the driver; one of a pair hands over to the other
        one instead. Fires always."""
        self._stopping = True
        if self.pair is not None:
            return Deferred.fromCoroutine(self.pair.stop())
        self.control.drop_all()
        self.attendance.stop()
        return self.driver.stop()

    @step
    def connect(self, send: Callable[[Message], None]) -> ClientSession:
        """A new client. `send` is called with every message for it, never from within `receive` of a half-done step;
        a session whose state is REFUSED is to be closed by the caller."""
        session = ClientSession(self, send)
        if len(self.sessions) >= self.options.listen.clients:
            session.state = SessionState.REFUSED
            self._refuse(Asker(session, 0), ErrorCode.LICENCE_LIMIT,
                         f"{len(self.sessions)} clients are connected, the limit")
        else:
            self.sessions.add(session)
        return session

    @step
    def disconnected(self, session: ClientSession) -> None:
        """A client is gone (`ClientSession.closed`)."""
        if session.state is SessionState.CLOSED:
            return
        session.state = SessionState.CLOSED
        self.sessions.discard(session)
        self.mirror.close(session)
        for dn in session.dns.values():
            dn.clients.pop(session, None)
            if self.serving and not self._stopping:
                self.attendance.left(session, dn)
        session.dns.clear()

    @step
    def carry_out(self, session: ClientSession, message: Message) -> None:
        """One message of a client (`ClientSession.receive`)."""
        if session.state in (SessionState.CLOSED, SessionState.REFUSED):
            return
        asker, rule = Asker(session, message.reference_id), self._rule(session, message.name)
        try:
            if self._stopping:
                raise Refused(ErrorCode.NO_SWITCH, "the server is stopping")
            if not session.granted and message.name != "RequestRegisterClient":
                raise Refused(ErrorCode.NOT_SUPPORTED, f"{message.name[:64]} before RequestRegisterClient is granted")
            if rule is None:
                self.log.warn("{client} asked for {name}, which is unknown", client=session.application,
                              name=message.name[:64])
                raise Refused(ErrorCode.NOT_SUPPORTED, f"{message.name[:64]} is not supported")
            if not (self.serving or rule.backup):
                raise Refused(ErrorCode.SERVICE_UNAVAILABLE, "this server is the backup of another one, which serves")
            rule.act(self, prepare(self, session, message, rule))
        except Refused as error:
            self._refuse(asker, error.code, str(error))
        except Exception:       # a bug here must not take the other clients' calls with it
            self.log.failure("{name} of {client} failed", name=message.name, client=session.application)
            self._refuse(asker, ErrorCode.INTERNAL_ERROR, f"{message.name[:64]} failed inside the server")

    def _rule(self, session: ClientSession, name: str) -> Rule | None:
        """The rule of a request; None for what there is not, or not for this client."""
        if self.pair is not None and name in PAIR_REQUESTS and self.pair.is_partner(session.application):
            return PAIR_REQUESTS[name]
        return REQUESTS.get(name)

    def verify(self, request: Request, password_hash: str, password: str, verified: Callable[[bool], None]) -> None:
        """Check a password, then go on with the request in a step of its own: `verified(right)`, which may refuse it."""

        @step
        def go_on(server: TServer, right: bool) -> None:
            if not server._stopping:
                verified(right)

        def refused(failure: Failure) -> None:
            if isinstance(failure.value, Refused):
                self._refuse(request.asker, failure.value.code, str(failure.value))
            else:
                self.log.failure("checking a password failed", failure)
                self._refuse(request.asker, ErrorCode.INTERNAL_ERROR, "the password could not be checked")
            self.events.flush()

        self._verify(password_hash, password).addCallback(lambda right: go_on(self, right)).addErrback(refused)

    def link_event(self, asker: Asker) -> None:
        """Tell a client how the link to the switch stands."""
        name = "EventLinkConnected" if self.driver.up else "EventLinkDisconnected"
        pair = {} if self.pair is None else self.pair.attributes
        self.events.answer(asker, name, {"ServerVersion": self.version, **pair})

    @step
    def tell_everybody(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Tell every client that is registered."""
        for session in self.sessions:
            if session.granted:
                self.events.answer(Asker(session, 0), name, attributes)

    def _link_changed(self, up: bool) -> None:
        for session in self.sessions:
            if session.granted:
                self.link_event(Asker(session, 0))

    def _refuse(self, asker: Asker, code: ErrorCode, text: str) -> None:
        self.events.answer(asker, "EventError", {"ErrorCode": int(code), "ErrorMessage": text})
