"""Which one is next: rank, then age; whoever was put first, before all."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocs.scheduler.ranked_queue import RankedQueue

_STEPS = st.lists(st.one_of(
    st.tuples(st.just("append"), st.integers(0, 3)), st.tuples(st.sampled_from(["first", "take"]), st.just(0)),
    st.tuples(st.just("remove"), st.integers(0, 30))), max_size=60)


def test_rank_goes_before_age_and_whoever_is_put_first_before_all() -> None:
    queue: RankedQueue[str] = RankedQueue()
    for item, rank in (("a", 1), ("b", 1), ("recall", 2), ("c", 0), ("d", 1)):
        queue.append(item, rank)
    queue.put_first("again")
    queue.put_first("and again")
    assert list(queue) == ["and again", "again", "recall", "a", "b", "d", "c"] and len(queue) == 7
    queue.remove("b")
    queue.remove("nobody")
    assert [queue.take() for _ in range(7)] == ["and again", "again", "recall", "a", "d", "c", None]


@given(_STEPS)
def test_it_is_a_sorted_list(steps: list[tuple[str, int]]) -> None:
    queue: RankedQueue[int] = RankedQueue()
    first: list[int] = []
    ranked: list[tuple[int, int]] = []      # falling rank, number
    for number, (step, value) in enumerate(steps):
        if step == "append":
            queue.append(number, value)
            ranked.append((-value, number))
        elif step == "first":
            queue.put_first(number)
            first.insert(0, number)
        elif step == "take":
            ranked.sort()
            expected = first.pop(0) if first else ranked.pop(0)[1] if ranked else None
            assert queue.take() == expected
        else:
            queue.remove(value)
            first, ranked = [one for one in first if one != value], [one for one in ranked if one[1] != value]
        assert list(queue) == [*first, *(one for _, one in sorted(ranked))] and len(queue) == len(first) + len(ranked)
