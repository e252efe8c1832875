"""Reports: what is packed is read again, and what cannot be one is refused by name."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.codec import MessageDecoder, encode_message
from protocols.errors import LocalProtocolError
from protocols.icon.codec import FRAME_ROOM, batch, encode_report, take_batch
from protocols.icon.messages import (
    ATTRIBUTES,
    BATCH_LIMIT,
    REPORTS,
    EvtCode,
    GOMessageType,
    Report,
    WrongReport,
    report_from_wire,
)
from protocols.message import Message

_TIME = st.floats(0, 253_402_300_799)
_TEXT = st.none() | st.text(max_size=9)
_FIELD = st.tuples(st.integers(0, 2 ** 31), st.text(max_size=9), _TEXT, _TEXT, st.none() | _TIME)


def _values(name: str) -> st.SearchStrategy[Any]:
    if name == "Fields":
        return st.lists(_FIELD.map(list), max_size=3)
    if ATTRIBUTES[name] is str:
        return st.text(max_size=20)
    return st.integers(-2 ** 63, 2 ** 63 - 1) if ATTRIBUTES[name] is int else _TIME


_VALUES = {name: _values(name) for name in sorted(set(ATTRIBUTES) - {"Sequence", "GOMessageType", "EvtCode", "Time"})}
_OPTIONAL = st.lists(st.sampled_from(sorted(_VALUES)), max_size=4, unique=True)
_KINDS, _CODES, _SEQUENCES = st.sampled_from(GOMessageType), st.sampled_from(EvtCode), st.integers(1, 2 ** 53)


@st.composite
def reports(draw: Any) -> Report:
    kind = draw(_KINDS)
    names = {*draw(_OPTIONAL), *REPORTS[kind].needed}
    return Report(draw(_SEQUENCES), kind, draw(_CODES), draw(_TIME), {name: draw(_VALUES[name]) for name in sorted(names)})


def _over_the_wire(*bodies: bytes) -> list[Any]:
    decoder = MessageDecoder()
    decoder.receive(encode_message(Message("RequestGOReportingData", 5, batch("s", bodies))))
    message = decoder.next_message()
    assert message is not None and message.get("Source") == "s"
    events: list[Any] = message.get("Events")
    return events


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])         # of many parts: slow on a busy machine
@given(st.lists(reports(), min_size=1, max_size=3))
def test_reports_come_out_of_a_batch_as_they_went_in(sent: list[Report]) -> None:
    received = [report_from_wire(wire) for wire in _over_the_wire(*map(encode_report, sent))]
    for before, after in zip(sent, received, strict=True):
        assert (after.sequence, after.kind, after.code, after.at) == (before.sequence, before.kind, before.code, before.at)
        assert {name: after.get(name) for name in before.attributes} == dict(before.attributes)


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)))
def test_junk_is_refused_and_nothing_else_happens(junk: Any) -> None:
    with pytest.raises(WrongReport):
        report_from_wire(junk)


_GOOD = {"Sequence": 1, "GOMessageType": 1, "EvtCode": 4, "Time": 1_773_160_200.5}


@pytest.mark.parametrize("changes, text", [
    ({"Sequence": "1"}, "Sequence: str"), ({"Sequence": True}, "Sequence: bool"), ({"Time": float("nan")}, "Time: not a number"),
    ({"Time": -1}, "Time: no time"), ({"Time": 1e12}, "Time: no time"), ({"GOMessageType": 99}, "GOMessageType, EvtCode"),
    ({"EvtCode": 0}, "GOMessageType, EvtCode"), ({"CmpID": 2 ** 63}, "CmpID: not an integer of 64 bits"),
    ({"ChainGUID": b"x"}, "ChainGUID: bytes"), ({"GOMessageType": 4}, "SessID: missing"),
    ({"Fields": [[1, "a", "b"]]}, "Fields:"),
    ({"Fields": [[1, "a", None, 7, None]]}, "Fields:"), ({"Fields": [[2 ** 63, "a", None, None, None]]}, "Fields:"),
    ({"Fields": [[1, "a", None, None, -1]]}, "Fields:"), ({"Fields": [[1, "a", None, None, float("nan")]]}, "Fields:"),
    ({"Until": float("inf")}, "Until: not a number")])
def test_a_wrong_attribute_is_named(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(WrongReport, match=text):
        report_from_wire({**_GOOD, **changes})


def test_attributes_that_nobody_knows_are_borne() -> None:
    assert report_from_wire({**_GOOD, "Mood": ["good"], 7: 8}).kind is GOMessageType.SOURCE


@pytest.mark.parametrize("missing", sorted(_GOOD))
def test_what_every_report_has_is_asked_for(missing: str) -> None:
    with pytest.raises(WrongReport, match=f"{missing}: missing"):
        report_from_wire({name: value for name, value in _GOOD.items() if name != missing})


def test_a_value_that_cannot_travel_is_our_own_fault() -> None:
    with pytest.raises(LocalProtocolError, match="CAMPAIGN"):
        encode_report(Report(1, GOMessageType.CAMPAIGN, EvtCode.ADDED, 0.0, {"CmpID": 2 ** 65}))


def test_a_batch_fits_its_frame_and_has_at_least_one_report() -> None:
    bodies = [bytes(100)] * 20
    assert len(take_batch(bodies, FRAME_ROOM + 1_000)) == 10
    assert len(take_batch([bytes(5_000), bytes(1)], FRAME_ROOM + 1_000)) == 1
    assert len(take_batch([b"x"] * 5_000, 1_000_000)) == BATCH_LIMIT and take_batch([], 1_000) == []
    report = encode_report(Report(1, GOMessageType.SOURCE, EvtCode.STARTED, 0.0))
    many = take_batch([report] * 5_000, 65_536)
    assert len(encode_message(Message("RequestGOReportingData", 2 ** 31, batch("S" * 64, many)))) <= 65_540
