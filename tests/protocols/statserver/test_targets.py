"""Members of groups on the wire: they come back as they were, junk is refused by name, snapshots come in pages."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec import MessageDecoder, encode_message
from protocols.errors import RemoteProtocolError
from protocols.message import Message
from protocols.statserver.messages import Status
from protocols.statserver.targets import Target, TargetDN, pages, target_from_wire, target_to_wire

_TEXT = st.text(max_size=64)
_SINCE = st.floats(0, 2e9, allow_nan=False)
_DNS = st.lists(st.builds(TargetDN, _TEXT, _TEXT, st.sampled_from(Status), _SINCE), max_size=32).map(tuple)
_TARGETS = st.builds(Target, _TEXT, st.integers(0, 2 ** 31), _TEXT, _TEXT, st.integers(0, 2 ** 31), st.sampled_from(Status),
                     _SINCE, _DNS)


def encoded(targets: tuple[Target, ...]) -> bytes:
    return encode_message(Message("SEventCurrentTargetState_Snapshot", 0, {
        "UserRequestID": 2 ** 31 - 1, "Targets": [target_to_wire(one) for one in targets], "TargetsLeft": 100_000}))


@given(st.lists(_TARGETS, max_size=5))
def test_targets_come_back_as_they_were(targets: list[Target]) -> None:
    decoder = MessageDecoder()
    decoder.receive(encoded(tuple(targets)))
    message = decoder.next_message()
    assert message is not None and [target_from_wire(one) for one in message.get("Targets")] == targets


@given(st.lists(_TARGETS, max_size=40), st.integers(1, 12))
def test_a_snapshot_of_any_size_comes_in_messages_that_fit_a_frame(targets: list[Target], times: int) -> None:
    split = list(pages(targets * times))
    assert [one for page in split for one in page] == targets * times and split
    assert all(len(encoded(page)) < 65_536 for page in split)
    assert all(split[1:]) and all(split[:-1])


def test_nobody_makes_one_empty_page() -> None:
    assert list(pages([])) == [()]


@pytest.mark.parametrize("value, wrong", [
    ("ann", "a target is not a map"), ({"AgentID": 5}, "AgentID: a str"), ({"AgentDBID": True}, "AgentDBID: an int"),
    ({"Status": "1"}, "Status: an int"), ({"Since": "now"}, "Since: a number"), ({"DNs": {}}, "DNs: an array"),
    ({"DNs": [7]}, "a DN of a target is not a map"), ({"DNs": [{"DN": 7001}]}, "DN: a str")])
def test_what_is_no_target_is_refused_by_name(value: Any, wrong: str) -> None:
    with pytest.raises(RemoteProtocolError, match=wrong):
        target_from_wire(value)


def test_attributes_that_are_missing_or_unknown_do_no_harm_and_an_unknown_status_counts_on_nobody() -> None:
    assert target_from_wire({}) == Target()
    assert target_from_wire({"AgentID": "ann", "Status": 99, "Mood": "good"}) == Target("ann", status=Status.NOT_MONITORED)
