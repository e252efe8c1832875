"""Bodies of the API: what may be asked and what is answered, as types that check themselves and describe themselves.

Times are epoch seconds (UTC) unless a name says otherwise; states, modes, results and types are words.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

import msgspec
from msgspec import Meta

from ocs.dialing.custom_fields import FIELD_TYPES
from ocs.dialing.modes import AVAILABLE_MODES
from ocs.dialing.results import OptimizationMethod, RecordStatus, RecordType
from protocols.desktop.names import PHONE_TYPES

__all__ = ["Phone"]

Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$", description="A number in E.164.", examples=["+12125550100"])]
WrittenPhone = Annotated[str, Meta(min_length=1, max_length=64, examples=["+12125550100", "(212) 555-0100"], description=(
    "A number in E.164 or, where the calling list has a phone_region, as it is written in that country."))]
_plain = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=_plain)]
Text = Annotated[str, Meta(max_length=255, pattern=_plain)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=_plain)]
Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1, le=2 ** 53)]
DaySecond = Annotated[int, Meta(ge=0, le=86_400, description="Seconds after local midnight.")]
Limit = Annotated[int, Meta(ge=1, le=1_000)]
if TYPE_CHECKING:
    Mode: TypeAlias = str
    Method: TypeAlias = str
    PhoneType: TypeAlias = str
    Kind: TypeAlias = str
    Status: TypeAlias = str
    FieldType: TypeAlias = str
else:                       # words, each list of them made of the enumeration that it stands for
    Mode = Literal[tuple(mode.word for mode in AVAILABLE_MODES)]
    Method = Literal[tuple(method.word for method in OptimizationMethod)]
    PhoneType = Literal[tuple(PHONE_TYPES.values())]
    Kind = Literal[tuple(one.name.lower().replace("_", "-") for one in RecordType)]
    Status = Literal[tuple(one.name.lower().replace("_", "-") for one in RecordStatus)]
    FieldType = Literal[FIELD_TYPES]
FieldValue = Union[str, int, float, None]


def word(member: Any) -> str:
    """A member of an enumeration as the API writes it: never-dialed."""
    return str(member.name.lower().replace("_", "-"))


class _Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What may be asked: nothing else."""


class _Told(msgspec.Struct, kw_only=True):
    """What is answered; more may come with later versions."""


class Problem(msgspec.Struct):
    """Why a request was not carried out. `field` names what is wrong about it, where that is one field."""

    error: str
    field: str | None = None


# -- campaign groups --------------------------------------------------------------------------------------------------
class ListShare(_Told):
    """A list of a campaign group."""

    calling_list: str
    share: int
    active: bool
    fault: str


class AbandonedCalls(_Told):
    """How a calling rule about abandoned calls stands: in its window since `begin`. `rate` is None while nobody has answered,
    `budget` are the calls that may still be abandoned, negative where too many were; `held_back`: nothing is dialed ahead of
    agents for it."""

    rule: str
    version: str
    begin: float
    answered: float
    abandoned: float
    rate: float | None
    limit: float
    budget: float
    held_back: bool


class CampaignGroup(_Told):
    """A campaign with the agents who work for it: how it stands."""

    name: str
    dbid: int
    campaign: str
    campaign_dbid: int
    group: str
    group_dbid: int
    state: str
    paused: bool
    mode: str
    optimize_by: str
    optimize_goal: float
    auto_completion: bool
    condition: str
    why_not: str
    agents: dict[str, int]
    calls: int
    buffered: int
    held: int
    callbacks: int
    not_dialed: dict[str, int]
    results: dict[str, int]
    lists: list[ListShare]
    abandoned_calls: list[AbandonedCalls]
    held_back: str
    last_decision: str


class CampaignGroups(_Told):
    """All of them."""

    campaign_groups: list[CampaignGroup]


class Decision(_Told):
    """A decision of the pacing: how many calls were placed, and why."""

    at: float
    calls: int
    condition: str
    reason: str


class Decisions(_Told):
    """The latest first."""

    decisions: list[Decision]


class LimitQuery(_Asked):
    """How many at most."""

    limit: Limit = 100


class LoadOrder(_Asked):
    """How it is to be loaded."""

    auto_completion: bool | None = None


class StartOrder(_Asked):
    """How it is to dial; what is not said stays."""

    mode: Mode | None = None
    optimize_by: Method | None = None
    optimize_goal: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    auto_completion: bool | None = None


class UnloadOrder(_Asked):
    """`force`: without waiting for calls."""

    force: bool = False


# -- lists and records ------------------------------------------------------------------------------------------------
class ListField(_Told):
    """A user-defined field of a list."""

    name: str
    type: FieldType
    length: int
    nullable: bool
    secure: bool
    send_attribute: str


class CallingList(_Told):
    """A calling list of the configuration, and what its table holds."""

    name: str
    dbid: int
    table: str
    campaign_groups: list[str]
    in_database: bool
    records: int
    statuses: dict[str, int]
    fields: list[ListField]


class CallingLists(_Told):
    """All of them."""

    lists: list[CallingList]


class Results(_Told):
    """How many records of a list have which call result, by status."""

    calling_list: str
    results: dict[str, dict[str, int]]


class Record(_Told):
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


class Records(_Told):
    """A page; `next` goes into `after` for the next one, None at the end."""

    records: list[Record]
    next: str | None


class RecordQuery(_Asked):
    """Which records: those that meet all of it."""

    phone: Phone | None = None
    record_id: Number | None = None
    chain_id: Number | None = None
    status: Status | None = None
    field: Name | None = None
    value: Text | None = None
    after: Annotated[str, Meta(pattern=r"^-?[0-9]{1,18}/-?[0-9]{1,9}$")] | None = None
    limit: Limit = 100


class NewRecord(_Asked):
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


class Cancellation(_Asked):
    """Which records are to be cancelled: by phone or customer id; of one campaign or list, or of all."""

    phone: Phone | None = None
    customer_id: Identifier | None = None
    campaign: Name | None = None
    calling_list: Name | None = None
    whole_chain: bool = False


class Cancelled(_Told):
    """How many."""

    records: int


class Attempt(_Told):
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


class Attempts(_Told):
    """Oldest first."""

    attempts: list[Attempt]


class ImportQuery(_Asked):
    """How the file is to be read."""

    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] = "US"
    skip_bad: bool = False
    default_timezone: Annotated[str, Meta(max_length=64)] | None = None


class Import(_Told):
    """An import of contacts, how far it is, what came of it. `state`: waiting, running, done, failed."""

    id: int
    calling_list: str
    state: str
    stage: str
    done: int
    total: int
    by: str
    began_at: float
    ended_at: float | None
    rows: int
    contacts: int
    records: int
    bad_rows: int
    error: str
    faults: list[str]


class Imports(_Told):
    """The latest first."""

    imports: list[Import]


# -- do-not-call ------------------------------------------------------------------------------------------------------
class WhoQuery(_Asked):
    """A phone or a customer id, one of them."""

    phone: Phone | None = None
    customer_id: Identifier | None = None


class RemovalQuery(WhoQuery, kw_only=True, forbid_unknown_fields=True):
    """Out of the scope of one campaign, or out of all; and why, for the audit trail."""

    campaign: Name | None = None
    why: Text = ""


class DoNotCall(_Asked):
    """A phone or a customer id that is not to be called any more, for one campaign or for all."""

    phone: Phone | None = None
    customer_id: Identifier | None = None
    campaign: Name | None = None
    message: Text = ""


class Listed(_Told):
    """It is on the list. `added`: since this request."""

    added: bool


class ListedEntry(_Told):
    """An entry of the list that blocks, and who brought it."""

    phone: str | None
    customer_id: str | None
    campaign: str | None
    every_tenant: bool
    message: str
    since: int
    who: str
    origin: str


class Verdict(_Told):
    """Whether somebody must not be called, and by which entries."""

    listed: bool
    entries: list[ListedEntry]


class Removed(_Told):
    """From how many entries it was taken."""

    removed: int


class AuditQuery(_Asked):
    """A page of a trail: behind the place `after`."""

    after: Annotated[int, Meta(ge=0, le=2 ** 53)] = 0
    limit: Limit = 100


class AuditRow(_Told):
    """A change of the do-not-call list."""

    sequence: int
    at: float
    action: str
    who: str
    why: str
    origin: str
    phone: str | None
    customer_id: str | None
    entries: int


class Audit(_Told):
    """In the order of the changes."""

    rows: list[AuditRow]


class RulesQuery(_Asked):
    """A campaign's rules between two moments, epoch seconds."""

    campaign: Name
    since: Annotated[float, Meta(ge=0, le=2 ** 40)] = 0.0
    till: Annotated[float, Meta(ge=0, le=2 ** 40)] = 2.0 ** 40


class RulePeriod(_Told):
    """When a calling rule was in force, or held the dialing back, and in which version. `ended_at` None: it still does, or its
    server was lost; then it did until `seen_at` at least."""

    kind: str
    campaign_group: str
    rule: str
    version: str
    source: str
    reason: str
    began_at: float
    seen_at: float
    ended_at: float | None


class RulePeriods(_Told):
    """In the order in which they began."""

    periods: list[RulePeriod]


class RequestRow(_Told):
    """A request of an agent, or of a third party."""

    sequence: int
    at: float
    request: str
    agent_id: str
    dn: str
    record_handle: int | None
    phone: str
    error: int


class Requests(_Told):
    """In the order in which they came; empty where the log of requests is not kept."""

    rows: list[RequestRow]


# -- agents, links, numbers -------------------------------------------------------------------------------------------
class Agent(_Told):
    """An agent who is logged in."""

    agent_id: str
    dn: str
    state: str
    campaign_groups: list[str]


class Agents(_Told):
    """All who are."""

    agents: list[Agent]


class Link(_Told):
    """A connection to another server."""

    name: str
    address: str
    state: str
    up: bool
    tls: bool
    since: float
    attempts: int
    last_error: str


class Links(_Told):
    """All of them."""

    links: list[Link]


class Metrics(_Told):
    """The server in numbers, at this moment."""

    at: float
    campaign_groups_loaded: int
    campaign_groups_running: int
    agents: int
    calls: int
    records_held: int
    do_not_call_entries: int
    links_down: int
    results: dict[str, int]
    not_dialed: dict[str, int]
