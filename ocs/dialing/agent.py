"""An agent as the OCS sees one: logged in or not, willing or not, on a call or not. Pure; fed by the switch's events.

An agent is free when the agent is Ready and has no call. Source: agent events of the T-Server reference.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Agent", "AgentEvent", "AgentEventKind", "WorkState", "step"]


class WorkState(Enum):
    """What the agent has told the switch."""
    LOGGED_OUT = auto()
    NOT_READY = auto()
    READY = auto()
    AFTER_CALL_WORK = auto()


class AgentEventKind(Enum):
    """Events at an agent's DN."""
    LOGIN = auto()
    LOGOUT = auto()
    READY = auto()
    NOT_READY = auto()
    AFTER_CALL_WORK = auto()
    CALL = auto()           # a call rings at, or is dialed or connected by, the DN
    CALL_GONE = auto()      # that call has left the DN


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One event. `at` is epoch seconds; `conn_id` names the call of CALL and CALL_GONE."""

    kind: AgentEventKind
    dn: str
    at: float
    agent_id: str = ""
    conn_id: str = ""
    talking: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """One DN with whoever is logged in there. `since` is when `state_name` last changed, epoch seconds."""

    dn: str
    agent_id: str = ""
    work: WorkState = WorkState.LOGGED_OUT
    calls: frozenset[str] = frozenset()
    talking: bool = False
    since: float = 0.0

    @property
    def free(self) -> bool:
        """True if a call may be sent to this agent."""
        return self.work is WorkState.READY and not self.calls

    @property
    def state_name(self) -> str:
        """One word for people: logged-out, not-ready, ready, after-call-work, ringing, talking."""
        if self.calls:
            return "talking" if self.talking else "ringing"
        return self.work.name.lower().replace("_", "-")


_WORK = {AgentEventKind.LOGIN: WorkState.NOT_READY, AgentEventKind.LOGOUT: WorkState.LOGGED_OUT,
         AgentEventKind.READY: WorkState.READY, AgentEventKind.NOT_READY: WorkState.NOT_READY,
         AgentEventKind.AFTER_CALL_WORK: WorkState.AFTER_CALL_WORK}


def step(agent: Agent, event: AgentEvent) -> Agent:
    """The agent after the event. Every event is legal in every state: the switch's word is the truth."""
    calls, talking = agent.calls, agent.talking
    work, agent_id = _WORK.get(event.kind, agent.work), agent.agent_id
    if event.kind is AgentEventKind.CALL:
        calls, talking = calls | {event.conn_id}, event.talking or talking
    elif event.kind is AgentEventKind.CALL_GONE:
        calls = calls - {event.conn_id}
        talking = talking and bool(calls)
    elif event.kind is AgentEventKind.LOGIN and agent.work is not WorkState.LOGGED_OUT:
        work = agent.work           # a repeated login changes nothing
    if event.agent_id and event.kind is not AgentEventKind.LOGOUT:
        agent_id = event.agent_id
    after = Agent(agent.dn, agent_id, work, calls, talking, agent.since)
    if after.state_name == agent.state_name:
        return after
    return Agent(agent.dn, agent_id, work, calls, talking, event.at)
