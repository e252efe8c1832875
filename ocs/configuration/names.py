"""How people name objects: `campaign[renewals]`, a DN `7001` or `7001@north`, a campaign group `renewals@outbound`.

The name of a DN, an agent login and a field counts within its switch, or its meaning. Where it is the only one of that name it
stands alone; otherwise what it counts within stands behind an @.
"""
from __future__ import annotations

from collections import defaultdict
from typing import Iterable, Iterator, Mapping

from ocs.configuration.kinds import GROUP_KINDS, KINDS
from ocs.configuration.model import ConfigurationObject, Form, Property
from ocs.options import enum_word

__all__ = ["Ambiguous", "Index", "Objects", "target_kind"]

Objects = Mapping[tuple[str, int], ConfigurationObject]         # by kind and DBID


class Ambiguous(LookupError):
    """A name that several objects have; `names` tells them apart."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def target_kind(one: ConfigurationObject, column: Property) -> str:
    """The kind of the objects that a reference of `one` may name now."""
    if column.decides:
        return GROUP_KINDS[int(one[column.decides])]
    return column.refers[0]


class Index:
    """Objects by their names. An object may be entered before it is made."""

    def __init__(self, objects: Iterable[ConfigurationObject] = ()) -> None:
        self._named: dict[tuple[str, str], list[tuple[str, int | None, int]]] = defaultdict(list)   # -> (scope, tenant, DBID)
        self._names: dict[tuple[str, int], tuple[str, str]] = {}                                    # -> (name, scope)
        objects = sorted(objects, key=lambda one: bool(KINDS[one.kind].scope))      # a DN's scope is the name of its switch
        for one in objects:
            self.enter(one.kind, one.dbid, *self.name_of(one), one.tenant)

    def name_of(self, one: ConfigurationObject) -> tuple[str, str]:
        """Its name, and what that counts within ("" = nothing), as the objects that were entered are called."""
        kind = KINDS[one.kind]
        return self._text(one, kind.naming), self._text(one, kind.scope) if kind.scope else ""

    def _text(self, one: ConfigurationObject, name: str) -> str:
        value, declared = one[name], KINDS[one.kind][name]
        assert isinstance(declared, Property)
        if declared.form is Form.REFERENCE:
            return self._names.get((target_kind(one, declared), value), ("", ""))[0]
        if declared.members is not None:
            return enum_word(declared.members(value))
        return str(value)

    def enter(self, kind: str, dbid: int, name: str, scope: str = "", tenant: int | None = None) -> None:
        """From now on it is found by this name, and by no other."""
        known = self._names.get((kind, dbid))
        if known is not None:
            self._named[kind, known[0]] = [each for each in self._named[kind, known[0]] if each[2] != dbid]
        self._names[kind, dbid] = name, scope
        self._named[kind, name].append((scope, tenant, dbid))

    def exact(self, kind: str, name: str, scope: str = "", tenant: int | None = None) -> int | None:
        """The DBID of the object of this name and scope that the tenant has, or that all know."""
        known = KINDS[kind].shared
        found = [dbid for within, whose, dbid in self._named[kind, name] if within == scope and (known or tenant == whose)]
        return found[0] if found else None

    def find(self, kind: str, text: str, tenant: int | None = None) -> int | None:
        """The DBID of what a reference names, None where there is nothing of that name; a tenant's own objects go first.
        Raises Ambiguous."""
        name, at, scope = text.rpartition("@")
        for found in (([each for each in self._named[kind, name] if each[0] == scope] if at and KINDS[kind].scope else []),
                      self._named[kind, text]):
            mine = [each for each in found if each[1] == tenant] or found
            if len(mine) > 1:
                raise Ambiguous([f"{text}@{each[0]}" for each in mine if each[0]] or [text] * len(mine))
            if mine:
                return mine[0][2]
        return None

    def reference(self, kind: str, dbid: int, tenant: int | None = None) -> str:
        """What to write for a reference to this object, so that `find` finds it."""
        name, scope = self._names[kind, dbid]
        try:
            if self.find(kind, name, tenant) == dbid:
                return name
        except Ambiguous:
            pass
        return f"{name}@{scope}" if scope else name

    def dbids(self, kind: str) -> list[int]:
        """Those that were entered, ascending."""
        return sorted(dbid for word, dbid in self._names if word == kind)

    def label(self, kind: str, dbid: int) -> str:
        """For messages: `campaign[renewals]`."""
        name, scope = self._names.get((kind, dbid), (f"#{dbid}", ""))
        if kind == "campaign_group":
            return f"{kind}[{name}@{scope}]"
        alone = sum(1 for _ in self._others(kind, name)) < 2
        return f"{kind}[{name}]" if alone or not scope else f"{kind}[{name}@{scope}]"

    def _others(self, kind: str, name: str) -> Iterator[int]:
        yield from (dbid for _, _, dbid in self._named.get((kind, name), ()))

    def __contains__(self, key: object) -> bool:
        return key in self._names
