"""News to many desktops: a few of them a turn, each in its order, none lost."""
from __future__ import annotations

from collections import defaultdict
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


def noting(told: list[str], what: object) -> Callable[[object], None]:
    """Tells a desktop `what`: notes it behind its name."""
    return lambda whom: told.append(f"{whom}{what}")


def test_nobody_is_told_in_the_step_that_has_the_news_and_some_are_in_each_turn_of_the_reactor():
    turns, told = Turns(), list[int]()
    rounds = Rounds(turns)
    rounds.to_all(range(3 * A_TURN - 1), told.append)
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
    for number in (1, 2):
        rounds.to_all("ab", noting(told, number))
    rounds.first("b")
    assert told == ["b1", "b2"]
    turns.all()
    assert told == ["b1", "b2", "a1", "a2"]


def test_what_waits_is_told_once_though_telling_it_lets_it_go_first_again():
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)

    def tell(what: str, whom: str) -> None:
        rounds.first(whom)
        told.append(whom + what)

    rounds.to_all("a", partial(tell, "1"))
    rounds.to_all("a", partial(tell, "2"))
    rounds.first("a")
    assert told == ["a1", "a2"] and len(rounds) == 0


def test_news_that_telling_a_desktop_brings_are_told_later():
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)
    rounds.to_all("a", lambda whom: rounds.to_all("b", noting(told, 2)))
    turns.all()
    assert told == ["b2"] and turns.planned == []


def test_for_one_desktop_no_more_than_the_limit_waits():
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)
    for number in range(WAITING_EACH + 1):
        rounds.to_all("a", noting(told, number))
    assert told == [f"a{number}" for number in range(WAITING_EACH)] and len(rounds) == 1
    turns.all()
    assert told == [f"a{number}" for number in range(WAITING_EACH + 1)]


def test_whoever_stops_hears_when_nothing_waits_any_more():
    turns, told = Turns(), list[object]()
    rounds = Rounds(turns)
    rounds.finished().addCallback(lambda _: told.append("nothing waits"))
    rounds.to_all(range(A_TURN + 1), lambda whom: None)
    rounds.finished().addCallback(lambda _: told.append("all told"))
    assert told == ["nothing waits"]
    turns.turn()
    assert told == ["nothing waits"]
    turns.turn()
    assert told == ["nothing waits", "all told"]


def test_one_that_cannot_be_told_does_not_keep_the_others_from_hearing(logged):
    turns, told = Turns(), list[str]()
    rounds = Rounds(turns)
    rounds.to_all("ab", lambda whom: told.append({"b": whom}[whom]))
    turns.all()
    assert told == ["b"] and len(logged.failures(KeyError)) == 1


some_desktops = st.lists(st.integers(0, 120), max_size=80, unique=True)


@given(st.lists(st.one_of(st.tuples(st.just("later"), some_desktops), st.tuples(st.just("now"), some_desktops),
                          st.tuples(st.just("turn"), st.just([]))), max_size=100))
def test_every_desktop_hears_everything_in_its_order_whatever_comes_between(steps):
    turns, heard, said = Turns(), defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    rounds = Rounds(turns)
    for number, (what, desktops) in enumerate(steps):
        if what == "turn":
            before = sum(map(len, heard.values()))
            turns.turn()
            assert sum(map(len, heard.values())) - before < A_TURN + WAITING_EACH
        elif what == "later":
            rounds.to_all(desktops, lambda whom, number=number: heard[whom].append(number))
        for whom in desktops:
            said[whom].append(number)
            if what == "now":
                rounds.first(whom)
                heard[whom].append(number)
    turns.all()
    assert heard == said and len(rounds) == 0
