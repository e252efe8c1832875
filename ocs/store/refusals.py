"""How often records were not dialed, by session, list and reason: counts to rows and back."""
from __future__ import annotations

from typing import Sequence

from sqlalchemy import bindparam, func, select

from ocs.database.statements import Sql, Transaction, insert_or_update
from ocs.dialing.checks import RefusalCount
from ocs.store import schema

__all__ = ["refusals_of", "write_refusals"]

_table = schema.refusals
_write = insert_or_update(_table, "calling_list", "session_guid", "reason")
_sessions = (select(_table.c.session_guid).where(_table.c.calling_list == bindparam("calling_list"))
             .group_by(_table.c.session_guid)
             .order_by(func.max(_table.c.began_at).desc(), _table.c.session_guid).limit(bindparam("sessions")))
_last = Sql(select(_table.c.calling_list, _table.c.session_guid, _table.c.reason, _table.c.campaign_group, _table.c.began_at,
                   _table.c.records)
            .where(_table.c.calling_list == bindparam("calling_list"), _table.c.session_guid.in_(_sessions))
            .order_by(_table.c.began_at.desc(), _table.c.session_guid, _table.c.records.desc(), _table.c.reason))


def write_refusals(work: Transaction, counts: Sequence[RefusalCount]) -> None:
    """Counts as they stand now, in place of what was written of them before."""
    work.run_many(_write, [{
        "calling_list": one.calling_list, "session_guid": one.session_guid, "reason": one.reason[:255],
        "campaign_group": one.campaign_group, "began_at": one.began_at, "records": one.records} for one in counts])


def refusals_of(work: Transaction, calling_list: str, sessions: int = 10) -> list[RefusalCount]:
    """Those of the list's last `sessions`, the latest first, its commonest reason first."""
    return [RefusalCount(*row) for row in work.rows(_last, calling_list=calling_list, sessions=sessions)]
