"""PostgreSQL as the store's database: what goes wrong with a server, and that it passes."""
from __future__ import annotations

import socket
import sys
from typing import Any, Callable

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.database.pool import BackOff, Database, GroupCommit
from ocs.database.statements import Sql, Transaction
from ocs.dialing.values import ChainSave, ClaimRequest, CustomField, Owner, Record
from ocs.errors import ConfigurationError, DatabaseAway, StoreUnavailable
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.sql import SqlStore
from ocs.store.versions import current_version
from tests.conftest import Logged
from tests.contracts.stores import result
from tests.postgres import PostgresServer
from tests.store.threads import InlineReactor, InlineThreads

NOW, OWNER = 1_767_600_000, Owner(1, 1, 1)


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    url = postgres_server.cleared_database()
    with transaction(backend_for(url)) as work:
        made = create_list(work, Catalog(), "Spring", [CustomField("code", "char", 8), CustomField("born", "datetime")])
        insert_records(work, made, [Record(n, n, 1, f"+1212555{n:04d}") for n in range(1, 10)])
    return url


def opened(url: str, **options: Any) -> SqlStore:
    store = SqlStore(url, InlineReactor(), threads=InlineThreads, **options)
    result(store.start())
    return store


def saving(record_id: int, **changes: Any) -> ChainSave:
    return ChainSave("Spring", (Record(record_id, record_id, 1, f"+1212555{record_id:04d}", **changes),))


def end_sessions(server: PostgresServer) -> None:
    """What an administrator does, or a server that stops: every connection to the tests' database is ended."""
    server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'shared'")


def test_without_the_driver_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"database\.url: .*pip install 'outbound-contact-server\[postgresql\]'"):
        backend_for("postgresql://ocs@db/ocs")


def test_a_password_is_in_no_text_for_people() -> None:
    backend = backend_for("postgresql://ocs:s3cret@db.example:5433/ocs?sslmode=require")
    assert "s3cret" not in str(backend) + backend.shown_url and backend.url.password == "s3cret"
    assert str(backend) == "PostgreSQL database ocs on db.example"


def test_a_server_that_is_not_there_is_told_at_once_and_tried_again_later() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    backend = backend_for(f"postgresql://ocs:s3cret@127.0.0.1:{port}/ocs")
    now = [100.0]
    back_off, waits = BackOff(backend, lambda: now[0]), []
    for _ in range(8):
        with pytest.raises(StoreUnavailable, match="refused") as refusal:
            back_off.connect(write=True)
        assert "s3cret" not in str(refusal.value)
        with pytest.raises(StoreUnavailable, match=r"tried again in \d"):       # nobody waits for another refusal
            back_off.connect(write=False)
        begun = now[0]
        while now[0] - begun < 10:
            now[0] += 0.05
            try:
                back_off.connect(write=True)
            except StoreUnavailable as error:
                if "tried again" not in str(error):
                    waits.append(round(now[0] - begun, 2))
                    break
    assert waits[0] >= 0.1 and max(waits) <= 3.1 and waits == sorted(waits)


def test_a_database_that_is_not_there_is_named(postgres_server: PostgresServer) -> None:
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist .*createdb'):
        current_version(postgres_server.url("nowhere"))


def test_sessions_that_were_ended_are_made_anew_without_noise(url: str, postgres_server: PostgresServer, logged: Logged) -> None:
    store = opened(url)
    for _ in range(3):
        result(store.save(saving(1, attempt=1)))
        assert result(store.counts("Spring")) == {1: 9}
        end_sessions(postgres_server)
        with pytest.raises(StoreUnavailable):
            result(store.save(saving(2, attempt=1)))
        with pytest.raises(StoreUnavailable):
            result(store.counts("Spring"))
        assert result(store.save(saving(2, attempt=1))) is None
        assert result(store.counts("Spring")) == {1: 9}
    result(store.stop())
    assert logged.failures() == []


def test_a_claim_whose_commit_was_not_acknowledged_is_not_lost(url: str, postgres_server: PostgresServer) -> None:
    store = opened(url)
    request = ClaimRequest("Spring", OWNER, 4, NOW, {122: 43_200})
    real = store.backend.connect

    def connect(**how: Any) -> Any:
        return LosesAnswer(real(**how), lambda: end_sessions(postgres_server))

    store.backend.connect = connect         # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        result(store.claim_chains(request))
    store.backend.connect = real            # type: ignore[method-assign]
    claimed = [[chain.chain_id for chain in result(store.claim_chains(request))] for _ in range(4)]
    assert claimed == [[1, 2, 3, 4], [5, 6, 7, 8], [9], []]
    result(store.stop())


class LosesAnswer:
    """A connection that commits, and is lost before it can say so."""

    def __init__(self, connection: Any, lose: Callable[[], None]) -> None:
        self._connection, self._lose = connection, lose

    def commit(self) -> None:
        self._connection.commit()
        self._lose()
        self._connection.execute("SELECT 1")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_statement_that_takes_too_long_fails_alone(url: str) -> None:
    backend = backend_for(url, statement_timeout_s=0.2)
    database = Database(InlineReactor(), backend, threads=InlineThreads)
    database.startService()

    def sleep(work: Transaction) -> None:
        work.cursor.execute("SELECT pg_sleep(5)")

    outcomes = result(database.write_all([lambda work: "before", sleep, lambda work: "after"]))
    assert (outcomes[0], outcomes[2]) == ("before", "after")
    assert isinstance(outcomes[1], StoreUnavailable) and "timeout" in str(outcomes[1])
    outcomes = result(database.write_all([sleep, sleep, lambda work: "after", sleep]))
    assert [type(outcome) for outcome in outcomes] == [DatabaseAway] * 4          # a server that slow is not asked on
    database.stopService()


def test_a_deadlock_is_tried_again(url: str, logged: Logged) -> None:
    import psycopg
    backend, tries = backend_for(url), []

    def change(work: Transaction) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        return "done"

    database = Database(InlineReactor(), backend, threads=InlineThreads)
    database.startService()
    assert result(GroupCommit(database).submit(change)) == "done" and len(tries) == 2
    assert any("trying again" in text for text in logged.texts())
    database.stopService()


def test_an_error_tells_no_data_of_the_row(url: str) -> None:
    with pytest.raises(StoreUnavailable) as refusal, transaction(backend_for(url)) as work:
        work.cursor.execute("INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (1, '+12125559999', 1, 1)")
    assert "unique" in str(refusal.value) and "2125559999" not in str(refusal.value) and "(1" not in str(refusal.value)


@pytest.mark.parametrize("changes", [{"fields": {"code": "a\0b"}}, {"agent_id": "a" * 33}, {"attempt": 2**40},
                                     {"fields": {"born": "soon"}}, {"fields": {"code": "\ud800"}}])
def test_a_value_that_the_database_cannot_take_fails_its_own_save_only(url: str, changes: dict[str, Any]) -> None:
    store = opened(url)
    with pytest.raises(StoreUnavailable):
        result(store.save(saving(1, **changes)))
    assert result(store.save(saving(1, fields={"code": "abc", "born": "2001-02-03 04:05:06"}))) is None
    (one,) = result(store.records("Spring", 1))
    assert one.fields == {"code": "abc", "born": "2001-02-03 04:05:06"}
    result(store.stop())


def test_a_reader_sees_one_state_and_changes_nothing(url: str) -> None:
    with transaction(backend_for(url), write=False) as work:
        before = work.cursor.execute("SELECT count(*) FROM cl_spring").fetchone()
        with transaction(backend_for(url)) as other:
            other.cursor.execute("DELETE FROM cl_spring WHERE record_id = 1")
        assert work.cursor.execute("SELECT count(*) FROM cl_spring").fetchone() == before
    with pytest.raises(StoreUnavailable, match="read-only"), transaction(backend_for(url), write=False) as work:
        work.cursor.execute("DELETE FROM cl_spring")


def test_a_chain_that_another_transaction_works_on_is_passed_over_whole(url: str) -> None:
    with transaction(backend_for(url)) as work:
        made = Catalog().calling_list(work, "Spring")
        insert_records(work, made, [Record(100 + n, 1, 1 + n, "+12125550000") for n in (1, 2)])
    store = opened(url)
    with transaction(backend_for(url)) as work:
        assert [chain_id for chain_id, in work.rows(made.lock_heads, ids=[3, 1, 2], count=2)] == [3, 1]
        claimed = result(store.claim_chains(ClaimRequest("Spring", OWNER, 3, NOW, {122: 43_200})))
        assert [chain.chain_id for chain in claimed] == [2, 4, 5]
    claimed = result(store.claim_chains(ClaimRequest("Spring", OWNER, 1, NOW, {122: 43_200})))
    assert [(chain.chain_id, len(chain.records)) for chain in claimed] == [(1, 3)]
    result(store.stop())


def test_what_others_take_at_the_moment_is_passed_over_in_few_steps(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    statements, rows = [], Transaction.rows

    def counted(work: Transaction, sql: Sql, **parameters: Any) -> list[tuple[Any, ...]]:
        statements.append(sql.bound(work.dialect, parameters)[0])
        return rows(work, sql, **parameters)

    with transaction(backend_for(url)) as work:
        made = Catalog().calling_list(work, "Spring")
        insert_records(work, made, [Record(n, n, 1, "+12125550000") for n in range(10, 400)])
    with transaction(backend_for(url)) as work:
        assert len(work.rows(made.lock_heads, ids=list(range(1, 301)), count=300)) == 300
        store = opened(url)
        monkeypatch.setattr(Transaction, "rows", counted)
        claimed = result(store.claim_chains(ClaimRequest("Spring", OWNER, 3, NOW, {122: 43_200})))
        assert [chain.chain_id for chain in claimed] == [301, 302, 303]
    assert 1 < sum("SKIP LOCKED" in one for one in statements) < 10 and 1 < sum("ready" in one for one in statements) < 10
    result(store.stop())
