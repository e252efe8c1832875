"""What is dialed, by whom and how, as it is configured: calling lists, agent groups, places and the campaign groups of them. All
frozen, none does I/O."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from ocs.dialing.actions import Treatment
from ocs.dialing.assignment import AssignmentRules
from ocs.dialing.caller_id import CallerId, RingTone
from ocs.dialing.filtering import FilterText
from ocs.dialing.modes import ModeRules, rules_of
from ocs.dialing.pacing_choice import PacingChoice
from ocs.dialing.results import DialingMode, RecordType
from ocs.dialing.shares import CAMPAIGN_TYPES, DEFAULT_SHARE, BufferFactors, TypePriorities
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows

if TYPE_CHECKING:
    from ocs.dialing.compliance.rules import Rule

__all__ = [
    "AgentGroup", "CallTransfer", "CallbackDialing", "CallbackDistribution", "CallingList", "CampaignGroup", "GroupKind", "Place",
]


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
