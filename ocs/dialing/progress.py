"""How far a chain is in its treatments, and the list's `treatments` column, by which it goes on after a stay in the list.

The column holds `<treatment DBID>@<cycle attempt>@<chain_n to dial>@<sequence>`, the public form. For a treatment that
goes through the chain the cycle attempt is the pass in which the next record is dialed; such a note is left on the record
that was dialed and on the one to dial, so passes are not forgotten when another treatment writes its note on the latter.
The column of a record that neither a treatment nor a callback has scheduled is not read.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from ocs.dialing.actions import CHAIN_ACTIONS, Treatment, Trigger
from ocs.dialing.results import RecordType
from ocs.dialing.values import Record

__all__ = ["Note", "Progress", "RESUMED_TYPES", "read_note", "resume"]

RESUMED_TYPES = frozenset({RecordType.CAMPAIGN_RESCHEDULED, RecordType.PERSONAL_RESCHEDULED,
                           RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK})
_ENCODED = re.compile(r"([0-9]{1,18})@([0-9]{1,9})@([0-9]{1,9})@([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chain is in the sequence of one trigger. `cycle` counts how often the treatment at `sequence` was applied,
    `chain_cycle` complete passes through the chain."""

    trigger: Trigger | None = None
    sequence: int = 1
    cycle: int = 0
    chain_cycle: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """The value of the `treatments` column."""

    treatment_dbid: int
    cycle: int
    chain_n: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.treatment_dbid}@{self.cycle}@{self.chain_n}@{self.sequence}"


def read_note(text: str | None) -> Note | None:
    """The note; None where the column holds anything but the public form."""
    found = _ENCODED.fullmatch(text or "")
    return None if found is None else Note(*map(int, found.groups()))


def resume(treatments: Sequence[Treatment], records: Sequence[Record], index: int) -> Progress:
    """How far the chain was when it went back to the list with `records[index]` as its head. A treatment that is gone from
    the configuration keeps its place by its number in the sequence."""
    head = records[index]
    note = read_note(head.treatments)
    if note is None or head.record_type not in RESUMED_TYPES:
        return Progress()
    by_dbid = {one.dbid: one for one in treatments}
    passes = max((left.cycle - 1 for left in map(read_note, (record.treatments for record in records))
                  if left is not None and _through_chain(by_dbid.get(left.treatment_dbid))), default=0)
    treatment = by_dbid.get(note.treatment_dbid)
    if _through_chain(treatment):
        return Progress(chain_cycle=max(0, passes))     # the next record starts its sequence afresh
    trigger = head.call_result if treatment is None else treatment.trigger
    return Progress(trigger, max(1, note.sequence), note.cycle, max(0, passes))


def _through_chain(treatment: Treatment | None) -> bool:
    return treatment is not None and treatment.action in CHAIN_ACTIONS
