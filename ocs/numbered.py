"""Long texts in a configuration: split over numbered options, NAME, NAME1, NAME2 ..., which are joined with blanks."""
from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

__all__ = ["NumberedText", "read_numbered", "stem"]

_NUMBERED = re.compile(r"(.*?)([1-9][0-9]{0,2})?", re.ASCII | re.DOTALL)


class NumberedText(str):
    """The whole text. `pieces` are the options that were given, with their texts."""

    pieces: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(pieces: Iterable[tuple[str, str]]) -> "NumberedText":
        """The text of these options, in this order."""
        given = tuple(pieces)
        made = NumberedText(" ".join(text for _, text in given))
        made.pieces = given
        return made


def stem(name: str) -> str:
    """The name of an option without its number (1 to 999)."""
    match = _NUMBERED.fullmatch(name)
    return name if match is None else match[1]


def read_numbered(name: str, mapping: Mapping[str, Any]) -> tuple[NumberedText, list[str]]:
    """The text that the options of this name give, and what is wrong with them: each fault begins with the option."""
    given = {int(each[len(name):] or 0): each for each in mapping if each == name or stem(each) == name}
    faults = [f"{name}{number}: missing, but {name}{max(given)} is given"
              for number in range(1, max(given, default=0)) if number not in given]
    faults += [f"{each}: a string is expected, not {str(mapping[each])[:60]!r}"
               for each in given.values() if not isinstance(mapping[each], str)]
    return NumberedText.of((each, mapping[each]) for _, each in sorted(given.items()) if isinstance(mapping[each], str)), faults
