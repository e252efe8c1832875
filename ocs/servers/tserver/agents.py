"""Agents: log-in, ready and not ready as a table, and the floor that knows who is free for which queue.

Work modes: ManualIn (and Unknown) puts an agent into after-call work when a call ends, AutoIn makes the agent ready again.
An agent who lets an offered call ring out becomes not ready. Source: docs/wire.md, section 8.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping

from twisted.internet.interfaces import IReactorTime

from ocs.servers.tserver.events import Asker, EventStream
from protocols.message import Refused
from protocols.tserver.messages import AgentStatus, AgentWorkMode, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.directory import DN
    from ocs.servers.tserver.sessions import ClientSession

__all__ = ["AGENT_STATES", "Agent", "AgentFloor", "AgentStep", "Moved", "next_status"]

AGENT_STATES = (AgentStatus.LOGGED_OUT, AgentStatus.READY, AgentStatus.NOT_READY, AgentStatus.AFTER_CALL_WORK)


class AgentStep(Enum):
    """What can happen to an agent's state."""
    LOG_IN_READY = auto()
    LOG_IN_NOT_READY = auto()
    LOG_OUT = auto()
    GET_READY = auto()
    GET_NOT_READY = auto()
    BEGIN_AFTER_CALL_WORK = auto()
    CALL_ENDED_MANUAL = auto()
    CALL_ENDED_AUTO = auto()
    DID_NOT_ANSWER = auto()


@dataclass(frozen=True)
class Moved:
    """The state after a step, and the events that announce it."""

    status: AgentStatus
    events: tuple[str, ...] = ()


_OUT, _READY, _NOT_READY, _WORK = AGENT_STATES
_IN = (_READY, _NOT_READY, _WORK)
_SAY_NOT_READY = ("EventAgentNotReady",)

_NEXT: dict[tuple[AgentStatus, AgentStep], Moved | ErrorCode] = {
    (_OUT, AgentStep.LOG_IN_READY): Moved(_READY, ("EventAgentLogin", "EventAgentReady")),
    (_OUT, AgentStep.LOG_IN_NOT_READY): Moved(_NOT_READY, ("EventAgentLogin", "EventAgentNotReady")),
    (_OUT, AgentStep.LOG_OUT): ErrorCode.AGENT_NOT_IN,
    (_OUT, AgentStep.GET_READY): ErrorCode.LOGGED_OUT_READY,
    (_OUT, AgentStep.GET_NOT_READY): ErrorCode.LOGGED_OUT_READY,
    (_OUT, AgentStep.BEGIN_AFTER_CALL_WORK): ErrorCode.LOGGED_OUT_READY,
    (_OUT, AgentStep.CALL_ENDED_MANUAL): Moved(_OUT),
    (_OUT, AgentStep.CALL_ENDED_AUTO): Moved(_OUT),
    (_OUT, AgentStep.DID_NOT_ANSWER): Moved(_OUT),
    **{(status, AgentStep.LOG_IN_READY): ErrorCode.AGENT_ALREADY_IN for status in _IN},
    **{(status, AgentStep.LOG_IN_NOT_READY): ErrorCode.AGENT_ALREADY_IN for status in _IN},
    **{(status, AgentStep.LOG_OUT): Moved(_OUT, ("EventAgentLogout",)) for status in _IN},
    **{(status, AgentStep.GET_READY): Moved(_READY, ("EventAgentReady",)) for status in _IN},
    **{(status, AgentStep.GET_NOT_READY): Moved(_NOT_READY, _SAY_NOT_READY) for status in _IN},
    **{(status, AgentStep.BEGIN_AFTER_CALL_WORK): Moved(_WORK, _SAY_NOT_READY) for status in _IN},
    (_READY, AgentStep.CALL_ENDED_MANUAL): Moved(_WORK, _SAY_NOT_READY),
    (_READY, AgentStep.CALL_ENDED_AUTO): Moved(_READY, ("EventAgentReady",)),
    (_READY, AgentStep.DID_NOT_ANSWER): Moved(_NOT_READY, _SAY_NOT_READY),
    # who asked to be not ready, or to do after-call work, during a call stays so when it ends
    **{(status, step): Moved(status) for status in (_NOT_READY, _WORK)
       for step in (AgentStep.CALL_ENDED_MANUAL, AgentStep.CALL_ENDED_AUTO, AgentStep.DID_NOT_ANSWER)},
}
_REFUSALS = {
    ErrorCode.AGENT_NOT_IN: "no agent is logged in at this DN",
    ErrorCode.LOGGED_OUT_READY: "no agent is logged in at this DN",
    ErrorCode.AGENT_ALREADY_IN: "the agent is already logged in",
}


def next_status(status: AgentStatus, step: AgentStep) -> Moved:
    """The row of the table; Refused with 187, 1706 or 1707 where the step is not possible."""
    row = _NEXT[status, step]
    if isinstance(row, ErrorCode):
        raise Refused(row, _REFUSALS[row])
    return row


@dataclass(eq=False, slots=True)
class Agent:
    """One person who may log in. `owner` is the client that logged the agent in, None once that client is gone."""

    agent_id: str
    password_hash: str
    home_queue: str = ""                                # queue of a log-in that names none
    status: AgentStatus = AgentStatus.LOGGED_OUT
    work_mode: AgentWorkMode = AgentWorkMode.UNKNOWN    # as last announced
    ready_mode: AgentWorkMode = AgentWorkMode.UNKNOWN   # decides what follows a call
    dn: DN | None = None
    queue: DN | None = None
    owner: ClientSession | None = None
    application: str = ""                               # name of the owner's application
    idle_since: float = 0.0                             # monotonic seconds


class AgentFloor:
    """Everybody who may log in, and who is free. Calls `on_idle(queue DN)` when a queue gains an idle agent."""

    def __init__(self, clock: IReactorTime, events: EventStream, agents: Iterable[Agent],
                 on_idle: Callable[[DN], None]) -> None:
        self._clock, self._events, self._on_idle = clock, events, on_idle
        self._agents = {agent.agent_id: agent for agent in agents}
        self.changed: set[Agent] = set()        # those whose state this step has changed

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def get(self, agent_id: str) -> Agent | None:
        """The agent; None if there is none of this id."""
        return self._agents.get(agent_id)

    def find(self, agent_id: str) -> Agent:
        """The agent; Refused (1703) if there is none of this id."""
        agent = self._agents.get(agent_id)
        if agent is None:
            raise Refused(ErrorCode.AGENT_WRONG_ID, f"AgentID: no agent {agent_id[:64]!r} is configured")
        return agent

    def log_in(self, agent: Agent, dn: DN, queue: DN | None, owner: ClientSession, mode: AgentWorkMode,
               asker: Asker | None, reasons: Mapping[str, Any]) -> None:
        """Put the agent at the DN. The caller has checked that both are free."""
        ready = mode is AgentWorkMode.AUTO_IN
        moved = next_status(agent.status, AgentStep.LOG_IN_READY if ready else AgentStep.LOG_IN_NOT_READY)
        agent.dn, agent.queue, agent.owner, agent.application = dn, queue, owner, owner.application
        dn.agent = agent
        if queue is not None and queue.queue is not None:
            queue.queue.members.add(agent)
        agent.ready_mode = mode
        self._move(agent, moved, mode if ready else AgentWorkMode.UNKNOWN, asker, reasons)

    def log_out(self, agent: Agent, asker: Asker | None = None, reasons: Mapping[str, Any] = {}) -> None:
        """Take the agent off the DN; Refused (1707) if it is at none."""
        moved = next_status(agent.status, AgentStep.LOG_OUT)
        if agent.queue is not None and agent.queue.queue is not None:
            agent.queue.queue.remove_idle(agent)
            agent.queue.queue.members.discard(agent)
        dn = agent.dn
        self._move(agent, moved, AgentWorkMode.UNKNOWN, asker, reasons)
        if dn is not None:
            dn.agent = None
        agent.dn = agent.queue = agent.owner = None

    def set_ready(self, dn: DN, mode: AgentWorkMode, asker: Asker, reasons: Mapping[str, Any]) -> None:
        """RequestAgentReady; Refused (187) where nobody is logged in."""
        moved = next_status(_status(dn), AgentStep.GET_READY)
        assert dn.agent is not None
        dn.agent.ready_mode = mode
        self._move(dn.agent, moved, mode, asker, reasons)

    def set_not_ready(self, dn: DN, mode: AgentWorkMode, asker: Asker, reasons: Mapping[str, Any]) -> None:
        """RequestAgentNotReady; Refused (187) where nobody is logged in."""
        work = mode is AgentWorkMode.AFTER_CALL_WORK
        moved = next_status(_status(dn), AgentStep.BEGIN_AFTER_CALL_WORK if work else AgentStep.GET_NOT_READY)
        assert dn.agent is not None
        self._move(dn.agent, moved, mode, asker, reasons)

    def did_not_answer(self, dn: DN) -> None:
        """An offered call rang out at the DN."""
        if dn.agent is not None:
            self._move(dn.agent, next_status(dn.agent.status, AgentStep.DID_NOT_ANSWER), AgentWorkMode.WALK_AWAY)

    def occupied(self, dn: DN) -> None:
        """A call came to the DN: its agent can be given no other."""
        agent = dn.agent
        if agent is not None and agent.queue is not None and agent.queue.queue is not None:
            agent.queue.queue.remove_idle(agent)

    def freed(self, dn: DN) -> None:
        """The last call left the DN: after-call work, or the next call."""
        agent, talked = dn.agent, dn.talked
        dn.talked = False
        if agent is None:
            return
        if talked:
            auto_in = agent.ready_mode is AgentWorkMode.AUTO_IN
            moved = next_status(agent.status, AgentStep.CALL_ENDED_AUTO if auto_in else AgentStep.CALL_ENDED_MANUAL)
            agent.idle_since = self._clock.seconds()
            self._move(agent, moved, AgentWorkMode.AUTO_IN if auto_in else AgentWorkMode.AFTER_CALL_WORK)
        else:
            self._place(agent)

    def forget(self, agent: Agent) -> None:
        """The agent is another server's affair: logged out as far as this one knows, and nobody is told."""
        if agent.queue is not None and agent.queue.queue is not None:
            agent.queue.queue.remove_idle(agent)
            agent.queue.queue.members.discard(agent)
        if agent.dn is not None:
            agent.dn.agent = None
        agent.dn = agent.queue = agent.owner = None
        agent.status = AgentStatus.LOGGED_OUT

    def adopt(self, agent: Agent) -> None:
        """The agent has been given the state that another server knows; nobody is told."""
        if agent.queue is not None and agent.queue.queue is not None:
            agent.queue.queue.members.add(agent)

    def resume(self) -> None:
        """This server goes on with the agents that it has adopted: who is idle stands in line. No call is given out yet."""
        for agent in self:
            idle = agent.status is AgentStatus.READY and agent.dn is not None and not agent.dn.busy
            if idle and agent.queue is not None and agent.queue.queue is not None:
                agent.queue.queue.add_idle(agent, agent.idle_since)

    def _move(self, agent: Agent, moved: Moved, mode: AgentWorkMode, asker: Asker | None = None,
              reasons: Mapping[str, Any] = {}) -> None:
        """Take the new state, announce it (the first event answers the asker), stand in line or leave it."""
        self.changed.add(agent)
        if moved.status is AgentStatus.READY and agent.status is not AgentStatus.READY:
            agent.idle_since = self._clock.seconds()
        agent.status = moved.status
        if moved.events:
            agent.work_mode = mode
        for name in moved.events:
            assert agent.dn is not None
            self._events.tell(agent.dn, name, {**self.attributes(agent), **reasons}, asker)
            asker = None
        self._place(agent)

    def _place(self, agent: Agent) -> None:
        if agent.queue is None or agent.queue.queue is None or agent.dn is None:
            return
        if agent.status is AgentStatus.READY and not agent.dn.busy:
            agent.queue.queue.add_idle(agent, agent.idle_since)
            self._on_idle(agent.queue)
        else:
            agent.queue.queue.remove_idle(agent)

    @staticmethod
    def attributes(agent: Agent) -> dict[str, Any]:
        """What every event about the agent says."""
        assert agent.dn is not None
        attributes: dict[str, Any] = {"ThisDN": agent.dn.number, "AgentID": agent.agent_id,
                                      "AgentWorkMode": int(agent.work_mode)}
        if agent.queue is not None:
            attributes["ThisQueue"] = agent.queue.number
        return attributes


def _status(dn: DN) -> AgentStatus:
    return AgentStatus.LOGGED_OUT if dn.agent is None else dn.agent.status
