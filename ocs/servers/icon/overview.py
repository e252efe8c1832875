"""What an interaction database holds, in a few numbers: rows by table, sources and how far they are written, what is missing."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from sqlalchemy import func, literal_column, select

from ocs.database.statements import Sql, Transaction
from ocs.servers.icon import schema

__all__ = ["Missing", "Overview", "SourceRow", "overview"]

_sources = Sql(select(schema.sources.c.source, schema.sources.c.application, schema.sources.c.ocsid,
                      schema.sources.c.last_sequence, schema.sources.c.opened_at).order_by(schema.sources.c.id))
_missing = Sql(select(schema.sources.c.source, schema.audit.c.at, schema.audit.c.kind, schema.audit.c.first_sequence,
                      schema.audit.c.last_sequence, schema.audit.c.count, schema.audit.c.text)
               .join(schema.sources, schema.sources.c.id == schema.audit.c.source_id)
               .order_by(schema.audit.c.id.desc()).limit(literal_column("1000")))
_counts = {table.name: Sql(select(func.count()).select_from(table)) for table in schema.TABLES}


@dataclass(frozen=True)
class SourceRow:
    """One stream of reports. Times are epoch seconds."""

    source: str
    application: str
    ocsid: int
    last_sequence: int
    opened_at: float


@dataclass(frozen=True)
class Missing:
    """Reports that are not in the tables, and why: refused, lost, missing."""

    source: str
    at: float
    kind: str
    first_sequence: int
    last_sequence: int
    count: int
    text: str


@dataclass(frozen=True)
class Overview:
    """Rows by table; sources in the order of their first report; what is missing, the newest 1,000."""

    rows: Mapping[str, int]
    sources: tuple[SourceRow, ...]
    missing: tuple[Missing, ...]


def overview(work: Transaction) -> Overview:
    """Read it."""
    counts = {name: (work.row(sql) or (0,))[0] for name, sql in _counts.items()}
    return Overview(counts, tuple(SourceRow(*row) for row in work.rows(_sources)),
                    tuple(Missing(*row) for row in work.rows(_missing)))
