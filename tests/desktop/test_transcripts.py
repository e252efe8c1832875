"""Every transcript holds, and together they show every request, answer, event and error of the protocol's tables."""
from __future__ import annotations

import pytest

from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.events import EVENTS
from protocols.desktop.index import REQUESTS, kind_of
from tests.conftest import Logged
from tests.desktop.transcript import FOLDER, Player, Transcript, shown, transcripts

ALL = list(transcripts())
SHOWN = {answer for one in ALL for answer in shown(one)}


@pytest.mark.parametrize("transcript", ALL, ids=str)
def test_what_a_desktop_sends_and_gets(transcript: Transcript, logged: Logged) -> None:
    Player(transcript).play()
    if "the server has a fault" in transcript.lines:
        assert len(logged.failures(RuntimeError)) == 1


def test_every_request_has_a_file_and_is_answered_with_each_of_its_events_and_errors() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*REQUESTS, "README", "Every", "NoRequest", "Events"}
    missing = [(kind.name, event) for kind in REQUESTS.values() for event in kind.events
               if not any((kind_of(name), told) == (kind, event) for name, told, _ in SHOWN)]
    missing += [(kind.name, str(int(code))) for kind in REQUESTS.values() for code in kind.errors
                if not any((kind_of(name), number) == (kind, int(code)) for name, _, number in SHOWN)]
    assert missing == []


def test_no_request_is_answered_with_an_error_that_its_row_does_not_name() -> None:
    strange = [(name, number) for name, _, number in SHOWN if number and (kind := kind_of(name)) is not None
               and DesktopErrorCode(number) not in kind.errors]
    assert strange == []


def test_every_event_and_every_error_is_shown() -> None:
    assert {event for _, event, _ in SHOWN} == set(EVENTS)
    assert {number for _, _, number in SHOWN} - {0} == {int(code) for code in DesktopErrorCode}
