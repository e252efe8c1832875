"""The call audit: a line for each call, in order, within bounds, and never in the reactor's way."""
from __future__ import annotations

import csv
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.store.call_audit import AUDIT_COLUMNS, AuditFile, CallAudit, audit_line
from tests.conftest import Logged

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
        "conn_id", "dialed", "answered", "ended", "call_state", "call_result", "final_result", "treatment", "agent_id",
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


def test_lines_are_written_in_order_while_more_come(tmp_path: Path) -> None:
    thread = Thread()
    audit = CallAudit(AuditFile(tmp_path, lambda: NOON), thread)
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


def test_a_disk_that_fails_costs_nothing_until_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    thread, file = Thread(), AuditFile(tmp_path, lambda: NOON)
    audit = CallAudit(file, thread, limit=3)
    append = file.append

    def full(lines: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "append", full)
    for number in range(5):
        audit.note((str(number),))
        if thread.waiting:
            thread.step()
    assert audit.dropped == 2 and lines_of(tmp_path) == []
    assert [text for text in logged.texts() if "No space" in text] == logged.texts()[:1]       # said once
    monkeypatch.setattr(file, "append", append)
    stopped = audit.stop()
    thread.step()
    assert stopped.called and [row["guid"] for row in lines_of(tmp_path)] == ["0", "1", "2"] and audit.dropped == 0
    assert "2 lines were dropped" in logged.texts()[-1]
