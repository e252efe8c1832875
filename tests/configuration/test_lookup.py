"""Where an option is looked for: on the object in the application's section, `default`, `OCServer`; then on the next object."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.configuration.lookup import look_up, sections
from ocs.configuration.model import ConfigurationObject

ORDER = [(place, section) for place in ("group", "campaign", "application") for section in ("ocs west", "default", "OCServer")]


def found(where: set[tuple[str, str]], home: str = "OCServer") -> str | None:
    """What is found if the option stands at these places, each time as a text that names the place."""
    chain = [ConfigurationObject("campaign_group", 1, {}, {(section, "key"): f"{place} {section}" for at, section in where
                                                           if at == place} | {(section, "other"): "no" for _, section in ORDER})
             for place in ("group", "campaign", "application")]
    answer = look_up("key", chain, "ocs west", home)
    return None if answer is None else answer[0]


@given(st.sets(st.sampled_from(ORDER)))
def test_the_first_place_in_the_public_order_counts(where: set[tuple[str, str]]) -> None:
    expected = next((f"{place} {section}" for place, section in ORDER if (place, section) in where), None)
    assert found(where) == expected


def test_sections_of_other_servers_count_for_nothing() -> None:
    assert found({("group", "ocs east"), ("application", "ocs")}) is None


@pytest.mark.parametrize("home, expected", [("OCServer", ["ocs west", "default", "OCServer"]),
                                            ("Outbound", ["ocs west", "Outbound"])])
def test_an_option_of_another_section_is_looked_for_in_that_one(home: str, expected: list[str]) -> None:
    assert list(sections("ocs west", home)) == expected
    assert found({("group", "OCServer"), ("application", "Outbound")}, "Outbound") == "application Outbound"


def test_the_answer_tells_where_it_stands() -> None:
    one = ConfigurationObject("application", 7, {}, {("default", "key"): "5"})
    assert look_up("key", [one], "ocs") == ("5", one, "default")
