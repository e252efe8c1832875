"""Where a server's campaigns, lists, groups and treatments are described."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.database.backend import backend_for
from ocs.errors import ConfigurationError
from ocs.options import option

__all__ = ["ConfigurationOptions", "Source"]


class Source(Enum):
    """What describes the objects of dialing."""
    FILE = "file"
    DATABASE = "database"


@dataclass(frozen=True)
class ConfigurationOptions:
    """Where campaigns, lists, groups and treatments are described: in this file, or in the Configuration Database."""

    source: Source = option(
        Source.FILE, text="file: here. database: in the Configuration Database, for this application; then none of them, and no "
                          "[dialing], stands in this file. `ocs config import` brings them there.")
    url: str = option(
        "", text="The Configuration Database, as database.url; empty = it lies in that one.")
    poll_s: float = option(
        0.5, low=0.05, high=60, unit="seconds",
        text="How often it is asked for changes where it does not tell of them by itself: SQLite, or PostgreSQL while it cannot.")

    def problems(self) -> list[str]:
        try:
            if self.url:
                backend_for(self.url)
        except ConfigurationError as error:
            return [problem.replace("database.url", "url") for problem in error.problems]
        return []
