"""Pre-dial validation: each record is posted to its service, and what comes back, or does not, becomes a verdict."""
from __future__ import annotations

from collections import Counter
from typing import Sequence

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.contact import Contact
from ocs.dialing.validation import Reason, ValidationPolicy, Verdict, judge, not_answered, raced
from ocs.interfaces import IPreDialValidation
from ocs.links.http import Answer, HttpClient
from ocs.links.http_options import PreDialValidationOptions, first_rule
from ocs.links.record_bodies import record_body
from protocols.errors import LinkLost, ProtocolError, RequestTimedOut, TooManyRequests
from protocols.http_messages.bodies import encode_object, read_object

__all__ = ["PreDialValidation"]

_NAME = "pre-dial validation"


@implementer(IPreDialValidation)
class PreDialValidation:
    """Asks the services of `rules` (the first that holds for a record is asked). `counts` has the verdicts by Reason."""

    log = Logger()

    def __init__(self, client: HttpClient, rules: Sequence[PreDialValidationOptions], application_id: int,
                 clock: IClock) -> None:
        self._client, self._rules, self._application_id, self._clock = client, tuple(rules), application_id, clock
        self._silent: set[str] = set()      # URIs of services that are away, so that it is logged once
        self.counts: Counter[Reason] = Counter()

    def applies(self, campaign_group: str, calling_list: str) -> bool:
        return first_rule(self._rules, campaign_group, calling_list) is not None

    def validate(self, contact: Contact) -> Deferred[Verdict]:
        rule = first_rule(self._rules, contact.group.name, contact.calling_list)
        if rule is None:
            return succeed(Verdict(True, None, Reason.NOT_ASKED))
        body = encode_object(record_body(contact, self._application_id, self._clock.wall()))
        # asking twice does no harm: a kept connection that breaks is no reason to leave a record undialed
        asked = self._client.request("POST", rule.uri, body, name=_NAME, repeatable=True)
        policy = rule.policy()
        verdict: Deferred[Verdict] = asked.addCallbacks(
            self._answered, self._unanswered, callbackArgs=(policy, contact), errbackArgs=(policy,))
        return verdict.addCallback(self._noted, rule.uri, contact)

    def raced(self, contact: Contact) -> Verdict:
        rule = first_rule(self._rules, contact.group.name, contact.calling_list)
        verdict = raced(ValidationPolicy() if rule is None else rule.policy())
        self.counts[verdict.reason] += 1
        return verdict

    def _answered(self, answer: Answer, policy: ValidationPolicy, contact: Contact) -> Verdict:
        return judge(policy, answer.status, read_object(answer.body), contact.custom_fields)

    def _unanswered(self, failure: Failure, policy: ValidationPolicy) -> Verdict:
        failure.trap(ProtocolError, CancelledError)
        if failure.check(CancelledError) is not None:
            return not_answered(policy, Reason.NO_ANSWER, "given up")
        reason = (Reason.TIMED_OUT if failure.check(RequestTimedOut) else Reason.TOO_MANY if failure.check(TooManyRequests)
                  else Reason.NO_ANSWER if failure.check(LinkLost) else Reason.WRONG_ANSWER)
        return not_answered(policy, reason, failure.getErrorMessage())

    def _noted(self, verdict: Verdict, uri: str, contact: Contact) -> Verdict:
        """Count it; a service that goes away, or comes back, is logged once, what is wrong with an answer each time."""
        self.counts[verdict.reason] += 1
        record_id = contact.record.record_id
        if verdict.reason in (Reason.PASSED, Reason.REFUSED):
            if uri in self._silent:
                self._silent.discard(uri)
                self.log.info("the validation service for {campaign} answers again", campaign=contact.group.name)
            if verdict.fault:
                self.log.warn("validation of record {record_id}: {reason}", record_id=record_id, reason=verdict.fault)
        elif uri not in self._silent:
            self._silent.add(uri)
            self.log.error("records of {campaign} get {call_result}: {reason} ({fault})", campaign=contact.group.name,
                           call_result=None if verdict.call_result is None else verdict.call_result.label,
                           reason=verdict.reason.value, fault=verdict.fault)
        else:
            self.log.debug("record {record_id}: {reason}", record_id=record_id, reason=verdict.reason.value)
        return verdict
