"""The store on real threads, in several processes, and killed at any moment."""
from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, AttemptState, ChainSave, ClaimRequest, Owner, Record
from ocs.errors import StoreUnavailable
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.sql import SqlStore
from ocs.store.versions import upgrade
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_767_600_000

# Claims chains a few at a time and, for each, opens an attempt and closes it with the record; says what was acknowledged.
WORKER = """
import sys
from dataclasses import replace
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from ocs.dialing.results import RecordStatus
from ocs.dialing.values import Attempt, AttemptState, ChainSave, ClaimRequest, Owner
from ocs.store.sql import SqlStore

url, number, calling_list, criteria = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
store = SqlStore(url, reactor)


def say(word, record_id):
    print(word, record_id, flush=True)


async def dial(record):
    attempt = Attempt(f"g{number}-{record.record_id}", calling_list, record.record_id, record.chain_id, record.chain_n,
                      record.contact_info, 1, "Spring", "East", "s", 0.0, table="Spring")
    await store.open_attempts([attempt])
    say("opened", record.record_id)
    closed = replace(attempt, state=AttemptState.CLOSED)
    await store.save(ChainSave("Spring", (replace(record, record_status=RecordStatus.UPDATED),), (closed,)))
    say("saved", record.record_id)


async def work():
    await store.start()
    chosen = await store.dialing_filter("Spring", {"criteria": criteria}) if criteria else None
    while True:
        chains = await store.claim_chains(ClaimRequest("Spring", Owner(number, 1, 1), 5, %d, {122: 43200}, filter=chosen,
                                                       calling_list=calling_list))
        if not chains:
            break
        for chain in chains:
            say("claimed", chain.chain_id)
        for deferred in [ensureDeferred(dial(record)) for chain in chains for record in chain.records]:
            await deferred
    await store.stop()
    say("done", 0)


def end(outcome):
    if outcome is not None:
        outcome.printTraceback()
    reactor.stop()


reactor.callWhenRunning(lambda: ensureDeferred(work()).addBoth(end))
reactor.run()
""" % NOW


@pytest.fixture
def url(database: str) -> str:
    fill(database)
    return database


def fill(url: str) -> None:
    """600 chains of two records."""
    with transaction(backend_for(url)) as work:
        insert_records(work, create_list(work, Catalog(), "Spring"),
                       [Record(n, (n + 1) // 2, n % 2, f"+1212555{n:04d}") for n in range(1, 1_201)])


def worker(url: str, number: int, calling_list: str = "Spring", criteria: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WORKER, url, str(number), calling_list, criteria], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said(text: str) -> dict[str, list[int]]:
    """What a worker acknowledged: word -> ids, in order. A last line that was cut is left out."""
    words: dict[str, list[int]] = {"claimed": [], "opened": [], "saved": [], "done": []}
    for line in text[:text.rfind("\n") + 1].splitlines():
        word, number = line.split()
        words[word].append(int(number))
    return words


def test_processes_on_one_list_share_it_without_a_double_claim(url: str) -> None:
    workers = [worker(url, number) for number in (1, 2, 3, 4)]
    outcomes = [process.communicate(timeout=60) for process in workers]
    for process, (out, error) in zip(workers, outcomes):
        assert process.returncode == 0 and error == "" and said(out)["done"] == [0]
    shares = [said(out)["claimed"] for out, _ in outcomes]
    assert sorted(sum(shares, [])) == list(range(1, 601))
    assert sum(bool(share) for share in shares) >= 2
    assert sorted(sum((said(out)["saved"] for out, _ in outcomes), [])) == list(range(1, 1_201))
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT chain_id FROM cl_spring GROUP BY chain_id HAVING count(DISTINCT app_id) <> 1")
        assert work.cursor.fetchall() == []                                     # no chain was split


def test_lists_with_overlapping_filters_share_a_table_without_a_double_claim(url: str) -> None:
    workers = [worker(url, 1, "low", "chain_id <= 400"), worker(url, 2, "high", "chain_id > 200"),
               worker(url, 3, "odd", "chain_id % 2 = 1"), worker(url, 4, "all")]
    outcomes = [process.communicate(timeout=60) for process in workers]
    for process, (_, error) in zip(workers, outcomes):
        assert process.returncode == 0 and error == ""
    low, high, odd, everything = (said(out)["claimed"] for out, _ in outcomes)
    assert sorted(low + high + odd + everything) == list(range(1, 601))
    assert max(low, default=0) <= 400 and min(high, default=201) > 200 and all(chain_id % 2 for chain_id in odd)
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT chain_id FROM cl_spring GROUP BY chain_id HAVING count(DISTINCT app_id) <> 1")
        assert work.cursor.fetchall() == []
        work.cursor.execute("SELECT count(*), count(DISTINCT record_id) FROM ocs_attempt WHERE table_access = 'Spring'")
        assert work.cursor.fetchall() == [(1_200, 1_200)]


@pytest.mark.parametrize("acknowledged", [1, 40, 200])
def test_what_was_acknowledged_survives_a_kill_and_nothing_is_half_done(url: str, acknowledged: int) -> None:
    process = worker(url, 1)
    assert process.stdout is not None and process.stderr is not None
    lines, deadline = [], time.monotonic() + 60
    while len(lines) < acknowledged and time.monotonic() < deadline:
        lines.append(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    words = said("".join(lines) + process.stdout.read())
    process.wait(30)
    process.stdout.close()
    process.stderr.close()
    with transaction(backend_for(url), write=False) as work:
        statuses = dict(work.cursor.execute("SELECT record_id, record_status FROM cl_spring").fetchall())
        chains = work.cursor.execute("SELECT chain_id, sum(CASE WHEN record_status = 1 THEN 1 ELSE 0 END), count(*)"
                                     " FROM cl_spring GROUP BY 1").fetchall()
        states = dict(work.cursor.execute("SELECT record_id, state FROM ocs_attempt").fetchall())
    assert all(ready in (0, count) for _, ready, count in chains)               # no chain is split
    assert all(statuses[record_id] == RecordStatus.UPDATED for record_id in words["saved"])
    assert all(states[record_id] == "closed" for record_id in words["saved"])
    assert all(record_id in states for record_id in words["opened"])
    assert {r for r, state in states.items() if state == "closed"} == {r for r, status in statuses.items() if status == 3}


@pytest_twisted.ensureDeferred
async def test_the_reactor_is_never_blocked_by_the_database(url: str) -> None:
    lock = "BEGIN IMMEDIATE" if url.startswith("sqlite") else "LOCK TABLE cl_spring IN SHARE ROW EXCLUSIVE MODE"
    turns: list[float] = []
    ticking = LoopingCall(lambda: turns.append(time.monotonic()))
    store = SqlStore(url, reactor, statement_timeout_s=10)
    await store.start().addTimeout(10, cast(Any, reactor))
    other = backend_for(url).connect()
    other.execute(lock)
    ticking.start(0.02)
    save = store.save(ChainSave("Spring", (Record(1, 1, 1, "+12125550001"),)))
    counts = await store.counts("Spring").addTimeout(10, cast(Any, reactor))
    assert counts == {RecordStatus.READY: 1_200}
    await deferLater(cast(Any, reactor), 0.5, lambda: None)
    assert not save.called and len(turns) > 5
    other.rollback()
    other.close()
    await save.addTimeout(10, cast(Any, reactor))
    ticking.stop()
    await store.stop().addTimeout(10, cast(Any, reactor))


@pytest_twisted.ensureDeferred
async def test_a_full_days_work_is_written_in_groups(url: str) -> None:
    store = SqlStore(url, reactor)
    await store.start().addTimeout(10, cast(Any, reactor))
    chains = await store.claim_chains(ClaimRequest("Spring", Owner(1, 1, 1), 600, NOW, {122: 43_200}))
    attempts = [Attempt(f"g{r.record_id}", "Spring", r.record_id, r.chain_id, r.chain_n, r.contact_info, 1, "c", "g", "s", 0.0)
                for chain in chains for r in chain.records]
    opened = gatherResults([store.open_attempts([attempt]) for attempt in attempts])
    await opened.addTimeout(30, cast(Any, reactor))
    assert len(await store.recover(Owner(1, 1, 1), "Spring")) == 600
    await store.stop().addTimeout(10, cast(Any, reactor))
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT state, count(*) FROM ocs_attempt GROUP BY state")
        assert work.cursor.fetchall() == [(AttemptState.OPEN.value, 1_200)]


@pytest_twisted.ensureDeferred
async def test_a_server_that_stops_and_comes_back_loses_nothing(own_postgres_server: PostgresServer) -> None:
    url = own_postgres_server.database()
    upgrade(url)
    fill(url)
    store, clock = SqlStore(url, reactor), cast(Any, reactor)
    await store.start().addTimeout(10, clock)
    written: dict[int, int] = {}                # record_id -> the attempt number that was acknowledged last
    failed: list[float] = []
    slowest = [0.0]

    async def traffic(record_id: int) -> None:
        attempt = 0
        while going:
            attempt += 1
            begun = time.monotonic()
            try:
                await store.save(ChainSave("Spring", (Record(record_id, 1, 1, "+12125550100", attempt=attempt),)))
                written[record_id] = attempt
            except StoreUnavailable:
                failed.append(time.monotonic())
                await deferLater(clock, 0.02, lambda: None)
            slowest[0] = max(slowest[0], time.monotonic() - begun)

    going = True
    workers = [ensureDeferred(traffic(record_id)) for record_id in range(1, 9)]
    for end in (own_postgres_server.stop, own_postgres_server.kill):
        await until(lambda: len(written) == 8)
        await deferToThread(end)
        away = len(failed)
        await until(lambda: len(failed) > away + 8)         # told, and told again
        before = dict(written)
        await deferToThread(own_postgres_server.start)
        await until(lambda: all(written[record_id] > before[record_id] for record_id in before))
    going = False
    await gatherResults(workers).addTimeout(20, clock)
    assert slowest[0] < 5.0
    await store.stop().addTimeout(10, clock)
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT record_id, attempt FROM cl_spring WHERE record_id <= 8")
        kept = dict(work.cursor.fetchall())
    assert all(kept[record_id] >= written[record_id] for record_id in written)


async def until(condition: Any) -> None:
    """Wait in turns of the reactor until it holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        await deferLater(cast(Any, reactor), 0.02, lambda: None)
