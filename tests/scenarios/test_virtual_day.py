"""The unchanged engine on a virtual clock: a list is dialed to its end, and the books agree."""
from __future__ import annotations

from collections import Counter

import pytest

from ocs.dialing.results import DialingMode, RecordStatus
from ocs.dialing.values import AttemptState
from ocs.servers.tserver.calls import CallKind
from tests.scenarios.center import Center


def played(center: Center, hours: float) -> Center:
    center.start()
    center.pass_(hours * 3600.0)
    return center


@pytest.mark.parametrize("trunk_group", ["", "6800"])
def test_a_list_is_dialed_to_its_end_and_every_call_is_accounted_for(trunk_group):
    center = played(Center(agents=4, contacts=80, trunk_group=trunk_group), hours=2.0)
    statuses = Counter(record.record_status for record in center.records())
    assert statuses[RecordStatus.RETRIEVED] == 0
    attempts = list(center.store.attempts.values())
    dialed = {attempt.conn_id: attempt for attempt in attempts if attempt.dialed_at is not None}
    logged = {call.conn_id: call for call in center.calls if call.kind is CallKind.OUTBOUND}
    assert dialed.keys() == logged.keys() and len(dialed) >= 40
    assert all(attempt.phone == logged[conn].destination for conn, attempt in dialed.items())
    assert all(attempt.state is AttemptState.CLOSED for attempt in attempts)
    per_record = Counter(attempt.record_id for attempt in dialed.values())
    assert all(record.attempt == per_record[record.record_id] for record in center.records())
    assert len({attempt.call_result for attempt in attempts}) >= 4
    assert center.floor.account().settled > 15
    assert not center.session.held and center.session.under_way == 0


def test_a_run_repeats():
    def results() -> list[tuple]:
        center = played(Center(agents=3, contacts=30), hours=0.5)
        return [(call.conn_id, call.destination, call.call_state, call.ended_at) for call in center.calls]
    first = results()
    assert first == results() and len(first) > 10


def test_agents_in_preview_ask_for_records_and_dial_them():
    center = played(Center(mode=DialingMode.PREVIEW, agents=3, contacts=24), hours=1.0)
    logged = [call for call in center.calls if call.kind is CallKind.OUTBOUND]
    assert len(logged) >= 10
    dialed = {attempt.conn_id for attempt in center.store.attempts.values() if attempt.dialed_at is not None}
    assert dialed == {call.conn_id for call in logged}


def test_everything_is_given_back_when_the_session_is_unloaded():
    center = played(Center(agents=4, contacts=80), hours=0.05)
    assert center.session.held
    gone = center.session.unload()
    center.floor.stop(600.0)
    center.pass_(900.0)
    assert gone.called
    assert Counter(record.record_status for record in center.records())[RecordStatus.RETRIEVED] == 0
