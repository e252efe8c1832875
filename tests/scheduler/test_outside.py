"""Systems outside: who is asked before a dial, who is told of processed contacts."""
from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.validation import Reason
from ocs.dialing.values import AttemptState, Record
from ocs.interfaces import IContactNotifier
from ocs.scheduler.context import has_callback
from tests.doubles.clock import VirtualClock
from tests.doubles.validation import FakePreDialValidation
from tests.scheduler.bench import PREVIEW, Bench, record

REFUSED_LATER = Treatment("later", CallResult.CANCEL_RECORD, TreatmentAction.RETRY_IN, dbid=7, interval_s=60.0)


@implementer(IContactNotifier)
class HeldNotifier:
    """Keeps every note open until the test lets it go."""

    def __init__(self, at_once: bool = True) -> None:
        self.at_once = at_once
        self.noted, self.released, self.open = [], [], []

    def wants(self, campaign_group):
        return True

    def note(self, contact):
        self.noted.append(contact)
        if self.at_once:
            return succeed(len(self.noted))
        self.open.append(Deferred())
        return self.open[-1]

    def release(self, ticket):
        self.released.append(ticket)

    def withdraw(self, ticket):
        raise AssertionError("nothing is taken back")


def asking(**values) -> tuple[Bench, FakePreDialValidation]:
    bench = Bench([record(1), record(2)], **values)
    bench.context.validation = FakePreDialValidation()
    bench.ready("7001")
    return bench, bench.context.validation


def test_a_record_is_dialed_when_the_service_says_yes_and_its_changes_are_kept():
    bench, service = asking()
    assert bench.switch.dialed == [] and len(service.asked) == 1
    service.answer(200, {"name": "Renamed"})
    bench.pass_(0)
    assert len(bench.switch.dialed) == 1
    assert ("CustomerName", "Renamed") in bench.switch.dialed[0].user_data


def test_a_record_that_the_service_refuses_is_not_dialed_and_gets_the_treatment_of_the_result():
    bench, service = asking(treatments=(REFUSED_LATER,))
    service.answer(409)
    bench.pass_(0)
    first = service.asked[0].record.record_id
    stored = bench.record(first)
    assert stored.call_result is CallResult.CANCEL_RECORD and stored.attempt == 0
    assert stored.record_status is RecordStatus.RETRIEVED and bench.session.verdicts[Reason.REFUSED] == 1
    assert bench.memory.attempts == {}
    assert len(service.asked) == 2 and bench.session.under_way == 1     # the next record is asked about
    service.answer(409)
    bench.pass_(61)
    assert len(service.asked) >= 3 and bench.switch.dialed == []


def test_a_record_that_the_service_refuses_for_good_is_closed():
    bench, service = asking(treatments=())
    service.answer(409, {"GSW_CALL_RESULT": 53})
    bench.pass_(0)
    stored = bench.record(service.asked[0].record.record_id)
    assert stored.record_status is RecordStatus.UPDATED and stored.call_result is CallResult.WRONG_NUMBER


def test_a_session_that_is_unloaded_while_the_service_thinks_gives_the_record_back():
    bench, service = asking()
    unloaded = bench.session.force_unload()
    bench.pass_(0)
    assert unloaded.called
    service.answer(200)
    bench.pass_(1)
    assert bench.switch.dialed == []
    assert all(each.record_status is RecordStatus.READY for each in bench.records().values())


def test_a_number_that_gets_onto_the_list_while_the_service_thinks_is_not_dialed():
    from ocs.dialing.values import DoNotCallEntry
    bench, service = asking()
    bench.engine.block(DoNotCallEntry(phone=service.asked[0].record.contact_info))
    service.answer(200)
    bench.pass_(0)
    assert service.asked[0].record.contact_info not in {asked.destination for asked in bench.switch.dialed}


# -- previews and callbacks: asked before an agent gets the record -------------------------------------------------
def looking(records=None, **values) -> tuple[Bench, FakePreDialValidation]:
    """Records for the agent at 7001, who is ready and has not asked for any."""
    bench = Bench([record(1), record(2)] if records is None else records, mode=PREVIEW, running=False, **values)
    bench.context.validation = FakePreDialValidation()
    bench.up()
    bench.begin()
    bench.ready("7001")
    return bench, bench.context.validation


def callback(number: int = 1, **values) -> Record:
    return record(number, record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001",
                  dial_sched_time=int(VirtualClock().wall()) - 10, **values)


def test_a_preview_is_shown_when_the_service_says_yes_with_its_changes():
    bench, service = looking()
    asked = bench.tell("7001", "PreviewRecordRequest")
    assert len(service.asked) == 1 and bench.answers(asked) == [] and bench.memory.attempts == {}
    contact = service.asked[0]
    assert contact.agent_id == "1001" and contact.attempt is not None and contact.record_handle
    service.answer(200, {"name": "Renamed"})
    (event,) = bench.answers(asked)
    assert event.name == "PreviewRecord" and dict(event.record.fields)["CustomerName"] == "Renamed"
    assert [each.guid for each in bench.attempts(contact.record.record_id)] == [contact.attempt.guid]
    bench.dial_preview(event)
    assert len(service.asked) == 1      # asked once for each attempt


def test_a_preview_that_the_service_refuses_is_not_shown_and_the_next_one_is_asked_about():
    bench, service = looking(treatments=(REFUSED_LATER,))
    asked = bench.tell("7001", "PreviewRecordRequest")
    service.answer(409)
    assert bench.answers(asked) == [] and len(service.asked) == 2
    service.answer(200)
    (event,) = bench.answers(asked)
    assert event.record.phone == service.asked[1].record.contact_info
    refused = bench.record(service.asked[0].record.record_id)
    assert refused.call_result is CallResult.CANCEL_RECORD and refused.attempt == 0
    assert bench.attempts(refused.record_id) == [] and bench.session.verdicts[Reason.REFUSED] == 1


def test_an_agent_who_asks_is_not_kept_waiting_for_ever_by_refusals():
    bench, service = looking([record(number) for number in range(1, 31)], treatments=(), optimal_buffer=30.0)
    asked = bench.tell("7001", "PreviewRecordRequest")
    for _ in range(10):
        service.answer(409)
    assert service.open == [] and [event.error for event in bench.answers(asked)] == ["No Records Available"]


def test_an_agent_who_leaves_while_the_service_thinks_leaves_the_record_behind():
    bench, service = looking([record(1)])
    asked = bench.tell("7001", "PreviewRecordRequest")
    bench.logout("7001")
    service.answer(200)
    assert [event.error for event in bench.answers(asked)] == ["No Records Available"]
    assert bench.record().record_status is RecordStatus.READY and bench.attempts(1)[0].state is AttemptState.NOT_DIALED


def test_a_record_that_must_not_be_called_any_more_is_not_shown_whatever_the_service_says():
    from ocs.dialing.values import DoNotCallEntry
    bench, service = looking([record(1)])
    asked = bench.tell("7001", "PreviewRecordRequest")
    bench.engine.block(DoNotCallEntry(phone=record(1).contact_info))
    service.answer(200)
    assert [event.error for event in bench.answers(asked)] == ["No Records Available"]


def test_a_session_that_stops_while_the_service_thinks_hands_nothing_out():
    bench, service = looking([record(1)])
    asked = bench.tell("7001", "PreviewRecordRequest")
    bench.session.stop()
    service.answer(200)
    assert [event.error for event in bench.answers(asked)] == ["No Records Available"]
    assert bench.record().record_status is RecordStatus.READY


def test_a_callback_is_delivered_when_the_service_says_yes():
    bench, service = looking([callback()])
    bench.pass_(1)
    assert bench.news("7001").count("ScheduledCall") == 0 and len(service.asked) == 1
    assert has_callback(bench.context, "7001")      # no campaign call is dialed for the agent meanwhile
    service.answer(200)
    assert bench.news("7001").count("ScheduledCall") == 1 and bench.attempts(1)[0].state is AttemptState.OPEN


def test_a_callback_that_the_service_refuses_reaches_nobody_and_stays_with_its_agent_if_it_is_treated():
    bench, service = looking([callback()], treatments=(REFUSED_LATER,))
    bench.pass_(1)
    service.answer(409)
    stored = bench.record()
    assert bench.news("7001").count("ScheduledCall") == 0 and not has_callback(bench.context, "7001")
    assert (stored.record_status, stored.agent_id, stored.call_result) == (
        RecordStatus.READY, "1001", CallResult.CANCEL_RECORD)
    bench.pass_(80)
    assert len(service.asked) == 2


def test_a_processed_contact_is_noted_before_it_is_written_and_told_after():
    bench = Bench([record(1)])
    notifier = bench.context.notifier = HeldNotifier(at_once=False)
    assert verifyObject(IContactNotifier, notifier)
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=int(CallResult.SIT_INVALID_NUMBER))
    bench.pass_(0)
    assert [contact.record.call_result for contact in notifier.noted] == [CallResult.SIT_INVALID_NUMBER]
    assert bench.record().record_status is RecordStatus.RETRIEVED and notifier.released == []
    notifier.open.pop().callback(5)
    bench.pass_(0)
    assert bench.record().record_status is RecordStatus.UPDATED and notifier.released == [5]
    assert not bench.session.held


def test_a_contact_that_is_dialed_again_is_not_told_of():
    bench = Bench([record(1)])
    notifier = bench.context.notifier = HeldNotifier()
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=int(CallResult.BUSY))
    bench.pass_(0)
    assert notifier.noted == [] and bench.state() is ChainState.WAITING
