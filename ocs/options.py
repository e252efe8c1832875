"""Tables of options, declared once: they load TOML into frozen values and print their own sample.

An option table is a frozen dataclass whose fields are made by `option`; a field whose type is another table is a TOML
table, `tuple[Table, ...]` an array of tables. Types of options: bool, int, float, str, Path, an Enum (by its word),
`tuple[str, ...]`, `Path | None` ("" in the file means none), and NumberedText (NAME, NAME1, NAME2 ... in the file). Relative
paths in a file count from its folder.
A table may have a method `problems() -> list[str]` for rules that span several options; it is asked even when single
values are wrong (those stand at their defaults, or empty where required), so that everything is reported at once.
"""
from __future__ import annotations

import dataclasses
import difflib
import functools
import tomllib
import types
import typing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Iterator, Mapping, TypeVar, cast

from ocs.errors import ConfigurationError
from ocs.numbered import NumberedText, read_numbered, stem

__all__ = ["AT_NEXT_LOAD", "AT_ONCE", "AT_RESTART", "REQUIRED", "Entry", "NumberedText", "entries", "enum_word", "load",
           "load_file", "one_secret", "option", "read_secret", "read_toml", "sample", "table"]

Root = TypeVar("Root")


class _Required:
    """The default of an option that must be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
# When a changed option takes effect: once the file is read again, with the campaign group's next load, with a restart.
AT_ONCE, AT_NEXT_LOAD, AT_RESTART = "at once", "at next load", "at restart"


@dataclass(frozen=True)
class _Rule:
    """What is known of one option beside its type and default."""

    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    effect: str = ""
    secret: bool = False
    example: Any = None


def option(default: Any, *, text: str, unit: str = "", low: float | None = None, high: float | None = None,
           choices: tuple[Any, ...] | None = None, effect: str = "", secret: bool = False,
           example: Any = None) -> Any:
    """A field of an table. `default` REQUIRED makes it mandatory (`example` is then what the sample shows); `low`
    and `high` are inclusive; `choices` the permitted values (of an Enum: members); `effect` says when a change takes
    effect, "" = as its table says; a `secret` value is never shown. Fields are keyword-only, so required ones may stand
    anywhere."""
    rule = _Rule(text, unit, low, high, choices, effect, secret, example)
    if default is REQUIRED:
        return dataclasses.field(kw_only=True, repr=not secret, metadata={"rule": rule})
    return dataclasses.field(default=default, kw_only=True, repr=not secret, metadata={"rule": rule})


def table(kind: type | None = None, *, text: str = "", effect: str = "") -> Any:
    """A field that is a nested table of `kind` (its options at their defaults where the file has none), or, without
    `kind`, an array of tables, empty by default. `text` stands above it in the sample; `effect` says when changes in it take
    effect, and elements that come or go; "" = as the table around it says, at a restart where none does."""
    factory = tuple if kind is None else kind
    return dataclasses.field(default_factory=factory, kw_only=True, metadata={"text": text, "effect": effect})


def load(root: type[Root], mapping: Mapping[str, Any], folder: Path | None = None) -> Root:
    """Make a value of `root` from decoded TOML; ConfigurationError with every unknown name and bad value at once, each
    naming `section.option` (elements of arrays are counted from 1). Relative paths count from `folder` where given."""
    problems: list[str] = []
    value = _build(root, mapping, "", problems, folder)
    wrong = {problem.partition(":")[0] for problem in problems}     # values that are wrong break rules: told once
    problems.extend(problem for problem in _broken_rules(value, "") if problem.partition(":")[0] not in wrong)
    if problems:
        raise ConfigurationError(problems)
    return cast(Root, value)


def read_toml(path: Path | str) -> dict[str, Any]:
    """The file as decoded TOML; ConfigurationError for one that cannot be read or parsed."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror or error}"]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError([f"{path}: not valid TOML: {error}"]) from None


def load_file(root: type[Root], path: Path | str) -> Root:
    """`load` the TOML file; a file that cannot be read or parsed is a ConfigurationError too."""
    path = Path(path)
    mapping = read_toml(path)
    try:
        return load(root, mapping, path.resolve().parent)
    except ConfigurationError as error:
        raise ConfigurationError([f"{path}: {problem}" for problem in error.problems]) from None


def read_secret(path: Path, name: str) -> str:
    """The first line of the file that option `name` names; ConfigurationError if there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{name}: cannot read {path}: {getattr(error, 'strerror', None) or error}"]) from None
    if not lines or not lines[0].strip():
        raise ConfigurationError([f"{name}: {path} is empty"])
    return lines[0].strip()


def one_secret(name: str, given: str, file: Path | None) -> list[str]:
    """The problems of a secret that option `name` gives, or the file that `name`_file names."""
    if given and file is not None:
        return [f"{name}: given twice, here and by {name}_file"]
    if file is not None and not file.is_file():
        return [f"{name}_file: cannot read {file}"]
    return []


def enum_word(member: Enum) -> str:
    """The word of an Enum member in configuration: its `word`, else its value if a str, else its name with hyphens."""
    word = getattr(member, "word", member.value)
    return word if isinstance(word, str) else member.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Entry:
    """One option as people read of it. `section` is "" for the root's own; `array` True inside an array of tables."""

    section: str
    name: str
    type: str
    default: str        # as TOML; "" where required
    required: bool
    unit: str
    range: str
    effect: str
    text: str
    array: bool
    example: str        # as TOML: a value to start from; the default if none was declared
    heading: str        # of the section: `[name]`, or `[[name]]` where it is an array of tables


def entries(root: type, section: str = "", array: bool = False, heading: str = "", effect: str = AT_RESTART) -> Iterator[Entry]:
    """Every option of `root`, its own first, then those of its tables in order."""
    hints = typing.get_type_hints(root)
    for field in dataclasses.fields(root):
        if "rule" in field.metadata:
            yield _entry(field, hints[field.name], section, array, heading, effect)
    for field in dataclasses.fields(root):
        inner, is_array = _table_type(hints[field.name])
        if inner is not None:
            name = _join(section, field.name)
            yield from entries(inner, name, array or is_array, f"[[{name}]]" if is_array else f"[{name}]",
                               field.metadata["effect"] or effect)


def sample(root: type, title: str = "") -> str:
    """The commented TOML of every option at its default; it loads. Arrays of tables are shown as comments."""
    lines = [f"# {line}" for line in title.splitlines()]
    section = None
    texts = dict(_table_texts(root))
    for entry in entries(root):
        if entry.section != section:
            section = entry.section
            lines += ["", *(f"# {line}" for line in texts.get(section, "").splitlines())]
            lines.append(f"{'#' if entry.array else ''}{entry.heading}")
        facts = [entry.type, "required" if entry.required else "", entry.range, entry.unit and f"in {entry.unit}",
                 f"takes effect {entry.effect}"]
        lines += [f"# {entry.text}", f"#   {'; '.join(filter(None, facts))}"]
        lines.append(f"{'#' if entry.array else ''}{entry.name} = {entry.example}")
    return "\n".join(lines).strip("\n") + "\n"


_hints = functools.lru_cache(maxsize=256)(typing.get_type_hints)     # a file may have thousands of elements of one table


def _build(kind: type, mapping: Mapping[str, Any], section: str, problems: list[str], folder: Path | None) -> Any:
    hints = _hints(kind)
    values: dict[str, Any] = {}
    fields = {field.name: field for field in dataclasses.fields(kind)}
    numbered = {name for name, hint in hints.items() if hint is NumberedText}
    for name in mapping:
        if name not in fields and stem(name) not in numbered:
            kind_word = "table" if isinstance(mapping[name], dict) else "option"
            problems.append(f"{_join(section, name)}: unknown {kind_word}{_hint(name, fields)}")
    for name, field in fields.items():
        where, hint = _join(section, name), hints[name]
        inner, is_array = _table_type(hint)
        if inner is not None and (name in mapping or not is_array):
            given = mapping.get(name, [] if is_array else {})
            if is_array:
                values[name] = _build_array(inner, given, where, problems, folder)
            elif isinstance(given, dict):
                values[name] = _build(inner, given, where, problems, folder)
            else:
                problems.append(f"{where}: a table [{where}] is expected, not {_shown(given)}")
                values[name] = _build(inner, {}, where, [], folder)
        elif hint is NumberedText:
            values[name], faults = read_numbered(name, mapping)
            problems += [_join(section, fault) for fault in faults]
        elif name in mapping:
            try:
                values[name] = _converted(mapping[name], hint, field.metadata["rule"], folder)
                continue
            except ValueError as error:
                hidden = field.metadata["rule"].secret
                problems.append(f"{where}: {error}" + ("" if hidden else f", not {_shown(mapping[name])}"))
            if not _has_default(field):
                values[name] = _empty(hint)
        elif not _has_default(field):
            problems.append(f"{where}: required, but not given")
            values[name] = _empty(hint)
        elif isinstance(field.default, Path):
            values[name] = (folder or Path()) / field.default
    return kind(**values)


def _build_array(kind: type, given: Any, where: str, problems: list[str], folder: Path | None) -> tuple[Any, ...]:
    if not isinstance(given, list) or not all(isinstance(element, dict) for element in given):
        problems.append(f"{where}: an array of tables [[{where}]] is expected, not {_shown(given)}")
        return ()
    return tuple(_build(kind, element, f"{where}[{number}]", problems, folder)
                 for number, element in enumerate(given, 1))


def _broken_rules(value: Any, section: str) -> Iterator[str]:
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if dataclasses.is_dataclass(inner):
            yield from _broken_rules(inner, _join(section, field.name))
        elif isinstance(inner, tuple) and inner and dataclasses.is_dataclass(inner[0]):
            for number, element in enumerate(inner, 1):
                yield from _broken_rules(element, f"{_join(section, field.name)}[{number}]")
    rules = getattr(value, "problems", None)
    if callable(rules):
        yield from (_join(section, problem) for problem in rules())


def _converted(value: Any, hint: Any, rule: _Rule, folder: Path | None) -> Any:
    """`value` as `hint` wants it; ValueError says what was expected."""
    kind = _plain(hint)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind, value, rule.choices or tuple(kind))
    if kind is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("an array of strings is expected")
        return tuple(value)
    if kind is Path:
        if not isinstance(value, str):
            raise ValueError("a path is expected")
        if not value:
            return None if hint is not Path else Path()
        return (folder or Path()) / Path(value).expanduser()
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"{_WORDS[kind]} is expected")
    if rule.choices is not None and value not in rule.choices:
        raise ValueError(f"one of {', '.join(map(str, rule.choices))} is expected")
    if kind in (int, float) and not _in_range(value, rule):
        raise ValueError(f"{_range(rule)} is expected")
    return value


def _member(kind: type[Enum], value: Any, members: tuple[Any, ...]) -> Enum:
    """By its word; by number and public label too where the enumeration has them ("no-answer", "No Answer", 7)."""
    words = {enum_word(member).replace("_", "-"): member for member in members}
    if isinstance(value, str):
        word = value.strip().casefold().replace(" ", "-").replace("_", "-")
        labels = {member.label.casefold().replace(" ", "-"): member for member in members if hasattr(member, "label")}
        found = words.get(word, labels.get(word))
    else:
        found = next((member for member in members if issubclass(kind, int) and type(value) is int
                      and member.value == value), None)
    if found is None:
        near = difflib.get_close_matches(str(value), words, 1) if len(words) > _LISTED else []
        raise ValueError(f"{_choices(kind, members)} is expected" + (f" ({near[0]}?)" if near else ""))
    return cast(Enum, found)


def _choices(kind: type[Enum], members: tuple[Any, ...]) -> str:
    if len(members) > _LISTED:
        return f"the name or number of a {kind.__name__}"
    return f"one of {', '.join(map(enum_word, members))}"


_LISTED = 16    # members of an enumeration that people are shown in full
_TYPE_NAMES = {tuple: "array of strings", bool: "bool", int: "integer", float: "number", str: "string", Path: "path",
               NumberedText: "string"}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}


def _plain(hint: Any) -> Any:
    """The type behind `X | None` and `tuple[str, ...]`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return typing.get_origin(hint) or hint


def _empty(hint: Any) -> Any:
    kind = _plain(hint)
    return next(iter(kind)) if isinstance(kind, type) and issubclass(kind, Enum) else kind()


def _table_type(hint: Any) -> tuple[type | None, bool]:
    if dataclasses.is_dataclass(hint):
        return cast(type, hint), False
    if typing.get_origin(hint) is tuple and dataclasses.is_dataclass(typing.get_args(hint)[0]):
        return typing.get_args(hint)[0], True
    return None, False


def _table_texts(root: type, section: str = "") -> Iterator[tuple[str, str]]:
    hints = typing.get_type_hints(root)
    for field in dataclasses.fields(root):
        inner, _ = _table_type(hints[field.name])
        if inner is not None:
            name = _join(section, field.name)
            yield name, field.metadata.get("text") or (inner.__doc__ or "").split("\n\n")[0]
            yield from _table_texts(inner, name)


def _entry(field: Any, hint: Any, section: str, array: bool, heading: str, effect: str) -> Entry:
    rule, kind = field.metadata["rule"], _plain(hint)
    required = not _has_default(field)
    members = tuple(kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()
    word = "word" if members else _TYPE_NAMES[kind]
    if members:
        span = _choices(kind, rule.choices or members)
    else:
        span = f"one of {', '.join(map(str, rule.choices))}" if rule.choices else _range(rule)
    default = "" if required else _toml(field.default)
    example = _toml(rule.example) if rule.example is not None else default or _toml(_empty(hint))
    return Entry(section, field.name, word, default, required, rule.unit, span, rule.effect or effect, rule.text, array,
                 example, heading)


def _has_default(field: Any) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _in_range(value: float, rule: _Rule) -> bool:
    """So written, nan is outside of every range."""
    return (rule.low is None or value >= rule.low) and (rule.high is None or value <= rule.high)


def _range(rule: _Rule) -> str:
    if rule.low is not None and rule.high is not None:
        return f"{_number(rule.low)} to {_number(rule.high)}"
    if rule.low is not None:
        return f"{_number(rule.low)} or more"
    return f"at most {_number(rule.high)}" if rule.high is not None else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        value = enum_word(value)
    if value is None or value == Path():
        value = ""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, (str, Path)):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _hint(name: str, fields: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, fields, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name
