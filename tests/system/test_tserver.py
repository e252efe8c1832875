"""The T-Server on real sockets and as a process under twistd."""
from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import msgspec
import pytest

from tests.doubles.ports import busy_port, free_port
from tests.servers.tserver.world import HASH, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=", "ocs-tserver"]
CONFIG = """
[listen]
port = {port}
backlog_octets = 65536
[switch]
call_log = "{log}"
[simulator]
person = 1.0
machine = 0.0
busy = 0.0
invalid = 0.0
fax = 0.0
answer_s = 2.0
[clock]
speed = 20.0
wall_start = 1773160200.0
real_start = 1773160200.0
[service]
ready_file = "ready.json"
[[application]]
name = "stranger"
password_hash = "{hash}"
[[dn]]
number = "7001"
count = 2
[[dn]]
number = "6001"
kind = "acd-queue"
[[agent]]
id = "1001"
password_hash = "{hash}"
queue = "6001"
"""


OPEN: list[socket.socket] = []


class Stranger:
    """A client written from docs/wire.md, with nothing of this project but its page."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        OPEN.append(self.socket)
        self.reference_id = 0
        self.seen: list[list[Any]] = []

    def send(self, name: str, **attributes: Any) -> int:
        self.reference_id += 1
        body = msgspec.msgpack.encode([name, self.reference_id, attributes])
        self.socket.sendall(struct.pack(">I", len(body)) + body)
        return self.reference_id

    def read(self) -> list[Any]:
        while True:
            length, = struct.unpack(">I", self._exactly(4))
            message: list[Any] = msgspec.msgpack.decode(self._exactly(length))
            if message[0] != "Ping":
                return message
            pong = msgspec.msgpack.encode(["Pong", message[1], {}])
            self.socket.sendall(struct.pack(">I", len(pong)) + pong)

    def until(self, name: str) -> list[Any]:
        while True:
            message = self.read()
            self.seen.append(message)
            assert message[0] != "EventError", message
            if message[0] == name:
                return message

    def register(self, *dns: str) -> Stranger:
        self.send("RequestRegisterClient", ApplicationName="stranger", ApplicationPassword=PASSWORD,
                  ProtocolVersion="1")
        self.until("EventLinkConnected")
        for dn in dns:
            self.send("RequestRegisterAddress", ThisDN=dn)
            self.until("EventRegistered")
        return self

    def closed(self) -> bool:
        """True when the server closes; what it still says is read."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionError:
            pass
        return True

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


class Process:
    """`twistd ocs-tserver` in a directory of its own."""

    def __init__(self, directory: Path, port: int = 0, log: str = "calls.jsonl", config: str | None = None) -> None:
        self.directory = directory
        text = CONFIG.format(port=port, log=log, hash=HASH) if config is None else config
        (directory / "tserver.toml").write_text(text)
        self.process = subprocess.Popen(
            [*TWISTD, "--config", "tserver.toml"], cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def ready(self) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        path = self.directory / "ready.json"
        while not path.exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline, "not ready"
            time.sleep(0.02)
        facts: dict[str, Any] = json.loads(path.read_text())
        return facts

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    while OPEN:
        OPEN.pop().close()
    if process.process.poll() is None:
        process.process.kill()
    process.process.communicate()


def test_a_stranger_has_an_agent_take_a_call_and_the_stop_is_in_order(server: Process) -> None:
    facts = server.ready()
    assert facts["name"] == "tserver" and facts["pid"] == server.process.pid
    port = facts["tserver"]["port"]
    assert facts["tserver"]["host"] == "127.0.0.1"
    assert (server.directory / "ready.json").stat().st_mode & 0o777 == 0o600
    agent = Stranger(port).register("7001")
    agent.send("RequestAgentLogin", ThisDN="7001", AgentID="1001", AgentPassword=PASSWORD, AgentWorkMode=2)
    agent.until("EventAgentReady")
    ocs = Stranger(port).register("6001")
    ocs.send("RequestMakePredictiveCall", ThisDN="6001", OtherDN="+15550101001", UserData=[["GSW_RECORD_HANDLE", 7]])
    ringing = agent.until("EventRinging")[2]
    assert ringing["UserData"] == [["GSW_RECORD_HANDLE", 7]] and ringing["OtherDN"] == "+15550101001"
    agent.send("RequestAnswerCall", ThisDN="7001", ConnID=ringing["ConnID"])
    agent.until("EventEstablished")
    agent.send("RequestReleaseCall", ThisDN="7001", ConnID=ringing["ConnID"])
    agent.until("EventReleased")
    agent.send("RequestMakeCall", ThisDN="7001", OtherDN="+15550101002")
    unfinished = agent.until("EventDialing")[2]["ConnID"]
    server.process.send_signal(signal.SIGTERM)
    released = agent.until("EventReleased")[2]
    assert (released["ConnID"], released["CallState"]) == (unfinished, 26)
    code, output = server.end()
    assert code == -signal.SIGTERM and "stopped; 1 calls were released" in output and "Traceback" not in output, output
    assert [(call["conn_id"], call["call_state"], call["agent_dn"]) for call in server.calls()] == [
        (ringing["ConnID"], 0, "7001"), (unfinished, 26, None)]
    assert server.calls()[0]["dialed_at"] < server.calls()[0]["answered_at"] < server.calls()[0]["ended_at"]
    assert not (server.directory / "ready.json").exists()


def test_junk_oversized_frames_and_slow_readers_do_not_bring_it_down(server: Process) -> None:
    port = server.ready()["tserver"]["port"]
    good = Stranger(port).register("7001")
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff" + b"x" * 100_000, os.urandom(50_000),
                 struct.pack(">I", 60_000) + b"\x91" * 60_000, b"\x00\x00\x00\x03\x93\xa1a"):
        stranger = Stranger(port)
        try:
            stranger.socket.sendall(junk)
            stranger.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass        # closed while we were still sending
        assert stranger.closed()
    slow = Stranger(port)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.register("7001")
    data = [["k", "x" * 15_000]]
    for _ in range(800):
        good.send("RequestDistributeUserEvent", ThisDN="7001", UserEvent=96, UserData=data)
        good.until("EventACK")
        good.until("EventUserEvent")
    with pytest.raises((EOFError, ConnectionError)):
        while True:
            slow.read()
    good.send("RequestQueryServer")
    assert dict(map(tuple, good.until("EventServerInfo")[2]["Extensions"]))["clients"] == 1
    server.process.send_signal(signal.SIGTERM)
    code, output = server.end()
    assert code == -signal.SIGTERM and "broke the protocol" in output and "does not read" in output and "Traceback" not in output


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with busy_port() as taken:
        port = taken.getsockname()[1]
        code, output = Process(tmp_path, port).end()
    assert code == 1 and f"listen.port: cannot listen on 127.0.0.1, port {port}" in output
    assert "Traceback" not in output


def test_a_call_log_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    code, output = Process(tmp_path, free_port(), log="nowhere/calls.jsonl").end()
    assert code == 1 and "switch.call_log: cannot write" in output and "Traceback" not in output


def test_a_wrong_configuration_names_every_fault_at_once(tmp_path: Path) -> None:
    code, output = Process(tmp_path, config="""
        [listen]
        prot = 7000
        [switch]
        calls = 0
        [[application]]
        name = "a"
        password_hash = "plain text"
        [[dn]]
        number = "70a"
        [[dn]]
        number = "7001"
        count = 2
        [[dn]]
        number = "7002"
        kind = "routing-point"
        default_destination = "9999"
        [[agent]]
        id = "1"
        password_hash = "x"
        queue = "7001"
    """).end()
    assert code == 1 and "Traceback" not in output
    for fault in ("listen.prot", "switch.calls", "application[1].password_hash", "dn[1].number", "dn[3].number: 7002",
                  "dn[3].default_destination", "agent[1].queue", "agent[1].password_hash"):
        assert fault in output, (fault, output)


def test_a_command_without_a_configuration_says_so(tmp_path: Path) -> None:
    ran = subprocess.run(TWISTD, cwd=tmp_path, capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert ran.returncode == 1 and "--config FILE is required" in ran.stdout + ran.stderr
