"""Days on which nobody is called: public holidays of a country or a part of it, and days of one's own.

The holidays themselves, observed ones included, are computed by the `holidays` library; a year of one country takes it some
milliseconds and is kept.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays

from ocs.dialing.jurisdiction import names_zone

__all__ = ["HolidayCalendar", "calendar_problem", "public_holidays"]


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    """The public holidays of a year. `country` is an ISO 3166 code, `subdivision` the part of the country without it ("CA"
    of US-CA), "" for what the whole country celebrates. ValueError where the library knows no such place."""
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError:
        place = f"{country}-{subdivision}" if subdivision else country
        raise ValueError(f"no public holidays are known for {place}") from None


def calendar_problem(country: str, subdivision: str, year: int = 2026) -> str | None:
    """Why there are no holidays for this place; None if there are."""
    try:
        public_holidays(country, subdivision, year)
    except ValueError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class HolidayCalendar:
    """Closed days, by the date in the record's own zone. `zones` are IANA names, or beginnings of them with a star
    ("America/*"), to which the calendar applies; none = all. `country` "" = no public holidays, only the days given."""

    country: str = ""
    subdivision: str = ""
    zones: tuple[str, ...] = ()
    dates: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()        # (month, day)
    open_dates: frozenset[date] = frozenset()               # dialed although the country celebrates

    def closes(self, day: date, zone: str) -> bool:
        """True if nobody in `zone` is called on `day`."""
        if self.zones and not names_zone(self.zones, zone):
            return False
        if day in self.dates or (day.month, day.day) in self.yearly:
            return True
        if not self.country or day in self.open_dates:
            return False
        return day in public_holidays(self.country, self.subdivision, day.year)
