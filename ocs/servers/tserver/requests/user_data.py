"""The user data of a call: added to, replaced, taken away."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.requests.rules import Request
from protocols.attributes import updated, without

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["attach", "delete_all", "delete_pair", "update"]


def attach(server: TServer, request: Request) -> None:
    """Add pairs; a key may then occur more than once."""
    party = request.this_party
    server.control.change_user_data(party, (*party.call.user_data, *request.message.user_data), request.asker)


def update(server: TServer, request: Request) -> None:
    """Replace pairs by their keys, and add new ones."""
    party = request.this_party
    server.control.change_user_data(party, updated(party.call.user_data, request.message.user_data), request.asker)


def delete_pair(server: TServer, request: Request) -> None:
    """Take away the pairs of one key; there need not be any."""
    party = request.this_party
    server.control.change_user_data(party, without(party.call.user_data, request.text("Key")), request.asker)


def delete_all(server: TServer, request: Request) -> None:
    """Take away all of it."""
    server.control.change_user_data(request.this_party, (), request.asker)
