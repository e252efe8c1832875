"""docs/stat-server.md tells the truth: its expressions are read, its states are the code's, in order."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocs.servers.statserver import campaigns, config, expression, server
from ocs.servers.statserver.expression import parse
from protocols.statserver.messages import CampaignEvent, CampaignStatus, Status, Wait

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "stat-server.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("text", re.findall(r"```expression\n(.*?)\n```", TEXT, re.S))
def test_every_example_of_an_expression_is_one(text: str) -> None:
    assert parse(text).skills


def forms() -> list[str]:
    """What stands in the first column of the table of forms, with conditions for x and y."""
    column = "".join(re.findall(r"^\| (`.*?) \| ", section("Virtual groups"), re.M))
    return [form.replace("\\|", "|").replace("x", "LoggedIn()").replace("y", "LoggedIn()")
            for form in re.findall(r"`([^`]+)`", column)]


@pytest.mark.parametrize("text", forms())
def test_every_form_of_the_table_is_read(text: str) -> None:
    assert parse(text).holds is not None


def test_the_states_are_the_public_ones_in_their_order() -> None:
    assert re.findall(r"^\| (\w+) \| ", section("States"), re.M)[1:] == [status.word for status in sorted(Status)]


def test_statuses_and_counts_of_campaigns_are_named() -> None:
    text = section("Campaigns")
    words = {one.word for one in (*CampaignStatus, *Wait)} | set(campaigns._DIALS.values()) | {"DialMade", "DialOther"}
    words |= {one.word for one in CampaignEvent if one >= CampaignEvent.CALL_COMPLETED}
    assert {word for word in words if word not in text} == set()


def test_the_limits_are_those_of_the_code() -> None:
    text = section("Limits") + section("Virtual groups")
    for number in (config._DNS_LIMIT, config._DNS_OF_PLACE, server.STREAMS_LIMIT, campaigns.GROUPS_LIMIT, expression.LONGEST,
                   expression.DEEPEST):
        assert f"{number:,}" in text
