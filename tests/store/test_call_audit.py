"""The call audit: a line for each call, in order, within bounds, and never in the reactor's way."""
from __future__ import annotations

import csv
import resource
import signal
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.interfaces import IHistory
from ocs.store.call_audit import AuditFile
from ocs.store.call_history import AUDIT_COLUMNS, CallHistory, audit_line
from ocs.store.line_writer import LineWriter
from tests.conftest import Logged
from tests.scheduler.bench import PREVIEW, Bench, record

NOON = 1_767_614_400.25
ATTEMPT = Attempt("g-1", "Spring", 7, 3, 1, "+12125550100", 2, 'Spring, "late"', "East", "s-1", NOON, AttemptState.CLOSED, "00a1",
                  NOON + 0.5, NOON + 4, NOON + 64, 0, CallResult.ANSWER, "1001", "7001", "redial")


class Thread:
    """Runs what it is given when told, one at a time."""

    def __init__(self) -> None:
        self.waiting: deque[Any] = deque()

    def __call__(self, function: Any, *arguments: Any) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        self.waiting.append((deferred, function, arguments))
        return deferred

    def step(self) -> None:
        deferred, function, arguments = self.waiting.popleft()
        try:
            outcome = function(*arguments)
        except OSError as error:
            deferred.errback(error)
        else:
            deferred.callback(outcome)


def lines_of(folder: Path) -> list[dict[str, str]]:
    return [row for path in sorted(folder.glob("CallStats.*.log")) for row in csv.DictReader(path.read_text().splitlines())]


def test_a_line_has_the_whole_story_of_a_call(tmp_path: Path) -> None:
    AuditFile(tmp_path / "audit", lambda: NOON).append([audit_line(ATTEMPT, "progressive", Record(
        7, 3, 1, "+12125550100", call_result=CallResult.WRONG_NUMBER))])
    (path,) = (tmp_path / "audit").iterdir()
    assert path.name == "CallStats.20260105_120000.log" and path.stat().st_mode & 0o077 == 0
    (line,) = lines_of(tmp_path / "audit")
    assert list(line) == list(AUDIT_COLUMNS) and None not in line.values()
    assert line["campaign"] == 'Spring, "late"' and line["opened"] == "2026-01-05T12:00:00.250Z"
    assert (line["answered"], line["ended"]) == ("2026-01-05T12:00:04.250Z", "2026-01-05T12:01:04.250Z")
    assert (line["call_result"], line["final_result"], line["outcome"]) == ("33", str(int(CallResult.WRONG_NUMBER)), "closed")


def test_a_call_that_was_never_dialed_has_empty_places() -> None:
    line = dict(zip(AUDIT_COLUMNS, audit_line(Attempt("g", "L", 1, 1, 1, "+1", 1, "C", "G", "s", NOON), "preview")))
    assert {name for name, value in line.items() if value == ""} == {
        "conn_id", "dialed", "answered", "cpd_completed", "transferred", "agent_connected", "ended", "call_state",
        "call_result", "final_result", "treatment", "agent_id",
        "agent_dn"}


def test_segments_have_a_size_and_the_oldest_go(tmp_path: Path) -> None:
    file = AuditFile(tmp_path, lambda: NOON, segment_octets=1_000, segments=3)
    for number in range(60):
        file.append([(f"line {number}", "x" * 80)])
    left = sorted(tmp_path.iterdir())
    assert len(left) == 3 and all(path.stat().st_size < 1_000 + 100 for path in left)
    kept = [row["guid"] for row in lines_of(tmp_path)]
    assert kept == [f"line {number}" for number in range(60 - len(kept), 60)]
    again = AuditFile(tmp_path, lambda: NOON, segment_octets=1_000, segments=3)     # another run begins a segment of its own
    again.append([("next",)])
    assert len(list(tmp_path.iterdir())) == 3 and sorted(tmp_path.iterdir())[-1].read_text().splitlines()[-1] == "next"


def audit_of(file: AuditFile, thread: Thread, **values: int) -> tuple[LineWriter, Clock]:
    clock = Clock()
    return LineWriter("call audit", file, thread, clock, **values), clock


def test_lines_are_written_in_order_while_more_come(tmp_path: Path) -> None:
    thread = Thread()
    audit, _ = audit_of(AuditFile(tmp_path, lambda: NOON), thread)
    audit.note(("1",))
    for number in range(2, 6):
        audit.note((str(number),))
    stopped = audit.stop()
    assert len(thread.waiting) == 1 and not stopped.called
    thread.step()
    assert not stopped.called
    thread.step()
    assert stopped.called and [row["guid"] for row in lines_of(tmp_path)] == ["1", "2", "3", "4", "5"]
    assert audit.stop().called


def full(lines: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_fails_costs_nothing_until_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    thread, file = Thread(), AuditFile(tmp_path, lambda: NOON)
    audit, clock = audit_of(file, thread, limit=3)
    append = file.append
    monkeypatch.setattr(file, "append", full)
    for number in range(5):
        audit.note((str(number),))
        if thread.waiting:
            thread.step()
    assert audit.lost == 2 and str(audit) == "cannot be written, 3 lines wait; 2 lines lost" and not thread.waiting
    clock.advance(5.0)          # tried again now and then, not with each line
    thread.step()
    assert [text for text in logged.texts() if "No space" in text] == logged.texts()[:1]       # said once
    monkeypatch.setattr(file, "append", append)
    clock.advance(5.0)
    thread.step()
    assert [row["guid"] for row in lines_of(tmp_path)] == ["0", "1", "2"] and str(audit) == "written; 2 lines lost"
    assert "2 lines were lost" in logged.texts()[-1] and clock.getDelayedCalls() == []


def test_a_stop_tries_once_more_and_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thread, file = Thread(), AuditFile(tmp_path, lambda: NOON)
    audit, clock = audit_of(file, thread)
    monkeypatch.setattr(file, "append", full)
    audit.note(("1",))
    thread.step()
    stopped = audit.stop()
    thread.step()
    assert stopped.called and clock.getDelayedCalls() == [] and not thread.waiting


def test_what_a_full_disk_took_of_some_lines_is_taken_back(tmp_path: Path) -> None:
    """A file system that has room for so many octets."""
    file = AuditFile(tmp_path, lambda: NOON)
    file.append([("first",)])
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limit[1]))
    try:
        with pytest.raises(OSError):
            file.append([(f"line {number}", "x" * 20) for number in range(10)])
        again = AuditFile(tmp_path, lambda: NOON + 60, segment_octets=1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3, limit[1]))
        with pytest.raises(OSError):
            again.append([("second",)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    file.append([("second",)])
    assert [row["guid"] for row in lines_of(tmp_path)] == ["first", "second"]


# -- what the engine tells ----------------------------------------------------------------------------------------
Line = dict[str, str]


def audited(records: list[Record], **values: Any) -> tuple[Bench, list[Line]]:
    """A bench at work, and the lines that were made so far."""
    bench, lines = Bench(records, running=False, **values), list[Line]()
    history = CallHistory(lambda line: lines.append(dict(zip(AUDIT_COLUMNS, line))))
    assert verifyObject(IHistory, history)
    bench.context.history.add_listener(history)
    bench.up()
    bench.begin()
    bench.ready("7001")
    return bench, lines


def test_a_call_has_its_line_when_its_agent_has_settled_it() -> None:
    bench, lines = audited([record(1)])
    bench.talk()
    bench.hang_up(bench.switch.dialed[0])
    assert lines == []
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=53)
    (line,) = lines
    assert (line["guid"], line["conn_id"]) == (bench.attempts(1)[0].guid, bench.switch.dialed[0].conn_id)
    assert (line["dialing_mode"], line["phone"], line["agent_id"], line["outcome"]) == (
        "progressive", "+12125550001", "1001", "closed")
    assert (line["call_result"], line["final_result"], line["attempt"]) == ("53", "53", "1")
    times = ("opened", "dialed", "answered", "cpd_completed", "transferred", "agent_connected", "ended")
    assert all(line[name] for name in times)


def test_a_record_that_is_settled_during_its_call_has_its_line_when_the_call_is_over() -> None:
    bench, lines = audited([record(1)])
    bench.talk()
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=33)
    assert lines == []
    bench.pass_(10)
    bench.hang_up(bench.switch.dialed[0])
    (line,) = lines
    assert line["ended"] and line["final_result"] == "33"


def test_each_call_of_a_chain_has_a_line_with_its_treatment() -> None:
    bench, lines = audited([record(1)])
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    (line,) = lines
    assert (line["call_result"], line["treatment"], line["agent_id"]) == ("6", "busy", "")
    bench.pass_(301)
    bench.switch.over(bench.switch.dialed[1].conn_id, call_state=12)
    assert [(each["attempt"], each["call_result"]) for each in lines] == [("1", "6"), ("2", "12")]
    assert lines[0]["guid"] != lines[1]["guid"]


def test_what_was_not_dialed_has_no_line_but_for_a_number_that_the_switch_refused() -> None:
    bench, lines = audited([record(1)], mode=PREVIEW)
    event = bench.preview()
    bench.ask("7001", "RecordReject", record_handle=event.record.record_handle)     # type: ignore[union-attr]
    assert bench.attempts(1)[0].state is AttemptState.NOT_DIALED and lines == []
    bench = Bench([record(1), record(2)], running=False)
    bench.context.history.add_listener(CallHistory(lambda line: lines.append(dict(zip(AUDIT_COLUMNS, line)))))
    bench.switch.silent.add("make_predictive_call")
    bench.up()
    bench.begin()
    bench.ready("7001")
    bench.switch.refuse(bench.switch.dialed[0], 54)     # the switch's own trouble
    bench.pass_(11)
    bench.switch.refuse(bench.switch.dialed[1], 71)     # the number
    assert [(line["call_result"], line["outcome"]) for line in lines] == [("41", "not-dialed")]


def test_calls_of_an_agent_who_dials_twice_have_a_line_each() -> None:
    bench, lines = audited([record(1)], mode=PREVIEW)
    event = bench.preview()
    for result in (6, 33):
        conn_id = bench.dial_preview(event)
        bench.switch.over(conn_id, "7001", call_state=result)
        bench.pass_(0)
    assert len(lines) == 1 and lines[0]["dialing_mode"] == "preview"
    bench.ask("7001", "RecordProcessed", record_handle=event.record.record_handle, call_result=33)  # type: ignore[union-attr]
    assert [line["attempt"] for line in lines] == ["1", "2"] and len({line["guid"] for line in lines}) == 2


def test_a_call_that_a_crash_cut_off_has_a_line_after_it() -> None:
    first, lines = audited([record(1)])
    again = Bench(store=first.memory, running=False, seed=2)
    again.context.history.add_listener(CallHistory(lambda line: lines.append(dict(zip(AUDIT_COLUMNS, line)))))
    again.up()
    again.begin()
    assert [(line["outcome"], line["call_result"]) for line in lines] == [("unknown", "28")]


def test_what_is_still_with_an_agent_has_its_line_at_the_stop() -> None:
    lines: list[Any] = []
    bench, history = Bench([record(1)], running=False), CallHistory(lines.append)
    bench.context.history.add_listener(history)
    bench.up()
    bench.begin()
    bench.ready("7001")
    bench.talk()
    bench.hang_up(bench.switch.dialed[0])
    assert lines == []
    history.stop()
    assert len(lines) == 1
