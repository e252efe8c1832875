"""What happens in the engine, as values: sessions, chains, records, attempts and calls, for whoever keeps history of it.

The engine tells these to the listeners of `ocs.interfaces.IHistory`, in the order in which they happen. Times (`at`) are
epoch seconds. A change of a record, and the end of an attempt, is told when it is handed to the database, before the
commit: after a crash in between the recovery tells of the same attempt again, under the same GUID, and what is told last
holds. Source of the stages and of what is told: the public reporting model of outbound campaigns.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Iterator, Mapping, Union

from ocs.dialing.call import Call
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.results import CallResult
from ocs.dialing.session import Condition, SessionEvent, SessionState
from ocs.dialing.values import Attempt, CustomField, Record

__all__ = [
    "AgentFailed", "AttemptClosed", "AttemptOpened", "CallCompleted", "CallPlaced", "CallbackNoted", "ChainChanged",
    "ChainFacts", "ChainLoaded", "ChainStage", "ConditionChanged", "FieldChange", "GroupChanged", "HistoryEvent",
    "RecordChanged", "RecordScheduled", "SessionChanged", "SessionFacts", "field_changes",
]


class ChainStage(IntEnum):
    """Where a chain stands, as history tells it; the public numbers."""
    UNLOADED = 0        # not held (any more)
    SCHEDULED = 1       # waits for its turn, or for the end of a delay
    PROCESSING = 2      # is dialed, called, or with an agent
    PROCESSED = 3       # nothing more is planned for it


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Which session: `guid` is new at each load. DBIDs are those of the configuration."""

    guid: str
    application_dbid: int
    dbid: int               # of the campaign group
    campaign: str
    campaign_dbid: int
    group: str
    group_dbid: int

    @property
    def name(self) -> str:
        """`Campaign@Group`."""
        return f"{self.campaign}@{self.group}"


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """Which chain: `guid` is new each time that it is taken from its list. A record's handle is `first_handle` plus its
    place in the chain, from 0."""

    guid: str
    calling_list: str
    calling_list_dbid: int
    chain_id: int
    first_handle: int


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The session's machine made a step: loaded, started, stopped, unloaded ... `group` is how it works now."""

    at: float
    session: SessionFacts
    event: SessionEvent
    previous: SessionState
    state: SessionState
    group: CampaignGroup


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Values of the campaign group changed while it is loaded: its mode, parameters, lists."""

    at: float
    session: SessionFacts
    before: CampaignGroup
    after: CampaignGroup


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """A running session waits for something, or does not any more: `condition` is DIALING then, also when it stops."""

    at: float
    session: SessionFacts
    previous: Condition
    condition: Condition
    reason: str


@dataclass(frozen=True, slots=True)
class ChainLoaded:
    """A chain was taken from its list; its stage is SCHEDULED. `records` are as they were read, retrieved and owned."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    records: tuple[Record, ...]
    custom_fields: tuple[CustomField, ...]


@dataclass(frozen=True, slots=True)
class ChainChanged:
    """A chain came to another stage. `handle` names its head, `attempt_guid` the attempt at hand ("" for none)."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    previous: ChainStage
    stage: ChainStage
    handle: int
    attempt_guid: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One column of a record: a public one by its name, or a user-defined field (`custom`; `secure` as configured)."""

    name: str
    old: object
    new: object
    custom: bool = False
    secure: bool = False


@dataclass(frozen=True, slots=True)
class RecordChanged:
    """Columns of a record are written; `record` is the whole of it as it is then."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record
    changes: tuple[FieldChange, ...]
    attempt_guid: str


@dataclass(frozen=True, slots=True)
class RecordScheduled:
    """A record got a date at which it is dialed: by an agent or by a treatment."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record


@dataclass(frozen=True, slots=True)
class AgentFailed:
    """A record was closed as an agent's error."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record


@dataclass(frozen=True, slots=True)
class AttemptOpened:
    """One try to reach the record at `handle` begins: its row is handed to the database, it is not dialed yet."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptClosed:
    """The try is over. Told again, with the same GUID, where the result is settled otherwise afterwards, by its agent; the
    last one holds."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class CallPlaced:
    """The first news of an attempt's call: it was dialed, or may have been. `call.conn_id` is "" where it has none. Of an attempt
    that the Outbound Notification Manager dials it is told for each of the switch's calls, with that call's names."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    attempt: Attempt
    call: Call


@dataclass(frozen=True, slots=True)
class CallCompleted:
    """A call is over; `result` is what its course told (an agent may settle another one)."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    attempt: Attempt
    call: Call
    result: CallResult


@dataclass(frozen=True, slots=True)
class CallbackNoted:
    """A callback was agreed on, its call was made, or it was missed."""

    at: float
    session: SessionFacts
    chain: ChainFacts
    handle: int
    record: Record
    news: CallbackNews


HistoryEvent = Union[SessionChanged, GroupChanged, ConditionChanged, ChainLoaded, ChainChanged, RecordChanged,
                     RecordScheduled, AgentFailed, AttemptOpened, AttemptClosed, CallPlaced, CallCompleted, CallbackNoted]

_COLUMNS = tuple(each.name for each in fields(Record) if each.name != "fields")


def field_changes(before: Record, after: Record, custom: Mapping[str, CustomField]) -> tuple[FieldChange, ...]:
    """What is different; `custom` are the list's user-defined fields by name."""
    return tuple(_changes(before, after, custom))


def _changes(before: Record, after: Record, custom: Mapping[str, CustomField]) -> Iterator[FieldChange]:
    for name in _COLUMNS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChange(name, old, new)
    if before.fields is after.fields:
        return
    for name in {**before.fields, **after.fields}:
        was, is_now = before.fields.get(name), after.fields.get(name)
        if was != is_now:
            yield FieldChange(name, was, is_now, True, name in custom and custom[name].secure)
