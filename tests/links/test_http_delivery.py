from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ocs.dialing.contact import Notice
from ocs.links.back_off import BackOff
from ocs.links.delivery import AWAY_STATUSES, Outcome, Outlet
from ocs.links.http import Answer
from protocols.errors import LinkLost, RequestTimedOut, TooManyRequests

ENDLESS = 10_000


class Bench:
    """An outlet whose sendings the test answers; `sent` and `settled` have (chain, ticket)."""

    def __init__(self, parallel: int = 3, attempts: int = 3) -> None:
        self.clock, rng = Clock(), random.Random(1)
        self.sent: list[tuple[int, int]] = []
        self.settled: list[tuple[int, int, Outcome]] = []
        self.open: list[tuple[Notice, Deferred[Answer]]] = []
        self.outlet = Outlet("crm", self._send, self._settled, self.clock,       # type: ignore[arg-type]
                             lambda: BackOff(rng, 1.0, 60.0), parallel, attempts)

    def _send(self, notice: Notice) -> Deferred[Answer]:
        self.sent.append((notice.chain_id, notice.ticket))
        asked: Deferred[Answer] = Deferred(lambda _: self.open.remove((notice, asked)))
        self.open.append((notice, asked))
        return asked

    def _settled(self, notice: Notice, outcome: Outcome) -> None:
        self.settled.append((notice.chain_id, notice.ticket, outcome))

    def put(self, *chains: int) -> None:
        for chain_id in chains:
            self.tickets = getattr(self, "tickets", 0) + 1
            self.outlet.put(Notice(self.tickets, f"k{self.tickets}", "Spring@Sales", "Offer", chain_id, 0.0, b"{}"))

    def answer(self, status: int = 200, wait_s: float | None = None) -> None:
        _, asked = self.open.pop(0)
        asked.callback(Answer(status, b"", wait_s))

    def fail(self, error: Exception) -> None:
        _, asked = self.open.pop(0)
        asked.errback(error)

    def wait(self) -> float:
        """Seconds until the next timer; runs it."""
        wait_s = min(call.getTime() for call in self.clock.getDelayedCalls()) - self.clock.seconds()
        self.clock.advance(wait_s)
        return wait_s


def test_notices_of_one_chain_go_one_after_the_other_those_of_others_beside_them() -> None:
    bench = Bench(parallel=2)
    bench.put(1, 1, 2, 3)
    assert bench.sent == [(1, 1), (2, 3)]
    bench.answer()
    assert bench.sent[2:] == [(3, 4)]
    bench.answer()
    bench.answer()
    assert bench.sent[3:] == [(1, 2)]
    bench.answer(204)
    assert [outcome for _, _, outcome in bench.settled] == [Outcome.TOLD] * 4
    assert bench.outlet.waiting == 0 and bench.clock.getDelayedCalls() == []


def test_while_the_service_is_away_one_notice_tries_alone_with_growing_waits() -> None:
    bench = Bench()
    bench.put(1, 2, 3, 4)
    for error in (LinkLost("gone"), RequestTimedOut("x", 30.0), TooManyRequests("x")):
        bench.fail(error)
    assert bench.open == [] and bench.outlet.away and len(bench.clock.getDelayedCalls()) == 1
    waits = []
    for _ in range(9):
        waits.append(bench.wait())
        assert len(bench.open) == 1
        bench.fail(LinkLost("gone"))
    assert all(0.75 * 2 ** n <= wait <= 1.25 * 2 ** n for n, wait in enumerate(waits[:6])) and max(waits) <= 75.0
    bench.wait()
    assert len(bench.open) == 1
    bench.answer()
    assert len(bench.open) == 3 and not bench.outlet.away
    for _ in range(3):
        bench.answer()
    assert sorted(chain for chain, _, _ in bench.settled) == [1, 2, 3, 4]
    assert bench.clock.getDelayedCalls() == []


def test_a_service_that_is_away_is_waited_for_however_often_it_fails() -> None:
    bench = Bench(attempts=2)
    bench.put(1)
    for status in sorted(AWAY_STATUSES) * 5:
        bench.answer(status)
        bench.wait()
    bench.answer()
    assert bench.settled == [(1, 1, Outcome.TOLD)]


def test_a_notice_at_which_the_service_breaks_each_time_holds_up_no_other() -> None:
    bench = Bench(parallel=1)
    bench.put(1, 2, 3, 4)
    for _ in range(30):
        if not bench.open:
            bench.wait()
        elif bench.open[0][0].chain_id == 1:
            bench.fail(LinkLost("gone"))
        else:
            bench.answer()
    assert [chain_id for chain_id, _, _ in bench.settled] == [2, 3, 4] and bench.outlet.waiting == 1


def test_a_wait_that_the_service_asks_for_is_kept_within_the_bound() -> None:
    bench = Bench()
    bench.put(1)
    bench.answer(503, wait_s=40.0)
    assert bench.wait() == 40.0
    bench.answer(429, wait_s=86_400.0)
    assert bench.wait() == 75.0


def test_a_refused_notice_waits_by_itself_and_is_given_up_in_the_end_so_that_later_ones_go_on(logged: Any) -> None:
    bench = Bench(attempts=3)
    bench.put(1, 1, 2)
    bench.answer(400)
    bench.answer()      # chain 2 is not held up
    assert bench.settled == [(2, 3, Outcome.TOLD)]
    assert 0.75 <= bench.wait() <= 1.25
    bench.answer(500)
    assert 1.5 <= bench.wait() <= 2.5
    bench.answer(404)
    assert bench.settled[1:] == [(1, 1, Outcome.GIVEN_UP)] and bench.sent[-1] == (1, 2)
    bench.answer(409)       # the next one has its own count
    bench.wait()
    bench.answer()
    assert bench.settled[2:] == [(1, 2, Outcome.TOLD)]
    assert bench.outlet.counts == {Outcome.REFUSED: 4, Outcome.GIVEN_UP: 1, Outcome.TOLD: 2}
    assert any("chain 1 of Offer for good: status 404" in text for text in logged.texts())


def test_going_away_and_coming_back_are_logged_once(logged: Any) -> None:
    bench = Bench()
    bench.put(1)
    for _ in range(3):
        bench.fail(LinkLost("gone"))
        bench.wait()
    bench.answer()
    assert len(logged.texts()) == 2 and "crm is away" in logged.texts()[0] and "answers again" in logged.texts()[1]


def test_a_stopped_outlet_sends_nothing_and_settles_nothing() -> None:
    bench = Bench(parallel=1)
    bench.put(1, 2)
    bench.outlet.stop()
    bench.put(3)
    assert bench.sent == [(1, 1)] and bench.open == [] and bench.settled == [] and bench.clock.getDelayedCalls() == []
    bench = Bench()
    bench.put(1)
    bench.answer(503)
    bench.outlet.stop()
    assert bench.clock.getDelayedCalls() == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=8), st.lists(st.sampled_from(["ok", "away", "no", "lost"]), max_size=40))
def test_whatever_the_service_does_each_chain_is_told_in_order_and_each_notice_is_settled_once(
        chains: list[int], answers: list[str]) -> None:
    bench = Bench(parallel=2, attempts=ENDLESS)
    bench.put(*chains)
    for answer in (*answers, *["ok"] * ENDLESS):
        if not bench.open:
            if not bench.clock.getDelayedCalls():
                break
            bench.wait()
            continue
        assert len({notice.chain_id for notice, _ in bench.open}) == len(bench.open) <= 2
        if answer == "lost":
            bench.fail(LinkLost("gone"))
        else:
            bench.answer({"ok": 200, "away": 503, "no": 422}[answer])
    tickets: dict[int, list[int]] = {}
    for chain_id, ticket, outcome in bench.settled:
        assert outcome is Outcome.TOLD
        tickets.setdefault(chain_id, []).append(ticket)
    assert all(found == sorted(found) for found in tickets.values())
    assert sorted(ticket for found in tickets.values() for ticket in found) == list(range(1, len(chains) + 1))
