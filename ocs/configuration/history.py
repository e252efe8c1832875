"""Who changed what in the configuration, and when: a row for each field, secrets hidden; rows are never changed."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Sequence

from sqlalchemy import and_, bindparam, insert, or_, select

from ocs.configuration import schema
from ocs.configuration.difference import FieldChange, ObjectChange
from ocs.configuration.kinds import KINDS
from ocs.database.statements import Sql, Transaction

__all__ = ["Act", "Entry", "changed_since", "last_change", "read_history", "record"]

_row = schema.history.c
_record = Sql(insert(schema.history).inline().values(
    {column.name: bindparam(column.name) for column in schema.history.columns if column.name != "sequence"}))
_columns = (_row.sequence, _row["at"], _row.who, _row.origin, _row.object_type, _row.object_dbid, _row.object, _row.action,
            _row.version, _row.field, _row.old_value, _row.new_value)
_of_object = and_(_row.object_type == bindparam("type"), _row.object_dbid == bindparam("dbid"))
_newest = _row.sequence.desc()
_all = Sql(select(*_columns).order_by(_newest).limit(bindparam("count")))
_last = Sql(select(*_columns).where(_of_object).order_by(_newest).limit(1))
_one = Sql(select(*_columns).where(_of_object).order_by(_newest).limit(bindparam("count")))
_named = Sql(select(_row.object_type, _row.object_dbid).where(or_(
    _row.object == bindparam("label"), _row.object.like(bindparam("ending"), escape="\\"))).distinct())
_since = Sql(select(*_columns).where(_row.sequence > bindparam("sequence")).order_by(_row.sequence))


@dataclass(frozen=True)
class Act:
    """Who changes the configuration, and from where (`import FILE`, `console` ...); `at` in epoch seconds."""

    at: float
    who: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Entry:
    """One row: a field that changed, or, with no field, an object that came or went with nothing to tell of it."""

    sequence: int
    at: float
    who: str
    origin: str
    type: int
    dbid: int
    object: str
    action: str
    version: int
    field: str
    old: str
    new: str

    @property
    def by_whom(self) -> str:
        """For people."""
        moment = datetime.fromtimestamp(self.at, timezone.utc).isoformat(sep=" ", timespec="seconds")
        return f"{self.action} by {self.who or 'somebody'} at {moment}"


def record(work: Transaction, changes: Sequence[ObjectChange], act: Act) -> None:
    """Write changes into the history, in their order."""
    by = {"at": act.at, "who": act.who[:255], "origin": act.origin[:255]}
    work.run_many(_record, [{**by, **_what(change), "field": field.field, "old_value": field.old, "new_value": field.new}
                            for change in changes for field in change.fields or (FieldChange("", "", ""),)])


def _what(change: ObjectChange) -> dict[str, Any]:
    version = 1 + (change.before.version if change.before is not None else 0)
    return {"object_type": KINDS[change.key[0]].number, "object_dbid": change.key[1], "object": change.label,
            "action": change.action.value, "version": version}


def last_change(work: Transaction, kind: str, dbid: int) -> str:
    """What happened last to an object, for people."""
    row = work.row(_last, type=KINDS[kind].number, dbid=dbid)
    return "is not there any more" if row is None else f"was {Entry(*row).by_whom}"


def changed_since(work: Transaction, sequence: int) -> dict[tuple[int, int], Entry]:
    """The last change of each object behind a place in the history, by the number of its kind and its DBID."""
    return {(entry.type, entry.dbid): entry for entry in (Entry(*row) for row in work.rows(_since, sequence=sequence))}


def read_history(work: Transaction, label: str = "", limit: int = 100) -> list[Entry]:
    """The newest entries first; where a label (`campaign[renewals]`, or `renewals` alone) is given, of what has or had it."""
    if not label:
        return [Entry(*row) for row in work.rows(_all, count=limit)]
    escaped = label.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = work.rows(_named, label=label, ending=f"%[{escaped}]")
    entries = [Entry(*row) for kind, dbid in found for row in work.rows(_one, type=kind, dbid=dbid, count=limit)]
    return sorted(entries, key=lambda entry: -entry.sequence)[:limit]
