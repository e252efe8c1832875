"""Times as an interaction database has them: X in milliseconds, X_ts in whole seconds, X_tcode as a key into G_TIMECODE.

A time code is the number of the quarter of an hour since 1970 (UTC). Source: docs/icon.md; that there are time codes is
public, what they are is not.
"""
from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

__all__ = ["QUARTER_S", "time_code", "time_code_row", "times"]

QUARTER_S = 900
_EPOCH = datetime(1970, 1, 1)       # UTC


def time_code(at: float) -> int:
    """The time code of a moment, epoch seconds."""
    return int(at) // QUARTER_S


def times(name: str, at: float | None) -> dict[str, Any]:
    """The three columns of time `name` for a moment (epoch seconds), or for none."""
    if at is None:
        return {name: None, f"{name}_ts": None, f"{name}_tcode": None}
    return {name: _text(at), f"{name}_ts": int(at), f"{name}_tcode": time_code(at)}


@lru_cache(maxsize=1_024)
def _text(at: float) -> str:
    """UTC in milliseconds; the moments of one event stand in several rows."""
    moment = _EPOCH + timedelta(milliseconds=int(at * 1_000 + 1e-6))
    return moment.isoformat(sep=" ", timespec="milliseconds")


def time_code_row(code: int) -> dict[str, int]:
    """The row of G_TIMECODE."""
    start = _EPOCH + timedelta(seconds=code * QUARTER_S)
    year_day, week = start.timetuple().tm_yday, start.isocalendar().week
    return {"TCode": code, "TS": code * QUARTER_S, "Year": start.year, "Month": start.month, "Day": start.day,
            "DayOfWeek": start.isoweekday(), "DayOfYear": year_day, "Week": week, "Hour": start.hour, "Minute": start.minute}
