"""Questions about the server, a DN or a call."""
from __future__ import annotations

from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from ocs.servers.tserver.calls import PartyState
from ocs.servers.tserver.directory import DN
from ocs.servers.tserver.requests.rules import Request
from protocols.attributes import KVValue
from protocols.message import Refused, ServerRole
from protocols.tserver.messages import AgentStatus, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["query_address", "query_call", "query_server", "snapshot"]

CALLS_A_PAGE = 300      # three pairs each: within the least number of pairs that a list may have by default


class AddressInfoType(IntEnum):
    """What RequestQueryAddress can ask for (attribute AddressInfoType)."""
    ADDRESS_STATUS = 0
    AGENT_STATUS = 4
    AGENTS_IN_QUEUE = 5
    AVAILABLE_AGENTS_IN_QUEUE = 6
    CALLS_IN_QUEUE = 7
    ADDRESS_TYPE = 8


def query_server(server: TServer, request: Request) -> None:
    """The server itself."""
    server.events.answer(request.asker, "EventServerInfo", {
        "ServerVersion": server.version, "ServerRole": int(ServerRole.PRIMARY if server.serving else ServerRole.BACKUP),
        "Extensions": (("calls", len(server.board.calls)), ("calls-finished", server.board.finished),
                       ("clients", len(server.sessions)), ("dns", len(server.directory)),
                       ("switch-up", int(server.driver.up)), ("start-time", int(server.started_at))),
    })


def query_address(server: TServer, request: Request) -> None:
    """A DN: its state, agent and calls."""
    dn = request.this_dn
    kind = request.member("AddressInfoType", AddressInfoType, AddressInfoType.ADDRESS_STATUS)
    first_call = next((value for key, value in request.message.extensions if key == "first-call"), 1)
    if not isinstance(first_call, int) or first_call < 1:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "Extensions.first-call: a positive int is expected")
    server.events.answer(request.asker, "EventAddressInfo", {
        **snapshot(server, dn, first_call), "AddressInfoType": int(kind), "AddressInfoStatus": _info(dn, kind)})


def query_call(server: TServer, request: Request) -> None:
    """A call in progress: user data, state and parties, wherever they are."""
    conn_id = request.text("ConnID")
    call = server.board.calls.get(conn_id)
    if call is None:
        raise Refused(ErrorCode.BAD_CONN_ID, f"ConnID: no call {conn_id[:32]!r}")
    pairs: list[tuple[str, KVValue]] = []
    for place, party in enumerate(call.parties, 1):
        pairs += [(f"party-{place}", party.name), (f"role-{place}", int(party.role)), (f"ps-{place}", int(party.state))]
    server.events.answer(request.asker, "EventAddressInfo", {
        "ThisDN": request.this_dn.number, "ConnID": call.conn_id, "CallUUID": call.call_uuid, "CallID": call.call_id,
        "CallType": int(call.call_type), "CallState": int(call.answer_state or 0), "OtherDN": call.destination,
        "UserData": call.user_data, "Extensions": tuple(pairs)})


def snapshot(server: TServer, dn: DN, first_call: int = 1) -> dict[str, Any]:
    """What EventRegistered and EventAddressInfo say of a DN; calls from number `first_call` on, a page of them."""
    agent = dn.agent
    pairs: list[tuple[str, KVValue]] = [
        ("AgentStatus", int(AgentStatus.LOGGED_OUT if agent is None else agent.status)),
        ("AgentWorkMode", 0 if agent is None else int(agent.work_mode)),
        ("calls", len(dn.parties)),
    ]
    page = islice(dn.parties.values(), first_call - 1, first_call - 1 + CALLS_A_PAGE)
    for place, party in enumerate(page, first_call):
        pairs += [(f"conn-{place}", party.call.conn_id), (f"ct-{place}", int(party.call.call_type)),
                  (f"ps-{place}", int(party.state))]
    attributes: dict[str, Any] = {"ThisDN": dn.number, "AddressType": int(dn.kind.address_type)}
    if agent is not None:
        attributes |= server.floor.attributes(agent)
    return attributes | {"Extensions": tuple(pairs)}


_STATUS = {PartyState.DIALING: 2, PartyState.CONNECTED: 3, PartyState.ALERTING: 4, PartyState.HELD: 5}


def _info(dn: DN, kind: AddressInfoType) -> int:
    """Attribute AddressInfoStatus."""
    if kind is AddressInfoType.ADDRESS_STATUS:
        return max((_STATUS.get(party.state, 0) for party in islice(dn.parties.values(), CALLS_A_PAGE)), default=0)
    if kind is AddressInfoType.AGENT_STATUS:
        return int(AgentStatus.LOGGED_OUT if dn.agent is None else dn.agent.status)
    if kind is AddressInfoType.ADDRESS_TYPE:
        return int(dn.kind.address_type)
    if dn.queue is None:
        raise Refused(ErrorCode.WRONG_DN_TYPE, f"AddressInfoType: {dn.number} is not an ACD queue")
    return {AddressInfoType.AGENTS_IN_QUEUE: len(dn.queue.members), AddressInfoType.CALLS_IN_QUEUE: len(dn.queue),
            AddressInfoType.AVAILABLE_AGENTS_IN_QUEUE: dn.queue.idle_count}[kind]
