"""User-defined fields of a calling list: which key means which field, and whether a value fits its column."""
from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Iterable, Mapping

from ocs.dialing.values import CustomField, CustomValue

__all__ = ["WrongValue", "changes_from", "fields_by_key", "fitting"]

_INTEGERS = range(-2 ** 63, 2 ** 63)


class WrongValue(ValueError):
    """A value that does not fit; the text names the key and the reason, never the value."""


def fields_by_key(custom: Iterable[CustomField]) -> dict[str, CustomField]:
    """Column name or `send_attribute` -> field; where one field's attribute is another's column, the attribute counts."""
    custom = tuple(custom)
    return ({field.name: field for field in custom}
            | {field.send_attribute: field for field in custom if field.send_attribute})


def fitting(field: CustomField, value: Any) -> CustomValue:
    """The value as the column keeps it; ValueError with the reason if it does not fit. Numbers may come as text, None is
    an empty column."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("neither text nor a number")
    if field.type == "int":
        return _integer(value)
    if field.type == "float":
        number = _number(value)
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return number
    text = str(value)
    if "\x00" in text:
        raise ValueError("has a NUL character")
    if field.type == "datetime":
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("not a date and time such as 2026-03-10 16:30:00") from None
    elif len(text) > field.length:
        raise ValueError(f"longer than {field.length} characters")
    return text


def changes_from(custom: Iterable[CustomField], given: Mapping[str, Any]) -> dict[str, CustomValue]:
    """Column -> new value, of the keys that name fields; other keys are left out. WrongValue for the first that does not
    fit: nothing is to be changed then."""
    known = fields_by_key(custom)
    changes: dict[str, CustomValue] = {}
    for key, value in given.items():
        field = known.get(key)
        if field is not None:
            try:
                changes[field.name] = fitting(field, value)
            except ValueError as error:
                raise WrongValue(f"{key}: {error}") from None
    return changes


def _integer(value: str | int | float) -> int:
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise ValueError("not a whole number") from None
    if number not in _INTEGERS or (isinstance(value, float) and number != value):
        raise ValueError("not a whole number of 64 bits")
    return number


def _number(value: str | int | float) -> float:
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError("not a number") from None
