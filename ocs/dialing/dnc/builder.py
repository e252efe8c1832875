"""A do-not-call list of many entries, made at once."""
from __future__ import annotations

from ocs.dialing.dnc.changes import Scope
from ocs.dialing.dnc.identifiers import IdentifierSetBuilder
from ocs.dialing.dnc.listed import DoNotCallList

__all__ = ["DoNotCallBuilder"]


class DoNotCallBuilder:
    """Makes a list of many entries, given in batches and in any order, in a thread of its own."""

    def __init__(self) -> None:
        self._scopes: dict[Scope, tuple[IdentifierSetBuilder, IdentifierSetBuilder]] = {}

    def extend(self, scope: Scope, phones: list[str], customer_ids: list[str]) -> None:
        """Put phones and customer ids on the list, repeated or not."""
        if scope not in self._scopes:
            self._scopes[scope] = (IdentifierSetBuilder("+"), IdentifierSetBuilder(""))
        for builder, texts in zip(self._scopes[scope], (phones, customer_ids)):
            builder.extend(texts)

    def finish(self, sequence: int) -> DoNotCallList:
        """The list as of this change of the database; the builder is empty after it."""
        listed = DoNotCallList()
        while self._scopes:
            scope, (phones, customers) = self._scopes.popitem()
            listed.put_scope(scope, phones.finish(), customers.finish())
        listed.rewind(sequence)
        return listed
