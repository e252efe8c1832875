"""Do-not-call checks that a configuration leaves out, in the audit trail: when it was so, and since when no more."""
from __future__ import annotations

from typing import Mapping

from sqlalchemy import bindparam, select

from ocs.database.statements import Sql, Transaction
from ocs.dialing.dnc import checks_off
from ocs.store import schema
from ocs.store.do_not_call import Act, audit

__all__ = ["audit_checks"]

_trail = schema.dnc_audit.c
_last = Sql(select(_trail.action).where(_trail.why.in_((bindparam("off"), bindparam("on"))),
                                        _trail.action.in_(("check-off", "check-on")))
            .order_by(_trail.sequence.desc()).limit(1))


def audit_checks(work: Transaction, chosen: Mapping[str, bool], act: Act, defaults: Mapping[str, bool] | None = None
                 ) -> tuple[str, ...]:
    """Called at each start with the options as they are (`section.option` -> whether it is checked): a row for every check
    that is off although it is on by default, and one when it is on again. The checks that are off, to be warned of."""
    off = checks_off(chosen, defaults)
    for name in sorted(chosen):
        texts = {"off": f"{name} = false", "on": f"{name} = true"}
        if name in off:
            audit(work, "check-off", Act(act.at, act.who, texts["off"], act.origin))
        elif (last := work.row(_last, **texts)) is not None and last[0] == "check-off":
            audit(work, "check-on", Act(act.at, act.who, texts["on"], act.origin))
    return off
