from __future__ import annotations

import random
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface.verify import verifyObject

from ocs.dialing.contact import Notice
from ocs.errors import StoreUnavailable
from ocs.interfaces import IContactNotifier, INotificationSpool
from ocs.links.delivery import Outcome
from ocs.links.http import HttpClient
from ocs.links.http_options import ContactProcessedOptions, HttpOptions, NotificationSpoolOptions
from ocs.links.notifications import ContactNotifier, Lost
from ocs.store.notification_spool import NotificationSpool
from tests.doubles.clock import clock_at
from tests.doubles.contacts import GROUP, contact
from tests.doubles.http import FakeAgent, refused

RULE = ContactProcessedOptions(uri="http://crm.example/p?k=s3cret", campaign_groups=("Spring@Sales",))
OTHER = replace(GROUP, campaign="Autumn")


class Run:
    """A notifier from start to stop (or to a crash) on the spool at `path`."""

    def __init__(self, path: Path, *rules: ContactProcessedOptions, in_thread: Any = maybeDeferred, **options: Any) -> None:
        self.clock, self.agent = clock_at("2026-07-01T12:00Z"), FakeAgent()
        self.spool = NotificationSpool(path, in_thread)
        self.client = HttpClient(self.agent, self.clock, HttpOptions())
        self.notifier = ContactNotifier(
            self.client, rules or (RULE,),
            NotificationSpoolOptions(**options), self.spool, 4, self.clock, random.Random(3))
        now(Deferred.fromCoroutine(self.notifier.start()))

    def told(self, **changes: Any) -> int:
        """Note and release a chain."""
        ticket = now(self.notifier.note(contact(**changes)))
        self.notifier.release(ticket)
        return int(ticket)

    def stop(self) -> None:
        now(Deferred.fromCoroutine(self.notifier.stop()))

    def crash(self) -> None:
        """What a killed process leaves: no more than the file."""
        self.spool._connection.close()      # type: ignore[union-attr]


def now(deferred: Deferred[Any]) -> Any:
    results: list[Any] = []
    deferred.addCallback(results.append)
    assert results, "has not fired"
    return results[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def runs(path: Path) -> Iterator[list[Run]]:
    made: list[Run] = []
    yield made
    for run in made:
        run.crash()


def test_it_provides_its_interfaces(path: Path) -> None:
    run = Run(path)
    assert verifyObject(IContactNotifier, run.notifier) and verifyObject(INotificationSpool, run.spool)
    run.stop()


def test_a_processed_chain_is_posted_with_the_data_of_its_primary_record(path: Path) -> None:
    run = Run(path)
    assert run.told(call_time=1_782_900_000, customer_id="C-9") == 1
    one, = run.agent.asked
    assert (one.method, one.uri) == ("POST", "http://crm.example/p?k=s3cret") and len(one.header("Idempotency-Key") or "") >= 32
    body = one.json
    assert (body["GSW_CHAIN_ID"], body["GSW_PHONE"], body["GSW_CALL_RESULT"], body["GSW_CALL_TIME"]) == (
        9, "+12125550117", 28, 1_782_900_000)
    assert (body["GSW_CAMPAIGN_DBID"], body["GSW_GROUP_NAME"], body["GSW_DIAL_MODE"], body["GSW_CUSTOMER_ID"]) == (
        10, "Sales", "Progressive", "C-9")
    assert (body["Account"], body["balance"], body["visits"]) == ("A-1", "1.5", 3)
    assert "4711" not in one.body.decode() and "inner" not in body and "GSW_RECORD_HANDLE" not in body
    one.answer(200)
    assert run.notifier.waiting == 0 and run.notifier.counts == {Outcome.TOLD: 1}
    run.stop()


def test_nothing_is_posted_before_the_chain_is_committed_nor_when_it_was_withdrawn(path: Path) -> None:
    run = Run(path)
    first, second = now(run.notifier.note(contact())), now(run.notifier.note(contact()))
    assert (first, second) == (1, 2) and run.agent.asked == []
    run.notifier.withdraw(first)
    run.notifier.release(first)
    run.notifier.release(second)
    run.notifier.release(second)
    for unknown in (0, 77):
        run.notifier.release(unknown)
        run.notifier.withdraw(unknown)
    assert len(run.agent.asked) == 1 and run.notifier.waiting == 1
    run.stop()
    assert len(Run(path).agent.asked) == 1


def test_a_group_that_nobody_wants_to_hear_of_costs_nothing(path: Path) -> None:
    run = Run(path)
    assert run.notifier.wants("Spring@Sales") and not run.notifier.wants("Autumn@Sales")
    assert run.told(group=OTHER) == 0 and run.agent.asked == [] and run.notifier.waiting == 0
    run.stop()


def test_what_is_not_told_at_a_stop_is_told_after_the_next_start_under_the_same_key(path: Path, runs: list[Run]) -> None:
    run = Run(path)
    for chain_id in (1, 2, 2, 3):
        run.told(chain_id=chain_id)
    run.agent.asked[0].answer(200)
    keys = {(one.json["GSW_CHAIN_ID"], one.header("Idempotency-Key")) for one in run.agent.asked[1:]}
    run.stop()
    assert all(one.cancelled for one in run.agent.open)
    runs.append(again := Run(path))
    assert again.notifier.waiting == 3 and {one.json["GSW_CHAIN_ID"] for one in again.agent.open} == {2, 3}
    assert {(one.json["GSW_CHAIN_ID"], one.header("Idempotency-Key")) for one in again.agent.open} == keys
    assert again.told(chain_id=4) == 5
    while again.agent.open:
        again.agent.open[0].answer(200)
    assert again.notifier.waiting == 0


def test_the_key_of_a_notice_is_its_own_even_where_chance_repeats_itself(path: Path, runs: list[Run]) -> None:
    keys = set()
    for second in range(2):
        run = Run(path)
        run.clock.advance(1.0 + second)
        run.told()
        keys.add(run.agent.asked[0].header("Idempotency-Key"))
        run.agent.asked[0].answer(200)
        run.stop()
    assert len(keys) == 2


@pytest.mark.parametrize("released", [True, False])
def test_a_crash_after_the_note_loses_nothing(path: Path, runs: list[Run], released: bool) -> None:
    run = Run(path)
    ticket = now(run.notifier.note(contact(chain_id=5)))
    if released:
        run.notifier.release(ticket)
    run.crash()
    runs.append(again := Run(path))
    assert [one.json["GSW_CHAIN_ID"] for one in again.agent.asked] == [5]


def test_a_service_that_is_away_holds_nobody_up_and_gets_everything_later_in_order(path: Path, runs: list[Run]) -> None:
    run = Run(path)
    runs.append(run)
    run.told(chain_id=1)
    run.agent.asked[0].fail(refused())
    for call_result in (6, 7, 33):
        assert run.told(chain_id=1, call_time=call_result) > 0
    assert len(run.agent.asked) == 1 and run.notifier.waiting == 4
    run.clock.advance(2.0)
    while run.agent.open:
        run.agent.open[0].answer(200)
    assert [one.json.get("GSW_CALL_TIME") for one in run.agent.asked[1:]] == [None, 6, 7, 33]


def test_a_full_spool_loses_what_comes_on_top_and_says_so(path: Path, runs: list[Run], logged: Any) -> None:
    run = Run(path, limit=2)
    runs.append(run)
    assert [run.told(chain_id=n) for n in range(1, 5)] == [1, 2, 0, 0]
    assert run.notifier.lost == {Lost.NO_ROOM: 2} and sum("are lost" in text for text in logged.texts()) == 1
    run.agent.open[0].answer(200)
    assert run.told(chain_id=5) == 3


def test_a_notification_that_is_refused_for_good_leaves_the_spool_and_is_counted(path: Path, logged: Any) -> None:
    run = Run(path, retry_max_attempts=2)
    run.told()
    run.agent.open[0].answer(400)
    run.clock.advance(2.0)
    run.agent.open[0].answer(400)
    assert run.notifier.lost == {Lost.REFUSED: 1} and run.notifier.waiting == 0
    assert not any("s3cret" in text or "5550117" in text for text in logged.texts())
    run.stop()
    assert Run(path).agent.asked == []


def test_what_nobody_wants_any_more_is_dropped_at_the_start(path: Path, runs: list[Run]) -> None:
    run = Run(path)
    run.told()
    run.stop()
    runs.append(again := Run(path, ContactProcessedOptions(uri="http://x.example/", campaign_groups=("Autumn@Sales",))))
    assert again.notifier.lost == {Lost.NO_RULE: 1} and again.notifier.waiting == 0 and again.agent.asked == []


def test_services_do_not_hold_up_each_other(path: Path, runs: list[Run]) -> None:
    run = Run(path, ContactProcessedOptions(uri="http://a.example/", campaign_groups=("Spring@Sales",)),
              ContactProcessedOptions(uri="http://b.example/"))
    runs.append(run)
    run.told()
    run.agent.asked[0].fail(refused())
    run.told(group=OTHER)
    assert [one.uri for one in run.agent.asked] == ["http://a.example/", "http://b.example/"]


def test_a_disk_that_fails_is_logged_and_the_chain_is_told_all_the_same(path: Path, logged: Any) -> None:
    run = Run(path)
    run.spool._connection.execute("DROP TABLE notice")      # type: ignore[union-attr]
    assert run.told() == 1
    assert len(run.agent.asked) == 1 and any("cannot be kept on disk" in text for text in logged.texts())
    run.stop()


def test_the_spool_file_is_for_its_owner_only(path: Path) -> None:
    run = Run(path)
    run.told()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(stat.S_IMODE(beside.stat().st_mode) == 0o600 for beside in path.parent.iterdir())
    run.stop()


def test_what_is_asked_for_while_the_disk_writes_goes_into_the_next_transaction_together(path: Path) -> None:
    work: list[tuple[Any, Deferred[Any]]] = []

    def in_thread(function: Any) -> Deferred[Any]:
        work.append((function, Deferred()))
        return work[-1][1]

    def step() -> None:
        function, done = work.pop(0)
        maybeDeferred(function).chainDeferred(done)

    spool = NotificationSpool(path, in_thread)
    opened = spool.start()
    step()
    assert now(opened) == []
    notices = [Notice(n, "k", "g", "l", 1, 0.5, b"{}") for n in range(1, 6)]
    kept = [spool.add(notice) for notice in notices]
    kept.append(spool.remove(2))
    stopped = spool.stop()
    assert len(work) == 1
    step()
    assert kept[0].called and not kept[1].called and len(work) == 1
    step()
    assert all(one.called for one in kept)
    step()
    assert stopped.called and work == []
    again = NotificationSpool(path, maybeDeferred)
    assert now(again.start()) == [notice for notice in notices if notice.ticket != 2]
    now(again.stop())


def test_a_spool_that_cannot_be_opened_or_is_closed_says_so(tmp_path: Path) -> None:
    errors: list[Any] = []
    spool = NotificationSpool(tmp_path / "no" / "spool.db", maybeDeferred)
    spool.start().addErrback(errors.append)
    spool.remove(1).addErrback(errors.append)
    (tmp_path / "junk").write_bytes(b"no database" * 100)
    NotificationSpool(tmp_path / "junk", maybeDeferred).start().addErrback(errors.append)
    assert [error.type for error in errors] == [StoreUnavailable] * 3
    assert "No such file" in str(errors[0].value) and "not open" in str(errors[1].value) and "junk" in str(errors[2].value)
