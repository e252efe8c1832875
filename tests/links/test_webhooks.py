"""What services outside are told of tries to reach records, and of how campaign groups stand."""
from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from ocs.app.config import OCSOptions
from ocs.app.outside import standing
from ocs.dialing.results import DialingMode
from ocs.errors import ConfigurationError
from ocs.links.attempt_notifications import AttemptNotifier
from ocs.links.http import HttpClient
from ocs.links.http_options import (
    CampaignGroupStateOptions,
    HttpOptions,
    NotificationSpoolOptions,
    RecordHistoryOptions,
)
from ocs.links.state_notifications import StateNotifier
from ocs.options import load
from ocs.scheduler.mode_change import Course, change_course
from ocs.scheduler.remaining import TimesToComplete
from ocs.store.notification_spool import NotificationSpool
from protocols.desktop.names import RecordTreatment
from tests.doubles.http import FakeAgent, refused
from tests.scheduler.bench import Bench, record

URI = "http://board.example/x"


class Rig:
    """An engine on a bench, and a service that hears of it."""

    def __init__(self, folder: Path, **group: Any) -> None:
        self.bench = Bench([record(n) for n in range(1, 6)], running=False, **group)
        self.agent = FakeAgent()
        self.client = HttpClient(self.agent, self.bench.clock, HttpOptions())
        self.spool = NotificationSpool(folder / "spool.db", maybeDeferred)
        self.attempts = AttemptNotifier(self.client, [RecordHistoryOptions(uri=URI)], NotificationSpoolOptions(), self.spool,
                                        self.bench.clock, random.Random(1))
        self.states = StateNotifier(self.client, [CampaignGroupStateOptions(uri=URI, interval_s=10.0)], self.bench.clock)
        self.times = TimesToComplete(self.bench.engine)
        self.bench.up()

    def follow_attempts(self) -> None:
        Deferred.fromCoroutine(self.attempts.start())
        self.bench.context.history.add_listener(self.attempts)

    def follow_states(self) -> None:
        engine = self.bench.engine
        history, times = engine.context.history, self.times
        engine.watch(lambda session, event: self.states.changed(standing(session, times), event))
        history.add_group_listener(lambda session, before: self.states.regrouped(standing(session, times), before))
        self.states.start(lambda: [standing(session, self.times) for session in engine.loaded()])

    def told(self) -> list[dict[str, Any]]:
        """What was posted; the service takes all of it."""
        while self.agent.open:
            for one in self.agent.open:
                one.answer(204)
            self.bench.clock.advance(0)
        return [one.json for one in self.agent.asked]


def test_each_try_is_told_of_when_it_begins_and_when_it_is_over(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_attempts()
    rig.bench.begin()
    rig.bench.ready("7001")
    call = rig.bench.switch.dialed[0]
    (begun,) = rig.told()[:1]
    assert (begun["GSW_HIST_SEQUENCE_NUM"], begun["GSW_CALL_ATTEMPT_GUID"], begun["GSW_PHONE"]) == (0, call.guid, "+12125550001")
    assert "GSW_CALL_RESULT" not in begun and begun["GSW_CAMPAIGN_GROUP_NAME"] == "spring@sales"
    assert begun["GSW_START_PROCESSING"] and "GSW_ANSWERED" not in begun and begun["GSW_CALLING_LIST"] == "list"
    rig.bench.pass_(5)
    rig.bench.switch.over(call.conn_id, call_state=6)
    rig.bench.pass_(0)
    over = [one for one in rig.told() if one["GSW_CALL_ATTEMPT_GUID"] == call.guid][-1]
    assert (over["GSW_HIST_SEQUENCE_NUM"], over["GSW_CALL_RESULT"], over["GSW_ATTEMPTS"]) == (1, 6, begun["GSW_ATTEMPTS"])
    assert over["GSW_COMPLETE_PROCESSING"] - over["GSW_DIALING"] >= 5
    keys = [one.header("Idempotency-Key") for one in rig.agent.asked]
    assert len(set(keys)) == len(keys)


def test_an_answered_call_has_its_marks_and_its_agent(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_attempts()
    rig.bench.begin()
    rig.bench.ready("7001")
    call = rig.bench.talk()
    rig.bench.ask("7001", "RecordProcessed", record_handle=rig.bench.of_conn(call.conn_id).handle, call_result=33,
                  treatment=RecordTreatment.CAMPAIGN)
    rig.bench.hang_up(call)
    rig.bench.pass_(1)
    over = [one for one in rig.told() if one["GSW_CALL_ATTEMPT_GUID"] == call.guid][-1]
    assert over["GSW_HIST_SEQUENCE_NUM"] == 1 and over["GSW_AGENT_ID"] == "1001" and over["GSW_CALL_RESULT"] == 33
    assert over["GSW_ANSWERED"] <= over["GSW_AGENT_ANSWERED"] <= over["GSW_COMPLETE_PROCESSING"]


def test_what_the_service_did_not_take_waits_on_disk_over_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_attempts()
    rig.bench.begin()
    rig.bench.ready("7001")
    rig.agent.open[0].fail(refused())
    rig.bench.pass_(30)
    assert rig.attempts.waiting == 1
    Deferred.fromCoroutine(rig.attempts.stop())
    again = Rig(tmp_path)
    Deferred.fromCoroutine(again.attempts.start())
    assert [one["GSW_HIST_SEQUENCE_NUM"] for one in again.told()] == [0] and again.attempts.waiting == 0
    Deferred.fromCoroutine(again.attempts.stop())


def test_campaign_groups_are_told_of_at_every_change_and_now_and_then(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mode=DialingMode.PREDICTIVE)
    rig.follow_states()
    rig.bench.pass_(30)
    assert rig.told() == []                 # nothing is loaded
    rig.bench.begin()
    change_course(rig.bench.session, Course(DialingMode.PROGRESSIVE))
    rig.bench.session.stop()
    assert [(one["GSW_CAMPAIGN_GROUP_STATUS"], one.get("GSW_DIAL_MODE")) for one in rig.told()] == [
        (4, None), (5, "Predictive"), (5, "Progressive"), (4, None)]
    before = len(rig.told())
    rig.bench.pass_(25)
    assert len(rig.told()) - before in (2, 3)
    rig.bench.session.force_unload()
    last = rig.told()[-1]
    assert (last["GSW_USER_EVENT"], last["GSW_CAMPAIGN_GROUP_STATUS"], last["GSW_CAMPAIGN_GROUP_NAME"]) == (
        "CampaignGroupState", 0, "spring@sales")
    count = len(rig.told())
    rig.bench.pass_(30)
    assert len(rig.told()) == count
    rig.states.stop()
    assert rig.bench.clock.getDelayedCalls() == []


def test_figures_are_numbers_where_there_are_any(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_states()
    rig.bench.begin()
    assert rig.told()[-1]["GSW_STAT_HIT_RATIO"] is None and rig.told()[-1]["GSW_STAT_BUSY_FACTOR"] is None
    rig.bench.ready("7001", "7002")
    rig.bench.switch.over(rig.bench.switch.dialed[0].conn_id, call_state=6)
    rig.bench.pass_(0)
    rig.bench.talk()
    rig.bench.pass_(11)
    told = rig.told()[-1]
    assert told["GSW_STAT_BUSY_FACTOR"] == 0.5 and told["GSW_STAT_HIT_RATIO"] == 0.0 and told["GSW_STAT_OVERDIAL_RATE"] is None
    rig.states.stop()


def test_hit_ratio_and_time_to_complete_are_told_of_the_group_and_of_each_list(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_states()
    rig.times.start()
    rig.bench.begin()
    first = rig.told()[-1]
    assert (first["GSW_STAT_TIME_TO_COMPLETE"], first["GSW_CALLING_LISTS"]) == (None, [
        {"GSW_CALLING_LIST": "list", "GSW_CALLING_LIST_DBID": 1, "GSW_STAT_HIT_RATIO": None, "GSW_STAT_TIME_TO_COMPLETE": None}])
    rig.bench.pass_(31)
    rig.bench.ready("7001")
    rig.bench.switch.over(rig.bench.switch.dialed[0].conn_id, call_state=11)        # a number that does not work: one of five
    rig.bench.pass_(70)
    told = rig.told()[-1]
    for one in (told, *told["GSW_CALLING_LISTS"]):
        assert (one["GSW_STAT_HIT_RATIO"], one["GSW_STAT_TIME_TO_COMPLETE"]) == (0.0, 240)
    rig.times.stop()
    rig.states.stop()


def test_a_service_that_does_not_answer_is_not_asked_again_and_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.follow_states()
    rig.bench.begin()
    rig.bench.pass_(25, step=5)
    assert len(rig.agent.asked) <= 8
    rig.states.stop()


@pytest.mark.parametrize("section", ["record_history_notification", "campaign_group_state_notification"])
def test_faults_of_the_configuration(section: str) -> None:
    for values, words in (({"uri": "ftp://x"}, "uri"), ({"uri": URI, "campaign_groups": ["none@here"]}, "there is no none@here")):
        with pytest.raises(ConfigurationError, match=words):
            load(OCSOptions, {section: [values]})
