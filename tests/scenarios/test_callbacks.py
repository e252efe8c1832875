"""Callbacks in a running center: the agents whom they are meant for make them, between the calls of the campaign."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CallbackDialing
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import AttemptState
from ocs.servers.tserver.calls import CallKind
from tests.scenarios.center import TREATMENTS, Center, record

ASSIGN = Treatment("absent", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.ASSIGN_TO_GROUP, dbid=9)
FIRST = 500         # number of the first record that is a callback


def center(mode: DialingMode = DialingMode.PROGRESSIVE, **group: Any) -> Center:
    """Four agents, 1001 to 1004; every minute from the first on a callback of one of five falls due: 1005 is not here."""
    made = Center(mode=mode, agents=4, contacts=60)
    now = int(made.clock.wall())
    callbacks = []
    for n in range(20):
        agent_id, kind = str(1001 + n % 5), RecordType.PERSONAL_CALLBACK
        if n % 4 == 3:
            agent_id, kind = "", RecordType.CAMPAIGN_CALLBACK
        callbacks.append(replace(record(FIRST + 2 * n), record_type=kind, agent_id=agent_id or None,
                                 dial_sched_time=now + 60 * (n + 1)))
    made.store.add_list("spring", callbacks)
    values = {"lists": tuple(replace(one, treatments=(*TREATMENTS, ASSIGN)) for one in made.session.group.lists), **group}
    changed = Deferred.fromCoroutine(made.session.reconfigure(replace(made.session.group, **values)))
    assert changed.called and changed.result is None
    return made


@pytest.mark.parametrize("mode, group", [
    (DialingMode.PROGRESSIVE, {}), (DialingMode.PROGRESSIVE, {"predictive_callback": CallbackDialing.PREVIEW}),
    (DialingMode.PREVIEW, {})])
def test_callbacks_are_made_by_those_they_are_meant_for(mode, group):
    made = center(mode, **group)
    made.start()
    made.pass_(3_600.0)
    records = {one.record_id: one for one in made.records() if one.record_id > FIRST}
    attempts = [one for one in made.store.attempts.values() if one.record_id > FIRST and one.dialed_at is not None]
    logged = {call.conn_id: call for call in made.calls if call.kind is CallKind.OUTBOUND}
    first = {one.record_id: one for one in sorted(attempts, key=lambda each: -each.opened_at)}
    assert len(first) >= 15 and all(one.conn_id in logged for one in attempts)
    for record_id, one in first.items():
        n = (record_id - FIRST) // 2
        if n % 4 != 3 and n % 5 != 4:
            assert one.agent_id == str(1001 + n % 5), "somebody else's callback"
            assert one.agent_dn == str(7001 + n % 5)
    handed_over = [records[FIRST + 2 * n + 1] for n in range(20) if n % 5 == 4 and n % 4 != 3]
    assert handed_over and all(one.record_type is not RecordType.PERSONAL_CALLBACK for one in handed_over)
    assert all(one.state is not AttemptState.OPEN for one in attempts)
    assert made.session.callbacks.counts[CallbackNews.COMPLETED] >= 15
    assert not [one for one in records.values() if one.record_status is RecordStatus.MISSED_CALLBACK]


def test_a_call_that_nobody_takes_is_not_the_price_of_a_callback():
    """No agent is taken away from a call that is on its way: with as many lines as ready agents nobody waits in vain."""
    made = center()
    made.start()
    made.pass_(1_800.0)
    callbacks = sum(one.record_id > FIRST for one in made.store.attempts.values())
    abandoned = [one for one in made.calls if one.kind is CallKind.OUTBOUND and one.call_state == CallResult.ABANDONED]
    assert callbacks >= 10 and len(made.calls) >= 40
    assert len(abandoned) <= 1
