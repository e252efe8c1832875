"""Group commit, and a database that is locked, broken or gone: one outcome for each change, none into the reactor."""
from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Iterator

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.database.pool import Database, GroupCommit
from ocs.dialing.values import ChainSave, CustomField, DoNotCallEntry, Record
from ocs.errors import OCSError, StoreUnavailable, UnknownCallingList
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.sql import SqlStore
from ocs.store.versions import upgrade
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.store.threads import InlineReactor, InlineThreads, SteppedThreads

made: list[Stepped] = []


@pytest.fixture(autouse=True)
def connections_closed() -> Iterator[None]:
    """A test need not stop its stores."""
    yield
    while made:
        made.pop().close()


class Stepped:
    """A store whose database works only at `write()` and `read()`, and that counts its commits."""

    def __init__(self, url: str, **options: Any) -> None:
        self.pools: dict[str, SteppedThreads] = {}
        made.append(self)
        self.store = SqlStore(url, InlineReactor(), threads=self._make, **options)
        started = self.store.start()
        self.read()
        result(started)

    def _make(self, minimum: int, maximum: int, name: str) -> SteppedThreads:
        self.pools[name] = SteppedThreads(minimum, maximum, name)
        return self.pools[name]

    def close(self) -> None:
        self.store._database.stopService()

    def write(self) -> None:
        self.pools["store-writer"].step()

    def read(self) -> None:
        self.pools["store-reader"].step()

    @property
    def waiting(self) -> int:
        return len(self.pools["store-writer"].waiting)


@pytest.fixture
def url(database: str) -> str:
    fill(database)
    return database


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'file.sqlite'}"
    upgrade(url)
    fill(url)
    return url


def fill(url: str) -> None:
    """A list of nine."""
    with transaction(backend_for(url)) as work:
        calling_list = create_list(work, Catalog(), "Spring", [CustomField("account")])
        insert_records(work, calling_list, [Record(n, n, 1, f"+1212555{n:04d}") for n in range(1, 10)])


def saving(record_id: int, **changes: Any) -> ChainSave:
    return ChainSave("Spring", (Record(record_id, record_id, 1, f"+1212555{record_id:04d}", **changes),))


def attempts_in(url: str) -> dict[int, int]:
    with transaction(backend_for(url), write=False) as work:
        return dict(work.cursor.execute("SELECT record_id, attempt FROM cl_spring").fetchall())


def test_changes_that_wait_together_are_committed_together(url: str) -> None:
    stepped = Stepped(url)
    first = stepped.store.save(saving(1, attempt=1))
    others = [stepped.store.save(saving(n, attempt=n)) for n in range(2, 6)]
    assert stepped.waiting == 1 and not first.called
    stepped.write()
    assert first.called and stepped.waiting == 1
    assert attempts_in(url)[1] == 1 and attempts_in(url)[2] == 0
    stepped.write()
    assert [deferred.called for deferred in others] == [True] * 4 and stepped.waiting == 0
    assert [attempts_in(url)[n] for n in range(1, 6)] == [1, 2, 3, 4, 5]


def test_the_last_of_several_saves_of_one_record_stays(url: str) -> None:
    stepped = Stepped(url)
    saves = [stepped.store.save(saving(1, attempt=n)) for n in range(1, 8)]
    while stepped.waiting:
        stepped.write()
    assert all(deferred.called for deferred in saves) and attempts_in(url)[1] == 7


@pytest.mark.parametrize("bad, reason", [
    (saving(77), StoreUnavailable), (ChainSave("Winter"), UnknownCallingList),
    (saving(3, contact_info_type=None), TypeError), (saving(3, attempt=2**70), StoreUnavailable),
    (saving(3, agent_id="\ud800"), StoreUnavailable), (saving(3, agent_id=object()), StoreUnavailable),
    (saving(3, fields={"account": {}}), StoreUnavailable), (saving(3, daily_from=None), StoreUnavailable),
    (ChainSave("Spring", do_not_call=(DoNotCallEntry("\ud800"),)), StoreUnavailable),
])
def test_one_bad_change_fails_alone(url: str, bad: ChainSave, reason: type[Exception], logged: Logged) -> None:
    stepped = Stepped(url)
    stepped.store.save(saving(9))
    before, wrong, after = [stepped.store.save(change) for change in (saving(1, attempt=1), bad, saving(2, attempt=2))]
    stepped.write()
    stepped.write()
    assert result(before) is None and result(after) is None
    with pytest.raises(reason):
        result(wrong)
    assert [attempts_in(url)[n] for n in (1, 2, 3)] == [1, 2, 0]
    assert len(logged.failures(TypeError)) == (reason is TypeError)


def test_a_full_queue_refuses_more_and_takes_more_later(url: str) -> None:
    stepped = Stepped(url, queue_limit=3)
    accepted = [stepped.store.save(saving(n, attempt=1)) for n in range(1, 5)]     # one runs, three wait
    with pytest.raises(StoreUnavailable, match="3 changes wait"):
        result(stepped.store.save(saving(5, attempt=1)))
    stepped.write()
    more = stepped.store.save(saving(6, attempt=1))
    while stepped.waiting:
        stepped.write()
    assert [result(deferred) for deferred in (*accepted, more)] == [None] * 5
    assert attempts_in(url) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 1, 7: 0, 8: 0, 9: 0}


def test_a_group_has_a_limit(url: str) -> None:
    backend = backend_for(url)
    pools: list[SteppedThreads] = []

    def make(minimum: int, maximum: int, name: str) -> SteppedThreads:
        pools.append(SteppedThreads(minimum, maximum, name))
        return pools[-1]

    database = Database(InlineReactor(), backend, threads=make)
    database.startService()
    changes, sizes = GroupCommit(database, group=4), []
    done = [changes.submit(lambda work, n=n: n) for n in range(10)]     # type: ignore[misc]
    while pools[0].waiting:
        pools[0].step()
        sizes.append(sum(deferred.called for deferred in done))
    assert sizes == [1, 5, 9, 10] and [result(deferred) for deferred in done] == list(range(10))
    database.stopService()


def test_stop_writes_what_was_accepted_and_refuses_the_rest(url: str) -> None:
    stepped = Stepped(url)
    saves = [stepped.store.save(saving(n, attempt=1)) for n in range(1, 5)]
    stopped = stepped.store.stop()
    with pytest.raises(StoreUnavailable, match="not open"):
        result(stepped.store.save(saving(5, attempt=1)))
    assert not stopped.called
    stepped.write()
    stepped.write()
    assert result(stopped) is None and [result(save) for save in saves] == [None] * 4
    assert sum(attempts_in(url).values()) == 4


def test_a_store_can_be_started_again_after_a_stop_and_not_before(url: str) -> None:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads)
    result(store.start())
    with pytest.raises(StoreUnavailable, match="already"):
        result(store.start())
    result(store.stop())
    result(store.start())
    assert result(store.counts("Spring")) == {1: 9}
    result(store.stop())
    result(store.stop())


def test_a_database_that_stays_locked_fails_every_change_in_bounded_time(file_url: str, logged: Logged) -> None:
    stepped = Stepped(file_url, statement_timeout_s=0.01)
    other = sqlite3.connect(backend_for(file_url).path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    saves = [stepped.store.save(saving(n, attempt=1)) for n in (1, 2, 3)]
    stepped.write()
    stepped.write()
    for save in saves:
        with pytest.raises(StoreUnavailable, match="locked"):
            result(save)
    assert sum("trying again" in text for text in logged.texts()) == 4     # two more tries for each of two groups
    counts = stepped.store.counts("Spring")
    stepped.read()
    assert result(counts) == {1: 9}                                        # readers do not wait for a writer
    other.execute("ROLLBACK")
    other.close()
    again = stepped.store.save(saving(1, attempt=1))
    stepped.write()
    assert result(again) is None


def test_a_lock_that_goes_away_is_waited_for(file_url: str) -> None:
    backend = backend_for(file_url, statement_timeout_s=0.0)
    database = Database(InlineReactor(), backend, threads=InlineThreads)
    database.startService()
    other = sqlite3.connect(backend.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    real, tries = backend.begin_write, []

    def begin(connection: Any) -> Any:
        tries.append(1)
        if len(tries) == 2:
            other.execute("COMMIT")
        return real(connection)

    backend.begin_write = begin         # type: ignore[method-assign]
    assert result(GroupCommit(database).submit(lambda work: "done")) == "done" and len(tries) == 2
    other.close()
    database.stopService()


def test_a_broken_database_fails_what_needs_it_and_nothing_else(url: str) -> None:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads)
    result(store.start())
    with transaction(backend_for(url)) as work:
        work.cursor.execute("ALTER TABLE gsw_donotcall_list RENAME TO elsewhere")
    with pytest.raises(StoreUnavailable, match="no such table|does not exist"):
        result(store.do_not_call())
    with pytest.raises(StoreUnavailable, match="no such table|does not exist"):
        result(store.save(ChainSave("Spring", do_not_call=(DoNotCallEntry("+12125550100"),))))
    assert result(store.save(saving(1, attempt=1))) is None
    result(store.stop())
    with transaction(backend_for(url)) as work:
        work.cursor.execute("ALTER TABLE elsewhere RENAME TO gsw_donotcall_list")


def test_a_record_in_an_unknown_zone_or_with_unknown_numbers_is_read_as_far_as_it_goes(url: str) -> None:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads)
    result(store.start())
    with transaction(backend_for(url)) as work:
        work.cursor.execute("UPDATE cl_spring SET record_type = 99, call_result = NULL WHERE record_id = 1")
        work.cursor.execute("UPDATE cl_spring SET tz_dbid = 4711 WHERE record_id = 2")
    (one,) = result(store.records("Spring", 1))
    assert (one.record_type, one.call_result) == (0, 28)
    with pytest.raises(StoreUnavailable, match="tz_dbid 4711"):
        result(store.records("Spring", 2))
    result(store.stop())


def test_a_transaction_on_the_command_line_is_undone_by_an_exception(url: str) -> None:
    with pytest.raises(OCSError, match="mine"), transaction(backend_for(url)) as work:
        work.cursor.execute("UPDATE cl_spring SET attempt = 5")
        raise OCSError("mine")
    with pytest.raises(StoreUnavailable, match="read-?only"), transaction(backend_for(url), write=False) as work:
        work.cursor.execute("UPDATE cl_spring SET attempt = 5")
    assert set(attempts_in(url).values()) == {0}
