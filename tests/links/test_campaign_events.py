"""Campaign events, from the engine over the data stream into a real Stat Server, whose campaigns then stand as they are."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing.history import GroupChanged
from ocs.dialing.results import DialingMode, RecordType
from ocs.interfaces import IHistory
from ocs.links.campaign_events import CampaignEvents
from protocols.client import IClientListener
from protocols.desktop.names import CallbackType
from protocols.errors import RequestRefused, TooManyRequests
from protocols.message import Message
from protocols.statserver.messages import CampaignEvent, CampaignStatus, ObjectType
from tests.doubles.loopback import Loopback
from tests.scheduler.bench import Bench, record
from tests.servers.statserver.world import PASSWORD, StatClient, StatWorld

S = CampaignStatus


class Rig:
    """An engine that is not loaded yet, a real Stat Server, and what a client there hears of the campaign group."""

    def __init__(self, records: Any = None, **bench: Any) -> None:
        self.bench = Bench(records or [record(1), record(2)], running=False, **bench)
        self.events = CampaignEvents()
        self.bench.context.history.add_listener(self.events)
        self.world = StatWorld(clock=self.bench.clock)
        self.watcher = StatClient(self.world, "desktop")
        self.watcher.open(1, "spring@sales", ObjectType.CAMPAIGN_GROUP, 10)
        self.sent: list[Message] = []
        told = self.world.service.campaigns.told

        def spy(owner: Any, message: Message, at: float) -> Any:
            self.sent.append(message)
            return told(owner, message, at)

        self.world.service.campaigns.told = spy        # type: ignore[method-assign]

    def connect(self) -> Rig:
        self.wire = Loopback(self.bench.clock, self.world.server, self.events, password=PASSWORD)
        self.wire.settle()
        return self

    def names(self) -> list[str]:
        self.wire.settle()
        sent, self.sent[:] = list(self.sent), []
        return [CampaignEvent(message.get("CampaignEvent")).word for message in sent]

    def state(self) -> tuple[int, int, list[str]]:
        self.wire.settle()
        last = self.watcher.news()[-1]
        return last.get("Status"), last.get("DialMode"), last.get("Waits")


def test_it_keeps_history_and_listens_to_a_link() -> None:
    events = CampaignEvents()
    assert verifyObject(IHistory, events) and verifyObject(IClientListener, events)


def test_a_session_is_told_from_its_load_to_its_unload() -> None:
    rig = Rig().connect()
    rig.bench.up()
    rig.bench.begin()
    assert rig.names() == ["CampaignActivated", "DialingStarted", "WaitingAgentsStart"]
    assert rig.state() == (S.RUNNING, DialingMode.PROGRESSIVE, ["StatusWaitingAgents"])
    rig.bench.switch.go_down()
    rig.bench.pass_(1)
    assert rig.names() == ["WaitingAgentsOver", "SystemErrorStart"]
    assert rig.state()[2] == ["StatusSystemError"]
    rig.bench.session.stop()
    assert rig.names() == ["SystemErrorOver", "DialingStopped"] and rig.state() == (S.ACTIVATED, 0, [])
    rig.bench.wait(rig.bench.session.unload())
    assert rig.names() == ["CampaignDeactivated"] and rig.state()[0] == S.DEACTIVATED


def test_every_message_says_which_session_and_which_record() -> None:
    rig = Rig().connect()
    rig.bench.up()
    rig.bench.begin()
    rig.bench.ready("7001")
    rig.bench.switch.over(rig.bench.switch.dialed[-1].conn_id, call_state=7)
    rig.wire.settle()
    assert len({message.get("SessionGUID") for message in rig.sent}) == 1
    first, call = rig.sent[0], next(one for one in rig.sent if one.get("CampaignEvent") == CampaignEvent.CALL_COMPLETED)
    assert {name: first.get(name) for name in ("Campaign", "CampaignDBID", "Group", "GroupDBID", "CampaignGroupDBID",
                                               "ApplicationDBID")} == {
        "Campaign": "spring", "CampaignDBID": 1, "Group": "sales", "GroupDBID": 1, "CampaignGroupDBID": 1, "ApplicationDBID": 1}
    assert (call.get("CallResult"), call.get("CallingList"), call.get("CallingListDBID")) == (7, "list", 1)
    assert call.get("RecordHandle") > 0


def test_calls_leads_retries_and_callbacks_are_counted_there() -> None:
    rig = Rig([record(1), record(2), record(3)]).connect()
    rig.bench.up()
    rig.bench.begin()
    rig.bench.ready("7001")
    rig.bench.switch.over(rig.bench.switch.dialed[-1].conn_id, call_state=6)       # busy: a retry is scheduled
    rig.bench.pass_(1)
    rig.bench.switch.over(rig.bench.switch.dialed[-1].conn_id, call_state=7)       # no answer: done
    rig.bench.pass_(1)
    rig.bench.hang_up(rig.bench.talk())
    held = next(one for one in rig.bench.session.held if one.agent_dn == "7001")
    rig.bench.ask("7001", "RecordReschedule", record_handle=held.handle, callback_type=CallbackType.CAMPAIGN,
                  date_time=datetime(2026, 3, 11, 15))
    rig.wire.settle()
    actions = rig.watcher.news()[-1].get("Actions")
    assert actions == {"CallCompleted": 3, "DialMade": 3, "DialBusy": 1, "DialNoAnswer": 1, "DialAnswer": 1, "LeadProcessed": 1,
                       "RecordScheduled": 2, "CallbackScheduled": 1}


def test_a_callback_that_is_missed_or_made_is_told() -> None:
    due = int(Bench(running=False).clock.wall()) - 5
    rig = Rig([record(1, record_type=RecordType.CAMPAIGN_CALLBACK, dial_sched_time=due)]).connect()
    rig.bench.up()
    rig.bench.begin()
    rig.bench.ready("7001")
    rig.bench.pass_(1)
    assert "CallbackCompleted" in rig.names()


def test_who_connects_late_is_told_where_the_sessions_stand_and_what_was_missed_is_counted(logged: Any) -> None:
    rig = Rig()
    rig.bench.up()
    rig.bench.begin()
    rig.bench.ready("7001")
    rig.bench.switch.over(rig.bench.switch.dialed[-1].conn_id, call_state=7)
    rig.bench.switch.go_down()
    rig.bench.pass_(1)
    rig.connect()
    assert rig.names() == ["CampaignActivated", "DialingStarted", "SystemErrorStart"]
    assert rig.state() == (S.RUNNING, DialingMode.PROGRESSIVE, ["StatusSystemError"])
    assert rig.events.dropped == 2 and "2 campaign events were not told so far" in logged.texts()
    rig.wire.cut()
    assert rig.watcher.news()[-1].get("Status") == S.DEACTIVATED, "the stream has ended"
    rig.bench.session.stop()
    rig.connect()
    assert rig.names() == ["CampaignActivated"]
    rig.wire.cut()
    rig.bench.wait(rig.bench.session.unload())
    rig.connect()
    assert rig.names() == []


class Client:
    """A link by command."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, Deferred[Message]]] = []

    def request(self, name: str, attributes: Any, timeout_s: Any = None) -> Deferred[Message]:
        self.asked.append((name, attributes, Deferred()))
        return self.asked[-1][2]


def opened(answer: Any) -> tuple[CampaignEvents, Client, Bench]:
    """The stream was asked for and answered like this; the session runs."""
    bench, events, client = Bench([record(1)], running=False), CampaignEvents(), Client()
    bench.context.history.add_listener(events)
    events.granted(client, Message("EventLinkConnected"))
    deferred = client.asked.pop()[2]
    deferred.callback(answer) if isinstance(answer, Message) else deferred.errback(answer)
    bench.up()
    bench.begin()
    return events, client, bench


@pytest.mark.parametrize("answer", [
    Message("SEventDataStreamOpeningFailure", 0, {"Reason": "too many"}), RequestRefused(51, "not supported")])
def test_a_stat_server_without_data_streams_is_told_nothing(answer: Any, logged: Any) -> None:
    events, client, bench = opened(answer)
    assert client.asked == [] and any("opens no data stream" in text for text in logged.texts())


def test_a_stream_that_the_server_closes_is_used_no_more(logged: Any) -> None:
    events, client, bench = opened(Message("SEventDataStreamOpened"))
    assert client.asked
    client.asked.clear()
    events.event(client, Message("SEventDataStreamClosed", 0, {"UserRequestID": 1}))
    bench.session.stop()
    assert client.asked == []


def test_events_that_are_not_taken_are_counted(logged: Any) -> None:
    events, client, bench = opened(Message("SEventDataStreamOpened"))
    for number, (_, _, deferred) in enumerate(client.asked):
        deferred.errback(RequestRefused(166, "full") if number else TooManyRequests("full"))
    assert events.dropped == len(client.asked) > 1
    assert any("did not take" in text for text in logged.texts())


def test_a_change_of_the_mode_is_told_while_it_runs() -> None:
    events, client, bench = opened(Message("SEventDataStreamOpened"))
    client.asked.clear()
    facts = bench.context.history.facts(bench.session)
    assert facts is not None
    changed = replace(bench.group, mode=DialingMode.PREVIEW)
    events.happened(GroupChanged(0.0, facts, bench.group, changed))
    ((_, attributes, _),) = client.asked
    assert (attributes["CampaignEvent"], attributes["DialMode"]) == (CampaignEvent.DIAL_MODE_CHANGED, DialingMode.PREVIEW)
