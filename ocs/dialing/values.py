"""Values that the parts of the engine exchange: records, chains, attempts, campaign groups. All frozen, none does I/O.

Times: `*_at` and `dial_sched_time`, `call_time` are epoch seconds (UTC); `daily_*` are seconds after local midnight.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Mapping, Union
from uuid import uuid4

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.assignment import AssignmentRules
from ocs.dialing.caller_id import CallerId, RingTone
from ocs.dialing.filtering import FilterText, RecordFilter
from ocs.dialing.modes import ModeRules, rules_of
from ocs.dialing.pacing_choice import PacingChoice
from ocs.dialing.request_log import LoggedRequest
from ocs.dialing.results import CallResult, ContactInfoType, DialingMode, RecordStatus, RecordType
from ocs.dialing.shares import CAMPAIGN_TYPES, DEFAULT_SHARE, BufferFactors, TypePriorities
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows

if TYPE_CHECKING:
    from ocs.dialing.compliance.attempts import PastAttempt
    from ocs.dialing.compliance.rules import Rule

__all__ = [
    "AgentGroup", "Attempt", "AttemptState", "CALLBACK_TYPES", "CallbackDialing", "CallbackDistribution", "CallingList",
    "CampaignGroup", "CancelRequest", "Chain", "ChainSave", "ClaimRequest", "CustomField", "CustomValue", "DoNotCallEntry",
    "FilterText", "GroupKind", "Holding", "NewRecord", "Owner", "PERSONAL_TYPES", "Place", "Record", "RecordFilter",
    "RecoveredChain", "Treatment", "TreatmentAction",
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


@dataclass(frozen=True)
class CallingList:
    """A calling list as the engine needs it: how the records of a table are dialed. Several lists may read one table, in one
    campaign or in many; the table with its custom fields lies in the store's registry."""

    name: str
    dbid: int
    maximum_attempts: int = 10
    treatments: tuple[Treatment, ...] = ()
    disposition_field: str = ""         # custom field whose values, given by agents, trigger treatments; "" = none
    windows: ListWindows = ALWAYS_OPEN
    share: int = DEFAULT_SHARE          # of what is retrieved for a campaign; 0 = none
    active: bool = True                 # whether the campaign dials it at present
    check_dnc_list: bool = True         # whether its records, callbacks apart, are checked against the do-not-call list
    filter: FilterText | None = None    # which of its records are dialed, in which order
    table: str = ""                     # "" = of its own name
    customer_id_field: str = ""         # custom field with the customer's id; "" = that of the server
    cpn_digits: str = ""                # caller's number for its records; "" = as the campaign group says
    caller_id_field: str = ""           # custom field with the caller's number of a record; "" = none
    ring_tone_field: str = ""           # custom field with the tone for a record; "" = none
    campaign_name_field: str = ""       # custom field that gets the campaign's name when a record is dialed; "" = none
    rules: tuple[Rule, ...] = ()        # calling rules that hold for its records; their hours stand in `windows`, too
    record_processed: bool = False      # whether its records wait for RecordProcessed when their agent is ready again
    phone_region: str = ""              # country of numbers without + that are added to it; "" = there are none such

    @property
    def attempt_rules(self) -> tuple[Rule, ...]:
        """Those for which it must be known what was dialed before."""
        return tuple(one for one in self.rules if one.about_attempts)

    @property
    def reads(self) -> str:
        """The name of its table."""
        return self.table or self.name


class GroupKind(Enum):
    """What a group is made of, where a Stat Server tells of it."""
    AGENTS = "agents"
    PLACES = "places"


@dataclass(frozen=True)
class AgentGroup:
    """Agents who work for a campaign, and the DNs at which they log in."""

    name: str
    dbid: int
    agents: tuple[str, ...]         # agent ids
    dns: tuple[str, ...]
    kind: GroupKind = GroupKind.AGENTS


class CallTransfer(Enum):
    """How an answered call is moved to the agents (`call_transfer_type`)."""
    ONE_STEP = "one_step"
    TWO_STEP = "two_step"


class CallbackDialing(Enum):
    """How campaign callbacks reach the contact (`predictive_callback`)."""
    AUTO_DIAL = "auto-dial"         # as any other record
    PREVIEW = "preview"             # an agent who is free gets the record and dials


class CallbackDistribution(Enum):
    """Who gets a campaign callback (`campaign-callback-distr`)."""
    CAMPAIGN_GROUP = "campaign-group"
    ORIGINAL_AGENT = "original-agent"       # the agent who agreed on it, while logged in; else the group


@dataclass(frozen=True)
class Place:
    """Where calls of a campaign group are placed, and wait for agents, on one switch."""

    voice_transfer_destination: str
    trunk_group_dn: str = ""

    @property
    def origin_dn(self) -> str:
        """On whose behalf the switch dials."""
        return self.trunk_group_dn or self.voice_transfer_destination


@dataclass(frozen=True)
class CampaignGroup:
    """A campaign with the group that works for it: the unit that is loaded, started, paced ("dialing session")."""

    dbid: int
    campaign: str
    campaign_dbid: int
    group: AgentGroup
    lists: tuple[CallingList, ...]
    mode: DialingMode = DialingMode.PROGRESSIVE
    campaign_description: str = ""
    description: str = ""
    voice_transfer_destination: str = ""
    trunk_group_dn: str = ""        # "" = dial on behalf of the voice transfer destination
    elsewhere: tuple[Place, ...] = ()       # the same on other switches that have agents of the group
    multiplier: float = 1.0         # calls per ready agent, progressive
    predictive_ratio: float = 1.5   # calls per ready agent, predictive
    pacing: PacingChoice = PacingChoice()       # predictive
    abandon_limit: float = 0.03     # of the calls that people answer, predictive
    rules: tuple[Rule, ...] = ()    # calling rules that hold for the campaign's calls
    detection_error: float = 0.0    # of the calls taken for machines, persons: as the site has measured
    undetected_machine: float = 0.0     # of the abandoned calls, machines
    reserved_agents: int = 0        # ready agents who are kept for inbound calls, progressive
    agent_assignment: bool = False  # shares its agents with other groups that do, by priority
    assignment: AssignmentRules = AssignmentRules()
    auto_completion: bool = False   # stopped and unloaded when nothing is left to dial
    cpd: bool = False               # dialed by the CPD Server
    ivr_profile: str = ""           # application of the IVR, GVP modes
    obn: bool = False               # dialed by the Outbound Notification Manager, Power GVP
    dialer_num_attempts: int = 3    # calls of such a request
    dialer_ttl_s: float = 14_400.0  # how long such a request lives
    maximum_queue_size: int = 0     # calls in progress, Power GVP; records that wait for agents, Push Preview
    interaction_queue: str = ""     # of the Interaction Server, Push Preview
    asm_channel_num: int = 0        # engaging calls at the same time, seizing; 0 = no limit
    assured_connect: bool = False   # an agent is engaged for each record before it is dialed
    asm_drop_announcement: str = ""     # prompt for a customer for whom no engaged agent is free
    call_transfer_type: CallTransfer = CallTransfer.ONE_STEP
    call_wait_in_queue_timeout_s: float = 30.0          # of an answered call for an agent; then it is dropped
    call_wait_agent_connected_timeout_s: float = 30.0   # of an engaging call for an agent
    dial_extensions: tuple[tuple[str, str | int], ...] = ()     # what the switch is told with each call
    caller_id: CallerId = CallerId()    # whom the called person sees calling
    ring_tone: RingTone = RingTone()    # how an agent's telephone rings
    maximum_ports: int = 0          # 0 = no limit
    dialing_rate_limit: float = 30.0
    ring_timeout_s: float = 30.0
    minimum_buffer: float = 4.0     # chains per agent, retrieve below
    optimal_buffer: float = 6.0     # chains per agent, retrieve up to
    priorities: TypePriorities = TypePriorities()
    predictive_callback: CallbackDialing = CallbackDialing.AUTO_DIAL
    campaign_callback_distr: CallbackDistribution = CallbackDistribution.CAMPAIGN_GROUP
    callback_observe_campaign: bool = False     # only callbacks that this campaign has agreed on
    callback_observe_group: bool = False        # only those that this group has agreed on
    check_dnc_list: bool = True         # whether records are checked against the do-not-call list
    check_dnc_callback: bool = True     # whether callbacks are; each check is made unless somebody switches it off
    record_processed: bool = False      # whether records wait for RecordProcessed when their agent is ready again
    agent_preview_mode_start: bool = False      # records are shown only to agents who have sent PreviewDialingModeStart
    desktop_chains_limit: int = 10      # chains that one agent may have at hand when asking for another
    shared: bool = False                # peers may have it loaded at the same time

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Everywhere calls are placed; at least one."""
        return (Place(self.voice_transfer_destination, self.trunk_group_dn), *self.elsewhere)

    @cached_property
    def queues(self) -> frozenset[str]:
        """Where calls wait for agents."""
        return frozenset(place.voice_transfer_destination for place in self.places) - {""}

    @cached_property
    def mode_rules(self) -> ModeRules:
        """Those of its dialing mode."""
        return rules_of(self.mode)

    @cached_property
    def dialed_from(self) -> tuple[str, ...]:
        """DNs on whose behalf the OCS places calls; where it places none those at which the agents dial."""
        origins = tuple(place.origin_dn for place in self.places if place.origin_dn) if self.mode_rules.automatic else ()
        return origins or self.group.dns

    @cached_property
    def tiers(self) -> tuple[tuple[RecordType, ...], ...]:
        """The types that are dialed for whoever is free, by falling priority."""
        types = [one for one in CAMPAIGN_TYPES if not (self.callbacks_apart and one is RecordType.CAMPAIGN_CALLBACK)]
        return self.priorities.tiers(types)

    @property
    def callbacks_apart(self) -> bool:
        """True if campaign callbacks are not retrieved with the records that are dialed for whoever is free."""
        return (self.predictive_callback is CallbackDialing.PREVIEW
                or self.campaign_callback_distr is CallbackDistribution.ORIGINAL_AGENT)

    @cached_property
    def active_lists(self) -> tuple[CallingList, ...]:
        """The lists that are dialed at present."""
        return tuple(one for one in self.lists if one.active and one.share > 0)

    @cached_property
    def factors(self) -> BufferFactors:
        """The sizes of the record buffer."""
        return BufferFactors(self.minimum_buffer, self.optimal_buffer)

    @property
    def name(self) -> str:
        """`Campaign@Group`, the public name of a campaign group."""
        return f"{self.campaign}@{self.group.name}"
