"""Objects as a file has them: what the file says when it is read is these objects again."""
from __future__ import annotations

from typing import Any, Mapping

import tomli_w

from ocs.configuration.kinds import KINDS
from ocs.configuration.model import ConfigurationObject, Form, Property, Rows, default_value, is_secret_key
from ocs.configuration.names import Index, Objects, target_kind
from ocs.configuration.vocabulary import Vocabulary, decode, encode, plain_type
from ocs.options import enum_word

__all__ = ["document_of", "written"]


def document_of(objects: Objects, vocabulary: Vocabulary, secrets: bool = False) -> dict[str, Any]:
    """The tables of a file, as decoded TOML. Without `secrets` passwords and the like are left out: read into the database from
    which it comes, such a file leaves them as they are."""
    writing = _Writing(objects, vocabulary, secrets)
    tables = {word: [writing.element(objects[key]) for key in sorted(objects) if key[0] == word] for word in KINDS}
    return {word: elements for word, elements in tables.items() if elements}


def written(mapping: Mapping[str, Any]) -> str:
    """The tables as TOML, each element under a heading of its own."""
    parts = []
    for word, given in mapping.items():
        if isinstance(given, list):
            parts += [f"[[{word}]]\n{_element_text(word, element)}" for element in given]
        else:
            parts.append(tomli_w.dumps({word: given}))
    return "\n".join(parts)


def _element_text(word: str, element: Mapping[str, Any]) -> str:
    rows = {name: value for name, value in element.items() if isinstance(value, list) and value and isinstance(value[0], dict)}
    text = tomli_w.dumps({name: value for name, value in element.items() if name not in rows and name != "options"})
    for name, given in rows.items():
        text += "".join(f"\n[[{word}.{name}]]\n{tomli_w.dumps(row)}" for row in given)
    for section, keys in element.get("options", {}).items():
        text += f"\n[{word}.options.{tomli_w.dumps({section: keys})[1:]}"
    return text


class _Writing:
    def __init__(self, objects: Objects, vocabulary: Vocabulary, secrets: bool) -> None:
        self.index, self.vocabulary, self.secrets = Index(objects.values()), vocabulary, secrets
        self.one_tenant, self.one_switch = (len(self.index.dbids(kind)) == 1 for kind in ("tenant", "switch"))

    def element(self, one: ConfigurationObject) -> dict[str, Any]:
        """One table. Names come first, options last."""
        kind = KINDS[one.kind]
        element: dict[str, Any] = {"dbid": one.dbid}
        for declared in sorted(kind.properties, key=lambda each: each.name != kind.naming):
            if isinstance(declared, Rows):
                element.update(self._rows(one, declared))
            elif self._is_said(one, declared):
                element[declared.name] = self._cell(one, declared, one[declared.name])
        return element | self._options(one)

    def _is_said(self, one: ConfigurationObject, declared: Property) -> bool:
        value = one[declared.name]
        if declared.name == "tenant" and self.one_tenant or declared.name == "switch" and self.one_switch and (
                KINDS[one.kind].scope == "switch"):
            return False
        if declared.secret:
            return bool(value) and self.secrets
        if declared.name == "group_type":
            return self._ambiguous_group(one)
        return declared.required or (value is not None and value != default_value(declared)) or self._base_needs(one, declared)

    def _base_needs(self, one: ConfigurationObject, declared: Property) -> bool:
        """Whether the server's own table wants it said, or takes something else for granted."""
        base = self.vocabulary.bases.get(one.kind)
        known = None if base is None else getattr(base, "__dataclass_fields__", {}).get(declared.name)
        if known is None or one[declared.name] is None:
            return False
        return known.default is not default_value(declared) and known.default != one[declared.name]

    def _ambiguous_group(self, one: ConfigurationObject) -> bool:
        name = self.index.reference(target_kind(one, _group()), one["group"], one.tenant)
        return all(self.index.find(kind, name, one.tenant) is not None for kind in _group().refers)

    def _rows(self, one: ConfigurationObject, declared: Rows) -> dict[str, Any]:
        rows = one[declared.name]
        if not rows:
            return {"lists": []} if declared.table == "cfg_campaign_calling_list" else {}
        if declared.table == "cfg_campaign_calling_list":
            return self._shares(one, declared)
        if declared.single:
            return {declared.name: [self._cell(one, declared.columns[0], cell) for cell in rows]}
        return {declared.name: [{column.name: self._cell(one, column, cell) for column, cell in zip(declared.columns, row)
                                 if cell is not None and (not column.secret or self.secrets)} for row in rows]}

    def _shares(self, one: ConfigurationObject, declared: Rows) -> dict[str, Any]:
        """A campaign's lists; shares are told where they are not as usual."""
        lists, share, active = declared.columns
        names = [self._cell(one, lists, row[0]) for row in one["lists"]]
        shares = [{"list": name, "share": row[1], "active": row[2]} for name, row in zip(names, one["lists"])
                  if (row[1], row[2]) != (share.default, active.default)]
        return {"lists": names, **({"shares": shares} if shares else {})}

    def _cell(self, one: ConfigurationObject, column: Property, value: Any) -> Any:
        if column.form is Form.REFERENCE:
            return "" if value is None else self.index.reference(target_kind(one, column), value, one.tenant)
        if column.members is not None:
            return enum_word(column.members(value))
        return value

    def _options(self, one: ConfigurationObject) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        apart: dict[str, dict[str, str]] = {}
        for (section, key), text in sorted(one.options.items()):
            if is_secret_key(key) and not self.secrets:
                continue
            name = self.vocabulary.name(one.kind, section, key)
            value = None if name is None else self._as_read(one.kind, name, text)
            if name is None or value is None:
                apart.setdefault(section, {})[key] = text
            else:
                flat[name] = value
        return flat | ({"options": apart} if apart else {})

    def _as_read(self, kind: str, name: str, text: str) -> Any:
        """The value with which a file would give this very text; None where none does."""
        hint: Mapping[str, Any] = self.vocabulary.hint(kind, name)
        try:
            value = decode(text, hint)
        except ValueError:
            return None
        if isinstance(value, list):
            return value if encode(tuple(value)) == text else None
        return value if encode(value) == text and not self._other_words(hint, text) else None

    def _other_words(self, hint: Any, text: str) -> bool:
        """Whether a member of an enumeration is not called by its usual word."""
        members = getattr(plain_type(hint), "__members__", None)
        return members is not None and text not in [enum_word(each) for each in members.values()]


def _group() -> Property:
    declared = KINDS["campaign_group"]["group"]
    assert isinstance(declared, Property)
    return declared
