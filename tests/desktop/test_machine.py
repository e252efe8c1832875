"""Random agents at random desktops never break the record model, and each request gets exactly one answer."""
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.desktop.machine import DesktopMachine

QUICK = settings(max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
DEEP = settings(QUICK, max_examples=1_500, stateful_step_count=120)


def test_requests_in_any_order_break_nothing_and_are_answered_once() -> None:
    run_state_machine_as_test(DesktopMachine, settings=QUICK)


@pytest.mark.long
@pytest.mark.timeout(7_200)
def test_many_more_requests_in_any_order() -> None:
    run_state_machine_as_test(DesktopMachine, settings=DEEP)
