"""The tables and small parts of the T-Server: agents' states, parties' states, queues, numbers, user data, call log."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.servers.tserver import call_log
from ocs.servers.tserver.agents import AGENT_STATES, Agent, AgentStep, next_status
from ocs.servers.tserver.call_log import CallLog
from ocs.servers.tserver.calls import (
    Call,
    CallKind,
    CallNumbers,
    FinishedCall,
    Party,
    PartyState,
    PartyStep,
    next_state,
)
from ocs.servers.tserver.queues import AcdQueue
from ocs.servers.tserver.user_data import octets
from protocols.attributes import kv_to_wire
from protocols.message import Refused
from protocols.tserver.messages import AgentStatus, CallState, CallType, DNRole


@pytest.mark.parametrize("status", AGENT_STATES)
@pytest.mark.parametrize("step", AgentStep)
def test_every_agent_state_has_a_row_for_every_step(status: AgentStatus, step: AgentStep) -> None:
    try:
        moved = next_status(status, step)
    except Refused as error:
        out = status is AgentStatus.LOGGED_OUT
        assert out == (error.code in (187, 1707)) and str(error)
        return
    assert moved.status in AGENT_STATES
    if moved.status is not status:
        assert moved.events, "a change of state is told"
    if "EventAgentReady" in moved.events:
        assert moved.status is AgentStatus.READY
    if moved.events and moved.events[-1] == "EventAgentNotReady":
        assert moved.status in (AgentStatus.NOT_READY, AgentStatus.AFTER_CALL_WORK)


@pytest.mark.parametrize("state", PartyState)
@pytest.mark.parametrize("step", PartyStep)
def test_every_party_state_takes_or_refuses_every_step(state: PartyState, step: PartyStep) -> None:
    try:
        after = next_state(state, step)
    except Refused as error:
        assert error.code == 1712
    else:
        assert after is not state and state is not PartyState.NULL
    if step is PartyStep.LEAVE and state is not PartyState.NULL:
        assert next_state(state, step) is PartyState.NULL


def party(name: str = "6001") -> Party:
    call = Call("0" * 16, "", 1, CallType.OUTBOUND, CallKind.OUTBOUND, "+15550100", 0.0)
    return Party(call, name, DNRole.ORIGINATION, PartyState.QUEUED)


@given(st.lists(st.tuples(st.sampled_from(["wait", "head", "forget", "idle", "busy", "match"]), st.integers(0, 4),
                          st.floats(0, 9)), max_size=60))
def test_a_queue_serves_the_first_call_with_the_longest_idle_agent(steps: list[tuple[str, int, float]]) -> None:
    queue, agents, parties = AcdQueue(3), [Agent(str(n), "") for n in range(5)], [party(str(n)) for n in range(5)]
    waiting: list[Party] = []
    idle: list[tuple[float, Agent]] = []
    for step, n, since in steps:
        if step in ("wait", "head") and parties[n] not in waiting:
            queue.wait(parties[n], at_head=step == "head")
            waiting.insert(0 if step == "head" else len(waiting), parties[n])
        elif step == "forget":
            queue.forget(parties[n])
            waiting = [one for one in waiting if one is not parties[n]]
        elif step == "idle":
            queue.add_idle(agents[n], since)
            if all(agent is not agents[n] for _, agent in idle):
                idle.append((since, agents[n]))
                idle.sort(key=lambda pair: pair[0])
        elif step == "busy":
            queue.remove_idle(agents[n])
            idle = [pair for pair in idle if pair[1] is not agents[n]]
        elif step == "match":
            expected = (waiting.pop(0), idle.pop(0)[1]) if waiting and idle else None
            assert queue.match() == expected
        assert len(queue) == len(waiting) and queue.idle == [agent for _, agent in idle]
        assert queue.full == (not idle and len(waiting) >= 3)


def test_call_numbers_are_unique_well_formed_and_differ_between_starts() -> None:
    seen: set[object] = set()
    for instance in (1, 2, 2 ** 40 + 3):
        numbers = CallNumbers(instance)
        for _ in range(500):
            conn_id, call_uuid, call_id = numbers.next()
            assert len(conn_id) == 16 and int(conn_id, 16) and conn_id == conn_id.lower()
            assert len(call_uuid) == 32 and call_uuid.isalnum() and call_uuid == call_uuid.upper()
            assert call_id > 0
            seen |= {conn_id, call_uuid}
    assert len(seen) == 3_000


values = st.recursive(st.text(max_size=40) | st.integers(-2 ** 63, 2 ** 64 - 1) | st.binary(max_size=40),
                      lambda inner: st.lists(st.tuples(st.text(max_size=10), inner), max_size=4).map(tuple), max_leaves=8)


@given(st.lists(st.tuples(st.text(max_size=20), values), max_size=8).map(tuple))
def test_the_size_of_user_data_is_never_underestimated(pairs: Any) -> None:
    assert len(msgspec.msgpack.encode(kv_to_wire(pairs))) <= octets(pairs) + 5


CALL = FinishedCall("00000001000000ff", CallKind.OUTBOUND, "+15550100", 1.0, None, 2.5, CallState.BUSY, None)


def test_a_line_of_the_call_log_is_one_json_object() -> None:
    assert json.loads(call_log.line(CALL)) == {
        "conn_id": "00000001000000ff", "kind": "outbound", "destination": "+15550100", "dialed_at": 1.0,
        "answered_at": None, "ended_at": 2.5, "call_state": 6, "agent_dn": None}
    assert call_log.line(CALL).endswith(b"}\n") and call_log.line(CALL).count(b"\n") == 1


def test_the_call_log_is_appended_to_and_mends_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(call_log.line(CALL) + b'{"conn_id": "00')
    log = CallLog(path)
    log.write(CALL)
    assert path.read_bytes().endswith(call_log.line(CALL))      # there before the file is closed
    log.close()
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 4 and lines[1] == b'{"conn_id": "00' and json.loads(lines[2])["call_state"] == 6


def test_a_full_disk_lets_lines_wait_and_gives_up_the_oldest_past_the_bound(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Any) -> None:
    path, write = tmp_path / "calls.jsonl", call_log.os.write
    log = CallLog(path, waiting_lines=2)

    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call_log.os, "write", full)
    for _ in range(3):
        log.write(CALL)
    assert len([text for text in logged.texts() if "No space left" in text]) == 1
    assert len([text for text in logged.texts() if "a line is lost" in text]) == 1
    monkeypatch.setattr(call_log.os, "write", lambda file, data: write(file, data[:7]))     # short writes
    log.write(CALL)
    log.close()
    assert path.read_bytes() == call_log.line(CALL) * 3
