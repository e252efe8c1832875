"""docs/desktop-protocol.md shows the tables that the code reads by, and the tables agree with each other."""
from __future__ import annotations

from pathlib import Path

import pytest

from protocols.desktop.document import TABLES, filled, main
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.events import EVENTS, answered_by
from protocols.desktop.fields import FIELDS
from protocols.desktop.index import REQUESTS
from protocols.desktop.keys import CONTROL_KEYS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "desktop-protocol.md"


def test_the_published_page_is_what_the_code_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert filled(text) == text, "make docs writes the tables anew"
    assert all(f"<!-- {name} -->" in text for name in TABLES)


def test_the_command_fills_in_a_page_and_says_whether_one_is_current(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- errors -->\nold\n<!-- end -->\nbehind\n")
    assert main(["--check", str(page)]) == 1 and "old" in page.read_text()
    assert main([str(page)]) == 0 and "| 5 | No Records Available | PreviewRecordEmpty |" in page.read_text()
    assert main(["--check", str(page)]) == 0 and page.read_text().startswith("before\n") and page.read_text().endswith("behind\n")
    assert main([]) == 2


def test_a_mark_that_names_no_table_is_told() -> None:
    with pytest.raises(ValueError, match="nothing"):
        filled("<!-- nothing -->\nold\n<!-- end -->")


def test_every_event_that_answers_is_in_the_table_of_events_and_every_event_is_sent_for_a_reason() -> None:
    answers = {event for kind in REQUESTS.values() for event in kind.events} | {code.event for code in DesktopErrorCode}
    assert answers <= set(EVENTS)
    assert all(answered_by(kind.name) or kind.unasked for kind in EVENTS.values())


def test_every_key_of_the_tables_is_a_control_key() -> None:
    assert set(FIELDS) <= CONTROL_KEYS
    assert all(set(kind.keys) <= set(FIELDS) for kind in REQUESTS.values())
    assert all(set(kind.keys) | set(kind.optional) <= CONTROL_KEYS for kind in EVENTS.values())
