"""What the parts of the engine share: the systems around it, its options, and a way to run coroutines without losing errors."""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Protocol, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocs.clock import IClock
from ocs.dialing.actions import SideEffect
from ocs.dialing.checks import RefusalCount
from ocs.dialing.compliance.evidence import RulePeriod
from ocs.dialing.contact import Contact
from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.results import CallResult
from ocs.scheduler.abandonment import Compliance
from ocs.scheduler.alone import NoPeers
from ocs.scheduler.compliance import Ledgers
from ocs.scheduler.held import Handles, HeldChain
from ocs.scheduler.history import History
from ocs.scheduler.inbound import WaitingCalls
from ocs.scheduler.past_dials import PastDials
from ocs.scheduler.running import new_guid, run
from protocols.attributes import KVList

__all__ = ["Context", "Desktops", "EngineOptions", "has_callback", "new_guid", "run"]

log = Logger()


@dataclass(frozen=True)
class EngineOptions:
    """Numbers that rule the engine; seconds are the engine clock's."""

    application_id: int = 1
    tick_s: float = 1.0                     # a pacing decision at least this often
    retrieval_interval_s: float = 10.0      # how often a list that had nothing more is asked again
    system_error_pause_s: float = 10.0      # no dial after the switch refused one for its own reasons
    lease_s: float = 60.0                   # beyond the ring time-out, until a silent call is given up
    stale_clean_s: float = 1_800.0          # an agent who does not settle a record
    treatment_sched_threshold_s: float = 1_200.0    # longer delays go back to the list
    agent_logout_preview_call_result: CallResult | None = None      # of previews of an agent who logs out; None = as they were
    record_processed: bool = False          # wait for RecordProcessed even when the agent is ready again
    check_dnc_list: bool = True
    check_dnc_callback: bool = True
    cancel_on_desktop: bool = True          # a request to cancel, by phone or customer id, reaches records that agents have
    customer_id_field: str = ""
    request_log: bool = False               # whether requests are kept in the database
    personal_callback_wait_s: float = 600.0         # an agent who is not there at the time of a personal callback
    callback_missed_tolerance_s: float = 3_600.0    # a callback that nobody could dial for so long is missed
    callback_answer_s: float = 300.0                # an agent who does not react to a callback
    callback_again_s: float = 120.0                 # until a callback that the agent did not want is delivered again
    decisions_kept: int = 20_000


def _not_carried_out(effect: SideEffect, contact: Contact) -> None:
    log.error("record {record_id}: {effect} is asked for by a treatment, and nothing here carries it out",
              record_id=contact.record.record_id, effect=repr(effect))


class Desktops(Protocol):
    """How agents hear of records that they did not ask for."""

    def callback_due(self, held: HeldChain) -> None:
        """The agent at `held.agent_dn` is to call this contact now; the attempt is committed."""

    def taken_back(self, held: HeldChain) -> None:
        """The agent no longer has this record."""


class _NoDesktops:
    """Nobody to tell: a callback that is delivered to nobody comes back unanswered."""

    def callback_due(self, held: HeldChain) -> None:
        log.error("record {record_id}: agent {agent} cannot be told of the callback", record_id=held.record.record_id,
                  agent=held.agent_id)

    def taken_back(self, held: HeldChain) -> None:
        """It was not told either."""


@dataclass
class Context:
    """The systems and registers of one engine. `switch`, `agents` and `store` provide the interfaces of `ocs.interfaces`."""

    clock: IClock
    rng: random.Random
    store: Any
    switch: Any
    agents: Any
    describe: Callable[[HeldChain], KVList]     # what an agent is told of a record: the user data of its call
    options: EngineOptions = EngineOptions()
    do_not_call: DoNotCallList = field(default_factory=DoNotCallList)
    carry_out: Callable[[SideEffect, Contact], None] = _not_carried_out     # what treatments do beside the dialing
    validation: Any = None      # IPreDialValidation: who else is asked before a dial; None = nobody
    interactions: Any = None    # the Interaction Server: IInteractions; None = there is none
    cpd: Any = None             # the CPD Server: ICallControl; None = there is none
    obn: Any = None             # the Outbound Notification Manager: IObnLink; None = there is none
    peers: Any = field(default_factory=NoPeers)     # IPeers: the servers that work beside this one
    notifier: Any = None        # IContactNotifier: who is told of processed contacts; None = nobody
    keep_refusals: Callable[[Sequence[RefusalCount]], Deferred[None]] | None = None     # None = they are not kept
    desktops: Desktops = field(default_factory=_NoDesktops)
    compliance: Callable[[Any], Compliance] = field(default_factory=lambda: Ledgers().of)    # what rules say of abandoned calls
    keep_rule_periods: Callable[[Sequence[RulePeriod]], Deferred[None]] | None = None       # None = they are not kept
    record_uri: Callable[[int], str] = lambda handle: ""    # where an application asks about a record; "" = nowhere
    switch_dbids: Mapping[str, int] = field(default_factory=dict)       # of the switches, by their names ("" = the first)
    line_share: Callable[[Any, str, int], int | None] = lambda session, dn, lines: None     # of a trunk group's; None = no limit
    has_agent: Callable[[Any, str], bool] = lambda session, dn: True     # whether a session's calls may count on the agent there
    calls_from: Callable[[str], int] = lambda dn: 0      # how many calls of all sessions go out from a DN, or are about to
    waiting: WaitingCalls = field(default_factory=WaitingCalls)     # calls of others in the queues
    callbacks_at: dict[str, HeldChain] = field(default_factory=dict)    # DN -> the callback delivered there last
    trailing: dict[tuple[str, int], HeldChain] = field(default_factory=dict)    # (table, chain_id): settled, its call goes on
    handles: Handles = field(init=False)
    history: History = field(init=False)        # tells reporting and statistics
    past_dials: PastDials = field(init=False)   # for the rules about attempts

    def __post_init__(self) -> None:
        self.handles = Handles(self.clock.wall())
        self.history = History(self.clock.wall, lambda: new_guid(self.rng), self.options.application_id)
        self.past_dials = PastDials(self.clock, lambda: self.store)


def has_callback(context: Context, dn: str) -> bool:
    """True while the agent at `dn` has a callback, of whatever session, and has not dialed it."""
    held = context.callbacks_at.get(dn)
    if held is None:
        return False
    if held.undialed and held.agent_dn == dn:
        return True
    del context.callbacks_at[dn]
    return False
