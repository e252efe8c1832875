"""Campaigns by what outbound contact servers tell on their data streams."""
from __future__ import annotations

from typing import Any

import pytest

from protocols.statserver.messages import CampaignEvent, CampaignStatus, ObjectType
from tests.servers.statserver.world import StatClient, StatWorld

E, S = CampaignEvent, CampaignStatus


class Stream:
    """An outbound contact server with an open stream, and a client that follows campaign and group."""

    def __init__(self, kind: int = 1) -> None:
        self.world = StatWorld().up()
        self.ocs, self.watcher = StatClient(self.world), StatClient(self.world, "desktop")
        assert self.ocs.ask("RequestOpenDataStream", UserRequestID=1, StreamType=kind).name == "SEventDataStreamOpened"
        self.watcher.open(1, "spring@sales", ObjectType.CAMPAIGN_GROUP, 10)
        self.watcher.open(2, "spring", ObjectType.CAMPAIGN, 10)
        assert [one.get("Status") for one in self.watcher.news()] == [0, 0], "of whom nobody told is deactivated"

    def tell(self, event: CampaignEvent, group: str = "sales", **more: Any) -> Any:
        self.world.clock.advance(1)
        return self.ocs.ask("RequestDataStreamMessage", UserRequestID=1, CampaignEvent=int(event), Campaign="spring",
                            Group=group, **more)

    def heard(self, number: int = 1) -> Any:
        """The last news of a statistic; None if there were none."""
        found = [one for one in self.watcher.news() if one.get("UserRequestID") == number]
        return found[-1] if found else None


def test_the_statuses_of_a_campaign_group_from_load_to_unload() -> None:
    stream, statuses = Stream(), []
    for event in (E.CAMPAIGN_ACTIVATED, E.DIALING_STARTED, E.DIALING_STOPPED, E.DIALING_STARTED, E.DIALING_STOPPED,
                  E.CAMPAIGN_DEACTIVATED):
        answer = stream.tell(event, DialMode=2)
        assert answer.name == "SEventDataStreamMessage" and answer.get("CampaignEvent") == event
        news = stream.heard()
        assert news.get("Since") == stream.world.clock.wall()
        statuses.append((news.get("Status"), news.get("DialMode")))
    assert statuses == [(S.ACTIVATED, 0), (S.RUNNING, 2), (S.ACTIVATED, 0), (S.RUNNING, 2), (S.ACTIVATED, 0),
                        (S.DEACTIVATED, 0)]


@pytest.mark.parametrize("start, over, word", [
    (E.WAITING_AGENTS_START, E.WAITING_AGENTS_OVER, "StatusWaitingAgents"),
    (E.WAITING_PORTS_START, E.WAITING_PORTS_OVER, "StatusWaitingPorts"),
    (E.WAITING_RECORDS_START, E.WAITING_RECORDS_OVER, "StatusWaitingRecords"),
    (E.SYSTEM_ERROR_START, E.SYSTEM_ERROR_OVER, "StatusSystemError")])
def test_a_running_group_waits_until_it_is_over_or_the_dialing_stops(
        start: CampaignEvent, over: CampaignEvent, word: str) -> None:
    stream = Stream()
    stream.tell(start)
    assert stream.heard() is None, "who does not run does not wait"
    stream.tell(E.DIALING_STARTED)
    stream.tell(start)
    assert stream.heard().get("Waits") == [word]
    stream.tell(over)
    assert stream.heard().get("Waits") == []
    stream.tell(start)
    stream.tell(E.DIALING_STOPPED)
    assert stream.heard().get("Waits") == []


def test_what_happens_is_counted_from_the_activation_on() -> None:
    stream = Stream()
    stream.tell(E.CAMPAIGN_ACTIVATED)
    for event, more in ((E.CALL_COMPLETED, {"CallResult": 33}), (E.CALL_COMPLETED, {"CallResult": 12}),
                        (E.CALL_COMPLETED, {"CallResult": 44}), (E.CALL_COMPLETED, {}), (E.LEAD_PROCESSED, {}),
                        (E.CALLBACK_MISSED, {}), (E.RECORD_SCHEDULED, {}), (E.AGENT_ERROR, {})):
        stream.tell(event, **more)
    counts = {"CallCompleted": 4, "DialMade": 4, "DialAnswer": 1, "DialSITDetected": 1, "DialOther": 2, "LeadProcessed": 1,
              "CallbackMissed": 1, "RecordScheduled": 1, "AgentError": 1}
    assert stream.heard().get("Actions") == counts
    stream.tell(E.CAMPAIGN_DEACTIVATED)
    stream.tell(E.CAMPAIGN_ACTIVATED)
    assert stream.heard().get("Actions") == {}


def test_a_campaign_has_the_highest_status_of_its_groups_and_the_sum_of_their_counts() -> None:
    stream = Stream()
    stream.tell(E.CAMPAIGN_ACTIVATED, "sales")
    stream.tell(E.DIALING_STARTED, "german", DialMode=3)
    stream.tell(E.WAITING_AGENTS_START, "german")
    stream.tell(E.LEAD_PROCESSED, "german")
    stream.tell(E.LEAD_PROCESSED, "sales")
    news = stream.heard(2)
    assert (news.get("Status"), news.get("DialMode"), news.get("Waits")) == (S.RUNNING, 3, ["StatusWaitingAgents"])
    assert news.get("Actions") == {"LeadProcessed": 2}
    stream.tell(E.CAMPAIGN_DEACTIVATED, "german")
    assert stream.heard(2).get("Status") == S.ACTIVATED


def test_a_change_of_the_mode_is_told_while_it_runs() -> None:
    stream = Stream()
    stream.tell(E.DIALING_STARTED, DialMode=2)
    stream.tell(E.DIAL_MODE_CHANGED, DialMode=3)
    assert stream.heard().get("DialMode") == 3


@pytest.mark.parametrize("end", ["closed", "gone"])
def test_when_the_stream_ends_what_it_told_is_forgotten(end: str) -> None:
    stream = Stream()
    stream.tell(E.DIALING_STARTED)
    stream.tell(E.LEAD_PROCESSED)
    stream.watcher.news()
    if end == "closed":
        assert stream.ocs.ask("RequestCloseDataStream", UserRequestID=1).name == "SEventDataStreamClosed"
    else:
        stream.ocs.client.closed()
    assert [(one.get("UserRequestID"), one.get("Status"), one.get("Actions")) for one in stream.watcher.news()] == [
        (1, 0, {}), (2, 0, {})]


@pytest.mark.parametrize("changes, text", [
    ({"CampaignEvent": 0}, "CampaignEvent: there is no event 0"), ({"CampaignEvent": 21}, "CampaignEvent"),
    ({"DialMode": 12}, "DialMode"), ({"DialMode": -1}, "DialMode"), ({"Campaign": ""}, "Campaign"),
    ({"Group": "x" * 300}, "Group"), ({"UserRequestID": 2}, "UserRequestID: stream 2 is not open"),
    ({"CallResult": "33"}, "CallResult: an int is expected")])
def test_a_message_that_makes_no_sense_is_refused_by_name(changes: dict[str, Any], text: str) -> None:
    stream = Stream()
    answer = stream.ocs.ask("RequestDataStreamMessage", **{
        "UserRequestID": 1, "CampaignEvent": 3, "Campaign": "spring", "Group": "sales", **changes})
    assert answer.name == "SEventError" and answer.get("ErrorMessage").startswith(text)
    assert stream.heard() is None


def test_a_stream_that_cannot_be_opened_says_why() -> None:
    stream = Stream()
    for attributes, why in (({"UserRequestID": 1}, "UserRequestID: 1 is open already"),
                            ({"UserRequestID": 2, "StreamType": 2}, "StreamType")):
        answer = stream.ocs.ask("RequestOpenDataStream", **attributes)
        assert answer.name == "SEventDataStreamOpeningFailure" and answer.get("Reason").startswith(why)
    for number in range(2, 17):
        assert stream.ocs.ask("RequestOpenDataStream", UserRequestID=number).name == "SEventDataStreamOpened"
    assert stream.ocs.ask("RequestOpenDataStream", UserRequestID=17).get("Reason").endswith("the limit")


def test_what_is_sent_on_a_broadcast_stream_reaches_everybody_else_who_has_one() -> None:
    stream = Stream(kind=0)
    other, third = StatClient(stream.world), StatClient(stream.world)
    other.ask("RequestOpenDataStream", UserRequestID=9, StreamType=0)
    third.ask("RequestOpenDataStream", UserRequestID=9, StreamType=1)
    stream.tell(E.LEAD_PROCESSED, CallingList="list")
    (heard,) = other.news()
    assert (heard.name, heard.get("UserRequestID"), heard.get("CampaignEvent"), heard.get("CallingList")) == (
        "SEventDataStreamMessage", 9, 15, "list")
    assert not third.news() and not stream.ocs.news()


def test_the_number_of_campaign_groups_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocs.servers.statserver.campaigns.GROUPS_LIMIT", 1)
    stream = Stream()
    stream.tell(E.CAMPAIGN_ACTIVATED, "sales")
    assert stream.tell(E.CAMPAIGN_ACTIVATED, "german").get("ErrorCode") == 166
    assert stream.tell(E.DIALING_STARTED, "sales").name == "SEventDataStreamMessage"
