"""Dates as agents type them, in the customer's own time; pure."""
from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from protocols.desktop.dates import parse_date_time

__all__ = ["WHEN_HINT", "parse_when"]

WHEN_HINT = "10:30, tomorrow 10:30, +90m, +2h, +3d, +3d 10:30, or mm/dd/yyyy hh:mm"
_LATER = re.compile(r"\+([0-9]{1,4})([mhd])(?: +([0-9]{1,2}):([0-9]{2}))?")
_CLOCK = re.compile(r"(?:(today|tomorrow) +)?([0-9]{1,2}):([0-9]{2})")


def parse_when(text: str, now: datetime) -> datetime:
    """The local time that is meant, never before `now` (local time, too) unless a whole date says so; a clock time alone is its
    next occurrence. ValueError, with a text for the agent, for what means none."""
    text = text.strip().lower()
    later, clock = _LATER.fullmatch(text), _CLOCK.fullmatch(text)
    try:
        if later is not None:
            number, unit = int(later[1]), later[2]
            moment = now + {"m": timedelta(minutes=number), "h": timedelta(hours=number), "d": timedelta(days=number)}[unit]
            if later[3] is not None:
                moment = datetime.combine(moment.date(), time(int(later[3]), int(later[4])))
            return moment.replace(second=0, microsecond=0)
        if clock is not None:
            moment = datetime.combine(now.date(), time(int(clock[2]), int(clock[3])))
            if clock[1] == "tomorrow" or (clock[1] is None and moment <= now):
                moment += timedelta(days=1)
            return moment
        return parse_date_time(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text or 'nothing'}: no such time; {WHEN_HINT}") from None
