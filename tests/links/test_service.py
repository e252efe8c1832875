"""The reconnecting link: it comes back by itself, ever more slowly, and starts over once a login was granted."""
from __future__ import annotations

import random

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.links.service import BackOff, ReconnectingLink
from tests.doubles.clock import VirtualClock


def test_delays_double_up_to_the_longest_and_vary_a_little():
    delays = [BackOff(random.Random(seed), 0.5, 20.0) for seed in range(50)]
    for place in range(12):
        nominal = min(20.0, 0.5 * 2 ** place)
        drawn = [back_off.next_delay() for back_off in delays]
        assert all(0.75 * nominal <= delay <= 1.25 * nominal for delay in drawn) and len(set(drawn)) > 40


def test_a_granted_login_starts_over():
    back_off = BackOff(random.Random(1), 0.5, 20.0)
    for _ in range(10):
        back_off.next_delay()
    back_off.granted()
    assert back_off.next_delay() < 0.7


def test_a_link_that_fails_for_years_still_has_a_delay():
    back_off = BackOff(random.Random(1), 0.5, 20.0)
    back_off.failures = 100_000
    assert back_off.next_delay() <= 25.0


@implementer(IStreamClientEndpoint)
class Endpoint:
    """Refuses while `closed`."""

    def __init__(self) -> None:
        self.closed, self.tries = True, 0
        self.made: list[Protocol] = []

    def connect(self, factory: object) -> Deferred[Protocol]:
        self.tries += 1
        if self.closed:
            return fail(ConnectionRefusedError("no"))
        protocol = factory.buildProtocol(None)      # type: ignore[attr-defined]
        protocol.makeConnection(StringTransport())
        self.made.append(protocol)
        return succeed(protocol)


def service(clock: VirtualClock) -> tuple[ReconnectingLink, Endpoint]:
    endpoint = Endpoint()
    return ReconnectingLink("tserver", endpoint, Protocol, BackOff(random.Random(1), 1.0, 8.0), clock), endpoint


def test_it_tries_again_until_the_peer_is_there_and_makes_a_fresh_protocol_for_each_connection():
    clock = VirtualClock()
    link, endpoint = service(clock)
    link.startService()
    clock.pump([0.25] * 200)
    assert 6 <= endpoint.tries <= 12
    endpoint.closed = False
    clock.pump([0.25] * 40)
    assert len(endpoint.made) == 1
    endpoint.made[0].connectionLost(Failure(ConnectionLost("cut")))
    clock.pump([0.25] * 60)
    assert len(endpoint.made) == 2 and endpoint.made[0] is not endpoint.made[1]
    link.stopService()


def test_a_stopped_link_leaves_no_timer():
    clock = VirtualClock()
    link, endpoint = service(clock)
    link.startService()
    clock.pump([0.25] * 10)
    link.stopService()
    assert clock.getDelayedCalls() == []
