"""An `ocs` command as a person runs it: at a terminal, with what it shows, and what it takes."""
from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ran", "run_ocs"]

_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """How a command went: seconds from start to end, the most memory that it had at a time, and what it showed."""

    seconds: float
    peak_octets: int
    shown: str


def run_ocs(*arguments: str) -> Ran:
    """Run `ocs` with its standard error at a terminal of its own. Ends the benchmark if the command fails."""
    ours, its = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(ours, 1 << 16):
                shown.append(piece)
        except OSError:
            pass                                    # the terminal's other end is closed

    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", "from ocs.app.cli import main; main()", *arguments], stderr=its, cwd=_ROOT,
                               stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(its)
    reader = threading.Thread(target=read)
    reader.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    reader.join()
    os.close(ours)
    text = b"".join(shown).decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"ocs {' '.join(arguments)} ended with status {process.returncode}:\n{text[-2000:]}")
    return Ran(seconds, used.ru_maxrss * 1024, text)
