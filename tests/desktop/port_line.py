"""A desktop's end of a connection to the desktop port, without sockets, and what may go wrong with the octets on it."""
from __future__ import annotations

import random

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from protocols.codec import JSON_TEXT, MESSAGE_PACK, Codec
from protocols.desktop.port import PATH
from protocols.encodings import JSON_FRAMES
from protocols.errors import RemoteProtocolError
from protocols.message import Message
from protocols.websocket import WebSocket
from protocols.websocket_transport import PortFactory

__all__ = ["Line", "WAYS", "broken", "broken_handshake"]

WAYS: dict[str, Codec] = {"messagepack": MESSAGE_PACK, "json": JSON_FRAMES, "websocket": JSON_TEXT}
_PIECES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"GET ", b"[" * 2_000, b"\x91" * 2_000,
           # WebSocket frames: ping, close, a part of a text, its continuation, octets
           b"\x89\x80abcd", b"\x88\x82abcdab", b"\x01\x80abcd", b"\x80\x80abcd", b"\x82\x80abcd")
_HANDSHAKE = (b"GET /desktop HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
_HEAD_PIECES = (b"\r\n", b"\x00", b"\xff", b":", b"Origin: http://evil\r\n", b"Origin: http://[::1\r\n",
                b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
                b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b"A" * 17_000, b"HTTP/9.9")


class Line:
    """One connection. `clean`: all that went out were whole messages; then all that comes in is understood, too. `heard` are
    messages since it was last cleared."""

    def __init__(self, factory: PortFactory, codec: Codec, rng: random.Random) -> None:
        self._rng, self._codec = rng, codec
        self._protocol, self._transport = factory.buildProtocol(None), StringTransport()
        self._transport.abortConnection = self._transport.loseConnection        # type: ignore[method-assign]
        self._socket = WebSocket(target=("localhost", PATH)) if codec is JSON_TEXT else None
        self._decoder = codec.decoder()
        self.clean, self.gone = True, False
        self.heard: list[Message] = []
        self._protocol.makeConnection(self._transport)
        if self._socket is not None:
            self.deliver(self._socket.output())

    @property
    def open(self) -> bool:
        """The server has not closed it."""
        return not self._transport.disconnecting

    def octets(self, message: Message) -> bytes:
        """The message as it goes out; LocalProtocolError."""
        encoded = self._codec.encode(message)
        if self._socket is None:
            return encoded
        self._socket.send_text(encoded)
        return self._socket.output()

    def deliver(self, octets: bytes) -> None:
        """Octets reach the server in up to four parts; what it says is read."""
        places = sorted(self._rng.randrange(len(octets) + 1) for _ in range(self._rng.choice((0, 0, 0, 1, 3))))
        for begin, end in zip((0, *places), (*places, len(octets))):
            if self.open and begin < end:
                self._protocol.dataReceived(octets[begin:end])
        self.listen()

    def listen(self) -> None:
        """Read what the server has said."""
        octets = self._transport.value()
        self._transport.clear()
        try:
            if self._socket is None:
                self._decoder.receive(octets)
            elif octets:
                self._socket.receive(octets)
                while (text := self._socket.next_text()) is not None:
                    self._decoder.receive(text)
            while (message := self._decoder.next_message()) is not None:
                self.heard.append(message)
        except RemoteProtocolError as error:
            assert not self.clean, (error, octets)      # the server may have understood another encoding

    def lose(self) -> None:
        """The connection ends."""
        if not self.gone:
            self.gone = True
            self._protocol.connectionLost(Failure(ConnectionDone()))


def broken(octets: bytes, rng: random.Random) -> bytes:
    """The octets with something wrong: flipped, cut, put in, or with another head."""
    data = bytearray(octets)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place, what = rng.randrange(len(data) + 1), rng.randrange(6)
        if what == 0:
            data[place:place + 1] = rng.randbytes(1)
        elif what == 1:
            del data[place:place + rng.randrange(1, 12)]
        elif what == 2:
            data[place:place] = rng.randbytes(rng.randrange(1, 12))
        elif what == 3:         # the length; opcode and mask
            data[:2] = rng.randbytes(2)
        elif what == 4:
            data[place:place] = rng.choice(_PIECES)
        elif data:
            bit = rng.randrange(8 * len(data))
            data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def broken_handshake(rng: random.Random) -> bytes:
    """A request for a WebSocket with something wrong in it."""
    data = bytearray(_HANDSHAKE)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place, what = rng.randrange(4, len(data) + 1), rng.randrange(4)
        if what < 2:
            data[place:place] = rng.choice(_HEAD_PIECES)
        elif what == 2:
            del data[place:place + rng.randrange(1, 20)]
        else:
            data[place:place + 1] = rng.randbytes(1)
    return bytes(data)
