"""The bounded protocol: a peer that does not read is cut off."""
from __future__ import annotations

from twisted.internet.testing import StringTransport

from protocols.transport import BoundedProtocol


def linked(limit: int = 100) -> tuple[BoundedProtocol, StringTransport]:
    protocol, transport = BoundedProtocol(), StringTransport()
    protocol.backlog_limit = limit
    protocol.makeConnection(transport)
    return protocol, transport


def test_what_is_sent_while_the_transport_is_full_is_counted_and_too_much_aborts() -> None:
    protocol, transport = linked()
    protocol.send(b"x" * 1_000)
    transport.producer.pauseProducing()     # type: ignore[union-attr]
    protocol.send(b"x" * 100)
    assert not transport.disconnected
    protocol.send(b"x")
    assert transport.disconnected and len(transport.value()) == 1_100


def test_a_peer_that_reads_again_starts_anew() -> None:
    protocol, transport = linked()
    for _ in range(5):
        protocol.pauseProducing()
        protocol.send(b"x" * 90)
        protocol.resumeProducing()
    assert not transport.disconnected and len(transport.value()) == 450


def test_closing_lets_what_was_written_go_out() -> None:
    protocol, transport = linked()
    protocol.send(b"last words")
    protocol.close()
    assert transport.disconnecting and transport.value() == b"last words" and transport.producer is None
