"""A server of a test's own, as a process that runs in the background: `twistd ocs` in a folder with its `ocs.toml`."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

__all__ = ["ROOT", "TWISTD", "ServerProcess"]

ROOT = Path(__file__).resolve().parents[2]
TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


class ServerProcess:
    """The configuration names `ready` as the service's ready file and `ocs.log` as the log's file, both in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Begin; `until_ready` waits for it."""
        (self.folder / "ready").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "ocs", "--config", "ocs.toml"], cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)

    def until_ready(self) -> None:
        self.until(lambda: (self.folder / "ready").exists(), "the server is up")

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended by itself."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """What it has logged so far."""
        path = self.folder / "ocs.log"
        return path.read_text() if path.exists() else ""

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
        """Wait for the condition; fail with the end of the log where it does not come, or the server is gone."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.runs and time.monotonic() < deadline, f"{self.folder.name}: not {what}:\n{self.log()[-8000:]}"
            time.sleep(0.03)
