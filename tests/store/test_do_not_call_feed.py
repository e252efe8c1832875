"""A running server's do-not-call list: it follows what others do, within a second, and loses nothing while a list is read."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ocs.database.backend import backend_for, transaction
from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.values import ChainSave, CustomField, DoNotCallEntry
from ocs.errors import StoreUnavailable
from ocs.store import do_not_call_changes, do_not_call_feed
from ocs.store.do_not_call import Act, add_do_not_call, audit, remove_entries
from ocs.store.do_not_call_feed import DoNotCallFeed
from ocs.store.do_not_call_import import DoNotCallOptions, Who, add_one, import_do_not_call, remove_one
from ocs.store.registry import Catalog, create_list
from ocs.store.sql import SqlStore
from tests.conftest import Logged
from tests.contracts.stores import result, sql_store

PHONES = [f"+1212555010{number}" for number in range(10)]


class Server:
    """A store, a list and its feed, as one server has them; loads run at once, or when `step` is called."""

    def __init__(self, url: str, clock: Clock, snapshot: Path | None = None, stepped: bool = False) -> None:
        self.url, self.clock, self.store = url, clock, sql_store(url)
        self.listed, self.waiting, self.stepped = DoNotCallList(), [], stepped      # type: ignore[var-annotated]
        self.fails: Exception | None = None
        self.feed = DoNotCallFeed(self.listed, backend_for(url), self.read, self.in_thread, clock, snapshot=snapshot)

    def read(self, interaction: Callable[[Any], Any]) -> Deferred[Any]:
        return maybeDeferred(self._fail) if self.fails is not None else self.store.read(interaction)

    def _fail(self) -> None:
        assert self.fails is not None
        raise self.fails

    def in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        if not self.stepped:
            return maybeDeferred(work)
        fired: Deferred[Any] = Deferred()
        self.waiting.append((work, fired))
        return fired

    def step(self, when: Callable[[], None] = lambda: None) -> None:
        """Do what waits for a thread; `when` is called between the work and its result."""
        work, fired = self.waiting.pop(0)
        try:
            outcome = work()
        except Exception:
            outcome = Failure()
        when()
        fired.callback(outcome)

    def start(self) -> None:
        result(Deferred.fromCoroutine(self.feed.start()))

    def request(self, phone: str) -> DoNotCallEntry:
        """As a desktop asks: blocked at once; to be saved by `save`."""
        entry = DoNotCallEntry(phone, internal=True, requested_by="agent 7", origin="desktop")
        self.listed.add(entry)
        return entry

    def save(self, entry: DoNotCallEntry) -> None:
        result(self.store.save(ChainSave("Any", do_not_call=(entry,))))

    def blocked(self, campaign: str = "Spring") -> set[str]:
        return {phone for phone in PHONES if self.listed.blocks(campaign, phone)}


@pytest.fixture
def clock() -> Clock:
    return Clock()


Servers = Callable[..., Server]


@pytest.fixture
def servers(database: str, clock: Clock) -> Iterator[Servers]:
    """Makes servers on one database."""
    with transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Any", (CustomField("account"),))
        audit(work, "begin", Act(0.0, why="a test"))
    made: list[Server] = []

    def server(**options: Any) -> Server:
        made.append(Server(database, clock, **options))
        return made[-1]

    yield server
    for one in made:
        one.fails = None
        stopping = Deferred.fromCoroutine(one.feed.stop())
        while one.waiting:
            one.step()
        result(stopping)
        result(one.store.stop())
    assert clock.getDelayedCalls() == []


def numbers(folder: Path, phones: list[str]) -> Path:
    path = folder / "numbers"
    path.write_text("\n".join(phones) + "\n")
    return path


def test_two_servers_on_one_database_see_each_others_requests_and_removals_within_a_second(servers: Servers,
                                                                                           clock: Clock) -> None:
    ours, theirs = servers(), servers()
    ours.start()
    theirs.start()
    ours.save(ours.request(PHONES[0]))
    theirs.save(theirs.request(PHONES[1]))
    clock.pump([0.125] * 4)
    assert ours.blocked() == theirs.blocked() == {PHONES[0], PHONES[1]}
    assert remove_one(ours.url, Who(PHONES[1])) == 1
    clock.pump([0.125] * 4)
    assert ours.blocked() == theirs.blocked() == {PHONES[0]}


def test_the_command_line_is_seen_too_an_import_as_well(servers: Servers, clock: Clock, tmp_path: Path) -> None:
    server = servers()
    server.start()
    add_one(server.url, Who(PHONES[0]), DoNotCallOptions(campaign="Spring"))
    import_do_not_call(server.url, numbers(tmp_path, PHONES[3:6]))
    clock.pump([0.125] * 4)
    assert server.blocked() == {PHONES[0], *PHONES[3:6]} and server.feed.told == 4
    assert server.blocked("Autumn") == set(PHONES[3:6])


def test_somebody_who_knows_of_a_change_can_say_so(servers: Servers, clock: Clock) -> None:
    server = servers()
    server.start()
    add_one(server.url, Who(PHONES[0]))
    server.feed.wake()
    clock.advance(0)
    assert server.blocked() == {PHONES[0]}


def test_requests_and_changes_during_a_load_are_not_lost(servers: Servers, clock: Clock) -> None:
    server = servers(stepped=True)
    add_one(server.url, Who(PHONES[0]))
    add_one(server.url, Who(PHONES[1]))
    started = Deferred.fromCoroutine(server.feed.start())
    early = server.request(PHONES[2])                           # before the table is read
    server.save(early)
    late = server.request(PHONES[3])

    def meanwhile() -> None:                                    # the table has been read, its list is not here yet
        server.save(late)
        server.request(PHONES[4])                               # and this one is not even saved
        add_one(server.url, Who(PHONES[5]))
        remove_one(server.url, Who(PHONES[0]))
        clock.pump([0.25] * 2)
        assert server.blocked() == set(PHONES[2:6])

    server.step(meanwhile)
    assert server.blocked() == set(PHONES[1:6])
    server.step()                                               # the old list is freed
    result(started)
    clock.pump([0.25] * 2)
    assert server.blocked() == set(PHONES[1:6])


def test_a_big_import_is_loaded_in_the_background_and_changes_after_it_are_seen_before(
        servers: Servers, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(do_not_call_changes.changes_since, "__defaults__", (0, 3))      # an import of more than 3 is big
    server = servers(snapshot=tmp_path / "dnc")
    server.start()
    server.stepped = True
    import_do_not_call(server.url, numbers(tmp_path, PHONES[3:8]))
    add_one(server.url, Who(PHONES[0]))
    clock.pump([0.25, 0.0, 0.0])
    assert server.blocked() == {PHONES[0]} and len(server.waiting) == 1
    import_do_not_call(server.url, numbers(tmp_path, PHONES[2:9]))                      # another one, while the first is read
    server.step(lambda: clock.pump([0.25, 0.0]))
    server.step()
    assert server.blocked() == {PHONES[0], *PHONES[2:9]}        # it came with the first already, but who knows
    while server.waiting:
        server.step()
    clock.pump([0.25] * 2)
    assert server.blocked() == {PHONES[0], *PHONES[2:9]} and server.waiting == []


def test_after_a_start_with_the_snapshot_the_table_is_read_too(servers: Servers, clock: Clock, tmp_path: Path) -> None:
    first = servers(snapshot=tmp_path / "dnc")
    add_one(first.url, Who(PHONES[0]))
    first.start()
    assert first.feed.loads == 1
    with transaction(backend_for(first.url)) as work:           # by hand, so that the number of rows is the same
        work.cursor.execute(f"UPDATE gsw_donotcall_list SET phone = '{PHONES[9]}'")
    second = servers(snapshot=tmp_path / "dnc", stepped=True)
    started = Deferred.fromCoroutine(second.feed.start())
    second.step()
    second.step()
    result(started)
    assert second.blocked() == {PHONES[0]} and len(second.waiting) == 1
    second.step()
    assert second.blocked() == {PHONES[9]} and second.feed.loads == 2


def test_a_reread_takes_what_was_edited_by_hand(servers: Servers, clock: Clock) -> None:
    server = servers()
    server.start()
    with transaction(backend_for(server.url)) as work:
        work.cursor.execute(f"INSERT INTO gsw_donotcall_list (phone) VALUES ('{PHONES[9]}')")
    clock.pump([0.25] * 2)
    assert server.blocked() == set()
    server.feed.reread()
    assert server.blocked() == {PHONES[9]}


def test_many_changes_are_done_in_slices(servers: Servers, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(do_not_call_feed, "_SLICE", 4)
    server = servers()
    server.start()
    for phone in PHONES:
        add_one(server.url, Who(phone))
    turns: list[set[str]] = []
    call_later = clock.callLater

    def turn(wait_s: float, *work: Any) -> Any:
        turns.append(server.blocked())
        return call_later(wait_s, *work)

    monkeypatch.setattr(clock, "callLater", turn)
    clock.pump([0.25, 0.0, 0.0])
    assert turns[:2] == [set(PHONES[:4]), set(PHONES[:8])] and server.blocked() == set(PHONES)


def test_a_long_trail_is_read_page_by_page_without_waiting(servers: Servers, clock: Clock) -> None:
    server = servers()
    server.start()
    with transaction(backend_for(server.url)) as work:
        add_do_not_call(work, [DoNotCallEntry(f"+1415{number:07d}") for number in range(2_100)], {}, 1)
        remove_entries(work, Act(0.0), 1, phone="+14150000000")
    clock.pump([0.25] + [0.0] * 12)
    assert len(server.listed) == 2_099


def test_a_database_that_is_away_is_told_of_once_and_followed_again(servers: Servers, clock: Clock, logged: Logged) -> None:
    server = servers()
    server.start()
    server.fails = StoreUnavailable("away")
    clock.pump([0.25] * 8)
    assert sum("not seen: away" in text for text in logged.texts()) == 1
    add_one(server.url, Who(PHONES[0]))
    server.fails = None
    clock.pump([0.25] * 2)
    assert server.blocked() == {PHONES[0]} and any("seen again" in text for text in logged.texts())


def test_a_start_without_the_database_fails_and_leaves_nothing_behind(servers: Servers, clock: Clock) -> None:
    server = servers()
    server.fails = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable, match="away"):
        server.start()
    assert clock.getDelayedCalls() == []


def test_a_stop_gives_up_the_list_that_is_being_read(servers: Servers, clock: Clock) -> None:
    server = servers(stepped=True)
    add_one(server.url, Who(PHONES[0]))
    started = Deferred.fromCoroutine(server.feed.start())
    stopped = Deferred.fromCoroutine(server.feed.stop())
    assert not stopped.called
    server.step()
    result(stopped)
    with pytest.raises(StoreUnavailable, match="no longer wanted"):
        result(started)
    assert server.blocked() == set() and server.waiting == []


def test_a_load_that_fails_is_tried_again_and_the_list_stays(servers: Servers, clock: Clock, logged: Logged,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    server = servers()
    server.start()
    server.save(server.request(PHONES[0]))

    def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(do_not_call_feed, "load_list", away)
        server.feed.reread()
        assert server.blocked() == {PHONES[0]} and server.feed.loads == 1
    clock.pump([0.25] * 20)
    assert server.blocked() == {PHONES[0]} and server.feed.loads == 2
    assert any("tried again" in text for text in logged.texts())


def test_a_database_that_was_restored_from_a_backup_is_read_anew(servers: Servers, clock: Clock, logged: Logged) -> None:
    server = servers()
    add_one(server.url, Who(PHONES[0]))
    server.start()
    add_one(server.url, Who(PHONES[1]))
    clock.pump([0.25] * 2)
    with transaction(backend_for(server.url)) as work:
        work.cursor.execute(f"DELETE FROM gsw_donotcall_list WHERE phone = '{PHONES[1]}'")
        work.cursor.execute("DELETE FROM dnc_audit WHERE sequence = (SELECT max(sequence) FROM dnc_audit)")
    clock.pump([0.25] * 2)
    assert server.blocked() == {PHONES[0]} and any("read anew" in text for text in logged.texts())


def test_a_store_tells_who_asked(servers: Servers, clock: Clock) -> None:
    server = servers()
    server.start()
    server.save(server.request(PHONES[0]))

    def who(work: Any) -> Any:
        work.cursor.execute("SELECT who, origin FROM dnc_audit WHERE action = 'add'")
        return work.cursor.fetchall()

    assert [tuple(row) for row in result(server.store.read(who))] == [("agent 7", "desktop")]
    assert isinstance(server.store, SqlStore)
