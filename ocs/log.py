"""The log of a server: its level, its file, its form; and how numbers are masked.

`log_through` hands the observer to `twistd`, which starts it with the application; a `--logfile` or `--logger` on
twistd's command line wins over the configuration. Levels can be changed while the server runs (`set_level`).
"""
from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any, MutableMapping

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsJSON,
    formatEvent,
)
from twisted.python.logfile import LogFile

from ocs.options import option

__all__ = ["LogForm", "LogLevelName", "LogOptions", "configured", "debugging", "log_through", "masked", "observer", "set_level",
           "trace_file"]


class LogLevelName(Enum):
    """From which level on events are written."""
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class LogForm(Enum):
    """A line of text for people, or a JSON object a line for programs."""
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class LogOptions:
    """What the server writes to its log."""

    level: LogLevelName = option(LogLevelName.INFO, effect="at once",
                                 text="Least level that is written. Debug shows numbers and wire messages.")
    file: Path | None = option(None, text="Where to; empty = standard output.")
    form: LogForm = option(LogForm.TEXT, text="Text for people, or JSON with every field for programs.")
    rotate_mb: int = option(50, low=1, high=10_000, unit="megabytes", text="A log file of this size is put aside.")
    keep: int = option(10, low=1, high=1_000, unit="files", text="How many files that were put aside are kept.")


# one of each per process, as there is one log
_levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
_configured: tuple[LogOptions, Any] = LogOptions(), None
_debugging = True       # until a level is set: whoever listens may want everything


def set_level(word: str, namespace: str = "") -> None:
    """Write events from this level on ("debug", "info", "warn", "error"), of `namespace` only where given; ValueError
    for another word."""
    if word not in (level.value for level in LogLevelName):
        raise ValueError(f"{word!r} is no level; there are {', '.join(level.value for level in LogLevelName)}")
    global _debugging
    level = LogLevel.lookupByName(word)
    if namespace:
        _levels.setLogLevelForNamespace(namespace, level)
        _debugging |= level is LogLevel.debug
    else:
        _debugging = level is LogLevel.debug
        _levels.defaultLogLevel = level
        _levels.clearLogLevels()        # takes the default for everything


def debugging() -> bool:
    """False where nothing of level debug is written: then what happens with every call need not be told, which takes longer than
    one would think."""
    return _debugging


def observer(options: LogOptions, file: Any = None) -> ILogObserver:
    """Writes events of the wanted levels in the wanted form to `file`, else to where the options say."""
    set_level(options.level.value)
    if file is None and options.file is not None:
        options.file.parent.mkdir(parents=True, exist_ok=True)
        file = LogFile(options.file.name, str(options.file.parent), rotateLength=options.rotate_mb * 1_000_000,
                       maxRotatedFiles=options.keep, defaultMode=0o640)
    write = _json_line if options.form is LogForm.JSON else _text_line
    return FilteringLogObserver(FileLogObserver(file or sys.stdout, write), [_levels])


def log_through(twistd_options: MutableMapping[str, Any] | None, options: LogOptions) -> None:
    """Let twistd (its options are the parent of a plugin's) start the log that `options` describe."""
    if twistd_options is None or twistd_options.get("logger"):
        return
    given = twistd_options.get("logfile")
    if given and given != "-":
        options = LogOptions(level=options.level, file=Path(given), form=options.form, rotate_mb=options.rotate_mb,
                             keep=options.keep)
    global _configured
    _configured = options, sys.stdout if given == "-" else None
    twistd_options["logger"] = f"{__name__}.configured"     # twistd imports it by its name


def configured() -> ILogObserver:
    """The observer that `log_through` was given the options of; for twistd."""
    return observer(*_configured)


def trace_file(path: Path) -> LogFile:
    """A file for traces: for the owner's eyes only, ten files of 10 MB at most. OSError where it cannot be written."""
    path.touch(mode=0o600)
    return LogFile(path.name, str(path.parent), rotateLength=10_000_000, maxRotatedFiles=9, defaultMode=0o600)


def masked(number: str) -> str:
    """A telephone number as the log shows it: country and area recognisable, the subscriber not; extensions whole."""
    return number if len(number) <= 7 else f"{number[:5]}{'*' * (len(number) - 7)}{number[-2:]}"


def _text_line(event: LogEvent) -> str | None:
    try:
        text = formatEvent(event)
    except Exception as error:      # a log line that cannot be formatted must not take the server with it
        text = f"unformattable event {event.get('log_format')!r}: {error}"
    failure = event.get("log_failure")
    if failure is not None:
        text = f"{text}\n{failure.getTraceback()}"
    if not text:
        return None
    moment = datetime.fromtimestamp(event["log_time"], timezone.utc).isoformat(timespec="milliseconds")
    level, system = event.get("log_level"), event.get("log_namespace", "-")
    body = text.rstrip("\n").replace("\n", "\n\t")
    return f"{moment.replace('+00:00', 'Z')} {level.name if level is not None else '-':<8} [{system}] {body}\n"


def _json_line(event: LogEvent) -> str | None:
    text = eventAsJSON({**event, "text": formatEvent(event)})
    return text.replace("\n", " ") + "\n"
