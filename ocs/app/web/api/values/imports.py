"""Imports of contacts."""
from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ocs.app.web.api.values.words import Asked, Told

__all__ = ["Import", "ImportQuery", "Imports"]


class ImportQuery(Asked):
    """How the file is to be read."""

    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] = "US"
    skip_bad: bool = False
    default_timezone: Annotated[str, Meta(max_length=64)] | None = None


class Import(Told):
    """An import of contacts, how far it is, what came of it. `state`: waiting, running, done, failed."""

    id: int
    calling_list: str
    state: str
    stage: str
    done: int
    total: int
    by: str
    began_at: float
    ended_at: float | None
    rows: int
    contacts: int
    records: int
    bad_rows: int
    error: str
    faults: list[str]


class Imports(Told):
    """The latest first."""

    imports: list[Import]
