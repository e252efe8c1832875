"""Whom a called person sees calling, and how an agent's telephone rings: options of campaign groups."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ocs.dialing.caller_id import CallerId, CallerIdRotation, RingTone, is_number, is_tone
from ocs.options import option

__all__ = ["CallerOptions", "number_problems"]

_WORD = re.compile(r"[A-Za-z0-9_-]{0,32}", re.ASCII)


def number_problems(name: str, number: str) -> list[str]:
    """What is wrong with a caller's number."""
    return [] if not number or is_number(number) else [f"{name}: 2 to 24 digits are expected, with or without + before them"]


@dataclass(frozen=True)
class CallerOptions:
    """What the switch, or the CPD Server, is told about the caller with each call."""

    cpn_digits: str = option("", text="Caller's number that the called party is shown (CPNDigits); empty = the switch's.")
    cpn_display_name: str = option("", text="Caller's name that the called party is shown (CPNDisplayName).")
    cpn_type: str = option("", text="Type of the caller's number, as the switch calls it (CPNType).")
    cpn_plan: str = option("", text="Its numbering plan, as the switch calls it (CPNPlan).")
    cpn_presentation: str = option("", text="Whether it may be shown, as the switch says that (CPNPresentation).")
    cpn_screening: str = option("", text="Who vouches for it, as the switch says that (CPNScreening).")
    caller_id_sets: tuple[str, ...] = option(
        (), example=("+12125550100 +12125550101", "+13125550100"),
        text="Sets of callers' numbers, blanks between the numbers of a set; they go before cpn_digits.")
    caller_id_rotation: CallerIdRotation = option(
        CallerIdRotation.OFF,
        text="Which number of the sets is shown: always the first, the next with each call, one of the next set with each attempt"
             " on a record, or the one that is nearest to the called number by its leading digits.")
    ring_tone: str = option("", text="Tone with which agents' telephones ring for these calls; empty = the usual one.")
    ring_tone_extension: str = option(
        "ring-tone", text="Name of the extension by which the switch is told the tone.")

    def caller_problems(self) -> list[str]:
        """Values that cannot be."""
        found = number_problems("cpn_digits", self.cpn_digits)
        for number, one in enumerate(self.caller_id_sets, 1):
            if not one.split() or not all(map(is_number, one.split())):
                found.append(f"caller_id_sets[{number}]: numbers of 2 to 24 digits are expected, with or without + before them")
        if self.caller_id_rotation is not CallerIdRotation.OFF and not self.caller_id_sets:
            found.append("caller_id_rotation: has no effect without caller_id_sets")
        if not self.cpn_display_name.isprintable() or len(self.cpn_display_name) > 80:
            found.append("cpn_display_name: up to 80 characters that can be printed are expected")
        for name in ("cpn_type", "cpn_plan", "cpn_presentation", "cpn_screening"):
            if not _WORD.fullmatch(getattr(self, name)):
                found.append(f"{name}: a word of letters, digits, _ and - is expected")
        if self.ring_tone and not is_tone(self.ring_tone):
            found.append("ring_tone: a name of letters, digits and . _ - is expected")
        if not is_tone(self.ring_tone_extension):
            found.append("ring_tone_extension: a name of letters, digits and . _ - is expected")
        return found

    def caller_values(self) -> dict[str, Any]:
        """Fields of `CampaignGroup`."""
        sets = tuple(tuple(one.split()) for one in self.caller_id_sets)
        return {"caller_id": CallerId(self.cpn_digits, sets, self.caller_id_rotation),
                "ring_tone": RingTone(self.ring_tone, self.ring_tone_extension)}

    def caller_extensions(self) -> tuple[tuple[str, str], ...]:
        """What is the same for every call."""
        told = (("CPNDisplayName", self.cpn_display_name), ("CPNType", self.cpn_type), ("CPNPlan", self.cpn_plan),
                ("CPNPresentation", self.cpn_presentation), ("CPNScreening", self.cpn_screening))
        return tuple((key, value) for key, value in told if value)
