"""Requests and events: what is read from user data, how liberally, and what is refused."""
from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.attributes import first, kv_list
from protocols.codec import encode_message
from protocols.desktop import keys
from protocols.desktop.build import acknowledge, error_answer
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.index import REQUESTS
from protocols.desktop.messages import DesktopRequest, parse_event, parse_request
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment
from protocols.tserver.messages import Message

BASE = {"GSW_APPLICATION_ID": 134, "GSW_CAMPAIGN_NAME": "Spring"}


def request(name, **pairs):
    return parse_request(kv_list({"GSW_AGENT_REQ_TYPE": name, **BASE, **pairs}))


def refused(name, **pairs):
    with pytest.raises(DesktopError) as caught:
        request(name, **pairs)
    return caught.value


def test_record_processed_is_read_with_its_fields():
    read = request("RecordProcessed", GSW_RECORD_HANDLE=7, GSW_CALL_RESULT=33, GSW_TREATMENT="RecordTreatPersonal",
                   GSW_REFERENCE_ID=5, Remarks="nice", Score=3)
    assert read == DesktopRequest("RecordProcessed", 134, "Spring", 5, 7, call_result=33,
                                  treatment=RecordTreatment.PERSONAL, others=(("Remarks", "nice"), ("Score", 3)),
                                  raw=read.raw)


def test_a_reschedule_is_read_with_its_local_time():
    read = request("RecordReschedule", GSW_RECORD_HANDLE=7, GSW_DATE_TIME="1/5/2026 9:05", GSW_CALLBACK_TYPE="Campaign")
    assert read.date_time == datetime(2026, 1, 5, 9, 5) and read.callback_type is CallbackType.CAMPAIGN


def test_user_data_without_a_request_type_or_with_an_event_name_is_no_request():
    assert parse_request(()) is None
    assert parse_request(kv_list({"GSW_RECORD_HANDLE": 7})) is None
    assert parse_request(kv_list({"GSW_AGENT_REQ_TYPE": "RecordProcessed", "GSW_USER_EVENT": "PreviewRecord"})) is None


def test_every_request_of_the_index_is_read_from_its_mandatory_keys():
    samples = {keys.CAMPAIGN_NAME: "Spring", keys.RECORD_HANDLE: 7, keys.PHONE: "+442079460000",
               keys.DATE_TIME: "01/05/2026 09:05", keys.CALLBACK_TYPE: "Personal"}
    for kind in REQUESTS.values():
        pairs = {key: samples[key] for key in (*kind.mandatory, *kind.one_of[:1])}
        read = parse_request(kv_list({keys.REQUEST: kind.name, keys.APPLICATION_ID: 1, **pairs}))
        assert read is not None and read.name == kind.name


@pytest.mark.parametrize("kind", REQUESTS.values(), ids=REQUESTS)
def test_each_mandatory_key_is_missed_by_its_name(kind):
    samples = {keys.CAMPAIGN_NAME: "Spring", keys.RECORD_HANDLE: 7, keys.PHONE: "+442079460000",
               keys.DATE_TIME: "01/05/2026 09:05", keys.CALLBACK_TYPE: "Personal", keys.APPLICATION_ID: 1}
    mandatory = [*kind.mandatory, *kind.one_of[:1]] + ([keys.APPLICATION_ID] if kind.application_id else [])
    for missing in mandatory:
        pairs = {key: samples[key] for key in (*mandatory, keys.APPLICATION_ID) if key != missing}
        with pytest.raises(DesktopError) as caught:
            parse_request(kv_list({keys.REQUEST: kind.name, **pairs}))
        assert caught.value.code is DesktopErrorCode.INVALID_ATTRIBUTE and missing in caught.value.text


def test_a_status_request_needs_no_application_id():
    assert parse_request((("GSW_AGENT_REQ_TYPE", "CampaignStatusRequest"),)) is not None


@pytest.mark.parametrize("spelling", ["LogOut", "Logout"])
def test_both_spellings_of_log_out_are_one_request(spelling):
    assert request(spelling).name == "LogOut"


@pytest.mark.parametrize("name", ["RecordProceed", "recordprocessed", "LOGOUT", "", "ScheduledCallReject"])
def test_an_unknown_request_is_error_1(name):
    assert refused(name).code is DesktopErrorCode.INVALID_REQUEST


def test_a_request_type_that_is_no_string_is_error_1():
    assert refused(7).code is DesktopErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("pairs, attribute, value", [
    ({"GSW_RECORD_HANDLE": "7"}, "record_handle", 7),
    ({"GSW_APPLICATION_ID": "134"}, "application_id", 134),
    ({"GSW_CALL_RESULT": "33"}, "call_result", 33),
    ({"GSW_CALL_RESULT": 53}, "call_result", 53),
    ({"GSW_REFERENCE_ID": "abc"}, "reference_id", "abc"),
    ({"GSW_REFERENCE_ID": 12}, "reference_id", 12),
])
def test_liberal_reading_of_a_processed_record(pairs, attribute, value):
    assert getattr(request("RecordProcessed", **{"GSW_RECORD_HANDLE": 7, **pairs}), attribute) == value


@pytest.mark.parametrize("pairs, attribute, value", [
    ({"GSW_PHONE_TYPE": "2"}, "phone_type", 2),
    ({"GSW_PHONE_TYPE": "DirectBusinessPhone"}, "phone_type", 2),
    ({"GSW_PHONE_TYPE": 2}, "phone_type", 2),
    ({"GSW_RECORD_TYPE": "Campaign Rescheduled"}, "record_type", 3),
    ({"GSW_RECORD_TYPE": "personalcallback"}, "record_type", 5),
    ({"GSW_RECORD_TYPE": "General"}, "record_type", 2),
    ({"GSW_RECORD_STATUS": "Ready"}, "record_status", 1),
    ({"GSW_RECORD_STATUS": "1"}, "record_status", 1),
])
def test_liberal_reading_of_an_added_record(pairs, attribute, value):
    assert getattr(request("AddRecord", GSW_PHONE="+442079460000", **pairs), attribute) == value


@pytest.mark.parametrize("name, pairs", [
    ("RecordProcessed", {"GSW_RECORD_HANDLE": "seven"}),
    ("RecordProcessed", {"GSW_RECORD_HANDLE": -1}),
    ("RecordProcessed", {"GSW_RECORD_HANDLE": b"7"}),
    ("RecordProcessed", {"GSW_CALL_RESULT": 54}),
    ("RecordProcessed", {"GSW_CALL_RESULT": -1}),
    ("RecordProcessed", {"GSW_CALL_RESULT": "Answer"}),
    ("RecordProcessed", {"GSW_TREATMENT": "recordtreatpersonal"}),
    ("RecordProcessed", {"GSW_CAMPAIGN_NAME": 5}),
    ("RecordProcessed", {"GSW_CAMPAIGN_NAME": "x" * 256}),
    ("RecordProcessed", {"GSW_REFERENCE_ID": b"x"}),
    ("DoNotCall", {"GSW_CHAIN_ATTR": "Chain"}),
    ("DoNotCall", {"GSW_PHONE": 442079460000}),
    ("AddRecord", {"GSW_PHONE_TYPE": "Landline"}),
    ("AddRecord", {"GSW_PHONE_TYPE": 12}),
    ("AddRecord", {"GSW_ATTEMPTS": "3"}),
    ("AddRecord", {"GSW_CHAIN_ID": ()}),
    ("RecordReschedule", {"GSW_CALLBACK_TYPE": "Somebody"}),
])
def test_what_is_badly_typed_is_error_2_and_names_the_key(name, pairs):
    sound = {"GSW_RECORD_HANDLE": 7, "GSW_PHONE": "+442079460000", "GSW_DATE_TIME": "01/05/2026 09:05",
             "GSW_CALLBACK_TYPE": "Personal"}
    assert request(name, **sound) is not None
    error = refused(name, **{**sound, **pairs})
    assert error.code is DesktopErrorCode.INVALID_ATTRIBUTE and next(iter(pairs)) in error.text


@pytest.mark.parametrize("pairs", [{"GSW_DATE_TIME": "31/12/2026 09:00"}, {"GSW_DATE_TIME": "tomorrow"},
                                   {"GSW_FROM": 86_401}, {"GSW_UNTIL": 100_000}])
def test_a_bad_date_or_time_is_error_8(pairs):
    assert refused("AddRecord", GSW_PHONE="+442079460000", **pairs).code is DesktopErrorCode.INVALID_DATE_OR_TIME


def test_keys_that_a_request_does_not_have_are_not_looked_at():
    read = request("UpdateCallCompletionStats", GSW_RECORD_HANDLE=7, GSW_DATE_TIME="nonsense", GSW_CALLBACK_TYPE=9)
    assert read.date_time is None and read.others == ()


def test_the_chain_attribute_is_record_only_unless_given():
    assert request("DoNotCall", GSW_PHONE="1").chain_attr is ChainAttribute.RECORD_ONLY
    assert request("DoNotCall", GSW_PHONE="1", GSW_CHAIN_ATTR="AllChain").chain_attr is ChainAttribute.ALL_CHAIN


def test_the_first_of_a_repeated_key_counts():
    pairs = kv_list({"GSW_AGENT_REQ_TYPE": "RecordReject", **BASE, "GSW_RECORD_HANDLE": 7})
    assert parse_request((*pairs, ("GSW_RECORD_HANDLE", 8))).record_handle == 7


def test_a_refusal_knows_what_the_answer_repeats():
    echo = refused("RecordProcessed", GSW_RECORD_HANDLE="7", GSW_CALL_RESULT="x", GSW_REFERENCE_ID=9).echo
    assert (echo.name, echo.application_id, echo.campaign_name, echo.record_handle, echo.reference_id) == \
        ("RecordProcessed", 134, "Spring", 7, 9)


def test_an_event_is_read_and_its_errors_told():
    event = parse_event(kv_list({"GSW_USER_EVENT": "Error", **BASE, "GSW_ERROR": "Record Not Found",
                                 "GSW_ERROR_NUMBER": 6, "GSW_REFERENCE_ID": 4, "GSW_RECORD_HANDLE": 7}))
    assert event.failed and (event.error_number, event.reference_id, event.record_handle) == (6, 4, 7)
    assert event.record is not None and event.record.record_handle == 7


def test_user_data_with_both_marks_is_no_event():
    assert parse_event(kv_list({"GSW_USER_EVENT": "Error", "GSW_AGENT_REQ_TYPE": "DoNotCall"})) is None


key_names = st.sampled_from(sorted(keys.CONTROL_KEYS)) | st.text(max_size=8)
values = st.recursive(
    st.integers(-2 ** 63, 2 ** 64 - 1) | st.text(max_size=20) | st.binary(max_size=5)
    | st.sampled_from([*REQUESTS, "33", "7", "Mobile", "General", "Personal", "01/05/2026 09:05", "AllChain"]),
    lambda inner: st.lists(st.tuples(st.text(max_size=4), inner), max_size=3).map(tuple), max_leaves=4)
any_user_data = st.lists(st.tuples(key_names, values), max_size=12).map(tuple)
any_request = st.builds(lambda name, pairs: ((keys.REQUEST, name), *(p for p in pairs if p[0] != keys.USER_EVENT)),
                        st.sampled_from(sorted(REQUESTS)), any_user_data)


@given(any_user_data | any_request)
def test_any_user_data_gives_a_request_or_nothing_or_an_error_that_can_be_answered(user_data):
    try:
        read = parse_request(user_data)
    except DesktopError as error:
        answer = error_answer(error)
        assert first(answer, keys.USER_EVENT) and first(answer, keys.ERROR_NUMBER) in (1, 2, 8)
    else:
        if read is None:
            return
        answer = acknowledge(read)
        assert first(answer, keys.REFERENCE_ID) == read.reference_id
    assert parse_event(answer) is not None and parse_request(answer) is None
    encode_message(Message("EventUserEvent", 0, {"ThisDN": "7001", "UserData": answer}))


@given(any_user_data)
def test_any_user_data_gives_an_event_or_nothing(user_data):
    event = parse_event(user_data)
    assert event is None or event.record is None or event.record.record_handle == event.record_handle
