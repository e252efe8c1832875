"""The servers of a demonstration: each a process of its own under twistd, as in production.

Each child is in a session of its own, so that Ctrl-C at the terminal reaches the parent only, which then stops them in
order; it holds the reading end of a pipe as standard input, so that it also stops when the parent dies without a word.
"""
from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

import ocs
from ocs.errors import OCSError

__all__ = ["Child", "ChildFailed"]

_BOOT = "import os; os.setsid(); from twisted.scripts.twistd import run; run()"
LOG_LINES = 15      # of a child that failed


class ChildFailed(OCSError):
    """A server did not start, or ended by itself; the text has the last lines of its log."""


class Child(ProcessProtocol):
    """One server. `plugin` is the name under twistd; it writes `NAME.ready` and logs to `NAME.log` in `folder`."""

    log = Logger()

    def __init__(self, reactor: Any, name: str, plugin: str, config: Path, folder: Path, inherited: int) -> None:
        self.name, self._reactor, self._plugin, self._config = name, reactor, plugin, config
        self._folder, self._inherited = folder, inherited
        self.ready_file, self.log_file = folder / f"{name}.ready", folder / f"{name}.log"
        self.running = False
        self._process: Any = None
        self._ended: list[Deferred[None]] = []
        self.status = ""

    async def start(self, deadline_s: float = 30.0) -> dict[str, Any]:
        """Start it and wait until it listens: the content of its ready file. ChildFailed if it does not."""
        self.ready_file.unlink(missing_ok=True)
        arguments = [sys.executable, "-c", _BOOT, "--nodaemon", "--pidfile=", self._plugin, "--config", str(self._config)]
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = self._reactor.spawnProcess(
                self, sys.executable, arguments, env=_environment(), path=str(self._folder),
                childFDs={0: "w", 1: log, 2: log, 3: self._inherited})
        finally:
            os.close(log)
        self.running = True
        waited_s = 0.0
        while (facts := self._facts()) is None:
            if not self.running:
                raise ChildFailed(f"{self.name} did not start ({self.status}); the end of {self.log_file}:\n{self.last_lines()}")
            if waited_s >= deadline_s:
                raise ChildFailed(f"{self.name} is not ready after {deadline_s:g} s; the end of {self.log_file}:\n"
                                  + self.last_lines())
            await deferLater(self._reactor, 0.05)
            waited_s += 0.05
        return facts

    def _facts(self) -> dict[str, Any] | None:
        try:
            facts = json.loads(self.ready_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return facts if isinstance(facts, dict) else None

    def ended(self) -> Deferred[None]:
        """Fires when the process is gone; never fails."""
        waiting: Deferred[None] = Deferred()
        if self.running:
            self._ended.append(waiting)
        else:
            waiting.callback(None)
        return waiting

    async def stop(self, deadline_s: float) -> bool:
        """Ask it to stop, and wait; after the deadline it is killed. True if it stopped by itself."""
        if not self.running:
            return True
        ended = self.ended()
        killer = self._reactor.callLater(deadline_s, self._kill)
        self._signal(signal.SIGTERM)
        await ended
        if killer.active():
            killer.cancel()
            return True
        return False

    def _kill(self) -> None:
        self.log.error("{name} does not stop: killed", name=self.name)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            pass

    def processEnded(self, reason: Failure) -> None:
        self.running = False
        code, number = getattr(reason.value, "exitCode", None), getattr(reason.value, "signal", None)
        self.status = f"signal {number}" if number else f"exit status {code}"
        waiting, self._ended = self._ended, []
        for deferred in waiting:
            deferred.callback(None)

    def last_lines(self) -> str:
        """The end of its log."""
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-LOG_LINES:])


def _environment() -> dict[str, str]:
    """Ours; where the packages lie in a checkout that is not installed, the child finds them there too."""
    environment = dict(os.environ)
    root = Path(ocs.__file__).resolve().parent.parent
    if (root / "twisted" / "plugins" / "ocs_dropin.py").is_file():
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH", "")]))
    return environment
