"""A calling list, or the attempts on it, written as a stream: a page is read, written, forgotten."""
from __future__ import annotations

import csv
import errno
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, TextIO

from ocs.database.backend import Backend, transaction
from ocs.database.statements import Transaction
from ocs.dialing.custom_fields import open_fields
from ocs.errors import OCSError
from ocs.store import attempts, reading
from ocs.store.registry import Catalog
from ocs.store.versions import check_version

__all__ = ["FORMS", "Exported", "export_list"]

FORMS = ("csv", "jsonl")
_TOLD_EVERY = 1_000

Progress = Callable[[str, int, int], None]      # stage, rows done, rows in all


@dataclass(frozen=True)
class Exported:
    """What was written; `output` "" is standard output."""

    calling_list: str
    output: str
    format: str
    history: bool
    rows: int
    seconds: float


def export_list(backend: Backend, name: str, form: str, output: Path | None, history: bool, secure: bool,
                tell: Progress) -> Exported:
    """Write the records of a list, or with `history` its attempts, to a file or to standard output. The file is opened, and an
    older one overwritten, once the list is known to be there. OCSError for a list or a file that is not to be had; a pipe
    that nobody reads any more is the OSError that it is."""
    began, counted = time.monotonic(), _Counted(tell)
    try:
        with ExitStack() as stack:
            work = stack.enter_context(transaction(backend, write=False))
            check_version(work)
            columns, rows, total = _rows(work, name, history, secure, output is not None)
            target = sys.stdout if output is None else stack.enter_context(output.open("w", encoding="utf-8", newline=""))
            _WRITERS[form](target, columns, counted.through(rows, total))
            target.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        after = f" (after {counted.rows} rows)" if counted.rows else ""
        raise OCSError(f"{output or 'standard output'}: {error.strerror or error}{after}") from None
    return Exported(name, "" if output is None else str(output), form, history, counted.rows, time.monotonic() - began)


class _Counted:
    """How many rows went through."""

    def __init__(self, tell: Progress) -> None:
        self._tell, self.rows = tell, 0

    def through(self, rows: Iterable[list[Any]], total: int) -> Iterator[list[Any]]:
        for row in rows:
            yield row
            self.rows += 1
            if self.rows % _TOLD_EVERY == 0:
                self._tell("writing", self.rows, total)


def _rows(work: Transaction, name: str, history: bool, secure: bool, count: bool) -> tuple[list[str], Iterator[list[Any]], int]:
    """The columns, the rows, and how many there are (0 where nobody asks). UnknownCallingList."""
    catalog = Catalog()
    calling_list = catalog.calling_list(work, name)
    if history:
        total = attempts.count_attempts(work, name) if count else 0
        return attempts.history_columns(), map(attempts.history_row, attempts.history(work, name)), total
    fields = calling_list.fields if secure else open_fields(calling_list.fields)
    (total,) = (work.row(calling_list.count) if count else None) or (0,)
    records = reading.all_records(work, catalog, name)
    return reading.export_columns(fields), (reading.export_row(record, fields) for record in records), int(total)


def _write_csv(target: TextIO, columns: list[str], rows: Iterable[list[Any]]) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _write_jsonl(target: TextIO, columns: list[str], rows: Iterable[list[Any]]) -> None:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for row in rows:
        target.write(encode(dict(zip(columns, row))) + "\n")


_WRITERS: dict[str, Callable[[TextIO, list[str], Iterable[list[Any]]], None]] = {"csv": _write_csv, "jsonl": _write_jsonl}
