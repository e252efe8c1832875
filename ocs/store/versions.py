"""The schema's version: what the database has, what this program needs, and the way from one to the other.

`upgrade` makes a SQLite file that is not there. All scripts run in one transaction: an upgrade is done or not begun.
"""
from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, String, Table, bindparam, column, create_engine, func, select, table
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.expression import ClauseElement

from ocs.errors import StoreUnavailable
from ocs.store.backend import Backend, backend_for, transaction
from ocs.store.statements import Sql, Transaction

__all__ = ["check_version", "current_version", "needed_version", "upgrade"]

_SCRIPTS = Path(__file__).with_name("migrations")
_table = Table("alembic_version", MetaData(), Column("version_num", String(32)))
_current = Sql(select(_table.c.version_num))


def _table_query(dialect: Dialect) -> ClauseElement:
    if dialect.name == "sqlite":
        names = table("sqlite_master", column("name", String))
        return select(names.c.name).where(names.c.name == bindparam("name"))
    found = func.to_regclass(bindparam("name", type_=String))
    return select(found).where(found.is_not(None))


_has_table = Sql(_table_query)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def needed_version() -> str:
    """The version that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def version_in(work: Transaction) -> str | None:
    """The version of an open database; None if it has never been upgraded."""
    if work.row(_has_table, name=_table.name) is None:
        return None
    row = work.row(_current)
    return None if row is None else str(row[0])


def check_version(work: Transaction) -> None:
    """Refuse a database at any other version than the needed one, with StoreUnavailable."""
    found, needed = version_in(work), needed_version()
    if found != needed:
        raise StoreUnavailable(f"the database is at schema version {found or 'none'}, this program needs {needed}: "
                               "run `ocs db upgrade`" + (", of a newer program" if _is_newer(found) else ""))


def current_version(database: str | URL | Backend) -> str | None:
    """The version of a database; None where it has none yet, or where the SQLite file is not there. Raises
    StoreUnavailable."""
    backend = backend_for(database)
    if not backend.exists:
        return None
    with transaction(backend, write=False) as work:
        return version_in(work)


def upgrade(database: str | URL | Backend) -> tuple[str | None, str]:
    """Bring the database to the needed version; a SQLite file is made where there is none. The versions before and
    after. Raises StoreUnavailable, also for a database of a newer program, which is left alone."""
    backend = backend_for(database)
    connection = backend.connect(create=True)
    engine = create_engine(backend.url, creator=lambda: connection, poolclass=StaticPool)
    try:
        with engine.connect() as bound, bound.begin():
            before = version_in(backend.begin_upgrade(connection))      # one at a time, and all of it or none
            if _is_newer(before):
                raise StoreUnavailable(f"{backend}: schema version {before} is of a newer program than this "
                                       f"({needed_version()})")
            config = _config()
            config.attributes["connection"] = bound
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise backend.unavailable(error.orig or error) from error
    except backend.errors as error:
        raise backend.unavailable(error) from error
    finally:
        engine.dispose()
    return before, needed_version()


def _is_newer(version: str | None) -> bool:
    """Whether no script of this program leads to that version."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return version is not None and version not in known
