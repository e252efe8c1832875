"""A scenario file: the day, and the campaign group, engine and treatments as the server's own configuration gives them."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Mapping

from ocs.app.calls import CallOptions
from ocs.app.config import DialingOptions
from ocs.app.engine_numbers import engine_numbers
from ocs.app.rules import TreatmentOptions, treatment_of
from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.modes import AVAILABLE_MODES
from ocs.dialing.results import DialingMode
from ocs.errors import ConfigurationError
from ocs.lab.people import AgentPerson
from ocs.options import load, load_file, option, table
from ocs.servers.tserver.ivr.applications import IvrApplicationOptions
from ocs.simulation.center import QUEUE, TRUNK_GROUP, agent_group, seats
from ocs.simulation.day import CALLING_LIST, SimulatedDay
from ocs.simulation.director import seats_needed
from ocs.simulation.scenario import DayOptions

__all__ = ["GroupOptions", "MODES", "Scenario", "campaign_group", "load_scenario", "read_scenario", "simulated_day"]

# push-preview needs an Interaction Server, which has no virtual counterpart
MODES = tuple(mode for mode in AVAILABLE_MODES if mode is not DialingMode.PUSH_PREVIEW)


@dataclass(frozen=True)
class GroupOptions(CallOptions):
    """How the campaign group dials: what [[campaign_group]] of the server's configuration says of its calls."""

    mode: DialingMode = option(DialingMode.PREDICTIVE, choices=MODES, text="How it dials.")
    voice_transfer_destination: str = option(QUEUE, choices=(QUEUE,), text="The queue of the agents.")
    trunk_group_dn: str = option("", choices=("", TRUNK_GROUP), text="The trunk group; needed in the seizing and GVP modes.")
    minimum_buffer: float = option(4.0, low=0.1, high=1_000, unit="chains per agent", text="Retrieve records below this.")
    optimal_buffer: float = option(6.0, low=0.1, high=1_000, unit="chains per agent", text="Retrieve records up to this.")

    def problems(self) -> list[str]:
        found = [*self.call_problems()]
        found += [f"{name}: there is no such dialer in a simulation" for name in ("cpd", "obn") if getattr(self, name)]
        if self.elsewhere:
            found.append("elsewhere: there is one switch in a simulation")
        if self.optimal_buffer < self.minimum_buffer:
            found.append(f"optimal_buffer: {self.optimal_buffer:g} is below minimum_buffer {self.minimum_buffer:g}")
        return found


@dataclass(frozen=True)
class Scenario(DayOptions):
    """The whole file."""

    campaign_group: GroupOptions = table(GroupOptions)
    dialing: DialingOptions = table(DialingOptions)
    treatment: tuple[TreatmentOptions, ...] = table()
    ivr_application: tuple[IvrApplicationOptions, ...] = table()

    def problems(self) -> list[str]:
        found = super().problems()
        for what in ("name", "dbid"):
            times = Counter(getattr(one, what) for one in self.treatment)
            found += [f"treatment[{number}].{what}: {getattr(one, what)} is given twice"
                      for number, one in enumerate(self.treatment, 1) if times[getattr(one, what)] > 1]
        profile, known = self.campaign_group.ivr_profile, [one.name for one in self.ivr_application]
        if profile and profile not in known:
            found.append(f"campaign_group.ivr_profile: there is no application {profile}")
        return found


def load_scenario(path: Path | str) -> Scenario:
    """The checked file; ConfigurationError with every problem, each naming its option."""
    return load_file(Scenario, path)


def read_scenario(mapping: Mapping[str, Any]) -> Scenario:
    """A checked scenario of decoded TOML; ConfigurationError as `load_scenario`."""
    return load(Scenario, mapping)


def campaign_group(scenario: Scenario, people: Iterable[AgentPerson]) -> CampaignGroup:
    """The engine's value: one campaign with one list, and these people work for it."""
    treatments = tuple(treatment_of(one) for one in scenario.treatment)
    calling_list = CallingList(CALLING_LIST, 1, scenario.calling_list.maximum_attempts, treatments)
    options = scenario.campaign_group
    return CampaignGroup(
        1, "simulated", 1, agent_group(tuple(people)), (calling_list,), minimum_buffer=options.minimum_buffer,
        optimal_buffer=options.optimal_buffer, **options.call_values())


def simulated_day(scenario: Scenario) -> SimulatedDay:
    """The day, ready to be run."""
    if not seats_needed(scenario):
        raise ConfigurationError(["shift: nobody works"])
    return SimulatedDay(scenario, campaign_group(scenario, seats(seats_needed(scenario))),
                        engine_numbers(scenario.dialing, 1), scenario.ivr_application)
