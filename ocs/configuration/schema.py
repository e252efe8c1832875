"""Tables of the Configuration Database, as SQLAlchemy Core values; each kind of objects has one, made of its declaration.

Columns are the public names of properties in small letters with underscores (`num_of_channels`, `orig_dn_dbid`); enumerations
have their public numbers, flags 1 (no) and 2 (yes). Properties with several values have tables of their own, in order by
`position`; options of all objects are in `cfg_option`. `object_version` counts the changes of an object. References are foreign
keys that are checked at the commit.
"""
from __future__ import annotations

from types import MappingProxyType
from typing import Any, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from ocs.configuration.kinds import KINDS
from ocs.configuration.model import Form, Kind, Property, Rows

__all__ = ["database", "history", "metadata", "object_tables", "options", "row_tables"]

_TYPES: Mapping[Form, TypeEngine[Any]] = {
    Form.INTEGER: Integer(), Form.NUMBER: Double(), Form.TEXT: Text(), Form.NAME: String(255), Form.FLAG: Integer(),
    Form.MEMBER: Integer(), Form.REFERENCE: BigInteger()}

metadata = MetaData()

# One row: by which an exported file knows the database from which it comes.
database = Table("cfg_database", metadata, Column("id", String(32), primary_key=True))

options = Table(
    "cfg_option", metadata,
    Column("object_type", Integer, nullable=False),             # public number of the kind
    Column("object_dbid", BigInteger, nullable=False),
    Column("section", String(255), nullable=False),
    Column("key", String(255), nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("object_type", "object_dbid", "section", "key", name="pk_cfg_option"),
)

# Who changed what, in the order of the commits; what servers follow.
history = Table(
    "cfg_history", metadata,
    Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("at", Double, nullable=False),                       # epoch seconds
    Column("who", String(255), nullable=False),
    Column("origin", String(255), nullable=False),              # a file's name, console ...
    Column("object_type", Integer, nullable=False),
    Column("object_dbid", BigInteger, nullable=False),
    Column("object", String(600), nullable=False),              # as people name it: campaign[renewals]
    Column("action", String(16), nullable=False),               # created, changed, removed
    Column("version", Integer, nullable=False),                 # of the object, after the change
    Column("field", String(600), nullable=False),               # "" where the object has nothing to tell but itself
    Column("old_value", Text, nullable=False),
    Column("new_value", Text, nullable=False),
    sqlite_autoincrement=True,                                  # a number is never used again
)
Index("ix_cfg_history_object", history.c.object_type, history.c.object_dbid)


def _column(table: str, one: Property, nullable: bool) -> Column[Any]:
    foreign = []
    if one.form is Form.REFERENCE and not one.decides:
        foreign = [ForeignKey(f"{KINDS[one.refers[0]].table}.dbid", name=f"fk_{table}_{one.in_table}", deferrable=True,
                              initially="DEFERRED")]
    return Column(one.in_table, _TYPES[one.form], *foreign, nullable=nullable)


def _object_table(kind: Kind) -> Table:
    columns = [_column(kind.table, one, one.form in (Form.REFERENCE, Form.MEMBER) and one.default is None and not one.required)
               for one in kind.plain]
    return Table(kind.table, metadata, Column("dbid", BigInteger, primary_key=True, autoincrement=False), *columns,
                 Column("object_version", Integer, nullable=False))


def _may_be_none(one: Property) -> bool:
    return one.form is Form.REFERENCE and not one.required


def _row_table(kind: Kind, rows: Rows) -> Table:
    owner = ForeignKey(f"{kind.table}.dbid", name=f"fk_{rows.table}_owner", deferrable=True, initially="DEFERRED")
    return Table(rows.table, metadata, Column("owner_dbid", BigInteger, owner, nullable=False),
                 Column("position", Integer, nullable=False),
                 *(_column(rows.table, one, _may_be_none(one)) for one in rows.columns),
                 PrimaryKeyConstraint("owner_dbid", "position", name=f"pk_{rows.table}"))


object_tables: Mapping[str, Table] = MappingProxyType({word: _object_table(kind) for word, kind in KINDS.items()})
row_tables: Mapping[tuple[str, str], Table] = MappingProxyType({
    (word, rows.name): _row_table(kind, rows) for word, kind in KINDS.items() for rows in kind.rows})
