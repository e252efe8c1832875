"""The campaign groups of a running engine are replaced by others: read and checked first, for all of them, then in one step.

What a session cannot take now (`ocs.scheduler.live`) it takes with its next load. A group that is gone stays until it is
unloaded.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Mapping, Sequence

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.session import SessionState
from ocs.scheduler.live import Prepared, prepared

if TYPE_CHECKING:
    from ocs.scheduler.engine import Engine

__all__ = ["GroupNews", "GroupOutcome", "Regrouping", "prepare_groups"]


class GroupNews(Enum):
    """What became of a group."""
    CHANGED = "changed"
    WAITS = "takes its new values with its next load"       # it was just being loaded or unloaded
    ADDED = "added"
    REMOVED = "removed"
    LEAVES = "is removed once it is unloaded"


@dataclass(frozen=True)
class GroupOutcome:
    """`waits` names the values that change with the next load."""

    group: str
    news: GroupNews
    waits: tuple[str, ...] = ()


class Regrouping:
    """New groups, checked."""

    def __init__(self, engine: Engine, changes: Sequence[Prepared], groups: Mapping[str, CampaignGroup]) -> None:
        self._engine, self._changes, self._groups = engine, changes, groups

    def apply(self) -> list[GroupOutcome]:
        """Change them; cannot fail."""
        engine, outcomes = self._engine, []
        for change in self._changes:
            now = change.apply()
            outcomes.append(GroupOutcome(change.configured.name, GroupNews.CHANGED if now else GroupNews.WAITS, change.waits))
        for name, group in self._groups.items():
            engine.leaving.discard(name)
            if name not in engine.sessions:
                engine.add(group)
                outcomes.append(GroupOutcome(name, GroupNews.ADDED))
        for name in [each for each in engine.sessions if each not in self._groups]:
            unloaded = engine.sessions[name].state is SessionState.NOT_LOADED
            engine.remove(name)
            outcomes.append(GroupOutcome(name, GroupNews.REMOVED if unloaded else GroupNews.LEAVES))
        return outcomes


async def prepare_groups(engine: Engine, groups: Mapping[str, CampaignGroup]) -> Regrouping:
    """Read and check what the sessions need for these groups (by name), which are to be all that there are. Errors as of
    `ocs.scheduler.live.prepared`; nothing has changed then."""
    changes = [await prepared(session, groups[name]) for name, session in list(engine.sessions.items()) if name in groups]
    return Regrouping(engine, changes, groups)
