"""Answers, unsolicited events and requests as they are sent."""
from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.attributes import first, kv_list
from protocols.desktop import keys
from protocols.desktop.build import (
    CampaignEvent,
    acknowledge,
    build_request,
    campaign_event,
    error_event,
    record_event,
)
from protocols.desktop.errors import DesktopErrorCode, Echo
from protocols.desktop.fields import CALL_RESULTS, FIELDS
from protocols.desktop.index import REQUESTS
from protocols.desktop.messages import parse_event, parse_request
from protocols.desktop.names import (
    PHONE_TYPES,
    RECORD_STATUSES,
    RECORD_TYPES,
    CallbackType,
    ChainAttribute,
    RecordTreatment,
)
from protocols.desktop.record import RecordData
from protocols.errors import LocalProtocolError


def processed(**values):
    return parse_request(build_request("RecordProcessed", application_id=1, campaign_name="Spring", record_handle=7,
                                       **values))


def test_an_acknowledgement_repeats_the_reference_and_the_record():
    answer = acknowledge(processed(reference_id="r-1", treatment=RecordTreatment.CAMPAIGN, others=(("Remarks", "x"),)),
                         pairs=((keys.CALLING_LIST, "Leads"),))
    assert dict(answer) == {"GSW_USER_EVENT": "RecordProcessedAcknowledge", "GSW_APPLICATION_ID": 1,
                            "GSW_CAMPAIGN_NAME": "Spring", "GSW_REFERENCE_ID": "r-1", "GSW_RECORD_HANDLE": 7,
                            "GSW_TREATMENT": "RecordTreatCampaign", "Remarks": "x", "GSW_CALLING_LIST": "Leads"}


def test_an_acknowledgement_gives_a_handle_that_came_as_a_string_back_as_an_integer():
    request = parse_request(kv_list({"GSW_AGENT_REQ_TYPE": "RecordReject", "GSW_APPLICATION_ID": 1,
                                     "GSW_CAMPAIGN_NAME": "Spring", "GSW_RECORD_HANDLE": "7"}))
    assert first(acknowledge(request), keys.RECORD_HANDLE) == 7


def test_an_acknowledgement_leaves_out_fields_that_would_not_fit_into_a_frame():
    answer = acknowledge(processed(others=(("Remarks", "x" * 30_000),)))
    assert first(answer, "Remarks") is None and first(answer, keys.RECORD_HANDLE) == 7


def test_a_preview_record_answers_with_the_whole_record():
    request = parse_request(build_request("PreviewRecordRequest", application_id=1, campaign_name="Spring",
                                          reference_id=3))
    record = RecordData(7, application_id=1, campaign_name="Spring", phone="+442079460000", fields=(("Name", "Ann"),))
    event = parse_event(acknowledge(request, "PreviewRecord", record.pairs()))
    assert event.name == "PreviewRecord" and event.reference_id == 3 and event.record == record


def test_only_its_own_events_answer_a_request():
    with pytest.raises(LocalProtocolError):
        acknowledge(processed(), "PreviewRecord")


def test_the_repeated_keys_of_every_row_are_keys_that_it_reads():
    for kind in REQUESTS.values():
        assert set(kind.repeated) <= set(kind.keys) and set(kind.keys) <= set(FIELDS)
        assert kind.events


def test_an_error_says_number_text_and_field():
    answer = error_event(processed(reference_id=9), DesktopErrorCode.RECORD_NOT_FOUND, "GSW_RECORD_HANDLE 7")
    assert dict(answer) == {"GSW_USER_EVENT": "Error", "GSW_APPLICATION_ID": 1, "GSW_CAMPAIGN_NAME": "Spring",
                            "GSW_REFERENCE_ID": 9, "GSW_RECORD_HANDLE": 7, "GSW_ERROR_NUMBER": 6,
                            "GSW_ERROR": "Record Not Found: GSW_RECORD_HANDLE 7"}


def test_an_empty_list_is_told_with_the_exact_public_text():
    echo = Echo("PreviewRecordRequest", 1, "Spring")
    answer = dict(error_event(echo, DesktopErrorCode.NO_RECORDS_AVAILABLE, "Leads"))
    assert answer["GSW_USER_EVENT"] == "PreviewRecordEmpty" and answer["GSW_ERROR"] == "No Records Available"
    assert answer["GSW_ERROR_NUMBER"] == 5


def test_errors_have_numbers_from_one_on_texts_events_and_causes():
    assert [int(code) for code in DesktopErrorCode] == list(range(1, 14))
    assert all(code.text and code.event and code.cause for code in DesktopErrorCode)


def test_campaign_news_tells_group_and_mode():
    event = parse_event(campaign_event(CampaignEvent.STARTED, 1, "Spring", description="d", group_name="Spring@Team",
                                       mode="Preview", reference_id=2))
    assert (event.name, event.campaign_mode, event.campaign_group_name, event.reference_id) == \
        ("CampaignStarted", "Preview", "Spring@Team", 2)
    assert first(campaign_event(CampaignEvent.UNLOADED, 1, "Spring"), keys.CAMPAIGN_MODE) is None


def test_a_scheduled_call_carries_record_and_callback_type():
    record = RecordData(7, application_id=1, campaign_name="Spring", callback_type="Personal")
    event = parse_event(record_event("ScheduledCall", record))
    assert event.name == "ScheduledCall" and event.record == record


@pytest.mark.parametrize("name, values", [
    ("RecordProceed", {}), ("RecordProcessed", {}), ("RecordProcessed", {"record_handle": 7, "phone": "1"}),
    ("RecordProcessed", {"record_handle": 7, "call_result": 54}), ("DoNotCall", {}), ("DoNotCall", {"colour": 1}),
    ("AddRecord", {"phone": "1", "phone_type": 99}),
])
def test_a_request_that_the_protocol_does_not_have_is_not_built(name, values):
    with pytest.raises(LocalProtocolError):
        build_request(name, application_id=1, campaign_name="Spring", **values)


def test_a_request_is_not_built_without_the_application_id():
    with pytest.raises(LocalProtocolError, match="GSW_APPLICATION_ID"):
        build_request("RecordReject", campaign_name="Spring", record_handle=7)


texts, numbers = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20), st.integers(0, 2 ** 63 - 1)
user_fields = st.lists(st.tuples(texts.filter(lambda key: key not in keys.CONTROL_KEYS), texts | numbers), max_size=3)
minutes = st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(
    lambda moment: moment - timedelta(seconds=moment.second, microseconds=moment.microsecond))
SAMPLES = {
    "call_result": st.sampled_from(CALL_RESULTS), "phone_type": st.sampled_from(sorted(PHONE_TYPES)),
    "record_type": st.sampled_from(sorted(RECORD_TYPES)), "record_status": st.sampled_from(sorted(RECORD_STATUSES)),
    "date_time": minutes, "daily_from": st.integers(0, 86_400), "daily_until": st.integers(0, 86_400),
    "callback_type": st.sampled_from(CallbackType), "treatment": st.sampled_from(RecordTreatment),
    "chain_attr": st.sampled_from(ChainAttribute),
    **dict.fromkeys(("record_handle", "chain_id", "call_time", "ready_time_s"), numbers), "attempts": st.integers(0, 10_000),
}


def value_of(key):
    attribute = FIELDS[key].attribute
    return SAMPLES.get(attribute, texts)


@st.composite
def requests(draw):
    kind = draw(st.sampled_from(list(REQUESTS.values())))
    wanted = {*kind.mandatory, *kind.one_of[:1]}
    wanted |= {key for key in kind.keys if draw(st.booleans())}
    values = {FIELDS[key].attribute: draw(value_of(key)) for key in sorted(wanted)}
    others = draw(user_fields)
    return kind.name, {"application_id": draw(numbers), "reference_id": draw(st.none() | numbers | texts),
                       "others": tuple(others), **values}


@given(requests())
def test_what_is_built_is_read_back(sample):
    name, values = sample
    read = parse_request(build_request(name, **values))
    assert {attribute: getattr(read, attribute) for attribute in values} == values and read.name == name


record_values = {"daily_from": numbers, "tz_offset": st.integers(-50_400, 50_400), "calling_list": texts,
                 "phone": texts, "call_result": numbers, "tz_name": texts, "agent_id": st.none() | texts,
                 "chain_id": numbers, "campaign_name": texts, "application_id": numbers,
                 "record_uri": st.none() | texts}


@given(st.builds(RecordData, numbers, fields=user_fields.map(tuple), **record_values))
def test_a_record_is_read_back_from_its_pairs(record):
    assert RecordData.from_pairs(record.pairs()) == record


def test_user_data_without_a_handle_shows_no_record():
    assert RecordData.from_pairs(((keys.PHONE, "1"),)) is None


def test_a_user_defined_field_cannot_replace_a_control_key():
    assert first(RecordData(7, fields=((keys.PHONE, "1"),)).pairs(), keys.PHONE) is None
