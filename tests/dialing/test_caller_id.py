"""Which number a called person is shown."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.caller_id import CallerId, CallerIdRotation, caller_number, is_number, is_tone

NEW_YORK, CHICAGO, BERLIN = "+12125550100", "+13125550100", "+49305550100"
SETS = ((NEW_YORK, "+12125550101"), (CHICAGO, BERLIN))
CALLED = "+13125557777"


def shown(rotation: CallerIdRotation = CallerIdRotation.OFF, *, record: object = None, one: str = "", attempt: int = 1,
          turn: int = 0, sets: tuple[tuple[str, ...], ...] = SETS, digits: str = "100", called: str = CALLED) -> str:
    return caller_number(CallerId(digits, sets, rotation), record, one, attempt, called, turn)


def test_what_stands_nearer_to_the_record_goes_first() -> None:
    assert shown(sets=()) == "100" and shown(sets=(), digits="") == ""
    assert shown() == NEW_YORK
    assert shown(one="200") == "200"
    assert shown(one="200", record="+4930777") == "+4930777" and shown(record=4930777) == "4930777"


@pytest.mark.parametrize("field", [
    None, "", " ", "x", "+", "1", "+1 212 555", "123@evil", "12\r\n3", "++123", "1" * 25, 1.5, "１２３"])
def test_a_field_that_holds_no_number_says_nothing(field: object) -> None:
    assert shown(record=field) == NEW_YORK


def test_blanks_around_a_number_do_not_count() -> None:
    assert shown(record=" +4930777 ") == "+4930777"


def test_call_by_call_through_all_sets() -> None:
    assert [shown(CallerIdRotation.CALL, turn=turn) for turn in range(5)] == [NEW_YORK, "+12125550101", CHICAGO, BERLIN, NEW_YORK]


def test_each_attempt_has_its_set() -> None:
    assert [shown(CallerIdRotation.ATTEMPT, attempt=attempt) for attempt in (1, 2, 3)] == [NEW_YORK, CHICAGO, NEW_YORK]
    assert shown(CallerIdRotation.ATTEMPT, attempt=2, turn=1) == BERLIN


@pytest.mark.parametrize("called, number", [
    (CALLED, CHICAGO), ("+12125551234", NEW_YORK), ("+4930123", BERLIN), ("+33123456789", NEW_YORK)])
def test_the_nearest_number(called: str, number: str) -> None:
    assert shown(CallerIdRotation.LOCAL, called=called) == number


def test_of_several_that_are_as_near_one_after_the_other() -> None:
    assert [shown(CallerIdRotation.LOCAL, called="+12125559999", turn=turn) for turn in range(3)] == [
        NEW_YORK, "+12125550101", NEW_YORK]


def test_names_of_tones() -> None:
    assert is_tone("vip-1") and not is_tone("") and not is_tone("a b") and not is_tone("a\n")


@given(st.text(), st.text(max_size=10), st.integers(-3, 50), st.integers(0, 1_000), st.sampled_from(CallerIdRotation),
       st.lists(st.lists(st.sampled_from([NEW_YORK, CHICAGO, BERLIN]), max_size=3).map(tuple), max_size=3).map(tuple))
def test_whatever_a_record_holds_what_is_shown_is_a_number_or_nothing(
        field: str, called: str, attempt: int, turn: int, rotation: CallerIdRotation, sets: tuple[tuple[str, ...], ...]) -> None:
    number = caller_number(CallerId("", sets, rotation), field, "", attempt, called, turn)
    assert number == "" or is_number(number)
