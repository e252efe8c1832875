"""Passwords at rest: Argon2id. Both functions are heavy on purpose: servers call them by `deferToThread`."""
from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["hash_password", "is_hash", "verify_password"]

_CAREFUL = PasswordHasher()
_CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def hash_password(text: str, cheap: bool = False) -> str:
    """What is kept of a password. `cheap` only where it is random, long and short-lived (laboratory, tests)."""
    return (_CHEAP if cheap else _CAREFUL).hash(text)


def is_hash(text: str) -> bool:
    """True if `text` is what `hash_password` gives."""
    try:
        _CAREFUL.check_needs_rehash(text)
    except (InvalidHashError, UnicodeEncodeError):
        return False
    return True


def verify_password(hash: str, text: str) -> bool:
    """True if `text` is the password behind `hash`; False too where `hash` is not one."""
    try:
        return _CAREFUL.verify(hash, text)
    except (InvalidHashError, VerificationError, UnicodeEncodeError):
        return False
