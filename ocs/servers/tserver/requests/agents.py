"""Log-in and state of agents."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.servers.tserver.agents import Agent
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.requests.rules import Request, passed_on
from protocols.message import Refused
from protocols.tserver.messages import AgentStatus, AgentWorkMode, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["log_in", "log_out", "not_ready", "ready"]

_READY_MODES = (AgentWorkMode.UNKNOWN, AgentWorkMode.MANUAL_IN, AgentWorkMode.AUTO_IN)


def log_in(server: TServer, request: Request) -> None:
    """Log an agent in once the password is right; everything is checked again then, for time has passed."""
    session, dn = request.session, request.this_dn
    agent = server.floor.find(request.text("AgentID"))
    mode = request.member("AgentWorkMode", AgentWorkMode, AgentWorkMode.UNKNOWN)
    queue = _queue(server, request, agent)
    _check_free(agent, dn)
    if session.logging_in:
        raise Refused(ErrorCode.SAME_REQUEST, "RequestAgentLogin: the one before is still being checked")
    session.logging_in = True

    def verified(right: bool) -> None:
        session.logging_in = False
        if dn.number not in session.dns:
            raise Refused(ErrorCode.NOT_REGISTERED, f"ThisDN: this client has not registered {dn.number}")
        if not right:
            raise Refused(ErrorCode.AGENT_BAD_PASSWORD, f"AgentPassword: not that of {agent.agent_id}")
        _check_free(agent, dn)
        if agent.dn is dn:      # its client was lost; this one takes over, the state stays
            server.attendance.acted(session, dn)
            server.events.tell(dn, "EventAgentLogin", server.floor.attributes(agent), request.asker)
            return
        server.floor.log_in(agent, dn, queue, session, mode, request.asker, passed_on(request.message))

    server.verify(request, agent.password_hash, request.text("AgentPassword"), verified)


def log_out(server: TServer, request: Request) -> None:
    """Log the agent out; calls at the DN go on."""
    agent = request.this_dn.agent
    if agent is None:
        raise Refused(ErrorCode.AGENT_NOT_IN, f"ThisDN: no agent is logged in at {request.this_dn.number}")
    if request.text("AgentID", agent.agent_id) != agent.agent_id:
        raise Refused(ErrorCode.AGENT_WRONG_ID, f"AgentID: {agent.agent_id} is logged in at {request.this_dn.number}")
    server.floor.log_out(agent, request.asker, passed_on(request.message))


def ready(server: TServer, request: Request) -> None:
    """Make the agent ready in one of the modes that allow it."""
    mode = request.member("AgentWorkMode", AgentWorkMode, AgentWorkMode.UNKNOWN)
    if mode not in _READY_MODES:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"AgentWorkMode: {int(mode)} is not a mode of a ready agent")
    server.floor.set_ready(request.this_dn, mode, request.asker, passed_on(request.message))
    server.attendance.acted(request.session, request.this_dn)


def not_ready(server: TServer, request: Request) -> None:
    """Make the agent not ready; mode AfterCallWork says why."""
    mode = request.member("AgentWorkMode", AgentWorkMode, AgentWorkMode.UNKNOWN)
    server.floor.set_not_ready(request.this_dn, mode, request.asker, passed_on(request.message))
    server.attendance.acted(request.session, request.this_dn)


def _queue(server: TServer, request: Request, agent: Agent) -> DN | None:
    number = request.text("ThisQueue", agent.home_queue)
    if not number:
        return None
    queue = server.directory.find(number, "ThisQueue")
    if queue.kind is not DNKind.ACD_QUEUE:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"ThisQueue: {number} is not an ACD queue")
    return queue


def _check_free(agent: Agent, dn: DN) -> None:
    """Refused where the agent or the DN is taken. An agent whose client was lost may come back to its own DN."""
    if agent.dn is dn and agent.owner is None:
        return
    if agent.status is not AgentStatus.LOGGED_OUT:
        if agent.dn is dn:
            raise Refused(ErrorCode.AGENT_ALREADY_IN, f"AgentID: {agent.agent_id} is already logged in at {dn.number}")
        raise Refused(ErrorCode.AGENT_ID_IN_USE, f"AgentID: {agent.agent_id} is logged in at another DN")
    if dn.agent is not None:
        raise Refused(ErrorCode.AGENT_ALREADY_IN, f"ThisDN: another agent is logged in at {dn.number}")
