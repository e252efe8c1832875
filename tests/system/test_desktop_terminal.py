"""`ocs desktop` in a terminal of 80 x 24, keys typed and the screen read: an agent's work against a real OCS and T-Server."""
from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pyte
import pytest_twisted
from twisted.internet.threads import deferToThread

from ocs.dialing.results import CallResult, DialingMode, RecordType
from tests.system.test_desktop_port import CLOCK, ROOT, Center
from tests.system.test_icon import until


class Screen:
    """A process on a terminal. What it writes is read by the reactor; `text` is what an agent sees."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from ocs.app.cli import main; main()", *arguments], stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
            start_new_session=True)
        os.close(slave)
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self._open = True
        CLOCK.addReader(self)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def shows(self, wanted: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"{wanted!r} is not on the screen:\n{self.text}"
            await deferToThread(time.sleep, 0.05)

    async def ended(self) -> int:
        await until(lambda: self.process.poll() is not None, f"it ends\n{self.text}", 60)
        return int(self.process.returncode)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.connectionLost(None)

    # -- IReadDescriptor ------------------------------------------------------------------------------------------
    def fileno(self) -> int:
        return self._master

    def logPrefix(self) -> str:
        return "Screen"

    def doRead(self) -> None:
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            data = b""
        if data:
            self._stream.feed(data)
        else:
            CLOCK.removeReader(self)

    def connectionLost(self, reason: Any) -> None:
        if self._open:
            self._open = False
            CLOCK.removeReader(self)
            os.close(self._master)


def arguments(center: Center) -> tuple[str, ...]:
    person = center.person
    secret = center.folder / "secret"
    secret.write_text(person.password + "\n")
    return ("desktop", f"ws://127.0.0.1:{center.port}", "--agent", person.login, "--password-file", str(secret),
            "--dn", person.dn, "--queue", person.queue)


@pytest_twisted.ensureDeferred
async def test_an_agent_works_in_the_terminal(tmp_path: Path) -> None:
    center = Center(tmp_path, DialingMode.PREVIEW)
    (tmp_path / "script.txt").write_text("Good morning, {name}!\n")
    screen = None
    try:
        await center.open(break_codes=["Tea"], script=[{"name": "demo", "file": str(tmp_path / "script.txt")}])
        screen = Screen(*arguments(center))
        await screen.shows("logged in")
        screen.type("n1")
        await screen.shows("NOT READY: TEA")
        screen.type("r")
        await screen.shows("ready: calls may come")
        screen.type("p")
        await screen.shows("Good morning, Person")
        phone = next(word for word in screen.text.split() if word.startswith("+1415555"))
        screen.type("c")
        await screen.shows(f"TALKING  {phone}")
        screen.type("h")
        await screen.shows("to be settled")
        screen.type("s")
        await screen.shows("What came of it?")
        screen.type("6")
        await screen.shows("settled: Wrong party")
        row = center.row_of(phone)
        assert row["call_result"] == CallResult.WRONG_PARTY

        screen.type("p")
        await screen.shows("a record of demo")
        second = next(word for word in screen.text.split() if word.startswith("+1415555"))
        screen.type("x")
        await screen.shows("Do not call any more")
        screen.type("\r")
        await screen.shows(f"{second} is not called any more")
        assert center.row_of(second)["record_type"] == RecordType.NO_CALL
        screen.type("a")
        await screen.shows("no call rings")
        screen.type("q")
        assert await screen.ended() == 0
    finally:
        if screen is not None:
            screen.close()
        await center.close()


@pytest_twisted.ensureDeferred
async def test_a_wrong_password_and_a_server_that_is_not_there_are_told_in_a_line(tmp_path: Path) -> None:
    center = Center(tmp_path, DialingMode.PREVIEW)
    screens = []
    try:
        await center.open()
        given = arguments(center)
        (tmp_path / "secret").write_text("wrong\n")
        for address, words in ((given[1], "or not this"), ("tcp://127.0.0.1:1", "refused")):
            screens.append(Screen(given[0], address, *given[2:]))
            assert await screens[-1].ended() == 1
            await screens[-1].shows(words)
            assert "Traceback" not in screens[-1].text
    finally:
        for screen in screens:
            screen.close()
        await center.close()
