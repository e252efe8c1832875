"""Mutated requests on the entries of third parties: no crash, no leak, no legal request unanswered. A sample; a million on each
entry with `make test-long`."""
from __future__ import annotations

import resource
import sys
from typing import Callable

import pytest

from tests.app.fuzz import fuzz_api, fuzz_communication, fuzz_octets, fuzz_public
from tests.conftest import Logged

_MANY = 1_000_000
_GROWTH_KB = 60_000
Progress = Callable[[int], None]


def test_whatever_comes_on_the_communication_dn() -> None:
    assert fuzz_communication(2_000, seed=1) > 500


def test_whatever_is_asked_at_the_public_uris() -> None:
    assert fuzz_public(2_000, seed=1) > 300


def test_whatever_octets_come() -> None:
    assert fuzz_octets(3_000, seed=1) > 600


def test_whatever_is_asked_of_the_management_api(database: str) -> None:
    assert fuzz_api(600, 1, database) > 50


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("entry", ["communication", "public", "octets", "api"])
def test_a_million_requests(entry: str, logged: Logged, request: pytest.FixtureRequest) -> None:
    grown: list[int] = []

    def progress(done: int) -> None:
        logged.events.clear()
        if done % (_MANY // 10) == 0:
            grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            sys.stderr.write(f"{entry}: {done:,} requests, {grown[-1] // 1024} MB\n")

    def api(count: int, seed: int, progress: Progress) -> int:
        url = request.getfixturevalue("tmp_path") / "ocs.db"
        from ocs.database.backend import backend_for
        from ocs.store.versions import upgrade
        upgrade(backend_for(f"sqlite:///{url}"))
        return fuzz_api(count // 10, seed, f"sqlite:///{url}", lambda done: progress(done * 10))    # each is a transaction

    entries: dict[str, Callable[[int, int, Progress], int]] = {
        "communication": fuzz_communication, "public": fuzz_public, "octets": fuzz_octets, "api": api}
    assert entries[entry](_MANY, 2, progress) > _MANY / 100
    assert grown[-1] - grown[1] < _GROWTH_KB, f"memory has grown: {grown}"
