"""Calling lists, their records and attempts; additions and cancellations."""
from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ocs.app.web.api.values.words import (
    Asked,
    DaySecond,
    FieldType,
    FieldValue,
    Identifier,
    Kind,
    Limit,
    Name,
    Number,
    Phone,
    PhoneType,
    Status,
    Text,
    Told,
    WrittenPhone,
)

__all__ = ["Attempt", "Attempts", "CallingList", "CallingLists", "Cancellation", "Cancelled", "ListField", "NewRecord",
           "Record", "RecordQuery", "Records", "Results"]


class ListField(Told):
    """A user-defined field of a list."""

    name: str
    type: FieldType
    length: int
    nullable: bool
    secure: bool
    send_attribute: str


class CallingList(Told):
    """A calling list of the configuration, and what its table holds."""

    name: str
    dbid: int
    table: str
    campaign_groups: list[str]
    in_database: bool
    records: int
    statuses: dict[str, int]
    fields: list[ListField]


class CallingLists(Told):
    """All of them."""

    lists: list[CallingList]


class Results(Told):
    """How many records of a list have which call result, by status."""

    calling_list: str
    results: dict[str, dict[str, int]]


class Record(Told):
    """A record: one number of one contact. `due` is when it is dialed next, where it waits for that."""

    calling_list: str
    record_id: int
    chain_id: int
    chain_n: int
    phone: str
    phone_type: str
    record_type: str
    record_status: str
    call_result: int
    call_result_name: str
    attempts: int
    due: int | None
    call_time: int | None
    daily_from: int
    daily_till: int
    time_zone: str
    agent_id: str | None
    fields: dict[str, FieldValue]


class Records(Told):
    """A page; `next` goes into `after` for the next one, None at the end."""

    records: list[Record]
    next: str | None


class RecordQuery(Asked):
    """Which records: those that meet all of it."""

    phone: Phone | None = None
    record_id: Number | None = None
    chain_id: Number | None = None
    status: Status | None = None
    field: Name | None = None
    value: Text | None = None
    after: Annotated[str, Meta(pattern=r"^-?[0-9]{1,18}/-?[0-9]{1,9}$")] | None = None
    limit: Limit = 100


class NewRecord(Asked):
    """A record to be added; what is not said is as the list has it. `dial_at` is the record's local time."""

    phone: WrittenPhone
    chain_id: Number | None = None
    phone_type: PhoneType | None = None
    time_zone: Annotated[str, Meta(max_length=64)] | None = None
    record_type: Kind | None = None
    dial_at: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$")] | None = None
    daily_from: DaySecond | None = None
    daily_till: DaySecond | None = None
    agent_id: Identifier | None = None
    fields: dict[str, FieldValue] = {}


class Cancellation(Asked):
    """Which records are to be cancelled: by phone or customer id; of one campaign or list, or of all."""

    phone: Phone | None = None
    customer_id: Identifier | None = None
    campaign: Name | None = None
    calling_list: Name | None = None
    whole_chain: bool = False


class Cancelled(Told):
    """How many."""

    records: int


class Attempt(Told):
    """One try to reach a record."""

    guid: str
    number: int
    phone: str
    campaign: str
    group: str
    opened_at: float
    dialed_at: float | None
    answered_at: float | None
    ended_at: float | None
    state: str
    call_result: int | None
    agent_id: str | None


class Attempts(Told):
    """Oldest first."""

    attempts: list[Attempt]
