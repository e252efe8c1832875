"""Dialing filters as the engine sees them: the text that an administrator wrote, and what a store has made of it.

A chain is taken by one record that meets the criteria, and comes whole. The order rules which chains come first, and in
which order a chain's records are dialed.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Iterable, Mapping, Protocol

if TYPE_CHECKING:
    from ocs.dialing.values import Record

__all__ = ["FilterText", "RecordFilter"]


@dataclass(frozen=True)
class FilterText:
    """The options of a filter (`criteria`, `order_by`, and these with a number) in pairs with their texts. `name` is that
    of a filter which several lists may share; "" where it is the list's own."""

    options: tuple[tuple[str, str], ...]
    name: str = ""

    @property
    def by_option(self) -> Mapping[str, str]:
        """Option -> its text."""
        return dict(self.options)


class RecordFilter(Protocol):
    """A filter that was read over one list's columns; made by the store, equal to another of the same text."""

    def matches(self, record: Record) -> bool:
        """Whether a record meets the criteria, as it stands in its list."""

    def chain_order(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """The records of a chain as they are to be dialed."""
