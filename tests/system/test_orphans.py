"""A server whose parent dies stops by itself: on the real reactor, with a real pipe."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
from twisted.internet import reactor
from ocs.runtime import ParentWatch
watch = ParentWatch(reactor)
watch.startService()
reactor.callWhenRunning(print, "up", flush=True)
reactor.addSystemEventTrigger("before", "shutdown", watch.stopService)
reactor.run()
print("stopped", flush=True)
"""


def test_a_server_stops_when_its_parent_lets_go_of_the_pipe() -> None:
    child = subprocess.Popen([sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             cwd=Path(__file__).resolve().parents[2])
    assert child.stdin is not None and child.stdout is not None
    try:
        assert child.stdout.readline() == "up\n"
        child.stdin.close()
        assert child.stdout.readline() == "stopped\n"
        assert child.wait(timeout=10) == 0
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
