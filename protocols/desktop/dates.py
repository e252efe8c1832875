"""GSW_DATE_TIME: month/day/year hour:minute, 24 hours, in the time zone of the record.

Clients write `MM/dd/yyyy HH:mm`; some leave out leading zeros or the century. Anything else (other separators, the day
before the month where that shows) is refused and not guessed at. Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

import re
from datetime import datetime

__all__ = ["format_date_time", "parse_date_time"]

_LAYOUT = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{1,4}) +([0-9]{1,2}):([0-9]{1,2})")
_LONGEST = 32       # characters, blanks included


def parse_date_time(text: str) -> datetime:
    """The naive local time that `text` names; ValueError (with a reason) if it names none. A year below 100 is 20xx."""
    match = _LAYOUT.fullmatch(text.strip(" \t")) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError("not mm/dd/yyyy hh:mm")
    month, day, year, hour, minute = map(int, match.groups())
    return datetime(year + 2000 if year < 100 else year, month, day, hour, minute)


def format_date_time(moment: datetime) -> str:
    """`mm/dd/yyyy hh:mm`; seconds are dropped, a zone is ignored: pass the record's local time."""
    return f"{moment.month:02d}/{moment.day:02d}/{moment.year:04d} {moment.hour:02d}:{moment.minute:02d}"
