"""What the HTTP API adds, each once: whoever repeats a request with its idempotency key gets the answer of the first time.

The row of the key is written in the transaction of the addition itself, so it is there if and only if the addition is, whatever
is killed at whatever moment. Keys are kept for a day, and no more than so many.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from sqlalchemy import bindparam, delete, select

from ocs.database.statements import Sql, Transaction, insert_ignoring
from ocs.errors import OCSError
from ocs.store import schema

__all__ = ["Addition", "KEPT_S", "KeyReused", "MOST_KEPT", "drop_old_additions", "once"]

KEPT_S = 86_400.0
MOST_KEPT = 200_000
_c = schema.api_additions.c
_find = Sql(select(_c.fingerprint, _c.answer).where(_c.client == bindparam("client"),
                                                    _c.idempotency_key == bindparam("idempotency_key")))
_keep = insert_ignoring(schema.api_additions)
_drop = Sql(delete(schema.api_additions).where(_c.made_at < bindparam("before")))
_oldest_kept = Sql(select(_c.made_at).order_by(_c.made_at.desc()).limit(1).offset(bindparam("skip")))


@dataclass(frozen=True)
class Addition:
    """Who adds, by which key, what (a hash of the request), when (epoch seconds)."""

    client: str
    key: str
    fingerprint: str
    made_at: float


class KeyReused(OCSError):
    """The key was used for something else."""


def once(work: Transaction, addition: Addition | None, add: Callable[[], str]) -> tuple[str, bool]:
    """The answer (JSON text) that `add` gives or, for a repetition, has given; and whether it is a repetition. Without an
    addition everything is new. KeyReused."""
    if addition is None:
        return add(), False
    found = work.row(_find, client=addition.client, idempotency_key=addition.key)
    if found is not None:
        if found[0] != addition.fingerprint:
            raise KeyReused("Idempotency-Key: it was used for another request")
        return str(found[1]), True
    answer = add()
    if not work.run(_keep, client=addition.client, idempotency_key=addition.key, fingerprint=addition.fingerprint,
                    made_at=addition.made_at, answer=answer):
        # two at the same time: nothing is added by the second one, whose repetition finds the first
        raise KeyReused("Idempotency-Key: a request with it is just being carried out; repeat it")
    return answer, False


def drop_old_additions(work: Transaction, now: float, most: int = MOST_KEPT) -> int:
    """Forget keys that are old, and of too many the oldest; how many."""
    row = work.row(_oldest_kept, skip=most - 1)
    before = max(now - KEPT_S, row[0] if row else now - KEPT_S)
    return work.run(_drop, before=before)
