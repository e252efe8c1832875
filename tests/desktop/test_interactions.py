"""Requests by way of the Interaction Server: how they are answered there."""
from __future__ import annotations

from typing import Any

import pytest

from protocols.attributes import KVList, first
from protocols.desktop import keys
from protocols.desktop.errors import DesktopErrorCode
from tests.scheduler.bench import CAMPAIGN
from tests.scheduler.test_push_preview import Push


def asked(push: Push, name: str, agent: str = "1001", **values: Any) -> list[KVList]:
    """What the agent is told for this request."""
    before = len(push.server.sent)
    pairs = {keys.REQUEST: name, keys.APPLICATION_ID: 1, keys.CAMPAIGN_NAME: CAMPAIGN, **values}
    push.news.interaction_event(agent, tuple(pairs.items()))
    push.bench.pass_(0)
    assert all(to == agent for to, _ in push.server.sent[before:])
    return [answer for _, answer in push.server.sent[before:]]


def at_hand(push: Push) -> int:
    push.accept()
    return push.bench.holder(1).handle


def test_an_acknowledgement_repeats_the_whole_request_but_its_name() -> None:
    push = Push()
    handle = at_hand(push)
    (answer,) = asked(push, "RecordProcessed", GSW_RECORD_HANDLE=handle, GSW_CALL_RESULT=33, Age=41, PHSPCB="x",
                      GSW_REFERENCE_ID=5)
    assert dict(answer) == {
        keys.USER_EVENT: "RecordProcessedAcknowledge", keys.APPLICATION_ID: 1, keys.CAMPAIGN_NAME: CAMPAIGN,
        keys.RECORD_HANDLE: handle, keys.CALLING_LIST: "list", keys.CALL_RESULT: 33, "Age": 41, "PHSPCB": "x",
        keys.REFERENCE_ID: 5}


def test_it_does_not_repeat_what_only_an_answer_says() -> None:
    push = Push()
    (answer,) = asked(push, "RecordReject", GSW_RECORD_HANDLE=at_hand(push), GSW_ERROR="x", GSW_ERROR_NUMBER=5, GSW_MESSAGE="y")
    assert first(answer, keys.USER_EVENT) == "RecordRejectAcknowledge"
    assert not {keys.ERROR, keys.ERROR_NUMBER, keys.MESSAGE} & {key for key, _ in answer}


def test_a_request_that_is_too_long_is_acknowledged_without_it() -> None:
    push = Push()
    (answer,) = asked(push, "RecordReject", GSW_RECORD_HANDLE=at_hand(push), Private="x" * 20_000)
    assert first(answer, keys.USER_EVENT) == "RecordRejectAcknowledge" and first(answer, "Private") is None


def test_an_error_repeats_what_every_error_does() -> None:
    push = Push()
    (answer,) = asked(push, "RecordReject", GSW_RECORD_HANDLE=77, Private="x")
    assert first(answer, keys.ERROR_NUMBER) == DesktopErrorCode.RECORD_NOT_FOUND and first(answer, "Private") is None


@pytest.mark.parametrize("agent", ["1003", "nobody"])
def test_who_is_not_logged_in_at_the_switch_is_told_so(agent: str) -> None:
    push = Push()
    (answer,) = asked(push, "RecordProcessed", agent, GSW_RECORD_HANDLE=1, GSW_REFERENCE_ID=5)
    assert first(answer, keys.ERROR_NUMBER) == DesktopErrorCode.AGENT_NOT_AVAILABLE and first(answer, keys.REFERENCE_ID) == 5
    assert asked(push, "RecordProcessed", agent, GSW_APPLICATION_ID=2) == []
    (answer,) = asked(push, "RecordProceed", agent)
    assert first(answer, keys.ERROR_NUMBER) == DesktopErrorCode.AGENT_NOT_AVAILABLE


def test_what_is_no_request_is_not_answered() -> None:
    push = Push()
    assert asked(push, "RecordProcessed", GSW_USER_EVENT="x") == []
    assert asked(push, "RecordProcessed", "nobody", GSW_USER_EVENT="x") == []
