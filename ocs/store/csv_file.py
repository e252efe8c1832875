"""Rows of a CSV file as people's programs write them: comma, semicolon, tab or bar; with or without a byte order mark.

Everything is bounded: a line's length, a value's length, the number of columns. A fault of one row is that row's; a file that
cannot be read as text, or is no CSV at all, raises OCSError.
"""
from __future__ import annotations

import csv
import io
from pathlib import Path
from types import TracebackType
from typing import Iterator, NamedTuple

from ocs.errors import OCSError

__all__ = ["CsvFile", "ENCODINGS", "Row"]

ENCODINGS = ("utf-8", "latin-1", "cp1252", "utf-16")
_DELIMITERS = ",;\t|"
_LINE_LIMIT, _COLUMN_LIMIT = 1_000_000, 500


class Row(NamedTuple):
    """One row: the line on which it begins, its values, and what is wrong with it as CSV ("" = nothing)."""

    line: int
    values: list[str]
    fault: str = ""


class CsvFile:
    """An open file: `headers`, then its rows by iteration. A context manager."""

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path, self._encoding = path, encoding
        try:
            self._octets = path.open("rb")
        except OSError as error:
            raise OCSError(f"{path}: {error.strerror}") from None
        try:
            self.size = path.stat().st_size
            self._text = io.TextIOWrapper(self._octets, "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
            self._line, self._odd = 0, False
            self.headers = self._read_headers()
            self._all_named = all(self.headers)
        except BaseException:
            self._octets.close()
            raise

    def __enter__(self) -> "CsvFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._text.close()

    @property
    def position(self) -> int:
        """Octets read so far; 0 where the file is a pipe."""
        return self._octets.tell() if self._octets.seekable() else 0

    def __iter__(self) -> Iterator[Row]:
        """Rows after the header; those without any value are left out."""
        while True:
            begin = self._line + 1
            try:
                values = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(begin, [], self._explain(error, begin))
                continue
            if not any(values):
                continue
            yield Row(begin, values, self._fault(values))

    def _read_headers(self) -> list[str]:
        first = next(self._lines(), "")
        if not first.strip():
            raise OCSError(f"{self.path}: the file is empty, or its first line is; the first line has the columns' names")
        if first.startswith("PK\x03\x04") or "\0" in first:
            raise OCSError(f"{self.path}: not a CSV file (a spreadsheet is to be saved as CSV first)")
        unquoted = "".join(first.split('"')[::2])
        delimiter = max(_DELIMITERS, key=unquoted.count)
        self._line = 0
        self._reader = csv.reader(self._from(first), delimiter=delimiter, strict=True)
        try:
            headers = [name.strip() for name in next(self._reader)]
        except csv.Error as error:
            raise OCSError(f"{self.path}: line 1: {self._explain(error, 1)}") from None
        while headers and not headers[-1]:
            headers.pop()
        if not headers or len(headers) > _COLUMN_LIMIT:
            raise OCSError(f"{self.path}: line 1 names {len(headers)} columns, 1 to {_COLUMN_LIMIT} are possible")
        return headers

    def _from(self, first: str) -> Iterator[str]:
        self._line = 1
        yield first
        yield from self._lines()

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._text.readline(_LINE_LIMIT)
            except (UnicodeDecodeError, UnicodeError) as error:
                others = ", ".join(name for name in ENCODINGS if name != self._encoding)
                raise OCSError(f"{self.path}: line {self._line + 1} or after: not {self._encoding} text ({error}); "
                               f"another --encoding may fit: {others}") from None
            except OSError as error:
                raise OCSError(f"{self.path}: {error.strerror}") from None
            if not line:
                return
            if len(line) == _LINE_LIMIT:
                raise OCSError(f"{self.path}: line {self._line + 1} is longer than {_LINE_LIMIT} characters; "
                               "this is not a CSV file")
            self._line += 1
            if "\0" in line:
                self._odd = True
            yield line

    def _fault(self, values: list[str]) -> str:
        odd, self._odd = self._odd, False
        if len(values) <= len(self.headers) and self._all_named and not odd:
            return ""
        if any(values[len(self.headers):]):
            return f"{len(values)} values, but the header has {len(self.headers)} columns"
        for number, (header, value) in enumerate(zip(self.headers, values), 1):
            if value and not header:
                return f"a value in column {number}, which has no name"
        return "a NUL octet" if "\0" in "".join(values) else ""

    def _explain(self, error: csv.Error, begin: int) -> str:
        if "unexpected end" in str(error):
            return "a quotation mark is opened here and never closed"
        if "field larger" in str(error):
            return "a value is longer than 131072 characters (a quotation mark that is never closed?)"
        return f"not CSV: {error}"
