"""How the value of each key is read from a request and written into one.

Liberal where real clients are (record handle, application id and call result also as decimal strings; the three
enumerations of `names.number_of`), strict elsewhere: a value of another type is error 2, a bad date or time is error 8.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Callable, Mapping

from protocols.attributes import KVValue
from protocols.desktop import keys
from protocols.desktop.dates import format_date_time, parse_date_time
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.names import (
    PHONE_TYPES,
    RECORD_STATUSES,
    RECORD_TYPES,
    CallbackType,
    ChainAttribute,
    RecordTreatment,
    number_of,
)

__all__ = ["CALL_RESULTS", "FIELDS", "Field", "TEXT_LIMIT", "integer_within", "lenient_integer"]

CALL_RESULTS = range(0, 54)
TEXT_LIMIT = 255            # characters: what a column of a calling list holds
_LARGEST = 2 ** 63 - 1
_DAY_S = 86_400
_MOST_ATTEMPTS = 10_000
_AGENT_ID_LIMIT, _CUSTOMER_ID_LIMIT = 32, 64        # characters, as the public tables have them
_ODD = re.compile("[\x00\ud800-\udfff]")           # what no database takes as text


def _invalid(key: str, reason: str) -> DesktopError:
    return DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{key}: {reason}")


def lenient_integer(value: object) -> int | None:
    """An integer that came as one or as a decimal string; None for anything else."""
    if isinstance(value, str):
        digits = value.strip()
        return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 19 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def integer_within(value: object, high: int) -> int:
    """The same, from 0 to `high`; ValueError says what else it is."""
    number = lenient_integer(value)
    if number is None:
        raise ValueError("not an integer")
    if not 0 <= number <= high:
        raise ValueError(f"not within 0..{high}")
    return number


def _read_lenient(key: str, value: KVValue, high: int = _LARGEST) -> int:
    try:
        return integer_within(value, high)
    except ValueError as error:
        raise _invalid(key, str(error)) from None


def _read_integer(key: str, value: KVValue, high: int = _LARGEST) -> int:
    if isinstance(value, str):
        raise _invalid(key, "not an integer")
    return _read_lenient(key, value, high)


def _read_day_second(key: str, value: KVValue) -> int:
    number = _read_integer(key, value)
    if number > _DAY_S:
        raise DesktopError(DesktopErrorCode.INVALID_DATE_OR_TIME, f"{key}: not within 0..{_DAY_S}")
    return number


def _read_text(key: str, value: KVValue, limit: int = TEXT_LIMIT) -> str:
    if not isinstance(value, str):
        raise _invalid(key, "not a string")
    if len(value) > limit:
        raise _invalid(key, f"longer than {limit} characters")
    if _ODD.search(value) is not None:
        raise _invalid(key, "a character that cannot be kept")
    return value


def _read_name(names: Mapping[int, str], key: str, value: KVValue) -> int:
    number = number_of(names, value)
    if number is None:
        raise _invalid(key, "no such value")
    return number


def _read_choice(choices: type[Enum], key: str, value: KVValue) -> Enum:
    for choice in choices:
        if value == choice.value:
            return choice
    raise _invalid(key, "not " + " or ".join(choice.value for choice in choices))


def _read_date_time(key: str, value: KVValue) -> datetime:
    try:
        return parse_date_time(_read_text(key, value))
    except ValueError as error:
        raise DesktopError(DesktopErrorCode.INVALID_DATE_OR_TIME, f"{key}: {error}") from None


def _as_is(value: Any) -> KVValue:
    return value        # type: ignore[no-any-return]


@dataclass(frozen=True)
class Field:
    """One key: the attribute of `DesktopRequest` that holds it, and both conversions. `read` raises DesktopError."""

    key: str
    attribute: str
    read: Callable[[str, KVValue], Any]
    write: Callable[[Any], KVValue] = _as_is
    accepts: str = "string"         # in words


_LENIENT = "integer, or the same as a decimal string"


def _named(key: str, attribute: str, names: Mapping[int, str]) -> Field:
    listed = ", ".join(f"`{name}`" for name in names.values())
    return Field(key, attribute, partial(_read_name, names), lambda number: names[number],
                 f"{listed} (blanks and case do not count); or its number from 0, as a string or integer")


def _choice(key: str, attribute: str, choices: type[Enum]) -> Field:
    return Field(key, attribute, partial(_read_choice, choices), lambda choice: choice.value,
                 " or ".join(f"`{choice.value}`" for choice in choices))


FIELDS: dict[str, Field] = {field.key: field for field in (
    Field(keys.APPLICATION_ID, "application_id", _read_lenient, accepts=_LENIENT),
    Field(keys.CAMPAIGN_NAME, "campaign_name", _read_text),
    Field(keys.RECORD_HANDLE, "record_handle", _read_lenient, accepts=_LENIENT),
    Field(keys.CALLING_LIST, "calling_list", _read_text),
    Field(keys.PHONE, "phone", _read_text),
    _named(keys.PHONE_TYPE, "phone_type", PHONE_TYPES),
    Field(keys.CUSTOMER_ID, "customer_id", partial(_read_text, limit=_CUSTOMER_ID_LIMIT),
          accepts=f"string, {_CUSTOMER_ID_LIMIT} characters at most"),
    Field(keys.CALL_RESULT, "call_result", partial(_read_lenient, high=CALL_RESULTS[-1]),
          accepts=f"0..{CALL_RESULTS[-1]}: {_LENIENT}"),
    Field(keys.ATTEMPTS, "attempts", partial(_read_integer, high=_MOST_ATTEMPTS), accepts=f"integer, 0..{_MOST_ATTEMPTS}"),
    Field(keys.CHAIN_ID, "chain_id", _read_integer, accepts="integer"),
    Field(keys.TZ_NAME, "tz_name", _read_text, accepts="IANA name, or a short name such as `PST`"),
    Field(keys.DATE_TIME, "date_time", _read_date_time, format_date_time,
          "`mm/dd/yyyy hh:mm`, 24 hours, the record's local time; leading zeros and century may be missing"),
    Field(keys.CALL_TIME, "call_time", _read_integer, accepts="integer, epoch seconds"),
    Field(keys.FROM, "daily_from", _read_day_second, accepts=f"integer, 0..{_DAY_S}, seconds after local midnight"),
    Field(keys.UNTIL, "daily_until", _read_day_second, accepts=f"integer, 0..{_DAY_S}, seconds after local midnight"),
    _named(keys.RECORD_TYPE, "record_type", RECORD_TYPES),
    _named(keys.RECORD_STATUS, "record_status", RECORD_STATUSES),
    Field(keys.AGENT_ID, "agent_id", partial(_read_text, limit=_AGENT_ID_LIMIT),
          accepts=f"string, {_AGENT_ID_LIMIT} characters at most"),
    _choice(keys.CALLBACK_TYPE, "callback_type", CallbackType),
    _choice(keys.TREATMENT, "treatment", RecordTreatment),
    _choice(keys.CHAIN_ATTR, "chain_attr", ChainAttribute),
    Field(keys.READY_TIME, "ready_time_s", _read_integer, accepts="integer, seconds"),
)}
