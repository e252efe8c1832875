"""The spool of reports: what was added is there after a crash, in order and without gaps, and nothing else."""
from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from ocs.errors import StoreUnavailable
from ocs.interfaces import IReportSpool
from ocs.store.report_spool import ReportSpool
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.store.threads import InlineReactor, InlineThreads, SteppedThreads


def spool_at(path: Path, clock: Clock | None = None, threads: Any = InlineThreads) -> ReportSpool:
    return ReportSpool(path, InlineReactor(), clock or Clock(), threads)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "icon-spool.db"


def crash(spool: ReportSpool) -> None:
    """The process is gone: nothing is finished, the lock on the file falls."""
    spool._database.stopService()


def test_it_provides_the_interface(path: Path) -> None:
    assert verifyObject(IReportSpool, spool_at(path))


def test_reports_and_open_attempts_are_found_again_and_acknowledged_ones_are_not(path: Path) -> None:
    clock = Clock()
    spool = spool_at(path, clock)
    left = result(spool.start())
    assert (left.first, left.count, left.octets, left.attempts) == (1, 0, 0, {}) and spool.written == 0
    for number in range(1, 6):
        spool.add(number, b"r%d" % number)
    spool.attempt_opened("G1", b"one")
    spool.attempt_opened("G2", b"two")
    assert spool.unwritten == 5 and spool.written == 0
    clock.advance(0)
    assert spool.unwritten == 0 and spool.written == 5
    spool.acknowledged(2)
    spool.attempt_closed("G1")
    assert result(spool.flushed()) is None
    assert result(spool.oldest(2, 2)) == [(3, b"r3"), (4, b"r4")] and result(spool.oldest(5, 9)) == []
    source = spool.source
    crash(spool)
    again = spool_at(path)
    left = result(again.start())
    assert (again.source, again.written, left.first, left.count, left.octets) == (source, 5, 3, 3, 6)
    assert left.attempts == {"G2": b"two"}
    assert path.stat().st_mode & 0o777 == 0o600
    result(again.stop())


def test_a_number_is_not_used_again_when_everything_is_acknowledged(path: Path) -> None:
    spool = spool_at(path)
    result(spool.start())
    spool.add(1, b"a")
    spool.acknowledged(1)
    result(spool.stop())
    again = spool_at(path)
    left = result(again.start())
    assert (again.written, left.first, left.count) == (1, 2, 0)
    result(again.stop())


def test_what_is_added_in_one_turn_is_written_in_one_transaction_and_one_goes_after_the_other(path: Path) -> None:
    clock = Clock()
    spool = spool_at(path, clock, SteppedThreads)
    starting = spool.start()
    pool: Any = spool._database._writer
    pool.threadpool.step()
    result(starting)
    spool.add(1, b"a")
    spool.add(2, b"b")
    first = spool.flushed()
    spool.add(3, b"c")
    second, third = spool.flushed(), spool.flushed()
    assert len(pool.threadpool.waiting) == 1 and not first.called
    pool.threadpool.step()
    assert first.called and not second.called and spool.written == 2 and len(pool.threadpool.waiting) == 1
    pool.threadpool.step()
    assert second.called and third.called and spool.written == 3 and spool.flushed().called
    assert not pool.threadpool.waiting


def test_an_attempt_that_ends_before_it_is_written_leaves_nothing(path: Path) -> None:
    spool = spool_at(path)
    result(spool.start())
    spool.attempt_opened("G", b"x")
    spool.attempt_closed("G")
    result(spool.flushed())
    crash(spool)
    again = spool_at(path)
    assert result(again.start()).attempts == {}
    result(again.stop())


def test_while_the_disk_does_not_take_them_reports_wait_in_memory_and_nobody_waits_for_them(path: Path, logged: Logged) -> None:
    clock = Clock()
    spool = spool_at(path, clock)
    result(spool.start())
    told: list[int] = []
    spool.add_listener(lambda: told.append(spool.written))
    blocker = spool._database.write_all

    def full(interactions: Any) -> Any:
        from twisted.internet.defer import succeed
        return succeed([StoreUnavailable("database or disk is full")] * len(interactions))
    spool._database.write_all = full            # type: ignore[method-assign]
    spool.add(1, b"a")
    assert result(spool.flushed()) is None and spool.failing and told == []
    spool.add(2, b"b")
    spool.attempt_opened("G", b"x")
    assert result(spool.flushed()) is None and spool.unwritten == 2
    clock.advance(2.0)
    assert spool.failing
    spool._database.write_all = blocker         # type: ignore[method-assign]
    clock.advance(2.0)
    assert not spool.failing and spool.unwritten == 0 and told == [2]
    assert result(spool.oldest(0, 9)) == [(1, b"a"), (2, b"b")]
    result(spool.stop())
    texts = logged.texts()
    assert sum("they wait in memory" in text for text in texts) == 1 and any("is written again" in text for text in texts)


def test_it_closes_though_the_disk_does_not_take_the_last_reports(path: Path, logged: Logged) -> None:
    spool = spool_at(path)
    result(spool.start())

    def full(interactions: Any) -> Any:
        from twisted.internet.defer import succeed
        return succeed([StoreUnavailable("full")] * len(interactions))
    spool._database.write_all = full            # type: ignore[method-assign]
    spool.add(1, b"a")
    result(spool.flushed())
    assert result(spool.stop()) is None
    assert any("1 reports could not be written and are lost" in text for text in logged.texts())


def test_a_second_server_on_the_same_file_is_refused(path: Path) -> None:
    spool = spool_at(path)
    result(spool.start())
    with pytest.raises(StoreUnavailable, match="icon.spool_file: .*by another server"):
        result(spool_at(path).start())
    result(spool.stop())


def test_a_file_that_is_none_of_ours_is_refused_by_name(path: Path) -> None:
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(StoreUnavailable, match="icon.spool_file: "):
        result(spool_at(path).start())


def test_a_stream_may_get_another_name(path: Path) -> None:
    spool = spool_at(path)
    result(spool.start())
    before, after = spool.source, spool.rename()
    assert before != after == spool.source
    result(spool.stop())
    again = spool_at(path)
    result(again.start())
    assert again.source == after
    result(again.stop())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["add", "add", "flush", "turn", "acknowledge", "crash", "stop", "open", "close"]), max_size=40))
def test_whatever_happens_the_file_holds_a_run_of_numbers_and_everything_that_was_flushed(steps: list[str]) -> None:
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder) / "spool.db", Clock()
        spool = spool_at(path, clock)
        result(spool.start())
        last = safe = done = guid = 0
        for step in [*steps, "crash"]:
            if step == "add":
                last += 1
                spool.add(last, b"%d" % last)
            elif step == "flush":
                result(spool.flushed())
                safe = last
            elif step == "turn":
                clock.advance(0)
                safe = last
            elif step == "acknowledge" and done < safe:
                done += 1
                spool.acknowledged(done)
            elif step == "open":
                guid += 1
                spool.attempt_opened(f"G{guid}", b"x")
            elif step == "close" and guid:
                spool.attempt_closed(f"G{guid}")
            elif step in ("crash", "stop"):
                if step == "stop":
                    result(spool.stop())
                    safe = last
                else:
                    crash(spool)
                clock = Clock()
                spool = spool_at(path, clock)
                left = result(spool.start())
                assert spool.written >= safe and left.first <= done + 1 and left.count == spool.written + 1 - left.first
                found = result(spool.oldest(0, 1_000))
                assert found == [(n, b"%d" % n) for n in range(left.first, spool.written + 1)]
                last = safe = spool.written
        crash(spool)


def test_the_file_is_a_plain_sqlite_file(path: Path) -> None:
    spool = spool_at(path)
    result(spool.start())
    spool.add(1, b"a")
    result(spool.stop())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT sequence, body FROM report").fetchall() == [(1, b"a")]
    connection.close()
