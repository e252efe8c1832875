"""The call log: one line of JSON for each finished call, appended and flushed. Source: docs/wire.md, section 11.

It is the switch's own account of what was dialed, kept by nobody who has an interest in the result. A disk that is full
costs no call: lines wait, up to a bound, and are written when the disk takes them.
"""
from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import msgspec
from twisted.logger import Logger

from ocs.servers.tserver.calls import FinishedCall

__all__ = ["CallLog", "line"]

_WAITING_LINES = 100_000
_encode = msgspec.json.Encoder().encode


def line(call: FinishedCall) -> bytes:
    """The line of one call, newline included; times are epoch seconds, rounded to the microsecond, or null."""
    return _encode({
        "conn_id": call.conn_id, "kind": call.kind.value, "destination": call.destination,
        "dialed_at": round(call.dialed_at, 6),
        "answered_at": None if call.answered_at is None else round(call.answered_at, 6),
        "ended_at": round(call.ended_at, 6), "call_state": int(call.call_state), "agent_dn": call.agent_dn,
    }) + b"\n"


class CallLog:
    """Appends to a file. OSError from the constructor where the file cannot be opened."""

    log = Logger()

    def __init__(self, path: Path, waiting_lines: int = _WAITING_LINES) -> None:
        self._path, self._limit = path, waiting_lines
        self._waiting: deque[bytes] = deque()
        self._failing = False
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._waiting.append(b"\n")     # a crash left half a line: it must not spoil the next one

    def write(self, call: FinishedCall) -> None:
        """Append one call. A line that cannot be written waits; past the bound the oldest is given up, and logged."""
        self._waiting.append(line(call))
        self._flush()

    def close(self) -> None:
        """Write what waits, close the file."""
        self._flush()
        if self._waiting:
            self.log.error("call log {path}: {lines} lines could not be written", path=str(self._path),
                           lines=len(self._waiting))
        os.close(self._file)

    def _flush(self) -> None:
        try:
            while self._waiting:
                written = os.write(self._file, self._waiting[0])
                if written < len(self._waiting[0]):
                    self._waiting[0] = self._waiting[0][written:]
                else:
                    self._waiting.popleft()
            self._failing = False
        except OSError as error:
            if not self._failing:
                self.log.error("call log {path}: {reason}; lines wait", path=str(self._path), reason=error.strerror)
            self._failing = True
        while len(self._waiting) > self._limit:
            self.log.error("call log {path}: a line is lost: {line}", path=str(self._path),
                           line=self._waiting.popleft().decode(errors="replace").strip())
