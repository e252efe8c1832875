"""The call audit: one comma-separated line for each dialed call, in files that a database is not needed to read.

A segment is `CallStats.<UTC date and time>.log`; the first line names the columns. When it has reached its size the next
one begins, and the oldest beyond the limit goes, so the audit never fills the disk. Lines are written in a thread, in order;
while the disk does not take them they wait, up to a limit, and what is dropped is counted and logged.

Source: the public description of the audit log (name, content, 10 MB segments); the columns' order is this project's.
"""
from __future__ import annotations

import csv
import io
import os
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Iterable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.values import Attempt, Record

__all__ = ["AUDIT_COLUMNS", "AuditFile", "CallAudit", "audit_line"]

log = Logger()

AUDIT_COLUMNS = ("guid", "conn_id", "campaign", "group", "session", "dialing_mode", "calling_list", "record_id", "chain_id",
                 "chain_n", "attempt", "phone", "opened", "dialed", "answered", "ended", "call_state", "call_result",
                 "final_result", "treatment", "agent_id", "agent_dn", "outcome")


def audit_line(attempt: Attempt, dialing_mode: str, record: Record | None = None) -> tuple[str, ...]:
    """The values of one line. Times are UTC with milliseconds; results by their public numbers; `record` is the record as the
    call left it, where it is known."""
    return (attempt.guid, attempt.conn_id or "", attempt.campaign, attempt.group, attempt.session_guid, dialing_mode,
            attempt.calling_list, str(attempt.record_id), str(attempt.chain_id), str(attempt.chain_n), str(attempt.number),
            attempt.phone, _time(attempt.opened_at), _time(attempt.dialed_at), _time(attempt.answered_at),
            _time(attempt.ended_at), _number(attempt.call_state), _number(attempt.call_result),
            "" if record is None else _number(record.call_result), attempt.treatment or "", attempt.agent_id or "",
            attempt.agent_dn or "", attempt.state.value)


def _time(value: float | None) -> str:
    if value is None:
        return ""
    return datetime.fromtimestamp(value, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: int | None) -> str:
    return "" if value is None else str(int(value))


class AuditFile:
    """The segments in one folder. Blocks; used by one thread at a time. Raises OSError."""

    def __init__(self, folder: Path, wall: Callable[[], float], segment_octets: int = 10_000_000, segments: int = 100) -> None:
        self._folder, self._wall, self._limit, self._segments = folder, wall, segment_octets, segments
        self._current: Path | None = None

    def append(self, lines: Iterable[Sequence[str]]) -> None:
        """Write these lines, whole, before it returns."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        octets = text.getvalue().encode("utf-8", "replace")
        if self._current is None or not self._current.exists() or self._current.stat().st_size >= self._limit:
            self._begin()
        assert self._current is not None
        with self._current.open("ab") as file:
            file.write(octets)

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self._wall(), timezone.utc).strftime("%Y%m%d_%H%M%S")
        number, path = 1, self._folder / f"CallStats.{stamp}.log"
        while path.exists():                                        # two in a second, or a clock that was turned back
            number += 1
            path = self._folder / f"CallStats.{stamp}_{number:03}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)     # people's numbers: its owner's alone
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(",".join(AUDIT_COLUMNS) + "\n")
        self._current = path
        by_age = sorted(self._folder.glob("CallStats.*.log"), key=lambda one: (one.stat().st_mtime_ns, one.name))
        for old in by_age[:-self._segments]:
            if old != path:
                old.unlink(missing_ok=True)


class CallAudit:
    """Takes lines on the reactor's thread and has them written elsewhere. `in_thread(function, argument)` runs it off the
    reactor and fires with its outcome. At most `limit` lines wait."""

    def __init__(self, file: AuditFile, in_thread: Callable[..., Deferred[Any]], limit: int = 10_000) -> None:
        self._file, self._in_thread, self._limit = file, in_thread, limit
        self._waiting: deque[tuple[str, ...]] = deque()
        self._writing: Deferred[None] | None = None
        self._failing = False
        self.dropped = 0

    def note(self, line: tuple[str, ...]) -> None:
        """Write this line soon; returns at once. One that finds no room is dropped and counted."""
        if len(self._waiting) >= self._limit:
            if not self.dropped:
                log.error("call audit: {count} lines wait to be written, further ones are dropped", count=self._limit)
            self.dropped += 1
            return
        self._waiting.append(line)
        self._write()

    def stop(self) -> Deferred[None]:
        """Write what waits; fires when that is done, or has failed. Never fails."""
        if self._writing is None:
            self._write()
        if self._writing is None:
            return succeed(None)
        told: Deferred[None] = Deferred()
        self._writing.addCallback(lambda _: told.callback(None))
        return told

    def _write(self) -> None:
        if self._writing is not None or not self._waiting:
            return
        lines = list(self._waiting)
        self._writing = Deferred()
        self._in_thread(self._file.append, lines).addCallbacks(self._written, self._failed, callbackArgs=(len(lines),))

    def _written(self, _: object, count: int) -> None:
        for _number_of_line in range(count):
            self._waiting.popleft()
        if self._failing:
            log.info("call audit is written again; {dropped} lines were dropped", dropped=self.dropped)
        self._failing, self.dropped = False, 0
        self._done(again=True)

    def _failed(self, failure: Failure) -> None:
        if failure.check(OSError) is None:
            log.failure("writing the call audit", failure)
        elif not self._failing:
            log.error("call audit cannot be written, lines wait: {reason}", reason=failure.getErrorMessage())
        self._failing = True
        self._done(again=False)                 # the next line tries again

    def _done(self, again: bool) -> None:
        writing, self._writing = self._writing, None
        if again:
            self._write()
        if writing is not None:
            if self._writing is not None:
                self._writing.addCallback(lambda _: writing.callback(None))
            else:
                writing.callback(None)
