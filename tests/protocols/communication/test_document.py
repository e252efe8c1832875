"""docs/communication-dn.md shows the tables that the code reads by, and its example is one."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocols.communication.index import error_table, event_table, request_table
from protocols.communication.messages import parse_request

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "communication-dn.md"


@pytest.mark.parametrize("mark, table", [("requests", request_table()), ("events", event_table()), ("errors", error_table())])
def test_the_published_table_is_that_of_the_code(mark: str, table: str):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(f"<!-- {mark} -->\n")[1].split("\n<!-- end -->")[0] == table


def test_the_example_is_a_request():
    text = DOCUMENT.read_text(encoding="utf-8")
    name, _, attributes = json.loads(text.split("```json\n")[1].split("\n```")[0])
    request = parse_request(tuple((key, value) for key, value in attributes["UserData"]))
    assert name == "RequestDistributeUserEvent" and request is not None and request.type.text == "ReqStartDialing"
