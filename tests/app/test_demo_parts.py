from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from ocs.app.cli.root import ocs
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.demo.configs import (
    SESSION,
    LabTime,
    icon_config,
    make_plan,
    ocs_config,
    statserver_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import DemoDirectory, DirectoryRefused, write_json
from ocs.app.demo.figures import Figures
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.planned import Planned, Reason
from ocs.app.demo.show import PlainBoard, board, closing, verdict
from ocs.app.demo.snapshot import Snapshot, Watcher, finished
from ocs.app.demo.times import parse_time
from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.errors import ConfigurationError
from ocs.options import load, load_file
from ocs.servers.icon.config import IconOptions
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.tserver.config import TServerOptions
from ocs.store.attempts import insert_attempts
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.versions import upgrade
from tests.doubles.clock import epoch

NOON = epoch("2026-03-10T12:00-07:00")


def silent(_: str) -> None:
    """Say nothing."""


# -- the directory ---------------------------------------------------------------------------------------------------
def test_a_directory_is_made_locked_and_given_back(tmp_path: Path) -> None:
    first, second = DemoDirectory(tmp_path / "new" / "run"), DemoDirectory(tmp_path / "new" / "run")
    first.open(silent)
    with pytest.raises(DirectoryRefused, match=f"another demonstration runs in it .process {os.getpid()}"):
        second.open(silent)
    first.close()
    second.open(silent)
    second.close()


def test_the_lock_lasts_until_the_servers_of_a_killed_run_are_gone(tmp_path: Path) -> None:
    """The lock belongs to the open file: as long as a child has inherited it, the directory is taken."""
    first = DemoDirectory(tmp_path)
    first.open(silent)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[first.lock])
    assert child.stdin is not None
    first.close()
    (tmp_path / "lock").write_text("999999999")     # a parent that is no more
    said: list[str] = []
    second = DemoDirectory(tmp_path)
    with pytest.raises(DirectoryRefused, match="servers of an earlier run are still at work"):
        second.open(said.append, wait_s=0.15)
    assert said == ["waiting for the servers of an earlier run to stop ..."]
    child.stdin.close()
    child.wait()
    second.open(silent)
    second.close()


def test_a_directory_that_cannot_be_written_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryRefused, match=f"directory {tmp_path}/file/run: Not a directory"):
        DemoDirectory(tmp_path / "file" / "run").open(silent)
    with pytest.raises(DirectoryRefused, match="directory /proc/nowhere: "):
        DemoDirectory(Path("/proc/nowhere")).open(silent)


def test_the_state_is_for_the_same_contacts_only(tmp_path: Path) -> None:
    contacts, others = tmp_path / "a.csv", tmp_path / "b.csv"
    contacts.write_text("name,phone\nA,+14155550001\n")
    others.write_text("name,phone\nB,+14155550002\n")
    directory = DemoDirectory(tmp_path)
    state = directory.load_state(contacts)
    assert not state.imported and state.wall == 0.0
    directory.save_state(state, imported=True, wall=5.0)
    assert directory.load_state(contacts).wall == 5.0
    with pytest.raises(DirectoryRefused, match="it holds a run of other contacts .a.csv."):
        directory.load_state(others)
    with pytest.raises(DirectoryRefused, match="contacts .*none.csv: No such file"):
        directory.load_state(tmp_path / "none.csv")
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(DirectoryRefused, match="state.json cannot be used"):
        directory.load_state(contacts)


def test_json_is_written_whole_and_for_the_owner_only(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o600 and os.listdir(tmp_path) == ["x.json"]


# -- the configuration files -----------------------------------------------------------------------------------------
def options(folder: Path, **changes: Any) -> DemoOptions:
    return replace(DemoOptions(folder / "contacts.csv", None, 3, DialingMode.PREVIEW, 60.0, None, 7, folder), **changes)


def test_all_servers_accept_their_files_and_agree_on_time_agents_and_passwords(tmp_path: Path) -> None:
    plan = make_plan(options(tmp_path), tmp_path, "sqlite:///x", LabTime(60.0, NOON, 5.0), shipped("demo.toml"))
    write_config(tmp_path / "tserver.toml", TServerOptions, tserver_config(plan))
    write_config(tmp_path / "statserver.toml", StatServerOptions, statserver_config(plan, 4711))
    write_config(tmp_path / "ocs.toml", OCSOptions, ocs_config(plan, 4711, 4712))
    switch, server = load_file(TServerOptions, tmp_path / "tserver.toml"), load_file(OCSOptions, tmp_path / "ocs.toml")
    states = load_file(StatServerOptions, tmp_path / "statserver.toml")
    assert states.clock == server.clock and states.tserver[0].port == 4711 and server.statserver.port == 4712
    assert switch.clock == server.clock and server.clock.speed == 60.0 and server.clock.wall_start == NOON
    assert switch.simulator.seed == 7 and server.tserver.port == 4711
    group = to_campaign_groups(server)[SESSION]
    assert group.mode is DialingMode.PREVIEW
    assert group.group.dns == tuple(one.dn for one in plan.agents + plan.visitors) and len(plan.visitors) >= 2
    assert {agent.id for agent in switch.agent} == set(group.group.agents)
    directory = states.directory()
    assert directory.agent_groups[group.group.name].members == group.group.agents
    assert directory.switches["tserver"].dns == group.group.dns and not ocs_config(plan, 4711)["statserver"]
    assert (tmp_path / "ocs.toml").stat().st_mode & 0o777 == 0o600
    history = load(IconOptions, icon_config(plan))
    assert history.clock == server.clock and history.database.create and not ocs_config(plan, 4711)["icon"]
    reporting = load(OCSOptions, ocs_config(plan, 4711, 4712, 4713)).icon
    assert reporting.enabled and reporting.port == 4713 and reporting.spool_file == tmp_path / "icon-spool.sqlite"
    from ocs.passwords import verify_password
    hashes = {one.name: one.password_hash for one in switch.application}
    assert verify_password(hashes["ocs"], server.tserver.secret) and verify_password(hashes["lab"], plan.passwords["lab"])
    assert verify_password(hashes["statserver"], states.tserver[0].secret)
    assert verify_password({one.name: one.password_hash for one in states.application}["ocs"], server.statserver.secret)
    assert verify_password({one.name: one.password_hash for one in history.application}["ocs"], reporting.secret)
    for text in (plan.passwords["lab"], plan.agents[0].password):
        assert text not in repr(plan)


@pytest.mark.parametrize("database, icon", [
    ("sqlite:////elsewhere/ocs.sqlite", "sqlite:///{folder}/icon.sqlite"),
    ("postgresql://ocs@db/ocs", "postgresql://ocs@db/ocs")])
def test_icon_keeps_its_tables_in_the_directory_or_beside_the_lists_on_postgresql(
        tmp_path: Path, database: str, icon: str) -> None:
    plan = make_plan(options(tmp_path), tmp_path, database, LabTime(60.0, NOON, 5.0), shipped("demo.toml"))
    assert plan.icon_database == icon.format(folder=tmp_path)


def test_with_tls_the_tserver_and_the_link_to_it_have_certificates_of_the_run(tmp_path: Path) -> None:
    plan = make_plan(options(tmp_path, tls=True), tmp_path, "sqlite:///x", LabTime(60.0, NOON, 5.0), shipped("demo.toml"))
    switch, server = load(TServerOptions, tserver_config(plan)), load(OCSOptions, ocs_config(plan, 4711))
    assert switch.listen.tls.enabled and server.tserver.tls.enabled and server.tserver.tls.ca == tmp_path / "ca.pem"
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("ca.pem", "server.pem", "server.key")} == {0o600}
    again = make_plan(options(tmp_path, tls=True), tmp_path, "sqlite:///x", LabTime(60.0, NOON, 5.0), shipped("demo.toml"))
    assert load(TServerOptions, tserver_config(again)).listen.tls.enabled       # a second run makes its own


def test_a_demo_file_with_a_mistake_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text("[osc]\n")
    with pytest.raises(ConfigurationError, match="osc: unknown table"):
        make_plan(options(tmp_path), tmp_path, "x", LabTime(1, 1, 1), tmp_path / "demo.toml")
    (tmp_path / "demo.toml").write_text("[ocs.dialing]\npacing_tick = 1\n")
    plan = make_plan(options(tmp_path), tmp_path, "sqlite:///x", LabTime(1, 1, 1), tmp_path / "demo.toml")
    with pytest.raises(ConfigurationError, match="dialing.pacing_tick: unknown option"):
        write_config(tmp_path / "ocs.toml", OCSOptions, ocs_config(plan, 1))
    assert not (tmp_path / "ocs.toml").exists()


def test_the_shipped_demo_file_needs_no_unknown_agent_behaviour(tmp_path: Path) -> None:
    plan = make_plan(options(tmp_path), tmp_path, "x", LabTime(1, 1, 1), shipped("demo.toml"))
    assert plan.behaviour.wrap_up_s > 0
    assert load(TServerOptions, tserver_config(plan)).simulator.person > 0


# -- snapshots -------------------------------------------------------------------------------------------------------
def filled(folder: Path) -> Any:
    backend = backend_for(f"sqlite:///{folder}/ocs.sqlite")
    upgrade(backend.url)
    with transaction(backend) as work:
        catalog = Catalog()
        table = create_list(work, catalog, "contacts")
        zone = catalog.zone_dbid(work, "Asia/Tokyo")
        insert_records(work, table, [
            Record(1, 1, 0, "+1", record_status=RecordStatus.UPDATED, call_result=CallResult.BUSY),
            Record(2, 2, 0, "+2", record_status=RecordStatus.RETRIEVED),
            Record(3, 3, 0, "+3", record_type=RecordType.CAMPAIGN_RESCHEDULED, dial_sched_time=int(NOON) + 900),
            Record(4, 4, 0, "+4", tz_dbid=zone, tz_name="Asia/Tokyo"),
            Record(5, 5, 0, "+5", record_type=RecordType.PERSONAL_CALLBACK, dial_sched_time=int(NOON) + 800),
            Record(7, 7, 0, "+7", record_type=RecordType.NO_CALL),
            Record(6, 6, 0, "+6", daily_from=5, daily_till=5)])
        base = Attempt("g1", "contacts", 1, 1, 0, "+1", 1, "c", "g", "s", NOON)
        insert_attempts(work, [
            replace(base, state=AttemptState.CLOSED, call_result=CallResult.BUSY), replace(base, guid="g2", record_id=2),
            replace(base, guid="g3", state=AttemptState.NOT_DIALED), replace(base, guid="g4", state=AttemptState.UNKNOWN)])
    return backend


def test_a_snapshot_counts_records_calls_and_tells_when_something_is_due(tmp_path: Path) -> None:
    snapshot = Watcher(filled(tmp_path), "contacts").take(NOON, {"ready": 2})
    assert (snapshot.records, snapshot.final, snapshot.retrieved, snapshot.in_progress) == (7, 1, 1, 1)
    assert (snapshot.calls, snapshot.results) == (2, {"Busy": 1, "Unknown": 1})
    assert snapshot.next_due == NOON + 800      # an agent's own callback counts, a window that never opens does not
    assert not finished(snapshot, 1.0)
    idle = replace(snapshot, retrieved=0, in_progress=0)
    assert finished(idle, 600.0) and not finished(idle, 1_200.0) and finished(replace(idle, next_due=None), 1e9)


# -- what people see -------------------------------------------------------------------------------------------------
SNAPSHOT = Snapshot(NOON, 100, 40, 5, 3, 60, {"Answer": 30, "Busy": 30}, NOON, {"talk": 2, "ready": 1})
FIGURES = Figures(records=3, final=1, chains=2, calls=4, results={"Answer": 3, "Busy": 1}, answered=3, abandoned=1,
                  abandon_rate=1 / 3, utilisation=0.5, dnc_blocked=0, outside_window=1,
                  planned=[Planned(2, Reason.RETRY, NOON, "retry scheduled"),
                           Planned(3, Reason.OUTSIDE_WINDOW, NOON, "outside its calling window")],
                  differences=[], seconds=1.0, database="d", directory="/x")


def shown(*renderables: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(*renderables)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_board_shows_records_calls_agents_and_results() -> None:
    text = shown(board(SNAPSHOT, 12.0, "ocs demo"))
    for part in ("40 of 100  (40%)", "calls in progress", "talk", "results of 60 calls", "Busy", "50%", "19:00:00Z"):
        assert part in text
    assert shown(board(Snapshot(NOON, 0, 0, 0, 0, 0, {}, None), 0.0, "x"))


def test_without_a_terminal_a_line_is_printed_now_and_then() -> None:
    console = Console(file=io.StringIO(), width=60)
    plain = PlainBoard(console, every_s=5.0)
    for seconds in (0.0, 1.0, 4.9, 5.0):
        plain.show(SNAPSHOT, seconds)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2 and "final 40/100" in lines[0] and "talk 2, ready 1" in lines[0]


def test_the_closing_table_tells_what_became_of_every_record() -> None:
    text = shown(closing(FIGURES))
    for part in ("retry scheduled", "outside its calling window", "numbers of 2 contacts", "75.0%", "33.33% of answered"):
        assert part in text
    assert "agree on every one of 4 calls" in shown(verdict(FIGURES))
    differing = shown(verdict(replace(FIGURES, differences=[f"call {n}: no attempt" for n in range(25)])))
    assert "differ in 25 places" in differing and "call 19:" in differing and "5 more" in differing


# -- the command line ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments, words", [
    (["--mode", "power"], "power is not available; there are predictive, progressive, preview"),
    (["--mode", "warp"], "'warp' is no dialing mode"),
    (["--mode", "predictive", "--obn"], "--obn: only in --mode power-gvp"),
    (["--database", "mysql://db/x"], "not a database that is supported"),
    (["--database", "sqlite://"], "name a file"),
    (["--now", "yesterday"], "is not a time such as"),
    (["--now", "2026-03-10T16:30"], "lacks its offset"),
    (["--agents", "0"], "0 is not in the range"),
    (["--speed", "0"], "not in the range"),
    (["--contacts", "/nowhere/x.csv"], "does not exist"),
    (["--json", "/nowhere/x.json"], "no directory"),
])
@pytest.mark.parametrize("command", ["demo", "serve-lab"])
def test_wrong_use_is_explained_and_ends_with_status_2(command: str, arguments: list[str], words: str) -> None:
    given = [] if "--contacts" in arguments else ["--contacts", __file__]
    outcome = CliRunner().invoke(ocs, [command, *given, *arguments])
    assert outcome.exit_code == 2 and words in " ".join(outcome.output.split())


def test_a_moment_is_read_with_its_offset() -> None:
    assert parse_time("2026-03-10T16:30:00Z") == parse_time("2026-03-10T12:30:00-04:00") == 1_773_160_200.0


def test_help_answers_without_importing_the_servers() -> None:
    code = ("import sys; from ocs.app.cli.root import ocs; ocs(['--help'], standalone_mode=False);"
            " print([n for n in sys.modules if n.split('.')[0] in ('twisted', 'sqlalchemy', 'rich')])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).resolve().parents[2])
    assert done.stdout.strip().endswith("[]") and "serve-lab" in done.stdout
