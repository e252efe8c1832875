"""A validation service in memory, behind the interface: it gives each record the answer that a test has set."""
from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from zope.interface import implementer

from ocs.dialing.contact import Contact
from ocs.dialing.validation import Reason, ValidationPolicy, Verdict, judge, not_answered, raced
from ocs.interfaces import IPreDialValidation

__all__ = ["FakePreDialValidation"]


@implementer(IPreDialValidation)
class FakePreDialValidation:
    """Asked of the groups in `groups` (all, where None). `asked` has every contact, `open` those without an answer."""

    def __init__(self, policy: ValidationPolicy = ValidationPolicy(), groups: tuple[str, ...] | None = None) -> None:
        self._policy, self._groups = policy, groups
        self.asked: list[Contact] = []
        self.open: list[tuple[Contact, Deferred[Verdict]]] = []

    def applies(self, campaign_group: str, calling_list: str) -> bool:
        return self._groups is None or campaign_group in self._groups

    def validate(self, contact: Contact) -> Deferred[Verdict]:
        self.asked.append(contact)

        def cancelled(deferred: Deferred[Verdict]) -> None:
            self.open.remove(entry)
        verdict: Deferred[Verdict] = Deferred(cancelled)
        verdict.addErrback(self._given_up)
        entry = contact, verdict
        if self.applies(contact.group.name, contact.calling_list):
            self.open.append(entry)
        else:
            verdict.callback(Verdict(True, None, Reason.NOT_ASKED))
        return verdict

    def raced(self, contact: Contact) -> Verdict:
        return raced(self._policy)

    def _given_up(self, failure: Any) -> Verdict:
        failure.trap(CancelledError)
        return not_answered(self._policy, Reason.NO_ANSWER, "given up")

    # -- the test's side ------------------------------------------------------------------------------------------
    def answer(self, status: int = 200, given: Any = None) -> None:
        """Answer the oldest open question."""
        contact, verdict = self.open.pop(0)
        verdict.callback(judge(self._policy, status, given, contact.custom_fields))

    def fail(self, reason: Reason = Reason.TIMED_OUT) -> None:
        """Let the oldest open question go without an answer."""
        _, verdict = self.open.pop(0)
        verdict.callback(not_answered(self._policy, reason))
