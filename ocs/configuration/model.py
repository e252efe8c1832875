"""What a configuration is made of: kinds of objects, their properties, and objects as frozen values.

An object is known by its kind and its DBID; people know it by its label, `campaign[renewals]`. A property is declared once,
with the name that it has in files, its public name, and what may stand in it; tables, files, checks, history and the reference
page all follow the declaration. A reference is the DBID of the object that it names.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, Iterator, Mapping, Union

__all__ = ["LONGEST_NAME", "ConfigurationObject", "Form", "Kind", "Options", "Property", "Rows", "Value", "default_value",
           "default_values", "is_secret_key"]

Value = Union[int, float, str, None, tuple[Any, ...]]
Options = Mapping[tuple[str, str], str]             # (section, key) -> value
LONGEST_NAME = 255


class Form(Enum):
    """What a property holds."""
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"               # of any length
    NAME = "name"               # up to 255 characters
    FLAG = "flag"
    MEMBER = "member"           # of an enumeration
    REFERENCE = "reference"     # the DBID of another object, or none


@dataclass(frozen=True)
class Property:
    """One value of an object. `refers` names the kinds of a reference's objects; where there are several, the property
    `decides` has the number of the kind."""

    name: str                           # in files
    form: Form
    public: str = ""                    # the public name; "" where it is ours
    column: str = ""                    # in the database; "" = as the name
    text: str = ""
    default: Any = None                 # of a MEMBER: a member
    required: bool = False
    low: float | None = None
    high: float | None = None
    unit: str = ""
    members: type[IntEnum] | None = None
    refers: tuple[str, ...] = ()
    decides: str = ""
    secret: bool = False

    @property
    def in_table(self) -> str:
        """The column."""
        return self.column or (f"{self.name}_dbid" if self.form is Form.REFERENCE else self.name)

    @property
    def longest(self) -> int | None:
        """Characters at most."""
        return LONGEST_NAME if self.form is Form.NAME else None


@dataclass(frozen=True)
class Rows:
    """A property with several values, each of one or more columns, in order; a table of its own. The value of one column is a
    tuple of them, that of several a tuple of tuples."""

    name: str
    table: str
    columns: tuple[Property, ...]
    public: str = ""
    text: str = ""

    @property
    def single(self) -> bool:
        return len(self.columns) == 1


@dataclass(frozen=True)
class Kind:
    """A kind of objects. `word` is its table in files."""

    word: str
    number: int                         # public object type; from 1001 on: ours
    table: str
    title: str                          # for people
    properties: tuple[Property | Rows, ...]
    public: str = ""                    # public name of the type; "" where it is ours
    naming: str = "name"                # the property by which people know the object
    scope: str = ""                     # the property (a reference, or an enumeration) within which that is unique
    has_tenant: bool = True
    shared: bool = False                # known to all tenants, so that its name counts among all

    def __getitem__(self, name: str) -> Property | Rows:
        return next(one for one in self.properties if one.name == name)

    def __contains__(self, name: object) -> bool:
        return any(one.name == name for one in self.properties)

    @property
    def plain(self) -> tuple[Property, ...]:
        """The properties that are columns of the kind's own table."""
        return tuple(one for one in self.properties if isinstance(one, Property))

    @property
    def rows(self) -> tuple[Rows, ...]:
        """The properties that are tables of their own."""
        return tuple(one for one in self.properties if isinstance(one, Rows))

    def references(self) -> Iterator[tuple[str, Property]]:
        """Every reference, with the name of the property in which it stands."""
        for one in self.properties:
            for column in (one,) if isinstance(one, Property) else one.columns:
                if column.form is Form.REFERENCE:
                    yield one.name, column


@dataclass(frozen=True)
class ConfigurationObject:
    """One object. `values` has every property of its kind; `version` counts the changes of the object, 0 = in no database."""

    kind: str
    dbid: int
    values: Mapping[str, Value]
    options: Options = field(default_factory=dict)
    version: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def key(self) -> tuple[str, int]:
        return self.kind, self.dbid

    @property
    def tenant(self) -> int | None:
        """The DBID of its tenant."""
        tenant: Any = self.values.get("tenant")
        return tenant if isinstance(tenant, int) else None

    def same_as(self, other: ConfigurationObject) -> bool:
        """Whether everything but the version is the same."""
        return (self.key, dict(self.values), dict(self.options)) == (other.key, dict(other.values), dict(other.options))


def is_secret_key(key: str) -> bool:
    """Whether an option is a secret, by its name."""
    return any(word in key.casefold() for word in ("password", "secret"))


def default_values(kind: Kind) -> dict[str, Value]:
    """What the properties are where nothing is said."""
    return {one.name: () if isinstance(one, Rows) else default_value(one) for one in kind.properties}


def default_value(one: Property) -> Value:
    """What one property is where nothing is said."""
    if one.form in (Form.TEXT, Form.NAME):
        return one.default or ""
    if one.form is Form.MEMBER and one.default is not None:
        return int(one.default)
    value: Value = one.default
    return bool(value) if one.form is Form.FLAG else value
