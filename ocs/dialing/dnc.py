"""The do-not-call list in memory: phones and customer ids, for every campaign or for one.

A phone match wins and the customer id is then not looked at. An entry counts from the moment `add` returns.
Source: the public rules of the do-not-call check.
"""
from __future__ import annotations

from typing import Iterable

from ocs.dialing.values import DoNotCallEntry

__all__ = ["DoNotCallList"]


class DoNotCallList:
    """Exact sets; `blocks` is a few dictionary look-ups."""

    def __init__(self, entries: Iterable[DoNotCallEntry] = ()) -> None:
        self._phones: dict[str | None, set[str]] = {None: set()}
        self._customers: dict[str | None, set[str]] = {None: set()}
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return sum(map(len, self._phones.values())) + sum(map(len, self._customers.values()))

    def add(self, entry: DoNotCallEntry) -> None:
        """From now on the entry's phone and customer id are not dialed."""
        if entry.phone:
            self._phones.setdefault(entry.campaign, set()).add(entry.phone)
        if entry.customer_id:
            self._customers.setdefault(entry.campaign, set()).add(entry.customer_id)

    def replace(self, entries: Iterable[DoNotCallEntry]) -> None:
        """Take a fresh list from the database; requests that are on their way there have been added to it already."""
        fresh = DoNotCallList(entries)
        self._phones, self._customers = fresh._phones, fresh._customers

    def blocks(self, campaign: str, phone: str, customer_id: str | None = None) -> str | None:
        """Why this contact must not be dialed for this campaign: "phone" or "customer id"; None if it may."""
        for scope in (None, campaign):
            if phone in self._phones.get(scope, ()):
                return "phone"
        if customer_id:
            for scope in (None, campaign):
                if customer_id in self._customers.get(scope, ()):
                    return "customer id"
        return None
