"""Whether an agent's password is right: who guesses waits longer and longer, who was right before does not wait.

A check is heavy on purpose, so only a few run at a time, and a password that was right once since the start is recognised by a
keyed digest, which says nothing to who has not the key: a floor of desktops that comes back after an interruption of the network
is let in at once.
"""
from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Callable

from twisted.internet.defer import Deferred, DeferredSemaphore, succeed
from twisted.internet.interfaces import IReactorTime

__all__ = ["Credential", "Gate"]

_AT_A_TIME = 2              # checks; each takes a core, and the memory that its hash asks for
_FREE_GUESSES = 5           # wrong passwords in a row before anybody waits
_LONGEST_WAIT_S = 15.0      # a login that waits longer would run into its own time-out


@dataclass(frozen=True)
class Credential:
    """How an agent proves to be one: by the agent id at the switch, or the employee id, and a password."""

    agent_id: str
    password_hash: str = field(repr=False)
    employee_id: str = ""


class Gate:
    """`check(hash, password)` fires with whether it is right; it is the slow one."""

    def __init__(self, check: Callable[[str, str], Deferred[bool]], clock: IReactorTime) -> None:
        self._check, self._clock = check, clock
        self._turns = DeferredSemaphore(_AT_A_TIME)
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}      # hash -> digest of the password that was right
        self._wrong: dict[str, int] = {}        # hash -> wrong ones since the last right one

    def keep(self, hashes: frozenset[str]) -> None:
        """Forget what belongs to other hashes than these."""
        self._right = {one: digest for one, digest in self._right.items() if one in hashes}
        self._wrong = {one: count for one, count in self._wrong.items() if one in hashes}

    def verify(self, password_hash: str, password: str) -> Deferred[bool]:
        """Fires with whether it is right; a failed check fails it."""
        digest = self._digest(password_hash, password)
        known = self._right.get(password_hash)
        if known is not None and hmac.compare_digest(known, digest):
            return succeed(True)
        wait_s = self._wait_s(password_hash)
        if not wait_s:
            return self._turn(password_hash, password, digest)
        waited: Deferred[None] = Deferred()
        self._clock.callLater(wait_s, waited.callback, None)
        return waited.addCallback(lambda _: self._turn(password_hash, password, digest))

    def _wait_s(self, password_hash: str) -> float:
        guesses = self._wrong.get(password_hash, 0) - _FREE_GUESSES
        return min(2.0 ** guesses, _LONGEST_WAIT_S) if guesses >= 0 else 0.0

    def _turn(self, password_hash: str, password: str, digest: bytes) -> Deferred[bool]:
        turn: Deferred[bool] = self._turns.run(self._check, password_hash, password)
        return turn.addCallback(self._checked, password_hash, digest)

    def _checked(self, right: bool, password_hash: str, digest: bytes) -> bool:
        if right:
            self._right[password_hash] = digest
            self._wrong.pop(password_hash, None)
        else:
            self._wrong[password_hash] = min(self._wrong.get(password_hash, 0) + 1, 64)
        return right

    def _digest(self, password_hash: str, password: str) -> bytes:
        text = f"{password_hash}\0{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
