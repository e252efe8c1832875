"""Rows of a contacts file to contacts: what is good, what is wrong, and the counts of both.

The rules are those of `ocs.store.contacts`; nothing here touches the database.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple, Sequence

from ocs.dialing.custom_fields import from_text
from ocs.dialing.values import CustomField, CustomValue
from ocs.errors import OCSError
from ocs.store.columns import ColumnMap
from ocs.store.csv_file import Row
from ocs.store.phones import BadNumber, Phone, parse_phone
from ocs.store.zones import same_time, zone_name

__all__ = ["BadRow", "Checked", "CheckedContact", "Defaults", "FAULTS_KEPT", "Fault", "parse_daily_time"]

FAULTS_KEPT = 1_000         # faults and repeated phones that a report keeps; all are counted


class BadRow(OCSError):
    """Why a row cannot be imported."""


@dataclass(frozen=True)
class Fault:
    """What is wrong on one line. `kept`: the contact was good enough to import without what is wrong."""

    line: int
    reason: str
    kept: bool = False


class CheckedContact(NamedTuple):
    """A good contact: its window (seconds after local midnight), its phones as (E.164, contact_info_type, IANA zone), and
    the values of the custom fields."""

    daily_from: int
    daily_till: int
    phones: list[tuple[str, int, str]]
    values: tuple[CustomValue, ...]


@dataclass(frozen=True)
class Defaults:
    """What a row gets where the file gives nothing."""

    daily_from: int
    daily_till: int
    zone: str


def parse_daily_time(text: str) -> int | None:
    """Seconds after midnight from "08:00", "08:00:30" or "28800"; None for anything else, and beyond 24:00."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", text.strip(), re.ASCII)
    if match is not None:
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    elif re.fullmatch(r"\d{1,5}", text.strip(), re.ASCII):
        seconds = int(text)
    else:
        return None
    return seconds if seconds <= 86_400 else None


class Checked:
    """Rows turned into contacts, with everything that a report counts."""

    def __init__(self, columns: ColumnMap, region: str, defaults: Defaults) -> None:
        self._columns, self._region, self._defaults = columns, region, defaults
        self._width = max([index for index, _ in columns.phones] + [index for index, _ in columns.fields]
                          + [index or 0 for index in (columns.timezone, columns.daily_from, columns.daily_till)]) + 1
        self.rows = self.contacts = self.records = self.bad_rows = self.bad_phones = self.repeats = 0
        self.faults: list[Fault] = []
        self._repeated: list[tuple[int, int]] = []
        self._lines: dict[str, int] = {}
        self.zones_used: set[str] = set()
        self._zones = dict.fromkeys(("file", "number", "ambiguous", "default", "conflict"), 0)

    def add(self, row: Row) -> tuple[CheckedContact | None, str]:
        """The contact of a row, None where it is bad; and what is wrong with it, "" = nothing."""
        self.rows += 1
        try:
            contact, reasons = self._contact(row)
        except BadRow as error:
            self.bad_rows += 1
            self._fault(row, str(error), kept=False)
            return None, str(error)
        self.contacts += 1
        self.records += len(contact.phones)
        reason = "; ".join(reasons)
        if reasons:
            self.bad_phones += len(reasons)
            self._fault(row, reason, kept=True)
        return contact, reason

    def report(self, calling_list: str, path: str, headers: Sequence[str]) -> dict[str, Any]:
        """The fields of an ImportReport."""
        return {"calling_list": calling_list, "path": path, "rows": self.rows, "contacts": self.contacts,
                "records": self.records, "bad_rows": self.bad_rows, "bad_phones": self.bad_phones,
                "repeated_phones": self.repeats, "zones": self._zones, "columns": self._columns.meanings(headers),
                "faults": tuple(self.faults), "repeated": tuple(self._repeated)}

    def _fault(self, row: Row, reason: str, kept: bool) -> None:
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(row.line, reason, kept))

    def _contact(self, row: Row) -> tuple[CheckedContact, list[str]]:
        if row.fault:
            raise BadRow(row.fault)
        values = [value.strip() for value in row.values]
        values += [""] * (self._width - len(values))            # programs leave trailing empty values out
        zone = self._zone(values)
        daily_from = self._daily(values, self._columns.daily_from, "daily_from", self._defaults.daily_from)
        daily_till = self._daily(values, self._columns.daily_till, "daily_till", self._defaults.daily_till)
        if daily_from >= daily_till:
            raise BadRow(f"the daily window from {daily_from} to {daily_till} (seconds after midnight) is never open")
        fields = tuple([self._field(values[index], custom) for index, custom in self._columns.fields])
        phones, reasons = self._phones(row, values, zone)
        return CheckedContact(daily_from, daily_till, phones, fields), reasons

    def _zone(self, values: list[str]) -> str | None:
        text = "" if self._columns.timezone is None else values[self._columns.timezone]
        if not text:
            return None
        zone = zone_name(text)
        if zone is None:
            raise BadRow(f"time zone {text[:64]!r} is unknown; use a name like America/New_York")
        return zone

    @staticmethod
    def _daily(values: list[str], index: int | None, name: str, default: int) -> int:
        if index is None or not values[index]:
            return default
        seconds = parse_daily_time(values[index])
        if seconds is None:
            raise BadRow(f"{name} {values[index][:32]!r} is neither a time like 08:00 nor seconds after midnight")
        return seconds

    @staticmethod
    def _field(value: str, custom: CustomField) -> CustomValue:
        if custom.type == "varchar" and 0 < len(value) <= custom.length and value.isprintable():
            return value                # most are so
        try:
            return from_text(custom, value)
        except ValueError as error:
            raise BadRow(f"{custom.name}: {error}") from None

    def _phones(self, row: Row, values: list[str], zone: str | None) -> tuple[list[tuple[str, int, str]], list[str]]:
        parsed: list[tuple[Phone, int]] = []
        reasons = []
        for index, kind in self._columns.phones:
            if values[index]:
                try:
                    parsed.append((parse_phone(values[index], self._region), int(kind)))
                except BadNumber as error:
                    reasons.append(f"phone {error}")
        if not parsed:
            raise BadRow("; ".join(reasons) or "no phone")
        phones: list[tuple[str, int, str]] = []
        for (number, candidates), info_type in parsed:
            first = self._lines.setdefault(number, row.line)
            if first != row.line or (phones and any(number == earlier for earlier, _, _ in phones)):
                self._note_repeat(row.line, first)
            place = self._place(candidates, zone)
            self.zones_used.add(place)
            phones.append((number, info_type, place))
        return phones, reasons

    def _note_repeat(self, line: int, first: int) -> None:
        self.repeats += 1
        if len(self._repeated) < FAULTS_KEPT:
            self._repeated.append((line, first))

    def _place(self, candidates: tuple[str, ...], given: str | None) -> str:
        if given is not None:
            self._zones["file"] += 1
            self._zones["conflict"] += bool(candidates) and not same_time(given, candidates)
            return given
        if not candidates:
            self._zones["default"] += 1
            return self._defaults.zone
        self._zones["number" if len(candidates) == 1 else "ambiguous"] += 1
        return self._defaults.zone if self._defaults.zone in candidates else candidates[0]
