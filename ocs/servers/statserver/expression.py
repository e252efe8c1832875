"""Who belongs to a virtual group: a condition over agents' skills and log-ins, written by an administrator.

    Skill("German") >= 3 & (LoggedIn("6001") | LoggedIn()) & ~Agent("1001")

| form | is true for an agent |
|---|---|
| `Skill("name") OP number` | whose level of the skill (0 where there is none) compares so; OP is = != < <= > >= |
| `Skill("name")` | who has the skill at a level above 0 |
| `LoggedIn()` | who is logged in somewhere |
| `LoggedIn("name")` | who is logged in for this queue, or at this DN or T-Server |
| `Agent("id")` | of this id |
| `~x`, `x & y`, `x \\| y`, `( )` | not, and, or; in this order of strength |

Source: that virtual groups are conditions over skills and log-ins is public; the details of the language are ours.
"""
from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Protocol

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

__all__ = ["AgentFacts", "Expression", "ExpressionError", "parse"]

LONGEST = 2_000         # characters
DEEPEST = 40            # nots within nots

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction ("|" conjunction)*
?conjunction: negation ("&" negation)*
?negation: "~" negation -> negated
    | "(" disjunction ")"
    | call
    | call COMPARISON NUMBER -> compared
call: NAME "(" [STRING] ")"
COMPARISON: "!=" | "<=" | ">=" | "=" | "<" | ">"
NAME: /[A-Za-z][A-Za-z0-9]*/
NUMBER: /[0-9]{1,9}/
STRING: /"[^"\n]*"/
%import common.WS
%ignore WS
"""
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class ExpressionError(ValueError):
    """The text is not an expression; it says where and why."""


class AgentFacts(Protocol):
    """What an expression may ask of an agent."""

    @property
    def agent_id(self) -> str:
        """The agent's id."""

    @property
    def skills(self) -> Mapping[str, int]:
        """Skill -> level."""

    @property
    def logged_in(self) -> bool:
        """True while the agent is logged in somewhere."""

    def logged_in_at(self, name: str) -> bool:
        """True while logged in for this queue, or at this DN or T-Server."""


_Holds = Callable[[AgentFacts], bool]


@dataclass(frozen=True)
class Expression:
    """A condition that was read. `dynamic`: it asks for log-ins, so membership changes while agents work."""

    text: str
    holds: _Holds
    dynamic: bool = False
    skills: frozenset[str] = frozenset()        # those that it names
    agents: frozenset[str] = frozenset()
    depth: int = 0


@dataclass(frozen=True)
class _Call:
    """NAME(argument), before it is known whether a comparison follows."""

    name: str
    argument: str | None


def parse(text: str) -> Expression:
    """Read an expression. ExpressionError where it is none, or too long or too deep."""
    if len(text) > LONGEST:
        raise ExpressionError(f"{len(text)} characters, {LONGEST} are possible")
    if text.count("(") > DEEPEST * 10:
        raise ExpressionError(f"more than {DEEPEST * 10} parentheses")
    try:
        read: Any = _parser.parse(text)
    except UnexpectedInput as error:
        raise ExpressionError(_explained(error, text)) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    found = _condition(read)
    return Expression(text, found.holds, found.dynamic, found.skills, found.agents, found.depth)


def _explained(error: UnexpectedInput, text: str) -> str:
    token, place = getattr(error, "token", None), error.pos_in_stream
    if place is None or token is not None and token.type == "$END":
        return "it ends too early" if text.strip() else "it is empty"
    return f"not understood at character {place + 1}: {text[place:][:20]!r}"


def _combined(parts: list[Any], holds: Callable[[tuple[_Holds, ...]], _Holds]) -> Expression:
    found = [_condition(part) for part in parts]
    depth = 1 + max(one.depth for one in found)
    if depth > DEEPEST:
        raise ExpressionError(f"more than {DEEPEST} conditions within each other")
    return Expression("", holds(tuple(one.holds for one in found)), any(one.dynamic for one in found),
                      frozenset().union(*(one.skills for one in found)), frozenset().union(*(one.agents for one in found)), depth)


def _condition(part: Any) -> Expression:
    """A part as a condition; a bare call is one of those that need no comparison."""
    if isinstance(part, Expression):
        return part
    name, argument = part.name, part.argument
    if name == "Skill":
        return _skill(_needed(part), ">", 0)
    if name == "Agent":
        agent_id = _needed(part)
        return Expression("", lambda agent: agent.agent_id == agent_id, agents=frozenset((agent_id,)))
    if name == "LoggedIn" and argument is None:
        return Expression("", lambda agent: agent.logged_in, True)
    if name == "LoggedIn":
        return Expression("", lambda agent: agent.logged_in_at(argument), True)
    raise ExpressionError(f"{name}: there are Skill, LoggedIn and Agent")


def _skill(name: str, comparison: str, level: int) -> Expression:
    compare = _COMPARISONS[comparison]
    return Expression("", lambda agent: compare(agent.skills.get(name, 0), level), skills=frozenset((name,)))


def _needed(call: _Call) -> str:
    if not call.argument:
        raise ExpressionError(f'{call.name}: a name in quotes is expected, as in {call.name}("...")')
    return call.argument


class _Reader(Transformer[Token, Any]):
    """Makes conditions of what the grammar finds, while it is parsed: no tree is ever walked."""

    def call(self, parts: list[Any]) -> _Call:
        name, argument = parts
        return _Call(str(name), None if argument is None else str(argument)[1:-1])

    def compared(self, parts: list[Any]) -> Expression:
        call, comparison, number = parts
        if call.name != "Skill":
            raise ExpressionError(f"{call.name}: only a Skill can be compared with a number")
        return _skill(_needed(call), str(comparison), int(number))

    def negated(self, parts: list[Any]) -> Expression:
        return _combined(parts, lambda holds: lambda agent: not holds[0](agent))

    def conjunction(self, parts: list[Any]) -> Expression:
        return _combined(parts, lambda holds: lambda agent: all(one(agent) for one in holds))

    def disjunction(self, parts: list[Any]) -> Expression:
        return _combined(parts, lambda holds: lambda agent: any(one(agent) for one in holds))


_parser = Lark(_GRAMMAR, parser="lalr", transformer=_Reader(), maybe_placeholders=True)
