"""The call audit: one comma-separated line for each dialed call, in files that a database is not needed to read.

A segment is `CallStats.<UTC date and time>.log`; the first line names the columns. When it has reached its size the next
one begins, and the oldest beyond the limit goes, so the audit never fills the disk. Lines are written in a thread, in order;
while the disk does not take them they wait, up to a limit, and what is dropped is counted and logged.

Source: the public description of the audit log (name, 10 MB segments).
"""
from __future__ import annotations

import csv
import io
import os
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Iterable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.options import option
from ocs.store.call_history import AUDIT_COLUMNS

__all__ = ["AuditFile", "CallAudit", "CallAuditOptions"]


@dataclass(frozen=True)
class CallAuditOptions:
    """A line for each dialed call, in files apart from the database."""

    log_call_stats: bool = option(False, text="Whether the audit is written.")
    directory: Path = option(
        Path("call-audit"), text="Folder of its files, CallStats.DATE_TIME.log; they have telephone numbers in them and are "
                                 "their owner's alone. Each server needs a folder of its own.")
    segment_mb: int = option(10, low=1, high=10_000, unit="MB", text="A file of this size is followed by the next one.")
    segments: int = option(100, low=1, high=100_000, unit="files", text="How many are kept; the oldest go.")


class AuditFile:
    """The segments in one folder. Blocks; used by one thread at a time. Raises OSError."""

    def __init__(self, folder: Path, wall: Callable[[], float], segment_octets: int = 10_000_000, segments: int = 100) -> None:
        self._folder, self._wall, self._limit, self._segments = folder, wall, segment_octets, segments
        self._current: Path | None = None

    def append(self, lines: Iterable[Sequence[str]]) -> None:
        """Write these lines, whole, before it returns. If the disk does not take all of them, none is left in the file."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        octets = text.getvalue().encode("utf-8", "replace")
        if self._current is None or not self._current.exists() or self._current.stat().st_size >= self._limit:
            self._begin()
        assert self._current is not None
        with self._current.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                left = memoryview(octets)
                while left:
                    left = left[file.write(left):]
            except OSError:
                file.truncate(before)
                raise

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self._wall(), timezone.utc).strftime("%Y%m%d_%H%M%S")
        number, path = 1, self._folder / f"CallStats.{stamp}.log"
        while path.exists():                                        # two in a second, or a clock that was turned back
            number += 1
            path = self._folder / f"CallStats.{stamp}_{number:03}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)     # people's numbers: its owner's alone
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(",".join(AUDIT_COLUMNS) + "\n")
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self._current = path
        by_age = sorted(self._folder.glob("CallStats.*.log"), key=lambda one: (one.stat().st_mtime_ns, one.name))
        for old in by_age[:-self._segments]:
            if old != path:
                old.unlink(missing_ok=True)


class CallAudit:
    """Takes lines on the reactor's thread and has them written elsewhere. `in_thread(function, argument)` runs it off the
    reactor and fires with its outcome; `clock` is the reactor's. At most `limit` lines wait; `lost` have found no room."""

    log = Logger()

    def __init__(self, file: AuditFile, in_thread: Callable[..., Deferred[Any]], clock: IReactorTime, limit: int = 10_000,
                 again_s: float = 5.0) -> None:
        self._file, self._in_thread, self._clock, self._limit, self._again_s = file, in_thread, clock, limit, again_s
        self._waiting: deque[tuple[str, ...]] = deque()
        self._writing: Deferred[None] | None = None
        self._again: IDelayedCall | None = None     # while the disk does not take them
        self._failing = self._stopped = False
        self.lost = 0

    def __str__(self) -> str:
        """For people."""
        if self._again is None:
            return f"written{self._shown_lost()}"
        return f"cannot be written, {len(self._waiting)} lines wait{self._shown_lost()}"

    def _shown_lost(self) -> str:
        return f"; {self.lost} lines lost" if self.lost else ""

    def note(self, line: tuple[str, ...]) -> None:
        """Write this line soon; returns at once. One that finds no room is lost and counted."""
        if len(self._waiting) >= self._limit:
            if not self.lost:
                self.log.error("call audit: {count} lines wait to be written, further ones are lost", count=self._limit)
            self.lost += 1
            return
        self._waiting.append(line)
        if self._again is None:
            self._write()

    def stop(self) -> Deferred[None]:
        """Write what waits; fires when that is done, or has failed. Never fails."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
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
            self.log.info("call audit is written again; {lost} lines were lost", lost=self.lost)
        self._failing = False
        self._done(again=True)

    def _failed(self, failure: Failure) -> None:
        if failure.check(OSError) is None:
            self.log.failure("writing the call audit", failure)
        elif not self._failing:
            self.log.error("call audit cannot be written, lines wait: {reason}", reason=failure.getErrorMessage())
        self._failing = True
        self._done(again=False)

    def _done(self, again: bool) -> None:
        writing, self._writing = self._writing, None
        if again:
            self._write()
        elif not self._stopped:
            self._again = self._clock.callLater(self._again_s, self._try_again)
        if writing is not None:
            if self._writing is not None:
                self._writing.addCallback(lambda _: writing.callback(None))
            else:
                writing.callback(None)

    def _try_again(self) -> None:
        self._again = None
        self._write()
