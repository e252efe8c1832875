"""Virtual groups: what an expression means, and what is refused."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.servers.statserver.expression import DEEPEST, LONGEST, ExpressionError, parse


@dataclass
class Person:
    agent_id: str = "1001"
    skills: dict[str, int] = field(default_factory=lambda: {"German": 3, "Sales": 0})
    seats: tuple[str, ...] = ("7001", "6001", "tserver")

    @property
    def logged_in(self) -> bool:
        return bool(self.seats)

    def logged_in_at(self, name: str) -> bool:
        return name in self.seats


@pytest.mark.parametrize("text, holds", [
    ('Skill("German") >= 3', True), ('Skill("German") > 3', False), ('Skill("German") = 3', True),
    ('Skill("German") != 3', False), ('Skill("German") < 4', True), ('Skill("German") <= 2', False),
    ('Skill("French") = 0', True), ('Skill("German")', True), ('Skill("Sales")', False), ('Skill("French")', False),
    ("LoggedIn()", True), ('LoggedIn("6001")', True), ('LoggedIn("6002")', False), ('Agent("1001")', True),
    ('~Agent("1001")', False), ("~~LoggedIn()", True),
    ('Agent("9") & Agent("9") | Agent("1001")', True), ('Agent("1001") | Agent("9") & Agent("9")', True),
    ('(Agent("1001") | Agent("9")) & Agent("9")', False), ('~Agent("9") & LoggedIn()', True),
    ('~(Agent("9") | LoggedIn())', False), ('  Skill( "German" )>=2&LoggedIn( )  ', True)])
def test_what_an_expression_says_of_an_agent(text: str, holds: bool) -> None:
    assert parse(text).holds(Person()) is holds


def test_only_expressions_that_ask_for_log_ins_are_dynamic() -> None:
    assert parse('Skill("German") & LoggedIn()').dynamic and not parse('Skill("German") & ~Agent("1")').dynamic
    read = parse('Skill("German") > 1 | Skill("French") & Agent("1") & ~Agent("2")')
    assert read.skills == {"German", "French"} and read.agents == {"1", "2"}


@pytest.mark.parametrize("text, why", [
    ("", "it is empty"), ("   ", "it is empty"), ('Skill("a") &', "it ends too early"), ("(LoggedIn()", "it ends too early"),
    ('Skill("a") >', "it ends too early"), ("LoggedIn", "it ends too early"),
    ("LoggedIn() LoggedIn()", "not understood at character 12: 'LoggedIn()'"),
    ('Skill("a") == 3', "not understood at character 13"), ('Skill("a") > -1', "not understood at character 14"),
    ('Skill("a) > 1', "not understood at character 7"), ('Agent("1"); Agent("2")', "not understood at character 11"),
    ('Colour("red")', "Colour: there are Skill, LoggedIn and Agent"), ("Skill()", "Skill: a name in quotes"),
    ('Agent("")', "Agent: a name in quotes"), ("LoggedIn() > 3", "LoggedIn: only a Skill can be compared"),
    ('Skill("a") > 1234567890', "not understood"), ("~" * (DEEPEST + 1) + "LoggedIn()", f"more than {DEEPEST} conditions"),
    ("(" * 500 + "LoggedIn()" + ")" * 500, "parentheses"), ("x" * (LONGEST + 1), f"{LONGEST + 1} characters")])
def test_what_is_none_is_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert why in str(caught.value)


def test_as_deep_as_allowed_is_read_and_evaluated() -> None:
    assert parse("~" * DEEPEST + "LoggedIn()").holds(Person()) is (DEEPEST % 2 == 0)
    assert parse("(" * 300 + "LoggedIn()" + ")" * 300).holds(Person())


_Pair = tuple[str, Callable[[Any], bool]]
_LEAVES: st.SearchStrategy[_Pair] = st.one_of(
    st.sampled_from(["German", "Sales", "French"]).map(lambda name: (f'Skill("{name}")', lambda p: p.skills.get(name, 0) > 0)),
    st.tuples(st.sampled_from(["German", "French"]), st.integers(0, 5)).map(
        lambda pair: (f'Skill("{pair[0]}") >= {pair[1]}', lambda p: p.skills.get(pair[0], 0) >= pair[1])),
    st.sampled_from(["6001", "7001", "nowhere"]).map(lambda name: (f'LoggedIn("{name}")', lambda p: name in p.seats)),
    st.just(("LoggedIn()", lambda p: bool(p.seats))))


def _combined(inner: st.SearchStrategy[_Pair]) -> st.SearchStrategy[_Pair]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda one: (f"~({one[0]})", lambda p: not one[1](p))),
        pairs.map(lambda two: (f"({two[0][0]}) & ({two[1][0]})", lambda p: two[0][1](p) and two[1][1](p))),
        pairs.map(lambda two: (f"({two[0][0]}) | ({two[1][0]})", lambda p: two[0][1](p) or two[1][1](p))))


@given(st.recursive(_LEAVES, _combined, max_leaves=8),
       st.builds(Person, st.just("1001"), st.dictionaries(st.sampled_from(["German", "French"]), st.integers(0, 5)),
                 st.sampled_from([(), ("7001", "6001")])))
def test_an_expression_means_what_its_parts_mean(pair: _Pair, person: Person) -> None:
    text, meaning = pair
    assert parse(text).holds(person) is meaning(person)


@given(st.text(st.sampled_from('()"&|~<>=! 1aSkillLoggedInAgent'), max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        assert parse(text).holds(Person()) in (True, False)
    except ExpressionError as error:
        assert str(error)
