"""Verbs of the console that only note what they were asked."""
from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ocs.app.console import IConsoleVerbs

__all__ = ["FakeVerbs"]


@implementer(IConsoleVerbs)
class FakeVerbs:
    """`asked` has every call; each fails with `error` where one is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._error = error

    def _note(self, *call: Any) -> Any:
        if self._error is not None:
            raise self._error
        self.asked.append(call)
        return {"asked": call[0]}

    def status(self) -> Any:
        return self._note("status")

    def sessions(self) -> Any:
        return self._note("sessions")

    def session(self, group: str) -> Any:
        return self._note("session", group)

    def calls(self) -> Any:
        return self._note("calls")

    def records(self, calling_list: str, limit: int = 20) -> Any:
        return self._note("records", calling_list, limit)

    def peers(self) -> Any:
        return self._note("peers")

    def links(self) -> Any:
        return self._note("links")

    def load(self, group: str) -> Any:
        return self._note("load", group)

    def start(self, group: str) -> Any:
        return self._note("start", group)

    def stop(self, group: str) -> Any:
        return self._note("stop", group)

    def unload(self, group: str, force: bool = False) -> Any:
        return self._note("unload", group, force)

    def pause(self, group: str) -> Any:
        return self._note("pause", group)

    def resume(self, group: str) -> Any:
        return self._note("resume", group)

    def mode(self, group: str, mode: str = "", method: str = "", goal: float = -1.0) -> Any:
        return self._note("mode", group, mode, method, goal)

    def decisions(self, group: str, count: int = 20) -> Any:
        return self._note("decisions", group, count)

    def lists(self) -> Any:
        return self._note("lists")

    def reread_dnc(self) -> Any:
        return self._note("reread_dnc")

    def reload(self) -> Any:
        return self._note("reload")

    def log_level(self, name: str) -> Any:
        return self._note("log_level", name)
