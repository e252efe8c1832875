"""What is different between two sets of objects: object by object, field by field, as people read it; secrets are hidden."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Iterator

from ocs.configuration.kinds import KINDS
from ocs.configuration.model import ConfigurationObject, Form, Property, default_values, is_secret_key
from ocs.configuration.names import Index, Objects, target_kind
from ocs.options import enum_word

__all__ = ["Action", "FieldChange", "ObjectChange", "differences"]

_HIDDEN = "***"
_ORDER = {word: place for place, word in enumerate(KINDS)}


class Action(Enum):
    """What is done with an object."""
    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True)
class FieldChange:
    """One property or option, for people; an option is `options.SECTION.KEY`."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class ObjectChange:
    """`before` or `after` is None where the object comes or goes. Of one that comes or goes `fields` are those that are not as
    they are by default."""

    action: Action
    label: str
    before: ConfigurationObject | None
    after: ConfigurationObject | None
    fields: tuple[FieldChange, ...]

    @property
    def key(self) -> tuple[str, int]:
        one = self.after or self.before
        assert one is not None
        return one.key


def differences(before: Objects, after: Objects) -> list[ObjectChange]:
    """In the order of the kinds, then of the DBIDs."""
    old, new = Index(before.values()), Index(after.values())
    changes = []
    for key in sorted({*before, *after}, key=lambda each: (_ORDER[each[0]], each[1])):
        was, now = before.get(key), after.get(key)
        if was is None or now is None or not was.same_as(now):
            action = Action.CREATED if was is None else Action.REMOVED if now is None else Action.CHANGED
            label = (old if now is None else new).label(*key)
            changes.append(ObjectChange(action, label, was, now, tuple(_fields(key[0], was, now, old, new))))
    return changes


def _fields(word: str, was: ConfigurationObject | None, now: ConfigurationObject | None, old: Index, new: Index
            ) -> Iterator[FieldChange]:
    kind, nothing = KINDS[word], ConfigurationObject(word, 0, default_values(KINDS[word]))
    before, after = was or nothing, now or nothing
    for one in kind.properties:
        if before[one.name] != after[one.name]:
            if isinstance(one, Property) and one.secret:
                texts = tuple(_HIDDEN if each[one.name] else "" for each in (before, after))
            else:
                texts = _text(before, one.name, old), _text(after, one.name, new)
            yield FieldChange(one.name, *texts)
    for section, key in sorted({*before.options, *after.options}):
        texts = before.options.get((section, key), ""), after.options.get((section, key), "")
        if ((section, key) in before.options) != ((section, key) in after.options) or texts[0] != texts[1]:
            if is_secret_key(key):
                texts = tuple(_HIDDEN if text else "" for text in texts)
            yield FieldChange(f"options.{section}.{key}", *texts)


def _text(one: ConfigurationObject, name: str, index: Index) -> str:
    declared, value = KINDS[one.kind][name], one[name]
    if isinstance(declared, Property):
        return _cell(one, declared, value, index)
    return ", ".join(" ".join(_cell(one, column, cell, index) for column, cell in zip(
        declared.columns, (row,) if declared.single else row)) for row in value)


def _cell(one: ConfigurationObject, column: Property, value: Any, index: Index) -> str:
    if value is None:
        return ""
    if column.secret:
        return _HIDDEN if value else ""
    if column.form is Form.REFERENCE:
        kind = target_kind(one, column)
        return index.reference(kind, value) if (kind, value) in index else f"#{value}"
    if column.members is not None:
        return enum_word(column.members(value))
    if column.form is Form.FLAG:
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
