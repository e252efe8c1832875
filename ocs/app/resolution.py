"""What the objects of the Configuration Database mean to one server: its tables, as a file of its own would have them.

Options are looked up in the public order (`ocs.configuration.lookup`). A server sees the objects of its application's tenant that
are enabled, and of campaign groups those that it, or no outbound contact server in particular, is to serve.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Iterator, Mapping, Sequence

from ocs.app.reached_switches import ReachedSwitches
from ocs.app.vocabulary import TABLES, VOCABULARY
from ocs.configuration.enumerations import ApplicationType, GroupType, ObjectState
from ocs.configuration.kinds import GROUP_KINDS, KINDS
from ocs.configuration.lookup import look_up
from ocs.configuration.model import ConfigurationObject, Form, Property, Rows, default_value
from ocs.configuration.names import Index, Objects
from ocs.configuration.vocabulary import decode
from ocs.errors import ConfigurationError
from ocs.numbered import NumberedText
from ocs.options import enum_word
from ocs.passwords import is_hash

__all__ = ["ServerTables", "outbound_servers", "server_tables"]

# what the application says is what groups do that say nothing themselves, and nothing beside theirs
_OF_GROUPS = ("check_dnc_list", "check_dnc_callback", "record_processed")
# what a calling list says for itself, or nobody does: the application's word is the server's own option, or makes no sense
_OF_LISTS = (*_OF_GROUPS, "customer_id_field", "table", "cpn_digits")
_ELEMENT = re.compile(r"([a-z_]+)\[([0-9]+)\]")


@dataclass(frozen=True)
class ServerTables:
    """`mapping` is as decoded TOML. `origins` says where an option's value stands: (table, place from 1, option) -> words.
    `links` are the tables of the T-Servers, what the server's own file says of them included; `switches` the names of all
    switches but its first one."""

    mapping: Mapping[str, Any]
    origins: Mapping[tuple[str, int, str], str] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)
    switches: tuple[str, ...] = ()

    def named(self, problem: str) -> str:
        """A problem of these tables with the object's name in place of its number, and where the value stands."""
        match = _ELEMENT.match(problem)
        elements: Sequence[Any] = () if match is None else {**self.links, **self.mapping}.get(match[1], ())
        if match is None or int(match[2]) > len(elements):
            return problem
        kind, number = match[1], int(match[2])
        element = elements[number - 1]
        name = f"{element['campaign']}@{element['group']}" if kind == "campaign_group" else element["name"]
        rest = problem[match.end():]
        origin = self.origins.get((kind, number, rest.lstrip(".").partition(":")[0]))
        return f"{kind}[{name}]{rest}" + (f" ({origin})" if origin else "")


def outbound_servers(objects: Objects) -> list[str]:
    """Names of the applications that are outbound contact servers, and enabled."""
    return [one["name"] for one in objects.values() if one.kind == "application" and one["type"] == ApplicationType.OCS
            and one["state"] == ObjectState.ENABLED]


def server_tables(objects: Objects, application: str, own: Mapping[str, Any] = MappingProxyType({})) -> ServerTables:
    """The tables of the server whose application object has this name, and whose own file, as decoded TOML, is `own`.
    ConfigurationError where there is none, it is no outbound contact server or disabled, and for options that cannot be read."""
    found = [one for one in objects.values() if one.kind == "application" and one["name"] == application]
    if application not in outbound_servers(objects):
        reason = "is no outbound contact server, or disabled" if found else "is not in the configuration database"
        raise ConfigurationError([f"application.name: application {application} {reason}"])
    resolving = _Resolving(objects, next(one for one in found if one["name"] == application), own)
    mapping = resolving.run()
    tables = ServerTables(mapping, resolving.origins, resolving.switches.links, resolving.switch_names)
    if resolving.problems:
        raise ConfigurationError([tables.named(problem) for problem in resolving.problems])
    return tables


class _Resolving:
    def __init__(self, objects: Objects, application: ConfigurationObject, own: Mapping[str, Any]) -> None:
        self.application, self.name = application, str(application["name"])
        self.objects = {key: one for key, one in sorted(objects.items()) if one["state"] == ObjectState.ENABLED}
        self.index = Index(objects.values())
        self.switches = ReachedSwitches(self.objects, application, own)
        self.origins: dict[tuple[str, int, str], str] = {}
        self.problems: list[str] = []

    @property
    def switch_names(self) -> tuple[str, ...]:
        """Of all switches but the first."""
        return tuple(one["name"] for key, one in self.objects.items() if key[0] == "switch" and one is not self.switches.first)

    def run(self) -> dict[str, Any]:
        application = {"name": self.name, "dbid": self.application.dbid}
        dialing = dict(self._looked_up("application", (self.application,), "dialing", 0))
        mapping: dict[str, Any] = {"application": application, "dialing": {
            name: value for name, value in dialing.items() if name not in _OF_GROUPS}}
        for word in TABLES:
            elements = mapping[word] = []
            for one in self._seen(word):
                elements.append(self._element(one, word, len(elements) + 1))
        mapping["agent"] = list(self._desktop_agents())
        return mapping

    def _desktop_agents(self) -> Iterator[dict[str, Any]]:
        """Who may connect a desktop: agent logins that have a password, or whose person has one. With the employee id one comes
        in under the first of them."""
        found: dict[str, tuple[str, str]] = {}      # agent id -> hash, employee id
        for person in (one for key, one in self.objects.items() if key[0] == "person" and self._is_ours(one) and one["is_agent"]):
            for login in self._enabled("agent_login", person["agent_logins"]):
                password_hash = login["password"] or person["password"]
                if is_hash(password_hash):
                    found.setdefault(login["login_code"], (password_hash, person["employee_id"]))
        named = set(found)
        for code, (password_hash, employee_id) in found.items():
            own = "" if employee_id in named else employee_id
            named.add(own)
            yield {"name": code, "password_hash": password_hash, "employee_id": own}

    def _seen(self, word: str) -> Iterator[ConfigurationObject]:
        """The objects that become elements of a table."""
        kinds = ("agent_group", "place_group") if word == "agent_group" else (word,)
        for kind in kinds:
            yield from (one for key, one in self.objects.items() if key[0] == kind and self._is_ours(one))

    def _is_ours(self, one: ConfigurationObject) -> bool:
        if one.tenant != self.application.tenant:
            return False
        if one.kind != "campaign_group":
            return True
        group = GROUP_KINDS[one["group_type"]], one["group"]
        servers = [dbid for dbid in one["servers"] if self._server_type(dbid) == ApplicationType.OCS]
        return ("campaign", one["campaign"]) in self.objects and group in self.objects and (
            not servers or self.application.dbid in servers)

    def _server_type(self, dbid: int) -> int | None:
        """Of an application that is enabled."""
        one = self.objects.get(("application", dbid))
        return None if one is None else one["type"]

    def _element(self, one: ConfigurationObject, word: str, number: int) -> dict[str, Any]:
        known = TABLES[word].__dataclass_fields__       # type: ignore[attr-defined]
        element: dict[str, Any] = {"dbid": one.dbid} if "dbid" in known else {}
        for declared in KINDS[one.kind].properties:
            if declared.name in known:
                value = self._value(one, declared)
                if value is not None:
                    element[declared.name] = value
        if word == "campaign":
            element |= self._lists(one)
        if word == "calling_list" and ("table_access", one["table_access"]) in self.objects:
            access = self.objects["table_access", one["table_access"]]
            element["table"] = access["db_table_name"] or access["name"]
        if word == "agent_group":
            element |= {"agents": self._agents(one), "dns": self._dns(one),
                        "kind": "places" if KINDS[one.kind].number == GroupType.PLACES else "agents"}
        element.update(self._looked_up(word, self._chain(one), word, number))
        return element

    def _chain(self, one: ConfigurationObject) -> Sequence[ConfigurationObject]:
        """The objects on which options are looked for: the application has those of groups and lists, too."""
        if one.kind == "campaign_group":
            return one, self.objects["campaign", one["campaign"]], self.application
        return (one, self.application) if one.kind == "calling_list" else (one,)

    # -- options --------------------------------------------------------------------------------------------------
    def _looked_up(self, kind: str, chain: Sequence[ConfigurationObject], table: str, number: int
                   ) -> Iterator[tuple[str, Any]]:
        for name, hint in VOCABULARY.options[kind].items():
            home, key = VOCABULARY.place(kind, name)
            alone = hint is NumberedText or (kind == "calling_list" and name in _OF_LISTS)
            for each in _numbered(key, chain[0]) if hint is NumberedText else (key,):
                found = look_up(each, chain[:1] if alone else chain, self.name, home)
                if found is None:
                    continue
                text, where, section = found
                if where is not chain[0] or section != home:
                    self.origins[table, number, name] = f"option {each} in section {section} of {self.index.label(*where.key)}"
                try:
                    yield name + each[len(key):], decode(text, hint)
                except ValueError as error:
                    place = f"{table}[{number}]" if number else table
                    self.problems.append(f"{place}.{name}: {error}, not {text!r}")

    # -- properties -----------------------------------------------------------------------------------------------
    def _value(self, one: ConfigurationObject, declared: Property | Rows) -> Any:
        """As a file has it; None where nothing is said."""
        if isinstance(declared, Property):
            return self._cell(one, declared, one[declared.name])
        if declared.single:
            column = declared.columns[0]
            return [self._cell(one, column, cell) for cell in one[declared.name]
                    if column.form is not Form.REFERENCE or (column.refers[0], cell) in self.objects]
        rows = [{column.name: self._cell(one, column, cell) for column, cell in zip(declared.columns, row)
                 if cell != default_value(column)} for row in one[declared.name]]
        return [{name: cell for name, cell in row.items() if cell is not None} for row in rows]

    def _cell(self, one: ConfigurationObject, column: Property, value: Any) -> Any:
        if value is None:
            return None
        if column.form is Form.REFERENCE:
            kind = GROUP_KINDS[one[column.decides]] if column.decides else column.refers[0]
            target = self.objects.get((kind, value))
            if target is None:
                return None
            return self.switches.name(target) if kind == "dn" else target[KINDS[kind].naming]
        return enum_word(column.members(value)) if column.members is not None else value

    def _lists(self, one: ConfigurationObject) -> dict[str, Any]:
        rows = [(self.objects["calling_list", dbid]["name"], share, active) for dbid, share, active in one["lists"]
                if ("calling_list", dbid) in self.objects]
        return {"lists": [name for name, _, _ in rows],
                "shares": [{"list": name, "share": share, "active": active} for name, share, active in rows]}

    def _enabled(self, kind: str, dbids: Sequence[int]) -> Iterator[ConfigurationObject]:
        yield from (self.objects[kind, dbid] for dbid in dbids if (kind, dbid) in self.objects)

    def _agents(self, one: ConfigurationObject) -> list[str]:
        """The agent ids of the group's persons."""
        return _once(login["login_code"] for person in self._enabled("person", one["agents"]) if person["is_agent"]
                     for login in self._enabled("agent_login", person["agent_logins"]))

    def _dns(self, one: ConfigurationObject) -> list[str]:
        """Where they may log in: the group's DNs, those of its places, those of its agents' usual places; on switches that the
        server reaches."""
        usual = [person["place"] for person in self._enabled("person", one["agents"]) if person["place"] is not None]
        found = [*self._enabled("dn", one["dns"]), *(dn for place in self._enabled("place", [*one["places"], *usual])
                                                     for dn in self._enabled("dn", place["dns"]))]
        return _once(self.switches.name(dn) for dn in found if self.switches.has(dn))


def _numbered(key: str, one: ConfigurationObject) -> list[str]:
    """The keys over which a long text is split on an object, whatever section they stand in."""
    pattern = re.compile(re.escape(key) + r"([1-9][0-9]{0,2})?")
    return sorted({each for _, each in one.options if pattern.fullmatch(each)}, key=lambda each: int(each[len(key):] or 0))


def _once(values: Any) -> list[str]:
    return list(dict.fromkeys(values))
