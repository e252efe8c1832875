"""Tokens of the HTTP API: made here, shown once, kept as hashes only.

A token is 256 random bits, so a plain SHA-256 of it is as good as any slow hash, and checking one costs nothing.
"""
from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import bindparam, delete, func, insert, select

from ocs.database.statements import Sql, Transaction
from ocs.errors import OCSError
from ocs.store import schema

__all__ = ["MOST_TOKENS", "ApiToken", "Role", "add_token", "hash_of", "revoke_token", "tokens"]

MOST_TOKENS = 1_000         # a server keeps all of them in memory
_PREFIX = "ocs_"            # so that people, and scanners of code, know what they have found
_c = schema.api_tokens.c
_all = Sql(select(_c.name, _c.hash, _c.role, _c.agent_id, _c.made_at, _c.expires_at).order_by(_c.name))
_named = Sql(select(_c.name).where(_c.name == bindparam("name")))
_count = Sql(select(func.count()).select_from(schema.api_tokens))
_add = Sql(insert(schema.api_tokens))
_revoke = Sql(delete(schema.api_tokens).where(_c.name == bindparam("name")))


class Role(IntEnum):
    """What a token's holder may do; each may do what those before may."""
    AGENT = 1               # sees campaign groups, asks about own records, do-not-call for customers
    SUPERVISOR = 2          # orders campaign groups, adds and cancels records, sees everything
    ADMINISTRATOR = 3       # imports, takes numbers off the do-not-call list

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower()


@dataclass(frozen=True)
class ApiToken:
    """One token, as it is kept. Times in epoch seconds; `expires_at` None = never. `agent_id` of an agent's."""

    name: str
    hash: str
    role: Role
    agent_id: str | None
    made_at: float
    expires_at: float | None = None

    def valid(self, now: float) -> bool:
        """Whether it may still be used."""
        return self.expires_at is None or now < self.expires_at


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def add_token(work: Transaction, name: str, role: Role, now: float, agent_id: str | None = None,
              expires_at: float | None = None) -> str:
    """A new token, which nobody can read again. OCSError for a name that is taken or makes no sense, and for one too many."""
    if not 1 <= len(name) <= 64 or not name.isprintable() or name != name.strip():
        raise OCSError("a token's name has 1 to 64 printable characters, no blanks at its ends")
    if role is Role.AGENT and not agent_id:
        raise OCSError("a token with the role agent needs the agent's id")
    if work.row(_named, name=name) is not None:
        raise OCSError(f"there is a token {name!r} already; revoke it first")
    if (work.row(_count) or (0,))[0] >= MOST_TOKENS:
        raise OCSError(f"there are {MOST_TOKENS} tokens, and cannot be more; revoke some")
    token = _PREFIX + secrets.token_urlsafe(32)
    work.run_many(_add, [{"name": name, "hash": hash_of(token), "role": role.word, "agent_id": agent_id, "made_at": now,
                          "expires_at": expires_at}])
    return token


def revoke_token(work: Transaction, name: str) -> bool:
    """Nobody may use it any more; False where there is none of this name."""
    return work.run(_revoke, name=name) == 1


def tokens(work: Transaction) -> list[ApiToken]:
    """All of them, by name; those whose role this program does not know are left out."""
    roles = {role.word: role for role in Role}
    return [ApiToken(row[0], row[1], roles[row[2]], row[3], row[4], row[5]) for row in work.rows(_all) if row[2] in roles]
