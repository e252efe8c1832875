from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.store.versions import upgrade
from tests.doubles.ports import busy_port
from tests.postgres import PostgresServer
from tests.system.server_process import ROOT, TWISTD


def twistd(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", TWISTD, "-n", "--pidfile=", "ocs", *arguments], cwd=folder, text=True,
                          capture_output=True, timeout=30, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_every_problem_of_the_configuration_is_told_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "ocs.toml").write_text("[dialing]\npacing_tick = 1\nstop_deadline_s = -1\n[unknown]\n")
    done = twistd(tmp_path, "--config", "ocs.toml")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [
        "unknown: unknown table", "dialing.pacing_tick: unknown option (did you mean pacing_tick_s?)",
        "dialing.stop_deadline_s: 0 to 3600 is expected, not -1"]


@pytest.mark.parametrize("arguments, words", [((), "--config FILE is required"), (("--config", "none.toml"), "No such file")])
def test_a_configuration_that_is_not_there_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = twistd(tmp_path, *arguments)
    assert done.returncode == 1 and words in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_a_database_that_was_never_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "ocs.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/none.db"\n')
    done = twistd(tmp_path, "--config", "ocs.toml")
    assert done.returncode == 1 and "ocs db upgrade" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_a_busy_port_is_told_with_its_option(tmp_path: Path) -> None:
    from ocs.passwords import hash_password
    upgrade(f"sqlite:///{tmp_path}/ocs.db")
    with busy_port() as taken:
        port = taken.getsockname()[1]
        (tmp_path / "ocs.toml").write_text(
            f'[database]\nurl = "sqlite:///{tmp_path}/ocs.db"\n[manhole]\nenabled = true\nport = {port}\n'
            f'password_hash = "{hash_password("x", cheap=True)}"\n')
        done = twistd(tmp_path, "--config", "ocs.toml")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"manhole.port: cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


def ready_and_stopped(folder: Path, more: str = "", url: str = "") -> str:
    """What a server without a T-Server says that is stopped as soon as it is ready. (twistd ends itself by the signal once all
    is done.)"""
    url = url or f"sqlite:///{folder}/ocs.db"
    upgrade(url)
    (folder / "ocs.toml").write_text(
        f'[service]\nready_file = "{folder}/ready"\n[tserver]\nport = 1\n{more}\n[database]\nurl = "{url}"\n'
        + ('do_not_call_snapshot = "list.dnc"\n' if url.startswith("postgresql") else ""))
    child = subprocess.Popen([sys.executable, "-c", TWISTD, "-n", "--pidfile=", "ocs", "--config", "ocs.toml"], cwd=folder,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        import time
        deadline = time.monotonic() + 20
        while not (folder / "ready").exists() and time.monotonic() < deadline and child.poll() is None:
            time.sleep(0.05)
        assert (folder / "ready").exists()
        child.send_signal(signal.SIGTERM)
        text, _ = child.communicate(timeout=20)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGTERM
    return text


def test_the_server_runs_without_its_tserver_and_stops_in_order(tmp_path: Path) -> None:
    """SIGTERM in the middle of attempts to connect."""
    text = ready_and_stopped(tmp_path)
    assert "stopped" in text and "Traceback" not in text and "Unhandled" not in text
    assert not (tmp_path / "ready").exists()


def test_do_not_call_checks_that_are_off_are_told_and_audited_and_so_is_their_return(tmp_path: Path) -> None:
    off = ('[dialing]\ncheck_dnc_callback = false\n[[calling_list]]\nname = "spring"\ndbid = 1\ncheck_dnc_list = false\n'
           '[call_audit]\nlog_call_stats = true\n')
    text = ready_and_stopped(tmp_path, off)
    for option in ("dialing.check_dnc_callback", "calling_list[spring].check_dnc_list"):
        assert f"{option} = false: numbers on the do-not-call list are dialed" in text
    assert "are dialed" not in ready_and_stopped(tmp_path)
    with transaction(backend_for(f"sqlite:///{tmp_path}/ocs.db"), write=False) as work:
        work.cursor.execute("SELECT action, who, why, origin FROM dnc_audit WHERE action <> 'begin' ORDER BY sequence")
        rows = work.cursor.fetchall()
    assert rows == [("check-off", "ocs", "calling_list[spring].check_dnc_list = false", "configuration"),
                    ("check-off", "ocs", "dialing.check_dnc_callback = false", "configuration"),
                    ("check-on", "ocs", "dialing.check_dnc_callback = true", "configuration")]


def test_on_postgresql_the_do_not_call_list_comes_from_the_file_that_is_named(
        tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = postgres_server.database()
    for source in ("the database", "the snapshot"):
        text = ready_and_stopped(tmp_path, url=url)
        assert f"do-not-call list: 0 numbers and customer ids from {source}" in text and (tmp_path / "list.dnc").exists()
