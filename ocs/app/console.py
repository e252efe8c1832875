"""The operator's console: named verbs, called with literal arguments; answers as tables.

A line is one call, e.g. `records('spring', limit=5)`. It is parsed as Python, nothing of it is evaluated: a name that
is no verb, an operator, an attribute is explained and refused, so a session reaches only the verbs of `IConsoleVerbs`.
"""
from __future__ import annotations

import ast
import inspect
import io
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger
from zope.interface import Interface
from zope.interface.interface import Method

from ocs.errors import OCSError
from protocols.errors import ProtocolError

__all__ = ["Answer", "IConsoleVerbs", "Interpreter", "WrongLine", "as_text", "parse_call"]

ROW_LIMIT = 1_000       # rows of one answer that are shown
LINE_LIMIT = 1_000      # characters of one line that are parsed


class IConsoleVerbs(Interface):
    """What an operator may ask and order. Each gives plain data (a list of dicts, a dict, a str, None) or a Deferred of
    it; OCSError and ValueError are refusals that the operator reads."""

    def status() -> Any:
        """The server at a glance."""

    def sessions() -> Any:
        """Campaign groups: state, mode, agents, calls, buffers."""

    def session(group: str) -> Any:
        """One campaign group: what was not dialed and why, callbacks, results."""

    def calls() -> Any:
        """Calls in progress."""

    def records(calling_list: str, limit: int = 20) -> Any:
        """The first records of a calling list, or of a table by its own name."""

    def links() -> Any:
        """Connections to other systems."""

    def peers() -> Any:
        """Other outbound contact servers beside this one: who they are, whether they are there, what they run."""

    def load(group: str) -> Any:
        """Load a campaign group."""

    def start(group: str) -> Any:
        """Start dialing."""

    def stop(group: str) -> Any:
        """Stop dialing; calls in progress go on."""

    def unload(group: str, force: bool = False) -> Any:
        """Give records back and unload; force does not wait for calls."""

    def pause(group: str) -> Any:
        """Dial nothing new for now; the session stays started."""

    def resume(group: str) -> Any:
        """Dial on after a pause."""

    def mode(group: str, mode: str = "", method: str = "", goal: float = -1.0) -> Any:
        """Go on in another dialing mode, or to another optimization goal, until it is unloaded."""

    def decisions(group: str, count: int = 20) -> Any:
        """What the pacing decided lately, and why; the latest first."""

    def lists() -> Any:
        """Calling lists of the campaign groups: tables, shares, filters, and what is wrong with them."""

    def reread_dnc() -> Any:
        """Read the do-not-call list again, for rows that were edited by hand."""

    def reload() -> Any:
        """Read the configuration file again: what changes, and when. A file with a fault changes nothing."""

    def log_level(name: str) -> Any:
        """Write events of this level and above: debug, info, warn, error."""


class WrongLine(Exception):
    """A line that is not a call of a verb; the text says what to write instead."""


@dataclass(frozen=True)
class Answer:
    """What the operator reads, and whether it was done as asked."""

    text: str
    done: bool = True


class Interpreter:
    """Runs the lines of one operator."""

    log = Logger()

    def __init__(self, verbs: object, user: str) -> None:
        self._verbs, self._user = verbs, user

    async def run(self, line: str, width: int = 100) -> Answer:
        """The answer to one line, ready to be shown; "" for an empty one. Never fails."""
        if not line.strip():
            return Answer("")
        try:
            name, args, kwargs = parse_call(line)
            if name == "help":
                return Answer(help_text())
            verb = getattr(self._verbs, name)
            try:
                inspect.signature(verb).bind(*args, **kwargs)
            except TypeError as error:
                return Answer(f"{name}: {error}; it is {name}{_signature(name)}", done=False)
            self.log.info("operator {user} calls {line}", user=self._user, line=line.strip())
            return Answer(as_text(await maybeDeferred(verb, *args, **kwargs), width))
        except WrongLine as error:
            return Answer(str(error), done=False)
        except (OCSError, ProtocolError, ValueError) as error:
            return Answer(f"refused: {error}", done=False)
        except Exception as error:
            self.log.failure("console verb failed: {line}", line=line.strip())
            return Answer(f"failed: {type(error).__name__}: {error} (the log has more)", done=False)


def parse_call(line: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Name, positional and keyword arguments of a call of a verb; WrongLine otherwise."""
    line = line.strip()
    if len(line) > LINE_LIMIT:
        raise WrongLine(f"a line has at most {LINE_LIMIT} characters")
    try:
        node = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise WrongLine("not understood; write a verb with its arguments, e.g. status(), or help()") from None
    if isinstance(node, ast.Name) and node.id in _names():
        raise WrongLine(f"{node.id} is a verb; write {node.id}{_signature(node.id)}")
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise WrongLine("only verbs can be called, e.g. status(); help() lists them")
    name = node.func.id
    if name not in _names():
        raise WrongLine(f"there is no verb {name}; help() lists them")
    try:
        args = [ast.literal_eval(argument) for argument in node.args]
        kwargs = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg is not None}
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise WrongLine(f"{name}: arguments are texts in quotes, numbers, True or False") from None
    if any(word.arg is None for word in node.keywords) or (name == "help" and (args or kwargs)):
        raise WrongLine(f"{name}: it is {name}{_signature(name)}")
    return name, args, kwargs


def help_text() -> str:
    """Every verb with its arguments and its meaning."""
    calls = [(f"{name}{_signature(name)}", " ".join(_verb(name).getDoc().split()))
             for name in sorted(_names() - {"help"})]
    calls.append(("help()", "This list. Ctrl-D leaves."))
    width = max(len(call) for call, _ in calls)
    return "\n".join(f"{call:<{width}}  {text}" for call, text in calls)


def as_text(value: Any, width: int = 100) -> str:
    """Plain data as people read it: rows as a table, a mapping as two columns, the rest as it is. Control characters in
    values are replaced: a customer's name must not drive the operator's terminal."""
    if value is None:
        return "done"
    if isinstance(value, Mapping):
        return _table((("", ""),), value.items(), width, header=False)
    if isinstance(value, (list, tuple)):
        rows = list(value)
        if not rows:
            return "nothing"
        if not all(isinstance(row, Mapping) for row in rows):
            return "\n".join(_clean(row) for row in rows[:ROW_LIMIT])
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = _table(((str(name), "") for name in columns),
                      ([row.get(name) for name in columns] for row in rows[:ROW_LIMIT]), width)
        return text if len(rows) <= ROW_LIMIT else f"{text}\n... {len(rows) - ROW_LIMIT} more"
    return _clean(value)


def _table(columns: Iterable[tuple[str, str]], rows: Iterable[Iterable[Any]], width: int, header: bool = True) -> str:
    table = Table(box=SIMPLE_HEAD if header else None, show_header=header, pad_edge=False)
    for name, _ in columns:
        table.add_column(_clean(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_clean(cell)) for cell in row))
    file = io.StringIO()
    Console(file=file, width=max(width, 40), color_system=None, legacy_windows=False).print(table)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    return "\n".join(lines).strip("\n")


def _clean(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {item}" for key, item in value.items())
    return "".join(character if character.isprintable() else "?" for character in str(value))


def _names() -> set[str]:
    return {"help", *(str(name) for name in IConsoleVerbs.names())}


def _verb(name: str) -> Method:
    method = IConsoleVerbs.get(name)
    assert isinstance(method, Method)
    return method


def _signature(name: str) -> str:
    return "()" if name == "help" else _verb(name).getSignatureString()
