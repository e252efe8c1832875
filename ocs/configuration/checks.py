"""What is wrong with objects when they are looked at together: names, references, what must fit."""
from __future__ import annotations

from typing import Any, Iterator, Mapping

from ocs.configuration.enumerations import ObjectState, TableType
from ocs.configuration.kinds import GROUP_KINDS, KINDS
from ocs.configuration.model import ConfigurationObject
from ocs.configuration.names import Index, Objects
from ocs.configuration.plan import references_of
from ocs.passwords import is_hash

__all__ = ["object_problems"]

# What may be disabled although something refers to it: it is left out. Anything else would be missed.
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "campaign_group": ("campaign", "agent_group", "place_group", "application"), "campaign": ("calling_list",),
    "calling_list": ("treatment",), "agent_group": ("person", "place", "dn"), "place_group": ("person", "place", "dn"),
    "person": ("agent_login", "skill", "place"), "place": ("dn",), "application": ("application",),
    "switch": ("application",)}


def object_problems(objects: Objects) -> list[str]:
    """Every problem, each naming object and field."""
    index = Index(objects.values())
    found = [*_same_names(objects, index), *_group_numbers(objects, index)]
    for key in sorted(objects):
        one = objects[key]
        label = index.label(*key)
        found += [f"{label}.{problem}" for problem in (*_references(one, objects, index), *_own(one, objects, index))]
    return found


def _same_names(objects: Objects, index: Index) -> Iterator[str]:
    seen: dict[tuple[Any, ...], ConfigurationObject] = {}
    for key in sorted(objects):
        one = objects[key]
        name, scope = index.name_of(one)
        first = seen.setdefault((one.kind, name, scope, None if KINDS[one.kind].shared else one.tenant), one)
        if first is not one:
            yield f"{index.label(*key)}: dbid {first.dbid} and {one.dbid} both have this name"


def _group_numbers(objects: Objects, index: Index) -> Iterator[str]:
    """Records carry the number of a group, and not its kind."""
    agents, places = GROUP_KINDS.values()
    for kind, dbid in sorted(objects):
        if kind == places and (agents, dbid) in objects:
            yield f"{index.label(kind, dbid)}.dbid: {dbid} is that of {index.label(agents, dbid)}, too"


def _references(one: ConfigurationObject, objects: Objects, index: Index) -> Iterator[str]:
    enabled = one["state"] == ObjectState.ENABLED
    for kind, dbid in references_of(one):
        name = next(name for name, column in KINDS[one.kind].references() if kind in column.refers)
        if (kind, dbid) not in objects:
            yield f"{name}: there is no {KINDS[kind].title} of dbid {dbid}"
        elif not KINDS[kind].shared and one.tenant not in (None, objects[kind, dbid].tenant):
            yield f"{name}: {index.label(kind, dbid)} is another tenant's"
        elif enabled and objects[kind, dbid]["state"] != ObjectState.ENABLED and kind not in _LEFT_OUT.get(one.kind, ()):
            yield f"{name}: {index.label(kind, dbid)} is disabled"


def _own(one: ConfigurationObject, objects: Objects, index: Index) -> Iterator[str]:
    if one.kind in ("person", "agent_login") and one["password"] and not is_hash(one["password"]):
        yield "password: not an Argon2 hash; `ocs config password` makes one"
    if one.kind == "calling_list":
        yield from _list_problems(one, objects, index)
    if one.kind == "http_request":
        yield from (f"header: {name} has neither a value nor a file" for name, value, file in one["header"]
                    if not value and not file)
    if one.kind in ("application", "dn"):
        field, own = ("backup_server", one["backup_server"]) if one.kind == "application" else ("destinations", None)
        if one.dbid == own or (own is None and one.kind == "dn" and one.dbid in one["destinations"]):
            yield f"{field}: names the {KINDS[one.kind].title} itself"


def _list_problems(one: ConfigurationObject, objects: Objects, index: Index) -> Iterator[str]:
    if one["time_from"] >= one["time_until"]:
        yield f"time_until: {one['time_until']} is not behind time_from {one['time_from']}"
    for name, wanted in (("table_access", TableType.CALLING_LIST), ("log_table_access", TableType.LOG_TABLE)):
        access = objects.get(("table_access", one[name] or 0))
        if access is not None and access["type"] != wanted:
            yield f"{name}: {index.label(*access.key)} is for another type of table"
    access, chosen = objects.get(("table_access", one["table_access"] or 0)), objects.get(("dialing_filter", one["filter"] or 0))
    if access is not None and chosen is not None and None not in (access["format"], chosen["format"]):
        if access["format"] != chosen["format"]:
            yield f"filter: {index.label(*chosen.key)} is for lists of another format"
