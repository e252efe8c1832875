"""`ocs demo` and `ocs serve-lab` as a person runs them: real processes, sockets, signals."""
from __future__ import annotations

import csv
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from protocols.codec import encode_message
from protocols.framing import encode_frame
from protocols.tserver.messages import Message

ROOT = Path(__file__).resolve().parents[2]
CONTACTS = 60


class Run:
    """One `ocs` command in a process of its own, in a directory outside of the checkout."""

    def __init__(self, command: str, folder: Path, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.folder = folder
        self._base = next(parent for parent in folder.parents if parent.is_dir())
        self._output = (self._base / f"{folder.name}-{time.monotonic_ns()}.out").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "default", "-c", "from ocs.app.cli import main; main()", command, "--directory", str(folder),
             "--agents", "6", "--json", str(self.json), *arguments],
            cwd=self._base, env=environment, stdout=self._output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def json(self) -> Path:
        return self._base / f"{self.folder.name}.json"

    def outcome(self) -> Any:
        return json.loads(self.json.read_text())

    def text(self) -> str:
        self._output.flush()
        return Path(self._output.name).read_text()

    def wait(self, seconds: float = 60.0) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {seconds} s:\n{self.text()}")

    def until(self, condition: Any, what: str, seconds: float = 30.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"ended with {self.process.returncode} before {what}:\n{self.text()}")
            if found := condition():
                return found
            time.sleep(0.05)
        pytest.fail(f"no {what} within {seconds} s:\n{self.text()}")

    def endpoints(self) -> Any:
        path = self.folder / "endpoints.json"
        self.until(path.exists, "endpoints.json")
        return json.loads(path.read_text())

    def calls(self) -> list[Any]:
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def close(self) -> None:
        """Nothing of a test stays behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._output.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Any]:
    """Starts commands; `runs("demo", "--speed", "300")`."""
    made: list[Run] = []

    def start(command: str, *arguments: str, folder: Path | None = None, contacts: Path | None = None) -> Run:
        made.append(Run(command, folder or tmp_path / "run", "--contacts", str(contacts or written(tmp_path)), *arguments))
        return made[-1]
    yield start
    for run in made:
        run.close()


def written(folder: Path, name: str = "mine.csv") -> Path:
    """A file as a user writes it."""
    path = folder / name
    rows = [f"Person {n},(415) 555-{n:04},{f'+1 312 555 {n:04}' if n % 3 == 0 else ''},{'America/Los_Angeles' if n % 5 else ''},"
            f"A{n}" for n in range(1_000, 1_000 + CONTACTS)]
    path.write_text("\n".join(["name,phone,phone2,timezone,account", *rows]) + "\n")
    return path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_a_users_own_file_is_dialed_to_its_end_and_both_accounts_agree(runs: Any, tmp_path: Path) -> None:
    dnc = tmp_path / "dnc.csv"
    dnc.write_text("phone\n+14155551003\n(312) 555-1002\n")
    run = runs("demo", "--speed", "400", "--dnc", str(dnc))
    assert run.wait(90) == 0, run.text()
    outcome = run.outcome()
    assert set(outcome) == {
        "records", "final", "chains", "calls", "results", "answered", "abandoned", "abandon_rate", "utilisation", "dnc_blocked",
        "outside_window", "planned", "reconciled", "differences", "seconds", "database", "directory"}
    assert outcome["chains"] == CONTACTS and outcome["records"] == CONTACTS + CONTACTS // 3
    assert outcome["final"] + len(outcome["planned"]) == outcome["records"]
    assert outcome["reconciled"] and outcome["differences"] == [] and outcome["directory"] == str(run.folder)
    calls = [call for call in run.calls() if call["kind"] == "outbound"]
    assert outcome["calls"] == len(calls) == sum(outcome["results"].values()) > CONTACTS / 2
    assert not {"+14155551003", "+13125551002"} & {call["destination"] for call in calls}
    assert outcome["dnc_blocked"] >= 1 and 0 < outcome["utilisation"] < 1 and outcome["answered"] > 0
    assert "agree on every one of" in run.text() and not (run.folder / "endpoints.json").exists()
    what_is_kept_of_the_calls_agrees(run.folder, calls)


def what_is_kept_of_the_calls_agrees(folder: Path, calls: list[Any]) -> None:
    """The audit has a line for each call that the T-Server has, the attempts' table a row; requests were logged, refusals
    counted."""
    files = list((folder / "call-audit").glob("CallStats.*.log"))
    lines = [line for path in files for line in csv.DictReader(path.read_text().splitlines())]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert sorted(line["conn_id"] for line in lines) == sorted(call["conn_id"] for call in calls)
    with sqlite3.connect(folder / "ocs.sqlite") as database:
        attempts = {guid: (phone, result) for guid, phone, result in database.execute(
            "SELECT guid, phone, call_result FROM ocs_attempt WHERE state = 'closed'")}
        requests = dict(database.execute("SELECT request_type, count(*) FROM gsw_request_log WHERE error_code = 0 GROUP BY 1"))
        refused = dict(database.execute("SELECT reason, sum(records) FROM ocs_refusal GROUP BY 1"))
    database.close()
    assert attempts == {line["guid"]: (line["phone"], int(line["call_result"])) for line in lines}
    assert all(line["opened"] <= line["dialed"] <= line["ended"] for line in lines)
    history = [line.split("\t") for line in (folder / "contacts.history").read_text().splitlines()]
    assert all(line[10] not in ("1", "2") for line in history)                      # neither ready nor retrieved
    with sqlite3.connect(folder / "ocs.sqlite") as database:
        processed = {str(record_id): (str(status), str(result)) for record_id, status, result in database.execute(
            "SELECT record_id, record_status, call_result FROM cl_contacts WHERE record_status NOT IN (1, 2, 9)")}
    database.close()
    assert {line[4]: (line[10], line[11]) for line in history} == processed and len(history) == len(processed)
    talked = [line for line in lines if line["call_result"] == "33"]
    assert talked and all(line["agent_id"] and line["transferred"] <= line["agent_connected"] for line in talked)
    assert requests[10] >= len(talked) / 2 and refused["on the do-not-call list"] >= 1


def test_with_tls_everybody_speaks_it_a_visitor_too(runs: Any, tmp_path: Path) -> None:
    contacts = tmp_path / "few.csv"
    contacts.write_text("".join(written(tmp_path).read_text().splitlines(keepends=True)[:21]))
    run = runs("demo", "--speed", "300", "--tls", contacts=contacts)
    place = run.endpoints()["servers"]["tserver"]
    assert place["tls"] is True
    context = ssl.create_default_context(cafile=place["ca"])
    with socket.create_connection((place["host"], place["port"]), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=place["host"]) as visitor:
            visitor.sendall(encode_message(Message("RequestRegisterClient", 1, {
                "ApplicationName": place["application"], "ApplicationPassword": place["password"], "ProtocolVersion": "1"})))
            assert b"EventLinkConnected" in visitor.recv(65_536)
    assert run.wait(90) == 0, run.text()
    assert run.outcome()["reconciled"] and run.outcome()["calls"] > 0
    assert "(TLS)" in (run.folder / "tserver.log").read_text()


def test_with_mutual_tls_every_link_shows_a_certificate_and_who_has_none_is_not_let_in(runs: Any, tmp_path: Path) -> None:
    contacts = tmp_path / "few.csv"
    contacts.write_text("".join(written(tmp_path).read_text().splitlines(keepends=True)[:21]))
    run = runs("demo", "--speed", "60", "--mutual-tls", contacts=contacts)
    servers = run.endpoints()["servers"]
    login = encode_message(Message("RequestRegisterClient", 1, {
        "ApplicationName": "visitor", "ApplicationPassword": servers["tserver"]["password"], "ProtocolVersion": "1"}))
    # clients of HTTP show tokens, no certificates
    with_tls = {name: place for name, place in servers.items() if place["tls"] and name != "console"}
    assert {"tserver", "statserver", "cpdserver", "icon", "interaction", "peer"} <= with_tls.keys()
    for name, place in with_tls.items():
        context = ssl.create_default_context(cafile=place["ca"])
        assert answer(place, context, login) == b"", f"{name} let somebody in who shows no certificate"
        context.load_cert_chain(place["certificate"], place["private_key"])
        assert b"EventLinkConnected" in answer(place, context, login), name
    said = (run.folder / "tserver.log").read_text()
    assert "peer did not return a certificate" in said, said
    assert run.wait(120) == 0, run.text()
    assert run.outcome()["reconciled"] and run.outcome()["calls"] > 0
    links = (run.folder / "ocs.log").read_text()
    assert all(f"link {name} to 127.0.0.1:{servers[name]['port']} is up" in links
               for name in ("tserver", "statserver", "icon", "cpdserver", "interaction"))


def answer(place: dict[str, Any], context: ssl.SSLContext, octets: bytes) -> bytes:
    """What a server answers; nothing, where it does not let us in."""
    try:
        with socket.create_connection((place["host"], place["port"]), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=place["host"]) as visitor:
                visitor.sendall(octets)
                return visitor.recv(65_536)
    except (ssl.SSLError, ConnectionError):
        return b""


def test_ctrl_c_stops_in_order_and_a_second_run_goes_on_with_everything_that_was(runs: Any) -> None:
    run = runs("demo", "--speed", "60")
    pids = [one["pid"] for one in run.endpoints()["servers"].values()]
    run.until(lambda: len(run.calls()) >= 5, "calls")
    run.process.send_signal(signal.SIGINT)
    assert run.wait(30) == 1, run.text()
    first = run.outcome()
    assert gone(pids, 1.0) and first["reconciled"], run.text()
    assert not any(one["reason"] == "held by the server" for one in first["planned"])
    assert "Interrupted before the end" in run.text()
    second = runs("demo", "--speed", "400")
    assert second.wait(90) == 0, second.text()
    assert "imported by an earlier run" in second.text()
    outcome = second.outcome()
    assert outcome["calls"] > first["calls"] and outcome["records"] == first["records"] and outcome["reconciled"]
    dialed = [call["dialed_at"] for call in second.calls()]
    assert dialed == sorted(dialed) or max(dialed[:first["calls"]]) <= min(dialed[first["calls"]:]) + 600.0


def test_a_killed_run_leaves_no_server_behind_and_can_be_gone_on_with(runs: Any) -> None:
    run = runs("demo", "--speed", "60")
    pids = [one["pid"] for one in run.endpoints()["servers"].values()]
    run.until(lambda: len(run.calls()) >= 5, "calls")
    run.process.kill()
    run.process.wait()
    second = runs("demo", "--speed", "400")
    assert second.wait(100) == 0, second.text()
    assert gone(pids, 1.0) and second.outcome()["reconciled"]


def test_a_second_run_in_the_same_directory_says_why_not(runs: Any, tmp_path: Path) -> None:
    run = runs("serve-lab", "--speed", "100")
    run.endpoints()
    second = runs("demo")
    assert second.wait(20) == 1
    assert f"another demonstration runs in it (process {run.process.pid})" in second.text()
    run.process.send_signal(signal.SIGTERM)
    assert run.wait(30) == 0, run.text()
    other = runs("demo", contacts=written(tmp_path / "run", "others.csv"))
    (tmp_path / "run" / "others.csv").write_text("name,phone\nX,+14155559999\n")
    assert other.wait(20) == 1 and "it holds a run of other contacts (mine.csv)" in other.text()


def test_serve_lab_tells_a_visitor_where_to_go_and_survives_junk(runs: Any) -> None:
    run = runs("serve-lab", "--speed", "100")
    endpoints = run.endpoints()
    assert (run.folder / "endpoints.json").stat().st_mode & 0o777 == 0o600
    assert run.endpoints()["names"] == {"campaign": "demo", "campaign_group": 401, "calling_list": "contacts",
                                        "communication_dn": "6900", "third_party": 901}
    assert {"tserver", "statserver", "icon", "cpdserver", "peer", "manhole"} <= set(endpoints["servers"]) <= {
        "tserver", "statserver", "cpdserver", "icon", "interaction", "desktop", "peer", "manhole", "console"}
    assert len(endpoints["agents"]) >= 2
    assert all(set(agent) == {"login", "password", "dn", "queue"} for agent in endpoints["agents"])
    pids = [one["pid"] for one in endpoints["servers"].values()]
    for place in endpoints["servers"].values():
        assert place["tls"] is False
        for junk in (b"\x00" * 64, b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 70_000, encode_frame(b"\xc1"),
                     encode_message(Message("RequestRegisterClient", 1, {"ApplicationName": 7}))):
            with socket.create_connection((place["host"], place["port"]), timeout=5) as wire:
                wire.sendall(junk)
    for place in (endpoints["servers"][name] for name in ("tserver", "statserver", "icon", "peer")):
        with socket.create_connection((place["host"], place["port"]), timeout=5) as wire:
            wire.sendall(encode_message(Message("RequestRegisterClient", 1, {
                "ApplicationName": place["application"], "ApplicationPassword": place["password"], "ProtocolVersion": "1"})))
            assert b"EventLinkConnected" in wire.recv(4_096)
    assert all(map(alive, pids))
    run.process.send_signal(signal.SIGINT)
    assert run.wait(30) == 0 and gone(pids, 1.0), run.text()


@pytest.mark.parametrize("content, words", [
    ("", "the file is empty"),
    ("name,colour\nA,red\n", "phone"),
    ("name,phone\nA,nonsense\nB,+14155550001\n", "line 2: "),
])
def test_a_file_that_cannot_be_imported_is_explained_and_nothing_is_imported(runs: Any, tmp_path: Path, content: str,
                                                                             words: str) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(content)
    run = runs("demo", contacts=broken)
    assert run.wait(20) == 1 and words in run.text() and "Traceback" not in run.text()


def test_a_directory_that_cannot_be_written_is_explained(runs: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = runs("demo", folder=tmp_path / "file" / "run2")
    assert run.wait(20) == 1 and "Not a directory" in run.text() and "Traceback" not in run.text()
