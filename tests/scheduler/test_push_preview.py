"""Push Preview on an Interaction Server by command: what is submitted, who gets the record, and how it comes back."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.desktop.interactions import InteractionEntry
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.call import SwitchEvent
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.session import Condition
from ocs.dialing.values import DoNotCallEntry
from ocs.interfaces import IInteractionListener, IInteractions
from protocols.attributes import KVList, first
from protocols.errors import LinkLost, RequestRefused
from tests.scheduler.bench import DNS, Bench, record


@implementer(IInteractions)
class FakeInteractions:
    """Answers at once, unless `silent`. `there`: interaction -> its user data."""

    def __init__(self) -> None:
        self.up, self.silent = True, False
        self.there: dict[str, KVList] = {}
        self.asked: list[Deferred[str]] = []
        self.stopped: list[str] = []
        self.sent: list[tuple[str, KVList]] = []
        self._count = 0

    def submit(self, queue: str, user_data: KVList) -> Deferred[str]:
        if not self.up:
            return fail(LinkLost("no link"))
        done: Deferred[str] = Deferred()
        self.asked.append(done)
        self._count += 1
        self.there[f"i{self._count}"] = user_data
        if not self.silent:
            done.callback(f"i{self._count}")
        return done

    def stop(self, interaction_id: str) -> Deferred[None]:
        if not self.up:
            return fail(LinkLost("no link"))
        done: Deferred[None] = Deferred()
        self.stopped.append(interaction_id)
        self.there.pop(interaction_id, None)
        done.callback(None)
        return done

    def send(self, agent_id: str, user_data: KVList) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.sent.append((agent_id, user_data))
        done.callback(None)
        return done


class Push:
    """A session in Push Preview, two records deep."""

    def __init__(self, records: int = 5, **group: Any) -> None:
        self.bench = Bench([record(n) for n in range(1, records + 1)], running=False, mode=DialingMode.PUSH_PREVIEW,
                           interaction_queue="previews", **{"maximum_queue_size": 2, **group})
        self.server = self.bench.context.interactions = FakeInteractions()
        self.news = InteractionEntry(self.bench.engine, self.bench.desktops)
        self.bench.up()
        self.bench.begin()
        self.bench.login(*DNS[:2])
        self.bench.pass_(1)

    @property
    def session(self) -> Any:
        return self.bench.session

    def accept(self, interaction: str = "i1", agent: str = "1001") -> None:
        self.news.interaction_accepted(interaction, agent)
        self.bench.pass_(0)


def test_as_many_records_wait_as_the_group_wants_each_with_its_data() -> None:
    push = Push()
    assert verifyObject(IInteractionListener, push.news) and verifyObject(IInteractions, push.server)
    assert list(push.server.there) == ["i1", "i2"] and len(push.session.push) == 2
    assert first(push.server.there["i1"], "GSW_RECORD_HANDLE") and first(push.server.there["i1"], "GSW_PHONE")
    assert push.bench.state(1) is ChainState.BUFFERED


def test_who_accepts_has_the_record_dials_it_and_settles_it_and_the_interaction_ends() -> None:
    push = Push()
    push.accept()
    held = push.bench.holder(1)
    assert held.state is ChainState.WITH_AGENT and held.agent_dn == DNS[0] and len(push.bench.attempts(1)) == 1
    push.bench.pass_(1)
    assert list(push.server.there) == ["i1", "i2", "i3"]        # another one may wait now
    conn_id = push.bench.switch.agent_calls(DNS[0], "+12125550001", push.server.there["i1"])
    push.bench.switch.connected(conn_id, DNS[0])
    push.bench.switch.over(conn_id, DNS[0])
    push.news.interaction_event("1001", (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_APPLICATION_ID", 1),
                                         ("GSW_RECORD_HANDLE", held.handle), ("GSW_CALL_RESULT", 33),
                                         ("GSW_CAMPAIGN_NAME", push.bench.group.campaign)))
    push.bench.pass_(0)
    assert push.bench.record(1).record_status is RecordStatus.UPDATED
    assert push.bench.record(1).call_result is CallResult.ANSWER and push.server.stopped == ["i1"]
    (agent, answer), = push.server.sent
    assert agent == "1001" and first(answer, "GSW_USER_EVENT") == "RecordProcessedAcknowledge"


def test_an_agent_who_dials_while_the_attempt_is_being_written_keeps_record_and_interaction() -> None:
    push = Push()
    push.bench.store.held.add("open_attempts")
    push.accept()
    conn_id = push.bench.switch.agent_calls(DNS[0], "+12125550001", push.server.there["i1"])
    assert push.bench.store.release()
    held = push.bench.holder(1)
    assert held.state is ChainState.CALLING and push.server.stopped == [] and len(push.bench.attempts(1)) == 1
    push.bench.switch.connected(conn_id, DNS[0])
    push.bench.switch.over(conn_id, DNS[0])
    push.news.interaction_event("1001", (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_APPLICATION_ID", 1),
                                         ("GSW_RECORD_HANDLE", held.handle), ("GSW_CAMPAIGN_NAME", push.bench.group.campaign)))
    push.bench.pass_(0)
    assert push.bench.record(1).record_status is RecordStatus.UPDATED and push.server.stopped == ["i1"]


def test_an_agent_who_dials_before_we_heard_of_the_acceptance_has_the_record() -> None:
    push = Push()
    conn_id = push.bench.switch.agent_calls(DNS[0], "+12125550001", push.server.there["i1"])
    held = push.bench.holder(1)
    assert held.state is ChainState.CALLING and held.agent_dn == DNS[0] and len(push.bench.attempts(1)) == 1
    push.accept()
    push.bench.switch.connected(conn_id, DNS[0])
    push.bench.switch.over(conn_id, DNS[0])
    push.bench.switch.agent(AgentEventKind.READY, DNS[0])
    push.bench.pass_(0)
    assert push.bench.record(1).call_result is CallResult.ANSWER and push.server.stopped == ["i1"]


def test_a_record_that_is_to_be_dialed_again_leaves_its_agent_all_the_same() -> None:
    push = Push()
    push.accept()
    conn_id = push.bench.switch.agent_calls(DNS[0], "+12125550001", push.server.there["i1"])
    push.bench.switch.over(conn_id, DNS[0], call_state=6)
    push.bench.switch.call_event(SwitchEvent.DESTINATION_BUSY, conn_id, DNS[0], 6)
    push.bench.switch.agent(AgentEventKind.READY, DNS[0])
    push.bench.pass_(0)
    assert push.bench.state(1) is not ChainState.WITH_AGENT and push.server.stopped == ["i1"]


def test_a_record_that_must_not_be_dialed_any_more_is_not_given_to_the_agent() -> None:
    push = Push()
    phone = push.bench.record(1).contact_info
    push.bench.engine.block(DoNotCallEntry(phone=phone))
    push.accept()
    assert push.server.stopped == ["i1"] and not push.bench.attempts(1)
    assert push.bench.record(1).call_result is CallResult.DO_NOT_CALL


def test_an_agent_who_gives_it_back_or_leaves_gives_the_record_back() -> None:
    for how in ("stopped", "returned"):
        push = Push()
        push.accept()
        getattr(push.news, f"interaction_{how}")("i1")
        push.bench.pass_(0)
        assert push.bench.record(1).record_status is RecordStatus.READY or push.bench.state(1) is ChainState.BUFFERED
        assert ("i1" in push.server.stopped) is (how == "returned")
        assert not push.session.push.knows("i1")


def test_one_that_was_only_offered_waits_on() -> None:
    push = Push()
    push.news.interaction_returned("i1")
    assert push.session.push.knows("i1") and not push.server.stopped


def test_an_agent_who_is_not_at_the_switch_gets_nothing() -> None:
    push = Push()
    push.accept(agent="9999")
    assert push.server.stopped == ["i1"] and push.bench.state(1) is ChainState.BUFFERED
    push.bench.pass_(1)
    assert len(push.session.push) == 2          # it waits again, as another interaction


def test_a_stop_pulls_back_what_nobody_has_and_an_unload_everything_that_waits() -> None:
    push = Push()
    push.accept()
    push.bench.pass_(1)
    push.session.stop()
    assert set(push.server.stopped) == {"i2", "i3"} and len(push.session.push) == 0
    assert push.bench.state(1) is ChainState.WITH_AGENT
    unloading = Push()
    unloading.session.unload()
    unloading.bench.pass_(1)
    assert set(unloading.server.stopped) == {"i1", "i2"} and not unloading.bench.retrieved()


def test_without_the_interaction_server_nothing_is_handed_out_and_it_is_said_why() -> None:
    push = Push(maximum_queue_size=1)
    push.server.up = False
    push.news.interactions_down("cut")
    push.bench.pass_(2)
    assert push.session.why_not == "no link to the Interaction Server"
    assert push.session.loop.condition is Condition.SYSTEM_ERROR


def test_after_a_loss_what_is_gone_comes_back_what_was_accepted_is_given_and_strangers_are_stopped() -> None:
    push = Push()
    push.server.up = False
    push.server.up = True
    push.server.there.pop("i1")
    push.news.interactions_up({"i2": "1002", "i9": ""})
    push.bench.pass_(0)
    assert not push.session.push.knows("i1") and push.bench.holder(2).agent_dn == DNS[1]
    assert "i9" in push.server.stopped


def test_a_server_that_takes_no_record_pauses_the_session() -> None:
    push = Push(records=3, maximum_queue_size=1)
    push.server.silent = True
    push.accept()
    push.bench.pass_(1)
    push.server.asked[-1].errback(RequestRefused(59, "Queue: there is none"))
    assert "takes no record" in push.session.trouble
    push.bench.pass_(5)
    assert len(push.server.asked) == 2
    push.bench.pass_(8)
    assert len(push.server.asked) == 3


def test_a_submission_that_is_answered_late_does_not_leave_an_interaction_behind() -> None:
    push = Push(records=1, maximum_queue_size=1)
    push.session.push.withdraw()
    push.server.silent = True
    push.bench.pass_(1)
    late = push.server.asked[-1]
    push.session.force_unload()
    late.callback("late")
    push.bench.pass_(0)
    assert "late" in push.server.stopped and push.bench.record(1).record_status is RecordStatus.READY
