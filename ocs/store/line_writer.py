"""Lines of text on their way to a file: taken on the reactor's thread, written in another one, in order.

While the disk does not take them they wait, up to a limit, and are tried again now and then; that is logged once. What finds
no room is lost and counted. Nobody waits for a line, and nothing depends on it.
"""
from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Callable, Iterable, Protocol, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

__all__ = ["ILines", "LineWriter", "append_whole"]


class ILines(Protocol):
    """A file that takes lines; used by one thread at a time."""

    def append(self, lines: Iterable[Sequence[str]]) -> None:
        """Write these lines, all or none, before it returns. Blocks; OSError."""


def append_whole(path: Path, octets: bytes) -> None:
    """Put these at the end of a file that is there. If the disk does not take all of them, none is left in it. OSError."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            left = memoryview(octets)
            while left:
                left = left[file.write(left):]
        except OSError:
            file.truncate(before)
            raise


class LineWriter:
    """Takes lines on the reactor's thread and has them written elsewhere; `what` they are, for the log.
    `in_thread(function, argument)` runs it off the reactor and fires with its outcome; `clock` is the reactor's. At most
    `limit` lines wait; `lost` have found no room."""

    log = Logger()

    def __init__(self, what: str, file: ILines, in_thread: Callable[..., Deferred[Any]], clock: IReactorTime,
                 limit: int = 10_000, again_s: float = 5.0) -> None:
        self._what, self._file, self._in_thread, self._clock = what, file, in_thread, clock
        self._limit, self._again_s = limit, again_s
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
                self.log.error("{what}: {count} lines wait to be written, further ones are lost", what=self._what,
                               count=self._limit)
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
            self.log.info("{what} is written again; {lost} lines were lost", what=self._what, lost=self.lost)
        self._failing = False
        self._done(again=True)

    def _failed(self, failure: Failure) -> None:
        if failure.check(OSError) is None:
            self.log.failure("writing {what}", failure, what=self._what)
        elif not self._failing:
            self.log.error("{what} cannot be written, lines wait: {reason}", what=self._what,
                           reason=failure.getErrorMessage())
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
