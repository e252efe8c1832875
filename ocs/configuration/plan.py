"""What a file makes of the objects that are there: names become references, new objects get their DBIDs.

An object of the file is the one with its DBID, or, where it says none, the one of its name; it is described wholly by the file,
but for secrets, which stay as they are where the file is silent. Objects of which the file does not speak stay; with `replace`
those go that nothing in the file refers to. A person, a DN, a switch or a tenant that is only referred to, and is not there, is
made, as a site that had a file so far does not describe them. Where such a file is for several switches, the one whose DNs it
writes without a name is the first that it does not name.
"""
from __future__ import annotations

from dataclasses import replace as changed
from functools import cached_property
from typing import Any, Callable, Iterable, Mapping

from ocs.configuration.document import Document, Draft
from ocs.configuration.enumerations import DNType, GroupType
from ocs.configuration.kinds import GROUP_KINDS, KINDS
from ocs.configuration.model import ConfigurationObject, Form, Property, Rows, Value, default_values, is_secret_key
from ocs.configuration.names import Ambiguous, Index, Objects
from ocs.errors import ConfigurationError

__all__ = ["planned"]

_FIRST_DBID = 101
_TENANT, _SWITCHES = "Environment", ("switch", "main")
# DNs that are made where they are referred to, with their types
_DN_TYPES: Mapping[tuple[str, str], DNType] = {
    ("campaign_group", "voice_transfer_destination"): DNType.ACD_QUEUE, ("campaign_group", "trunk_group_dn"): DNType.TRUNK_GROUP,
    ("treatment", "destination_dn"): DNType.EXTENSION, ("agent_group", "dns"): DNType.EXTENSION,
    ("place_group", "dns"): DNType.EXTENSION, ("place", "dns"): DNType.EXTENSION}
_Key = tuple[str, int]
_Settled = tuple[Draft, int, "int | None"]      # with DBID and tenant


def planned(before: Objects, document: Document, replace: bool = False, renames: bool = False
            ) -> dict[_Key, ConfigurationObject]:
    """All objects as they would be. With `renames` the file knows the objects' DBIDs, so that another name under one is a new
    name, and no mistake. ConfigurationError with every problem, each naming object and field; what only shows when objects are
    looked at together is for `ocs.configuration.checks`."""
    planning = _Planning(before, document, replace, renames or replace)
    planning.run()
    if planning.problems:
        raise ConfigurationError(planning.problems)
    return planning.after


class _Planning:
    def __init__(self, before: Objects, document: Document, replace: bool, renames: bool) -> None:
        self.before, self.document, self.renames = before, document, renames
        self.known = Index(before.values())
        self.after: dict[_Key, ConfigurationObject] = {} if replace else dict(before)
        self.index = Index(self.after.values())
        self.problems: list[str] = []
        self._next: dict[str, int] = {}
        self._person_of: dict[int, int] = {login: one.dbid for one in before.values() if one.kind == "person"
                                           for login in one["agent_logins"]}
        for kind, dbid in (*before, *((draft.kind, draft.dbid) for draft in document.drafts)):
            self._next[_numbering(kind)] = max(self._next.get(_numbering(kind), _FIRST_DBID), dbid + 1)

    def run(self) -> None:
        drafts = self._settled("tenant")
        if self.document.further:
            self._make_sure_of_first()
        drafts += [*self._settled("switch"), *self._settled(*KINDS.keys() - {"tenant", "switch"})]
        self._doubles(drafts)
        for draft, dbid, tenant in drafts:
            self._build(draft, dbid, tenant)
        self._need_application()

    # -- which object a draft is ----------------------------------------------------------------------------------
    def _settled(self, *words: str) -> list[_Settled]:
        """The drafts of these kinds with their scopes filled in, their DBIDs and tenants; entered under their names."""
        settled = []
        for draft in self.document.drafts:
            if draft.kind in words:
                if KINDS[draft.kind].scope == "switch" and not draft.scope:
                    switch = self._switch(draft.label)
                    draft = changed(draft, scope="" if switch is None else self.index.reference("switch", switch))
                tenant = self._tenant(draft)
                settled.append((draft, self._dbid(draft, tenant), tenant))
        for draft, dbid, tenant in settled:
            self.index.enter(draft.kind, dbid, draft.name, draft.scope, tenant)
        return settled

    def _dbid(self, draft: Draft, tenant: int | None) -> int:
        if draft.dbid:
            present = self.before.get((draft.kind, draft.dbid))
            if present is not None and not self.renames and self.known.name_of(present) != (draft.name, draft.scope):
                self._fault(draft.label, "dbid", f"{draft.dbid} is that of {self.known.label(*present.key)} in the database"
                                                 " (to rename that, edit an export of it)")
            return draft.dbid
        found = self.known.exact(draft.kind, draft.name, draft.scope, tenant)
        if found is not None:
            return found
        if draft.preferred and (draft.kind, draft.preferred) not in self.before:
            return draft.preferred
        return self._new_dbid(draft.kind)

    def _new_dbid(self, kind: str) -> int:
        dbid = self._next.get(_numbering(kind), _FIRST_DBID)
        self._next[_numbering(kind)] = dbid + 1
        return dbid

    def _tenant(self, draft: Draft) -> int | None:
        """As the draft says, else as the object has it, else the first."""
        if not KINDS[draft.kind].has_tenant:
            return None
        text = draft.values.get("tenant", "")
        if text:
            found = self._find("tenant", text, None)
            if found is None:
                self._fault(draft.label, "tenant", f"there is no tenant {text}")
            return found
        present = self.before.get((draft.kind, draft.dbid)) if draft.dbid else None
        return present.tenant if present is not None and present.tenant is not None else self.first_tenant

    @cached_property
    def first_tenant(self) -> int:
        """The tenant of whatever names none; asked for when the file's tenants are settled."""
        dbid = self._first("tenant", min)
        return self._make("tenant", {"name": _TENANT}, None, 1) if dbid is None else dbid

    @cached_property
    def only_switch(self) -> int | None:
        """The switch of whatever names none; None where there are several."""
        if self.document.further:
            return self._make_sure_of_first()
        dbid = self._first("switch", lambda found: found[0] if len(found) == 1 else 0)
        return self._make_switch() if dbid is None else dbid or None

    def _make_sure_of_first(self) -> int:
        """Of a file that names further switches: the first of the others. It is made before them, so that its DBID is the
        smallest."""
        for index in (self.index, self.known):
            for dbid in index.dbids("switch"):
                if index.reference("switch", dbid) not in self.document.further:
                    return self._adopt("switch", dbid)
        return self._make_switch()

    def _make_switch(self) -> int:
        free = next(name for name in (*_SWITCHES, "first") if name not in self.document.further)
        return self._make("switch", {"name": free, "tenant": self.first_tenant}, None)

    def _first(self, kind: str, choose: Callable[[list[int]], int]) -> int | None:
        """Chosen of those that will be; else of those that would go, and that one stays; None where there is none."""
        found = self.index.dbids(kind)
        if found:
            return choose(found)
        found = self.known.dbids(kind)
        dbid = choose(found) if found else None
        return self._adopt(kind, dbid) if dbid else dbid

    def _switch(self, label: str) -> int | None:
        if self.only_switch is None:
            self._fault(label, "switch", "which one? There are several")
        return self.only_switch

    def _doubles(self, drafts: list[_Settled]) -> None:
        seen: dict[tuple[str, int], Draft] = {}
        named: dict[tuple[Any, ...], Draft] = {}
        for draft, dbid, tenant in drafts:
            first = seen.setdefault((_numbering(draft.kind), dbid), draft)
            if first is not draft:
                self.problems.append(f"{draft.label}.dbid: {dbid} is that of {first.label}, too")
            whose = None if KINDS[draft.kind].shared else tenant
            if named.setdefault((draft.kind, draft.name, draft.scope, whose), draft) is not draft:
                self.problems.append(f"{draft.label}: given twice")

    # -- objects --------------------------------------------------------------------------------------------------
    def _build(self, draft: Draft, dbid: int, tenant: int | None) -> None:
        kind, present = KINDS[draft.kind], self.before.get((draft.kind, dbid))
        values: dict[str, Value] = {}
        for one in kind.properties:
            given = draft.values[one.name]
            if one.name == "tenant":
                values["tenant"] = tenant
            elif isinstance(one, Rows):
                rows = tuple(self._row(draft, one, row if not one.single else (row,), tenant) for row in given)
                values[one.name] = _with_secrets(one, rows, () if present is None else present[one.name])
            elif one.secret and one.name not in draft.said:
                values[one.name] = "" if present is None else present[one.name]
            elif one.name == "switch" and one.name == kind.scope:
                values[one.name] = self._reference(draft, one.name, one, draft.scope, tenant)
            elif one.form is Form.REFERENCE:
                values[one.name] = self._reference(draft, one.name, one, given, tenant)
            else:
                values[one.name] = given
        if kind.word == "campaign_group" and isinstance(values["group"], tuple):
            group_kind, values["group"] = values["group"]
            values["group_type"] = KINDS[group_kind].number
        secret = {} if present is None else {where: text for where, text in present.options.items() if is_secret_key(where[1])}
        self.after[kind.word, dbid] = ConfigurationObject(kind.word, dbid, values, {**secret, **draft.options},
                                                          0 if present is None else present.version)
        if kind.word == "person":
            self._person_of.update({login: dbid for login in self.after["person", dbid]["agent_logins"]})

    def _row(self, draft: Draft, rows: Rows, row: tuple[Any, ...], tenant: int | None) -> Any:
        made = tuple(self._reference(draft, rows.name, column, value, tenant) if column.form is Form.REFERENCE else value
                     for column, value in zip(rows.columns, row))
        return made[0] if rows.single else made

    def _reference(self, draft: Draft, name: str, column: Property, text: str, tenant: int | None) -> Any:
        """The DBID of what is referred to; of a group, with its kind."""
        if not text:
            return None
        kinds: tuple[str, ...] = column.refers
        if kinds == ("dn",) and self.document.further and "@" not in text:
            text = f"{text}@{self.index.reference('switch', self._make_sure_of_first())}"
        if column.decides and column.decides in draft.said:
            kinds = (GROUP_KINDS[GroupType(draft.values[column.decides])],)
        found = {}
        for kind in kinds:
            try:
                dbid = self._find(kind, text, tenant)
            except Ambiguous as error:
                self._fault(draft.label, name, f"{text} may be {' or '.join(error.names)}")
                return None
            if dbid is not None:
                found[kind] = dbid
        if len(found) > 1:
            self._fault(draft.label, name, f"there are {' and '.join(KINDS[kind].title for kind in found)} {text}: give"
                                           f" {column.decides}")
            return None
        if not found:
            made = self._made_for((draft.kind, name), (draft.kind, column.name), text, tenant)
            if made is None:
                self._fault(draft.label, name, f"there is no {' or '.join(KINDS[kind].title for kind in kinds)} {text}"
                            + self._why_not_made(kinds[0], text))
            return made
        [(kind, dbid)] = found.items()
        return (kind, dbid) if column.decides else dbid

    def _find(self, kind: str, text: str, tenant: int | None) -> int | None:
        """A person is found by an agent id, too."""
        found = self._named(kind, text, tenant)
        if found is None and kind == "person":
            login = self._named("agent_login", text, tenant)
            found = None if login is None else self._person_of.get(login)
            if found is not None:
                self._adopt(kind, found)
        return found

    def _named(self, kind: str, text: str, tenant: int | None) -> int | None:
        """Among the objects that will be; those that would go are kept where they are referred to."""
        found = self.index.find(kind, text, tenant)
        if found is None:
            found = self.known.find(kind, text, tenant)
            if found is not None:
                if (kind, found) in self.index:
                    return None         # the file calls that object otherwise
                self._adopt(kind, found)
        return found

    def _adopt(self, kind: str, dbid: int) -> int:
        """Keep an object, and what it refers to in its turn."""
        if (kind, dbid) not in self.index:
            one = self.before[kind, dbid]
            self.after[kind, dbid] = one
            self.index.enter(kind, dbid, *self.known.name_of(one), one.tenant)
            for target in references_of(one):
                self._adopt(*target)
        return dbid

    # -- objects that are only referred to --------------------------------------------------------------------------
    def _made_for(self, whole: tuple[str, str], column: tuple[str, str], text: str, tenant: int | None) -> int | None:
        """For a property, or for one of its columns; each by the kind of its object and its name."""
        kind_of_dn = _DN_TYPES.get(column) or _DN_TYPES.get(whole)
        if kind_of_dn is not None:
            number, at, switch_name = text.partition("@")
            switch = self._find("switch", switch_name, None) if at else self.only_switch
            if switch is None:
                return None
            return self._make("dn", {"number": number, "switch": switch, "tenant": tenant, "type": int(kind_of_dn)}, switch)
        return self._make_agent(text, tenant) if whole[1] == "agents" else None

    def _why_not_made(self, kind: str, text: str) -> str:
        known = kind in ("dn", "person") and "@" not in text and self.only_switch is None
        return "; none is made where there are several switches" if known else ""

    def _make_agent(self, text: str, tenant: int | None) -> int | None:
        """A person whose employee id is the agent id, with a login of that id."""
        login = self._find("agent_login", text, tenant)
        if login is None:
            switch = self.only_switch
            if switch is None:
                return None
            login = self._make("agent_login", {"login_code": text, "switch": switch, "tenant": tenant}, switch)
        person = self._make("person", {"employee_id": text, "tenant": tenant, "agent_logins": (login,)}, None)
        self._person_of[login] = person
        return person

    def _make(self, word: str, values: Mapping[str, Any], switch: int | None, dbid: int = 0) -> int:
        kind = KINDS[word]
        dbid = dbid or self._new_dbid(word)
        made = ConfigurationObject(word, dbid, {**default_values(kind), **values})
        self.after[word, dbid] = made
        scope = "" if switch is None else self.index.reference("switch", switch)
        self.index.enter(word, dbid, str(values[kind.naming]), scope, values.get("tenant"))
        return dbid

    def _need_application(self) -> None:
        """A site that had a file so far has one server, which is called ocs where the file did not say."""
        if not self.index.dbids("application") and any(draft.kind == "campaign_group" for draft in self.document.drafts):
            self._make("application", {"name": "ocs", "tenant": self.first_tenant}, None, 1)

    def _fault(self, label: str, name: str, text: str) -> None:
        self.problems.append(f"{label}.{name}: {text}")


def _numbering(kind: str) -> str:
    """Both kinds of groups count together: records carry the number of a group, and not its kind."""
    return "agent_group" if kind == "place_group" else kind


def references_of(one: ConfigurationObject) -> Iterable[_Key]:
    """The objects that an object refers to, by kind and DBID."""
    for declared in KINDS[one.kind].properties:
        if isinstance(declared, Property):
            if declared.form is Form.REFERENCE and one[declared.name] is not None:
                kind = GROUP_KINDS[one[declared.decides]] if declared.decides else declared.refers[0]
                yield kind, one[declared.name]
        else:
            for place, column in enumerate(declared.columns):
                if column.form is Form.REFERENCE:
                    found = (row if declared.single else row[place] for row in one[declared.name])
                    yield from ((column.refers[0], dbid) for dbid in found if dbid is not None)


def _with_secrets(rows: Rows, made: tuple[Any, ...], present: Any) -> tuple[Any, ...]:
    """Rows whose secrets are empty get those of the present rows with the same first value."""
    secret = [place for place, column in enumerate(rows.columns) if column.secret]
    if not secret or rows.single:
        return made
    known = {row[0]: row for row in present}
    return tuple(tuple(known[row[0]][place] if place in secret and not value and row[0] in known else value
                       for place, value in enumerate(row)) for row in made)
