"""Objects in the database: read whole, changed one by one under their versions, with their history in the same transaction.

Changes are made one transaction at a time (`lock`): so history is in the order of the commits, and what a change was checked
against is what it changes. On PostgreSQL the commit notifies servers that listen.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from sqlalchemy import Table, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.sql.expression import ColumnElement

from ocs.configuration import schema
from ocs.configuration.difference import ObjectChange
from ocs.configuration.enumerations import Flag
from ocs.configuration.history import Act, last_change, record
from ocs.configuration.kinds import KINDS
from ocs.configuration.model import ConfigurationObject, Form, Kind, Property, Rows, Value
from ocs.database.statements import Sql, Transaction
from ocs.errors import StaleObject

__all__ = ["NOTIFY_CHANNEL", "database_id", "lock", "read_objects", "revision", "write_changes"]

NOTIFY_CHANNEL = "ocs_configuration"        # PostgreSQL tells those who LISTEN on it that there is a new revision
_LOCK = 0x6F6373_636667                     # "ocscfg"
_ZERO: ColumnElement[Any] = literal_column("0")
_revision = Sql(select(func.coalesce(func.max(schema.history.c.sequence), _ZERO)))
_database = Sql(select(schema.database.c.id))
_lock = Sql(select(func.pg_advisory_xact_lock(_LOCK)))
_notify = Sql(select(func.pg_notify(NOTIFY_CHANNEL, "")))

_option = schema.options.c
_all_options = Sql(select(_option.object_type, _option.object_dbid, _option.section, _option.key, _option.value))
_add_option = Sql(insert(schema.options))
_of_object = _option.object_type == bindparam("type"), _option.object_dbid == bindparam("dbid")
_remove_option = Sql(delete(schema.options).where(*_of_object, _option.section == bindparam("within"),
                                                  _option.key == bindparam("called")))


@dataclass(frozen=True)
class _Statements:
    """Of the table of one kind."""

    read: Sql
    version: Sql
    add: Sql
    change: Sql
    remove: Sql


@dataclass(frozen=True)
class _RowStatements:
    """Of the table of a property with several values."""

    read: Sql
    add: Sql
    remove: Sql


def _statements(table: Table) -> _Statements:
    guarded = table.c.dbid == bindparam("the_dbid"), table.c.object_version == bindparam("the_version")
    changed: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c if column.name != "dbid"}
    return _Statements(Sql(select(table)), Sql(select(table.c.object_version).where(table.c.dbid == bindparam("the_dbid"))),
                       Sql(insert(table)), Sql(update(table).where(*guarded).values(changed)),
                       Sql(delete(table).where(*guarded)))


def _row_statements(table: Table) -> _RowStatements:
    return _RowStatements(Sql(select(table).order_by(table.c.owner_dbid, table.c.position)), Sql(insert(table)),
                          Sql(delete(table).where(table.c.owner_dbid == bindparam("owner"))))


_of_kind = {word: _statements(table) for word, table in schema.object_tables.items()}
_of_rows = {key: _row_statements(table) for key, table in schema.row_tables.items()}


def revision(work: Transaction) -> int:
    """How far the history goes; another number than before means that something changed."""
    row = work.row(_revision)
    return int(row[0]) if row is not None else 0


def database_id(work: Transaction) -> str:
    """By which an exported file knows this database."""
    row = work.row(_database)
    return "" if row is None else str(row[0])


def lock(work: Transaction) -> None:
    """Before what is going to be changed is read: nobody else changes anything until this transaction ends."""
    if work.dialect.name == "postgresql":
        work.row(_lock)


def read_objects(work: Transaction) -> dict[tuple[str, int], ConfigurationObject]:
    """All of them, by kind and DBID."""
    words = {kind.number: word for word, kind in KINDS.items()}
    options: dict[tuple[str, int], dict[tuple[str, str], str]] = {}
    for number, dbid, section, key, value in work.rows(_all_options):
        options.setdefault((words[number], int(dbid)), {})[section, key] = value
    objects = {}
    for word, kind in KINDS.items():
        rows = {one.name: _read_rows(work, word, one) for one in kind.rows}
        for dbid, *cells, version in work.rows(_of_kind[word].read):
            plain = {one.name: _from_column(one, cell) for one, cell in zip(kind.plain, cells)}
            values = {one.name: plain[one.name] if one.name in plain else rows[one.name].get(int(dbid), ())
                      for one in kind.properties}
            objects[word, int(dbid)] = ConfigurationObject(word, int(dbid), values, options.get((word, int(dbid)), {}),
                                                           int(version))
    return objects


def _read_rows(work: Transaction, word: str, one: Rows) -> dict[int, tuple[Any, ...]]:
    found: dict[int, list[Any]] = {}
    for owner, _, *cells in work.rows(_of_rows[word, one.name].read):
        values = tuple(_from_column(column, cell) for column, cell in zip(one.columns, cells))
        found.setdefault(int(owner), []).append(values[0] if one.single else values)
    return {owner: tuple(values) for owner, values in found.items()}


def _from_column(one: Property, cell: Any) -> Value:
    if cell is None:
        return None
    if one.form is Form.FLAG:
        return bool(cell == Flag.TRUE)
    if one.form is Form.NUMBER:
        return float(cell)
    return str(cell) if one.form in (Form.TEXT, Form.NAME) else int(cell)


def _to_column(one: Property, value: Any) -> Any:
    return int(Flag.TRUE if value else Flag.FALSE) if one.form is Form.FLAG else value


def write_changes(work: Transaction, changes: Sequence[ObjectChange], act: Act) -> None:
    """Make changes whose objects were read in their `before`. StaleObject, naming each and who changed it, where others changed
    them since; then the transaction is to be given up."""
    stale = []
    lock(work)
    for change in changes:
        if not _write(work, change):
            stale.append(f"{change.label}: {last_change(work, *change.key)}")
    if stale:
        raise StaleObject(stale)
    record(work, changes, act)
    if changes and work.dialect.name == "postgresql":
        work.row(_notify)


def _write(work: Transaction, change: ObjectChange) -> bool:
    """False if the object is not as it was read."""
    before, after = change.before, change.after
    kind, dbid = KINDS[change.key[0]], change.key[1]
    if before is None:
        assert after is not None
        if work.row(_of_kind[kind.word].version, the_dbid=dbid) is not None:
            return False
        work.run(_of_kind[kind.word].add, dbid=dbid, **_columns(kind, after), object_version=1)
    else:
        the = {"the_dbid": dbid, "the_version": before.version}
        if after is None:
            for one in kind.rows:
                work.run(_of_rows[kind.word, one.name].remove, owner=dbid)
            done = work.run(_of_kind[kind.word].remove, **the)
        else:
            done = work.run(_of_kind[kind.word].change, **_columns(kind, after), object_version=before.version + 1, **the)
        if not done:
            return False
    if after is not None:
        _write_rows(work, kind, before, after)
    _write_options(work, kind, dbid, {} if before is None else before.options, {} if after is None else after.options)
    return True


def _columns(kind: Kind, one: ConfigurationObject) -> dict[str, Any]:
    return {each.in_table: _to_column(each, one[each.name]) for each in kind.plain}


def _write_rows(work: Transaction, kind: Kind, before: ConfigurationObject | None, after: ConfigurationObject) -> None:
    for one in kind.rows:
        old = () if before is None else before[one.name]
        if old != after[one.name]:
            statements = _of_rows[kind.word, one.name]
            work.run(statements.remove, owner=after.dbid)
            rows = [(row,) if one.single else row for row in after[one.name]]
            work.run_many(statements.add, [
                {"owner_dbid": after.dbid, "position": place,
                 **{column.in_table: _to_column(column, cell) for column, cell in zip(one.columns, row)}}
                for place, row in enumerate(rows, 1)])


def _write_options(work: Transaction, kind: Kind, dbid: int, before: Mapping[tuple[str, str], str],
                   after: Mapping[tuple[str, str], str]) -> None:
    for section, key in before:
        if after.get((section, key)) != before[section, key]:
            work.run(_remove_option, type=kind.number, dbid=dbid, within=section, called=key)
    work.run_many(_add_option, [
        {"object_type": kind.number, "object_dbid": dbid, "section": section, "key": key, "value": value}
        for (section, key), value in after.items() if before.get((section, key)) != value])
