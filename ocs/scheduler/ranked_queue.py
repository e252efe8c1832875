"""A queue in which rank goes before age."""
from __future__ import annotations

from collections import deque
from typing import Generic, Iterator, TypeVar

__all__ = ["RankedQueue"]

T = TypeVar("T")


class RankedQueue(Generic[T]):
    """By falling rank, within a rank in the order in which they came; before all others those that were put first, the last of
    them foremost. Nothing depends on how many there are, but for taking one out of the middle."""

    def __init__(self) -> None:
        self._first: deque[T] = deque()
        self._ranks: dict[int, deque[T]] = {}       # by falling rank

    def __len__(self) -> int:
        return len(self._first) + sum(map(len, self._ranks.values()))

    def __iter__(self) -> Iterator[T]:
        """All, the next one first."""
        yield from self._first
        for queue in self._ranks.values():
            yield from queue

    def append(self, item: T, rank: int) -> None:
        """Behind those of this rank."""
        queue = self._ranks.get(rank)
        if queue is None:
            self._ranks[rank] = queue = deque()
            self._ranks = dict(sorted(self._ranks.items(), reverse=True))
        queue.append(item)

    def put_first(self, item: T) -> None:
        """Before all, whatever its rank."""
        self._first.appendleft(item)

    def take(self) -> T | None:
        """The next one; None if there is none."""
        if self._first:
            return self._first.popleft()
        return next((queue.popleft() for queue in self._ranks.values() if queue), None)

    def remove(self, item: T) -> None:
        """Take it out, if it is here."""
        for queue in (self._first, *self._ranks.values()):
            try:
                queue.remove(item)
                return
            except ValueError:
                pass        # among the others, perhaps
