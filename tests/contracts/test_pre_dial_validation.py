"""What every pre-dial validation keeps: one suite on the fake, on the client with a fake agent, and (tests/system) on the
client with a real server. A harness answers what is asked next; a test of the suite takes one and is a coroutine."""
from __future__ import annotations

import json
from typing import Any, Callable, Coroutine, Protocol

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ocs.dialing.results import CallResult
from ocs.dialing.validation import Reason, ValidationPolicy
from ocs.interfaces import IPreDialValidation
from ocs.links.http import HttpClient
from ocs.links.http_options import HttpOptions, PreDialValidationOptions
from ocs.links.validation import PreDialValidation
from tests.doubles.clock import VirtualClock
from tests.doubles.contacts import GROUP, contact
from tests.doubles.http import FakeAgent, refused
from tests.doubles.validation import FakePreDialValidation

POLICY = ValidationPolicy(CallResult.NO_ANSWER, CallResult.STALE, CallResult.CANCEL_RECORD)


class Harness(Protocol):
    """A validation service, asked of campaign group `Spring@Sales` only and with the results of POLICY."""

    validation: Any

    async def answered(self, asked: Callable[[], Deferred[Any]], status: int, body: bytes) -> Any:
        """What `asked()` fires with when the service answers so."""

    async def unanswered(self, asked: Callable[[], Deferred[Any]]) -> Any:
        """What `asked()` fires with when the service never answers."""

    async def unreachable(self, asked: Callable[[], Deferred[Any]]) -> Any:
        """What `asked()` fires with when nobody listens there."""


async def provides_its_interface(harness: Harness) -> None:
    assert verifyObject(IPreDialValidation, harness.validation)
    assert harness.validation.applies("Spring@Sales", "Offer") and not harness.validation.applies("Other@Sales", "Offer")


async def ok_dials_the_record_unchanged(harness: Harness) -> None:
    for body in (b"", b"OK", b"{}", b'{"nothing of ours": 1}', b"[1]", b"\xff{"):
        verdict = await harness.answered(lambda: harness.validation.validate(contact()), 200, body)
        assert (verdict.dial, verdict.call_result, verdict.reason, verdict.changes) == (True, None, Reason.PASSED, {})


async def ok_with_an_object_changes_fields(harness: Harness) -> None:
    verdict = await harness.answered(lambda: harness.validation.validate(contact()), 200, b'{"Account": "B-2", "visits": "4"}')
    assert verdict.dial and verdict.changes == {"account": "B-2", "visits": 4}


async def conflict_does_not_dial(harness: Harness) -> None:
    for body, result in ((b"", 52), (b"no", 52), (b'{"GSW_CALL_RESULT": 49}', 49), (b'{"GSW_CALL_RESULT": "6"}', 6)):
        verdict = await harness.answered(lambda: harness.validation.validate(contact()), 409, body)
        assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult(result), Reason.REFUSED)


async def other_answers_count_as_none(harness: Harness) -> None:
    for status in (201, 302, 404, 500, 503):
        verdict = await harness.answered(lambda: harness.validation.validate(contact()), status, b'{"GSW_CALL_RESULT": 33}')
        assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.NO_ANSWER, Reason.WRONG_ANSWER)


async def silence_gives_the_configured_result(harness: Harness) -> None:
    verdict = await harness.unanswered(lambda: harness.validation.validate(contact()))
    assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.NO_ANSWER, Reason.TIMED_OUT)


async def a_service_that_is_not_there_gives_the_configured_result(harness: Harness) -> None:
    verdict = await harness.unreachable(lambda: harness.validation.validate(contact()))
    assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.NO_ANSWER, Reason.NO_ANSWER)


async def a_question_that_is_given_up_has_a_verdict_all_the_same(harness: Harness) -> None:
    asked = harness.validation.validate(contact())
    asked.cancel()
    verdict = await asked
    assert not verdict.dial and verdict.call_result is CallResult.NO_ANSWER


async def a_record_that_nobody_validates_is_dialed(harness: Harness) -> None:
    from dataclasses import replace
    verdict = await harness.validation.validate(replace(contact(), group=replace(GROUP, campaign="Other")))
    assert verdict.dial and verdict.reason is Reason.NOT_ASKED


async def a_race_has_its_own_result(harness: Harness) -> None:
    verdict = harness.validation.raced(contact())
    assert (verdict.dial, verdict.call_result, verdict.reason) == (False, CallResult.STALE, Reason.CHANGED)


SUITE: tuple[Callable[[Harness], Coroutine[Any, Any, None]], ...] = (
    provides_its_interface, ok_dials_the_record_unchanged, ok_with_an_object_changes_fields, conflict_does_not_dial,
    other_answers_count_as_none, silence_gives_the_configured_result, a_service_that_is_not_there_gives_the_configured_result,
    a_question_that_is_given_up_has_a_verdict_all_the_same, a_record_that_nobody_validates_is_dialed,
    a_race_has_its_own_result)


def rule(uri: str, **more: Any) -> PreDialValidationOptions:
    """The rule that a harness on the real client has."""
    return PreDialValidationOptions(uri=uri, campaign_groups=("Spring@Sales",), timeout_call_result=CallResult.NO_ANSWER,
                                    race_condition_call_result=CallResult.STALE, **more)


class OnFake:
    def __init__(self) -> None:
        self.validation = FakePreDialValidation(POLICY, ("Spring@Sales",))

    async def answered(self, asked: Callable[[], Deferred[Any]], status: int, body: bytes) -> Any:
        verdict = asked()
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        self.validation.answer(status, given if isinstance(given, dict) else None)
        return await verdict

    async def unanswered(self, asked: Callable[[], Deferred[Any]]) -> Any:
        verdict = asked()
        self.validation.fail()
        return await verdict

    async def unreachable(self, asked: Callable[[], Deferred[Any]]) -> Any:
        verdict = asked()
        self.validation.fail(Reason.NO_ANSWER)
        return await verdict


class OnFakeAgent:
    def __init__(self) -> None:
        self.clock, self.agent = VirtualClock(), FakeAgent()
        self.client = HttpClient(self.agent, self.clock, HttpOptions())
        self.validation = PreDialValidation(self.client, [rule("http://validation.example/")], 1, self.clock)

    async def answered(self, asked: Callable[[], Deferred[Any]], status: int, body: bytes) -> Any:
        verdict = asked()
        self.agent.asked[-1].answer(status, body)
        return await verdict

    async def unanswered(self, asked: Callable[[], Deferred[Any]]) -> Any:
        verdict = asked()
        self.clock.advance(HttpOptions().response_timeout_s)
        return await verdict

    async def unreachable(self, asked: Callable[[], Deferred[Any]]) -> Any:
        verdict = asked()
        self.agent.asked[-1].fail(refused())
        return await verdict


@pytest.mark.parametrize("harness", [OnFake, OnFakeAgent])
@pytest.mark.parametrize("case", SUITE, ids=lambda case: case.__name__)
def test_pre_dial_validation(case: Callable[[Harness], Coroutine[Any, Any, None]], harness: Callable[[], Harness]) -> None:
    outcomes: list[Any] = []
    Deferred.fromCoroutine(case(harness())).addBoth(outcomes.append)
    assert outcomes, "the suite waits for something that does not come"
    if isinstance(outcomes[0], Failure):
        outcomes[0].raiseException()
