"""Files of do-not-call entries: what their columns mean, and their rows as phones and customer ids, or what is wrong."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, Sequence

from ocs.dialing.dnc.identifiers import IdentifierSet, IdentifierSetBuilder
from ocs.errors import OCSError
from ocs.store.checking import FAULTS_KEPT, BadRow, Fault
from ocs.store.columns import phone_kind
from ocs.store.csv_file import CsvFile, Row
from ocs.store.phones import BadNumber, parse_phone
from ocs.store.plain_numbers import E164

__all__ = ["Columns", "FoundEntries", "columns_of", "rows_of", "to_e164"]

_BATCH = 10_000                 # phones that are put into the set at once


def to_e164(text: str, region: str) -> str:
    """A number as the list has it. Raises BadNumber."""
    text = text.strip()
    return text if E164.fullmatch(text) else parse_phone(text, region).e164


@dataclass(frozen=True)
class Columns:
    phones: tuple[int, ...]
    customer_id: int | None
    headless: bool = False          # the first line is a number already


def columns_of(headers: Sequence[str], region: str) -> Columns:
    phones = tuple(index for index, header in enumerate(headers) if phone_kind(header) is not None)
    customers = [index for index, header in enumerate(headers)
                 if header.strip().lower().replace(" ", "_") in ("customer_id", "customerid")]
    if phones or customers:
        return Columns(phones, customers[0] if customers else None)
    if len(headers) == 1:
        try:
            to_e164(headers[0], region)
        except BadNumber:
            pass
        else:
            return Columns((0,), None, headless=True)
    raise OCSError(f"no phone or customer_id column among the headers: {', '.join(headers)}")


def rows_of(file: CsvFile, columns: Columns) -> Iterator[Row]:
    if columns.headless:
        yield Row(1, file.headers)
    yield from file


class FoundEntries:
    """Rows turned into phones and customer ids, in compressed memory, with what a report counts."""

    def __init__(self, columns: Columns, region: str, write_bad: Callable[[Row, str], None]) -> None:
        self._columns, self._region, self._write_bad = columns, region, write_bad
        self._only = columns.phones[0] if len(columns.phones) == 1 and columns.customer_id is None else None
        self._phones, self._customers = IdentifierSetBuilder("+"), IdentifierSetBuilder("")
        self._batch: list[str] = []
        self.rows = self.good = self.bad = 0
        self.faults: list[Fault] = []

    def take(self, row: Row) -> None:
        """One row of the file. A phone and a customer id in one row are two entries: each blocks."""
        self.rows += 1
        if self._only is not None and not row.fault and len(row.values) > self._only and E164.fullmatch(row.values[self._only]):
            self._batch.append(row.values[self._only])          # nearly every row of a long file
            self.good += 1
        else:
            try:
                phones, customer_ids = self._entries(row)
            except BadRow as error:
                self.bad += 1
                self._write_bad(row, str(error))
                if len(self.faults) < FAULTS_KEPT:
                    self.faults.append(Fault(row.line, str(error)))
                return
            self.good += len(phones) + len(customer_ids)
            self._batch += phones
            self._customers.extend(customer_ids)
        if len(self._batch) >= _BATCH:
            self._flush()

    def take_plain(self, numbers: list[str]) -> None:
        """As many rows, each of which is a number in E.164."""
        self.rows += len(numbers)
        self.good += len(numbers)
        self._phones.extend(numbers)

    def finish(self) -> tuple[IdentifierSet, IdentifierSet]:
        """Phones and customer ids, each once."""
        self._flush()
        return self._phones.finish(), self._customers.finish()

    def _flush(self) -> None:
        self._phones.extend(self._batch)
        self._batch = []

    def _entries(self, row: Row) -> tuple[list[str], list[str]]:
        if row.fault:
            raise BadRow(row.fault)
        values, phones, customer_ids = row.values, [], []
        for index in self._columns.phones:
            text = values[index].strip() if index < len(values) else ""
            if text:
                try:
                    phones.append(to_e164(text, self._region))
                except BadNumber as error:
                    raise BadRow(f"phone {error}") from None
        if self._columns.customer_id is not None and self._columns.customer_id < len(values):
            customer_id = values[self._columns.customer_id].strip()
            if len(customer_id) > 64:
                raise BadRow(f"customer_id has {len(customer_id)} characters, 64 are possible")
            if customer_id:
                customer_ids.append(customer_id)
        if not phones and not customer_ids:
            raise BadRow("no phone" if self._columns.customer_id is None else "no phone and no customer id")
        return phones, customer_ids
