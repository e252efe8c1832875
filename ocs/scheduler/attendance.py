"""Agents who have asked to leave a campaign, and those who have said that they want previews.

Who asks to leave counts no longer as somebody for whom calls are dialed, and gets no record unasked. The agent may go when what
is at hand is settled and the calls under way find enough agents without this one; until then calls may still arrive. After that
the agent stays out of the campaign until the next log-in, or until previews are asked for again.
Source: the public requests LogOut, PreviewDialingModeStart and PreviewDialingModeOver.
"""
from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall

from ocs.dialing.agent import Agent, AgentEvent, AgentEventKind
from ocs.dialing.pacing import agents_suffice
from ocs.dialing.session import SessionState
from ocs.scheduler.context import Context

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Attendance"]


class Attendance:
    """Which agents of one session take part, by DN."""

    def __init__(self, context: Context, session: DialingSession) -> None:
        self._context, self._session = context, session
        self._previewing: dict[str, str] = {}                       # DN -> agent who said so
        self._leaving: dict[str, str] = {}
        self._waiting: dict[str, list[Deferred[bool]]] = {}         # DN -> who waits until the agent may go
        self._called_until: dict[str, IDelayedCall] = {}            # DN -> until then calls of before the request may come
        self._look: IDelayedCall | None = None

    def _is(self, marks: dict[str, str], dn: str) -> bool:
        """Whether the agent who is there now has the mark."""
        if dn not in marks:
            return False
        agent = self._context.agents.agent_at(dn)
        return agent is None or agent.agent_id == marks[dn]

    def _agent_id(self, dn: str) -> str:
        agent = self._context.agents.agent_at(dn)
        return "" if agent is None else str(agent.agent_id)

    # -- previews -------------------------------------------------------------------------------------------------
    def begin_previews(self, dn: str) -> None:
        """The agent wants previews, and does not leave."""
        self._previewing[dn] = self._agent_id(dn)
        self._leaving.pop(dn, None)
        self._answer(dn, False)
        self._session.feed.agent_changed(dn)
        self._session.wake()

    def end_previews(self, dn: str) -> None:
        """The agent wants none any more; what is at hand stays."""
        self._previewing.pop(dn, None)

    def takes_records(self, dn: str) -> bool:
        """Whether the agent may be given a record to dial, asked or unasked."""
        wants = not self._session.group.agent_preview_mode_start or self._is(self._previewing, dn)
        return wants and not self.is_leaving(dn)

    # -- leaving --------------------------------------------------------------------------------------------------
    def is_leaving(self, dn: str) -> bool:
        """True from the agent's request on."""
        return self._is(self._leaving, dn)

    def leave(self, dn: str) -> Deferred[bool]:
        """The agent asks to leave. Fires with True as soon as the agent may; with False if the agent has changed his mind."""
        self._leaving[dn] = self._agent_id(dn)
        self._session.feed.agent_changed(dn)
        self._session.wake()
        if self._may_go(dn, *self._picture()):
            return succeed(True)
        if self._session.under_way and dn not in self._called_until:
            self._called_until[dn] = self._context.clock.callLater(self.wait_s(), self.look)
        told: Deferred[bool] = Deferred()
        self._waiting.setdefault(dn, []).append(told)
        return told

    def wait_s(self) -> int:
        """How long at most calls that are under way may still come, seconds; 0 where there are none."""
        group = self._session.group
        return ceil(group.ring_timeout_s + group.call_wait_in_queue_timeout_s) if self._session.under_way else 0

    def _picture(self) -> tuple[set[str], int]:
        """DNs of agents with calls of ours, and how many agents wait for one."""
        return {held.agent_dn for held in self._session.calls}, self._session.callbacks.ready_agents()

    def _may_go(self, dn: str, with_calls: set[str], ready: int) -> bool:
        session, agent = self._session, self._context.agents.agent_at(dn)
        if session.state is SessionState.NOT_LOADED:
            return True
        if agent is None:
            return not self._context.agents.blind(session.group)
        if session.desks.has_record(dn) or dn in with_calls:
            return False
        timer = self._called_until.get(dn)
        if not agent.free or timer is not None and not timer.active():
            return True     # whatever was dialed before the request has come, or ended
        return agents_suffice(ready, session.group.multiplier, session.under_way)

    # -- what happens meanwhile -----------------------------------------------------------------------------------
    def agent_event(self, agent: Agent, event: AgentEvent) -> None:
        """An agent of the group changed state."""
        if event.kind is AgentEventKind.LOGOUT:
            self._previewing.pop(agent.dn, None)
            self._leaving.pop(agent.dn, None)
            self._answer(agent.dn, True)

    def look(self) -> None:
        """Something changed: soon see whether somebody may go."""
        if self._waiting and self._look is None:
            self._look = self._context.clock.callLater(0, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        picture = self._picture()
        for dn in [dn for dn in self._waiting if self._may_go(dn, *picture)]:
            self._answer(dn, True)

    def unloaded(self) -> None:
        """The session is not loaded any more: whoever waits may go, and the next time begins anew."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._previewing.clear()
        self._leaving.clear()
        for dn in list(self._waiting):
            self._answer(dn, True)

    def _answer(self, dn: str, may_go: bool) -> None:
        timer = self._called_until.pop(dn, None)
        if timer is not None and timer.active():
            timer.cancel()
        for told in self._waiting.pop(dn, ()):
            told.callback(may_go)
