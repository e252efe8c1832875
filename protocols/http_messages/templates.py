"""Templates of requests: a JSON document and a URI with `{names}` of record data in them.

A template is read once, as JSON; only its strings are filled in, so no value of a record can change the document's shape. A
string that is one name and nothing else becomes the value with its own type (a number stays a number; a value that is
missing becomes null); names inside longer strings, and in a URI, become text (percent-encoded in a URI; missing = empty).
`{{` and `}}` stand for braces.
"""
from __future__ import annotations

import re
from typing import Any, Mapping, Union
from urllib.parse import quote, urlsplit

import msgspec

from protocols.http_messages.uris import check_uri

__all__ = ["BodyTemplate", "TemplateError", "TextTemplate", "UriTemplate"]

Scalar = Union[str, int, float, None]
_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}|[{}]")
_DEEPEST = 16


class TemplateError(ValueError):
    """A template that cannot be used; the text says why."""


class TextTemplate:
    """Text with `{names}`."""

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, str]] = []     # text, then the name that follows it ("" = none)
        end, literal = 0, ""
        for found in _PART.finditer(text):
            literal += text[end:found.start()]
            end = found.end()
            if found[1]:
                self._parts.append((literal, found[1]))
                literal = ""
            elif found[0] in ("{{", "}}"):
                literal += found[0][0]
            else:
                raise TemplateError(f"a brace at character {found.start() + 1} is no part of a {{name}}; write it twice")
        self._rest = literal + text[end:]

    @property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(name for _, name in self._parts)

    @property
    def only_name(self) -> str:
        """The name, where the text is one name and nothing else; "" otherwise."""
        return self._parts[0][1] if len(self._parts) == 1 and self._parts[0][0] == self._rest == "" else ""

    def fill(self, values: Mapping[str, Scalar], encode: Any = str) -> str:
        """The text with the values in it, each as `encode` writes it."""
        filled = ""
        for literal, name in self._parts:
            value = values.get(name)
            filled += literal + ("" if value is None else encode(str(value)))
        return filled + self._rest


class BodyTemplate:
    """A JSON document with `{names}` in its strings; the text "" is an empty body. TemplateError if it is no JSON."""

    def __init__(self, text: str) -> None:
        self._empty = not text.strip()
        try:
            self._document = None if self._empty else _read(msgspec.json.decode(text))
        except (msgspec.DecodeError, RecursionError) as error:
            raise TemplateError(f"not JSON: {error}") from None

    @property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(_names(self._document))

    def fill(self, values: Mapping[str, Scalar]) -> bytes:
        """The document with the values in it, in UTF-8."""
        return b"" if self._empty else msgspec.json.encode(_filled(self._document, values))


class UriTemplate:
    """A URI with `{names}` in its path and query. TemplateError for one that cannot be used, or whose host would depend on
    a record's data."""

    def __init__(self, text: str) -> None:
        template = TextTemplate(text)
        fault = check_uri(template.fill(dict.fromkeys(template.names, "x")))
        if fault:
            raise TemplateError(fault)
        if "{" in urlsplit(text).netloc or "{" in text.partition(":")[0]:
            raise TemplateError("names may stand in its path and query only")
        self._template, self.names = template, template.names

    def fill(self, values: Mapping[str, Scalar]) -> str:
        """The URI with the values in it."""
        return self._template.fill(values, encode=lambda value: quote(value, safe=""))


def _read(value: Any, depth: int = 0) -> Any:
    """The document with a TextTemplate for each of its strings."""
    if depth > _DEEPEST:
        raise TemplateError(f"nested deeper than {_DEEPEST}")
    if isinstance(value, str):
        return TextTemplate(value)
    if isinstance(value, dict):
        return {key: _read(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner, depth + 1) for inner in value]
    return value


def _filled(value: Any, values: Mapping[str, Scalar]) -> Any:
    if isinstance(value, TextTemplate):
        return values.get(value.only_name) if value.only_name else value.fill(values)
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    return value


def _names(value: Any) -> set[str]:
    if isinstance(value, TextTemplate):
        return set(value.names)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_names, inner)) if inner else set()
