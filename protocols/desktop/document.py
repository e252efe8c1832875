"""The tables of docs/desktop-protocol.md, made of the message definitions: `python -m protocols.desktop.document FILE` puts them
between the page's marks (`<!-- requests -->` ... `<!-- end -->`); `--check` only says whether the page is current."""
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Callable, Iterable, Mapping, Sequence

from protocols.desktop import keys
from protocols.desktop.errors import DesktopErrorCode, error_table
from protocols.desktop.events import EVENTS, answered_by
from protocols.desktop.fields import FIELDS
from protocols.desktop.index import REQUESTS

__all__ = ["TABLES", "filled"]

_MARKED = re.compile(r"(<!-- ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _short(names: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("GSW_") for name in names) or "-"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def _requests() -> str:
    rows = []
    for kind in REQUESTS.values():
        mandatory = _short(kind.mandatory)
        if kind.one_of:
            mandatory = ", ".join(part for part in (mandatory, "one of " + _short(kind.one_of)) if part != "-")
        name = " or ".join(f"`{spelling}`" for spelling in (kind.name, *kind.spellings))
        rows.append((name, str(kind.log_code), kind.does, mandatory, _short(kind.optional), _code(kind.events),
                     ", ".join(str(int(code)) for code in kind.errors)))
    return _table(("request", "log", "what it does", "mandatory", "optional", "answer", "errors"), rows)


def _events() -> str:
    return _table(("event", "keys", "where known", "user-defined fields", "answers", "unasked"), (
        (f"`{kind.name}`", _short(kind.keys), _short(kind.optional), "yes" if kind.fields else "no",
         "every request" if kind.name == "Error" else _code(answered_by(kind.name)), kind.unasked or "-")
        for kind in EVENTS.values()))


def _keys() -> str:
    rows = []
    for key, field in FIELDS.items():
        asked = [kind.name for kind in REQUESTS.values() if key in kind.keys]
        everywhere = key == keys.APPLICATION_ID or len(asked) > 12
        rows.append((f"`{key}`", field.accepts, "every request" if everywhere else _code(asked)))
    return _table(("key", "accepted", "in"), rows)


def _coverage() -> str:
    """Request by error: which error may answer which request. Each `x` has a transcript."""
    return _table(("request", "transcripts", *(str(int(code)) for code in DesktopErrorCode)), (
        (f"`{kind.name}`", f"[{kind.name}.md](../tests/desktop/transcripts/{kind.name}.md)",
         *("x" if code in kind.errors else "" for code in DesktopErrorCode)) for kind in REQUESTS.values()))


TABLES: Mapping[str, Callable[[], str]] = {
    "requests": _requests, "events": _events, "keys": _keys, "errors": error_table, "coverage": _coverage}


def filled(page: str) -> str:
    """The page with every marked table as the code has it now. ValueError for a mark that names no table."""
    def made(match: re.Match[str]) -> str:
        if match[2] not in TABLES:
            raise ValueError(f"there is no table {match[2]}")
        return f"{match[1]}{TABLES[match[2]]()}\n{match[3]}"
    return _MARKED.sub(made, page)


def main(arguments: Sequence[str]) -> int:
    """0: the page is current now."""
    check, names = "--check" in arguments, [one for one in arguments if one != "--check"]
    if len(names) != 1:
        sys.stderr.write("usage: python -m protocols.desktop.document [--check] FILE\n")
        return 2
    path = Path(names[0])
    before = path.read_text(encoding="utf-8")
    after = filled(before)
    if check:
        return int(after != before)
    if after != before:
        path.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
