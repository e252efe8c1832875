"""The spool on disk: what it was told to keep survives, in order, whatever tears; it has a bound, and says when it is reached."""
from __future__ import annotations

import math
import resource
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.request_log import LoggedRequest, RequestType
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, ChainSave, DoNotCallEntry, Holding, Owner, Record
from ocs.errors import DatabaseAway, StoreUnavailable
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.store.threads import InlineReactor, InlineThreads, SteppedThreads

ROOT = Path(__file__).resolve().parents[2]
RECORD = Record(1, 1, 0, "+12125550001", record_status=RecordStatus.UPDATED, fields={"balance": 1.5, "name": "Åse"})


def change(number: int, **fields: Any) -> ChainSave:
    return ChainSave("Spring", (replace(RECORD, record_id=number, fields=fields or RECORD.fields),))


def opened(folder: Path, limit_mb: int = 1, threads: Any = InlineThreads) -> ChangeSpool:
    spool = ChangeSpool(ChangeSpoolOptions(file=folder / "spool.db", limit_mb=limit_mb), InlineReactor(), threads)
    result(spool.start())
    return spool


def numbers(spool: ChangeSpool, limit: int = 100_000) -> list[int]:
    """The records of what waits, oldest first."""
    return [each.records[0].record_id for _, each in result(spool.oldest(limit))]


def copied(folder: Path, to: Path) -> Path:
    """The files as a crash would leave them."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for name in ("spool.db", "spool.db-wal"):
        if (folder / name).exists():
            shutil.copy(folder / name, to / name)
    return to


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.one_of(texts, st.integers(-2**63, 2**63 - 1), st.floats(allow_nan=False), st.none())
records = st.builds(
    Record, st.integers(1, 2**62), st.integers(1, 2**62), st.integers(0, 9), texts, record_status=st.sampled_from(RecordStatus),
    call_result=st.sampled_from(CallResult), dial_sched_time=st.none() | st.integers(0, 2**40), agent_id=st.none() | texts,
    fields=st.dictionaries(texts, values, max_size=3))
attempts = st.builds(Attempt, texts, texts, *[st.integers(0, 2**62)] * 3, texts, st.integers(1, 99), texts, texts, texts,
                     st.floats(0, 2e9), st.sampled_from(AttemptState), call_result=st.none() | st.sampled_from(CallResult))
entries = st.builds(DoNotCallEntry, st.none() | texts, st.none() | texts, st.none() | texts, texts, requested_by=texts)
holdings = st.builds(Holding, st.builds(Owner, *[st.integers(0, 2**31)] * 3),
                     st.dictionaries(st.integers(1, 2**62), st.frozensets(st.sampled_from(RecordStatus))))
requests = st.builds(LoggedRequest, st.sampled_from(RequestType), st.floats(0, 2e9), texts, texts,
                     st.none() | st.integers(0, 2**62))
changes = st.builds(ChainSave, texts, *[st.lists(one, max_size=2).map(tuple) for one in (records, attempts, entries, requests)],
                    st.none() | holdings)


@settings(max_examples=40, deadline=None)
@given(kept=st.lists(changes, max_size=4))
def test_changes_come_back_as_they_were_after_the_file_is_opened_again(tmp_path_factory: Any, kept: list[ChainSave]) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = opened(folder)
    for each in kept:
        result(spool.add(each))
    result(spool.stop())
    again = opened(folder)
    found = [one for _, one in result(again.oldest(10))]
    assert found == kept and again.waiting == len(kept) and again.name == spool.name
    assert [[entry.request_id for entry in one.do_not_call] for one in found] == [
        [entry.request_id for entry in one.do_not_call] for one in kept]
    assert [[each.request_id for each in one.requests] for one in found] == [
        [each.request_id for each in one.requests] for one in kept]
    assert (again.octets, math.ceil(again.octets)) == (spool.octets, again.octets)
    result(again.stop())


def test_what_is_done_is_gone_and_numbers_are_never_used_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(1, 6):
        result(spool.add(change(number)))
    first = result(spool.oldest(2))
    spool.done(first[-1][0])
    assert numbers(spool) == [3, 4, 5] and spool.waiting == 3
    spool.done(result(spool.oldest(9))[-1][0])
    assert (spool.waiting, spool.octets) == (0, 0)
    result(spool.stop())
    again = opened(tmp_path)
    result(again.add(change(6)))
    assert result(again.oldest(1))[0][0] == 6 and numbers(again) == [6]
    result(again.stop())


def test_nobody_is_told_before_the_disk_has_it(tmp_path: Path) -> None:
    threads: list[SteppedThreads] = []

    def make(*arguments: Any) -> SteppedThreads:
        threads.append(SteppedThreads(*arguments))
        return threads[-1]

    spool = ChangeSpool(ChangeSpoolOptions(file=tmp_path / "spool.db", limit_mb=1), InlineReactor(), make)
    starting = spool.start()
    threads[0].step()
    result(starting)
    adding = [spool.add(change(number)) for number in (1, 2, 3)]
    assert not any(one.called for one in adding) and spool.waiting == 3
    threads[0].step()
    assert adding[0].called and not adding[1].called
    threads[0].step()
    assert all(one.called for one in adding)                # what came meanwhile shared the next transaction
    spool.done(1)
    threads[0].step()
    stopping = spool.stop()
    assert stopping.called and spool.waiting == 2


def test_three_quarters_are_for_new_attempts_and_the_rest_for_results(tmp_path: Path) -> None:
    spool, long = opened(tmp_path), "x" * 10_000
    taken = 0
    with pytest.raises(DatabaseAway, match=r"spool.db is full \(1 MB\)"):
        while True:
            result(spool.add(change(taken, name=long), new_attempt=True))
            taken += 1
    assert 0.7 * 1_048_576 < spool.octets <= 0.75 * 1_048_576
    results = 0
    with pytest.raises(DatabaseAway, match="is full"):
        while True:
            result(spool.add(change(taken + results, name=long)))
            results += 1
    assert results > taken / 4 and spool.octets <= 1_048_576
    assert spool.waiting == taken + results and numbers(spool) == list(range(taken + results))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_048_576 + 6_000_000     # the log of SQLite beside it
    spool.done(taken)
    result(spool.add(change(7), new_attempt=True))
    result(spool.stop())


@pytest.mark.parametrize("value", ["\ud800", 2**70, b"octets", True, object()])
def test_a_value_that_could_not_be_read_again_is_refused_and_nothing_kept(tmp_path: Path, value: Any) -> None:
    spool = opened(tmp_path)
    with pytest.raises(StoreUnavailable, match="calling list 'Spring' cannot be kept") as refusal:
        result(spool.add(change(1, name=value)))
    assert not isinstance(refusal.value, DatabaseAway) and (spool.waiting, spool.octets) == (0, 0)
    result(spool.stop())


def test_a_log_that_was_torn_at_any_place_gives_what_came_before(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    spool = opened(folder)
    ends = []
    for number in range(1, 7):
        result(spool.add(change(number, name="x" * 900)))
        ends.append((folder / "spool.db-wal").stat().st_size)
    whole = (folder / "spool.db-wal").read_bytes()
    seen = set()
    for cut in [*range(ends[0], ends[-1], 997), *ends]:
        crashed = copied(folder, tmp_path / "crashed")
        (crashed / "spool.db-wal").write_bytes(whole[:cut] + b"\x5a" * 300)        # the last blocks hold anything
        again = opened(crashed)
        complete = sum(end <= cut for end in ends)
        assert numbers(again) == list(range(1, complete + 1)) and again.name == spool.name
        result(again.add(change(99)))
        assert numbers(again) == [*range(1, complete + 1), 99]
        result(again.stop())
        seen.add(complete)
    assert seen == set(range(1, 7))
    result(spool.stop())


def test_a_spool_is_one_servers(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"change_spool\.file: spool .*locked \(by another server\?"):
        opened(tmp_path)
    result(spool.add(change(1)))
    result(spool.stop())
    assert numbers(opened(tmp_path)) == [1]


def test_a_spool_is_its_owners_alone(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    result(spool.add(change(1)))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


@pytest.mark.parametrize("content, words", [(b"not a database at all" * 100, "not a database"), (None, "no directory")])
def test_a_file_that_cannot_be_a_spool_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    folder = tmp_path if content is not None else tmp_path / "nowhere"
    if content is not None:
        (folder / "spool.db").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=f"change_spool.file: .*{words}"):
        opened(folder)


def test_a_row_that_cannot_be_read_stops_the_start_and_stays(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    result(spool.add(change(1)))
    result(spool.stop())
    with sqlite3.connect(tmp_path / "spool.db") as connection:
        connection.execute("UPDATE change SET body = x'c1'")
    connection.close()
    again = opened(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"change_spool\.file: .*change 1: "):
        numbers(again)
    assert again.waiting == 1


def test_what_is_set_aside_stays_in_the_file_with_its_reason(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in (1, 2):
        result(spool.add(change(number)))
    result(spool.set_aside(1, "value too long"))
    assert numbers(spool) == [2] and (spool.waiting, spool.refused) == (1, 1)
    result(spool.stop())
    again = opened(tmp_path)
    assert numbers(again) == [2] and again.refused == 1
    result(again.stop())
    connection = sqlite3.connect(tmp_path / "spool.db")
    assert connection.execute("SELECT sequence, reason, length(body) > 100 FROM refused").fetchall() == [(1, "value too long", 1)]
    connection.close()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.store.test_change_spool import change, numbers, opened
from tests.contracts.stores import result
from ocs.errors import DatabaseAway
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool, taken = opened(Path(sys.argv[1]), limit_mb=64), 0
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    while True:
        result(spool.add(change(taken, name="x" * 5_000)))
        taken += 1
except DatabaseAway as error:
    assert spool.waiting == taken and numbers(spool) == list(range(taken)), (spool.waiting, taken)
    spool.done(result(spool.oldest(taken // 2))[-1][0])      # cannot be taken out of the file either
    assert len(numbers(spool)) == taken - taken // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    result(spool.add(change(taken)))
    assert numbers(spool) == list(range(taken // 2, taken + 1))
    print(taken, error)
"""


def test_a_disk_that_is_full_is_told_and_what_was_kept_is_kept(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    taken = int(done.stdout.split()[0])
    assert taken > 20 and "spool.db" in done.stdout
    again = opened(tmp_path, limit_mb=64)
    assert numbers(again)[-1] == taken and set(range(taken // 2, taken + 1)) <= set(numbers(again))
    result(again.stop())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_rows_that_stay_in_the_file_though_they_are_done_do_not_come_again(tmp_path: Path, logged: Logged) -> None:
    spool = opened(tmp_path)
    for number in (1, 2, 3):
        result(spool.add(change(number)))
    connections = spool._database._writer.connections                  # type: ignore[union-attr]
    connection = next(iter(connections.values()))
    connection.execute("CREATE TRIGGER kept BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'not now'); END")
    spool.done(1)
    spool.done(2)
    assert numbers(spool) == [3] and spool.waiting == 1
    assert sum("cannot be taken out of the spool" in text for text in logged.texts()) == 1
    connection.execute("DROP TRIGGER kept")
    spool.done(3)
    assert connection.execute("SELECT count(*) FROM change").fetchone() == (0,)
    result(spool.stop())
