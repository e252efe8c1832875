"""Numbers in E.164 are taken without being read in full: with the same outcome, or not at all."""
from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.store.numbering import zones_of_valid
from ocs.store.phones import BadNumber, parse_phone, read_phone

EXAMPLES = sorted({
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in phonenumbers.SUPPORTED_REGIONS for kind in phonenumbers.PhoneNumberType.values()
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None})


def agrees(text: str) -> bool:
    """Whether the number was taken at once; it must then be what the full reading makes of it."""
    zones = zones_of_valid(text)
    if zones is None:
        return False
    assert tuple(read_phone(text, "US")) == (text, zones)
    return True


def test_an_example_of_every_type_in_every_country_is_taken_as_it_is_read() -> None:
    taken = [number for number in EXAMPLES if agrees(number)]
    assert len(taken) > 700 and "+12015550123" in taken


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(EXAMPLES), st.lists(st.tuples(st.integers(1, 12), st.sampled_from("0123456789")), max_size=3),
       st.integers(-2, 2))
def test_a_number_with_other_digits_is_taken_only_if_it_is_read_the_same(number: str, changes: list[tuple[int, str]],
                                                                         longer: int) -> None:
    digits = list(number) + ["5"] * longer
    for place, digit in changes:
        if place < len(digits):
            digits[place] = digit
    agrees("".join(digits[:longer or None] if longer < 0 else digits))


@pytest.mark.parametrize("text", ["", "+", "+1", "2125550123", "+1 2125550123", "+12125550123 ", "+01125550123", "+1212555012",
                                  "+121255501234", "+12115550123", "+80012345678", "+9991234567", "+１２１２５５５０１２３",
                                  "+442079460000x1", "+4402079460123"])
def test_what_is_not_a_certain_number_is_left_to_the_full_reading(text: str) -> None:
    assert zones_of_valid(text) is None


def test_both_ways_give_the_zone_of_the_place() -> None:
    assert parse_phone("+13125550123", "US") == read_phone("(312) 555-0123", "US") == ("+13125550123", ("America/Chicago",))
    with pytest.raises(BadNumber, match="not valid|no country|too"):
        parse_phone("+12115550123", "US")
