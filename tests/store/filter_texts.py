"""Random filters and records for the tests of dialing filters: texts as an administrator writes them."""
from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ocs.dialing.results import CallResult
from ocs.dialing.values import CustomField, Record

FIELDS = (CustomField("points", "int"), CustomField("balance", "float"), CustomField("Region"), CustomField("code", "char", 6),
          CustomField("since", "datetime"), CustomField("date", "int"))

INTEGERS: tuple[str, ...] = ("points", "attempt", "date", "dial_sched_time", "call_result", "CHAIN_N")
FLOATS: tuple[str, ...] = ("balance",)
TEXTS = ("region", "code", "agent_id", "contact_info")
MOMENTS = ("'2026-03-10'", "'2026-03-10 16:30'", "'2026-03-10T16:30:00.25'", "'1999-12-31 23:59:59'")
LETTERS = "abAB%_*?[]!\\é😀 "

_SMALL: st.SearchStrategy[str] = st.integers(0, 20).map(str)
_INTEGERS: st.SearchStrategy[str] = _SMALL | st.sampled_from(["9007199254740993", "9223372036854775807", "2147483648", "86400"])
_FLOATS: st.SearchStrategy[str] = st.sampled_from(["0.5", "1.5", "0.0", "2.0", "1e-9", "1e25", "3.25"])
words = st.text(LETTERS, max_size=5)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def number(draw: st.DrawFn, depth: int = 2) -> str:
    """A term that is a number."""
    kind = draw(st.integers(0, 9 if depth else 3))
    match kind:
        case 0 | 1:
            return draw(st.sampled_from(INTEGERS + FLOATS))
        case 2:
            return draw(_INTEGERS | _FLOATS)
        case 3:
            return f"-{draw(st.sampled_from(INTEGERS))}"
        case 4 | 5:
            both = f"{draw(number(depth - 1))} {draw(st.sampled_from('+-*'))} {draw(number(depth - 1))}"
            return f"({both})" if kind == 4 else both
        case 6:
            return f"({draw(number(depth - 1))} / {draw(st.sampled_from(INTEGERS + FLOATS + ('7', '0.1')))})"
        case 7:
            left, right = draw(st.sampled_from(INTEGERS)), draw(st.sampled_from(INTEGERS + ("3", "7")))
            return draw(st.sampled_from([f"mod({left}, {right})", f"({left} % {right})"]))
        case 8:
            return draw(st.sampled_from([f"abs({draw(number(depth - 1))})", f"length({draw(text(depth - 1))})"]))
    return f"coalesce({draw(number(depth - 1))}, {draw(number(depth - 1))})"


@st.composite
def text(draw: st.DrawFn, depth: int = 2) -> str:
    """A term that is text."""
    kind = draw(st.integers(0, 5 if depth else 1))
    match kind:
        case 0 | 1:
            return draw(st.sampled_from(TEXTS))
        case 2 | 3:
            return f"{'lower' if kind == 2 else 'UPPER'}({draw(text(depth - 1))})"
        case 4:
            count = draw(st.sampled_from(["", ", 0", ", 2", ", 3"]))
            return f"substr({draw(text(depth - 1))}, {draw(st.integers(1, 4))}{count})"
    return f"coalesce({draw(text(depth - 1))}, {quoted(draw(words))})"


def _with_column(term: str) -> str:
    known = any(name.lower() in term.lower() for name in INTEGERS + FLOATS + TEXTS)
    return term if known else f"{term} - points"


@st.composite
def comparison(draw: st.DrawFn) -> str:
    """A condition without AND, OR."""
    operator = draw(st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="]))
    no = draw(st.sampled_from(["", "NOT "]))
    counted = number(1).map(_with_column)
    match draw(st.integers(0, 8)):
        case 0:
            return f"{draw(number().map(_with_column))} {operator} {draw(number())}"
        case 1:
            return f"{draw(text())} {operator} {draw(text() | words.map(quoted))}"
        case 2:
            return f"since {operator} {draw(st.sampled_from(MOMENTS))}"
        case 3:
            return f"{draw(counted)} {no}BETWEEN {draw(number(1))} AND {draw(number(1))}"
        case 4:
            return f"since {no}BETWEEN {draw(st.sampled_from(MOMENTS))} AND {draw(st.sampled_from(MOMENTS))}"
        case 5:
            choices = st.lists(_SMALL | _FLOATS | _SMALL.map(lambda each: "-" + each), min_size=1, max_size=4)
            return f"{draw(counted)} {no}IN ({', '.join(draw(choices))})"
        case 6:
            return f"{draw(text())} {no}IN ({', '.join(map(quoted, draw(st.lists(words, min_size=1, max_size=3))))})"
        case 7:
            return f"{draw(text())} {no}LIKE {quoted(draw(words))}"
    return f"{draw(counted | text() | st.just('since'))} IS {no}NULL"


@st.composite
def criteria(draw: st.DrawFn, depth: int = 2) -> str:
    """A condition."""
    match draw(st.integers(0, 4 if depth else 1)):
        case 0 | 1:
            return draw(comparison())
        case 2 | 3:
            return f"{draw(criteria(depth - 1))} {draw(st.sampled_from(['AND', 'or']))} {draw(criteria(depth - 1))}"
    return f"{draw(st.sampled_from(['', 'NOT ']))}({draw(criteria(depth - 1))})"


@st.composite
def orders(draw: st.DrawFn) -> str:
    """An order of one to three keys."""
    keys = []
    for _ in range(draw(st.integers(1, 3))):
        term = draw(number(1).map(_with_column) | text(1) | st.just("since"))
        way, nulls = draw(st.sampled_from(["", " ASC", " desc"])), draw(st.sampled_from(["", " NULLS FIRST", " nulls last"]))
        keys.append(term + way + nulls)
    return ", ".join(keys)


whole_numbers = st.none() | st.integers(-5, 20) | st.sampled_from(
    [2 ** 53 - 1, 2 ** 53, 2 ** 53 + 1, -2 ** 53, 2 ** 63 - 1, -2 ** 63, 86_400])
small_numbers = st.integers(-3, 12)
floating = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 0.5, 1.5, 2.0, 1e-300, 1e300, 1e29, 1e31, -3.25])
texts = st.none() | words
moments = st.none() | st.sampled_from(["2026-03-10 00:00:00", "2026-03-10 16:30:00", "2026-03-10 16:30:00.250000",
                                       "1999-12-31 23:59:59", "2000-01-01 00:00:00"])


@st.composite
def records(draw: st.DrawFn, most: int = 5) -> list[Record]:
    made: list[Record] = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        fields: dict[str, Any] = {
            "points": draw(whole_numbers), "balance": draw(floating), "Region": draw(texts), "date": draw(whole_numbers),
            "code": draw(texts.map(lambda text: None if text is None else text.rstrip(" "))), "since": draw(moments)}
        made.append(Record(number, number, draw(st.integers(1, 3)), draw(words), attempt=draw(small_numbers),
                           call_result=draw(st.sampled_from([CallResult.UNKNOWN, CallResult.BUSY, CallResult.ANSWER])),
                           dial_sched_time=draw(whole_numbers), agent_id=draw(texts), fields=fields))
    return made
