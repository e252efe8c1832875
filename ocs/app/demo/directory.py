"""The directory of a demonstration: who works in it, how far it has come, what it belongs to.

A lock keeps a second run out for as long as any process of the first lives: its servers inherit it, so a run whose parent
was killed is over only when they have given their records back. The state file lets a second run go on where the first
stopped: same contacts, same list, the clock where it stood.
"""
from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable

from sqlalchemy.engine import URL

from ocs.errors import OCSError

__all__ = ["DemoDirectory", "DirectoryRefused", "State", "fingerprint", "write_json"]

WAIT_S = 60.0       # how long servers of a killed run may take to stop


class DirectoryRefused(OCSError):
    """The directory cannot be used; the text says why."""


@dataclass(frozen=True)
class State:
    """What a run leaves for the next one. `contacts` is a fingerprint, `wall` the laboratory's time (epoch s)."""

    contacts: str = ""
    contacts_name: str = ""
    imported: bool = False
    wall: float = 0.0
    runs: int = 0


class DemoDirectory:
    """An open directory; `close` it. `database` is a URL."""

    def __init__(self, path: Path, database: str | None = None) -> None:
        self.path = path
        self.database = database or URL.create("sqlite", database=str(path / "ocs.sqlite")).render_as_string()
        self._lock: int | None = None

    # -- paths ----------------------------------------------------------------------------------------------------
    @property
    def call_log(self) -> Path:
        return self.path / "calls.jsonl"

    @property
    def endpoints(self) -> Path:
        return self.path / "endpoints.json"

    @property
    def lock(self) -> int:
        """The descriptor of the lock, for the servers to inherit."""
        assert self._lock is not None
        return self._lock

    # -- one run at a time ----------------------------------------------------------------------------------------
    def open(self, say: Callable[[str], None], wait_s: float = WAIT_S) -> None:
        """Make the directory and take its lock. DirectoryRefused if it cannot be written, if another run works in it, or
        if servers of an earlier run do not end within `wait_s` (told by `say`)."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DirectoryRefused(f"directory {self.path}: {error.strerror}") from None
        try:
            self._take(say, wait_s)
            os.ftruncate(self.lock, 0)
            os.pwrite(self.lock, str(os.getpid()).encode(), 0)
        except OSError as error:
            self.close()
            raise DirectoryRefused(f"directory {self.path}: {error.strerror}") from None
        except DirectoryRefused:
            self.close()
            raise

    def _take(self, say: Callable[[str], None], wait_s: float) -> None:
        deadline, told = time.monotonic() + wait_s, False
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                owner = self._owner()
                if owner is not None:
                    raise DirectoryRefused(f"directory {self.path}: another demonstration runs in it (process {owner})") from None
            if time.monotonic() >= deadline:
                raise DirectoryRefused(f"directory {self.path}: servers of an earlier run are still at work in it")
            if not told:
                say("waiting for the servers of an earlier run to stop ...")
                told = True
            time.sleep(0.1)

    def _owner(self) -> int | None:
        """The process that took the lock, if it is still there."""
        try:
            owner = int(os.pread(self.lock, 32, 0) or b"0")
            os.kill(owner, 0)
        except (ValueError, ProcessLookupError):
            return None
        except PermissionError:     # there, and somebody else's
            pass
        return owner or None

    def close(self) -> None:
        """Let the next one in, once the servers are gone too."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # -- how far it has come --------------------------------------------------------------------------------------
    def load_state(self, contacts: Path) -> State:
        """The state that an earlier run left, or a fresh one. DirectoryRefused if it belongs to other contacts."""
        mark = fingerprint(contacts)
        try:
            values = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
            state = State(**values)
        except FileNotFoundError:
            return State(contacts=mark, contacts_name=contacts.name)
        except (OSError, ValueError, TypeError) as error:
            raise DirectoryRefused(f"directory {self.path}: state.json cannot be used: {error}") from None
        if state.contacts != mark:
            raise DirectoryRefused(f"directory {self.path}: it holds a run of other contacts ({state.contacts_name}); choose"
                                   " another directory, or the same contacts to go on")
        return state

    def save_state(self, state: State, **changes: Any) -> State:
        """Write and return the changed state."""
        state = replace(state, **changes)
        write_json(self.path / "state.json", asdict(state))
        return state


def fingerprint(path: Path) -> str:
    """Tells one file of contacts from another. DirectoryRefused if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DirectoryRefused(f"contacts {path}: {error.strerror}") from None


def write_json(path: Path, value: Any) -> None:
    """Whole or not at all, for the owner's eyes only."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    os.replace(temporary, path)
