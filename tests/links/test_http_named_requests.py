from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from ocs.errors import ConfigurationError
from ocs.interfaces import IHttpRequests
from ocs.links.http import HttpClient
from ocs.links.http_options import (
    ContactProcessedOptions,
    HeaderOptions,
    HttpMethod,
    HttpOptions,
    HttpRequestOptions,
    NotificationSpoolOptions,
    PreDialValidationOptions,
    headers,
    outgoing_problems,
)
from ocs.links.named_requests import NamedRequests
from ocs.options import load, option, sample, table
from tests.doubles.clock import VirtualClock
from tests.doubles.contacts import contact
from tests.doubles.http import FakeAgent, refused, unheard


@dataclass(frozen=True)
class Whole:
    """The tables, as a server's configuration has them."""

    name: str = option("x", text="A name.")
    http: HttpOptions = table(HttpOptions)
    notification_spool: NotificationSpoolOptions = table(NotificationSpoolOptions)
    pre_dial_validation: tuple[PreDialValidationOptions, ...] = table()
    contact_processed_notification: tuple[ContactProcessedOptions, ...] = table()
    http_request: tuple[HttpRequestOptions, ...] = table()


def requests(*options: HttpRequestOptions) -> tuple[NamedRequests, FakeAgent]:
    agent, clock = FakeAgent(), VirtualClock()
    return NamedRequests(HttpClient(agent, clock, HttpOptions()), options, 1, clock), agent


def test_a_request_is_filled_from_the_record_and_sent_with_its_headers(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Bearer abc\n")
    named, agent = requests(HttpRequestOptions(
        name="tell", method=HttpMethod.PUT, uri="https://crm.example/a/{GSW_CHAIN_ID}?p={GSW_PHONE}",
        body='{"who": "{account}", "visits": "{visits}", "text": "{Account} {GSW_CAMPAIGN_NAME}", "pin": "{pin}{secret}"}',
        header=(HeaderOptions(name="Authorization", value_file=tmp_path / "token"),)))
    assert verifyObject(IHttpRequests, named) and named.names() == ("tell",)
    named.send("tell", contact())
    one, = agent.asked
    assert (one.method, one.uri) == ("PUT", "https://crm.example/a/9?p=%2B12125550117")
    assert one.json == {"who": "A-1", "visits": 3, "text": "A-1 Spring", "pin": ""}
    assert one.header("Authorization") == "Bearer abc"
    one.answer(204)
    assert named.counts == {("tell", "done"): 1}


def test_the_outcome_is_counted_and_logged_without_secrets_and_numbers(logged: Any) -> None:
    named, agent = requests(HttpRequestOptions(name="tell", uri="http://crm.example/{GSW_PHONE}?k=s3cret"))
    for _ in range(3):
        named.send("tell", contact())
    agent.asked[0].answer(500, b"+12125550117")
    agent.asked[1].fail(refused())
    agent.asked[2].fail(unheard())
    assert named.counts == {("tell", "refused"): 1, ("tell", "failed"): 2} and len(agent.asked) == 3
    assert len(logged.texts()) == 3
    assert not any("5550117" in text or "s3cret" in text for text in logged.texts())


def test_only_requests_that_may_be_are_repeated_on_a_fresh_connection() -> None:
    for method in HttpMethod:
        named, agent = requests(HttpRequestOptions(name="r", method=method, uri="http://h.example/"))
        named.send("r", contact())
        agent.asked[0].fail(unheard())
        assert len(agent.asked) == (2 if method in (HttpMethod.GET, HttpMethod.PUT, HttpMethod.DELETE) else 1), method


def test_a_name_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        requests()[0].send("nothing", contact())


def test_the_sample_of_the_options_loads_and_shows_every_table() -> None:
    text = sample(Whole)
    assert load(Whole, tomllib.loads(text)) == Whole()
    for name in ("[http]", "#[[http.header]]", "#[[pre_dial_validation]]", "#[[http_request]]", "[notification_spool]"):
        assert name in text
    arrays = "\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# "))
    loaded = load(Whole, tomllib.loads(arrays.replace('value = ""', 'value = "x"')))
    assert loaded.pre_dial_validation[0].uri.startswith("https://") and loaded.http_request[0].method is HttpMethod.POST


@pytest.mark.parametrize(("mapping", "problems"), [
    ({"pre_dial_validation": [{"uri": "http://u:p@h/"}, {"uri": "gopher://h/"}]},
     ["pre_dial_validation[1].uri: has a user or password", "pre_dial_validation[2].uri: http://... or"]),
    ({"contact_processed_notification": [{}]}, ["contact_processed_notification[1].uri: required"]),
    ({"http_request": [{"name": "a", "uri": "http://h/", "body": "{", "header": [{"name": "Host", "value": "x"}]}]},
     ["http_request[1].header[1].name: Host is set", "http_request[1].body: not JSON"]),
    ({"http_request": [{"name": "", "uri": "http://{x}/", "method": "get", "body": "1"}]},
     ["http_request[1].name: empty", "http_request[1].uri: names may stand", "http_request[1].body: a GET request"]),
    ({"http": {"header": [{"name": "A", "value": "1"}, {"name": "a", "value": "2\r\nEvil: 1"}]}},
     ["http.header[2].name: a is given twice", "http.header[2].value: empty, or has"]),
    ({"http": {"header": [{"name": "A b"}, {"name": "B", "value": "x", "value_file": "/nowhere"}]}},
     ["http.header[1].name: 'A b' is not", "http.header[1].value: empty", "http.header[2].value: given twice"]),
    ({"http": {"roots_file": "/nowhere", "certificate_file": "/nowhere"}},
     ["http.roots_file: cannot read", "http.certificate_file: cannot read", "http.certificate_file: needs key_file"]),
    ({"notification_spool": {"retry_min_s": 10, "retry_max_s": 1}}, ["notification_spool.retry_max_s: 1 is below"]),
])
def test_bad_values_are_named(mapping: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Whole, mapping)
    for problem in problems:
        assert any(found.startswith(problem) for found in caught.value.problems), (problem, caught.value.problems)
    assert not any("Evil" in found or ":p@" in found for found in caught.value.problems)


def test_names_that_do_not_exist_and_names_given_twice_are_found_in_the_whole() -> None:
    one = HttpRequestOptions(name="a", uri="http://h/")
    assert outgoing_problems(
        [PreDialValidationOptions(uri="http://h/", campaign_groups=("X@Y", "Spring@Sales"), calling_lists=("L",))],
        [ContactProcessedOptions(uri="http://h/", campaign_groups=("Z@Y",))], [one, one], {"Spring@Sales"}, {"Offer"}) == [
        "pre_dial_validation[1].campaign_groups: there is no X@Y", "pre_dial_validation[1].calling_lists: there is no L",
        "contact_processed_notification[1].campaign_groups: there is no Z@Y", "http_request[2].name: a is given twice"]


def test_a_secret_file_that_cannot_be_sent_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("geheim\u00e9\n")
    with pytest.raises(ConfigurationError, match=r"http.header.value_file: has characters"):
        headers([HeaderOptions(name="A", value_file=tmp_path / "bad")], "http.header")
