"""An interaction database for a test, of both kinds, and what is in it."""
from __future__ import annotations

from typing import Any, Mapping

from sqlalchemy import Table, select

from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.statements import Sql, plain
from ocs.servers.icon import schema
from ocs.servers.icon.sources import open_source
from ocs.servers.icon.versions import icon_versions
from ocs.servers.icon.writer import Writer, Written
from protocols.icon.messages import EvtCode, GOMessageType

NOW = 1_773_160_200.0
SESSION = {"SessID": "S1", "CmpID": 201, "GrpID": 301}
CHAIN = {**SESSION, "LstID": 101, "ChID": 7, "ChainGUID": "C1", "RecordHandle": 5}


def report(sequence: int, kind: GOMessageType, code: EvtCode = EvtCode.CHANGED, at: float = NOW, /,
           **attributes: Any) -> dict[str, Any]:
    """A report as it comes out of a batch."""
    return {"Sequence": sequence, "GOMessageType": int(kind), "EvtCode": int(code), "Time": at, **attributes}


class Tables:
    """An interaction database with its tables, and a writer on it."""

    def __init__(self, url: str) -> None:
        self.url, self.backend, self.writer = url, backend_for(url), Writer(sys_id=9)

    def open(self, source: str = "ocs-1", ocsid: int = 1, following: int = 1) -> int:
        with transaction(self.backend) as work:
            return open_source(work, source, "ocs", ocsid, following, NOW)

    def write(self, *events: object, source: str = "ocs-1") -> Written:
        with transaction(self.backend) as work:
            outcome = self.writer.write(work, source, events, NOW + 5)
        self.writer.committed(outcome)
        return outcome

    def rows(self, table: Table) -> list[Mapping[str, Any]]:
        return rows(self.backend, table)


def rows(backend: Backend, table: Table) -> list[Mapping[str, Any]]:
    """All rows, oldest first; only the columns that have a value, without those of the system."""
    names = [column.name for column in table.columns]
    order = table.c.ID if "ID" in table.c else list(table.primary_key)[0]
    with transaction(backend, write=False) as work:
        found = work.rows(Sql(select(*table.columns).order_by(order)))
    return [{name: plain(value) for name, value in zip(names, row) if value is not None} for row in found]


def own(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its number and the system's columns, and with one column for each time."""
    return {name: value for name, value in row.items() if name != "ID" and not name.startswith("GSYS_")
            and not name.endswith(("_ts", "_tcode"))}


def cleared_postgresql(server: Any) -> str:
    """The URL of the interaction database that the tests share, emptied."""
    import psycopg
    url: str = server.url("icon")
    if not server.execute("SELECT 1 FROM pg_database WHERE datname = 'icon'"):
        server.execute("CREATE DATABASE icon")
        icon_versions.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        names = ", ".join(table.name for table in schema.metadata.tables.values())
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
    return url
