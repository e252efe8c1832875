from __future__ import annotations

import random

from ocs.links.back_off import BackOff


def test_delays_double_up_to_the_longest_and_vary_a_little() -> None:
    delays = [BackOff(random.Random(seed), 0.5, 20.0) for seed in range(50)]
    for place in range(12):
        nominal = min(20.0, 0.5 * 2 ** place)
        drawn = [back_off.next_delay() for back_off in delays]
        assert all(0.75 * nominal <= delay <= 1.25 * nominal for delay in drawn) and len(set(drawn)) > 40


def test_a_granted_login_starts_over() -> None:
    back_off = BackOff(random.Random(1), 0.5, 20.0)
    for _ in range(10):
        back_off.next_delay()
    back_off.granted()
    assert back_off.next_delay() < 0.7


def test_a_link_that_fails_for_years_still_has_a_delay() -> None:
    back_off = BackOff(random.Random(1), 0.5, 20.0)
    back_off.failures = 100_000
    assert back_off.next_delay() <= 25.0


def test_each_of_two_places_is_tried_before_the_delay_doubles() -> None:
    back_off = BackOff(random.Random(1), 1.0, 20.0, places=2)
    nominal = [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]
    assert all(0.75 * wanted <= back_off.next_delay() <= 1.25 * wanted for wanted in nominal)
