"""The user-defined part of a calling list's format: fields as an administrator writes them, as columns of the list's table,
and as rows of the registry.

A definition reads like a column in SQL:

    NAME TYPE[(LENGTH)] [NOT NULL] [DEFAULT VALUE] [SEND KEY | UNSENT] [SECURE] [ICON NUMBER]

`balance float not null default 0`, `since datetime`, `'full name' varchar(80)` is none (a name is letters, digits and
underscores). Without SEND agents get the field under its own name; without ICON 1 or ICON 2 it is not reported. Words are
taken in any case; a value with blanks stands in quotation marks.
"""
from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any, Sequence

from sqlalchemy import CHAR, BigInteger, Column, DateTime, Double, String, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from ocs.dialing.custom_fields import FIELD_TYPES, as_text, checked_field, fitting
from ocs.dialing.values import CustomField
from ocs.errors import OCSError

__all__ = ["AddColumn", "REGISTRY_COLUMNS", "column", "field_of", "read_field", "registry_row", "typed_fields"]

REGISTRY_COLUMNS = ("name", "type", "length", "send_attribute", "secure", "nullable", "default_value", "icon_attribute")
_TYPE = re.compile(r"([A-Za-z]+)(?:\((\d{1,5})\))?", re.ASCII)
_DEFAULT_LENGTHS = {"char": 1, "varchar": 255}


def read_field(definition: str) -> CustomField:
    """The field that a definition describes. Raises ValueError, which says what is wrong and quotes the word."""
    spaced = re.sub(r"\s*\(\s*(\d+)\s*\)", r"(\1)", definition)
    try:
        words = shlex.split(spaced)
    except ValueError:
        raise ValueError(f"field {definition[:80]!r}: a quotation mark is not closed") from None
    if len(words) < 2:
        raise ValueError(f"field {definition[:80]!r}: a field is NAME TYPE, such as `balance float`")
    name, kind, rest = words[0], _TYPE.fullmatch(words[1]), words[2:]
    if kind is None or kind[1].lower() not in FIELD_TYPES:
        raise ValueError(f"field {name!r}: {words[1]!r} is not a type; there are {', '.join(FIELD_TYPES)}")
    type_ = kind[1].lower()
    if kind[2] is not None and type_ not in _DEFAULT_LENGTHS:
        raise ValueError(f"field {name!r}: a length is for char and varchar, not for {type_}")
    given: dict[str, Any] = {"send_attribute": name}
    default: str | None = None
    while rest:
        word, rest = rest[0].upper(), rest[1:]
        if word in ("SECURE", "UNSENT"):
            given.update({"secure": True} if word == "SECURE" else {"send_attribute": ""})
        elif word == "NOT" and rest and rest[0].upper() == "NULL":
            given["nullable"], rest = False, rest[1:]
        elif word == "NULL":
            given["nullable"] = True
        elif word in ("DEFAULT", "SEND", "ICON"):
            if not rest:
                raise ValueError(f"field {name!r}: nothing stands behind {word}")
            if word == "SEND":
                given["send_attribute"] = rest[0]
            elif word == "ICON":
                given["icon_attribute"] = _icon_attribute(name, rest[0])
            else:
                default = rest[0]
            rest = rest[1:]
        else:
            raise ValueError(f"field {name!r}: {word[:40]!r} is not known; there are NOT NULL, DEFAULT, SEND, UNSENT,"
                             " SECURE, ICON")
    field = CustomField(name, type_, int(kind[2] or _DEFAULT_LENGTHS.get(type_, 255)), **given)
    return checked_field(replace(field, default=default))


def _icon_attribute(name: str, text: str) -> int:
    if text not in ("0", "1", "2"):
        raise ValueError(f"field {name!r}: {text[:40]!r} stands behind ICON; there are 0 (not reported), 1 and 2 (secure)")
    return int(text)


def column(field: CustomField) -> Column[Any]:
    """The field as a column of a list's table. Raises ValueError for a definition that cannot be."""
    field = checked_field(field)
    default: Any = None
    if field.default is not None:
        default = text(as_text(field.default)) if field.type in ("int", "float") else str(field.default)
    return Column(field.name, _type(field), nullable=field.nullable, server_default=default)


class AddColumn(ExecutableDDLElement):
    """ALTER TABLE ... ADD COLUMN, for a column of a table."""

    def __init__(self, added: Column[Any]) -> None:
        self.added = added


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: DDLCompiler, **options: Any) -> str:
    table = compiler.preparer.format_table(element.added.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.added)}"


def _type(field: CustomField) -> TypeEngine[Any]:
    types: dict[str, TypeEngine[Any]] = {
        "int": BigInteger(), "float": Double(), "char": CHAR(field.length), "varchar": String(field.length),
        "datetime": DateTime()}
    return types[field.type]


def typed_fields(in_file: Sequence[CustomField], defined: Sequence[CustomField],
                 existing: Sequence[CustomField] = ()) -> tuple[tuple[CustomField, ...], tuple[CustomField, ...]]:
    """The fields of a file's columns as the list has them or is to have them, and the fields that the list gets beside
    these. A column is what the list has under its name, else what is `defined`, else what it is in the file. Raises OCSError
    for a field that is defined twice, or otherwise than the list has it, and where the list needs a value that neither the
    file nor a default gives."""
    known, wanted = ({field.name.lower(): field for field in fields} for fields in (existing, defined))
    if len(wanted) < len(defined):
        raise OCSError("a field is defined twice")
    for name, field in wanted.items():
        if name in known and known[name] != field:
            raise OCSError(f"field {field.name!r} is in the calling list already, and is not what is defined for it")
    columns = tuple(known.get(field.name.lower(), wanted.get(field.name.lower(), field)) for field in in_file)
    there = {field.name.lower() for field in columns}
    for field in {**known, **wanted}.values():
        if not field.nullable and field.default is None and field.name.lower() not in there:
            raise OCSError(f"field {field.name!r} needs a value in every record, but the file has no column for it")
    return columns, tuple(field for name, field in wanted.items() if name not in there and name not in known)


def registry_row(field: CustomField) -> dict[str, Any]:
    """The field as the registry keeps it: REGISTRY_COLUMNS and their values."""
    return {"name": field.name, "type": field.type, "length": field.length, "send_attribute": field.send_attribute,
            "secure": int(field.secure), "nullable": int(field.nullable),
            "default_value": None if field.default is None else as_text(field.default),
            "icon_attribute": field.icon_attribute}


def field_of(row: Sequence[Any]) -> CustomField:
    """The field of a row of REGISTRY_COLUMNS."""
    name, type_, length, send_attribute, secure, nullable, default, icon_attribute = row
    field = CustomField(name, type_, length, send_attribute, bool(secure), bool(nullable), icon_attribute=icon_attribute)
    return field if default is None else replace(field, default=fitting(field, default))
