"""TLS on real sockets: a companion's port and a link to it, both ways checked; whoever cannot be trusted is not let in."""
from __future__ import annotations

import functools
import os
import random
import re
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import msgspec
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel

from ocs.clock import SystemClock
from ocs.links.options import LinkOptions
from ocs.links.registry import Links, LinkState, LinkStatus
from ocs.links.service import Link
from ocs.options import load
from ocs.servers.service import CompanionOptions, CompanionService, MessageCompanion
from protocols.message import Message, Vocabulary
from tests.conftest import Logged, needs
from tests.doubles.certificates import Authority
from tests.servers.tserver.world import HASH, PASSWORD

pytest_twisted = pytest.importorskip("pytest_twisted")
ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


class Echo:
    """Answers; remembers who was let in."""

    vocabulary = Vocabulary("echo", {"RequestEcho": ("Text",)}, {"Text": str})

    def __init__(self) -> None:
        self.guests: list[Any] = []

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def granted(self, client: Any) -> None:
        self.guests.append(client)

    def gone(self, client: Any) -> None:
        """Remembered all the same."""

    def request(self, client: Any, message: Message) -> Message:
        return Message("EventEcho", 0, {"Text": message.get("Text")})


class Listener:
    """Somebody has to."""

    def granted(self, client: Any, answer: Message) -> None:
        """The registry tells."""

    refused = event = lost = granted


class World:
    """The servers and links of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.stranger = Authority(folder), Authority(folder, "Somebody Else")
        self._open: list[Any] = []

    def serve(self, tls: dict[str, Any] | None = None, **listen: Any) -> tuple[Echo, int]:
        echo = Echo()
        tables: dict[str, Any] = {"listen": {"port": 0, "tls": strings(tls or {}), **listen},
                                  "application": [{"name": "ocs", "password_hash": HASH}]}
        service = CompanionService(reactor, "echo", load(CompanionOptions, tables),
                                   lambda options, clock, reactor: MessageCompanion(echo, options, reactor))
        service.privilegedStartService()
        service.startService()
        self._open.append(service)
        assert service.address()["tls"] is bool(tls)
        return echo, service.address()["port"]

    def link(self, port: int, tls: dict[str, Any] | None = None, **options: Any) -> tuple[Link, Callable[[], LinkStatus]]:
        links = Links(SystemClock(reactor))
        given = {"port": port, "password": PASSWORD, "reconnect_min_s": 0.05, "reconnect_max_s": 0.1, **options}
        if tls is not None:
            given["tls"] = {"enabled": True, **strings(tls)}
        link = Link("echo", load(LinkOptions, given), Listener(), reactor, links, random.Random(1))
        link.startService()
        self._open.append(link)
        return link, lambda: next(iter(links))

    def server(self, host: str = "127.0.0.1", days: int = 1, mutual: bool = False, **other: Any) -> dict[str, Any]:
        certificate, key = self.authority.issue(host, days)
        tls = {"certificate": certificate, "private_key": key, **other}
        return {**tls, "client_ca": self.authority.roots} if mutual else tls

    async def close(self) -> None:
        for service in reversed(self._open):
            await service.stopService()


def strings(table: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in table.items()}


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
            await Deferred.fromCoroutine(world.close()).addTimeout(15, reactor)
    return pytest_twisted.ensureDeferred(run)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@limited
async def test_both_sides_show_certificates_and_talk(world: World) -> None:
    echo, port = world.serve(world.server(mutual=True))
    certificate, key = world.authority.issue("ocs.example")
    link, status = world.link(port, {"ca": world.authority.roots, "certificate": certificate, "private_key": key})
    await until(lambda: link.up)
    long = "x" * 60_000         # several records of TLS
    answer = await link.request("RequestEcho", {"Text": long})
    assert answer.get("Text") == long and status().tls and len(echo.guests) == 1
    assert link.client is not None and link.client.transport.getHandle().get_protocol_version_name() == "TLSv1.3"


@pytest.mark.parametrize("server, reason", [
    ({"days": -1}, "TLS: the certificate of the server has expired"),
    ({"host": "crm.example"}, "TLS: the certificate of the server is not made out to 127.0.0.1"),
    ({"host": "127.0.0.2"}, "TLS: the certificate of the server is not made out to 127.0.0.1")])
@limited
async def test_a_server_with_a_wrong_certificate_never_sees_the_password(
        server: dict[str, Any], reason: str, world: World) -> None:
    echo, port = world.serve(world.server(**server))
    link, status = world.link(port, {"ca": world.authority.roots})
    await until(lambda: status().attempts > 3)
    assert status().last_error == reason and not link.up
    assert echo.guests == []


@limited
async def test_a_server_of_another_authority_is_refused_on_both_ends_with_the_reason(world: World, logged: Logged) -> None:
    echo, port = world.serve(world.server())
    _, status = world.link(port, {"ca": world.stranger.roots})
    await until(lambda: status().attempts > 2)
    assert status().last_error == "TLS: the certificate of the server comes from an authority that is not trusted"
    assert any("is not let in: TLS: the peer refuses us: unknown ca" in text for text in logged.texts(LogLevel.warn))
    _, machine = world.link(port, {})       # the machine's authorities do not know ours either
    await until(lambda: machine().attempts > 1)
    assert "not trusted" in machine().last_error and echo.guests == []


@limited
async def test_a_name_is_checked_where_the_address_has_none(world: World) -> None:
    _, port = world.serve(world.server(host="icon.example"))
    link, _ = world.link(port, {"ca": world.authority.roots, "server_name": "icon.example"})
    await until(lambda: link.up)
    other, status = world.link(port, {"ca": world.authority.roots, "server_name": "icon.exampel"})
    await until(lambda: status().attempts > 1)
    assert "is not made out to icon.exampel" in status().last_error and not other.up


@pytest.mark.parametrize("shown, reason", [
    ("none", "peer did not return a certificate"), ("stranger", "the certificate of the client comes from an authority"),
    ("expired", "the certificate of the client has expired")])
@limited
async def test_a_client_without_the_right_certificate_is_not_let_in(
        shown: str, reason: str, world: World, logged: Logged) -> None:
    echo, port = world.serve(world.server(mutual=True))
    tls: dict[str, Any] = {"ca": world.authority.roots}
    if shown != "none":
        authority, days = (world.stranger, 1) if shown == "stranger" else (world.authority, -1)
        tls["certificate"], tls["private_key"] = authority.issue("ocs.example", days)
    link, status = world.link(port, tls)
    await until(lambda: status().attempts > 2)
    assert any("is not let in: TLS: " in text and reason in text for text in logged.texts(LogLevel.warn))
    assert echo.guests == [] and not link.up and status().last_error


def plain_frame(name: str, **attributes: Any) -> bytes:
    body = msgspec.msgpack.encode([name, 1, attributes])
    return struct.pack(">I", len(body)) + body


REGISTER = plain_frame("RequestRegisterClient", ApplicationName="ocs", ApplicationPassword=PASSWORD, ProtocolVersion="1")


@limited
async def test_a_plain_client_is_closed_and_the_log_says_why(world: World, logged: Logged) -> None:
    echo, port = world.serve(world.server())

    def knock() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(REGISTER)
            heard = b""
            try:
                while piece := plain.recv(4_096):
                    heard += piece
            except ConnectionError:
                pass
            return heard

    assert b"EventLinkConnected" not in await deferToThread(knock)
    assert echo.guests == [] and any("is not let in: TLS: the peer does not speak it" in text
                                     for text in logged.texts(LogLevel.warn))
    _, status = world.link(port)
    await until(lambda: status().attempts > 2)
    assert "does it want TLS?" in status().last_error and echo.guests == [] and status().state is not LinkState.UP


@limited
async def test_a_link_by_tls_to_a_plain_port_says_what_is_wrong(world: World) -> None:
    _, port = world.serve()
    _, status = world.link(port, {"ca": world.authority.roots}, request_timeout_s=0.5)
    await until(lambda: status().attempts > 1)
    assert "does it speak TLS there" in status().last_error


@limited
async def test_whoever_does_not_finish_the_handshake_is_closed(world: World, logged: Logged) -> None:
    _, port = world.serve(world.server(), login_timeout_s=1.0)

    def wait() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
            try:
                return silent.recv(100)
            except ConnectionError:
                return b""

    assert await deferToThread(wait) == b""
    assert any("did not register within 1.0 s" in text for text in logged.texts(LogLevel.warn))


@limited
async def test_a_server_that_never_answers_the_handshake_is_left(world: World) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        _, status = world.link(deaf.getsockname()[1], {"ca": world.authority.roots}, request_timeout_s=0.5)
        await until(lambda: status().attempts > 1)
    assert status().last_error == "no answer to the log-in within 0.5 s"


@limited
async def test_any_client_of_tls_can_register_but_not_one_of_an_old_version(world: World, logged: Logged) -> None:
    echo, port = world.serve(world.server())

    def register(newest: ssl.TLSVersion) -> bytes:
        context = ssl.create_default_context(cafile=str(world.authority.roots))
        context.verify_flags |= ssl.VERIFY_X509_STRICT      # what Python 3.13 asks for by itself
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(REGISTER)
                return secure.recv(4_096)

    for newest in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        assert b"EventLinkConnected" in await deferToThread(register, newest)
    with pytest.warns(DeprecationWarning), pytest.raises(ssl.SSLError):
        await deferToThread(register, ssl.TLSVersion.TLSv1_1)
    assert any("is not let in: TLS: unsupported protocol" in text for text in logged.texts(LogLevel.warn))
    assert len(echo.guests) == 2


@limited
async def test_a_renewed_certificate_counts_from_the_next_connection_on(world: World, logged: Logged) -> None:
    tls = world.server()
    echo, port = world.serve(tls)
    old, _ = world.link(port, {"ca": world.authority.roots})
    await until(lambda: old.up)
    certificate, key = world.stranger.issue("127.0.0.1")
    for new, place in ((certificate, tls["certificate"]), (key, tls["private_key"])):
        shutil.copy(new, place)
    renewed, _ = world.link(port, {"ca": world.stranger.roots})
    await until(lambda: renewed.up)
    assert old.up and any("listen.tls: changed certificates are in use" in text for text in logged.texts())


@limited
async def test_certificate_files_that_break_while_the_server_runs_are_told_and_change_nothing(
        world: World, logged: Logged) -> None:
    tls = world.server()
    _, port = world.serve(tls)
    tls["private_key"].write_text("half a fi")
    link, _ = world.link(port, {"ca": world.authority.roots})
    await until(lambda: link.up)
    text, = logged.texts(LogLevel.error)
    assert text.startswith(f"listen.tls.private_key: {tls['private_key']} is not a private key (PEM)")
    again, _ = world.link(port, {"ca": world.authority.roots})
    await until(lambda: again.up)
    assert len(logged.texts(LogLevel.error)) == 1


@limited
async def test_the_backup_server_is_reached_by_tls_under_its_own_name(world: World) -> None:
    _, port = world.serve(world.server(host="localhost"), host="localhost")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        given = {"backup_host": "localhost", "backup_port": port}
        link, status = world.link(nobody.getsockname()[1], {"ca": world.authority.roots}, **given)
        await until(lambda: link.up)
    assert status().peer == f"localhost:{port}"


@limited
async def test_the_certificates_of_the_operators_page_open_a_link_both_ways(world: World) -> None:
    shell = needs("openssl") and re.search(r"```sh\n(openssl req -x509.*?)```", OPERATIONS, re.S)
    assert shell is not None
    await deferToThread(subprocess.run, ["sh", "-e", "-c", shell[1]], cwd=world.folder, check=True,
                        capture_output=True, timeout=60)
    files = {name: world.folder / name for name in re.findall(r"\w+(?:\.example)?\.(?:pem|key)\b", OPERATIONS)}
    echo, port = world.serve({"certificate": files["tserver.example.pem"], "private_key": files["tserver.example.key"],
                              "client_ca": files["ca.pem"]})
    link, _ = world.link(port, {"ca": files["ca.pem"], "certificate": files["ocs.example.pem"],
                                "private_key": files["ocs.example.key"]})
    await until(lambda: link.up)
    strict = ["openssl", "verify", "-x509_strict", "-CAfile", str(files["ca.pem"]), str(files["tserver.example.pem"])]
    await deferToThread(subprocess.run, strict, check=True, capture_output=True, timeout=60)
    assert len(echo.guests) == 1 and stat.S_IMODE(files["ca.key"].stat().st_mode) == 0o600


def test_a_server_under_twistd_names_the_file_that_it_cannot_use(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("127.0.0.1")
    key.unlink()
    (tmp_path / "tserver.toml").write_text(f'[listen.tls]\ncertificate = "{certificate.name}"\nprivate_key = "{key.name}"\n')
    done = subprocess.run(
        [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=", "ocs-tserver", "--config",
         "tserver.toml"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"listen.tls.private_key: cannot read {key}: No such file or directory" in done.stderr
