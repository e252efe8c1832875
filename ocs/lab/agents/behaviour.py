"""How agents behave: one table of options, and the draws that people's times are made of."""
from __future__ import annotations

import math
import random
from dataclasses import dataclass

from ocs.options import option

__all__ = ["AgentBehaviour", "exponential", "lognormal"]


@dataclass(frozen=True)
class AgentBehaviour:
    """What an agent's day is like. Times are seconds of the laboratory's clock, shares are 0.0 to 1.0."""

    answer_delay_s: float = option(1.0, low=0, high=60, unit="seconds", text="Mean time to pick up a ringing call.")
    wrap_up_s: float = option(15.0, low=0, high=3600, unit="seconds", text="Mean after-call work after a talk.")
    wrap_up_spread: float = option(0.7, low=0, high=5, text="Spread of the after-call work: deviation over mean.")
    no_contact_wrap_up_s: float = option(
        3.0, low=0, high=3600, unit="seconds", text="Mean after-call work when nobody was reached.")
    hang_up_share: float = option(0.1, low=0, high=1, text="Share of the talks that the agent ends.")
    hang_up_after_s: float = option(
        60.0, low=1, high=7200, unit="seconds", text="Mean talk time of those, unless the customer hangs up before.")
    longest_call_s: float = option(
        3600.0, low=10, high=86_400, unit="seconds", text="After this long an agent ends any call.")
    machine_listen_s: float = option(
        4.0, low=0, high=120, unit="seconds", text="Mean time to notice an answering machine or a fax.")
    break_every_s: float = option(
        7200.0, low=0, high=86_400, unit="seconds", text="Mean time between breaks; 0 = no breaks.")
    break_s: float = option(600.0, low=1, high=28_800, unit="seconds", text="Mean length of a break.")
    look_s: float = option(
        8.0, low=0, high=600, unit="seconds", text="Mean time to look at a record before dialing it.")
    reject_share: float = option(0.04, low=0, high=1, text="Share of the records that are looked at and given back.")
    put_off_share: float = option(
        0.1, low=0, high=1, text="Share of the callbacks that are due and are put off again instead of dialed.")
    ring_patience_s: float = option(
        30.0, low=1, high=300, unit="seconds", text="How long an agent lets an own call ring.")
    record_retry_s: float = option(
        30.0, low=0.1, high=3600, unit="seconds", text="Wait before asking again when there was no record.")
    status_every_s: float = option(
        600.0, low=1, high=86_400, unit="seconds", text="Wait before asking for campaigns again while none is known.")
    pause_s: float = option(5.0, low=0.1, high=600, unit="seconds", text="Pause after something went wrong.")
    reschedule_share: float = option(0.06, low=0, high=1, text="Share of the talks that end with a callback.")
    personal_share: float = option(0.2, low=0, high=1, text="Share of the callbacks that are for the same agent.")
    do_not_call_share: float = option(0.02, low=0, high=1, text="Share of the talks that end with do-not-call.")
    wrong_number_share: float = option(0.02, low=0, high=1, text="Share of the talks that were a wrong number.")
    wrong_party_share: float = option(0.04, low=0, high=1, text="Share of the talks with the wrong person.")

    def problems(self) -> list[str]:
        """Shares of one talk must leave room for each other."""
        total = (self.reschedule_share + self.do_not_call_share + self.wrong_number_share + self.wrong_party_share)
        return [] if total <= 1 else [f"reschedule_share and the other shares of talks add up to {total:g}, above 1"]


def lognormal(rng: random.Random, mean: float, spread: float) -> float:
    """A time with this mean (seconds) and this ratio of deviation to mean; 0 for a mean of 0."""
    if mean <= 0:
        return 0.0
    variance = math.log(1.0 + spread * spread)
    return rng.lognormvariate(math.log(mean) - variance / 2.0, math.sqrt(variance))


def exponential(rng: random.Random, mean: float) -> float:
    """A waiting time without memory (seconds); 0 for a mean of 0."""
    return rng.expovariate(1.0 / mean) if mean > 0 else 0.0
