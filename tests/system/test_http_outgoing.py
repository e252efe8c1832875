"""Outgoing HTTP on real sockets: against Twisted's own web server, and against peers that keep no rule."""
from __future__ import annotations

import functools
import json
import random
from pathlib import Path
from typing import Any, Callable, Coroutine

import pytest
from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ocs.clock import SystemClock
from ocs.errors import ConfigurationError
from ocs.links.http import Answer, HttpClient, http_client
from ocs.links.http_options import ContactProcessedOptions, HttpOptions, NotificationSpoolOptions
from ocs.links.notifications import ContactNotifier
from ocs.links.validation import PreDialValidation
from ocs.store.notification_spool import NotificationSpool
from protocols.errors import LinkLost, RemoteProtocolError, RequestTimedOut
from tests.contracts.test_pre_dial_validation import SUITE, rule
from tests.doubles.certificates import Authority
from tests.doubles.contacts import contact
from tests.doubles.ports import free_port

pytest_twisted = pytest.importorskip("pytest_twisted")


class Service(Resource):
    """Answers what the test says; `seen` has (method, body, headers), `connections` counts the sockets."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status, self.body, self.silent = 200, b"{}", False
        self.seen: list[tuple[str, Any, Any]] = []
        self.peers: list[Any] = []

    def render(self, request: Request) -> Any:
        content = request.content.read() if request.content is not None else b""
        self.seen.append((request.method.decode(), json.loads(content) if content else None, request.requestHeaders))
        address: Any = request.getClientAddress()
        self.peers.append(address.port)
        if self.silent:
            request.notifyFinish().addErrback(lambda _: None)
            return NOT_DONE_YET
        request.setResponseCode(self.status)
        request.setHeader("Content-Type", "application/json")
        return self.body


class _Raw(Protocol):
    """Sends the factory's octets as soon as anything comes, then closes if it says so."""

    factory: Any

    def dataReceived(self, data: bytes) -> None:
        self.factory.connections.append(self.transport)
        self.factory.open.add(self.transport)
        for piece in self.factory.pieces:
            self.transport.write(piece)     # type: ignore[union-attr]
        if self.factory.close:
            self.transport.loseConnection()     # type: ignore[union-attr]

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.lost += 1
        self.factory.open.discard(self.transport)


class World:
    """The listeners and clients of a test; `close` takes them down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports: list[Any] = []
        self._clients: list[HttpClient] = []

    def serve(self, factory: Any, tls: Any = None, port: int = 0) -> int:
        if isinstance(factory, Resource):
            factory = Site(factory, timeout=30)
            factory.noisy = False
        here: Any = reactor
        listening = (here.listenTCP(port, factory, interface="127.0.0.1") if tls is None
                     else here.listenSSL(port, factory, tls, interface="127.0.0.1"))
        self._ports.append((listening, factory))
        return int(listening.getHost().port)

    def raw(self, *pieces: bytes, close: bool = True, tls: Any = None) -> tuple[int, Any]:
        factory: Any = Factory.forProtocol(_Raw)
        factory.noisy, factory.pieces, factory.close, factory.connections, factory.lost = False, pieces, close, [], 0
        factory.open = set()
        return self.serve(factory, tls), factory

    def client(self, **options: Any) -> HttpClient:
        self._clients.append(http_client(reactor, HttpOptions(**options)))
        return self._clients[-1]

    async def close(self) -> None:
        for client in self._clients:
            await client.stop()
        for listening, factory in self._ports:
            await listening.stopListening()
            for transport in tuple(getattr(factory, "open", ())):
                transport.abortConnection()
        await pause(0.02)       # the servers' ends of the connections close by themselves


def pause(wait_s: float) -> Deferred[None]:
    return deferLater(reactor, wait_s, lambda: None)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await pause(0.005)


def limited(test: Any) -> Any:
    """A test that is ended after 30 s, and whose world is taken down."""
    @functools.wraps(test)
    async def run(*args: Any, world: World, **kwargs: Any) -> None:
        try:
            await Deferred.fromCoroutine(test(*args, world=world, **kwargs)).addTimeout(30, reactor)
        finally:
            await world.close()
    return pytest_twisted.ensureDeferred(run)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Where the servers and clients of a test live."""
    return World(tmp_path)


async def outcome(asked: Deferred[Answer]) -> Any:
    """The answer, or the error."""
    try:
        return await asked
    except (LinkLost, RemoteProtocolError, RequestTimedOut) as error:
        return error


def post(client: HttpClient, port: int, scheme: str = "http", host: str = "127.0.0.1", **more: Any) -> Deferred[Answer]:
    return client.request("POST", f"{scheme}://{host}:{port}/x", b'{"GSW_PHONE": "+12125550117"}', name="a test", **more)


# -- a server that keeps the rules ------------------------------------------------------------------------------------
@limited
async def test_connections_are_used_again_and_never_more_than_allowed(world: World) -> None:
    service = Service()
    port = world.serve(service)
    client = world.client(connection_pool_size=3)
    for _ in range(20):
        assert (await post(client, port)).status == 200
    assert len(set(service.peers)) == 1
    answers = await gatherResults([post(client, port) for _ in range(50)])
    assert [answer.body for answer in answers] == [b"{}"] * 50 and len(set(service.peers)) <= 3
    assert client.under_way == client.waiting == 0


@limited
async def test_a_server_that_restarted_between_two_requests_costs_nothing(world: World) -> None:
    port = free_port()
    first = Service()
    world.serve(first, port=port)
    client = world.client()
    assert (await post(client, port)).status == 200
    listening, factory = world._ports.pop()
    await listening.stopListening()
    await client._pool.closeCachedConnections()
    second = Service()
    world.serve(second, port=port)
    assert (await post(client, port, repeatable=True)).status == 200 and len(second.seen) == 1


@limited
async def test_a_kept_connection_that_the_server_closes_as_the_request_comes_is_replaced(world: World) -> None:
    class Fickle(Protocol):
        """Answers the first request of the first connection, closes at the second; answers on later connections."""
        count = 0

        def connectionMade(self) -> None:
            Fickle.count += 1
            self.first, self.number = True, Fickle.count

        def dataReceived(self, data: bytes) -> None:
            if self.first or self.number > 1:
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")      # type: ignore[union-attr]
                self.first = False
            else:
                self.transport.loseConnection()     # type: ignore[union-attr]

    factory = Factory.forProtocol(Fickle)
    factory.noisy = False
    port = world.serve(factory)
    client = world.client()
    assert (await post(client, port, repeatable=True)).body == b"OK"
    assert (await post(client, port, repeatable=True)).body == b"OK" and Fickle.count == 2
    assert client.counts.sent == 3


@limited
async def test_redirects_are_not_followed(world: World) -> None:
    service = Service()
    service.status = 307
    assert (await post(world.client(), world.serve(service))).status == 307 and len(service.seen) == 1


# -- servers that do not ----------------------------------------------------------------------------------------------
@limited
async def test_a_server_that_never_answers_is_left_at_the_deadline_and_its_connection_closed(world: World) -> None:
    port, peer = world.raw(close=False)
    client = world.client(response_timeout_s=0.2)
    assert isinstance(await outcome(post(client, port)), RequestTimedOut)
    await until(lambda: bool(peer.lost))


@limited
async def test_a_body_that_drips_is_left_at_the_deadline_and_its_connection_closed(world: World) -> None:
    port, peer = world.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", close=False)
    client = world.client(response_timeout_s=0.2)
    assert isinstance(await outcome(post(client, port)), RequestTimedOut)
    await until(lambda: bool(peer.lost))


@limited
async def test_a_host_that_swallows_connections_is_left_at_the_deadline(world: World) -> None:
    import socket
    deaf = socket.socket()
    deaf.bind(("127.0.0.1", 0))
    deaf.listen(0)
    port = deaf.getsockname()[1]
    filling = [socket.socket() for _ in range(4)]
    try:
        for one in filling:     # the queue of connections that nobody accepts is full now
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        assert isinstance(await outcome(post(world.client(response_timeout_s=0.3), port)), RequestTimedOut)
    finally:
        for one in (*filling, deaf):
            one.close()


@pytest.mark.parametrize(("pieces", "error"), [
    ((b"\x00\x01\x02 complete rubbish\r\n\r\n",), RemoteProtocolError),
    ((b"SSH-2.0-OpenSSH_9.2\r\n",), (RemoteProtocolError, LinkLost)),
    ((b"HTTP/1.1 2x0 OK\r\n\r\n",), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx",), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nx",), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",), LinkLost),
    ((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",), LinkLost),
    ((b"HTTP/1.1 200",), LinkLost),
    ((), LinkLost),
    ((b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", *[b"x" * 10_000] * 100), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\n", *[b"X-Filler: " + b"y" * 1_000 + b"\r\n"] * 300), RemoteProtocolError),
    ((b"HTTP/1.1 200 OK\r\nX: a\r\n", *[b" more\r\n" * 1_000] * 50), RemoteProtocolError),
    ((b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,), RemoteProtocolError),
    ((b"y" * 200_000,), (RemoteProtocolError, LinkLost)),
])
@limited
async def test_a_server_that_speaks_no_http_or_too_much_is_a_named_error(pieces: tuple[bytes, ...], error: Any,
                                                                         world: World) -> None:
    port, peer = world.raw(*pieces)
    client = world.client(response_timeout_s=5.0)
    for repeatable in (False, True):
        found = await outcome(post(client, port, repeatable=repeatable))
        assert isinstance(found, error), found
        assert "5550117" not in str(found) and "yyyy" not in str(found) and len(str(found)) < 300
    assert client.under_way == 0 and client.counts.timed_out == 0


@limited
async def test_a_body_without_a_length_ends_with_the_connection(world: World) -> None:
    port, _ = world.raw(b"HTTP/1.0 200 OK\r\n\r\n", b"OK")
    assert (await post(world.client(), port)).body == b"OK"


@limited
async def test_a_stopped_client_leaves_no_connection_and_fails_what_is_under_way(world: World) -> None:
    service, (port, peer) = Service(), world.raw(close=False)
    kept = world.serve(service)
    client = world.client(connection_pool_size=1)
    await post(client, kept)
    asked = [outcome(post(client, port)) for _ in range(3)]
    waiting = [Deferred.fromCoroutine(one) for one in asked]
    await until(lambda: bool(peer.connections))
    await client.stop()
    assert all(isinstance(error, LinkLost) for error in await gatherResults(waiting))
    await until(lambda: bool(peer.lost))


# -- TLS --------------------------------------------------------------------------------------------------------------
def served_with(certificate: Path, key: Path, roots: Path | None = None) -> Any:
    options = ssl.PrivateCertificate.loadPEM(key.read_bytes() + certificate.read_bytes())
    return options.options(*([ssl.Certificate.loadPEM(roots.read_bytes())] if roots else []))


@limited
async def test_https_with_configured_roots_keeps_its_connection(world: World) -> None:
    authority, service = Authority(world.folder), Service()
    for host in ("127.0.0.1", "localhost"):
        port = world.serve(service, served_with(*authority.issue(host)))
        client = world.client(roots_file=authority.roots)
        service.peers.clear()
        for _ in range(3):
            assert (await post(client, port, "https", host)).status == 200
        assert len(set(service.peers)) == 1


@limited
async def test_a_certificate_of_another_authority_another_host_or_another_time_is_refused(world: World) -> None:
    ours, theirs, service = Authority(world.folder), Authority(world.folder, "Somebody Else"), Service()
    client = world.client(roots_file=ours.roots)
    for files, text in ((theirs.issue("127.0.0.1"), "an authority that is not trusted"),
                        (ours.issue("crm.example"), "is not made out to 127.0.0.1"),
                        (ours.issue("127.0.0.1", days=-1), "certificate of the server has expired")):
        found = await outcome(post(client, world.serve(service, served_with(*files)), "https", repeatable=True))
        assert isinstance(found, LinkLost) and "TLS" in str(found) and text in str(found), found
    found = await outcome(post(world.client(), world.serve(service, served_with(*ours.issue("127.0.0.1"))), "https"))
    assert isinstance(found, LinkLost), "the machine's roots do not know our authority"
    assert service.seen == []


@limited
async def test_https_to_a_server_of_plain_text_and_the_other_way_round_are_errors(world: World) -> None:
    authority, service = Authority(world.folder), Service()
    client = world.client(roots_file=authority.roots, response_timeout_s=5.0)
    found = await outcome(post(client, world.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")[0], "https"))
    assert isinstance(found, (LinkLost, RemoteProtocolError)), found
    found = await outcome(post(client, world.serve(service, served_with(*authority.issue("127.0.0.1")))))
    assert isinstance(found, (LinkLost, RemoteProtocolError)), found
    assert service.seen == []


@limited
async def test_a_tls_server_that_stops_in_the_middle_is_left_at_the_deadline(world: World) -> None:
    authority = Authority(world.folder)
    port, peer = world.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=False,
                           tls=served_with(*authority.issue("127.0.0.1")))
    client = world.client(roots_file=authority.roots, response_timeout_s=0.5)
    assert isinstance(await outcome(post(client, port, "https")), RequestTimedOut)
    await until(lambda: bool(peer.lost))


@limited
async def test_a_client_certificate_opens_a_server_that_asks_for_one(world: World) -> None:
    authority, service = Authority(world.folder), Service()
    port = world.serve(service, served_with(*authority.issue("127.0.0.1"), roots=authority.roots))
    certificate, key = authority.issue("ocs.example")
    client = world.client(roots_file=authority.roots, certificate_file=certificate, key_file=key)
    assert (await post(client, port, "https")).status == 200
    found = await outcome(post(world.client(roots_file=authority.roots), port, "https"))
    assert isinstance(found, LinkLost) and len(service.seen) == 1


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("a.example")
    other_certificate, other_key = authority.issue("b.example")
    junk = tmp_path / "junk"
    junk.write_text("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"roots_file": junk}, "http.roots_file"), ({"roots_file": key}, "holds no certificate"),
        ({"certificate_file": certificate, "key_file": other_key}, "http.key_file"),
        ({"certificate_file": certificate, "key_file": junk}, "http.key_file")]
    for options, text in cases:
        with pytest.raises(ConfigurationError, match=text):
            http_client(reactor, HttpOptions(**options))


# -- the whole way ----------------------------------------------------------------------------------------------------
class OnSockets:
    """The harness of the contract suite: a real client and a real server."""

    def __init__(self, world: World) -> None:
        self.service = Service()
        self.port = world.serve(self.service)
        self.gone = free_port()
        self._world = world
        self.validation = self._on(self.port)

    def _on(self, port: int, **options: Any) -> PreDialValidation:
        return PreDialValidation(self._world.client(**options), [rule(f"http://127.0.0.1:{port}/v")], 1,
                                 SystemClock(reactor))

    async def answered(self, asked: Callable[[], Deferred[Any]], status: int, body: bytes) -> Any:
        self.service.status, self.service.body = status, body
        return await asked()

    async def unanswered(self, asked: Callable[[], Deferred[Any]]) -> Any:
        self.service.silent, self.validation = True, self._on(self.port, response_timeout_s=0.2)
        return await asked()

    async def unreachable(self, asked: Callable[[], Deferred[Any]]) -> Any:
        self.validation = self._on(self.gone)
        return await asked()


@pytest.mark.parametrize("case", SUITE, ids=lambda case: case.__name__)
@limited
async def test_pre_dial_validation_on_sockets(case: Callable[[Any], Coroutine[Any, Any, None]], world: World) -> None:
    await case(OnSockets(world))


@limited
async def test_notifications_wait_on_disk_for_a_service_that_is_away_over_a_restart(world: World) -> None:
    port, path = free_port(), world.folder / "spool.db"

    async def notifier() -> ContactNotifier:
        made = ContactNotifier(
            world.client(), [ContactProcessedOptions(uri=f"http://127.0.0.1:{port}/p")],
            NotificationSpoolOptions(retry_min_s=0.05, retry_max_s=0.2),
            NotificationSpool(path, deferToThread), 1, SystemClock(reactor), random.Random(5))
        await made.start()
        return made

    first = await notifier()
    for number in range(40):
        first.release(await first.note(contact(chain_id=number % 10, call_time=number)))
    assert first.waiting == 40
    await first.stop()
    second = await notifier()
    assert second.waiting == 40
    service = Service()
    world.serve(service, port=port)
    await until(lambda: second.waiting == 0)
    told = [body for _, body, _ in service.seen]
    for chain_id in range(10):
        assert [body["GSW_CALL_TIME"] for body in told if body["GSW_CHAIN_ID"] == chain_id] == list(range(chain_id, 40, 10))
    assert len({headers.getRawHeaders("Idempotency-Key")[0] for _, _, headers in service.seen}) == len(told) == 40
    await second.stop()
