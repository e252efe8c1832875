"""The requests that administrators name and treatments send. Whatever comes of one, the record goes its way."""
from __future__ import annotations

from collections import Counter
from typing import Sequence

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.contact import Contact
from ocs.interfaces import IHttpRequests
from ocs.links.http import Answer, HttpClient
from ocs.links.http_options import HttpMethod, HttpRequestOptions, headers
from ocs.links.record_bodies import named_values
from protocols.errors import ProtocolError
from protocols.http_messages.templates import BodyTemplate, UriTemplate

__all__ = ["NamedRequests"]

_REPEATABLE = frozenset({HttpMethod.GET, HttpMethod.PUT, HttpMethod.DELETE})


@implementer(IHttpRequests)
class NamedRequests:
    """Sends the requests of `options`; ConfigurationError where a header's file cannot be used. `counts` has how they
    ended, by (name, "done", "refused" or "failed")."""

    log = Logger()

    def __init__(self, client: HttpClient, options: Sequence[HttpRequestOptions], application_id: int, clock: IClock) -> None:
        self._client, self._application_id, self._clock = client, application_id, clock
        self._requests = {each.name: _Request(each) for each in options}
        self.counts: Counter[tuple[str, str]] = Counter()

    def names(self) -> Sequence[str]:
        return tuple(self._requests)

    def send(self, name: str, contact: Contact) -> None:
        request = self._requests[name]
        values = named_values(contact, self._application_id, self._clock.wall())
        sent = self._client.request(request.method.name, request.uri.fill(values), request.body.fill(values),
                                    request.headers, name=f"request {name}", repeatable=request.method in _REPEATABLE)
        sent.addCallbacks(self._answered, self._failed, callbackArgs=(name, contact), errbackArgs=(name, contact))
        sent.addErrback(lambda failure: self.log.failure("request {request}", failure, request=name))

    def _answered(self, answer: Answer, name: str, contact: Contact) -> None:
        self.counts[name, "done" if answer.done else "refused"] += 1
        tell = self.log.debug if answer.done else self.log.warn
        tell("request {request} for record {record_id}: status {status}", request=name,
             record_id=contact.record.record_id, status=answer.status)

    def _failed(self, failure: Failure, name: str, contact: Contact) -> None:
        failure.trap(ProtocolError, CancelledError)
        self.counts[name, "failed"] += 1
        self.log.warn("request for record {record_id}: {reason}", record_id=contact.record.record_id,
                      reason=failure.getErrorMessage())


class _Request:
    """One named request, its templates read."""

    def __init__(self, options: HttpRequestOptions) -> None:
        self.method, self.uri, self.body = options.method, UriTemplate(options.uri), BodyTemplate(options.body)
        self.headers = headers(options.header, f"http_request {options.name}.header")
