"""The documents of outbound notification: there and back, junk, and the page that names their fields."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.obn.messages import Answer, CreateRequest, RequestResult, RequestStatus, ResponseType, decode, encode

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "gvp.md").read_text(encoding="utf-8")
TOKENS = st.from_regex(r"[0-9A-Z]{1,64}", fullmatch=True)
TIMES = st.none() | st.floats(0, 4e9)
REQUESTS = st.builds(
    CreateRequest, token=TOKENS, telnum=st.from_regex(r"\+[0-9]{1,15}", fullmatch=True),
    ivr_profile=st.text(min_size=1, max_size=50),
    notification_url=st.just("http://127.0.0.1:8080/obn/notifications"), max_attempts=st.integers(1, 100),
    time_to_live_s=st.floats(0.5, 600_000), ring_timeout_s=st.floats(1, 600), recognition=st.text(max_size=30),
    user_data=st.dictionaries(st.text(max_size=20), st.text(max_size=20) | st.integers(-2**60, 2**60), max_size=5))
STATUSES = st.builds(
    RequestStatus, token=TOKENS, request_id=st.text(max_size=50), result=st.sampled_from(RequestResult),
    call_state=st.integers(0, 255), attempts=st.integers(0, 1_000), call_uuid=st.text(max_size=40), dialed_at=TIMES,
    answered_at=TIMES, ended_at=TIMES)
ANSWERS = st.builds(Answer, response=st.sampled_from(ResponseType), token=TOKENS, request_id=st.text(max_size=50),
                    reason_code=st.integers(0, 9_999), reason=st.text(max_size=100))


@given(REQUESTS | STATUSES | ANSWERS)
def test_every_document_comes_back_as_it_went(document: Any) -> None:
    assert decode(encode(document), type(document)) == document


@given(st.binary(max_size=200), st.sampled_from([CreateRequest, RequestStatus, Answer]))
def test_junk_is_refused_and_nothing_else(body: bytes, kind: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(body, kind)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        decode(b"[" * 100_000, RequestStatus)


def test_fields_that_nobody_knows_are_passed_over() -> None:
    body = b'{"Token": "T", "RequestID": "r", "Result": "queued", "Colour": {"a": [1]}}'
    assert decode(body, RequestStatus) == RequestStatus(token="T", request_id="r", result=RequestResult.QUEUED)


@pytest.mark.parametrize("kind", [CreateRequest, RequestStatus, Answer])
def test_the_page_names_every_field(kind: Any) -> None:
    assert [one.encode_name for one in msgspec.structs.fields(kind) if f"`{one.encode_name}`" not in PAGE] == []


def test_the_page_names_every_result_and_only_four_are_final() -> None:
    assert [one for one in RequestResult if f"`{one.value}`" not in PAGE] == []
    assert [one.value for one in RequestResult if one.final] == ["success", "failed", "expired", "cancelled"]
