"""From a call result to the next step of the chain: treatments in sequence, with cycles and growing intervals.

Treatments of one result form a sequence 1, 2, 3 ...; a gap in the numbering ends it. Each is applied `cycle_attempts`
times before the next one has its turn. Another result breaks the sequence. A result without a treatment, and a sequence
that is used up, finish the chain. Source: the public rules of treatment sequences (docs/architecture.md, "Treatments").
"""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Sequence, Union

from ocs.dialing.results import CallResult, RecordType
from ocs.dialing.values import Record, Treatment, TreatmentAction

__all__ = ["CloseRecord", "Decision", "DialNext", "FinishChain", "Progress", "SUCCESSFUL", "decide", "resume"]

_RESUMED_TYPES = frozenset({RecordType.CAMPAIGN_RESCHEDULED, RecordType.PERSONAL_RESCHEDULED,
                            RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK})
_ENCODED = re.compile(r"[0-9]{1,18}@(?P<cycle>[0-9]{1,9})@[0-9]{1,9}@(?P<sequence>[0-9]{1,9})(?:@(?P<chain_cycle>[0-9]{1,9}))?")
SUCCESSFUL = frozenset({CallResult.ANSWER, CallResult.OK, CallResult.TRANSFERRED, CallResult.CONFERENCED})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chain is in the sequence of one result. `chain_cycle` counts complete passes through the chain."""

    result: CallResult | None = None
    sequence: int = 1
    cycle: int = 0
    chain_cycle: int = 0

    def encode(self, treatment_dbid: int, chain_n: int) -> str:
        """The public form of the list's `treatments` column: treatment, cycle attempt, chain_n to dial, sequence. Passes
        through the chain have no place in it; they follow as a fifth number from the second pass on."""
        text = f"{treatment_dbid}@{self.cycle}@{chain_n}@{self.sequence}"
        return f"{text}@{self.chain_cycle}" if self.chain_cycle else text


@dataclass(frozen=True, slots=True)
class FinishChain:
    """The chain is done; the record keeps its result."""
    treatment: str | None = None
    progress: Progress = Progress()


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """This record is done, the others of the chain go back to the list."""
    treatment: str
    progress: Progress = Progress()


@dataclass(frozen=True, slots=True)
class DialNext:
    """Dial the record at `index` of the chain after `delay_s`."""
    index: int
    delay_s: float
    treatment: str
    treatment_dbid: int
    progress: Progress


Decision = Union[FinishChain, CloseRecord, DialNext]


def resume(record: Record) -> Progress:
    """How far a sequence was when the record went back to the list. A fresh start for a record that neither a treatment nor
    a callback has scheduled, and where `treatments` is not what `Progress.encode` writes."""
    found = _ENCODED.fullmatch(record.treatments or "")
    if found is None or record.record_type not in _RESUMED_TYPES:
        return Progress()
    cycle, sequence, chain_cycle = (int(found[name] or 0) for name in ("cycle", "sequence", "chain_cycle"))
    return Progress(record.call_result, max(1, sequence), cycle, chain_cycle)


def decide(treatments: Sequence[Treatment], progress: Progress, result: CallResult, records: Sequence[Record], index: int,
           maximum_attempts: int) -> Decision:
    """What follows `result` on `records[index]`, whose attempts already count the one that gave the result."""
    if result in SUCCESSFUL:
        return FinishChain()
    if result is not progress.result:
        # another result starts its own sequence; passes through the chain are counted across results
        progress = Progress(result, chain_cycle=progress.chain_cycle)
    treatment = _find(treatments, result, progress.sequence)
    while treatment is not None and progress.cycle >= treatment.cycle_attempts:
        progress = replace(progress, sequence=progress.sequence + 1, cycle=0)
        treatment = _find(treatments, result, progress.sequence)
    if treatment is None or treatment.action in (TreatmentAction.NONE, TreatmentAction.UPDATE_CHAIN):
        return FinishChain(treatment.name if treatment else None)
    if treatment.action is TreatmentAction.UPDATE_RECORD:
        return CloseRecord(treatment.name)
    if treatment.action in (TreatmentAction.REDIAL, TreatmentAction.RETRY_IN):
        if records[index].attempt >= maximum_attempts:
            return FinishChain(treatment.name)
        delay_s = treatment.interval_s + treatment.increment_s * progress.cycle
        progress = replace(progress, cycle=progress.cycle + 1)
        return DialNext(index, delay_s, treatment.name, treatment.dbid, progress)
    return _next_in_chain(treatment, progress, records, index, maximum_attempts)


def _next_in_chain(treatment: Treatment, progress: Progress, records: Sequence[Record], index: int,
                   maximum_attempts: int) -> Decision:
    """The next record that may still be dialed; past the last one the chain starts again while cycles are left. The
    sequence starts afresh for the next record."""
    after = treatment.action is TreatmentAction.NEXT_IN_CHAIN_AFTER
    following = _dialable(records, range(index + 1, len(records)), maximum_attempts)
    if following is not None:
        return DialNext(following, treatment.interval_s if after else 0.0, treatment.name, treatment.dbid,
                        Progress(chain_cycle=progress.chain_cycle))
    first = _dialable(records, range(0, index + 1), maximum_attempts)
    if first is None or progress.chain_cycle + 1 >= treatment.cycle_attempts:
        return FinishChain(treatment.name)
    delay_s = treatment.interval_s + treatment.increment_s * progress.chain_cycle
    return DialNext(first, delay_s, treatment.name, treatment.dbid, Progress(chain_cycle=progress.chain_cycle + 1))


def _dialable(records: Sequence[Record], indices: range, maximum_attempts: int) -> int | None:
    for index in indices:
        record = records[index]
        if record.record_status.open and record.attempt < maximum_attempts:
            return index
    return None


def _find(treatments: Sequence[Treatment], result: CallResult, sequence: int) -> Treatment | None:
    for treatment in treatments:
        if treatment.call_result is result and treatment.sequence == sequence:
            return treatment
    return None
