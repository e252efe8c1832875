"""What a server finds of its own reports when it is started again."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

__all__ = ["LeftReports"]


@dataclass(frozen=True)
class LeftReports:
    """What the last run left on disk: the sequence number of the first report that waits (of the next one, if none does), how
    many wait and their octets; guid -> what is known of attempts of which the beginning was reported and the end was not."""

    first: int
    count: int
    octets: int
    attempts: Mapping[str, bytes]
