"""An operator's session: a terminal with a prompt, or one command a connection."""
from __future__ import annotations

from collections import deque
from typing import Any, Callable

from twisted.conch.avatar import ConchUser
from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.interfaces import ISession
from twisted.conch.manhole_ssh import TerminalSessionTransport
from twisted.conch.recvline import HistoricRecvLine
from twisted.conch.ssh.session import SSHSession
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.app.console import Answer, Interpreter

__all__ = ["ConsoleLine", "Operator"]

QUEUED_LINES = 100      # lines that may wait behind a verb that has not answered


class Operator(ConchUser):
    """An operator who has logged in: sessions, and nothing else (no forwarding, no subsystems)."""

    def __init__(self, user: str, verbs: object) -> None:
        super().__init__()
        self.interpreter = Interpreter(verbs, user)
        self.channelLookup[b"session"] = SSHSession


class ConsoleLine(HistoricRecvLine):
    """The interactive side: a prompt, a line, its answer. Lines that come while a verb works wait their turn."""

    ps = (b"ocs> ", b"...  ")

    def __init__(self, interpreter: Interpreter, leave: Callable[[], None]) -> None:
        self._interpreter, self._leave = interpreter, leave
        self._waiting: deque[str] = deque()
        self._busy = False
        self._leaving = False

    def initializeScreen(self) -> None:
        """Without the clearing of the screen that the base does: the operator's scroll-back is his."""
        self.terminal.write(b"Outbound contact server. help() lists the verbs, Ctrl-D leaves.\r\n" + self.ps[0])
        self.setInsertMode()

    def connectionMade(self) -> None:
        super().connectionMade()
        self.keyHandlers.update({b"\x04": self.handle_QUIT, b"\x03": self.handle_CLEAR, b"\x0c": self.handle_CLEAR})

    def handle_QUIT(self) -> None:
        """Ctrl-D: leave once what was asked is answered."""
        self._leaving = True
        if not self._busy:
            self._leave()

    def handle_CLEAR(self) -> None:
        """Ctrl-C: forget the line that was begun."""
        self.lineBuffer, self.lineBufferIndex = [], 0
        self.terminal.nextLine()
        self.terminal.write(self.ps[0])

    def lineReceived(self, line: bytes) -> None:
        if len(self._waiting) >= QUEUED_LINES:
            self._show(f"too many lines at once; {QUEUED_LINES} wait already")
            return
        self._waiting.append(line.decode("utf-8", "replace"))
        if not self._busy:
            self._busy = True
            running = Deferred.fromCoroutine(self._run())
            running.addErrback(lambda failure: self._interpreter.log.failure("console", failure))

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._show((await self._interpreter.run(self._waiting.popleft(), self.width)).text)
        finally:
            self._busy = False
        if self._leaving and self.terminal is not None:
            self._leave()

    def _show(self, text: str) -> None:
        if self.terminal is None:       # the operator left before the answer came
            return
        if text:
            self.terminal.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        self.terminal.write(self.ps[0])

    def connectionLost(self, reason: Failure) -> None:
        self._waiting.clear()
        self.terminal = None


@implementer(ISession)
class OperatorSession:
    """A session of an operator: a terminal, or one command."""

    def __init__(self, operator: Operator) -> None:
        self._operator, self._size = operator, (24, 160)      # what a script gets, without a terminal

    def getPty(self, term: bytes, windowSize: Any, modes: Any) -> None:
        self._size = windowSize[:2] if all(windowSize[:2]) else self._size

    def openShell(self, proto: Any) -> None:
        height, width = self._size
        terminal = ServerProtocol(ConsoleLine, self._operator.interpreter, lambda: _end(proto))
        TerminalSessionTransport(proto, terminal, self._operator, width, height)

    def execCommand(self, proto: Any, command: bytes) -> None:
        """Answer one line and close; exit status 1 for what was not done."""
        def answered(answer: Answer) -> None:
            if answer.text:
                proto.write(answer.text.encode() + b"\n")
            _end(proto, 0 if answer.done else 1)
        text = command.decode("utf-8", "replace")
        running = Deferred.fromCoroutine(self._operator.interpreter.run(text, self._size[1]))
        running.addCallback(answered)
        running.addErrback(lambda failure: self._operator.interpreter.log.failure("console", failure))

    def windowChanged(self, newWindowSize: Any) -> None:
        """Tables of later answers keep the width of the start."""

    def eofReceived(self) -> None:
        """Nothing more comes; what runs is answered."""

    def closed(self) -> None:
        """The session is over."""


def _end(proto: Any, status: int = 0) -> None:
    """Close the session with an exit status."""
    proto.processEnded(Failure(ProcessTerminated(exitCode=status) if status else ProcessDone(0)))


registerAdapter(OperatorSession, Operator, ISession)
