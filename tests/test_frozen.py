"""Other values of frozen dataclasses."""
from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from ocs.dialing.call import Call, CallOrigin, CallState
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.frozen import changed

_RECORD = Record(7, 3, 0, "+15550100", agent_id="1001", fields={"name": "A"})
_ATTEMPT = Attempt("guid", "list", 7, 3, 0, "+15550100", 1, "spring", "sales", "session", 1_000.0, table="t")
_CALL = Call(CallOrigin.QUEUE, "6001", conn_id="c1")


@pytest.mark.parametrize("value, changes", [
    (_RECORD, {}),
    (_RECORD, {"record_status": RecordStatus.UPDATED, "call_result": CallResult.ANSWER, "dial_sched_time": None}),
    (_RECORD, {"fields": {"name": "B"}, "record_id": 8}),
    (_ATTEMPT, {"state": AttemptState.CLOSED, "ended_at": 1_060.0, "earlier_conn_ids": "c0"}),
    (_CALL, {"state": CallState.TALKING, "agent_dn": "7001", "talked": True}),
])
def test_it_makes_what_dataclasses_replace_makes(value: Any, changes: dict[str, Any]) -> None:
    before = replace(value)
    made = changed(value, **changes)
    assert made == replace(value, **changes) and type(made) is type(value)
    assert value == before
    with pytest.raises(FrozenInstanceError):
        setattr(made, next(iter(changes), "conn_id" if value is _CALL else "chain_id"), None)


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        changed(_RECORD, colour="red")
