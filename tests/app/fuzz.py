"""Mutated requests on the entries of third parties: the Communication DN, the public URIs, the management API, HTTP itself.

Whatever comes, nothing is logged as a failure, a request of a known application is answered exactly once (of an order that takes
time, when it is done), a legal one is answered as ever afterwards, and when the campaign is unloaded nothing is left.
"""
from __future__ import annotations

import json
import random
from typing import Any, Callable

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher

from ocs.app.web.api.service import api_routes
from ocs.app.web.public import CAMPAIGN_ACTIONS, LIST_ACTIONS, RECORD_ACTIONS, TARGET_ACTIONS
from ocs.dialing.session import SessionState
from ocs.http_server import Asked, HttpListenOptions, Reply, http_factory
from ocs.store.api_tokens import Role
from protocols.attributes import KVList, KVValue
from protocols.communication import keys
from protocols.communication.index import REQUESTS, MessageType
from tests.desktop.test_communication import CRM, DN
from tests.desktop.test_communication import Rig as CommunicationRig

__all__ = ["fuzz_api", "fuzz_communication", "fuzz_octets", "fuzz_public"]

_WORLD = 2_000          # messages, then another contact center begins
_PROBE = 100            # messages between two legal requests
_STRINGS = ("", " ", "0", "1", "-1", "1.5", "x" * 300, "\x00", "é", "list", "spring", "spring@sales", "AllChain", "predictive",
            "busy-factor", "+12125550001", "+1 212", "' OR 1=1 --", "9" * 25, "²", "\u202e", "08/22/2030 14:30",
            "2030-01-02T10:00", "1/0", "ready", "name")
_INTEGERS = (0, 1, 2, 3, 5, 8, 11, -1, 99, 100, 2 ** 31, 2 ** 63 - 1, -2 ** 63)
_SOME = ("RECORD_HANDLE", "PHONE", "CUSTOMER_ID", "CALLING_LIST", "CHAIN_ATTR", "CAMPAIGN_NAME")


class _Watch:
    """Fails on what is logged as a failure."""

    def __enter__(self) -> _Watch:
        globalLogPublisher.addObserver(self)
        return self

    def __exit__(self, *error: Any) -> None:
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: dict[str, Any]) -> None:
        assert event.get("log_failure") is None, event["log_failure"].getTraceback()


def _value(rng: random.Random) -> KVValue:
    kind = rng.randrange(6)
    if kind < 3:
        return rng.choice(_STRINGS)
    if kind < 5:
        return rng.choice(_INTEGERS)
    return rng.randbytes(rng.randrange(4)) if rng.random() < 0.5 else ((rng.choice(_STRINGS), rng.choice(_STRINGS)),)


# -- the Communication DN ---------------------------------------------------------------------------------------------
def _message(rng: random.Random, reference: int) -> KVList:
    kind = rng.choice(list(REQUESTS))
    pairs: list[tuple[str, KVValue]] = [(keys.MESSAGE_TYPE, int(kind)), (keys.REFERENCE_ID, reference), (keys.SENDER_ID, CRM)]
    if REQUESTS[kind].names_group:
        pairs.append((keys.SESSION_ID, 1))
    if kind in (MessageType.START_DIALING, MessageType.SET_DIALING_MODE):
        pairs.append((keys.DIAL_MODE, rng.choice((1, 2, 3))))
    if REQUESTS[kind].one_of:
        pairs.append((keys.PHONE, f"+1212555{rng.randrange(30):04d}"))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        place, what = rng.randrange(len(pairs)), rng.randrange(4)
        if what == 0:
            pairs.insert(place, (rng.choice(sorted(keys.CONTROL_KEYS)), _value(rng)))
        elif what == 1:
            pairs[place] = pairs[place][0], _value(rng)
        elif what == 2 and len(pairs) > 1:
            del pairs[place]
        else:
            rng.shuffle(pairs)
    return tuple(pairs)


def fuzz_communication(count: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> int:
    """So many messages; how many were answered."""
    rng, answered = random.Random(seed), 0
    with _Watch():
        for start in range(0, count, _WORLD):
            rig = CommunicationRig()
            rig.said()
            for number in range(start, min(count, start + _WORLD)):
                reference = number % 1_000_000 + 1
                rig.bench.switch.user_event(DN, _message(rng, reference), rng.choice(("crm", "crm", "crm", "", "evil")))
                if rng.random() < 0.2:
                    rig.bench.pass_(0.1, step=0.1)
                answered += _said(rig)
                if number % _PROBE == 0:
                    rig.bench.pass_(1)
                    answered += _said(rig)
                    probe = rig.ask(MessageType.GET_CAMPAIGN_STATUS)
                    assert probe[keys.MESSAGE_TYPE] == MessageType.CAMPAIGN_STATUS
                    progress(number)
            if rig.session.state is not SessionState.NOT_LOADED:
                rig.session.force_unload()
            rig.bench.pass_(1)
            answered += _said(rig)
            assert rig.entry._under_way == 0 and rig.session.state is SessionState.NOT_LOADED
            rig.bench.unloaded()
    return answered


def _said(rig: CommunicationRig) -> int:
    """Answers since the last look, none of them twice, unless of a request for the status of all groups (there is one group)."""
    said = [one[keys.REFERENCE_ID] for one in rig.said() if one.get(keys.REFERENCE_ID)]
    assert len(said) == len(set(said)), said
    rig.bench.switch.asked.clear()
    rig.seen = 0
    return len(said)


# -- the public URIs --------------------------------------------------------------------------------------------------
def fuzz_public(count: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> int:
    """So many requests; how many were carried out."""
    from tests.app.test_web import Idle
    rng, done = random.Random(seed), 0
    resources = {"records": RECORD_ACTIONS, "phones": TARGET_ACTIONS, "customer_ids": TARGET_ACTIONS, "lists": LIST_ACTIONS,
                 "campaigngroups": tuple(CAMPAIGN_ACTIONS)}
    names = ("1", "2", "+12125550002", "Person 3", "list", "spring", "x" * 300, "²", "\x00", "9" * 25, "-1")
    some = [getattr(keys, name) for name in _SOME] + [
        "GSW_AUTO_COMPLETION", "GSW_DIAL_MODE", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL", "GSW_TENANT_DBID", "GSW_TZ_NAME",
        "GSW_DATE_TIME", "GSW_ATTEMPTS", "Age", "name"]
    with _Watch():
        for start in range(0, count, _WORLD):
            site = Idle()
            for number in range(start, min(count, start + _WORLD)):
                resource = rng.choice(list(resources))
                body: Any = {rng.choice(some): rng.choice((*_STRINGS, *_INTEGERS)) for _ in range(rng.randrange(4))}
                if resource == "lists" and rng.random() < 0.7:
                    body["GSW_PHONE"] = f"+1212556{rng.randrange(9_999):04d}"
                octets = json.dumps(body).encode()
                if rng.random() < 0.1:
                    octets = octets[:rng.randrange(len(octets) + 1)] + rng.randbytes(3)
                own = {"lists": "list", "phones": f"+1212555{rng.randrange(9):04d}", "campaigngroups": "1"}.get(resource, "1")
                reply = site.ask(rng.choice(("POST",) * 9 + ("GET",)), resource, own if rng.random() < 0.8 else rng.choice(names),
                                 req=rng.choice(resources[resource]), body=octets)
                assert reply.status in (200, 400, 404, 405, 409) and isinstance(reply.body, dict), reply
                done += reply.status == 200
                if number % _PROBE == 0:
                    assert site.ask("GET", "campaigngroups", "1").status == 200
                    site.bench.pass_(1)
                    progress(number)
            if site.bench.session.state is not SessionState.NOT_LOADED:
                site.bench.session.force_unload()
            site.bench.pass_(1)
            site.bench.unloaded()
    return done


# -- the management API -----------------------------------------------------------------------------------------------
def fuzz_api(count: int, seed: int, url: str, progress: Callable[[int], None] = lambda done: None) -> int:
    """So many requests on the database at `url`; how many were carried out."""
    from tests.app.test_api import Rig
    rng, done = random.Random(seed), 0
    rig = Rig(url)
    routes = api_routes(rig.site)
    schemas = rig.api.document["components"]["schemas"]
    with _Watch():
        for number in range(count):
            route = rng.choice(routes)
            path = route.path.format(campaign_group=rng.choice(("spring", "1", "x", "²")),
                                     calling_list=rng.choice(("list", "list", "x")),
                                     record_id=rng.choice(("1", "2", "99", "x", "9" * 25)), agent_id=rng.choice(("1001", "x")),
                                     id=rng.choice(("1", "x")))
            body: Any = None
            if route.body is not None:
                properties = list(schemas[route.body.__name__]["properties"])
                body = {rng.choice(properties): rng.choice((*_STRINGS, *_INTEGERS, None, True, {}, [], {"name": "x"}))
                        for _ in range(rng.randrange(4))}
                if "phone" in properties and rng.random() < 0.7:
                    body["phone"] = f"+1212557{rng.randrange(9_999):04d}"
                if rng.random() < 0.1:
                    octets = json.dumps(body).encode()
                    body = octets[:rng.randrange(len(octets) + 1)] + rng.randbytes(2)
            if route.octets:
                body = rng.choice((b"phone,name\n+12125550090,X\n", b"phone\n12\n", b"", rng.randbytes(40)))
            query = {name: rng.choice((*_STRINGS, *map(str, _INTEGERS)))
                     for name in ("limit", "phone", "after", "status", "field", "value")
                     if route.query is not None and rng.random() < 0.2}
            reply = rig.reply(rng.choice((route.method,) * 9 + ("PUT",)), path, body, role=rng.choice((*Role, *Role, None)),
                              key=rng.choice(("", "", "k1", "a b", f"k{number}")), **query)
            assert reply.status in (200, 201, 202, 400, 401, 403, 404, 405, 409, 429), reply
            done += reply.status < 300
            if number % _PROBE == 0:
                assert rig.reply("GET", "campaign-groups").status == 200
                rig.bench.pass_(1)
                progress(number)
    if rig.bench.session.state is not SessionState.NOT_LOADED:
        rig.bench.session.force_unload()
    rig.bench.pass_(1)
    assert not rig.bench.session.held and len(rig.bench.context.handles) == 0
    rig.close()
    return done


# -- HTTP itself ------------------------------------------------------------------------------------------------------
_SEEDS = (
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/v1/do-not-call HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /records/1?req=DoNotCall HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n--b\r\n\r\nx\r\n",
    b"GET /a%20b/%ff?x=%41&y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n",
)
_PIECES = (b"\r\n", b"\n", b"\x00", b" ", b":", b"%", b"HTTP/1.1", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked",
           b"ffffffffffffffff\r\n", b"-1", b"Host: y\r\n", b"A" * 20_000)


def fuzz_octets(count: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> int:
    """So many connections, each with a few octets that may be HTTP; how many requests came through."""
    from tests.doubles.clock import VirtualClock
    rng, heard = random.Random(seed), 0
    clock = VirtualClock()

    def respond(asked: Asked) -> Reply | Deferred[Reply]:
        nonlocal heard
        heard += 1
        assert all(isinstance(part, str) for part in asked.path) and len(asked.body) <= 1_024
        return Reply(200, {})

    factory = http_factory(clock, HttpListenOptions(body_limit_kb=1), respond, ("healthz",))
    with _Watch():
        for number in range(count):
            octets = bytearray(rng.choice(_SEEDS))
            for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
                place = rng.randrange(len(octets) + 1)
                if rng.random() < 0.5:
                    octets[place:place] = rng.choice(_PIECES)
                elif rng.random() < 0.5:
                    octets[place:place + 1] = rng.randbytes(1)
                else:
                    del octets[place:place + rng.randrange(1, 9)]
            _connect(factory, clock, bytes(octets), rng)
            if number % _PROBE == 0:
                assert b"200 OK" in _connect(factory, clock, _SEEDS[0], rng)
                progress(number)
    assert clock.getDelayedCalls() == [] and not factory.protocols
    return heard


def _connect(factory: Any, clock: Any, octets: bytes, rng: random.Random) -> bytes:
    peer = IPv4Address("TCP", "127.0.0.1", 1)
    protocol = factory.buildProtocol(peer)
    transport = StringTransport(peerAddress=peer)
    transport.abortConnection = transport.loseConnection       # type: ignore[method-assign]
    protocol.makeConnection(transport)
    cut = rng.randrange(len(octets) + 1)
    for part in (octets[:cut], octets[cut:]):
        if not transport.disconnecting:
            protocol.dataReceived(part)
    clock.advance(0)
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure
    protocol.connectionLost(Failure(ConnectionDone()))
    clock.advance(0)
    return transport.value()
