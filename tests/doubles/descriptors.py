"""A reactor for what reads sockets: time stands still until it is moved, sockets are looked at when the test says so."""
from __future__ import annotations

import select
from typing import Any

from twisted.internet.task import Clock


class ReadingClock(Clock):
    """`read()` waits until one of the descriptors has something, and lets those that have read it."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    def read(self, wait_s: float = 10.0) -> bool:
        """False if nothing came within `wait_s` seconds."""
        ready, _, _ = select.select(self.readers, [], [], wait_s)
        for reader in ready:
            reader.doRead()
        return bool(ready)
