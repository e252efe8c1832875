"""Making and steering calls."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.calls import CallKind, Party
from ocs.servers.tserver.directory import DN, DNKind, is_network_number
from ocs.servers.tserver.network_side import DESTINATION_KEYS
from ocs.servers.tserver.requests.rules import Request, find_party
from protocols.attributes import updated
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["answer", "apply_treatment", "attach_user_data", "complete_transfer", "hold", "initiate_transfer", "make_call",
           "make_predictive_call", "merge_calls", "release", "retrieve", "route_call", "single_step_transfer",
           "update_user_data"]

_LONGEST_RING_S = 600.0


def make_call(server: TServer, request: Request) -> None:
    """Dial from an extension or trunk group."""
    dn, message = request.this_dn, request.message
    _check_not_engaged(dn)
    server.board.limits.check(message.user_data)
    server.control.make_call(dn, request.text("OtherDN"), message.user_data, _ring_timeout_s(server, request),
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
    server.control.make_call(dn, destination, message.user_data, _ring_timeout_s(server, request),
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


def route_call(server: TServer, request: Request) -> None:
    """Tell a routing point where a call goes."""
    server.arrivals.route(request.this_party, request.text("OtherDN"), request.message.get("RouteType", 0),
                          request.asker)


def single_step_transfer(server: TServer, request: Request) -> None:
    """Move a call to another destination at once."""
    server.transfers.single_step(request.this_party, request.text("OtherDN"), request.message.user_data, request.asker)


def initiate_transfer(server: TServer, request: Request) -> None:
    """Hold a call and dial a consult call."""
    server.transfers.initiate(request.this_party, request.text("OtherDN"), request.message.user_data,
                              _ring_timeout_s(server, request), request.asker)


def complete_transfer(server: TServer, request: Request) -> None:
    """Connect the party on hold (ConnID) with the consulted one (TransferConnID); the call on hold is the one that stays."""
    consult = find_party(request.this_dn, request.message, "TransferConnID")
    server.transfers.merge(request.this_dn, request.this_party, consult, request.asker)


def merge_calls(server: TServer, request: Request) -> None:
    """Connect the far parties of two calls. The call with the network stays; of two such, TransferConnID."""
    if request.message.get("MergeType", 0) != 0:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "MergeType: only 0 (transfer) is supported")
    one, other = request.this_party, find_party(request.this_dn, request.message, "TransferConnID")
    keep, drop = (one, other) if _outside(one) and not _outside(other) else (other, one)
    server.transfers.merge(request.this_dn, keep, drop, request.asker)


def apply_treatment(server: TServer, request: Request) -> None:
    """Let the called party hear something, or lead it through an application."""
    message = request.message
    server.treatments.apply(request.this_party, message.attributes["TreatmentType"], message.get("TreatmentParms", ()),
                            request.asker)


def attach_user_data(server: TServer, request: Request) -> None:
    """Add pairs to the call's user data; a key may then occur more than once."""
    party = request.this_party
    server.control.change_user_data(party, (*party.call.user_data, *request.message.user_data), request.asker)


def update_user_data(server: TServer, request: Request) -> None:
    """Replace pairs of the call's user data by their keys, and add new ones."""
    party = request.this_party
    server.control.change_user_data(party, updated(party.call.user_data, request.message.user_data), request.asker)


def _outside(party: Party) -> bool:
    return party.call.kind is CallKind.OUTBOUND


def _check_not_engaged(dn: DN) -> None:
    if dn.kind is DNKind.EXTENSION and dn.engaged:
        raise Refused(ErrorCode.ORIGINATION_BUSY, f"ThisDN: {dn.number} has a call that is not on hold")


def _ring_timeout_s(server: TServer, request: Request) -> float:
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
