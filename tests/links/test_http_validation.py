from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from ocs.dialing.results import CallResult
from ocs.dialing.validation import Reason
from ocs.links.http import HttpClient
from ocs.links.http_options import HttpOptions, PreDialValidationOptions
from ocs.links.validation import PreDialValidation
from tests.doubles.clock import clock_at
from tests.doubles.contacts import contact
from tests.doubles.http import FakeAgent, refused, torn, unheard


class Bench:
    def __init__(self, *rules: PreDialValidationOptions, **options: Any) -> None:
        self.clock, self.agent = clock_at("2026-07-01T12:00Z"), FakeAgent()
        rules = rules or (PreDialValidationOptions(uri="http://v.example/?key=s3cret"),)
        self.validation = PreDialValidation(HttpClient(self.agent, self.clock, HttpOptions(**options)), rules, 4, self.clock)

    def ask(self, **changes: Any) -> list[Any]:
        verdicts: list[Any] = []
        self.validation.validate(contact(**changes)).addCallback(verdicts.append)
        return verdicts


def test_a_record_is_posted_with_the_public_keys_and_what_may_leave_of_its_fields() -> None:
    bench = Bench()
    bench.ask(agent_id="1001", customer_id="C-9")
    one, = bench.agent.asked
    assert (one.method, one.uri) == ("POST", "http://v.example/?key=s3cret")
    assert one.json == {
        "GSW_RECORD_HANDLE": 77, "GSW_APPLICATION_ID": 4, "GSW_CAMPAIGN_NAME": "Spring",
        "GSW_CAMPAIGN_GROUP_NAME": "Spring@Sales",
        "GSW_CAMPAIGN_GROUP_DBID": 100, "GSW_CAMPAIGN_MODE": "Progressive", "GSW_CALLING_LIST": "Offer",
        "GSW_CALLING_LIST_DBID": 3, "GSW_CHAIN_ID": 9, "GSW_CHAIN_N": 1, "GSW_PHONE": "+12125550117", "GSW_PHONE_TYPE": 1,
        "GSW_CALL_RESULT": 28, "GSW_ATTEMPTS": 2, "GSW_TZ_NAME": "America/New_York", "GSW_TZ_OFFSET": -14_400,
        "GSW_FROM": 28_800, "GSW_UNTIL": 64_800, "GSW_RECORD_TYPE": 2, "GSW_RECORD_STATUS": 1, "GSW_AGENT_ID": "1001",
        "GSW_CUSTOMER_ID": "C-9", "Account": "A-1", "balance": "1.5", "visits": 3}


def test_the_first_rule_that_names_group_and_list_holds_even_if_it_is_off() -> None:
    bench = Bench(PreDialValidationOptions(uri="http://a.example/", calling_lists=("Other",)),
                  PreDialValidationOptions(uri="http://b.example/", campaign_groups=("Spring@Sales",), enabled=False),
                  PreDialValidationOptions(uri="http://c.example/"))
    assert bench.validation.applies("Spring@Sales", "Other") and not bench.validation.applies("Spring@Sales", "Offer")
    assert bench.validation.applies("Autumn@Sales", "Offer")
    verdict, = bench.ask()
    assert verdict.dial and verdict.reason is Reason.NOT_ASKED and bench.agent.asked == []
    bench.ask(calling_list="Other")
    assert bench.agent.asked[0].uri == "http://a.example/"


def test_too_many_records_at_once_get_the_result_of_a_time_out_at_once() -> None:
    bench = Bench(connection_pool_size=1, requests_waiting=1)
    assert bench.ask() == [] and bench.ask() == []
    verdict, = bench.ask()
    assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.GENERAL_ERROR, Reason.TOO_MANY)


def test_a_kept_connection_that_was_closed_costs_nothing() -> None:
    bench = Bench()
    verdicts = bench.ask()
    bench.agent.asked[0].fail(unheard())
    bench.agent.asked[1].answer(200)
    assert verdicts[0].dial and bench.agent.asked[1].json == bench.agent.asked[0].json


def test_garbage_is_a_wrong_answer() -> None:
    bench = Bench()
    verdicts = bench.ask()
    bench.agent.asked[0].fail(torn(ValueError("junk")))
    assert verdicts[0].reason is Reason.WRONG_ANSWER and not verdicts[0].dial


def test_a_service_that_goes_away_and_comes_back_is_logged_once_each_and_without_secrets(logged: Any) -> None:
    bench = Bench()
    for _ in range(3):
        bench.ask()
        bench.agent.asked[-1].fail(refused())
    for _ in range(2):
        bench.ask()
        bench.agent.asked[-1].answer(200, {"visits": "4711!"})
    texts = logged.texts(LogLevel.info)
    assert len(texts) == 4 and "cannot be reached" in texts[0] and "General Error" in texts[0]
    assert "answers again" in texts[1] and "visits: not a whole number" in texts[2]
    for text in logged.texts(LogLevel.debug):
        assert "s3cret" not in text and "5550117" not in text and "4711" not in text
    assert bench.validation.counts == {Reason.NO_ANSWER: 3, Reason.PASSED: 2}
