"""The calling rules of a server: the files that come with it and the site's own, and what holds for which list and group."""
from __future__ import annotations

import difflib
import sysconfig
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Protocol, Sequence

import ocs
from ocs.dialing.campaign import CallingList
from ocs.dialing.compliance.rule_file import read_rule
from ocs.dialing.compliance.rules import Rule
from ocs.errors import ConfigurationError
from ocs.options import option, read_toml

__all__ = ["ComplianceOptions", "RuleShelf", "add_rules", "rule_problems", "rules_named", "the_rules"]


@dataclass(frozen=True)
class ComplianceOptions:
    """Calling rules of the site's own, beside those that come with the server (docs/compliance.md)."""

    rules_directory: Path | None = option(
        None, text="Folder of further rules, *.toml; a file of the name of a rule that comes with the server takes its place.")


@dataclass(frozen=True)
class RuleShelf:
    """Rules by name, and what is wrong with files of which there is none."""

    rules: Mapping[str, Rule]
    problems: tuple[str, ...] = ()


def the_rules(directory: Path | None = None) -> RuleShelf:
    """All rules there are; a file is read again when it changes."""
    files: dict[str, Path] = {}
    for folder in (*_shipped(), *(() if directory is None else (directory,))):
        files.update((path.stem, path) for path in sorted(folder.glob("*.toml")))
    lost = (f"rules_directory: cannot read {directory}",) if directory is not None and not directory.is_dir() else ()
    return _read(tuple((name, path, *_stamp(path)) for name, path in files.items()), lost)


def _shipped() -> list[Path]:
    """`etc/rules` beside the packages in a checkout, under `share/ocs` of an installation."""
    folders = (Path(ocs.__file__).resolve().parent.parent / "etc" / "rules",
               Path(sysconfig.get_path("data")) / "share" / "ocs" / "rules")
    return [folder for folder in folders if folder.is_dir()][:1]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0         # reading it tells why
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _read(files: Sequence[tuple[str, Path, int, int]], lost: tuple[str, ...]) -> RuleShelf:
    rules, problems = {}, list(lost)
    for name, path, *_ in files:
        try:
            rules[name] = read_rule(read_toml(path), name)
        except ConfigurationError as error:
            problems += [problem if problem.startswith(str(path)) else f"{path}: {problem}" for problem in error.problems]
    return RuleShelf(rules, tuple(problems))


class _Group(Protocol):
    """What a campaign group says that rules have to do with."""

    @property
    def name(self) -> str: ...
    @property
    def campaign(self) -> str: ...
    @property
    def rules(self) -> tuple[str, ...]: ...
    @property
    def ring_timeout_s(self) -> float: ...
    @property
    def obn(self) -> bool: ...
    @property
    def dialer_num_attempts(self) -> int: ...


class _List(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def rules(self) -> tuple[str, ...]: ...


class _Campaign(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def lists(self) -> tuple[str, ...]: ...


class RuledTables(Protocol):
    """The tables of a configuration that name rules."""

    @property
    def compliance(self) -> ComplianceOptions: ...
    @property
    def calling_list(self) -> Sequence[_List]: ...
    @property
    def campaign(self) -> Sequence[_Campaign]: ...
    @property
    def campaign_group(self) -> Sequence[_Group]: ...


def rule_problems(tables: RuledTables) -> Iterator[str]:
    """Files that cannot be read, rules that there are not, and groups that cannot keep theirs; each names its option."""
    shelf = the_rules(tables.compliance.rules_directory)
    yield from (f"compliance.{problem}" if problem.startswith("rules_directory") else f"compliance.rules_directory: {problem}"
                for problem in shelf.problems)
    for array, elements in (("calling_list", tables.calling_list), ("campaign_group", tables.campaign_group)):
        for number, one in enumerate(elements, 1):
            for name in dict.fromkeys(one.rules):
                if name not in shelf.rules:
                    near = difflib.get_close_matches(name, shelf.rules, 1)
                    hint = f" ({near[0]}?)" if near else f"; there are {', '.join(sorted(shelf.rules))}"
                    yield f"{array}[{number}].rules: there is no rule {name} (in {array} {one.name}){hint}"
    of_lists = {one.name: one.rules for one in tables.calling_list}
    campaigns = {one.name: one for one in tables.campaign}
    for number, group in enumerate(tables.campaign_group, 1):
        lists = campaigns[group.campaign].lists if group.campaign in campaigns else ()
        names = [*group.rules, *(name for each in lists for name in of_lists.get(each, ()))]
        yield from (f"campaign_group[{number}].{problem}" for problem in _unkept(group, _known(names, shelf)))


def _unkept(group: _Group, rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        if group.ring_timeout_s < rule.least_ring_s:
            yield (f"ring_timeout_s: {group.ring_timeout_s:g} s, but by rule {rule.name} a phone rings {rule.least_ring_s:g} s"
                   " at least")
        if group.obn and rule.about_attempts and group.dialer_num_attempts > 1:
            yield (f"dialer_num_attempts: {group.dialer_num_attempts}, but rule {rule.name} counts attempts: 1 is expected, so"
                   " that a request is one")


def _known(names: Iterable[str], shelf: RuleShelf) -> tuple[Rule, ...]:
    return tuple(shelf.rules[name] for name in dict.fromkeys(names) if name in shelf.rules)


def rules_named(names: Iterable[str], directory: Path | None) -> tuple[Rule, ...]:
    """These rules, each once, in the order of the names. ConfigurationError for what there is not (any more)."""
    names, shelf = list(names), the_rules(directory)
    missing = [name for name in names if name not in shelf.rules]
    if missing:
        raise ConfigurationError([*shelf.problems, *(f"there is no rule {name}" for name in dict.fromkeys(missing))])
    return _known(names, shelf)


def add_rules(calling_list: CallingList, rules: Iterable[Rule]) -> CallingList:
    """The list under these rules too, their hours included."""
    held = tuple(dict.fromkeys([*calling_list.rules, *rules]))
    hours = tuple(one for rule in held for one in rule.hours)
    return replace(calling_list, rules=held, windows=replace(calling_list.windows, rules=hours))
