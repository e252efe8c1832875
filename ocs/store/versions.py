"""The version of the calling lists' database."""
from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL

from ocs.database.backend import Backend
from ocs.database.statements import Transaction
from ocs.database.versions import Versions

__all__ = ["check_version", "current_version", "needed_version", "upgrade"]

_versions = Versions(Path(__file__).with_name("migrations"), "ocs db upgrade")


def needed_version() -> str:
    """The version that this program works with."""
    return _versions.needed


def check_version(work: Transaction) -> None:
    """Refuse a database at any other version than the needed one, with StoreUnavailable."""
    _versions.check(work)


def current_version(database: str | URL | Backend) -> str | None:
    """The version of a database; None where it has none yet, or where the SQLite file is not there. Raises
    StoreUnavailable."""
    return _versions.current(database)


def upgrade(database: str | URL | Backend) -> tuple[str | None, str]:
    """Bring the database to the needed version; a SQLite file is made where there is none. The versions before and
    after. Raises StoreUnavailable, also for a database of a newer program, which is left alone."""
    return _versions.upgrade(database)
