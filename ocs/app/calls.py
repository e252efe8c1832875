"""How a campaign group dials: its mode, where calls go, what the switch or the CPD Server is told with each of them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocs.app.callers import CallerOptions
from ocs.dialing.campaign import CallTransfer, Place
from ocs.dialing.modes import AVAILABLE_MODES, CallFlow, rules_of
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import DialingMode, OptimizationMethod
from ocs.options import AT_NEXT_LOAD, REQUIRED, option, table

__all__ = ["CallOptions", "PlaceOptions", "RECOGNITION"]

RECOGNITION = ("no_progress_detection", "no_am_detection", "positive_am_detection", "full_positive_am_detection",
               "telephony_preset", "accurate_am_detection")


@dataclass(frozen=True)
class PlaceOptions:
    """Another switch that has agents of the group: where its calls start there, and wait. A call is dialed on a switch with an
    agent for it."""

    voice_transfer_destination: str = option(
        REQUIRED, example="6001@east", text="DN of the queue at which answered calls wait for an agent.")
    trunk_group_dn: str = option("", text="DN on whose behalf calls are placed; empty = the voice transfer destination.")


@dataclass(frozen=True)
class CallOptions(CallerOptions):
    """The part of a campaign group that is about its calls."""

    mode: DialingMode = option(DialingMode.PROGRESSIVE, effect=AT_NEXT_LOAD, choices=AVAILABLE_MODES, text="How it dials.")
    voice_transfer_destination: str = option(
        "", example="6001", effect=AT_NEXT_LOAD,
        text="DN of the queue at which answered calls, or engaging calls, wait for an agent; needed where agents get calls.")
    trunk_group_dn: str = option(
        "", effect=AT_NEXT_LOAD, text="DN on whose behalf calls are placed; empty = the voice transfer destination. Needed in the"
                                      " seizing and GVP modes.")
    cpd: bool = option(False, effect=AT_NEXT_LOAD, text="Whether the CPD Server ([cpdserver]) places the calls.")
    ivr_profile: str = option(
        "", effect=AT_NEXT_LOAD, text="Application of the IVR into which who answers is led; needed in the GVP modes.")
    obn: bool = option(
        False, effect=AT_NEXT_LOAD, text="Whether, in power-gvp, the Outbound Notification Manager ([obn]) places the calls.")
    dialer_num_attempts: int = option(
        3, low=1, high=100, unit="calls", text="How often the Outbound Notification Manager dials for one request at most.")
    dialer_ttl_s: float = option(
        14_400.0, low=1, high=604_800, unit="seconds",
        text="How long a request to the Outbound Notification Manager lives; never beyond the record's calling window.")
    multiplier: float = option(
        1.0, low=0.01, high=10, unit="calls per ready agent", text="Lines per ready agent, progressive.")
    predictive_algorithm: Algorithm = option(
        Algorithm.AUTOMATIC,
        text="What decides, in the predictive modes, how many calls to dial: automatic, which needs no goal; an algorithm that "
             "the field knows by name; or fixed_ratio, that is predictive_ratio.")
    optimization_method: OptimizationMethod = option(
        OptimizationMethod.NONE,
        text="What the predictive modes aim at within abandon_limit: none = agents as busy as it allows. maximum-gain is for "
             "power-gvp.")
    optimization_goal: float = option(
        0.0, low=0, high=100_000,
        text="How much of it: percent of busy-factor and overdial-rate, seconds of wait-time (an agent's between calls) and "
             "distribution-time (a customer's until an agent comes).")
    small_group_size: int = option(
        30, low=1, high=10_000, unit="agents", text="Above so many the small-group algorithms give way to the classical one.")
    abandon_limit: float = option(
        0.03, low=0.001, high=0.5,
        text="Of the calls that people answer at most this share may find no agent, in the predictive modes; 0.03 is 3 %. Rules "
             "of compliance may be stricter.")
    predictive_ratio: float = option(
        1.5, low=0.1, high=10, unit="calls per ready agent",
        text="Lines per ready agent, where predictive_algorithm is fixed_ratio.")
    reserved_agents: int = option(
        0, low=0, high=10_000, unit="agents", text="Ready agents who are kept for inbound calls, in the progressive modes.")
    auto_completion: bool = option(
        False, text="Whether the session stops and is unloaded once nothing is left to dial in its lists, now or later.")
    maximum_ports: int = option(
        0, low=0, high=100_000, unit="calls", text="Calls in progress at most; 0 = no limit. In progressive-gvp: the IVR ports.")
    maximum_queue_size: int = option(
        0, low=0, high=100_000, unit="calls",
        text="Calls that power-gvp keeps in progress; records that wait for agents in push-preview.")
    interaction_queue: str = option(
        "", effect=AT_NEXT_LOAD, text="Queue of the Interaction Server at which records wait; needed in push-preview.")
    asm_channel_num: int = option(
        0, low=0, high=100_000, unit="calls", text="Engaging calls at the same time, in the seizing modes; 0 = no limit.")
    assured_connect: bool = option(
        False, text="Whether, in progressive and predictive, an agent is put on the line for each record before it is dialed.")
    asm_drop_announcement: str = option(
        "", text="Prompt for a customer who answers while no engaged agent is free; empty = the call is just released.")
    call_transfer_type: CallTransfer = option(
        CallTransfer.ONE_STEP, text="How an answered call is moved to the agents: at once, or with a consult call.")
    dialing_rate_limit: float = option(
        30.0, low=0.1, high=10_000, unit="calls per second", text="Dial requests at most.")
    ring_timeout_s: float = option(
        30.0, low=5, high=300, unit="seconds", text="How long a customer's phone rings at most.")
    call_wait_in_queue_timeout_s: float = option(
        30.0, low=1, high=600, unit="seconds",
        text="How long an answered call waits for an agent; then it is released, with the result Dropped.")
    call_wait_agent_connected_timeout_s: float = option(
        30.0, low=1, high=600, unit="seconds", text="How long an engaging call waits for an agent.")
    call_answer_type_recognition: str = option(
        "", choices=("", *RECOGNITION), text="How much of what answers is analysed; empty = as the switch or CPD Server is set.")
    call_timeguard_timeout_ms: int = option(
        0, low=0, high=30_000, unit="milliseconds",
        text="From the answer to the end of the analysis at most; then a call counts as a person's. 0 = no limit.")
    elsewhere: tuple[PlaceOptions, ...] = table(effect=AT_NEXT_LOAD)

    def call_problems(self) -> list[str]:
        """What the mode cannot do without, and what does not go together."""
        rules = rules_of(self.mode)
        needs = [name for name in rules.needs if not ((self.cpd or self.obn) and name == "trunk_group_dn")]
        found = [f"{name}: needed in mode {self.mode.word}" for name in needs if not getattr(self, name, True)]
        if rules.predictive and self.pacing.problem:
            found.append(self.pacing.problem)
        if self.mode is DialingMode.PROGRESSIVE_GVP and not self.maximum_ports:
            found.append("maximum_ports: needed in mode progressive-gvp")
        if self.assured_connect and not ((self.trunk_group_dn or self.cpd) and rules.flow is CallFlow.TRANSFER):
            found.append("assured_connect: only in progressive and predictive, with a trunk_group_dn or the CPD Server")
        if self.obn and (self.mode is not DialingMode.POWER_GVP or self.cpd):
            found.append("obn: only in mode power-gvp, and not with the CPD Server")
        if self.cpd and rules.flow is CallFlow.IVR:
            found.append("cpd: the CPD Server leads no calls into applications")
        return found + self.caller_problems()

    @property
    def pacing(self) -> PacingChoice:
        """How it is paced where it dials ahead of agents."""
        return PacingChoice(self.predictive_algorithm, self.optimization_method, self.optimization_goal, self.small_group_size)

    def call_values(self) -> dict[str, Any]:
        """Fields of `CampaignGroup`."""
        same = ("mode", "voice_transfer_destination", "trunk_group_dn", "cpd", "obn", "ivr_profile", "multiplier", "pacing",
                "abandon_limit", "predictive_ratio", "reserved_agents", "auto_completion", "maximum_ports", "maximum_queue_size",
                "interaction_queue", "asm_channel_num", "assured_connect", "asm_drop_announcement", "call_transfer_type",
                "dialing_rate_limit", "ring_timeout_s", "call_wait_in_queue_timeout_s", "call_wait_agent_connected_timeout_s",
                "dialer_num_attempts", "dialer_ttl_s")
        told = (("call_answer_type_recognition", self.call_answer_type_recognition),
                ("call_timeguard_timeout", self.call_timeguard_timeout_ms), *self.caller_extensions())
        places = tuple(Place(one.voice_transfer_destination, one.trunk_group_dn) for one in self.elsewhere)
        return {**{name: getattr(self, name) for name in same}, **self.caller_values(), "elsewhere": places,
                "dial_extensions": tuple((key, value) for key, value in told if value)}
