"""docs/desktop-protocol.md shows the tables that the code reads by."""
from __future__ import annotations

from pathlib import Path

import pytest

from protocols.desktop.errors import error_table
from protocols.desktop.index import request_table

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "desktop-protocol.md"


@pytest.mark.parametrize("mark, table", [("requests", request_table()), ("errors", error_table())])
def test_the_published_table_is_that_of_the_code(mark, table):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(f"<!-- {mark} -->\n")[1].split("\n<!-- end -->")[0] == table
