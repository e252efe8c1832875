"""docs/http-outgoing.md says what the code does."""
from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from ocs.dialing.contact import Contact
from ocs.links.delivery import AWAY_STATUSES
from ocs.links.http_options import HttpRequestOptions, headers
from ocs.links.record_bodies import named_values, processed_body, record_body
from ocs.options import load
from protocols.http_messages.templates import BodyTemplate, UriTemplate
from tests.doubles.clock import epoch
from tests.doubles.contacts import contact

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "http-outgoing.md").read_text(encoding="utf-8")
NOW = epoch("2026-07-01T12:00Z")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def shown() -> Contact:
    return contact()


def test_the_bodies_shown_are_those_that_are_sent() -> None:
    record, chain = map(json.loads, blocks("json"))
    assert record == record_body(shown(), 4, NOW) and chain == processed_body(shown(), 4, NOW)


def test_the_named_request_shown_can_be_loaded_and_filled(tmp_path: Path) -> None:
    (tmp_path / "crm-token").write_text("Bearer x\n")
    block, = blocks("toml")
    options = load(HttpRequestOptions, tomllib.loads(block)["http_request"][0], tmp_path)
    values = named_values(shown(), 4, NOW)
    assert UriTemplate(options.uri).fill(values) == "https://crm.example/calls/9"
    assert json.loads(BodyTemplate(options.body).fill(values)) == {
        "phone": "+12125550117", "text": "called 2 times", "visits": 3}
    assert headers(options.header, "header") == (("Authorization", "Bearer x"),)


def test_the_statuses_of_a_service_that_is_away_are_listed() -> None:
    listed = re.search(r"\(no answer, or ([0-9, ]+)\)", TEXT)
    assert listed is not None and {int(each) for each in listed[1].split(",")} == AWAY_STATUSES
