"""Agents of several campaign groups: who has whom."""
from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.assignment import AssignmentRules, Claim, assign


def team(*numbers: int) -> frozenset[str]:
    return frozenset(str(number) for number in numbers)


def claim(name: str, members: frozenset[str], idle: bool = False, **rules: int) -> Claim:
    return Claim(name, AssignmentRules(**rules), members, idle)


TEN = team(*range(10))


def sizes(*claims: Claim, before: dict[str, str] | None = None, busy: frozenset[str] = frozenset()) -> dict[str, int]:
    return dict(Counter(assign(claims, before or {}, busy).values()))


def test_the_greater_priority_has_everybody_and_others_whom_it_cannot_use() -> None:
    assert sizes(claim("low", TEN), claim("high", team(1, 2, 3), priority=2)) == {"high": 3, "low": 7}
    assert sizes(claim("low", TEN), claim("high", TEN, priority=2, maximum=4)) == {"high": 4, "low": 6}


def test_minima_come_before_whatever_is_left() -> None:
    assert sizes(claim("low", TEN, minimum=3), claim("high", TEN, priority=2, minimum=2)) == {"high": 7, "low": 3}
    assert sizes(claim("never enough", TEN), claim("always enough", TEN, priority=2, minimum=-1)) == {"never enough": 10}
    assert sizes(claim("always enough", TEN, minimum=-1), claim("three", TEN, maximum=3)) == {"three": 3, "always enough": 7}


def test_the_same_priority_shares() -> None:
    assert sizes(claim("one", TEN), claim("two", TEN)) == {"one": 5, "two": 5}
    assert sizes(claim("one", team(1)), claim("two", TEN)) == {"one": 1, "two": 9}


def test_who_is_left_is_free_for_inbound_calls() -> None:
    assert sizes(claim("one", TEN, maximum=2), claim("two", TEN, maximum=3)) == {"one": 2, "two": 3}


def test_a_group_that_waits_gives_its_agents_up_but_those_on_calls() -> None:
    before = {dn: "waits" for dn in TEN}
    assert sizes(claim("waits", TEN, idle=True, priority=5), claim("other", TEN), before=before) == {"other": 10}
    assert sizes(claim("waits", TEN, idle=True, priority=5), claim("other", TEN), before=before, busy=team(1, 2)) == {
        "waits": 2, "other": 8}


def test_nobody_moves_without_need() -> None:
    first = assign([claim("one", TEN), claim("two", TEN)], {})
    assert assign([claim("two", TEN), claim("one", TEN)], first) == first
    later = assign([claim("one", TEN | team(10)), claim("two", TEN | team(10))], first)
    assert all(later[dn] == name for dn, name in first.items())


def test_one_who_could_go_elsewhere_makes_room_at_once_for_a_group_that_has_no_other() -> None:
    claims = [claim("either", team(4, 5), maximum=2), claim("only five", team(5), maximum=2)]
    assert assign(claims, {"5": "either"}) == {"4": "either", "5": "only five"}


claims_ = st.lists(st.builds(
    Claim, st.sampled_from("abcd"), st.builds(AssignmentRules, st.integers(1, 3), st.integers(-1, 6), st.integers(0, 6)),
    st.frozensets(st.sampled_from(sorted(TEN))), st.booleans()), max_size=4, unique_by=lambda one: one.name)


@given(claims_, st.dictionaries(st.sampled_from(sorted(TEN)), st.sampled_from("abcde")),
       st.frozensets(st.sampled_from(sorted(TEN))))
def test_limits_hold_and_nobody_is_left_who_is_wanted(claims: list[Claim], before: dict[str, str], busy: frozenset[str]) -> None:
    made = assign(claims, before, busy)
    staff = Counter(made.values())
    for one in claims:
        mine = {dn for dn, name in made.items() if name == one.name}
        pinned = {dn for dn in busy & one.members if before.get(dn) == one.name}
        assert pinned <= mine <= one.members and staff[one.name] <= max(one.most, len(pinned))
        assert staff[one.name] >= one.most or one.members <= made.keys()
    assert assign(claims, made, busy) == made
