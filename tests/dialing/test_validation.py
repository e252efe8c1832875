from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.contact import processed
from ocs.dialing.custom_fields import WrongValue, changes_from, fitting
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.validation import Reason, ValidationPolicy, changed_meanwhile, judge, not_answered, raced
from ocs.dialing.values import CustomField
from tests.doubles.contacts import FIELDS, contact

POLICY = ValidationPolicy(CallResult.NO_ANSWER, CallResult.STALE, CallResult.CANCEL_RECORD)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
                    | st.dictionaries(st.text(), inner), max_leaves=5)


@pytest.mark.parametrize("body", [None, {}, {"unknown": 1}, {"GSW_PHONE": "+19005550100", "GSW_CALL_RESULT": 52}])
def test_200_dials_and_nothing_but_user_defined_fields_can_be_changed(body: Any) -> None:
    verdict = judge(POLICY, 200, body, FIELDS)
    assert (verdict.dial, verdict.call_result, verdict.reason, verdict.changes, verdict.fault) == (
        True, None, Reason.PASSED, {}, "")


def test_200_changes_fields_by_their_attribute_or_column() -> None:
    verdict = judge(POLICY, 200, {"Account": 17, "balance": "2.25", "inner": "y", "since": None}, FIELDS)
    assert verdict.changes == {"account": "17", "balance": 2.25, "inner": "y", "since": None} and verdict.fault == ""


def test_one_value_that_does_not_fit_changes_nothing_and_is_named_without_its_value() -> None:
    verdict = judge(POLICY, 200, {"Account": "B-2", "visits": "many4711"}, FIELDS)
    assert verdict.dial and verdict.changes == {}
    assert verdict.fault == "nothing changed: visits: not a whole number"


@pytest.mark.parametrize(("given", "result"), [(7, CallResult.NO_ANSWER), ("49", CallResult.DEAFENED), (0, CallResult.OK)])
def test_409_does_not_dial_and_its_result_counts(given: Any, result: CallResult) -> None:
    verdict = judge(POLICY, 409, {"GSW_CALL_RESULT": given, "Account": "x"}, FIELDS)
    assert (verdict.dial, verdict.call_result, verdict.reason, verdict.changes) == (False, result, Reason.REFUSED, {})


@pytest.mark.parametrize("body", [None, {}])
def test_409_without_a_result_has_the_configured_one(body: Any) -> None:
    assert judge(POLICY, 409, body).call_result is CallResult.CANCEL_RECORD and judge(POLICY, 409, body).fault == ""


@pytest.mark.parametrize("given", [54, -1, "x", "", "007", True, None, 7.0, [7], "７"])
def test_409_with_a_result_that_is_none_has_the_configured_one_and_says_so(given: Any) -> None:
    verdict = judge(POLICY, 409, {"GSW_CALL_RESULT": given})
    assert verdict.call_result is CallResult.CANCEL_RECORD and verdict.fault == "GSW_CALL_RESULT: not a call result"


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 404, 429, 500, 503])
def test_any_other_status_is_as_good_as_a_time_out(status: int) -> None:
    verdict = judge(POLICY, status, {"GSW_CALL_RESULT": 33}, FIELDS)
    assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.NO_ANSWER, Reason.WRONG_ANSWER)
    assert str(status) in verdict.fault


def test_no_answer_and_a_race_have_their_own_results() -> None:
    assert not_answered(POLICY, Reason.TIMED_OUT).call_result is CallResult.NO_ANSWER
    assert (raced(POLICY).dial, raced(POLICY).call_result) == (False, CallResult.STALE)


def test_a_change_of_any_column_is_a_race() -> None:
    asked = contact().record
    assert not changed_meanwhile(asked, replace(asked))
    assert changed_meanwhile(asked, replace(asked, record_status=RecordStatus.CANCELLED))
    assert changed_meanwhile(asked, replace(asked, fields={**asked.fields, "account": "B"}))


@given(st.integers(100, 599), st.none() | st.dictionaries(
    st.sampled_from(["GSW_CALL_RESULT", "Account", "balance", "visits", "since", "x"]), JSON))
def test_whatever_a_service_answers_there_is_a_verdict_that_can_be_followed(status: int, body: Any) -> None:
    verdict = judge(POLICY, status, body, FIELDS)
    assert verdict.dial == (status == 200) and (verdict.call_result is None) == verdict.dial
    types = {"account": str, "balance": float, "visits": int, "since": str}
    assert all(value is None or type(value) is types[name] for name, value in verdict.changes.items())


@pytest.mark.parametrize(("kind", "value", "kept"), [
    ("int", "12", 12), ("int", 12.0, 12), ("float", 3, 3.0), ("varchar", 5, "5"), ("char", "ab", "ab"),
    ("datetime", "2026-03-10T16:30", "2026-03-10 16:30:00"), ("int", None, None)])
def test_a_value_that_fits_its_column(kind: str, value: Any, kept: Any) -> None:
    found = fitting(CustomField("f", kind, 5), value)
    assert found == kept and type(found) is type(kept)


@pytest.mark.parametrize(("kind", "value"), [
    ("int", "x"), ("int", 1.5), ("int", 2 ** 63), ("int", float("nan")), ("int", "9" * 5_000), ("float", "nan"), ("float", "inf"),
    ("float", "x"), ("varchar", "toolong"), ("char", "toolong"), ("datetime", "soon"), ("varchar", True), ("int", [1]),
    ("varchar", {"a": 1}), ("varchar", "a\x00b"), ("float", 10 ** 400)])
def test_a_value_that_does_not_fit_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError):
        fitting(CustomField("f", kind, 5), value)
    with pytest.raises(WrongValue, match="^f: "):
        changes_from([CustomField("f", kind, 5)], {"f": value})


def test_an_attribute_goes_before_a_column_of_the_same_name() -> None:
    fields = (CustomField("a", send_attribute="b"), CustomField("b", send_attribute="c"))
    assert changes_from(fields, {"b": "1"}) == {"a": "1"}


def test_a_chain_is_processed_when_each_of_its_records_is() -> None:
    done, open_ = contact(record_status=RecordStatus.UPDATED).record, contact(record_status=RecordStatus.RETRIEVED).record
    sibling = replace(done, record_status=RecordStatus.CHAIN_UPDATED)
    assert processed((done, sibling)) and not processed((done, open_))
    assert not processed((done, replace(done, record_status=RecordStatus.DELEGATED)))
