"""Moving calls to others, and bringing others in."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.calls import CallKind, Party
from ocs.servers.tserver.requests.calls import ring_timeout_s
from ocs.servers.tserver.requests.rules import Request, find_party
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["complete_conference", "complete_transfer", "delete_from_conference", "initiate", "merge_calls", "mute_transfer",
           "redirect", "single_step_conference", "single_step_transfer"]

_TRANSFER, _CONFERENCE = 0, 1       # MergeType


def single_step_transfer(server: TServer, request: Request) -> None:
    """Move a call to another destination at once."""
    server.transfers.single_step(request.this_party, request.text("OtherDN"), request.message.user_data, request.asker)


def mute_transfer(server: TServer, request: Request) -> None:
    """Move a call to another destination with a consult call that nobody waits for."""
    server.transfers.mute(request.this_party, request.text("OtherDN"), request.message.user_data,
                          ring_timeout_s(server, request), request.asker)


def redirect(server: TServer, request: Request) -> None:
    """Send a call that rings on to another destination."""
    server.transfers.redirect(request.this_party, request.text("OtherDN"), request.asker)


def initiate(server: TServer, request: Request) -> None:
    """Hold a call and dial a consult call, for a transfer or a conference."""
    server.transfers.initiate(request.this_party, request.text("OtherDN"), request.message.user_data,
                              ring_timeout_s(server, request), request.asker)


def complete_transfer(server: TServer, request: Request) -> None:
    """Connect the party on hold (ConnID) with the consulted one (TransferConnID); the call on hold is the one that stays."""
    consult = find_party(request.this_dn, request.message, "TransferConnID")
    server.transfers.merge(request.this_dn, request.this_party, consult, request.asker)


def complete_conference(server: TServer, request: Request) -> None:
    """Join the consulted party (ConferenceConnID) with those of the call on hold (ConnID), which is the one that stays."""
    consult = find_party(request.this_dn, request.message, "ConferenceConnID")
    server.conferences.complete(request.this_dn, request.this_party, consult, request.asker)


def merge_calls(server: TServer, request: Request) -> None:
    """Connect the far parties of two calls, with MergeType 1 ThisDN too. The call with the network stays; of two such,
    TransferConnID."""
    merge_type = request.message.get("MergeType", _TRANSFER)
    if merge_type not in (_TRANSFER, _CONFERENCE):
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "MergeType: 0 (transfer) or 1 (conference) is expected")
    one, other = request.this_party, find_party(request.this_dn, request.message, "TransferConnID")
    keep, drop = (one, other) if _outside(one) and not _outside(other) else (other, one)
    join = server.transfers.merge if merge_type == _TRANSFER else server.conferences.complete
    join(request.this_dn, keep, drop, request.asker)


def single_step_conference(server: TServer, request: Request) -> None:
    """Call another telephone into a call."""
    server.conferences.single_step(request.this_party, request.text("OtherDN"), request.message.user_data,
                                   ring_timeout_s(server, request), request.asker)


def delete_from_conference(server: TServer, request: Request) -> None:
    """Take a party out of a conference."""
    server.conferences.delete(request.this_party, request.text("OtherDN"), request.asker)


def _outside(party: Party) -> bool:
    return party.call.kind in (CallKind.OUTBOUND, CallKind.INBOUND)
