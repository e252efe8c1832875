"""The third-party protocol: what is read of a request, what an answer says."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.attributes import KVList, first
from protocols.communication import keys
from protocols.communication.index import REQUESTS, CampaignErrorCode, MessageType
from protocols.communication.messages import (
    CampaignError,
    CampaignRequest,
    Echo,
    GroupFacts,
    answer,
    error_answer,
    group_event,
    parse_request,
    sender_id,
)

T = MessageType
FACTS = GroupFacts(11, 12, 13, 4, 2)


def pairs(kind: Any, **values: Any) -> KVList:
    """A request; keys are named as in `protocols.communication.keys`."""
    named = ((getattr(keys, name.upper()), value) for name, value in values.items())
    return ((keys.MESSAGE_TYPE, int(kind) if isinstance(kind, MessageType) else kind), (keys.REFERENCE_ID, 7), *named)


def refusal(user_data: KVList) -> CampaignError:
    with pytest.raises(CampaignError) as refused:
        parse_request(user_data)
    return refused.value


def test_a_request_names_its_campaign_group_by_two_numbers_or_by_one():
    both = parse_request(pairs(T.LOAD_CAMPAIGN, campaign_id=11, group_id="12", sender_id=300))
    assert isinstance(both, CampaignRequest)
    assert (both.type, both.campaign_id, both.group_id, both.session_id) == (T.LOAD_CAMPAIGN, 11, 12, None)
    assert both.echo == Echo(7, 300, 11, 12)
    session = parse_request(pairs(T.LOAD_CAMPAIGN, session_id=13))
    assert session is not None and session.session_id == 13


def test_numbers_may_come_as_decimal_strings_and_the_first_of_a_repeated_key_counts():
    request = parse_request(((keys.MESSAGE_TYPE, "9"), (keys.REFERENCE_ID, "8"), (keys.SESSION_ID, " 13 "),
                             (keys.DIAL_MODE, "1"),
                             (keys.OPTIMIZE_BY, "2"), (keys.OPTIMIZE_GOAL, "3"), (keys.AUTO_COMPLETION, "1"),
                             (keys.DIAL_MODE, 2)))
    assert request is not None and request.type is T.START_DIALING and request.echo.reference_id == 8
    assert (request.dial_mode, request.optimize_by, request.optimize_goal, request.auto_completion) == (1, 2, 3, True)


@pytest.mark.parametrize("user_data, words", [
    (((keys.MESSAGE_TYPE, 99), (keys.REFERENCE_ID, 7)), keys.MESSAGE_TYPE),
    (((keys.MESSAGE_TYPE, "load"), (keys.REFERENCE_ID, 7)), keys.MESSAGE_TYPE),
    (((keys.MESSAGE_TYPE, 7), (keys.SESSION_ID, 13)), keys.REFERENCE_ID),
    (((keys.MESSAGE_TYPE, 7), (keys.REFERENCE_ID, -1), (keys.SESSION_ID, 13)), keys.REFERENCE_ID),
    (pairs(T.LOAD_CAMPAIGN), keys.SESSION_ID),
    (pairs(T.LOAD_CAMPAIGN, campaign_id=11), keys.GROUP_ID),
    (pairs(T.GET_CAMPAIGN_STATUS, campaign_id=11), keys.GROUP_ID),
    (pairs(T.LOAD_CAMPAIGN, session_id="spring"), keys.SESSION_ID),
    (pairs(T.LOAD_CAMPAIGN, session_id=2 ** 40), keys.SESSION_ID),
    (pairs(T.LOAD_CAMPAIGN, session_id=13, auto_completion=2), keys.AUTO_COMPLETION),
    (pairs(T.START_DIALING, session_id=13), keys.DIAL_MODE),
    (pairs(T.SET_DIALING_MODE, session_id=13, dial_mode="", optimize_by=1), keys.DIAL_MODE),
    (pairs(T.DO_NOT_CALL), "GSW_RECORD_HANDLE or GSW_PHONE or GSW_CUSTOMER_ID"),
    (pairs(T.CANCEL_RECORD, phone=5), keys.PHONE),
    (pairs(T.CANCEL_RECORD, phone="+1", chain_attr="some"), keys.CHAIN_ATTR),
    (pairs(T.CANCEL_RECORD, customer_id="x" * 300), keys.CUSTOMER_ID),
    (pairs(T.CANCEL_RECORD, record_handle=b"\0"), keys.RECORD_HANDLE),
])
def test_what_is_wrong_is_refused_with_the_name_of_the_key(user_data: KVList, words: str):
    error = refusal(user_data)
    assert error.code is CampaignErrorCode.INVALID_PARAMETER and words in error.text


def test_events_and_what_is_none_of_ours_are_no_requests():
    assert parse_request((("a", 1),)) is None
    for kind in MessageType:
        if kind not in REQUESTS:
            assert parse_request(((keys.MESSAGE_TYPE, int(kind)),)) is None


def test_an_answer_repeats_reference_sender_and_further_pairs():
    request = parse_request((*pairs(T.LOAD_CAMPAIGN, session_id=13, sender_id=300), ("site", "north"), ("n", 4)))
    assert request is not None
    told = group_event(T.CAMPAIGN_LOADED, 1, FACTS, request.echo)
    assert dict(told) == {
        keys.MESSAGE_TYPE: 19, keys.REFERENCE_ID: 7, keys.APPLICATION_ID: 1, keys.SENDER_ID: 300, keys.CAMPAIGN_ID: 11,
        keys.GROUP_ID: 12, keys.SESSION_ID: 13, keys.STATUS: 4, keys.DIAL_MODE: 2, keys.OPTIMIZE_BY: 0, keys.OPTIMIZE_GOAL: 0,
        keys.SCHEDULE_SCRIPT_ID: 0, "site": "north", "n": 4}
    assert sender_id(told) == 300 and parse_request(told) is None
    assert first(answer(T.RECORD_CANCELED, 1, request.echo, ((keys.PHONE, "+1"),)), keys.PHONE) == "+1"


def test_pairs_that_would_fill_an_event_are_not_repeated():
    request = parse_request((*pairs(T.LOAD_CAMPAIGN, session_id=13), ("long", "x" * 9_000)))
    assert request is not None and request.echo.properties == ()


def test_an_error_says_code_and_reason_and_what_it_is_about():
    error = refusal(pairs(T.START_DIALING, session_id=13, sender_id=300))
    assert dict(error_answer(error, 1)) == {
        keys.MESSAGE_TYPE: 27, keys.REFERENCE_ID: 7, keys.APPLICATION_ID: 1, keys.SENDER_ID: 300, keys.SESSION_ID: 13,
        keys.ERROR_CODE: 10, keys.ERROR_MESSAGE: f"Invalid Parameter: {keys.DIAL_MODE}: is missing"}


values = st.recursive(
    st.one_of(st.integers(), st.text(max_size=20), st.binary(max_size=8)),
    lambda inner: st.lists(st.tuples(st.text(max_size=5), inner), max_size=3).map(tuple), max_leaves=5)
names = st.sampled_from(sorted(keys.CONTROL_KEYS)) | st.text(max_size=8)


@given(st.lists(st.tuples(names, values), max_size=12).map(tuple), st.sampled_from([int(kind) for kind in MessageType]))
def test_any_user_data_is_a_request_or_none_or_refused_and_can_be_answered(user_data: KVList, number: int):
    for given_data in (user_data, ((keys.MESSAGE_TYPE, number), (keys.REFERENCE_ID, 1), *user_data)):
        try:
            request = parse_request(given_data)
        except CampaignError as error:
            assert parse_request(error_answer(error, 1)) is None
        else:
            if request is not None:
                assert first(group_event(request.kind.answer, 1, FACTS, request.echo), keys.STATUS) == 4
