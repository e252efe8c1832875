"""A file of objects: read into drafts, in which references are still names; and written from objects.

A server's own file is such a file: its tables of campaigns, lists and so on are objects, `[application]` and `[dialing]` the
application object with its options, and what concerns that server alone (links, ports, files) is left where it is.
"""
from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping

from ocs.configuration.enumerations import ApplicationType
from ocs.configuration.kinds import KINDS
from ocs.configuration.model import LONGEST_NAME, Kind, Options, Property, Rows
from ocs.configuration.vocabulary import Vocabulary, decode, encode, plain_value
from ocs.dialing.campaign import GroupKind
from ocs.errors import ConfigurationError
from ocs.numbered import NumberedText, stem
from ocs.options import enum_word, load

__all__ = ["Document", "Draft", "Export", "read_document"]

_EXPORTED = "exported"
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True)
class Draft:
    """An object as a file has it. `values` are its properties, references as names; `said` which of them the file gives."""

    kind: str
    dbid: int                       # 0: the file says none
    name: str
    scope: str                      # what the name counts within, "" = nothing or not said
    values: Mapping[str, Any]
    options: Options
    said: frozenset[str] = frozenset()
    preferred: int = 0              # the DBID of a new object for which the file says none

    @property
    def label(self) -> str:
        return f"{self.kind}[{self.name}@{self.scope}]" if self.kind == "campaign_group" else f"{self.kind}[{self.name}]"


@dataclass(frozen=True)
class Export:
    """Where an exported file comes from: the database, and how far its history went."""

    database: str
    revision: int


@dataclass(frozen=True)
class Document:
    """What a file says; `left` are tables that concern one server alone; `further` names of the switches that a server's own
    file has beside the one whose DNs it writes without a name."""

    drafts: tuple[Draft, ...]
    left: tuple[str, ...] = ()
    further: frozenset[str] = frozenset()
    exported: Export | None = None


@dataclass
class _Reading:
    vocabulary: Vocabulary
    problems: list[str] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)


def read_document(mapping: Mapping[str, Any], vocabulary: Vocabulary) -> Document:
    """Of decoded TOML; ConfigurationError with every problem at once, each naming object and field."""
    reading = _Reading(vocabulary)
    left = []
    for name, value in mapping.items():
        if name not in KINDS and name != _EXPORTED and name != "dialing":
            if name not in vocabulary.server:
                near = difflib.get_close_matches(name, [*KINDS, *vocabulary.server], 1)
                reading.problems.append(f"{name}: unknown table" + (f" (did you mean {near[0]}?)" if near else ""))
            left.append(name)
    for word in KINDS:
        for place, element in _elements(word, mapping, reading.problems):
            draft = _draft(word, place, element, reading)
            if draft is not None:
                reading.drafts.append(draft)
    further = _further(mapping, bool(left), reading)
    exported = _exported(mapping.get(_EXPORTED), reading.problems)
    if reading.problems:
        raise ConfigurationError(reading.problems)
    return Document(tuple(reading.drafts), (*left, *(["switch"] if further else [])), further, exported)


def _elements(word: str, mapping: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    given = mapping.get(word, [])
    if word == "application" and (isinstance(given, dict) or (word not in mapping and "dialing" in mapping)):
        yield from _of_server(given if isinstance(given, dict) else {}, mapping.get("dialing", {}), problems)
        return
    if word == "application" and "dialing" in mapping:
        problems.append("dialing: give these options with the [[application]] that they are for")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        problems.append(f"{word}: an array of tables [[{word}]] is expected")
        return
    yield from ((f"{word}[{number}]", element) for number, element in enumerate(given, 1))


def _further(mapping: Mapping[str, Any], is_own: bool, reading: _Reading) -> frozenset[str]:
    """The switches of a server's own file, where they are links of that server, too."""
    given = mapping.get("switch", [])
    elements = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    if is_own or isinstance(mapping.get("application"), dict) or "dialing" in mapping:
        return frozenset(str(each.get("name", "")) for each in elements)
    for each in elements:
        reading.problems += [f"switch[{each.get('name', '')}].{name}: stands in a server's own file, beside its [tserver]"
                             for name in each if ("switch", name) in reading.vocabulary.apart]
    return frozenset()


def _of_server(application: Mapping[str, Any], dialing: Any, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The application object of a server's own file."""
    if not isinstance(dialing, dict):
        problems.append("dialing: a table [dialing] is expected")
        dialing = {}
    doubles = sorted(application.keys() & dialing.keys())
    problems += [f"application.{name}: unknown option" for name in doubles]
    yield "application", {"name": "ocs", "type": enum_word(ApplicationType.OCS), **dialing, **application}


def _exported(given: Any, problems: list[str]) -> Export | None:
    if given is None:
        return None
    if not isinstance(given, dict) or type(given.get("revision")) is not int or not isinstance(given.get("database"), str):
        problems.append(f"{_EXPORTED}: database and revision are expected, as `ocs config export` writes them")
        return None
    return Export(given["database"], given["revision"])


def _draft(word: str, place: str, element: Mapping[str, Any], reading: _Reading) -> Draft | None:
    kind, vocabulary, found = KINDS[word], reading.vocabulary, list[str]()
    flat = {name: value for name, value in element.items() if name != "options"}
    options = _options(word, element.get("options", {}), flat, vocabulary, found)
    typed: Any = None
    try:
        typed = load(vocabulary.elements[word], flat)
    except ConfigurationError as error:
        found += error.problems
    name, scope = _naming(kind, flat)
    shown = f"{word}[{name}@{scope}]" if word == "campaign_group" and name else f"{word}[{name}]" if name else place
    if typed is not None:
        found += _too_long(kind, typed)
        found += [f"{each}: has a character that no database takes" for each in vocabulary.options[word]
                  if "\0" in str(getattr(typed, each))]
    found += [f"options.{section}.{key}: has a character that no database takes" for (section, key), text in options.items()
              if "\0" in text]
    if found:
        reading.problems += [f"{shown}.{problem}" for problem in found]
        return None
    for each in flat:
        if each in vocabulary.options[word] or (each not in kind and each != "dbid" and (word, each) not in vocabulary.apart):
            options[vocabulary.place(word, each)] = _option_text(typed, each, flat[each])
    if word == "agent_group" and getattr(typed, "kind", GroupKind.AGENTS) is GroupKind.PLACES:
        kind = KINDS["place_group"]
    values = {one.name: _value(one, typed, flat) for one in kind.properties}
    return Draft(kind.word, typed.dbid, name, scope, values, options, frozenset(flat) & {one.name for one in kind.properties},
                 1 if place == "application" else 0)


def _option_text(typed: Any, name: str, given: Any) -> str:
    """The value of an option; of one that is split over several, the piece of this name. A path stays as it is given."""
    whole = getattr(typed, name if hasattr(typed, name) else stem(name))
    if isinstance(whole, NumberedText) or isinstance(whole, Path):
        return str(given)
    return encode(whole)


def _naming(kind: Kind, flat: Mapping[str, Any]) -> tuple[str, str]:
    """Name and scope, as far as they can be read; checked they are with everything else."""
    name, scope = flat.get(kind.naming), flat.get(kind.scope, "") if kind.scope else ""
    declared = kind[kind.scope] if kind.scope else None
    if isinstance(declared, Property) and declared.members is not None:
        scope = scope if scope else enum_word(declared.default)
    return str(name or ""), str(scope or "")


def _options(word: str, given: Any, flat: dict[str, Any], vocabulary: Vocabulary, problems: list[str]
             ) -> dict[tuple[str, str], str]:
    """The table `options`: section -> key -> value. What has a name of its own in files goes to `flat`."""
    if not isinstance(given, dict) or not all(isinstance(keys, dict) for keys in given.values()):
        problems.append("options: tables by section are expected, as [KIND.options.SECTION]")
        return {}
    found: dict[tuple[str, str], str] = {}
    for section, keys in given.items():
        for key, value in keys.items():
            if len(section) > LONGEST_NAME or len(key) > LONGEST_NAME or "\0" in section + key:
                problems.append(f"options.{section[:60]}.{key[:60]}: names have up to {LONGEST_NAME} characters")
                continue
            if not isinstance(value, _SCALARS):
                problems.append(f"options.{section}.{key}: a text, a number, or true or false is expected")
                continue
            text, name, fault = encode(value), vocabulary.name(word, section, key), None
            if name is not None and vocabulary.place(word, name) == (section, key):
                if name in flat:
                    problems.append(f"{name}: given twice, here and by options.{section}.{key}")
                    continue
                fault = vocabulary.fault(word, name, text)
                if fault is None:
                    flat[name] = decode(text, vocabulary.hint(word, name))
            else:
                fault = _known_elsewhere(word, key, text, vocabulary)
                found[section, key] = text
            if fault is not None:
                problems.append(f"options.{section}.{key}: {fault}")
    return found


def _known_elsewhere(word: str, key: str, text: str, vocabulary: Vocabulary) -> str | None:
    """Why a text cannot be the value of an option whose key is known, in whatever section it stands."""
    for name in vocabulary.options[word]:
        if vocabulary.place(word, name)[1] == key:
            return vocabulary.fault(word, name, text)
    return None


def _value(one: Property | Rows, typed: Any, flat: Mapping[str, Any]) -> Any:
    if isinstance(one, Property):
        return plain_value(getattr(typed, one.name), one)
    if (one.name, one.table) == ("lists", "cfg_campaign_calling_list"):
        shares = {each.list: each for each in getattr(typed, "shares", ())}
        return tuple((name, shares[name].share, shares[name].active) if name in shares
                     else (name, one.columns[1].default, one.columns[2].default) for name in typed.lists)
    given = getattr(typed, one.name, ())
    if one.single:
        return tuple(plain_value(each, one.columns[0]) for each in given)
    return tuple(tuple(plain_value(getattr(each, column.name), column) for column in one.columns) for each in given)


def _too_long(kind: Kind, typed: Any) -> Iterator[str]:
    """Texts that a database does not take; names that are none."""
    if not getattr(typed, kind.naming):
        yield f"{kind.naming}: empty"
    if kind.word == "switch" and "@" in typed.name:
        yield "name: an @ is what stands before a switch's name in those of its DNs"
    if kind.word == "dn" and "@" in typed.number:
        yield "number: without an @; the switch has an option of its own"
    for one in kind.properties:
        values = getattr(typed, one.name, None)
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, str):
                limit = one.longest if isinstance(one, Property) else one.columns[0].longest
                if limit is not None and len(value) > limit:
                    yield f"{one.name}: up to {limit} characters are expected, not {len(value)}"
                if "\0" in value:
                    yield f"{one.name}: has a character that no database takes"
