"""Third parties on the Communication DN: records and the do-not-call list, in both forms of requests."""
from __future__ import annotations

from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from protocols.communication import keys
from tests.desktop.third_party import DN, E, Rig, T
from tests.scheduler.bench import CAMPAIGN, record


def test_records_are_cancelled_by_phone_whether_their_campaign_is_loaded_or_not():
    rig = Rig()
    told = rig.ask(T.CANCEL_RECORD, phone="+1 212 555 0001")
    assert told[keys.MESSAGE_TYPE] == T.RECORD_CANCELED and told[keys.PHONE] == "+1 212 555 0001"
    assert rig.bench.record(1).record_status is RecordStatus.CANCELLED
    assert rig.bench.record(1).call_result is CallResult.CANCEL_RECORD
    rig.bench.begin()
    assert rig.ask(T.CANCEL_RECORD, phone="+12125550002", campaign_name=CAMPAIGN)[keys.MESSAGE_TYPE] == T.RECORD_CANCELED
    assert rig.bench.record(2).record_status is RecordStatus.CANCELLED
    assert rig.refused(T.CANCEL_RECORD, phone="+12125550002")[0] is E.INVALID_PARAMETER


def test_a_record_with_an_agent_is_cancelled_by_its_handle_and_the_agent_hears_it():
    rig = Rig(mode=DialingMode.PREVIEW, running=True)
    rig.bench.ready("7001")
    handle = rig.bench.preview().record_handle
    assert rig.ask(T.CANCEL_RECORD, record_handle=handle)[keys.MESSAGE_TYPE] == T.RECORD_CANCELED
    assert rig.refused(T.CANCEL_RECORD, record_handle=handle)[0] is E.INVALID_PARAMETER


def test_a_number_is_put_on_the_do_not_call_list():
    rig = Rig()
    told = rig.ask(T.DO_NOT_CALL, phone="+12125550003")
    assert told[keys.MESSAGE_TYPE] == T.DO_NOT_CALL_PROCESSED
    (entry,) = rig.bench.wait(rig.bench.memory.do_not_call())
    assert (entry.phone, entry.origin, entry.requested_by) == ("+12125550003", "communication dn", "crm")
    assert rig.bench.context.do_not_call.blocks(CAMPAIGN, "+12125550003", None) is not None


def test_errors_of_requests_about_records():
    rig = Rig()
    assert rig.refused(T.DO_NOT_CALL, phone="12")[0] is E.INVALID_PARAMETER
    assert rig.refused(T.DO_NOT_CALL, phone="+12125550003", campaign_name="none")[0] is E.CAMPAIGN_NOT_FOUND
    assert rig.refused(T.DO_NOT_CALL, phone="+12125550003", calling_list="none")[0] is E.INVALID_PARAMETER
    assert rig.refused(T.CANCEL_RECORD, record_handle=4711)[0] is E.INVALID_PARAMETER
    rig.bench.store.go_away()
    assert rig.refused(T.CANCEL_RECORD, phone="+12125550001")[0] is E.SERVER_CONNECTION_ERROR


def test_requests_in_the_form_of_a_desktop_are_answered_in_that_form():
    rig = Rig()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_PHONE", "+12125550003"),
                                     ("GSW_REFERENCE_ID", "a")), "crm")
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "RequestRecordCancel"), ("GSW_PHONE", "+12125550004"),
                                     ("GSW_APPLICATION_ID", 1), ("GSW_CAMPAIGN_NAME", CAMPAIGN), ("GSW_REFERENCE_ID", 2)), "crm")
    rig.bench.pass_(0)
    told = rig.said()
    assert [(one["GSW_USER_EVENT"], one["GSW_REFERENCE_ID"]) for one in told] == [
        ("DoNotCallAcknowledge", "a"), ("RecordCancelAcknowledge", 2)]
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "PreviewRecordRequest"), ("GSW_CAMPAIGN_NAME", CAMPAIGN)), "crm")
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_REFERENCE_ID", 4)), "crm")
    assert [one["GSW_ERROR_NUMBER"] for one in rig.said()] == [1, 2]
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "DoNotCall"), ("GSW_PHONE", "+12125550003")), "evil")
    rig.bench.pass_(0)
    assert rig.said() == []


def test_a_record_is_added_and_the_record_of_a_call_is_settled_in_the_form_of_a_desktop():
    rig = Rig([record(1)], mode=DialingMode.PREVIEW, running=True)
    rig.said()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "AddRecord"), ("GSW_PHONE", "+12125550099"), ("GSW_REFERENCE_ID", 1),
                                     ("GSW_CALLING_LIST", "list"), ("CustomerName", "Ada")), "crm")
    rig.bench.pass_(0)
    (told,) = rig.said()
    assert (told["GSW_USER_EVENT"], told["GSW_REFERENCE_ID"], told["GSW_CALLING_LIST"]) == ("AddRecordAcknowledge", 1, "list")
    assert rig.bench.record(2).fields["name"] == "Ada"
    rig.bench.ready("7001")
    preview = rig.bench.preview()
    rig.bench.switch.user_event(DN, (("GSW_AGENT_REQ_TYPE", "RecordProcessed"), ("GSW_RECORD_HANDLE", preview.record_handle),
                                     ("GSW_CALL_RESULT", 33), ("GSW_REFERENCE_ID", 2)), "crm")
    rig.bench.pass_(0)
    told = [one for one in rig.said() if one.get("GSW_REFERENCE_ID") == 2]
    assert [one["GSW_USER_EVENT"] for one in told] == ["RecordProcessedAcknowledge"]
