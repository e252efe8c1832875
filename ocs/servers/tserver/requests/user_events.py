"""User events: the bus between OCS, desktops and third parties."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocs.servers.tserver.directory import DNKind
from ocs.servers.tserver.requests.rules import Request
from protocols.attributes import without
from protocols.message import Refused
from protocols.tserver.messages import SENDER, USER_EVENT_NUMBER, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["distribute"]


def distribute(server: TServer, request: Request) -> None:
    """Acknowledge, and tell every client that is registered on the DN, the sender included."""
    message = request.message
    attribute = "CommunicationDN" if "CommunicationDN" in message.attributes else "ThisDN"
    if attribute not in message.attributes:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "ThisDN: missing (or CommunicationDN)")
    dn = server.directory.find(message.attributes[attribute], attribute)
    if message.get("UserEvent", USER_EVENT_NUMBER) != USER_EVENT_NUMBER:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"UserEvent: only {USER_EVENT_NUMBER} is supported")
    server.board.limits.check(message.user_data)
    server.events.answer(request.asker, "EventACK", {"ThisDN": dn.number, "UserEvent": USER_EVENT_NUMBER})
    told: dict[str, Any] = {"ThisDN": dn.number, "UserEvent": USER_EVENT_NUMBER, "UserData": message.user_data}
    extensions = message.extensions
    if dn.kind is DNKind.COMMUNICATION:
        # who listens there has to know who asks: what the sender itself says of that does not count
        extensions = ((SENDER, request.session.application), *without(extensions, SENDER))
    if extensions:
        told["Extensions"] = extensions
    if dn.agent is not None:
        told["AgentID"] = dn.agent.agent_id
    server.events.tell(dn, "EventUserEvent", told)
