"""A real PostgreSQL is killed in the middle of the dialing and comes back: with the servers as they run in production, and
the OCS killed too; and the store by itself on real threads."""
from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import read_accounts, read_call_log
from ocs.app.demo.children import Child
from ocs.app.demo.configs import CALLING_LIST, LabTime, Plan, make_plan, ocs_config, tserver_config, write_config
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.reconcile import reconcile
from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import DialingMode, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, ChainSave, Holding, Owner, Record
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.servers.tserver.config import TServerOptions
from ocs.store.change_spool import ChangeSpool, ChangeSpoolOptions
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.spooled import SpooledStore
from ocs.store.sql import SqlStore
from ocs.store.versions import upgrade
from tests.postgres import PostgresServer
from tests.system.test_demo import written

NOON = 1_773_160_200.0          # Tuesday 2026-03-10T16:30Z: all of the US is awake
CLOCK: Any = reactor


def pause(seconds: float) -> Deferred[None]:
    return deferLater(CLOCK, seconds, lambda: None)


async def until(condition: Callable[[], Any], what: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await pause(0.05)


# -- a contact center -------------------------------------------------------------------------------------------------
class Center:
    """The servers under twistd, six agents on sockets, a list of sixty contacts."""

    def __init__(self, folder: Path, database: PostgresServer, speed: float = 60.0) -> None:
        self.folder, self.database = folder, database
        url = database.database()
        options = DemoOptions(contacts=written(folder), dnc=None, agents=6, mode=DialingMode.PROGRESSIVE, speed=speed, now=None,
                              seed=1, directory=folder, database=url)
        self.backend = backend_for(url)
        take_in(self.backend, options, CALLING_LIST, State(), lambda text: None)
        self.plan: Plan = make_plan(options, folder, url, LabTime(speed, NOON, time.time()), shipped("demo.toml"))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver = Child(CLOCK, "tserver", "ocs-tserver", folder / "tserver.toml", folder, self._lock)
        self.ocs = Child(CLOCK, "ocs", "ocs", folder / "ocs.toml", folder, self._lock)
        self._floor: LabFloor | None = None

    async def open(self) -> None:
        write_config(self.folder / "tserver.toml", TServerOptions, tserver_config(self.plan))
        port = int((await self.tserver.start())["tserver"]["port"])
        write_config(self.folder / "ocs.toml", OCSOptions, ocs_config(self.plan, port))
        await self.ocs.start()
        desks = tserver_desks(CLOCK, TCP4ClientEndpoint(CLOCK, "127.0.0.1", port), "lab", self.plan.passwords["lab"])
        self._floor = LabFloor(self.plan.time.clock(CLOCK), self.plan.agents, desks, self.plan.behaviour)
        self._floor.start()

    @property
    def calls(self) -> int:
        """Calls into the network that are over."""
        return sum(call.kind == "outbound" for call in read_call_log(self.folder / "calls.jsonl")[0])

    async def calls_more(self, count: int, what: str) -> None:
        goal = self.calls + count
        await until(lambda: self.calls >= goal, what)

    def log(self) -> str:
        return self.ocs.log_file.read_text()

    async def kill(self) -> None:
        """SIGKILL, as by the machine's death."""
        ended = self.ocs.ended()
        self.ocs._signal(signal.SIGKILL)
        await ended

    async def close(self) -> None:
        await self.ocs.stop(30.0)
        if self._floor is not None:
            await self._floor.stop(30.0)
        await self.tserver.stop(30.0)
        os.close(self._lock)

    def differences(self) -> list[str]:
        """Of both accounts, once everything has stopped."""
        accounts = read_accounts(self.backend, CALLING_LIST, self.folder / "calls.jsonl", 1)
        return reconcile(accounts, edge_s=self.plan.edge_s)


@pytest_twisted.ensureDeferred
async def test_dialing_goes_on_while_postgresql_is_away_and_both_accounts_agree(own_postgres_server: PostgresServer,
                                                                                tmp_path: Path) -> None:
    center = Center(tmp_path, own_postgres_server)
    try:
        await center.open()
        await center.calls_more(8, "calls before the outage")
        await deferToThread(own_postgres_server.kill)
        await center.calls_more(15, "calls from the buffer, while the database is away")
        await deferToThread(own_postgres_server.start)
        await until(lambda: "the database is back after" in center.log(), "the end of the outage")
        await center.calls_more(8, "calls after the outage")
    finally:
        await center.close()
    assert center.differences() == []
    assert center.log().count("attempts and results wait on disk") == 1 and "Traceback" not in center.log()
    assert "set aside" not in center.log() and "left as they are" not in center.log()


@pytest_twisted.ensureDeferred
async def test_the_server_killed_while_postgresql_is_away_loses_nothing_and_dials_nothing_twice(
        own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    center = Center(tmp_path, own_postgres_server)
    try:
        await center.open()
        await center.calls_more(5, "calls before the outage")
        await deferToThread(own_postgres_server.kill)
        await center.calls_more(10, "calls from the buffer, while the database is away")
        await center.kill()
        assert (tmp_path / "ocs-changes.db").exists()
        await deferToThread(own_postgres_server.start)
        await center.ocs.start()
        assert "changes that the last run left on disk are written" in center.log()
        await center.calls_more(8, "calls of the next run")
    finally:
        await center.close()
    assert center.differences() == [] and "Traceback" not in center.log()


@pytest_twisted.ensureDeferred
async def test_the_server_stops_in_order_while_postgresql_is_away(own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    center = Center(tmp_path, own_postgres_server)
    try:
        await center.open()
        await center.calls_more(5, "calls before the outage")
        await deferToThread(own_postgres_server.kill)
        await center.calls_more(3, "calls while the database is away")
        assert await center.ocs.stop(30.0) and "are left for the next run" in center.log()
        await deferToThread(own_postgres_server.start)
        await center.ocs.start()
        await center.calls_more(3, "calls of the next run")
    finally:
        await center.close()
    assert center.differences() == []


# -- the store by itself ----------------------------------------------------------------------------------------------
def filled(server: PostgresServer, records: int = 40) -> str:
    """A list whose records are held by OWNER."""
    url = server.database()
    upgrade(url)
    with transaction(backend_for(url)) as work:
        made = create_list(work, Catalog(), "Spring")
        insert_records(work, made, [record(n) for n in range(1, records + 1)])
        work.cursor.execute("UPDATE cl_spring SET record_status = 2, app_id = 1, campaign_id = 1, group_id = 1")
    return url


OWNER, HELD = Owner(1, 1, 1), frozenset({RecordStatus.RETRIEVED, RecordStatus.UPDATED})


def record(number: int, **changes: Any) -> Record:
    return Record(number, number, 1, "+12125550100", **changes)


def saving(number: int, attempt: int) -> ChainSave:
    return ChainSave("Spring", (record(number, attempt=attempt, record_status=RecordStatus.RETRIEVED),),
                     holding=Holding(OWNER, {number: HELD}))


def dialing(number: int, attempt: int) -> Attempt:
    return Attempt(f"{number}/{attempt}", "Spring", number, number, 1, "+12125550100", attempt, "c", "g", "s", 0.0)


def spooled(url: str, folder: Path, **options: Any) -> SpooledStore:
    store = SqlStore(url, reactor, **options)
    return SpooledStore(store, ChangeSpool(ChangeSpoolOptions(file=folder / "spool.db"), reactor), CLOCK, time.time, 1, 1.0)


@pytest_twisted.ensureDeferred
async def test_no_change_fails_while_a_server_stops_and_comes_back(own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = filled(own_postgres_server)
    store = spooled(url, tmp_path)
    await store.start().addTimeout(10, CLOCK)
    written: dict[int, int] = {}
    slowest = [0.0]

    async def traffic(number: int) -> None:
        attempt = 0
        while going:
            attempt += 1
            begun = time.monotonic()
            opened = dialing(number, attempt)
            await store.open_attempts([opened])
            await store.save(replace(saving(number, attempt), attempts=(replace(opened, state=AttemptState.CLOSED),)))
            written[number] = attempt
            slowest[0] = max(slowest[0], time.monotonic() - begun)

    going = True
    workers = [ensureDeferred(traffic(number)) for number in range(1, 41)]
    for end in (own_postgres_server.stop, own_postgres_server.kill, own_postgres_server.kill):
        await until(lambda: len(written) == 40 and store.outage is None, "traffic")
        await deferToThread(end)
        before = sum(written.values())
        await until(lambda: store.outage is not None and sum(written.values()) > before + 400, "traffic on disk")
        await deferToThread(own_postgres_server.start)
        await until(lambda: store.outage is None, "the database is back")
    going = False
    await gatherResults(workers).addTimeout(20, cast(Any, reactor))
    await store.stop().addTimeout(10, CLOCK)
    assert slowest[0] < 5.0
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT record_id, attempt FROM cl_spring")
        assert dict(work.cursor.fetchall()) == written
        work.cursor.execute("SELECT count(*), count(DISTINCT guid) FROM ocs_attempt WHERE state = 'closed'")
        assert work.cursor.fetchone() == (sum(written.values()),) * 2


@pytest_twisted.ensureDeferred
async def test_a_server_that_does_not_answer_keeps_nobody_waiting(own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = filled(own_postgres_server)
    store = spooled(url, tmp_path, statement_timeout_s=60.0)
    await store.start().addTimeout(10, CLOCK)
    other = backend_for(url).connect()
    other.execute("LOCK TABLE cl_spring, ocs_attempt IN ACCESS EXCLUSIVE MODE")
    begun = time.monotonic()
    await gatherResults([store.save(saving(1, 1)), store.open_attempts([dialing(2, 1)])]).addTimeout(10, CLOCK)
    assert 0.9 < time.monotonic() - begun < 5.0 and store.outage is not None and store.spool.waiting == 2
    await store.save(saving(1, 2)).addTimeout(2, CLOCK)
    other.rollback()
    other.close()
    await until(lambda: store.outage is None, "the database answers")
    await store.stop().addTimeout(10, CLOCK)
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT attempt FROM cl_spring WHERE record_id = 1")
        assert work.cursor.fetchone() == (2,)
        work.cursor.execute("SELECT guid, state FROM ocs_attempt")
        assert work.cursor.fetchall() == [("2/1", "open")]


@pytest_twisted.ensureDeferred
async def test_a_file_that_another_process_holds_keeps_nobody_waiting(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ocs.sqlite'}"
    upgrade(url)
    with transaction(backend_for(url)) as work:
        insert_records(work, create_list(work, Catalog(), "Spring"), [record(1)])
    store = spooled(url, tmp_path, statement_timeout_s=0.2)
    await store.start().addTimeout(10, CLOCK)
    other = backend_for(url).connect()
    other.execute("BEGIN IMMEDIATE")
    await store.save(ChainSave("Spring", (record(1, attempt=1),))).addTimeout(10, CLOCK)
    assert store.outage is not None and "locked" in store.outage.reason
    other.rollback()
    other.close()
    await until(lambda: store.outage is None, "the file is free")
    await store.stop().addTimeout(10, CLOCK)
    with transaction(backend_for(url), write=False) as work:
        assert work.cursor.execute("SELECT attempt FROM cl_spring").fetchall() == [(1,)]


@pytest_twisted.ensureDeferred
async def test_a_value_that_only_the_database_refuses_is_set_aside_and_all_others_are_written(
        own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = filled(own_postgres_server)
    store = spooled(url, tmp_path)
    await store.start().addTimeout(10, CLOCK)
    await deferToThread(own_postgres_server.kill)
    for number in range(1, 41):
        change = saving(number, 1)
        if number == 17:
            change = replace(change, records=(replace(change.records[0], agent_id="a" * 33),))
        await store.save(change)
    await deferToThread(own_postgres_server.start)
    await until(lambda: store.outage is None, "the database is back")
    assert store.spool.refused == 1 and "1 changes that it refused are set aside" in str(store)
    await store.stop().addTimeout(10, CLOCK)
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT record_id FROM cl_spring WHERE attempt = 0")
        assert work.cursor.fetchall() == [(17,)]


@pytest.mark.parametrize("statement", ["ALTER TABLE cl_spring RENAME TO elsewhere", "REVOKE UPDATE ON cl_spring FROM worker"])
@pytest_twisted.ensureDeferred
async def test_trouble_that_an_administrator_can_end_is_waited_out(own_postgres_server: PostgresServer, tmp_path: Path,
                                                                   statement: str) -> None:
    url = filled(own_postgres_server)
    database = url.rpartition("/")[2]
    own_postgres_server.execute("CREATE ROLE worker LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO worker", database)
    store = spooled(url.replace("ocs@", "worker@"), tmp_path)
    await store.start().addTimeout(10, CLOCK)
    await deferToThread(own_postgres_server.stop)
    await store.save(saving(1, 1))
    await deferToThread(own_postgres_server.start)
    own_postgres_server.execute(statement, database)
    await pause(1.5)
    assert store.outage is not None and (store.spool.waiting, store.spool.refused) == (1, 0)
    undone = {"A": "ALTER TABLE elsewhere RENAME TO cl_spring", "R": "GRANT UPDATE ON cl_spring TO worker"}[statement[0]]
    own_postgres_server.execute(undone, database)
    await until(lambda: store.outage is None, "the trouble is over")
    await store.stop().addTimeout(10, CLOCK)
    assert own_postgres_server.execute("SELECT attempt FROM cl_spring WHERE record_id = 1", database) == [(1,)]
