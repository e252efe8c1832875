"""A simulated agent at a scripted T-Server."""
from __future__ import annotations

from tests.doubles.clock import VirtualClock
from tests.lab.wire import Wire, agent_at, record, run

__all__ = ["at_work", "previewing", "talk", "until"]


def at_work(mode="Progressive", **behaviour):
    clock = VirtualClock()
    wire = Wire(clock)
    wire.ocs.mode = mode
    agent = agent_at(wire, **behaviour)
    agent.start()
    run(clock, 1)
    return clock, wire, agent


def talk(clock, wire, user_data=None, conn_id="00000000000000a1", talk_s=20):
    wire.ring(conn_id, record().pairs() if user_data is None else user_data)
    run(clock, 10)
    run(clock, talk_s)
    wire.release(conn_id, 5)


def previewing(**behaviour):
    clock, wire, agent = at_work("Preview", record_retry_s=20.0, **behaviour)
    wire.ocs.records.append(record())
    return clock, wire, agent


def until(clock, met):
    for _ in range(4000):
        if met():
            return
        run(clock, 0.25)
    raise AssertionError("never came")
