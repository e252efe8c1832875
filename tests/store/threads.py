"""Threads and a reactor for the store under test: work runs at once, or when the test says so."""
from __future__ import annotations

from collections import deque
from typing import Any, Callable

from twisted.python.failure import Failure


class InlineReactor:
    """The few calls that adbapi makes to a reactor, done on the spot."""

    def callWhenRunning(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)

    def addSystemEventTrigger(self, phase: str, event: str, function: Callable[..., Any]) -> object:
        return (phase, event, function)

    def removeSystemEventTrigger(self, trigger: object) -> None:
        pass

    def callFromThread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)


class InlineThreads:
    """A thread pool whose work is done when it is asked for."""

    def __init__(self, minimum: int, maximum: int, name: str) -> None:
        self.name = name

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def callInThreadWithCallback(self, on_result: Callable[[bool, Any], None], function: Callable[..., Any],
                                 *args: Any, **kwargs: Any) -> None:
        try:
            result = function(*args, **kwargs)
        except BaseException:
            on_result(False, Failure())
        else:
            on_result(True, result)


class SteppedThreads(InlineThreads):
    """A thread pool whose work is done at `step()`, one piece each."""

    def __init__(self, minimum: int, maximum: int, name: str) -> None:
        super().__init__(minimum, maximum, name)
        self.waiting: deque[tuple[Any, ...]] = deque()

    def callInThreadWithCallback(self, on_result: Callable[[bool, Any], None], function: Callable[..., Any],
                                 *args: Any, **kwargs: Any) -> None:
        self.waiting.append((on_result, function, args, kwargs))

    def step(self) -> None:
        on_result, function, args, kwargs = self.waiting.popleft()
        super().callInThreadWithCallback(on_result, function, *args, **kwargs)
