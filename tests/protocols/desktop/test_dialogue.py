"""Requests of a desktop and the events that answer them."""
from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from protocols.attributes import first
from protocols.desktop import keys
from protocols.desktop.build import CampaignEvent, acknowledge, campaign_event, error_event, record_event
from protocols.desktop.dialogue import DesktopDialogue
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import parse_request
from protocols.desktop.record import RecordData
from protocols.errors import LinkLost, LocalProtocolError, RequestRefused, RequestTimedOut, TooManyRequests

RECORD = {"application_id": 1, "campaign_name": "Spring", "record_handle": 7}


class Way:
    """The way to the OCS: keeps what is sent."""

    def __init__(self, broken: bool = False, limit: int = 100) -> None:
        self.clock, self.sent, self.broken = Clock(), [], broken
        self.dialogue = DesktopDialogue(self.clock, self.send, 10.0, limit)

    def send(self, user_data):
        self.sent.append(user_data)
        return fail(LinkLost("gone")) if self.broken else succeed(None)

    def request(self):
        return parse_request(self.sent[-1])


def outcome(deferred: Deferred) -> list:
    seen: list = []
    deferred.addBoth(seen.append)
    return seen


def test_an_acknowledgement_fires_the_request_with_its_reference_id():
    way = Way()
    first_seen, second_seen = (outcome(way.dialogue.ask("RecordProcessed", **RECORD)) for _ in range(2))
    assert way.dialogue.received(acknowledge(way.request())) is None
    assert not first_seen and second_seen[0].name == "RecordProcessedAcknowledge"
    way.dialogue.lost("end")
    assert first_seen[0].check(LinkLost) and way.clock.getDelayedCalls() == []


def test_an_error_fails_the_request_with_number_and_text():
    way = Way()
    seen = outcome(way.dialogue.ask("RecordProcessed", **RECORD))
    assert way.dialogue.received(error_event(way.request(), DesktopErrorCode.RECORD_NOT_FOUND)) is None
    assert seen[0].check(RequestRefused) and seen[0].value.code == 6


def test_no_records_available_fails_the_request_for_one():
    way = Way()
    seen = outcome(way.dialogue.ask("PreviewRecordRequest", application_id=1, campaign_name="Spring"))
    way.dialogue.received(error_event(way.request(), DesktopErrorCode.NO_RECORDS_AVAILABLE))
    assert seen[0].value.text == "No Records Available"


def test_silence_fails_the_request_in_time_and_a_late_answer_is_handed_on():
    way = Way()
    seen = outcome(way.dialogue.ask("RecordProcessed", **RECORD))
    way.clock.advance(10)
    assert seen[0].check(RequestTimedOut)
    assert way.dialogue.received(acknowledge(way.request())).name == "RecordProcessedAcknowledge"


def test_the_events_of_a_stream_are_handed_on_until_its_end_completes_the_request():
    way = Way()
    seen = outcome(way.dialogue.ask("ChainedRecordRequest", **RECORD))
    one = acknowledge(way.request(), "ChainedRecord", ((keys.RECORD_HANDLE, 8),))
    assert way.dialogue.received(one).record_handle == 8 and not seen
    assert way.dialogue.received(acknowledge(way.request())) is None and seen[0].name == "ChainedRecordsDataEnd"


def test_any_campaign_event_completes_a_status_request():
    way = Way()
    seen = outcome(way.dialogue.ask("CampaignStatusRequest"))
    event = campaign_event(CampaignEvent.LOADED, 1, "Spring", reference_id=way.request().reference_id)
    assert way.dialogue.received(event) is None and seen[0].name == "CampaignLoaded"


def test_what_was_not_asked_for_is_handed_on_and_what_is_no_event_is_not():
    way = Way()
    assert way.dialogue.received(record_event("ScheduledCall", RecordData(7, 1, "Spring"))).name == "ScheduledCall"
    way.dialogue.tell("CampaignStatusRequest")
    assert way.dialogue.received(way.sent[-1]) is None                       # the echo of an own request
    assert way.dialogue.received(((keys.PHONE, "1"),)) is None
    assert first(way.sent[-1], keys.REFERENCE_ID) is None


def test_a_request_that_cannot_be_sent_fails_at_once():
    way = Way(broken=True)
    assert outcome(way.dialogue.ask("RecordProcessed", **RECORD))[0].check(LinkLost)
    assert way.clock.getDelayedCalls() == []


def test_requests_without_answers_are_bounded():
    way = Way(limit=2)
    seen = [outcome(way.dialogue.ask("RecordProcessed", **RECORD)) for _ in range(3)]
    assert seen[2][0].check(TooManyRequests) and not seen[0] and len(way.sent) == 2
    way.dialogue.lost("end")
    assert seen[0] and seen[1]


def test_a_request_that_the_protocol_does_not_have_is_a_mistake_of_the_caller():
    way = Way()
    with pytest.raises(LocalProtocolError):
        way.dialogue.ask("RecordProceed", **RECORD)
    assert way.sent == [] and way.clock.getDelayedCalls() == []


def test_leaving_may_take_its_time_once_the_server_has_said_so():
    way = Way()
    seen = outcome(way.dialogue.ask("LogOut", application_id=1, campaign_name="Spring"))
    ahead = way.dialogue.received(acknowledge(way.request(), "LogOutTime", ((keys.LOGOUT_TIME, 60),)))
    assert ahead is not None and ahead.logout_time_s == 60
    way.clock.advance(900)
    assert seen == []
    way.dialogue.received(acknowledge(way.request()))
    assert seen[0].name == "LogOutAcknowledge" and way.clock.getDelayedCalls() == []
    assert way.dialogue.received(acknowledge(way.request(), "LogOutTime", ((keys.LOGOUT_TIME, 1),))) is not None    # too late
