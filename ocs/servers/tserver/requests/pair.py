"""What the other server of a pair asks for."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.requests.rules import Request
from protocols.message import Refused
from protocols.tserver.messages import ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["mirror_page", "open_mirror", "server_role"]


def server_role(server: TServer, request: Request) -> None:
    """Who is to serve."""
    assert server.pair is not None
    server.events.answer(request.asker, "EventServerRole", server.pair.asked(request.message.extensions))


def open_mirror(server: TServer, request: Request) -> None:
    """Send changes from now on."""
    _check_serving(server)
    server.mirror.open(request.session)
    server.events.answer(request.asker, "EventMirrorOpened", {})


def mirror_page(server: TServer, request: Request) -> None:
    """Send a part of what there is."""
    _check_serving(server)
    remaining = server.mirror.page(request.session)
    if remaining is None:
        raise Refused(ErrorCode.WRONG_CALL_STATE, "RequestMirrorPage: no mirror is open")
    server.events.answer(request.asker, "EventMirrorPage", {"Remaining": remaining})


def _check_serving(server: TServer) -> None:
    if not server.serving:
        raise Refused(ErrorCode.SERVICE_UNAVAILABLE, "this server is not the primary")
