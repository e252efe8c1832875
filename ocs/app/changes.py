"""What a new configuration changes: option by option, with the time at which each takes effect.

Elements of arrays are known by their names, so one that comes or goes does not look like a change of all behind it.
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence, TypeVar

from ocs.options import AT_RESTART

__all__ = ["Change", "applicable", "changes"]

_Options = TypeVar("_Options")


@dataclass(frozen=True)
class Change:
    """One option that differs; secrets are not shown. An element of an array that comes or goes is one change."""

    option: str
    old: Any
    new: Any
    effect: str


def changes(old: Any, new: Any, section: str = "", effect: str = AT_RESTART) -> Iterator[Change]:
    """Every difference between two values of one table of options, whose own options take effect so."""
    for field in dataclasses.fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        name, rule = f"{section}.{field.name}" if section else field.name, field.metadata.get("rule")
        if before == after:
            continue
        if rule is not None:
            yield Change(name, "***" if rule.secret else before, "***" if rule.secret else after,
                         rule.effect or effect)
        elif dataclasses.is_dataclass(before):
            yield from changes(before, after, name, field.metadata["effect"] or effect)
        else:
            yield from _of_elements(_named(before), _named(after), name, field.metadata["effect"] or effect)


def _of_elements(before: Mapping[Any, Any], after: Mapping[Any, Any], name: str, effect: str) -> Iterator[Change]:
    for key, element in after.items():
        if key not in before:
            yield Change(f"{name}[{key}]", None, "added", effect)
        elif before[key] != element:
            yield from changes(before[key], element, f"{name}[{key}]", effect)
    yield from (Change(f"{name}[{key}]", None, "removed", effect) for key in before if key not in after)


def applicable(old: _Options, new: _Options, effect: str = AT_RESTART) -> _Options:
    """The new options, but for those that take effect at a restart only: these stay as they are."""
    values = {}
    for field in dataclasses.fields(old):       # type: ignore[arg-type]
        before, after, rule = getattr(old, field.name), getattr(new, field.name), field.metadata.get("rule")
        if rule is not None:
            values[field.name] = before if (rule.effect or effect) == AT_RESTART else after
        elif dataclasses.is_dataclass(before):
            values[field.name] = applicable(before, after, field.metadata["effect"] or effect)
        else:
            values[field.name] = _applicable_elements(_named(before), _named(after), field.metadata["effect"] or effect)
    return type(old)(**values)


def _applicable_elements(before: Mapping[Any, Any], after: Mapping[Any, Any], effect: str) -> tuple[Any, ...]:
    if effect == AT_RESTART:
        return tuple(applicable(old, after.get(key, old), effect) for key, old in before.items())
    return tuple(applicable(before.get(key, new), new, effect) for key, new in after.items())


def _named(elements: Sequence[Any]) -> dict[Any, Any]:
    """The elements by name, or by place (from 1) where they have none of their own."""
    names = [getattr(each, "name", None) or getattr(each, "list", None) for each in elements]
    keys: Sequence[Any] = names if all(names) and len(set(names)) == len(names) else range(1, len(elements) + 1)
    return dict(zip(keys, elements))
