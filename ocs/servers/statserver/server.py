"""What clients of a Stat Server may ask for: statistics and data streams. No sockets; a MessageServer stands in front.

Source: docs/wire.md, section 14.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from twisted.logger import Logger
from zope.interface import implementer

from ocs.clock import IClock
from ocs.servers.statserver.campaigns import CampaignBook
from ocs.servers.statserver.directory import ObjectRef
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.statistics import Statistic, Statistics
from protocols.message import ErrorCode, Message, Refused
from protocols.message_server import IMessageService, ServedClient
from protocols.statserver.messages import VOCABULARY, RunMode, StreamType

__all__ = ["StatService"]

STREAMS_LIMIT = 16          # of one client
_UNSEEN = ("UserRequestID",)


@dataclass
class _Client:
    """What one client has opened, by the ids that it chose."""

    statistics: dict[int, Statistic] = field(default_factory=dict)
    streams: dict[int, StreamType] = field(default_factory=dict)


@implementer(IMessageService)
class StatService:
    """The service behind the port. `statistics_limit` bounds what one client may open."""

    log = Logger()
    vocabulary = VOCABULARY

    def __init__(self, picture: Picture, clock: IClock, statistics_limit: int = 1_000) -> None:
        self.picture, self.campaigns, self._clock, self._limit = picture, CampaignBook(), clock, statistics_limit
        self.statistics = Statistics(picture, self.campaigns, clock)
        picture.listener = self.statistics
        self._clients: dict[ServedClient, _Client] = {}
        self._requests: dict[str, Callable[[ServedClient, _Client, Message], Message | None]] = {
            "RequestOpenStatistic": self._open, "RequestCloseStatistic": self._close, "RequestPeekStatistic": self._peek,
            "RequestOpenDataStream": self._open_stream, "RequestCloseDataStream": self._close_stream,
            "RequestDataStreamMessage": self._stream_message}

    # -- IMessageService ------------------------------------------------------------------------------------------
    def granted(self, client: ServedClient) -> None:
        self._clients[client] = _Client()
        client.send(Message("SEventRunModeInfo", 0, {"RunMode": int(RunMode.PRIMARY)}))     # there is no pair of these

    def request(self, client: ServedClient, message: Message) -> Message | None:
        if not 1 <= message.get("UserRequestID") < 2 ** 31:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "UserRequestID: 1 to 2147483647 are expected")
        return self._requests[message.name](client, self._clients[client], message)

    def gone(self, client: ServedClient) -> None:
        mine = self._clients.pop(client)
        for statistic in mine.statistics.values():
            self.statistics.close(statistic)
        for stream in mine.streams:
            self._tell_campaigns(self.campaigns.forget((client, stream)))

    # -- statistics -----------------------------------------------------------------------------------------------
    def _open(self, client: ServedClient, mine: _Client, message: Message) -> None:
        number = message.get("UserRequestID")
        if number in mine.statistics:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"UserRequestID: {number} is open already")
        if len(mine.statistics) >= self._limit:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"UserRequestID: {self._limit} statistics are open, the limit")

        def opened(statistic: Statistic) -> None:
            ref = statistic.ref
            client.answer(message, "SEventStatOpened", {
                "UserRequestID": number, "ObjectType": int(ref.type), "ObjectID": ref.id, "Category": int(statistic.category)})

        mine.statistics[number] = self.statistics.open(message, client.send, opened)

    def _statistic(self, mine: _Client, message: Message) -> Statistic:
        number = message.get("UserRequestID")
        if number not in mine.statistics:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"UserRequestID: statistic {number} is not open")
        return mine.statistics[number]

    def _close(self, client: ServedClient, mine: _Client, message: Message) -> Message:
        statistic = self._statistic(mine, message)
        self.statistics.close(statistic)
        del mine.statistics[statistic.id]
        return Message("SEventStatClosed", 0, {"UserRequestID": statistic.id})

    def _peek(self, client: ServedClient, mine: _Client, message: Message) -> None:
        self.statistics.peek(self._statistic(mine, message), message.reference_id)

    # -- data streams ---------------------------------------------------------------------------------------------
    def _open_stream(self, client: ServedClient, mine: _Client, message: Message) -> Message:
        number, kind = message.get("UserRequestID"), message.get("StreamType", int(StreamType.UNICAST))
        reason = ""
        if number in mine.streams:
            reason = f"UserRequestID: {number} is open already"
        elif len(mine.streams) >= STREAMS_LIMIT:
            reason = f"UserRequestID: {STREAMS_LIMIT} streams are open, the limit"
        elif kind not in (0, 1):
            reason = f"StreamType: there is no type {kind}"
        if reason:
            return Message("SEventDataStreamOpeningFailure", 0, {"UserRequestID": number, "Reason": reason})
        mine.streams[number] = StreamType(kind)
        return Message("SEventDataStreamOpened", 0, {"UserRequestID": number, "StreamType": kind})

    def _stream(self, mine: _Client, message: Message) -> int:
        number: int = message.get("UserRequestID")
        if number not in mine.streams:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"UserRequestID: stream {number} is not open")
        return number

    def _close_stream(self, client: ServedClient, mine: _Client, message: Message) -> Message:
        number = self._stream(mine, message)
        del mine.streams[number]
        self._tell_campaigns(self.campaigns.forget((client, number)))
        return Message("SEventDataStreamClosed", 0, {"UserRequestID": number})

    def _stream_message(self, client: ServedClient, mine: _Client, message: Message) -> Message:
        number = self._stream(mine, message)
        changed = self.campaigns.told((client, number), message, self._clock.wall())
        if mine.streams[number] is StreamType.BROADCAST:
            self._broadcast(client, message)
        self._tell_campaigns(changed)
        return Message("SEventDataStreamMessage", 0, {"UserRequestID": number,
                                                      "CampaignEvent": message.get("CampaignEvent")})

    def _broadcast(self, sender: ServedClient, message: Message) -> None:
        told: dict[str, Any] = {name: value for name, value in message.attributes.items() if name not in _UNSEEN}
        for client, theirs in list(self._clients.items()):
            if client is sender:
                continue
            for number, kind in theirs.streams.items():
                if kind is StreamType.BROADCAST:
                    client.send(Message("SEventDataStreamMessage", 0, {"UserRequestID": number, **told}))

    def _tell_campaigns(self, changed: list[ObjectRef]) -> None:
        for ref in changed:
            self.statistics.changed(ref)
