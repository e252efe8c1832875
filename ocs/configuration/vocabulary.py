"""How files speak of objects: option tables for each kind, and texts of options.

The server's own tables (`[[campaign_group]]` ...) are the bases: what the kind has no property for is an option of the object,
with the name of the table's field as its key, in section `OCServer`, unless the vocabulary says otherwise.
"""
from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Mapping

from ocs.configuration.kinds import KINDS
from ocs.configuration.lookup import ORDINARY
from ocs.configuration.model import Form, Kind, Property, Rows, default_value
from ocs.errors import ConfigurationError
from ocs.numbered import NumberedText, stem
from ocs.options import REQUIRED, enum_word, load, option, table

__all__ = ["Vocabulary", "decode", "encode", "plain_type", "plain_value"]

LARGEST_DBID = 2 ** 53
_TYPES: Mapping[Form, Any] = {Form.INTEGER: int, Form.NUMBER: float, Form.TEXT: str, Form.NAME: str, Form.FLAG: bool,
                              Form.REFERENCE: str}
_YES, _NO = ("true", "yes"), ("false", "no")


@dataclass(frozen=True)
class Vocabulary:
    """`bases`: kind -> option table. `keys`: (kind, field) -> (section, key) of options that are called otherwise in the
    database. `apart`: (kind, field) of what a base has that is neither a property nor an option. `server`: tables of a server's
    file that are no objects."""

    bases: Mapping[str, type] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    apart: frozenset[tuple[str, str]] = frozenset()
    server: frozenset[str] = frozenset()

    @cached_property
    def elements(self) -> Mapping[str, type]:
        """The option table of an element of each kind in files: its properties, and its base's options."""
        return {word: self._element(kind) for word, kind in KINDS.items()}

    @cached_property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """kind -> field -> type, of what is an option."""
        return {word: {name: hint for name, hint in typing.get_type_hints(self.bases[word]).items()
                       if self._is_option(KINDS[word], name)} if word in self.bases else {} for word in KINDS}

    @cached_property
    def _fields(self) -> Mapping[tuple[str, str, str], str]:
        return {(kind, *self.place(kind, name)): name for kind, names in self.options.items() for name in names}

    def _is_option(self, kind: Kind, name: str) -> bool:
        return name != "dbid" and name not in kind and (kind.word, name) not in self.apart

    def place(self, kind: str, name: str) -> tuple[str, str]:
        """Section and key of the option that a file calls `name`."""
        first = name if name in self.options[kind] else stem(name)
        section, key = self.keys.get((kind, first), (ORDINARY, first))
        return section, key + name[len(first):]

    def name(self, kind: str, section: str, key: str) -> str | None:
        """What files call the option; None for one that is known there by section and key only."""
        known = self._fields.get((kind, section, key))
        if known is None and stem(key) != key:
            known = self._fields.get((kind, section, stem(key)))
            if known is None or self.options[kind][known] is not NumberedText:
                return None
            return known + key[len(stem(key)):]
        return known

    def hint(self, kind: str, name: str) -> Any:
        """The type of an option by its name in files."""
        known = self.options[kind]
        return known[name] if name in known else known[stem(name)]

    def shown(self, kind: str, section: str, key: str) -> str:
        """An option for people: its name in files, else section and key."""
        return self.name(kind, section, key) or f"options.{section}.{key}"

    def fault(self, kind: str, name: str, text: str) -> str | None:
        """Why a text cannot be the value of an option."""
        known = name if name in self.options[kind] else stem(name)
        whole = next(one for one in dataclasses.fields(self.bases[kind]) if one.name == known)
        alone = dataclasses.make_dataclass("_Alone", [(known, self.hint(kind, name), dataclasses.field(
            default=whole.default, kw_only=True, metadata=whole.metadata))], frozen=True)
        try:
            load(alone, {known: decode(text, self.hint(kind, name))})
        except ValueError as error:
            return f"{error}, not {text!r}"
        except ConfigurationError as error:
            return error.problems[0].partition(": ")[2]
        return None

    def _element(self, kind: Kind) -> type:
        base = self.bases.get(kind.word)
        known = {} if base is None else {one.name: one for one in dataclasses.fields(base)}
        made = [("dbid", int, option(0, low=1, high=LARGEST_DBID, text="Number, unique among its kind; one is chosen where none"
                                                                       " is given."))]
        for one in kind.properties:
            if one.name not in known:
                made.append(_field(one))
            elif isinstance(one, Rows) and _is_required(known[one.name]):
                made.append((one.name, tuple[str, ...], option((), text=one.text)))             # type: ignore
        return dataclasses.make_dataclass(f"{kind.word}_element", made, bases=() if base is None else (base,), frozen=True)


def _is_required(one: Any) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _field(one: Property | Rows) -> Any:
    if isinstance(one, Property):
        return one.name, _type(one), _option(one)
    if one.single:
        return one.name, tuple[str, ...], option((), text=one.text)
    row = dataclasses.make_dataclass(f"{one.name}_row", [(each.name, _type(each), _option(each)) for each in one.columns],
                                     frozen=True)
    return one.name, tuple[row, ...], table(text=one.text)      # type: ignore


def _type(one: Property) -> Any:
    if one.form is Form.MEMBER:
        assert one.members is not None
        return one.members if one.default is not None else one.members | None
    return _TYPES[one.form]


def _option(one: Property) -> Any:
    default: Any = one.default if one.form is Form.MEMBER else default_value(one)
    if one.form is Form.REFERENCE:
        default = ""
    return option(REQUIRED if one.required else default, text=one.text, unit=one.unit, low=one.low, high=one.high,
                  secret=one.secret)


def encode(value: Any) -> str:
    """A value of an option as the database has it."""
    if isinstance(value, bool):
        return _YES[0] if value else _NO[0]
    if isinstance(value, Enum):
        return enum_word(value)
    if isinstance(value, tuple):
        return json.dumps(list(value), ensure_ascii=False)
    return "" if value is None else str(value)


def decode(text: str, hint: Any) -> Any:
    """The value that a text gives an option of this type, as a file would; ValueError says what was expected."""
    kind = plain_type(hint)
    if kind is bool:
        word = text.strip().casefold()
        if word not in _YES + _NO:
            raise ValueError("true or false is expected")
        return word in _YES
    if kind is tuple:
        return _strings(text)
    if kind is int:
        return _number(text, int, "a whole number is expected")
    if kind is float:
        return _number(text, float, "a number is expected")
    if isinstance(kind, type) and issubclass(kind, IntEnum) and text.strip().isdecimal():
        return int(text)
    return text


def _strings(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("an array of strings is expected")
    return value


def _number(text: str, kind: type, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(expected) from None
    if not math.isfinite(value):
        raise ValueError(expected)
    return value


def plain_type(hint: Any) -> Any:
    """The type behind `X | None` and `tuple[str, ...]`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return typing.get_origin(hint) or hint


def plain_value(value: Any, one: Property) -> Any:
    """A value that was read from a file as objects have it; a reference is still the text that names its object."""
    if value is None:
        return None if one.form is Form.MEMBER else ""
    if isinstance(value, Enum):
        if isinstance(value, IntEnum):
            return int(value)
        if one.members is not None:
            return int(next(each for each in one.members if enum_word(each) == enum_word(value)))
        return enum_word(value)
    return str(value) if isinstance(value, (Path, str)) else value
