"""The record history of a calling list: a line of text for each record that is processed, in a file apart from the database.

A record's line is written when its chain is let go, or waits for its next number, with the record final by then: what an agent
says after the call is in it. The file is appended to; when it has reached its size it is put aside, and the oldest goes.

Source: the public description of the record history (a text file for each list, one line for each processed record, tab or a
chosen delimiter); the columns are this project's.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Iterable, Mapping, Sequence

from zope.interface import implementer

from ocs.dialing.custom_fields import open_fields
from ocs.dialing.history import ChainChanged, ChainLoaded, ChainStage, RecordChanged
from ocs.interfaces import IHistory
from ocs.options import option
from ocs.store.line_writer import append_whole

__all__ = ["RECORD_COLUMNS", "DialLogFile", "DialLogOptions", "RecordHistory", "record_line"]

# then the list's own fields in their order, secure ones left out
RECORD_COLUMNS = ("processed", "campaign", "group", "calling_list", "record_id", "chain_id", "chain_n", "contact_info",
                  "contact_info_type", "record_type", "record_status", "call_result", "attempt", "call_time", "daily_from",
                  "daily_till", "tz_name", "agent_id", "treatments", "attempt_guid")


@dataclass(frozen=True)
class DialLogOptions:
    """The files of calling lists that have a `dial_log_destination`."""

    rotate_mb: int = option(50, low=1, high=10_000, unit="MB", text="A file of this size is put aside.")
    keep: int = option(10, low=1, high=1_000, unit="files", text="How many of a list's files that were put aside are kept.")


def record_line(event: RecordChanged, fields: Iterable[str] = ()) -> tuple[str, ...]:
    """The values of one line; results and types by their public numbers, times UTC."""
    record, session = event.record, event.session
    return (_time(event.at), session.campaign, session.group, event.chain.calling_list, str(record.record_id),
            str(record.chain_id), str(record.chain_n), record.contact_info, str(int(record.contact_info_type)),
            str(int(record.record_type)), str(int(record.record_status)), str(int(record.call_result)), str(record.attempt),
            "" if record.call_time is None else _time(record.call_time), str(record.daily_from), str(record.daily_till),
            record.tz_name, record.agent_id or "", record.treatments or "", event.attempt_guid,
            *("" if record.fields.get(name) is None else str(record.fields[name]) for name in fields))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


@implementer(IHistory)
class RecordHistory:
    """What the engine tells of records, as lines of their lists' histories. `notes`: calling list -> who takes its lines."""

    def __init__(self, notes: Mapping[str, Callable[[tuple[str, ...]], None]]) -> None:
        self._notes = dict(notes)
        self._fields: dict[str, tuple[str, ...]] = {}                       # calling list -> its fields that may be shown
        self._processing: set[str] = set()                                  # GUIDs of chains that are worked on
        self._changed: dict[str, dict[int, RecordChanged]] = {}             # chain GUID -> handle -> what was told last

    def happened(self, event: object) -> None:
        if isinstance(event, RecordChanged):
            self._changes(event)
        elif isinstance(event, ChainChanged):
            self._stage(event)
        elif isinstance(event, ChainLoaded) and event.chain.calling_list in self._notes:
            self._fields[event.chain.calling_list] = tuple(each.name for each in open_fields(event.custom_fields))

    def stop(self) -> None:
        """Nothing more will be told."""
        for guid in list(self._changed):
            self._final(guid)

    def _changes(self, event: RecordChanged) -> None:
        if event.chain.calling_list in self._notes:
            self._changed.setdefault(event.chain.guid, {})[event.handle] = event
            if event.chain.guid not in self._processing:
                self._final(event.chain.guid)

    def _stage(self, event: ChainChanged) -> None:
        if event.stage is ChainStage.PROCESSING:
            self._processing.add(event.chain.guid)
        else:
            self._processing.discard(event.chain.guid)
            self._final(event.chain.guid)

    def _final(self, guid: str) -> None:
        """The chain is worked on no more, for now: its records are what they are."""
        for _, event in sorted(self._changed.pop(guid, {}).items()):
            if event.record.record_status.final:
                name = event.chain.calling_list
                self._notes[name](record_line(event, self._fields.get(name, ())))


class DialLogFile:
    """One list's file. What stands in a value for the delimiter, or for the end of a line, becomes a blank."""

    def __init__(self, path: Path, delimiter: str = "\t", rotate_octets: int = 50_000_000, keep: int = 10) -> None:
        self._path, self._delimiter, self._limit, self._keep = path, delimiter, rotate_octets, keep

    def append(self, lines: Iterable[Sequence[str]]) -> None:
        """As `ILines.append`."""
        text = "".join(self._delimiter.join(map(self._plain, line)) + "\n" for line in lines)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size >= self._limit:
            self._put_aside()
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))      # people's numbers: its owner's alone
        append_whole(self._path, text.encode("utf-8", "replace"))

    def _plain(self, value: str) -> str:
        return " ".join(value.replace(self._delimiter, " ").splitlines())

    def _put_aside(self) -> None:
        older = [self._path.with_name(f"{self._path.name}.{number}") for number in range(self._keep, 0, -1)]
        older[0].unlink(missing_ok=True)
        for to, path in zip(older, [*older[1:], self._path]):
            if path.exists():
                path.rename(to)
