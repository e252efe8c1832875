"""A call and an agent as messages, complete, and back. What is not here is not kept over a switch-over: timers and treatments,
which begin anew or are over, and who is registered where, which clients say again. Source: docs/wire.md, section 4.1."""
from __future__ import annotations

from typing import Any, Callable

from ocs.servers.tserver.agents import Agent
from ocs.servers.tserver.calls import Call, CallKind, Party, PartyState
from ocs.servers.tserver.directory import DN
from protocols.message import Message
from protocols.tserver.messages import AgentStatus, AgentWorkMode, CallState, CallType, DNRole

__all__ = ["agent_image", "call_image", "gone_image", "read_agent", "read_call"]


def call_image(call: Call) -> Message:
    """Everything about a call."""
    attributes: dict[str, Any] = {
        "ConnID": call.conn_id, "CallUUID": call.call_uuid, "CallID": call.call_id, "CallType": int(call.call_type),
        "Kind": call.kind.value, "OtherDN": call.destination, "DialedAt": call.dialed_at, "UserData": call.user_data,
        "Extensions": call.extensions, "Predictive": int(call.predictive), "PreviousConnID": call.previous_conn_id,
        "ANI": call.ani,
        "Parties": [[party.name, int(party.role), int(party.state), party.leg, party.queue, party.transferred_by, party.place,
                     int(party.on_hold)] for party in call.parties],
    }
    if call.picked_up_at is not None:
        attributes["PickedUpAt"] = call.picked_up_at
    if call.answer_state is not None:
        attributes["AnswerState"] = int(call.answer_state)
    if call.agent_dn is not None:
        attributes["AgentDN"] = call.agent_dn
    return Message("EventMirrorCall", 0, attributes)


def gone_image(conn_id: str) -> Message:
    """A call that is over."""
    return Message("EventMirrorCallGone", 0, {"ConnID": conn_id})


def agent_image(agent: Agent, wall_offset: float) -> Message:
    """An agent's state. `wall_offset` is added to the monotonic seconds of this process."""
    attributes: dict[str, Any] = {"AgentID": agent.agent_id, "AgentStatus": int(agent.status)}
    if agent.dn is not None:
        attributes.update(ThisDN=agent.dn.number, AgentWorkMode=int(agent.work_mode), ReadyMode=int(agent.ready_mode),
                          ApplicationName=agent.application, IdleSince=round(agent.idle_since + wall_offset, 6))
    if agent.queue is not None:
        attributes["ThisQueue"] = agent.queue.number
    return Message("EventMirrorAgent", 0, attributes)


def read_call(image: Message, find: Callable[[str], DN | None]) -> Call:
    """The call of an image, which nothing knows yet; `find` gives the DN of a number. KeyError, TypeError or ValueError for
    what is no image of a call here."""
    values = image.attributes
    answer_state = values.get("AnswerState")
    call = Call(
        values["ConnID"], values["CallUUID"], values["CallID"], CallType(values["CallType"]), CallKind(values["Kind"]),
        values["OtherDN"], values["DialedAt"], values["UserData"], values["Extensions"],
        predictive=bool(values["Predictive"]), previous_conn_id=values["PreviousConnID"], ani=values["ANI"],
        picked_up_at=values.get("PickedUpAt"), answer_state=None if answer_state is None else CallState(answer_state),
        agent_dn=values.get("AgentDN"))
    for name, role, state, leg, queue, transferred_by, place, on_hold in values["Parties"]:
        dn = None if leg else find(name)
        if not leg and dn is None:
            raise ValueError(f"DN {name} is not configured here")
        call.parties.append(Party(call, name, DNRole(role), PartyState(state), dn, leg=leg, queue=queue,
                                  transferred_by=transferred_by, place=place, on_hold=bool(on_hold)))
    return call


def read_agent(image: Message, agent: Agent, find: Callable[[str], DN | None], wall_offset: float) -> None:
    """Give the agent, who is at no DN, the state of the image. KeyError, TypeError or ValueError for what is no image of an
    agent here."""
    values = image.attributes
    status = AgentStatus(values["AgentStatus"])
    if status is AgentStatus.LOGGED_OUT:
        return
    dn, queue = find(values["ThisDN"]), find(values["ThisQueue"]) if "ThisQueue" in values else None
    if dn is None or dn.agent is not None:
        raise ValueError(f"DN {values['ThisDN']} is not configured here, or taken")
    agent.status, agent.dn, agent.queue = status, dn, queue
    agent.work_mode, agent.ready_mode = AgentWorkMode(values["AgentWorkMode"]), AgentWorkMode(values["ReadyMode"])
    agent.application, agent.idle_since = values["ApplicationName"], values["IdleSince"] - wall_offset
    dn.agent = agent
