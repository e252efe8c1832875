"""Options of caller identification and of agents' ring tones: what is refused, what becomes of them."""
from __future__ import annotations

import re
from typing import Any

import pytest

from ocs.app.callers import CallerOptions
from ocs.app.campaigns import CallingListOptions
from ocs.dialing.caller_id import CallerId, CallerIdRotation, RingTone
from ocs.errors import ConfigurationError
from ocs.options import load


def options(**values: Any) -> CallerOptions:
    found = load(CallerOptions, values)
    assert isinstance(found, CallerOptions)
    return found


def test_sets_and_rotation_become_values_of_the_group() -> None:
    values = options(caller_id_sets=["+12125550100  +12125550101", "+13125550100"], caller_id_rotation="local", cpn_digits="100",
                     ring_tone="vip").caller_values()
    assert values == {
        "caller_id": CallerId("100", (("+12125550100", "+12125550101"), ("+13125550100",)), CallerIdRotation.LOCAL),
        "ring_tone": RingTone("vip", "ring-tone")}


def test_what_is_the_same_for_every_call_goes_by_the_public_names() -> None:
    told = options(cpn_display_name="The Shop", cpn_type="national", cpn_plan="isdn", cpn_presentation="allowed",
                   cpn_screening="network").caller_extensions()
    assert told == (("CPNDisplayName", "The Shop"), ("CPNType", "national"), ("CPNPlan", "isdn"), ("CPNPresentation", "allowed"),
                    ("CPNScreening", "network"))
    assert options().caller_extensions() == () and options().caller_problems() == []


@pytest.mark.parametrize("values, problem", [
    ({"cpn_digits": "12a"}, "cpn_digits"), ({"cpn_digits": "+"}, "cpn_digits"),
    ({"caller_id_sets": ["+1212 x"]}, r"caller_id_sets\[1\]"),
    ({"caller_id_sets": ["+12125550100", " "]}, r"caller_id_sets\[2\]"), ({"caller_id_rotation": "call"}, "caller_id_rotation"),
    ({"cpn_display_name": "a\r\nb"}, "cpn_display_name"), ({"cpn_display_name": "x" * 81}, "cpn_display_name"),
    ({"cpn_type": "a b"}, "cpn_type"), ({"ring_tone": "a;b"}, "ring_tone"), ({"ring_tone_extension": ""}, "ring_tone_extension")])
def test_what_no_switch_could_take_is_refused_by_name(values: dict[str, Any], problem: str) -> None:
    (found,) = options(**values).caller_problems()
    assert re.match(problem + ": ", found)


def test_a_list_may_have_a_number_and_it_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="cpn_digits"):
        load(CallingListOptions, {"name": "spring", "dbid": 1, "cpn_digits": "anonymous"})
