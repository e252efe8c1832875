"""Records that were not dialed are counted by reason, and the counts kept for later."""
from __future__ import annotations

from typing import Any, Sequence

from twisted.internet.defer import Deferred, fail, succeed

from ocs.dialing.checks import Refusal, RefusalCount
from ocs.dialing.validation import Reason
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import StoreUnavailable
from tests.conftest import Logged
from tests.doubles.validation import FakePreDialValidation
from tests.scheduler.bench import Bench, record

LISTED, ATTEMPTS = Refusal.DO_NOT_CALL.value, Refusal.MAXIMUM_ATTEMPTS.value


class Keeper:
    """What was kept, as it stands."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], RefusalCount] = {}
        self.writes, self.away = 0, False

    def __call__(self, counts: Sequence[RefusalCount]) -> Deferred[None]:
        if self.away:
            return fail(StoreUnavailable("the database is away"))
        self.writes += 1
        self.rows.update({(one.calling_list, one.session_guid, one.reason): one for one in counts})
        return succeed(None)

    def counts(self, bench: Bench) -> dict[str, int]:
        return {one.reason: one.records for one in self.rows.values() if one.session_guid == bench.session.guid}


def kept(records: list[Any], **values: Any) -> tuple[Bench, Keeper]:
    bench, keeper = Bench(records, running=False, **values), Keeper()
    bench.context.keep_refusals = keeper
    bench.memory.add_do_not_call([DoNotCallEntry(phone=record(n).contact_info) for n in (1, 2, 9)])
    bench.up()
    bench.begin()
    return bench, keeper


def test_refusals_are_counted_by_reason_and_kept_soon_after() -> None:
    bench, keeper = kept([record(1), record(2), record(3, attempt=3), record(4)])
    bench.ready("7001")
    assert dict(bench.session.tally.total) == {LISTED: 2, ATTEMPTS: 1} and keeper.writes == 0
    bench.pass_(6)
    assert keeper.counts(bench) == {LISTED: 2, ATTEMPTS: 1} and keeper.writes == 1
    (one, _) = keeper.rows.values()
    assert (one.calling_list, one.campaign_group) == ("list", "spring@sales")
    assert one.began_at == bench.clock.wall() - 6


def test_what_another_service_refuses_is_counted_too() -> None:
    bench, keeper = kept([record(4), record(5)], treatments=())
    service = bench.context.validation = FakePreDialValidation()
    bench.ready("7001")
    service.answer(409)
    bench.pass_(0)
    service.answer(200)
    bench.pass_(6)
    assert keeper.counts(bench) == {Reason.REFUSED.value: 1} == dict(bench.session.tally.total)


def test_each_start_of_a_session_has_counts_of_its_own() -> None:
    bench, keeper = kept([record(1), record(5), record(9)])
    bench.ready("7001")
    first = bench.session.guid
    bench.pass_(6)
    bench.session.stop()
    bench.session.start()
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=12)
    bench.pass_(6)
    assert bench.session.guid != first and bench.session.tally.total[LISTED] == 2
    assert {guid: one.records for (_, guid, _), one in keeper.rows.items()} == {first: 1, bench.session.guid: 1}


def test_an_unload_does_not_wait_for_the_next_time() -> None:
    bench, keeper = kept([record(1)])
    bench.ready("7001")
    bench.session.unload()
    bench.pass_(0)
    assert keeper.counts(bench) == {LISTED: 1}
    bench.unloaded()


def test_a_database_that_is_away_gets_the_counts_when_it_is_back(logged: Logged) -> None:
    bench, keeper = kept([record(1), record(5), record(9)])
    keeper.away = True
    bench.ready("7001")
    bench.pass_(20)
    assert [text for text in logged.texts() if "counts of refusals" in text] == [
        "counts of refusals are not written, they wait: the database is away"]
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=12)
    bench.pass_(20)
    keeper.away = False
    bench.pass_(6)
    assert keeper.counts(bench) == {LISTED: 2}
