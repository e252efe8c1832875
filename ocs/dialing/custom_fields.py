"""User-defined fields of a calling list: what fits into one, and its value as text. Every value that comes from outside
(a contacts file, an agent's desktop, an outside service) is turned into a typed one here and nowhere else.

Typed values: int (64 bits), float (finite), str (char and varchar; a char without the blanks behind it), and for datetime
ISO 8601 text without an offset, `2026-03-10 16:30:00` with a fraction where there is one, so that texts sort as the moments
do. None = no value.
"""
from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Iterable, Mapping

from ocs.dialing.values import CustomField, CustomValue

__all__ = ["FIELD_TYPES", "ICON_ATTRIBUTES", "LONGEST", "WrongValue", "as_sent", "as_text", "changes_from", "checked_field",
           "fields_by_key", "fitting", "from_text", "open_fields", "open_values"]

FIELD_TYPES = ("int", "float", "char", "varchar", "datetime")
LONGEST = 4_000                 # characters of a char or varchar
ICON_ATTRIBUTES = (0, 1, 2)     # not reported, reported, reported as secure
_INTEGERS = range(-2 ** 63, 2 ** 63)
_ODD = re.compile("[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)


class WrongValue(ValueError):
    """A value that does not fit; the text names the key and the reason, never the value."""


def fields_by_key(custom: Iterable[CustomField]) -> dict[str, CustomField]:
    """Column name or `send_attribute` -> field; where one field's attribute is another's column, the attribute counts."""
    custom = tuple(custom)
    return ({field.name: field for field in custom}
            | {field.send_attribute: field for field in custom if field.send_attribute})


def fitting(field: CustomField, value: Any) -> CustomValue:
    """The value as the column keeps it; ValueError with the reason if it does not fit. Numbers may come as text; None, and
    empty text for what is no text, is an empty column."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, type(None))):
        raise ValueError("neither text nor a number")
    if value is None or (isinstance(value, str) and not value.strip() and field.type not in ("char", "varchar")):
        if not field.nullable:
            raise ValueError("empty, but this field has a value in every record")
        return None
    if field.type == "int":
        return _integer(value)
    if field.type == "float":
        return _number(value)
    text = str(value)
    odd = _ODD.search(text)
    if odd is not None:
        raise ValueError("has a NUL character" if odd[0] == "\x00" else "has half a character (a surrogate)")
    if field.type == "datetime":
        return _moment(text)
    if field.type == "char":
        text = text.rstrip(" ")
    if len(text) > field.length:
        raise ValueError(f"{len(text)} characters, {field.length} are possible")
    return text


def from_text(field: CustomField, text: str) -> CustomValue:
    """As `fitting`, from a file of text: blanks around it do not count, and nothing gives the field's default."""
    text = text.strip()
    return fitting(field, text if text else field.default)


def as_text(value: CustomValue) -> str:
    """A typed value as text that `from_text` reads back; "" for none."""
    return "" if value is None else str(value)


def as_sent(value: str | int | float) -> str | int:
    """A typed value as it travels to desktops and outside services: integers as integers, everything else as text."""
    return value if isinstance(value, int) else str(value)


def changes_from(custom: Iterable[CustomField], given: Mapping[str, Any]) -> dict[str, CustomValue]:
    """Column -> new value, of the keys that name fields; other keys are left out, and of two keys of one field the first
    counts. WrongValue for the first that does not fit: nothing is to be changed then."""
    known = fields_by_key(custom)
    changes: dict[str, CustomValue] = {}
    for key, value in given.items():
        field = known.get(key)
        if field is not None and field.name not in changes:
            try:
                changes[field.name] = fitting(field, value)
            except ValueError as error:
                raise WrongValue(f"{key}: {error}") from None
    return changes


def open_fields(custom: Iterable[CustomField]) -> tuple[CustomField, ...]:
    """The fields whose values may stand in logs, exports and what is shown: all but the secure ones."""
    return tuple(field for field in custom if not field.secure)


def open_values(custom: Iterable[CustomField], values: Mapping[str, CustomValue]) -> dict[str, CustomValue]:
    """The values of the open fields, in the fields' order."""
    return {field.name: values[field.name] for field in open_fields(custom) if field.name in values}


def checked_field(field: CustomField) -> CustomField:
    """The field with its default as a typed value; ValueError, which names the field, for a definition that cannot be."""
    if field.type not in FIELD_TYPES:
        raise ValueError(f"field {field.name!r}: type {field.type!r} is not one of {', '.join(FIELD_TYPES)}")
    if field.type in ("char", "varchar") and not 1 <= field.length <= LONGEST:
        raise ValueError(f"field {field.name!r}: length {field.length} is not between 1 and {LONGEST}")
    if len(field.send_attribute) > 255:
        raise ValueError(f"field {field.name!r}: send_attribute has more than 255 characters")
    if field.icon_attribute not in ICON_ATTRIBUTES:
        raise ValueError(f"field {field.name!r}: icon_attribute {field.icon_attribute} is not 0, 1 or 2")
    if field.secure and field.icon_attribute == 1:
        raise ValueError(f"field {field.name!r}: a secure field is reported with icon_attribute 2, or not at all")
    if field.default is None:
        return field
    try:
        return replace(field, default=fitting(field, field.default))
    except ValueError as error:
        raise ValueError(f"field {field.name!r}: default: {error}") from None


def _integer(value: str | int | float) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is None:
        raise ValueError("not a whole number")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise ValueError("not a whole number") from None
    if number not in _INTEGERS or (isinstance(value, float) and number != value):
        raise ValueError("not a whole number of 64 bits")
    return number


def _number(value: str | int | float) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is None:
        raise ValueError("not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("not a number") from None
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("not a date and time such as 2026-03-10 16:30:00") from None
    if moment.tzinfo is not None:
        raise ValueError("a date and time of a list has no offset; give it as the clock on the wall shows it")
    return moment.isoformat(sep=" ")
