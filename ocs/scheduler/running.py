"""Coroutines whose result nobody awaits, and GUIDs."""
from __future__ import annotations

import random
from base64 import b32hexencode
from typing import Any, Coroutine

from twisted.internet.defer import Deferred
from twisted.logger import Logger

__all__ = ["new_guid", "run"]

log = Logger()


def run(work: Coroutine[Any, Any, Any], what: str) -> Deferred[Any]:
    """Run a coroutine whose result nobody awaits; a failure is logged as the bug that it is."""
    return Deferred.fromCoroutine(work).addErrback(lambda failure: log.failure("{what}", failure, what=what))


def new_guid(rng: random.Random) -> str:
    """A call attempt GUID: 32 characters 0-9 A-V, 160 bits of chance."""
    return b32hexencode(rng.getrandbits(160).to_bytes(20, "big")).decode("ascii")
