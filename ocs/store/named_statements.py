"""SQL statements that an administrator has named in the configuration, for treatments to run.

A statement names the values it wants as `:column`: columns of the calling list, public or user-defined. They are bound,
never pasted. One statement a name, checked when the server starts; it runs in a transaction of its own behind the writes of
the store, and its outcome changes nothing but the database.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Callable, Mapping, Sequence

from sqlalchemy import text
from sqlglot import parse
from sqlglot.errors import SqlglotError
from sqlglot.expressions import Command
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.database.statements import Sql, Transaction
from ocs.dialing.contact import Contact
from ocs.options import REQUIRED, option

__all__ = ["NamedStatements", "SqlStatementOptions", "values_of"]

_PUBLIC = ("record_id", "chain_id", "chain_n", "contact_info", "contact_info_type", "record_type", "record_status",
           "call_result", "attempt", "dial_sched_time", "call_time", "daily_from", "daily_till", "tz_dbid", "agent_id")


@dataclass(frozen=True)
class SqlStatementOptions:
    """A statement that treatments may run, by its name."""

    name: str = option(REQUIRED, text="Name by which treatments know it.", example="note-result")
    statement: str = option(
        REQUIRED, example="UPDATE crm_contact SET last_result = :call_result WHERE phone = :contact_info",
        text="One SQL statement; :column stands for the record's value of a column of the list, public or user-defined.")

    def problems(self) -> list[str]:
        try:
            parsed = parse(self.statement)
        except (SqlglotError, RecursionError) as error:
            return [f"statement: {str(error).splitlines()[0]}"]
        if len(parsed) != 1 or parsed[0] is None:
            return [f"statement: one statement is expected, not {len(parsed)}"]
        if isinstance(parsed[0], Command):
            return ["statement: not a statement that could be read"]
        return []


def values_of(contact: Contact) -> dict[str, Any]:
    """Column -> value of the record; the database's own types."""
    record = contact.record
    values: dict[str, Any] = dict(record.fields)
    values.update({name: _plain(getattr(record, name)) for name in _PUBLIC})
    return values


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, IntEnum) else value


class NamedStatements:
    """Runs them. `change(interaction)` hands an interaction to the store's writer."""

    log = Logger()

    def __init__(self, options: Sequence[SqlStatementOptions],
                 change: Callable[[Callable[[Transaction], None]], Deferred[None]]) -> None:
        self._change = change
        self._statements: dict[str, tuple[Sql, frozenset[str]]] = {}
        for one in options:
            clause = text(one.statement)
            self._statements[one.name] = Sql(clause), frozenset(clause._bindparams)

    def names(self) -> list[str]:
        """Those that exist."""
        return list(self._statements)

    def run(self, name: str, contact: Contact) -> None:
        """Run one with the values of a record. Returns at once; a failure is logged. KeyError for a name that does not
        exist; a value that the record does not have is NULL."""
        statement, wanted = self._statements[name]
        values: Mapping[str, Any] = values_of(contact)
        given = {each: values.get(each) for each in wanted}

        def interaction(work: Transaction) -> None:
            work.run(statement, **given)

        def failed(failure: Failure) -> None:
            self.log.error("statement {statement} for record {record_id}: {reason}", statement=name,
                           record_id=contact.record.record_id, reason=failure.getErrorMessage())

        self._change(interaction).addErrback(failed)
