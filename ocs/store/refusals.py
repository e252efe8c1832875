"""How often records were not dialed, by session, list and reason: counts to rows and back."""
from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from sqlalchemy import bindparam, func, select

from ocs.database.statements import Sql, Transaction, insert_or_update
from ocs.dialing.checks import RefusalCount
from ocs.store import schema

__all__ = ["refusals_of", "write_refusals"]

_table = schema.refusals
_write = insert_or_update(_table, "calling_list", "session_guid", "reason")
_sessions = (select(_table.c.session_guid).where(_table.c.table_access == bindparam("table"))
             .group_by(_table.c.session_guid)
             .order_by(func.max(_table.c.began_at).desc(), _table.c.session_guid).limit(bindparam("sessions")))
_last = Sql(select(_table.c.calling_list, _table.c.session_guid, _table.c.reason, _table.c.campaign_group, _table.c.began_at,
                   _table.c.records)
            .where(_table.c.table_access == bindparam("table"), _table.c.session_guid.in_(_sessions))
            .order_by(_table.c.began_at.desc(), _table.c.session_guid, _table.c.calling_list, _table.c.records.desc(),
                      _table.c.reason))


def write_refusals(work: Transaction, counts: Sequence[RefusalCount]) -> None:
    """Counts as they stand now, in place of what was written of them before."""
    work.run_many(_write, [{
        "calling_list": one.calling_list, "session_guid": one.session_guid, "reason": one.reason[:255],
        "campaign_group": one.campaign_group, "began_at": one.began_at, "records": one.records,
        "table_access": one.table or one.calling_list} for one in counts])


def refusals_of(work: Transaction, table: str, sessions: int = 10) -> list[RefusalCount]:
    """Those of the last `sessions` that had the table's records, the latest first; list by list, the commonest reason first."""
    found = [RefusalCount(*row) for row in work.rows(_last, table=table, sessions=sessions)]
    return [one if one.calling_list == table else replace(one, table=table) for one in found]
