from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.http_messages.bodies import encode_object, read_object
from protocols.http_messages.templates import BodyTemplate, TemplateError, TextTemplate, UriTemplate
from protocols.http_messages.uris import check_uri, target_of

VALUES: dict[str, str | int | float | None] = {"phone": "+12125550117", "visits": 3, "quote": 'a"}{b', "path": "../?x=1&y#z"}


def test_a_string_that_is_one_name_takes_the_value_with_its_type() -> None:
    filled = BodyTemplate('{"n": "{visits}", "p": ["{phone}"], "gone": "{missing}", "t": 1.5}').fill(VALUES)
    assert json.loads(filled) == {"n": 3, "p": ["+12125550117"], "gone": None, "t": 1.5}


def test_names_inside_longer_strings_become_text() -> None:
    filled = BodyTemplate('{"text": "{phone} was called {visits} times{missing}", "b": "{{{visits}}}"}').fill(VALUES)
    assert json.loads(filled) == {"text": "+12125550117 was called 3 times", "b": "{3}"}


@given(st.text())
def test_no_value_changes_the_shape_of_a_document(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return      # no text that a database gives
    filled = BodyTemplate('{"a": "{x}", "b": "-{x}-", "c": {"d": 1}}').fill({"x": value})
    assert json.loads(filled) == {"a": value, "b": f"-{value}-", "c": {"d": 1}}


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_no_value_leaves_its_place_in_a_uri(value: str) -> None:
    filled = UriTemplate("https://h.example:8443/a/{x}/b?c={x}").fill({"x": value})
    assert target_of(filled) == ("https", "h.example", 8443) and check_uri(filled) == ""
    assert filled.count("/") == 5 and filled.count("?") == 1 and "#" not in filled


def test_an_empty_template_is_an_empty_body() -> None:
    assert BodyTemplate(" ").fill(VALUES) == b"" and BodyTemplate("").names == frozenset()


def test_the_names_of_a_template() -> None:
    assert BodyTemplate('{"{key}": ["{a}", {"x": "{b} {c}"}], "n": 1}').names == {"a", "b", "c"}
    assert TextTemplate("{{no}} {yes}").names == {"yes"}


@pytest.mark.parametrize(("text", "reason"), [
    ("{", "not JSON"), ('{"a": "{"}', "character 1"), ('{"a": "x}"}', "character 2"), ('{"a": "{a b}"}', "character 1"),
    ('{"a": {} }', ""), ("[" * 20 + "]" * 20, "nested deeper"), ("[" * 100_000, "not JSON")])
def test_a_template_that_cannot_be_used_is_refused_with_the_reason(text: str, reason: str) -> None:
    if not reason:
        assert BodyTemplate(text).fill({}) == b'{"a":{}}'
        return
    with pytest.raises(TemplateError, match=reason):
        BodyTemplate(text)


@pytest.mark.parametrize("uri", ["http://{host}/", "{scheme}://h/", "http://h:{port}/", "http://u:p@h/", "ftp://h/", "h/{x}",
                                 "http:///x", "http://h/#{x}", "http://h/a b", "http://h:99999/", "http://h/{", "http://h:0/",
                                 "http://[::1/"])
def test_a_uri_template_that_cannot_be_used_is_refused(uri: str) -> None:
    with pytest.raises(TemplateError):
        UriTemplate(uri)


@pytest.mark.parametrize(("uri", "target"), [
    ("http://h/x", ("http", "h", 80)), ("https://H.example/x", ("https", "h.example", 443)),
    ("http://[::1]:81/", ("http", "::1", 81))])
def test_what_is_told_of_a_uri(uri: str, target: Any) -> None:
    assert check_uri(uri) == "" and target_of(uri) == target


@pytest.mark.parametrize("body", [
    b"", b"OK", b"[1]", b"3", b'"x"', b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"null"])
def test_a_body_that_is_no_object_is_none(body: bytes) -> None:
    assert read_object(body) is None


@given(st.dictionaries(st.text(st.characters(codec="utf-8")),
                       st.text(st.characters(codec="utf-8")) | st.integers(-2**63, 2**63 - 1)))
def test_objects_survive_the_way(pairs: dict[str, Any]) -> None:
    assert read_object(encode_object(pairs)) == pairs


@given(st.binary(max_size=200))
def test_any_junk_is_an_object_or_none(body: bytes) -> None:
    found = read_object(body)
    assert found is None or isinstance(found, dict)
