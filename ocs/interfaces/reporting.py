"""Seams to reporting: who keeps history, and reports on their way."""
from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

__all__ = ["IHistory", "IReportSpool"]


class IHistory(Interface):
    """Who keeps history of what the engine does: reporting, statistics."""

    def happened(event: object) -> None:
        """An event of `ocs.dialing.history`, in the order in which they happen. Told in the middle of the engine's step: note
        it and return at once; the engine is not to be asked for anything here."""


class IReportSpool(Interface):
    """Reports on their way to ICON, on disk."""

    source = Attribute("str: names this stream of reports, and no other.")
    written = Attribute("int: up to this sequence number reports would survive a crash.")
    last = Attribute("int: the last sequence number that was given.")
    unwritten = Attribute("int: reports that are in memory only.")
    failing = Attribute("bool: the disk does not take them at present.")

    def start() -> Deferred[Any]:
        """Open; fires with what the last run left behind (`ocs.dialing.reporting.LeftReports`). StoreUnavailable."""

    def add_listener(told: Callable[[], None]) -> None:
        """Call `told()` whenever `written` has moved on."""

    def add(sequence: int, body: bytes) -> None:
        """Keep one; numbers come in order, without gaps."""

    def attempt_opened(guid: str, opened: bytes) -> None:
        """The beginning of an attempt was reported: remember it until `attempt_closed`."""

    def attempt_closed(guid: str) -> None:
        """Its end was reported too."""

    def flushed() -> Deferred[None]:
        """Fires when everything that was added before would survive a crash, or the disk does not take it. Never fails."""

    def oldest(after: int, limit: int) -> Deferred[list[tuple[int, bytes]]]:
        """Reports behind this sequence number, in order. StoreUnavailable."""

    def acknowledged(sequence: int) -> None:
        """ICON has everything up to this one: forget it."""

    def rename() -> str:
        """From now on the stream has another name, a new one, which is returned."""

    def stop() -> Deferred[None]:
        """Write what waits, and close. Fires always."""
