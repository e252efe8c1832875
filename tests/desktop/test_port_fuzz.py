"""Mutated messages and octets at the desktop port, in frames and by WebSockets: each is answered once, nobody crashes, and legal
requests are served afterwards. A sample; a million by each way with `make test-long`."""
from __future__ import annotations

from typing import Callable

import pytest

from tests.conftest import Logged
from tests.course import Course
from tests.desktop.port_fuzz import fuzz_port
from tests.desktop.port_line import WAYS

_SAMPLE, _MANY = 1_500, 1_000_000


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_whatever_comes_is_answered_once(way: str, seed: int) -> None:
    assert fuzz_port(way, _SAMPLE, seed) > _SAMPLE / 10


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("way", WAYS)
def test_a_million_messages(way: str, logged: Logged, record_property: Callable[[str, object], None]) -> None:
    course = Course(f"desktop port, {way}", _MANY, logged, record_property)
    served = fuzz_port(way, _MANY, 4, course)
    course.check(f"{served:,} carried out")
    assert served > _MANY / 10
