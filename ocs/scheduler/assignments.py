"""Whom of the agents that several campaign groups share each of them has (`ocs.dialing.assignment`).

Groups that take part (`agent_assignment`) may dial for the same agents at the same time in modes that would compete for them. The
assignment is looked over when somebody asks, at most once a second; sessions whose agents change are woken.
"""
from __future__ import annotations

from typing import Callable, Sequence

from ocs.clock import IClock
from ocs.dialing.assignment import Claim, assign
from ocs.dialing.modes import PacedBy
from ocs.dialing.session import SessionState
from ocs.interfaces import IAgentState
from ocs.scheduler.session import DialingSession

__all__ = ["Assignments"]

_LOOK_S = 1.0


class Assignments:
    """Of one engine; `sessions()` are those that are loaded."""

    def __init__(self, clock: IClock, agents: IAgentState, sessions: Callable[[], Sequence[DialingSession]]) -> None:
        self._clock, self._agents, self._sessions = clock, agents, sessions
        self._made: dict[str, str] = {}         # DN -> name of a campaign group
        self._looked_at = float("-inf")

    def has(self, session: DialingSession, dn: str) -> bool:
        """Whether calls of the session may count on the agent at `dn`."""
        if not session.group.agent_assignment:
            return True
        self._look()
        return self._made.get(dn) == session.group.name

    def _look(self) -> None:
        now = self._clock.seconds()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        sessions = [session for session in self._sessions() if self._takes_part(session)]
        claims: list[Claim] = []
        busy: set[str] = set()
        for session in sessions:
            there = self._agents.of(session.group)
            busy.update(agent.dn for agent in there if agent.calls)
            members = frozenset(agent.dn for agent in there)
            claims.append(Claim(session.group.name, session.group.assignment, members, session.loop.idle))
        before, self._made = self._made, assign(claims, self._made, frozenset(busy))
        moved = {dn for dn in before.keys() | self._made.keys() if before.get(dn) != self._made.get(dn)}
        concerned = {made.get(dn) for made in (before, self._made) for dn in moved}
        for session in sessions:
            if session.group.name in concerned:
                session.feed.picture_changed()
                session.wake()

    @staticmethod
    def _takes_part(session: DialingSession) -> bool:
        paced = session.rules.paced_by in (PacedBy.AGENTS, PacedBy.AGENTS_BEHIND_IVR)
        return session.group.agent_assignment and paced and session.state is SessionState.RUNNING
