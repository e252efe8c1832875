"""Moments as people write them."""
from __future__ import annotations

from datetime import datetime

__all__ = ["parse_time"]


def parse_time(text: str) -> float:
    """Epoch seconds of an ISO 8601 time with its offset ("2026-03-10T16:30Z"); ValueError says what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 2026-03-10T16:30Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} lacks its offset from UTC, such as Z or -05:00")
    return moment.timestamp()
