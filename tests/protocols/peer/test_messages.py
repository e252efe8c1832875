"""What peers may send, and what they are told where it is wrong."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.peering import CancelTarget, GroupKey, PeerIdentity, PeerSession
from ocs.dialing.session import SessionState
from ocs.dialing.values import DoNotCallEntry
from ocs.links import peer_values as values
from protocols.codec import MessageDecoder, encode_message
from protocols.message import Message, Refused
from protocols.peer.messages import ENTRIES_LIMIT, VOCABULARY, checked_entries


def carried(name: str, attributes: dict[str, Any]) -> Message:
    """What arrives of a message."""
    decoder = MessageDecoder()
    decoder.receive(encode_message(Message(name, 1, attributes)))
    message = decoder.next_message()
    assert message is not None
    if name in VOCABULARY.requests:
        VOCABULARY.check(message)
    return message


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ENTRIES = st.builds(
    DoNotCallEntry, st.none() | st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.text("abc1", min_size=1),
    st.none() | st.text("abc", min_size=1), TEXT, st.just(True), st.integers(0, 2 ** 40), st.just(0), TEXT, TEXT,
    st.integers(1, 2 ** 62))


@given(st.lists(ENTRIES, max_size=ENTRIES_LIMIT + 5))
def test_entries_arrive_as_they_were_sent_in_requests_that_are_let_pass(entries: list[DoNotCallEntry]) -> None:
    came = [values.entry_from_wire(one) for attributes in values.entries_in_requests(entries)
            for one in checked_entries(carried("RequestDoNotCall", attributes).get("Entries"))]
    assert came == entries
    assert [(one.request_id, one.requested_by, one.origin) for one in came] == [
        (one.request_id, one.requested_by, one.origin) for one in entries]


@given(st.builds(PeerSession, st.builds(GroupKey, st.integers(0, 2 ** 31), st.integers(0, 2 ** 31)), TEXT,
                 st.sampled_from(SessionState), *[st.integers(0, 10_000)] * 4))
def test_sessions_arrive_as_they_were_sent(session: PeerSession) -> None:
    assert values.session_from(carried("EventCampaignStatus", values.session_attributes(session))) == session


@given(st.builds(PeerIdentity, TEXT, st.integers(1, 2 ** 31), st.floats(0, 2e9), TEXT, st.integers(0, 1)))
def test_identities_arrive_as_they_were_sent(one: PeerIdentity) -> None:
    assert values.identity(carried("RequestOpenPeer", values.identity_attributes(one))) == one


@pytest.mark.parametrize("target", [
    CancelTarget(handle=7, dn="7001", campaign="spring"), CancelTarget(phone="+15550101001", whole_chain=True),
    CancelTarget(customer_id="c1", calling_list="list")])
def test_what_is_to_be_cancelled_arrives_as_it_was_sent(target: CancelTarget) -> None:
    assert values.cancel_target(carried("RequestCancelRecord", values.cancel_attributes(target))) == target


@pytest.mark.parametrize("attributes,words", [
    ({}, "RecordHandle: missing"), ({"RecordHandle": 7}, "ThisDN: missing"),
    ({"CallingList": "list"}, "RecordHandle: missing")])
def test_a_cancel_request_that_names_nobody_is_refused(attributes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        values.cancel_target(carried("RequestCancelRecord", attributes))


@pytest.mark.parametrize("entries,words", [
    ([], "1 to 100"), ([{}] * 101, "1 to 100"), (["+1555"], "number 1 is not a map"),
    ([{"Phone": 5}], "Phone of number 1: a str"),
    ([{"Phone": "+1555", "RequestID": True}], "RequestID of number 1: an int"),
    ([{"Phone": "+1555"}, {"CampaignName": "spring"}], "number 2 has neither")])
def test_wrong_entries_are_refused_by_name(entries: list[Any], words: str) -> None:
    with pytest.raises(Refused, match=f"Entries: .*{words}"):
        checked_entries(entries)


NAMES = ("CampaignID", "GroupID", "Name", "GroupCampaignStatus", "DialMode", "Agents", "StartedAt", "ApplicationDBID",
         "ServerRole")


@given(st.dictionaries(st.sampled_from(NAMES),
                       st.none() | st.booleans() | st.integers(-2 ** 63, 2 ** 63) | TEXT | st.floats(allow_nan=False)))
def test_what_a_peer_tells_is_read_or_passed_over_and_harms_nobody(attributes: dict[str, Any]) -> None:
    message = Message("EventCampaignStatus", 0, attributes)
    assert isinstance(values.session_from(message).state, SessionState)
    assert isinstance(values.identity(message).dbid, int)
