"""Where every entry hands in what it hears: requests are read, carried out and answered, each exactly once.

An entry knows who asks (a `Requester`) and how answers travel (`answer`). What is no request, or meant for another application,
is not answered.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.desktop.operations import RecordOperations
from ocs.desktop.requester import Requester
from protocols.attributes import KVList
from protocols.desktop.build import error_answer, error_event
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo
from protocols.desktop.messages import DesktopRequest, parse_request

__all__ = ["Reception"]

_OUTSTANDING_LIMIT = 100        # requests of one requester that may be under way at once
Answer = Callable[[KVList], None]


class Reception:
    """Requests of every entry. `operations` may be asked directly, too, for values instead of user data."""

    log = Logger()

    def __init__(self, operations: RecordOperations, application_id: int) -> None:
        self.operations, self._application_id = operations, application_id
        self._outstanding: Counter[str] = Counter()

    def receive(self, requester: Requester, user_data: KVList, answer: Answer) -> None:
        """Carry out what is asked for; `answer` sends each of the answers, in order, the last one ends the request. Whatever
        `answer` raises is logged."""
        try:
            request = parse_request(user_data)
        except DesktopError as error:
            if self._is_ours(error.echo):
                self._refuse(requester, error, answer)
            return
        if request is None or not self._is_ours(request.echo):
            return
        who = requester.dn or requester.who
        if self._outstanding[who] >= _OUTSTANDING_LIMIT:
            many = DesktopError(DesktopErrorCode.LIMIT_REACHED, f"{_OUTSTANDING_LIMIT} requests are under way", request.echo)
            self._refuse(requester, many, answer)
            return
        self._outstanding[who] += 1
        asked = replace(request, application_id=self._application_id)
        done = Deferred.fromCoroutine(self.operations.perform(requester, asked, answer))
        done.addErrback(self._bug, asked)
        done.addCallback(_send, answer)
        done.addErrback(lambda failure: self.log.failure("answering {request}", failure, request=asked.name))
        done.addBoth(self._answered, who)

    def refuse(self, requester: Requester, user_data: KVList, code: DesktopErrorCode, detail: str, answer: Answer) -> None:
        """Answer a request with this error: the entry knows already that it cannot be carried out."""
        try:
            request = parse_request(user_data)
        except DesktopError as error:
            echo = error.echo
        else:
            if request is None:
                return
            echo = request.echo
        if self._is_ours(echo):
            self._refuse(requester, DesktopError(code, detail, echo), answer)

    def _refuse(self, requester: Requester, error: DesktopError, answer: Answer) -> None:
        if self.operations.requests is not None:
            self.operations.requests.refused(requester.dn, requester.agent_id, error.echo, error)
        refused = DesktopError(error.code, error.detail, replace(error.echo, application_id=self._application_id))
        with self.log.failuresHandled("answering {request}", request=error.echo.name):
            answer(error_answer(refused))

    def _is_ours(self, echo: Echo) -> bool:
        """A request that names another application is that application's affair."""
        return echo.application_id in (None, self._application_id)

    def _bug(self, failure: Failure, request: DesktopRequest) -> list[KVList]:
        self.log.failure("request {request}", failure, request=request.name)
        return [error_event(request, DesktopErrorCode.INTERNAL_ERROR)]

    def _answered(self, result: Any, who: str) -> Any:
        self._outstanding[who] -= 1
        if not self._outstanding[who]:
            del self._outstanding[who]
        return result


def _send(answers: list[KVList], answer: Answer) -> None:
    for pairs in answers:
        answer(pairs)
