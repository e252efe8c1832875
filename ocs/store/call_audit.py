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
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Iterable, Sequence

from ocs.options import option
from ocs.store.call_history import AUDIT_COLUMNS
from ocs.store.line_writer import append_whole

__all__ = ["AuditFile", "CallAuditOptions"]


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
        append_whole(self._current, octets)

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
