"""Tables of state machines as people read them: a row an event, a column a state; the tests compare every cell."""
from __future__ import annotations

from typing import Callable, Iterable, Mapping, TypeVar

State = TypeVar("State")
Event = TypeVar("Event")

REFUSED = "!"       # the cell of an event that has no row in the machine
SAME = "-"          # the cell of an event that changes no state


def cells(table: str) -> dict[tuple[str, str], str]:
    """(event, state) -> what the table says. The first line names the states; an event's name may hold spaces, so its
    cells are the last words of its line."""
    head, *rows = [line.strip() for line in table.strip().splitlines() if line.strip()]
    states = head.split()[1:]
    found = {}
    for row in rows:
        words = row.split()
        event, values = " ".join(words[:-len(states)]), words[-len(states):]
        for state, value in zip(states, values):
            assert (event, state) not in found, f"{event} is there twice"
            found[event, state] = value
    return found


def reachable(start: State, events: Iterable[Event], after: Callable[[State, Event], State | None]) -> set[State]:
    """The states that the machine can come to from `start`; `after` returns None where it refuses."""
    found, new, events = {start}, [start], list(events)
    while new:
        state = new.pop()
        following = {state for state in (after(state, event) for event in events) if state is not None}
        new.extend(following - found)
        found |= following
    return found


def mismatches(expected: Mapping[tuple[str, str], str], actual: Mapping[tuple[str, str], str]) -> list[str]:
    """One line for each cell in which the two differ."""
    return [f"{event} in {state}: expected {expected.get((event, state))}, is {actual.get((event, state))}"
            for event, state in sorted(expected.keys() | actual.keys())
            if expected.get((event, state)) != actual.get((event, state))]
