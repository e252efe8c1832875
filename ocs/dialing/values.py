"""Values that the parts of the engine exchange: records, chains, attempts, claims. All frozen, none does I/O.

Times: `*_at` and `dial_sched_time`, `call_time` are epoch seconds (UTC); `daily_*` are seconds after local midnight.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Mapping, Union
from uuid import uuid4

from ocs.dialing.filtering import RecordFilter
from ocs.dialing.request_log import LoggedRequest
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType

if TYPE_CHECKING:
    from ocs.dialing.compliance.attempts import PastAttempt

__all__ = [
    "Attempt", "AttemptState", "CALLBACK_TYPES", "CancelRequest", "Chain", "ChainSave", "ClaimRequest", "CustomField",
    "CustomValue", "DoNotCallEntry", "Holding", "NewRecord", "Owner", "PERSONAL_TYPES", "Record", "RecoveredChain",
]

CustomValue = Union[str, int, float, None]

PERSONAL_TYPES = (RecordType.PERSONAL_CALLBACK, RecordType.PERSONAL_RESCHEDULED)       # for the agent of `agent_id` alone
CALLBACK_TYPES = (*PERSONAL_TYPES, RecordType.CAMPAIGN_CALLBACK)


@dataclass(frozen=True)
class CustomField:
    """A user-defined column of a calling list. `send_attribute` is the key under which agents get it; "" = not sent.
    The values of a `secure` field stand in no log and leave the server for nobody but agents. A record that comes without
    a value gets the `default`; where that is None and the field is not `nullable` it is refused."""

    name: str
    type: str = "varchar"       # int, float, char, varchar, datetime
    length: int = 255
    send_attribute: str = ""
    secure: bool = False
    nullable: bool = True
    default: CustomValue = None
    icon_attribute: int = 0     # what ICON is told of its values: 0 nothing, 1 all, 2 all, to be kept apart as secure


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a calling list: one phone of one contact. Columns as in the public table, plus the zone's IANA name."""

    record_id: int
    chain_id: int
    chain_n: int
    contact_info: str
    contact_info_type: ContactInfoType = ContactInfoType.HOME_PHONE
    record_type: RecordType = RecordType.GENERAL
    record_status: RecordStatus = RecordStatus.READY
    call_result: CallResult = CallResult.UNKNOWN
    attempt: int = 0
    dial_sched_time: int | None = None
    call_time: int | None = None
    daily_from: int = 28_800
    daily_till: int = 64_800
    tz_dbid: int = 122
    tz_name: str = "America/Los_Angeles"
    agent_id: str | None = None
    treatments: str | None = None
    fields: Mapping[str, CustomValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """All records of one contact in one table; read, locked and finished as a unit. In the order in which they are dialed:
    ascending `chain_n` as a store gives them, in memory as the list's filter says."""

    table: str                      # as the store names it; several calling lists may read it
    chain_id: int
    records: tuple[Record, ...]
    past: tuple[PastAttempt, ...] = field(default=(), compare=False)    # on its numbers, as far as calling rules ask for them

    def with_records(self, records: tuple[Record, ...]) -> Chain:
        """The same chain with these values of its records."""
        return Chain(self.table, self.chain_id, records, self.past)


class AttemptState(Enum):
    """How an attempt's row stands."""
    OPEN = "open"                   # committed before the dial; no outcome yet
    CLOSED = "closed"               # the call ended, the result is known
    NOT_DIALED = "not-dialed"       # opened, then refused by a check or by the switch before a call existed
    UNKNOWN = "unknown"             # the outcome cannot be known any more


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to reach one record: one call at most, or a request to the Outbound Notification Manager with its calls. `guid` is
    GSW_CALL_ATTEMPT_GUID. Made for a calling list; the record is in the list's table."""

    guid: str
    calling_list: str
    record_id: int
    chain_id: int
    chain_n: int
    phone: str
    number: int                     # 1 for the record's first attempt
    campaign: str
    group: str
    session_guid: str
    opened_at: float
    state: AttemptState = AttemptState.OPEN
    conn_id: str | None = None
    dialed_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    call_state: int | None = None           # as the switch reported it
    call_result: CallResult | None = None   # as it was settled: the switch's, or the agent's
    agent_id: str | None = None
    agent_dn: str | None = None
    treatment: str | None = None            # name of the treatment that was applied
    cpd_completed_at: float | None = None   # it is known who picked up; None where an agent dialed
    transferred_at: float | None = None     # first with the agents: in their queue, or at one; None where an agent dialed
    agent_connected_at: float | None = None
    table: str = ""                         # "" = of the list's own name
    earlier_conn_ids: str | None = None     # of the calls of a dial request before the last one, a blank between them

    @property
    def on_table(self) -> str:
        """The name of the table that has the record."""
        return self.table or self.calling_list


@dataclass(frozen=True)
class DoNotCallEntry:
    """A row of the do-not-call list: a phone (E.164) or a customer id. Campaign None = every campaign."""

    phone: str | None = None
    customer_id: str | None = None
    campaign: str | None = None
    message: str = ""
    internal: bool = False          # True: by a request to this server; False: imported
    time_stamp: int = 0
    list_dbid: int = field(default=0, compare=False)        # of the calling list that the request was about; 0 = none
    requested_by: str = field(default="", compare=False)    # for the audit trail: an agent, a user
    origin: str = field(default="", compare=False)          # for the audit trail: desktop, http ...
    request_id: int = field(default_factory=lambda: uuid4().int >> 66, compare=False, repr=False)   # told apart from others'


@dataclass(frozen=True)
class Owner:
    """Who holds retrieved records: the application, and the campaign and group it works for (DBIDs)."""

    app_dbid: int
    campaign_dbid: int
    group_dbid: int


@dataclass(frozen=True)
class ClaimRequest:
    """What to retrieve. A chain qualifies by one record that is Ready, of one of `types`, due at `now`, and inside its
    daily window by `local_times` (tz_dbid -> seconds after local midnight; zones that are missing are closed), and that
    meets the `filter`."""

    table: str
    owner: Owner
    limit: int                                      # chains
    now: int
    local_times: Mapping[int, int]
    types: tuple[RecordType, ...] = (RecordType.CAMPAIGN_CALLBACK, RecordType.CAMPAIGN_RESCHEDULED, RecordType.GENERAL)
    agent_ids: tuple[str, ...] | None = None        # where given: only records of one of these agents
    without_agents: tuple[str, ...] = ()            # no records of these
    own_campaign: bool = False                      # of callbacks only those that the owner's campaign held last, or nobody
    own_group: bool = False                         # the same for its group
    filter: RecordFilter | None = None              # of the same store and table; its order goes before the due time
    calling_list: str = ""                          # which of the table's lists asks; "" = the one of its name


@dataclass(frozen=True)
class Holding:
    """By what records are known to be still ours, when they are written long after: who claimed them, and for each
    record_id the statuses that it may have by what the owner knows (it was claimed so, or may have been written so)."""

    owner: Owner
    statuses: Mapping[int, frozenset[RecordStatus]]


@dataclass(frozen=True)
class ChainSave:
    """What is to be written of one chain, in one transaction: its records, attempts that closed, do-not-call rows."""

    table: str
    records: tuple[Record, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    do_not_call: tuple[DoNotCallEntry, ...] = ()
    requests: tuple[LoggedRequest, ...] = ()    # rows for the log of requests; may stand alone, then of no table ("")
    holding: Holding | None = None      # of the records; None: they are written whoever has them


@dataclass(frozen=True)
class NewRecord:
    """A record that is to be added to a table; None = as the list, or the chain, has it. `zone` is a name as people write zones,
    `due` the naive local time of the record at which it is to be dialed. `phone` is as somebody wrote it; `phone_region` is the
    country (ISO 3166) of one without +, "" = there are none such. `requests` are rows of the log of requests that go with it."""

    table: str
    phone: str
    chain_id: int | None = None
    phone_type: ContactInfoType = ContactInfoType.HOME_PHONE
    zone: str | None = None
    record_type: RecordType = RecordType.GENERAL
    record_status: RecordStatus | None = None
    call_result: CallResult = CallResult.UNKNOWN
    attempt: int = 0
    due: datetime | None = None
    call_time: int | None = None
    daily_from: int | None = None
    daily_till: int | None = None
    agent_id: str | None = None
    fields: Mapping[str, CustomValue] = field(default_factory=dict)
    requests: tuple[LoggedRequest, ...] = ()
    phone_region: str = ""


@dataclass(frozen=True)
class CancelRequest:
    """Records of a table that are to be cancelled where nobody holds them: those with this phone (E.164) or, where none is
    given, those whose custom field `field`, of texts or integers, has this `text`; by themselves or with the whole of their
    chains."""

    table: str
    phone: str = ""
    field: str = ""
    text: str = ""
    whole_chain: bool = False

    def meant(self, record: Record) -> bool:
        """Whether this record is."""
        if self.phone:
            return record.contact_info == self.phone
        value = record.fields.get(self.field)
        return isinstance(value, (str, int)) and str(value) == self.text


@dataclass(frozen=True)
class RecoveredChain:
    """A chain that a crash left behind with an attempt whose outcome cannot be known."""

    chain: Chain
    attempt: Attempt
