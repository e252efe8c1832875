"""News to many desktops: a few of them a turn, each in its order, none lost."""
from __future__ import annotations

from functools import partial
from typing import Callable

from hypothesis import given
from hypothesis import strategies as st

from ocs.desktop.rounds import A_TURN, WAITING_EACH, Rounds


class Turns:
    """A reactor's turns: what is planned in one of them is done in the next one."""

    def __init__(self) -> None:
        self.planned: list[Callable[[], None]] = []

    def callLater(self, delay: float, call: Callable[[], None]) -> None:
        assert delay == 0
        self.planned.append(call)

    def turn(self) -> None:
        now, self.planned = self.planned, []
        for call in now:
            call()

    def all(self) -> None:
        while self.planned:
            self.turn()


def test_nobody_is_told_in_the_step_that_has_the_news_and_some_are_in_each_turn_of_the_reactor():
    turns, told = Turns(), list[int]()
    rounds = Rounds(turns)
    for number in range(3 * A_TURN - 1):
        rounds.later(number, partial(told.append, number))
    assert told == [] and len(rounds) == 3 * A_TURN - 1
    turns.turn()
    assert told == list(range(A_TURN))
    turns.turn()
    assert told == list(range(2 * A_TURN))
    turns.turn()
    assert told == list(range(3 * A_TURN - 1)) and turns.planned == []


def test_what_waits_for_a_desktop_goes_ahead_of_what_it_is_told_now():
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)
    for whom in ("a", "b"):
        rounds.later(whom, partial(told.append, f"{whom}1"))
        rounds.later(whom, partial(told.append, f"{whom}2"))
    rounds.first("b")
    assert told == ["b1", "b2"]
    turns.all()
    assert told == ["b1", "b2", "a1", "a2"]


def test_what_waits_is_told_once_though_telling_it_lets_it_go_first_again():
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)

    def tell(what: str) -> None:
        rounds.first("a")
        told.append(what)

    rounds.later("a", partial(tell, "1"))
    rounds.later("a", partial(tell, "2"))
    rounds.first("a")
    assert told == ["1", "2"] and len(rounds) == 0


def test_for_one_desktop_no_more_than_the_limit_waits():
    turns, told = Turns(), list[int]()
    rounds = Rounds(turns)
    for number in range(WAITING_EACH + 1):
        rounds.later("a", partial(told.append, number))
    assert told == list(range(WAITING_EACH)) and len(rounds) == 1
    turns.all()
    assert told == list(range(WAITING_EACH + 1))


def test_whoever_stops_hears_when_nothing_waits_any_more():
    turns, told = Turns(), list[object]()
    rounds = Rounds(turns)
    rounds.finished().addCallback(lambda _: told.append("nothing waits"))
    for number in range(A_TURN + 1):
        rounds.later(number, lambda: None)
    rounds.finished().addCallback(lambda _: told.append("all told"))
    assert told == ["nothing waits"]
    turns.turn()
    assert told == ["nothing waits"]
    turns.turn()
    assert told == ["nothing waits", "all told"]


def test_one_that_cannot_be_told_does_not_keep_the_others_from_hearing(logged):
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)
    rounds.later("a", lambda: {}[7])
    rounds.later("b", partial(told.append, "b"))
    turns.all()
    assert told == ["b"] and len(logged.failures(KeyError)) == 1


@given(st.lists(st.one_of(st.tuples(st.just("later"), st.integers(0, 120)), st.tuples(st.just("now"), st.integers(0, 120)),
                          st.tuples(st.just("turn"), st.just(0))), max_size=400))
def test_every_desktop_hears_everything_in_its_order_whatever_comes_between(steps):
    turns, heard, said = Turns(), dict[int, list[int]](), dict[int, list[int]]()
    rounds = Rounds(turns)
    for number, (what, whom) in enumerate(steps):
        if what == "turn":
            before = sum(map(len, heard.values()))
            turns.turn()
            assert sum(map(len, heard.values())) - before < A_TURN + WAITING_EACH
            continue
        said.setdefault(whom, []).append(number)
        tell = partial(heard.setdefault(whom, []).append, number)
        if what == "later":
            rounds.later(whom, tell)
        else:
            rounds.first(whom)
            tell()
    turns.all()
    assert heard == said and len(rounds) == 0
