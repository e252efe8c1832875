"""Making and steering calls."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.directory import DN, DNKind, is_network_number
from ocs.servers.tserver.network_side import DESTINATION_KEYS
from ocs.servers.tserver.requests.rules import Request, find_party
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["alternate", "answer", "apply_treatment", "hold", "make_call", "make_predictive_call", "reconnect", "release",
           "retrieve", "ring_timeout_s", "route_call"]

_LONGEST_RING_S = 600.0


def make_call(server: TServer, request: Request) -> None:
    """Dial from an extension or trunk group."""
    dn, message = request.this_dn, request.message
    _check_not_engaged(dn)
    server.board.limits.check(message.user_data)
    server.control.make_call(dn, request.text("OtherDN"), message.user_data, ring_timeout_s(server, request),
                             message.extensions, asker=request.asker)


def make_predictive_call(server: TServer, request: Request) -> None:
    """Dial into the network for whoever will be free: from a queue, routing point or trunk group."""
    dn, message, destination = request.this_dn, request.message, request.text("OtherDN")
    if not is_network_number(destination):
        raise Refused(ErrorCode.BAD_CALLED_DN, f"OtherDN: {destination[:64]!r} is not an E.164 number with its +")
    for key, value in message.extensions:
        if key in DESTINATION_KEYS.values():
            _check_detection_target(server, key, value)
    server.board.limits.check(message.user_data)
    server.control.make_call(dn, destination, message.user_data, ring_timeout_s(server, request),
                             message.extensions, predictive=True, asker=request.asker)


def answer(server: TServer, request: Request) -> None:
    """Answer a call that rings."""
    server.control.answer(request.this_party, request.asker)


def release(server: TServer, request: Request) -> None:
    """Hang up."""
    server.control.release(request.this_party, request.asker)


def hold(server: TServer, request: Request) -> None:
    """Put a call on hold."""
    server.control.hold(request.this_party, request.asker)


def retrieve(server: TServer, request: Request) -> None:
    """Take a call off hold."""
    server.control.retrieve(request.this_party, request.asker)


def alternate(server: TServer, request: Request) -> None:
    """Hold the call ConnID and go back to PreviousConnID, which is on hold."""
    held = find_party(request.this_dn, request.message, "PreviousConnID")
    server.control.alternate(request.this_party, held, request.asker)


def reconnect(server: TServer, request: Request) -> None:
    """Release the call ConnID and go back to PreviousConnID, which is on hold."""
    held = find_party(request.this_dn, request.message, "PreviousConnID")
    server.control.reconnect(request.this_party, held, request.asker)


def route_call(server: TServer, request: Request) -> None:
    """Tell a routing point where a call goes."""
    server.arrivals.route(request.this_party, request.text("OtherDN"), request.message.get("RouteType", 0),
                          request.asker)


def apply_treatment(server: TServer, request: Request) -> None:
    """Let the called party hear something, or lead it through an application."""
    message = request.message
    server.treatments.apply(request.this_party, message.attributes["TreatmentType"], message.get("TreatmentParms", ()),
                            request.asker)


def _check_not_engaged(dn: DN) -> None:
    if dn.kind is DNKind.EXTENSION and dn.engaged:
        raise Refused(ErrorCode.ORIGINATION_BUSY, f"ThisDN: {dn.number} has a call that is not on hold")


def ring_timeout_s(server: TServer, request: Request) -> float:
    """How long the called number may ring; Refused (53) names what is wrong with Timeout."""
    timeout_s = request.message.get("Timeout")
    if timeout_s is None:
        return server.options.switch.ring_timeout_s
    if not 0 < timeout_s <= _LONGEST_RING_S:     # NaN is refused by this, too
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Timeout: more than 0 and at most {_LONGEST_RING_S:g} seconds")
    return float(timeout_s)


def _check_detection_target(server: TServer, key: str, value: object) -> None:
    dn = server.directory.get(value) if isinstance(value, str) else None
    if dn is None or dn.kind not in (DNKind.EXTENSION, DNKind.ACD_QUEUE, DNKind.ROUTING_POINT):
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Extensions.{key}: not a DN that can take calls")
