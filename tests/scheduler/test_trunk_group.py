"""Calls that are answered at a trunk group, and moved to the agents."""
from __future__ import annotations

import pytest

from ocs.dialing.results import CallResult
from tests.scheduler.bench import QUEUE, TRUNK, Bench, one


def answered_at_trunk(bench: Bench, call_state: int = 0) -> str:
    from ocs.dialing.call import SwitchEvent
    bench.ready("7001")
    conn_id = bench.switch.dialed[0].conn_id
    bench.switch.call_event(SwitchEvent.ESTABLISHED, conn_id, TRUNK, call_state)
    return conn_id


def test_a_person_at_the_trunk_group_is_moved_to_the_agents():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    conn_id = answered_at_trunk(bench)
    (moved,) = bench.switch.of("transfer_call")
    assert (moved.dn, moved.conn_id, moved.destination) == (TRUNK, conn_id, QUEUE)


@pytest.mark.parametrize("machine", [9, 17, 32])
def test_a_machine_at_the_trunk_group_is_released_with_its_result(machine):
    bench = Bench(one(), trunk_group_dn=TRUNK)
    answered_at_trunk(bench, machine)
    assert [asked.dn for asked in bench.switch.of("release_call")] == [TRUNK]
    assert bench.record().call_result is CallResult(machine)


def test_a_call_that_cannot_be_moved_to_the_agents_is_dropped_with_transfer_error():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    bench.switch.silent.add("transfer_call")
    answered_at_trunk(bench)
    bench.switch.refuse(bench.switch.of("transfer_call")[0], 172)
    assert bench.record().call_result is CallResult.TRANSFER_ERROR and not bench.session.held


def test_a_transfer_that_the_link_swallowed_is_asked_for_again():
    bench = Bench(one(), trunk_group_dn=TRUNK)
    bench.switch.silent.add("transfer_call")
    conn_id = answered_at_trunk(bench)
    bench.switch.go_down()
    bench.switch.go_up()
    assert [asked.conn_id for asked in bench.switch.of("transfer_call")] == [conn_id, conn_id]
    assert bench.switch.of("release_call") == []
