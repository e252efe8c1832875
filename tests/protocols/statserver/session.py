"""The session of docs/wire.md, section 14, on a Stat Server and in octets: what the test replays, and the page was made of."""
from __future__ import annotations

from typing import Callable, Iterator

from twisted.internet.testing import StringTransport

from ocs.options import load
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.states import CallPhase, DNEvent, DNEventKind, DNState, WorkState
from protocols.codec import MessageDecoder, encode_message
from protocols.message import Message
from protocols.server import MessageServerFactory
from tests.doubles.clock import VirtualClock
from tests.servers.statserver.world import PASSWORD, StatWorld

__all__ = ["steps"]

_SITE = {"tserver": [{"name": "tserver", "dns": ["7001-7002"]}],
         "agent": [{"id": "1001", "dbid": 501}, {"id": "1002", "dbid": 502}],
         "place": [{"name": "desk-1", "dbid": 601, "dns": ["7001"]}],
         "agent_group": [{"name": "sales", "dbid": 301, "agents": ["1001", "1002"]}]}
_LOGIN = {"ApplicationName": "ocs", "ApplicationPassword": PASSWORD, "ProtocolVersion": "1"}
_STREAM = {"UserRequestID": 1, "Campaign": "spring", "CampaignDBID": 201, "Group": "sales", "GroupDBID": 301,
           "CampaignGroupDBID": 401, "ApplicationDBID": 1}


def steps() -> Iterator[tuple[str, bytes]]:
    """("C" or "S", octets): what the client sends and what the server sends, in order."""
    world = StatWorld(load(StatServerOptions, _SITE).directory())
    dns = {"7001": DNState(True, "1001", "6001", WorkState.READY), "7002": DNState(True)}
    world.picture.seen("tserver", dns, world.clock.wall())
    factory, transport = MessageServerFactory(world.server, VirtualClock()), StringTransport()
    protocol = factory.buildProtocol(None)
    protocol.makeConnection(transport)

    def rings() -> None:
        world.clock.advance(12.5)
        world.event("7001", DNEvent(DNEventKind.CALL, conn_id="69b0470800000001", phase=CallPhase.RINGING), "tserver")

    script: list[Message | Callable[[], None]] = [
        Message("RequestRegisterClient", 1, _LOGIN),
        Message("RequestOpenStatistic", 2, {"UserRequestID": 7, "ObjectType": 2, "ObjectID": "sales", "Category": 44}),
        rings,
        lambda: world.lose("tserver"),
        Message("RequestPeekStatistic", 3, {"UserRequestID": 7}),
        Message("RequestCloseStatistic", 4, {"UserRequestID": 7}),
        Message("RequestOpenDataStream", 5, {"UserRequestID": 1, "StreamType": 1}),
        Message("RequestDataStreamMessage", 6, {**_STREAM, "CampaignEvent": 1}),
        Message("RequestDataStreamMessage", 7, {**_STREAM, "CampaignEvent": 3, "DialMode": 2}),
        Message("RequestOpenStatistic", 8, {"UserRequestID": 8, "ObjectType": 10, "ObjectID": "spring@sales", "Category": 10}),
        Message("RequestDataStreamMessage", 9, {**_STREAM, "CampaignEvent": 14, "CallResult": 33, "CallingList": "list",
                                                "CallingListDBID": 101, "RecordHandle": 7, "AgentID": "1001"}),
    ]
    for step in script:
        if isinstance(step, Message):
            octets = encode_message(step)
            yield "C", octets
            protocol.dataReceived(octets)
        else:
            step()
        sent = MessageDecoder()
        sent.receive(transport.value())
        transport.clear()
        while (message := sent.next_message()) is not None:
            yield "S", encode_message(message)
    protocol.connectionLost()
