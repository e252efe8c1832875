"""How sessions share the lines of a trunk group while these are scarce: in proportion to what each needs to keep its agents busy.

Sessions that have ports of their own (`maximum_ports`), and those that agents do not pace, take what they need first.
Source: dialing modes, section 6 (dynamic port allocation).
"""
from __future__ import annotations

from typing import Iterable

from ocs.dialing.modes import CallFlow, PacedBy
from ocs.dialing.session import SessionState
from ocs.scheduler.session import DialingSession

__all__ = ["line_share"]

_TRANSFERS = (CallFlow.TRANSFER, CallFlow.SEIZING)


def line_share(session: DialingSession, dn: str, lines: int, loaded: Iterable[DialingSession]) -> int | None:
    """How many of the `lines` of the trunk group at `dn` the session may have in use; None while there are enough for all."""
    sessions = list(loaded)
    sharing = [one for one in sessions if _shares(one, dn)]
    if session not in sharing or len(sharing) == 1:
        return None
    pool = lines - sum(one.calls_from(dn) for one in sessions if one not in sharing)
    needs = {one: max(1.0, one.feed.lines_needed) for one in sharing}
    total = sum(needs.values())
    return None if total <= pool else max(1, int(pool * needs[session] / total))


def _shares(session: DialingSession, dn: str) -> bool:
    rules, group = session.rules, session.group
    return (session.state is SessionState.RUNNING and not session.paused and not group.maximum_ports
            and rules.paced_by is PacedBy.AGENTS and rules.flow in _TRANSFERS and not (group.cpd or group.obn)
            and any(place.trunk_group_dn == dn for place in group.places))
