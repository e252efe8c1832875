"""The first sieve of a dialing filter: its words, before any grammar. What passes is made of operators, literals, names of
the list's own columns and names of known functions; nothing else reaches the parser.

Column names leave here as quoted identifiers, so that one which is a word of SQL elsewhere (`date`, `comment`) is a name
to the parser and nothing else.
"""
from __future__ import annotations

import re
from typing import Collection, Mapping, Sequence

from sqlglot import Dialect, Token, TokenType
from sqlglot.errors import TokenError

from ocs.errors import FilterError

__all__ = ["Grammar", "LONGEST", "MOST_WORDS", "checked_words"]

LONGEST = 8_192             # characters
MOST_WORDS = 1_000
DEEPEST = 16                # brackets in brackets
_MOST_SIGNS = 3             # NOT, - and + in a row

_T = TokenType
_OPERATORS = {      # each kind of word with its spellings; the library knows more of them
    _T.L_PAREN: "(", _T.R_PAREN: ")", _T.COMMA: ",", _T.AND: "AND", _T.OR: "OR", _T.NOT: "NOT", _T.EQ: "= ==", _T.NEQ: "<> !=",
    _T.LT: "<", _T.LTE: "<=", _T.GT: ">", _T.GTE: ">=", _T.IN: "IN", _T.BETWEEN: "BETWEEN", _T.LIKE: "LIKE", _T.IS: "IS",
    _T.NULL: "NULL", _T.ESCAPE: "ESCAPE", _T.PLUS: "+", _T.DASH: "-", _T.STAR: "*", _T.SLASH: "/", _T.MOD: "%",
}
_SIGNS = {_T.NOT, _T.PLUS, _T.DASH}
_NUMBER = re.compile(r"\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_OTHERS = {     # what people try, and what they can do instead
    _T.SEMICOLON: "a filter is one expression; `;` is not possible",
    _T.DOT: "a name is a column alone; names of tables and schemas are not possible",
    _T.PLACEHOLDER: "placeholders are not possible",
    _T.PARAMETER: "placeholders are not possible",
    _T.COLON: "placeholders are not possible",
    _T.ILIKE: "ILIKE is not possible; use lower(...) LIKE",
    _T.TRUE: "TRUE is not possible; compare a column with a literal",
    _T.FALSE: "FALSE is not possible; compare a column with a literal",
}


class Grammar(Dialect):
    """The SQL of filters: sqlglot's own, but that records without a value come last in an order that says nothing."""

    NULL_ORDERING = "nulls_are_last"


def checked_words(text: str, columns: Mapping[str, str], functions: Collection[str], order: bool) -> list[Token]:
    """The words of `text`. `columns` gives each column's name under its name in lower case; `functions` are in upper case;
    `order` says that ASC, DESC and NULLS FIRST are words too. Raises FilterError for any other word."""
    if len(text) > LONGEST:
        raise FilterError(f"{len(text)} characters long, {LONGEST} are possible")
    odd = _CONTROL.search(text)
    if odd is not None:
        raise FilterError(f"the character {ascii(odd[0])} is not possible", odd.start())
    try:
        words = Grammar().tokenize(text)
    except TokenError:
        raise FilterError("a quotation mark or a comment is not closed") from None
    for word in words:
        if word.comments:
            raise FilterError("comments are not possible", word.start)
    if not words:
        raise FilterError("comments are not possible" if text.strip() else "is empty")
    if len(words) > MOST_WORDS:
        raise FilterError(f"{len(words)} words long, {MOST_WORDS} are possible")
    _check_depth(words)
    taken: list[Token] = []
    unknown: FilterError | None = None
    for before, word, after in zip([None, *words], words, [*words[1:], None]):
        try:
            taken.append(_checked(word, before, after, columns, functions, order))
        except FilterError as error:
            if not error.unknown_column:
                raise
            unknown = unknown or error      # what no list can have is told first
    if unknown is not None:
        raise unknown
    return taken


def _check_depth(words: Sequence[Token]) -> None:
    depth = signs = 0
    for word in words:
        depth += (word.token_type is _T.L_PAREN) - (word.token_type is _T.R_PAREN)
        signs = signs + 1 if word.token_type in _SIGNS else 0
        if depth > DEEPEST:
            raise FilterError(f"more than {DEEPEST} brackets within each other", word.start)
        if signs > _MOST_SIGNS:
            raise FilterError(f"more than {_MOST_SIGNS} signs in a row", word.start)


def _checked(word: Token, before: Token | None, after: Token | None, columns: Mapping[str, str],
             functions: Collection[str], order: bool) -> Token:
    called = after is not None and after.token_type is _T.L_PAREN
    kind, text = word.token_type, word.text
    if kind is _T.NUMBER:
        if _NUMBER.fullmatch(text) is None:
            raise FilterError(f"{text[:40]!r} is not a number", word.start)
        return word
    if kind is _T.STRING or text.upper() in _OPERATORS.get(kind, "").split():
        return word
    if kind is _T.IDENTIFIER:
        if text not in columns.values() or called:
            raise FilterError(f"no column \"{text[:64]}\" in this calling list", word.start, unknown_column=True)
        return word
    if order and _is_order_word(text.upper(), "" if before is None else before.text.upper()):
        return word
    if called and text.upper() in functions:
        return _as(word, _T.VAR, text.upper())
    if not called and text.lower() in columns:
        return _as(word, _T.IDENTIFIER, columns[text.lower()])
    if kind is _T.DOT and after is not None and after.token_type is _T.NUMBER:
        raise FilterError(f"write 0.{after.text}, with a digit before the point", word.start)
    if kind in _OTHERS:
        raise FilterError(_OTHERS[kind], word.start)
    if after is not None and after.token_type is _T.DOT:
        raise FilterError(_OTHERS[_T.DOT], word.start)
    if not re.fullmatch(r"\w+", text):
        raise FilterError(f"{text[:64]!r} is not possible in a filter", word.start)
    if called:
        raise FilterError(f"the function {text[:64]!r} is not possible in a filter; possible are "
                          f"{', '.join(sorted(functions)).lower()}", word.start)
    if kind is not _T.VAR:
        raise FilterError(f"{text[:64]!r} is no column of this calling list, and no other word of a filter", word.start,
                          unknown_column=True)
    raise FilterError(f"no column {text[:64]!r} in this calling list; its columns are {_listed(columns)}", word.start,
                      unknown_column=True)


def _is_order_word(text: str, before: str) -> bool:
    """Whether it belongs to a key of the order; columns may be called `first` and `last`."""
    return text in ("ASC", "DESC", "NULLS") or (text in ("FIRST", "LAST") and before == "NULLS")


def _as(word: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, word.line, word.col, word.start, word.end)


def _listed(columns: Mapping[str, str], most: int = 60) -> str:
    names = sorted(columns.values())
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
