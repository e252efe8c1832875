"""How long until a list is done with, from what is left of it now and then."""
from __future__ import annotations

import pytest

from ocs.dialing.time_to_complete import LEAST_S, WINDOW_S, Remaining, time_to_complete


def looked_at(*looks: tuple[float, int]) -> Remaining:
    made = Remaining()
    for now, left in looks:
        made.look(now, left)
    return made


def test_what_is_left_goes_on_as_it_went() -> None:
    assert time_to_complete([looked_at((0, 1_000), (60, 940), (120, 880))]) == 880.0


def test_tables_that_are_dialed_together_share_the_speed() -> None:
    fast, slow = looked_at((0, 100), (100, 0)), looked_at((0, 200), (100, 200))
    assert time_to_complete([fast, slow]) == 200.0 and time_to_complete([slow]) is None


@pytest.mark.parametrize("looks", [
    (), ((0, 10),), ((0, 10), (LEAST_S - 1, 5)), ((0, 10), (LEAST_S, 10)), ((0, 10), (LEAST_S, 20))])
def test_where_nothing_is_measured_nothing_is_known(looks: tuple[tuple[float, int], ...]) -> None:
    assert time_to_complete([looked_at(*looks)]) is None and time_to_complete([]) is None
    assert time_to_complete([looked_at((0, 100), (100, 0)), Remaining()]) is None


def test_of_what_is_done_with_no_time_is_left() -> None:
    assert time_to_complete([looked_at((0, 0))]) == 0.0


def test_an_import_is_no_way_back() -> None:
    assert time_to_complete([looked_at((0, 100), (50, 50), (75, 1_050), (100, 1_000))]) == 1_000.0


def test_what_was_long_ago_does_not_count() -> None:
    one = looked_at((0, 100_000), (1, 5_000), (100, 4_900), (WINDOW_S + 50, 4_000))
    assert one.a_second == pytest.approx(900 / (WINDOW_S - 50)) and one.left == 4_000
