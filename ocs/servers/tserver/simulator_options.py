"""Options of the driver `simulator`: what the people at the called numbers are like, and those who call by themselves."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.options import option

__all__ = ["SimulatorOptions"]


@dataclass(frozen=True)
class SimulatorOptions:
    """The called parties of the driver `simulator`. What is left of 1 after the five shares is not answered."""

    seed: int = option(1, text="Another seed, other people behind the same numbers.")
    person: float = option(0.38, low=0, high=1, text="Share of calls at which a person would answer.")
    machine: float = option(0.17, low=0, high=1, text="Share of calls that an answering machine takes.")
    busy: float = option(0.09, low=0, high=1, text="Share of calls that meet a busy line.")
    invalid: float = option(0.05, low=0, high=1, text="Share of numbers that do not work (SIT tones at every call).")
    fax: float = option(0.02, low=0, high=1, text="Share of numbers at which a fax answers every call.")
    setup_s: float = option(1.5, low=0.3, high=60, unit="seconds", text="Mean time from dialing to ringing.")
    answer_s: float = option(11.0, low=0.1, high=600, unit="seconds", text="Mean ringing before a person answers.")
    answer_cv: float = option(0.5, low=0.01, high=5, text="Spread of that: standard deviation over mean.")
    machine_rings_s: float = option(12.0, low=0.1, high=600, unit="seconds",
                                    text="Least ringing before a machine answers; at most twice that.")
    machine_talk_s: float = option(25.0, low=0.1, high=3_600, unit="seconds",
                                   text="How long a machine or fax stays on a line that nobody releases.")
    detection_s: float = option(1.2, low=0, high=30, unit="seconds",
                                text="How long it takes to tell what answered; one second more for a machine.")
    talk_s: float = option(60.0, low=1, high=7_200, unit="seconds", text="Mean talk with an agent.")
    talk_cv: float = option(0.8, low=0.01, high=5, text="Spread of that: standard deviation over mean.")
    patience_s: float = option(20.0, low=3, high=3_600, unit="seconds",
                               text="Mean time for which a person waits for an agent; never under 3.")
    patience_cv: float = option(0.5, low=0.01, high=5, text="Spread of that: standard deviation over mean.")
    listens_s: float = option(60.0, low=3, high=3_600, unit="seconds",
                              text="Mean time for which a person listens to announcements; never under 3.")
    listens_cv: float = option(0.5, low=0.01, high=5, text="Spread of that: standard deviation over mean.")
    inbound_per_hour: float = option(0.0, low=0, high=1_000_000, unit="calls an hour",
                                     text="How many people call by themselves, at random moments; 0 = nobody.")
    inbound_destination: str = option("", text="DN that they call: an ACD queue, a routing point or an extension.")
    inbound_patience_s: float = option(90.0, low=3, high=3_600, unit="seconds",
                                       text="Mean time for which a caller waits for an agent; never under 3.")
    presses: float = option(0.8, low=0, high=1, text="Share of persons who press a digit when they are asked to.")
    lines: int = option(5_000, low=1, high=1_000_000, text="Lines into the network; a call beyond them ends with"
                                                           " AllTrunksBusy.")

    def problems(self) -> list[str]:
        total = self.person + self.machine + self.busy + self.invalid + self.fax
        found = [f"person: the five shares add up to {total:g}, more than 1"] if total > 1.000001 else []
        if self.inbound_per_hour and not self.inbound_destination:
            found.append("inbound_destination: is needed where people call")
        return found
