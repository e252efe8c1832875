"""From a call result to the next step of the chain: treatments in sequence, with cycles and growing intervals.

Treatments of one trigger (a call result, or a disposition code, which is looked for first) form a sequence 1, 2, 3 ...; a
gap in the numbering ends it. Each is applied `cycle_attempts` times before the next one has its turn. Another trigger
breaks the sequence. A result without a treatment, and a sequence that is used up, finish the chain. Nothing of the
treatments themselves is remembered between two results, only numbers: a changed table rules from the next result on.
Source: the public rules of treatment sequences (docs/treatments.md).
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Sequence, Union

from ocs.dialing.actions import (
    ADMITTED_ACTIONS,
    CALL_RULE_RESULTS,
    CHAIN_ACTIONS,
    DATED_ACTIONS,
    EFFECT_ACTIONS,
    SUCCESSFUL,
    CallAction,
    SideEffect,
    Treatment,
    TreatmentAction,
    Trigger,
)
from ocs.dialing.campaign import CallingList
from ocs.dialing.dial_hours import known_zone, local_to_epoch
from ocs.dialing.progress import Note, Progress, resume
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.values import Record

__all__ = ["CallRule", "CloseRecord", "Decision", "DialNext", "FinishChain", "Outcome", "Progress", "SUCCESSFUL",
           "TreatmentPolicy", "TreatmentTable", "policy_of"]

_PERSONAL = frozenset({RecordType.PERSONAL_CALLBACK, RecordType.PERSONAL_RESCHEDULED})
_A = TreatmentAction


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result of `records[index]`, whose attempts already count the one that gave it, and what else the rules look at.
    `disposition` is the code that an agent gave in this attempt; `now` epoch seconds; delays over `threshold_s` go to the
    list."""

    result: CallResult
    records: Sequence[Record]
    index: int = 0
    progress: Progress = Progress()
    maximum_attempts: int = 10
    now: float = 0.0
    threshold_s: float = 1_200.0
    disposition: str = ""

    @property
    def record(self) -> Record:
        """The record that gave the result."""
        return self.records[self.index]


@dataclass(frozen=True, slots=True)
class FinishChain:
    """The chain is done; the record gets `status` and keeps its result."""
    treatment: str | None = None
    progress: Progress = Progress()
    effects: tuple[SideEffect, ...] = ()
    status: RecordStatus = RecordStatus.UPDATED


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """This record is done, the others of the chain go back to the list."""
    treatment: str
    progress: Progress = Progress()
    effects: tuple[SideEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class DialNext:
    """Dial the record at `index` of the chain after `delay_s`, as `record_type`; `note` is what its `treatments` column
    gets, and where `passes_on` that of the record that was dialed too. In memory, or by way of the list, where everybody who
    may dial it finds it. `agent_id` is written into the record: None leaves it, "" empties it."""
    index: int
    delay_s: float
    treatment: str
    progress: Progress
    note: str
    record_type: RecordType
    in_memory: bool
    passes_on: bool = False
    agent_id: str | None = None
    effects: tuple[SideEffect, ...] = ()


Decision = Union[FinishChain, CloseRecord, DialNext]


@dataclass(frozen=True, slots=True)
class CallRule:
    """What becomes of a call whose far end was recognised: CONNECT it to an agent, DROP it, TRANSFER it to a DN."""
    action: CallAction
    destination_dn: str = ""
    treatment: str | None = None


class TreatmentPolicy(Protocol):
    """Who decides what follows a result. Each step gets everything it may look at and keeps nothing between steps, so that a
    provider may as well be a document that is interpreted elsewhere."""

    def resume(self, records: Sequence[Record], index: int) -> Progress:
        """How far a chain was that comes from the list with `records[index]` as its head."""

    def decide(self, outcome: Outcome) -> Decision:
        """What follows a result."""

    def call_rule(self, result: CallResult) -> CallRule:
        """What becomes of the call whose far end was recognised as `result`."""


def policy_of(calling_list: CallingList) -> TreatmentPolicy:
    """Who decides for this list. The one place where another provider than its table of treatments would be chosen."""
    return TreatmentTable(calling_list.treatments)


@dataclass(frozen=True, slots=True)
class TreatmentTable:
    """The traditional policy: the treatments of a calling list."""

    treatments: Sequence[Treatment]

    def resume(self, records: Sequence[Record], index: int) -> Progress:
        """As `ocs.dialing.progress.resume`."""
        return resume(self.treatments, records, index)

    def call_rule(self, result: CallResult) -> CallRule:
        """A person is connected, whatever is configured; machines, fax and silence are dropped unless a treatment says
        otherwise. Its number in a sequence is of no account."""
        if result not in CALL_RULE_RESULTS or result is CallResult.ANSWER:
            return CallRule(CallAction.CONNECT if result in SUCCESSFUL else CallAction.DROP)
        found = next((one for one in self.treatments
                      if one.call_result is result and one.call_action is not CallAction.NONE), None)
        return CallRule(CallAction.DROP) if found is None else CallRule(found.call_action, found.destination_dn, found.name)

    def decide(self, outcome: Outcome) -> Decision:
        """What follows a result; see the module's theory."""
        trigger = self._trigger(outcome)
        progress = outcome.progress
        if trigger != progress.trigger:
            # another trigger starts its own sequence; passes through the chain are counted across them
            progress = Progress(trigger, chain_cycle=progress.chain_cycle)
        effects: tuple[SideEffect, ...] = ()
        applied: str | None = None
        while (treatment := self._find(trigger, progress.sequence)) is not None:
            if progress.cycle < treatment.cycle_attempts and not _date_has_passed(treatment, outcome):
                effects, applied = effects + treatment.effects, treatment.name
                if treatment.action not in EFFECT_ACTIONS:
                    break
            progress = replace(progress, sequence=progress.sequence + 1, cycle=0)
        if treatment is None:
            return FinishChain(applied, effects=effects)
        return replace(_applied(treatment, progress, outcome), effects=effects)

    def _trigger(self, outcome: Outcome) -> Trigger:
        """The disposition code where a treatment is made for it, else the call result."""
        disposition = outcome.disposition
        return disposition if disposition and self._find(disposition, 1) is not None else outcome.result

    def _find(self, trigger: Trigger, sequence: int) -> Treatment | None:
        for treatment in self.treatments:
            if treatment.trigger == trigger and treatment.sequence == sequence and _admitted(treatment):
                return treatment
        return None


def _admitted(treatment: Treatment) -> bool:
    """True if this may follow its result in a sequence. (What may not is refused when it is configured.)"""
    admitted = None if treatment.call_result is None else ADMITTED_ACTIONS.get(treatment.call_result)
    return not treatment.of_call_only and (admitted is None or treatment.action in admitted)


def _applied(treatment: Treatment, progress: Progress, outcome: Outcome) -> Decision:
    action = treatment.action
    if action in (_A.NONE, _A.UPDATE_CHAIN):
        return FinishChain(treatment.name)
    if action is _A.MARK_AS_AGENT_ERROR:
        return FinishChain(treatment.name, status=RecordStatus.AGENT_ERROR)
    if action is _A.UPDATE_RECORD:
        return CloseRecord(treatment.name)
    if action in CHAIN_ACTIONS:
        return _next_in_chain(treatment, progress, outcome)
    if outcome.record.attempt >= outcome.maximum_attempts:
        return FinishChain(treatment.name)
    if treatment.date is not None:
        delay_s = _until(treatment, outcome.record, outcome.now)
    elif action is _A.ASSIGN_TO_GROUP:
        delay_s = 0.0
    else:
        delay_s = treatment.interval_s + treatment.increment_s * progress.cycle
    progress = replace(progress, cycle=progress.cycle + 1)
    note = Note(treatment.dbid, progress.cycle, outcome.record.chain_n, progress.sequence)
    return _dial_next(treatment, outcome, outcome.index, delay_s, progress, note)


def _next_in_chain(treatment: Treatment, progress: Progress, outcome: Outcome) -> Decision:
    """The next record that may still be dialed; past the last one the chain starts again while cycles are left. The
    sequence starts afresh for the next record."""
    target, starts_again = _target(outcome)
    passes = progress.chain_cycle
    if target is None or (starts_again and passes + 1 >= treatment.cycle_attempts):
        return FinishChain(treatment.name)
    if treatment.date is not None:
        delay_s = _until(treatment, outcome.records[target], outcome.now)
    elif starts_again:
        delay_s = treatment.interval_s + treatment.increment_s * passes
    else:
        delay_s = treatment.interval_s if treatment.action is _A.NEXT_IN_CHAIN_AFTER else 0.0
    progress = Progress(chain_cycle=passes + starts_again)
    note = Note(treatment.dbid, progress.chain_cycle + 1, outcome.records[target].chain_n, treatment.sequence)
    return replace(_dial_next(treatment, outcome, target, delay_s, progress, note), passes_on=True)


def _dial_next(treatment: Treatment, outcome: Outcome, index: int, delay_s: float, progress: Progress,
               note: Note) -> DialNext:
    """A recall of a personal record stays with its agent, so it goes by way of the list, where that agent's records are
    looked for. A callback whose agent could not be found has not been tried yet: it stays a callback."""
    record, agent_id = outcome.record, None
    record_type = outcome.records[index].record_type
    in_memory = delay_s <= outcome.threshold_s and treatment.action is not _A.RESCHEDULE
    if treatment.action is _A.ASSIGN_TO_GROUP:
        record_type, in_memory, agent_id = RecordType.CAMPAIGN_CALLBACK, False, ""
    elif record.record_type in _PERSONAL:
        in_memory, agent_id = False, record.agent_id
        if outcome.result is CallResult.AGENT_CALLBACK_ERROR:
            record_type = record.record_type
        else:
            record_type = RecordType.PERSONAL_RESCHEDULED
    elif delay_s:
        record_type = RecordType.CAMPAIGN_RESCHEDULED
    return DialNext(index, delay_s, treatment.name, progress, str(note), record_type, in_memory, agent_id=agent_id)


def _target(outcome: Outcome) -> tuple[int | None, bool]:
    """The next record of the chain that may be dialed (None if there is none), and whether that is a new pass."""
    behind = _dialable(outcome, range(outcome.index + 1, len(outcome.records)))
    if behind is not None:
        return behind, False
    return _dialable(outcome, range(0, outcome.index + 1)), True


def _dialable(outcome: Outcome, indices: range) -> int | None:
    for index in indices:
        record = outcome.records[index]
        if record.record_status.open and record.attempt < outcome.maximum_attempts:
            return index
    return None


def _date_has_passed(treatment: Treatment, outcome: Outcome) -> bool:
    """A treatment whose date is over is passed over, as if it were used up."""
    if treatment.date is None or treatment.action not in DATED_ACTIONS | {_A.RESCHEDULE}:
        return False
    target = _target(outcome)[0] if treatment.action in CHAIN_ACTIONS else outcome.index
    return target is not None and _until(treatment, outcome.records[target], outcome.now) <= 0


def _until(treatment: Treatment, record: Record, now: float) -> float:
    """Seconds from `now` to the treatment's date: an instant, or local time in the zone of the record to be dialed."""
    date = treatment.date
    assert date is not None
    if date.tzinfo is not None:
        return date.timestamp() - now
    return local_to_epoch(date, record.tz_name if known_zone(record.tz_name) else "UTC") - now
