"""A schema's version: what a database has, what this program needs, and the way from one to the other.

Several schemas may lie in one database: each has scripts of its own, and a table of its own that tells its version.
`upgrade` makes a SQLite file that is not there. All scripts run in one transaction: an upgrade is done or not begun.
"""
from __future__ import annotations

from functools import cached_property
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

from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.statements import Sql, Transaction
from ocs.errors import StoreUnavailable

__all__ = ["Versions"]


def _table_query(dialect: Dialect) -> ClauseElement:
    if dialect.name == "sqlite":
        names = table("sqlite_master", column("name", String))
        return select(names.c.name).where(names.c.name == bindparam("name"))
    found = func.to_regclass(bindparam("name", type_=String))
    return select(found).where(found.is_not(None))


_has_table = Sql(_table_query)


class Versions:
    """The versions of one schema. `scripts` is alembic's folder; its `env.py` gets the connection and the name of the version
    table as attributes. `remedy` is the command that upgrades, told to whoever has a database that is too old."""

    def __init__(self, scripts: Path, remedy: str, version_table: str = "alembic_version") -> None:
        self._scripts, self._remedy, self._table = scripts, remedy, version_table
        versions = Table(version_table, MetaData(), Column("version_num", String(32)))
        self._current = Sql(select(versions.c.version_num))

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self._scripts).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["version_table"] = self._table
        return config

    @cached_property
    def needed(self) -> str:
        """The version that this program works with."""
        head = ScriptDirectory.from_config(self._config()).get_current_head()
        assert head is not None
        return head

    def found(self, work: Transaction) -> str | None:
        """The version of an open database; None if it has never been upgraded."""
        if work.row(_has_table, name=self._table) is None:
            return None
        row = work.row(self._current)
        return None if row is None else str(row[0])

    def check(self, work: Transaction) -> None:
        """Refuse a database at any other version than the needed one, with StoreUnavailable."""
        found = self.found(work)
        if found != self.needed:
            raise StoreUnavailable(f"the database is at schema version {found or 'none'}, this program needs {self.needed}: "
                                   f"run `{self._remedy}`" + (", of a newer program" if self._is_newer(found) else ""))

    def current(self, database: str | URL | Backend) -> str | None:
        """The version of a database; None where it has none yet, or where the SQLite file is not there. Raises
        StoreUnavailable."""
        backend = backend_for(database)
        if not backend.exists:
            return None
        with transaction(backend, write=False) as work:
            return self.found(work)

    def upgrade(self, database: str | URL | Backend) -> tuple[str | None, str]:
        """Bring the database to the needed version; a SQLite file is made where there is none. The versions before and
        after. Raises StoreUnavailable, also for a database of a newer program, which is left alone."""
        backend = backend_for(database)
        connection = backend.connect(create=True)
        engine = create_engine(backend.url, creator=lambda: connection, poolclass=StaticPool)
        try:
            with engine.connect() as bound, bound.begin():
                before = self.found(backend.begin_upgrade(connection))      # one at a time, and all of it or none
                if self._is_newer(before):
                    raise StoreUnavailable(f"{backend}: schema version {before} is of a newer program than this "
                                           f"({self.needed})")
                config = self._config()
                config.attributes["connection"] = bound
                command.upgrade(config, "head")
        except DBAPIError as error:
            raise backend.unavailable(error.orig or error) from error
        except backend.errors as error:
            raise backend.unavailable(error) from error
        finally:
            engine.dispose()
        return before, self.needed

    def _is_newer(self, version: str | None) -> bool:
        """Whether no script of this program leads to that version."""
        known = {script.revision for script in ScriptDirectory.from_config(self._config()).walk_revisions()}
        return version is not None and version not in known
