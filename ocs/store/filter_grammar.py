"""A dialing filter's words to conditions and terms: the second sieve.

sqlglot does the grammar; here each node of its tree is taken only if it is listed, with the parts that are listed, and
only if the kinds of its operands fit. Whatever is not listed is refused, so new syntax in the library opens nothing. The
library forgives some faults (a missing AND, a comma too many): a tree that does not account for every word is refused too.
"""
from __future__ import annotations

import math
from collections import Counter
from typing import Any, Collection, Iterator, Mapping, NoReturn, Sequence

from sqlglot import ErrorLevel, Token, TokenType, exp
from sqlglot.errors import SqlglotError

from ocs.dialing.custom_fields import fitting
from ocs.dialing.values import CustomField, Record
from ocs.errors import FilterError
from ocs.store import filter_conditions as conditions
from ocs.store import filter_strings as strings
from ocs.store import filter_values as values
from ocs.store.filter_conditions import Condition, OrderKey
from ocs.store.filter_values import ColumnTerm, Constant, Kind, Term
from ocs.store.filter_words import Grammar, checked_words

__all__ = ["FUNCTIONS", "MOST_KEYS", "condition_of", "order_of"]

MOST_KEYS = 8               # of an order
DEEPEST = 32                # terms within terms
_MOST_WILDCARDS = 8         # in one pattern
_LONGEST_PART = 4_000       # characters that substr may name
_INTEGERS = range(-2 ** 63, 2 ** 63)

_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
FUNCTIONS = frozenset({"ABS", "COALESCE", "LENGTH", "LOWER", "MOD", "SUBSTR", "UPPER"})
_LEAVES = {TokenType.NUMBER, TokenType.STRING, TokenType.IDENTIFIER}
_MOMENT = CustomField("", "datetime")
_NOBODY = Record(0, 0, 0, "")
_ColumnTerms = Mapping[str, ColumnTerm]


def condition_of(text: str, columns: _ColumnTerms) -> Condition:
    """The condition that `text` is, over these columns (by name). Raises FilterError."""
    return _Reader(columns).condition(_tree(text, columns, exp.Condition, order=False))


def order_of(text: str, columns: _ColumnTerms) -> tuple[OrderKey, ...]:
    """The keys of the order that `text` gives. Raises FilterError."""
    tree = _tree(text, columns, exp.Order, order=True)
    keys = _parts(tree, "expressions")["expressions"]
    if len(keys) > MOST_KEYS:
        raise FilterError(f"{len(keys)} keys, {MOST_KEYS} are possible")
    return tuple(_Reader(columns).order_key(key) for key in keys)


def _tree(text: str, columns: Collection[str], into: type[exp.Expr], order: bool) -> exp.Expr:
    words = checked_words(text, {name.lower(): name for name in columns}, FUNCTIONS, order)
    try:
        parser = Grammar().parser(error_level=ErrorLevel.IMMEDIATE)
        trees = parser.parse_into(into, [Token(TokenType.ORDER_BY, "ORDER BY"), *words] if order else words, text)
    except SqlglotError as error:
        raise _syntax_error(error, words) from None
    except RecursionError:
        raise FilterError("nested too deeply") from None
    if len(trees) != 1 or trees[0] is None:
        raise FilterError("the syntax is wrong")
    _check_depth(trees[0])
    _check_complete(trees[0], words)
    return trees[0]


def _syntax_error(error: SqlglotError, words: Sequence[Token]) -> FilterError:
    details = (getattr(error, "errors", None) or [{}])[-1]
    place = (details.get("line"), details.get("col"))
    near = next((word for word in words if (word.line, word.col) == place), None)
    if near is None:
        return FilterError("the syntax is wrong")
    return FilterError(f"the syntax is wrong near {near.text[:40]!r}", near.start)


def _check_depth(tree: exp.Expr) -> None:
    """Refuse a tree that is too deep to walk; a chain of ANDs, or of ORs, is one level."""
    waiting: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            raise FilterError(f"more than {DEEPEST} terms within each other", _place(node))
        for child in node.iter_expressions():
            chained = type(child) is type(node) and isinstance(node, (exp.And, exp.Or))
            waiting.append((child, depth if chained else depth + 1))


def _check_complete(tree: exp.Expr, words: Sequence[Token]) -> None:
    """Refuse a tree that left a word out, or made one up."""
    found = Counter(word.token_type for word in words)
    nodes = Counter(type(node) for node in tree.walk())
    commas = sum(max(1, len(node.expressions)) - 1 for node in tree.find_all(exp.In, exp.Order))
    commas += sum(len(node.expressions) for node in tree.find_all(exp.Coalesce))
    commas += sum(1 + ("length" in node.args and node.args["length"] is not None) for node in tree.find_all(exp.Substring))
    commas += nodes[exp.Mod] - found[TokenType.MOD]
    ways = sum(node.args.get("desc") is not None for node in tree.find_all(exp.Ordered))
    if (sum(found[leaf] for leaf in _LEAVES) != nodes[exp.Literal] + nodes[exp.Identifier]
            or found[TokenType.AND] != nodes[exp.And] + nodes[exp.Between] or found[TokenType.COMMA] != commas
            or found[TokenType.ASC] + found[TokenType.DESC] != ways):
        raise FilterError("the syntax is wrong: a comma, AND, DESC or operand is missing or too many")


def _place(node: exp.Expr) -> int | None:
    """Where the node begins in the text, as far as its parts tell."""
    return min((part.meta["start"] for part in node.walk() if "start" in part.meta), default=None)


def _parts(node: exp.Expr, *possible: str) -> dict[str, Any]:
    """The node's parts; FilterError where it has others than the possible ones."""
    given = {name: value for name, value in node.args.items() if value is not None and value is not False and value != []}
    others = given.keys() - set(possible)
    if others:
        _refuse(f"{node.key.upper()} with {', '.join(sorted(others))} is not possible", node)
    return given


def _refuse(reason: str, node: exp.Expr) -> NoReturn:
    place, around = _place(node), node.parent
    while place is None and around is not None:         # NULL has no place of its own
        place, around = _place(around), around.parent
    raise FilterError(reason, place)


def _named(term: Term) -> str:
    if isinstance(term, ColumnTerm):
        return f"column {term.name!r} ({term.kind.value})"
    if isinstance(term, Constant):
        return f"{str(term.value)[:40]!r} (text)" if term.kind is Kind.TEXT else f"{term.value} ({term.kind.value})"
    names = list(dict.fromkeys(term.columns()))
    return f"an expression of {', '.join(names)} ({term.kind.value})" if names else f"an expression ({term.kind.value})"


class _Reader:
    """Turns nodes into conditions and terms."""

    def __init__(self, columns: _ColumnTerms) -> None:
        self._columns = columns

    def order_key(self, node: exp.Expr) -> OrderKey:
        """One key of an order."""
        if type(node) is not exp.Ordered:
            _refuse("is not a key of an order", node)
        parts = _parts(node, "this", "desc", "nulls_first")
        term = self._term(parts["this"])
        self._need_column(node, term)
        return OrderKey(term, bool(parts.get("desc")), bool(parts.get("nulls_first")))

    def condition(self, node: exp.Expr) -> Condition:
        """A condition; FilterError for a term, and for all that is not listed."""
        kind = type(node)
        if kind is exp.Paren:
            return self.condition(_parts(node, "this")["this"])
        if kind is exp.And:
            return conditions.AllOf(tuple(self.condition(each) for each in _chain(node)))
        if kind is exp.Or:
            return conditions.AnyOf(tuple(self.condition(each) for each in _chain(node)))
        if kind is exp.Not:
            return conditions.Not(self.condition(_parts(node, "this")["this"]))
        if kind in _COMPARISONS:
            parts = _parts(node, "this", "expression")
            return self._comparison(node, _COMPARISONS[kind], self._term(parts["this"]), self._term(parts["expression"]))
        if kind is exp.Between:
            parts = _parts(node, "this", "low", "high")
            term = self._term(parts["this"])
            return conditions.AllOf((self._comparison(node, ">=", term, self._term(parts["low"])),
                                     self._comparison(node, "<=", term, self._term(parts["high"]))))
        if kind is exp.In:
            return self._is_in(node)
        if kind is exp.Is:
            parts = _parts(node, "this", "expression")
            if type(parts["expression"]) is not exp.Null:
                _refuse("IS is possible with NULL and NOT NULL only", node)
            term = self._term(parts["this"])
            self._need_column(node, term)
            return conditions.IsNull(term)
        if kind is exp.Like:
            return self._is_like(node, "")
        if kind is exp.Escape:
            parts = _parts(node, "this", "expression")
            escape = self._literal(parts["expression"], "the character behind ESCAPE")
            if type(parts["this"]) is not exp.Like or not isinstance(escape.value, str) or len(escape.value) != 1:
                _refuse("ESCAPE takes one character, behind the pattern of LIKE", node)
            return self._is_like(parts["this"], escape.value)
        _refuse("a condition is wanted: a comparison, IN, BETWEEN, LIKE or IS NULL, joined by AND, OR, NOT", node)

    def _comparison(self, node: exp.Expr, operator: str, left: Term, right: Term) -> Condition:
        left, right = self._unified(node, left, right)
        self._need_column(node, left, right)
        return conditions.Comparison(operator, left, right)

    def _is_in(self, node: exp.Expr) -> Condition:
        parts = _parts(node, "this", "expressions")
        term = self._term(parts["this"])
        self._need_column(node, term)
        choices = []
        for each in parts.get("expressions") or _refuse("IN takes a list of literals in brackets", node):
            left, choice = self._unified(each, term, self._literal(each, "each choice of IN"))
            term = left                         # an integer among choices of which one is floating point
            choices.append(choice)
        whole = [each if each.kind is term.kind else _as_float(each) for each in choices]
        return conditions.IsIn(term, tuple(each for each in whole if isinstance(each, Constant)))

    def _is_like(self, node: exp.Expr, escape: str) -> Condition:
        parts = _parts(node, "this", "expression", "negate")
        term, literal = self._term(parts["this"]), self._literal(parts["expression"], "the pattern of LIKE")
        self._need_column(node, term)
        if term.kind is not Kind.TEXT or not isinstance(literal.value, str):
            _refuse(f"LIKE compares text with a pattern, but here is {_named(term)}", node)
        try:
            pattern = conditions.Pattern.parsed(literal.value, escape)
        except ValueError as error:
            _refuse(str(error), parts["expression"])
        if pattern.wildcards > _MOST_WILDCARDS:
            _refuse(f"{pattern.wildcards} times % in one pattern, {_MOST_WILDCARDS} are possible", parts["expression"])
        made = conditions.IsLike(term, pattern)
        return conditions.Not(made) if parts.get("negate") else made

    def _need_column(self, node: exp.Expr, *terms: Term) -> None:
        if not any(True for term in terms for _ in term.columns()):
            _refuse("names no column, so it is the same for every record", node)

    def _unified(self, node: exp.Expr, left: Term, right: Term) -> tuple[Term, Term]:
        """Both as terms of one kind: integers beside floating point become that, text beside a date and time becomes one."""
        if left.kind is right.kind:
            return left, right
        if left.kind.is_number and right.kind.is_number:
            return _as_float(left), _as_float(right)
        for one, other in ((left, right), (right, left)):
            if one.kind is Kind.DATETIME and isinstance(other, Constant) and other.kind is Kind.TEXT:
                moment = self._moment(node, one, other)
                return (left, moment) if other is right else (moment, right)
        _refuse(f"{_named(left)} and {_named(right)} cannot be compared", node)

    def _moment(self, node: exp.Expr, term: Term, literal: Constant) -> Constant:
        try:
            return Constant(str(fitting(_MOMENT, literal.value)), Kind.DATETIME)
        except ValueError as error:
            _refuse(f"{_named(term)} and {str(literal.value)[:40]!r}: {error}", node)

    def _term(self, node: exp.Expr) -> Term:
        kind = type(node)
        if kind is exp.Paren:
            return self._term(_parts(node, "this")["this"])
        if kind is exp.Column:
            name = _parts(node, "this")["this"]
            return self._columns[name.name]
        if kind is exp.Literal:
            return self._literal(node, "")
        if kind in _ARITHMETIC:
            parts = _parts(node, "this", "expression")
            return self._arithmetic(node, _ARITHMETIC[kind], self._term(parts["this"]), self._term(parts["expression"]))
        if kind is exp.Neg:
            term = self._number(node, self._term(_parts(node, "this")["this"]), "-")
            return _folded(values.Negated(term))
        if kind is exp.Abs:
            return _folded(values.Absolute(self._number(node, self._term(_parts(node, "this")["this"]), "abs")))
        if kind is exp.Lower or kind is exp.Upper:
            return strings.Casing(self._text(node, kind.key), kind is exp.Upper)
        if kind is exp.Length:
            return strings.Length(self._text(node, "length"))
        if kind is exp.Substring:
            return self._part(node)
        if kind is exp.Coalesce:
            return self._coalesce(node)
        if kind is exp.Null:
            _refuse("nothing compares with NULL; write IS NULL or IS NOT NULL", node)
        _refuse(f"{node.key.upper()} has no place here: a column, a literal, a function or arithmetic is wanted", node)

    def _literal(self, node: exp.Expr, what: str) -> Constant:
        """A literal, with its sign where it is a number."""
        if type(node) is exp.Paren:
            return self._literal(_parts(node, "this")["this"], what)
        if type(node) is exp.Neg:
            negated = _folded(values.Negated(self._number(node, self._literal(node.this, what), "-")))
            assert isinstance(negated, Constant)
            return negated
        if type(node) is not exp.Literal:
            _refuse(f"{what} is a literal, not a column, NULL or an expression", node)
        text = node.this
        if node.is_string:
            return Constant(text, Kind.TEXT)
        if text.isdigit():
            if int(text) not in _INTEGERS:
                _refuse(f"{text} has more than 64 bits", node)
            return Constant(int(text), Kind.INTEGER)
        number = float(text)
        if not math.isfinite(number) or not Constant(number, Kind.FLOAT).span.is_safe:
            _refuse(f"{text} is beyond floating point", node)
        return Constant(number, Kind.FLOAT)

    def _number(self, node: exp.Expr, term: Term, what: str) -> Term:
        if not term.kind.is_number:
            _refuse(f"{what} takes a number, but here is {_named(term)}", node)
        return values.reckonable(term)

    def _text(self, node: exp.Expr, what: str, *more: str) -> Term:
        term = self._term(_parts(node, "this", *more)["this"])
        if term.kind is not Kind.TEXT:
            _refuse(f"{what} takes text, but here is {_named(term)}", node)
        return term

    def _arithmetic(self, node: exp.Expr, operator: str, left: Term, right: Term) -> Term:
        left, right = self._number(node, left, operator), self._number(node, right, operator)
        if operator == "%" and {left.kind, right.kind} != {Kind.INTEGER}:
            _refuse(f"% and mod take integers, but here are {_named(left)} and {_named(right)}", node)
        if operator in "/%" and isinstance(right, Constant) and not right.value:
            _refuse("division by zero", node)
        made = values.Arithmetic(operator, left, right)
        if left.kind is not right.kind or (left.kind is Kind.INTEGER and operator in "+-*" and made.span.high > 62):
            made = values.Arithmetic(operator, _as_float(left), _as_float(right))
        if not made.span.is_safe:
            _refuse("the result of this arithmetic may leave floating point", node)
        return _folded(made)

    def _part(self, node: exp.Expr) -> Term:
        term = self._text(node, "substr", "start", "length")
        numbers = []
        for name, least in (("start", 1), ("length", 0)):
            given = node.args.get(name)
            if given is None and name == "start":
                _refuse("substr takes a text, a start and a length", node)
            number = None if given is None else self._literal(given, f"the {name} of substr").value
            if number is not None and (not isinstance(number, int) or not least <= number <= _LONGEST_PART):
                _refuse(f"the {name} of substr is a number from {least} to {_LONGEST_PART}", node)
            numbers.append(number)
        start, count = numbers
        assert isinstance(start, int) and not isinstance(count, (str, float))
        return strings.Part(term, start, count)

    def _coalesce(self, node: exp.Expr) -> Term:
        parts = _parts(node, "this", "expressions")
        terms = [self._term(each) for each in (parts["this"], *parts.get("expressions", ()))]
        for _ in range(2):                      # the second time all know what the first has become
            for index in range(1, len(terms)):
                terms[0], terms[index] = self._unified(node, terms[0], terms[index])
        return terms[0] if len(terms) == 1 else values.Coalesce(tuple(terms))


def _chain(node: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a chain of ANDs, or of ORs, from left to right."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if type(one) is type(node):
            parts = _parts(one, "this", "expression")
            waiting += [parts["expression"], parts["this"]]
        else:
            yield one


def _as_float(term: Term) -> Term:
    if term.kind is Kind.FLOAT:
        return term
    if isinstance(term, Constant):
        return Constant(float(term.value), Kind.FLOAT)
    return values.AsFloat(term)


def _folded(term: Term) -> Term:
    """A constant, where the term is made of nothing else."""
    if not all(isinstance(part, Constant) for part in term.parts()):
        return term
    value = term.of(_NOBODY)
    assert value is not None
    return Constant(value, term.kind)
