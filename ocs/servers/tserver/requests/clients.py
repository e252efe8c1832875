"""Registration of clients and of DNs."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.directory import DNKind
from ocs.servers.tserver.events import Asker
from ocs.servers.tserver.requests.queries import snapshot
from ocs.servers.tserver.requests.rules import Request
from ocs.servers.tserver.sessions import SessionState
from protocols.message import Refused
from protocols.tserver.messages import PROTOCOL_VERSION, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["register_address", "register_client", "set_input_mask", "unregister_address"]

_MASK_NAMES = 256       # names in an input mask


def register_client(server: TServer, request: Request) -> None:
    """Grant the client, once its version and password are right; a refused client is to be closed."""
    session, name = request.session, request.text("ApplicationName")
    if session.state is SessionState.VERIFYING:
        raise Refused(ErrorCode.SAME_REQUEST, "RequestRegisterClient: the one before is still being checked")
    if session.granted:
        raise Refused(ErrorCode.ALREADY_IN_STATE, "this client is registered already")
    if request.text("ProtocolVersion") != PROTOCOL_VERSION:
        session.state = SessionState.REFUSED
        raise Refused(ErrorCode.WRONG_VERSION, f"ProtocolVersion: this server speaks {PROTOCOL_VERSION!r}")
    password_hash = server.applications.get(name)
    if password_hash is None:
        session.state = SessionState.REFUSED
        raise Refused(ErrorCode.BAD_PASSWORD, f"ApplicationName: no application {name[:64]!r}, or not this password")
    session.state = SessionState.VERIFYING

    def verified(right: bool) -> None:
        if session.state is not SessionState.VERIFYING:
            return
        if not right:
            session.state = SessionState.REFUSED
            raise Refused(ErrorCode.BAD_PASSWORD,
                          f"ApplicationName: no application {name[:64]!r}, or not this password")
        session.state, session.application = SessionState.GRANTED, name
        server.link_event(request.asker)

    server.verify(request, password_hash, request.text("ApplicationPassword"), verified)


def register_address(server: TServer, request: Request) -> None:
    """Let the client hear of the DN; asking again is answered again."""
    session, dn = request.session, request.this_dn
    new = dn.number not in session.dns
    if new:
        limit = server.options.listen.dns_per_client
        if len(session.dns) >= limit:
            raise Refused(ErrorCode.DN_TABLE_FULL, f"ThisDN: this client has registered {limit} DNs, the limit")
        session.dns[dn.number] = dn
        dn.clients[session] = None
        server.attendance.arrived(session, dn)
    server.events.answer(request.asker, "EventRegistered", snapshot(server, dn))
    if new and dn.kind is DNKind.TRUNK_GROUP:
        server.events.answer(Asker(session, 0), "EventResourceInfo", {
            "ThisDN": dn.number, "Extensions": (("total-ports", server.driver.lines), ("ivr-ports", server.options.ivr.ports))})


def set_input_mask(server: TServer, request: Request) -> None:
    """Which events of DNs the client wants to hear; without a mask all of them."""
    mask = request.message.get("InputMask")
    if mask is not None and (len(mask) > _MASK_NAMES or not all(isinstance(name, str) for name in mask)):
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"InputMask: an array of at most {_MASK_NAMES} names of events is expected")
    request.session.wanted = None if mask is None else frozenset(mask)
    server.events.answer(request.asker, "EventACK", {})


def unregister_address(server: TServer, request: Request) -> None:
    """The client hears of the DN no more."""
    session, dn = request.session, request.this_dn
    del session.dns[dn.number]
    del dn.clients[session]
    server.attendance.left(session, dn)
    server.events.answer(request.asker, "EventUnregistered", {"ThisDN": dn.number})
