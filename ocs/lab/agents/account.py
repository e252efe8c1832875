"""The agents' own books: seconds in each state, and what they met. Nobody else's numbers go in."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Callable, Iterable, Mapping

from twisted.internet.interfaces import IReactorTime

from ocs.lab.agents.machine import PAID, PRODUCTIVE, AgentState

__all__ = ["AgentBook", "FloorAccount", "add_up"]


class AgentBook:
    """One agent's book. `counts` are named as the figures of `FloorAccount`."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._state, self._since = AgentState.AWAY, clock.seconds()
        self._seconds = dict.fromkeys(AgentState, 0.0)
        self.counts: Counter[str] = Counter()
        self.results: Counter[int] = Counter()      # call result -> records that were settled with it
        self.errors: Counter[int] = Counter()       # GSW_ERROR_NUMBER -> times
        self.watcher: Callable[[AgentState, float, AgentState], None] | None = None
        """Hears of each change: the state that was left, the clock's seconds at which it was entered, the state that follows."""

    def enter(self, state: AgentState) -> None:
        """The agent changes to `state` now."""
        now = self._clock.seconds()
        before, since = self._state, self._since
        self._seconds[before] += now - since
        self._state, self._since = state, now
        if self.watcher is not None:
            self.watcher(before, since, state)

    def seconds(self) -> dict[AgentState, float]:
        """Seconds in each state up to now."""
        spent = dict(self._seconds)
        spent[self._state] += self._clock.seconds() - self._since
        return spent


@dataclass(frozen=True)
class FloorAccount:
    """What a floor of agents did. `utilisation` is (talk + wrap) over all paid time: neither breaks nor time away; None
    before anybody was paid. Figures are counts, seconds by state's word are sums over the agents."""

    agents: int
    utilisation: float | None
    seconds: Mapping[str, float]
    results: Mapping[int, int]          # call result -> records settled with it and acknowledged
    errors: Mapping[int, int]           # error number -> answers
    talked: int = 0                     # calls that were established at an agent
    missed: int = 0                     # calls that went away while they rang
    previewed: int = 0                  # records looked at
    rejected: int = 0                   # records given back
    put_off: int = 0                    # callbacks that were due and were not dialed but moved
    dialed: int = 0                     # own calls
    settled: int = 0                    # records whose last word was acknowledged
    callbacks: int = 0
    do_not_calls: int = 0
    no_records: int = 0                 # "No Records Available", when a record was asked for
    unanswered: int = 0                 # requests to the OCS that nobody answered in time
    unsettled: int = 0                  # records that were let go without an acknowledgement
    breaks: int = 0
    logins: int = 0
    lost_links: int = 0


_COUNTS = ("talked", "missed", "previewed", "rejected", "put_off", "dialed", "settled", "callbacks", "do_not_calls",
           "no_records", "unanswered", "unsettled", "breaks", "logins", "lost_links")


def add_up(books: Iterable[AgentBook]) -> FloorAccount:
    """One account of many books."""
    books = list(books)
    seconds: dict[AgentState, float] = dict.fromkeys(AgentState, 0.0)
    for book in books:
        for state, spent in book.seconds().items():
            seconds[state] += spent
    paid = sum(seconds[state] for state in PAID)
    productive = sum(seconds[state] for state in PRODUCTIVE)
    results: Counter[int] = sum((book.results for book in books), Counter())
    errors: Counter[int] = sum((book.errors for book in books), Counter())
    counts = {name: sum(book.counts[name] for book in books) for name in _COUNTS}
    by_word = {state.value: spent for state, spent in seconds.items()}
    return FloorAccount(len(books), productive / paid if paid else None, by_word, _plain(results), _plain(errors),
                        **counts)


def _plain(counter: Counter[int]) -> dict[int, int]:
    """Plain integers for keys, in their order."""
    return {int(number): counter[number] for number in sorted(counter)}
