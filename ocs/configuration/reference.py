"""The page of all kinds of objects: what they are called in files, in the public model, and in the database."""
from __future__ import annotations

from typing import Iterator

from ocs.configuration.kinds import KINDS
from ocs.configuration.model import Form, Kind, Property, Rows
from ocs.configuration.vocabulary import Vocabulary, plain_type
from ocs.numbered import NumberedText
from ocs.options import enum_word

__all__ = ["object_reference"]

_TITLE = """# Objects of the Configuration Database

Every kind of objects, with its properties: their names in files, their public names, and the columns that have them. How to work
with them is in [configuration-database.md](configuration-database.md). What a kind has no property for is an option: the
names of a server's own tables ([configuration.md](configuration.md)) are those of options, too. This page is what
`ocs config reference --objects` prints.

Every object has a `dbid` besides, unique among its kind (one is chosen, from 101 on, where a file gives none), a table `options`
(`[KIND.options.SECTION]`, key = value), and in the database an `object_version`. A reference is the name of another object in a
file and its DBID in the database. Enumerations are words or public numbers in files, numbers in the database; flags are 1 (no)
and 2 (yes) there.
"""
_LISTED = 12


def object_reference(vocabulary: Vocabulary) -> str:
    """The page, as Markdown."""
    lines = [_TITLE]
    for kind in KINDS.values():
        lines += [f"## [[{kind.word}]]", "", _heading(kind), "",
                  "| in files | public name | column | holds | default | meaning |", "|---|---|---|---|---|---|",
                  *_rows(kind), ""]
        options = list(_options(kind, vocabulary))
        if options:
            lines += ["Options:", "", "| in files | section and key | holds |", "|---|---|---|", *options, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _heading(kind: Kind) -> str:
    known = f"{kind.public}, object type {kind.number}" if kind.public else f"ours, object type {kind.number}"
    return f"{kind.title[0].upper()}{kind.title[1:]} ({known}), table `{kind.table}`."


def _rows(kind: Kind) -> Iterator[str]:
    for one in kind.properties:
        if isinstance(one, Property):
            default = "required" if one.required else _default(one)
            yield f"| `{one.name}` | {one.public} | `{one.in_table}` | {_holds(one)} | {default} | {one.text} |"
        else:
            columns = ", ".join(f"`{column.in_table}`" for column in one.columns)
            yield f"| `{one.name}` | {one.public} | table `{one.table}`: {columns} | {_many(one)} | | {one.text} |"


def _holds(one: Property) -> str:
    if one.form is Form.REFERENCE:
        return " or ".join(KINDS[word].title for word in one.refers)
    if one.members is not None:
        words = [f"{enum_word(each)} ({int(each)})" for each in one.members]
        return ", ".join(words) if len(words) <= _LISTED else f"{', '.join(words[:_LISTED])} and {len(words) - _LISTED} more"
    span = ""
    if one.form in (Form.INTEGER, Form.NUMBER) and one.high is not None and one.high < 2_147_483_647:
        span = f", {one.low:g} to {one.high:g}"
    return f"{_FORMS[one.form]}{span}{f' {one.unit}' if one.unit else ''}" + (", secret" if one.secret else "")


_FORMS = {Form.INTEGER: "whole number", Form.NUMBER: "number", Form.TEXT: "text", Form.NAME: "text up to 255", Form.FLAG: "flag"}


def _many(one: Rows) -> str:
    return f"several: {', '.join(_holds(column) for column in one.columns)}"


def _default(one: Property) -> str:
    if one.members is not None:
        return "" if one.default is None else enum_word(one.default)
    if one.form is Form.FLAG:
        return "true" if one.default else "false"
    return "" if one.default in (None, "") else f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def _options(kind: Kind, vocabulary: Vocabulary) -> Iterator[str]:
    for name, hint in vocabulary.options[kind.word].items():
        section, key = vocabulary.place(kind.word, name)
        kept = plain_type(hint)
        held = "text, goes on in NAME1, NAME2 ..." if kept is NumberedText else _HINTS.get(kept, "word")
        yield f"| `{name}` | `{section}` / `{key}` | {held} |"


_HINTS = {bool: "true or false", int: "whole number", float: "number", str: "text", tuple: "array of texts"}
