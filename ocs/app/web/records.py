"""`/records/<handle>`: what an application may ask about a record that this server holds, as an agent's desktop would.

A request is the desktop's with the same keys, its name in the parameter `req`, and goes to the same operations; the body of the
answer has the keys of the desktop's answer. Source: reference of the HTTP interfaces, sections 1.1 to 1.3.
"""
from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred

from ocs.desktop.operations import RecordOperations, Requester
from ocs.desktop.records import record_data
from ocs.http_server import Asked, Reply
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList, KVValue
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import parse_request
from protocols.http_messages.bodies import read_object

__all__ = ["ACTIONS", "Records"]

ACTIONS = ("UpdateCallCompletionStats", "RecordProcessed", "RecordReschedule", "RequestRecordCancel", "DoNotCall", "RecordReject")
_LARGEST = 2 ** 63 - 1
_STATUS = {DesktopErrorCode.INVALID_REQUEST: 400, DesktopErrorCode.INVALID_ATTRIBUTE: 400,
           DesktopErrorCode.INVALID_DATE_OR_TIME: 400, DesktopErrorCode.CAMPAIGN_NOT_FOUND: 404,
           DesktopErrorCode.RECORD_NOT_FOUND: 404, DesktopErrorCode.CALLING_LIST_NOT_FOUND: 404,
           DesktopErrorCode.CAMPAIGN_NOT_RUNNING: 409, DesktopErrorCode.INVALID_DIALING_MODE: 409,
           DesktopErrorCode.NO_RECORDS_AVAILABLE: 409, DesktopErrorCode.AGENT_NOT_AVAILABLE: 409,
           DesktopErrorCode.LIMIT_REACHED: 429, DesktopErrorCode.DATABASE_ERROR: 500, DesktopErrorCode.INTERNAL_ERROR: 500}


def refused(status: int, code: DesktopErrorCode, detail: str) -> Reply:
    """An error in the shape that every error has here."""
    return Reply(status, {keys.ERROR: code.with_detail(detail), keys.ERROR_NUMBER: int(code)})


class Records:
    """Answers what is asked under `/records`."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._operations = engine, RecordOperations(engine)

    def respond(self, asked: Asked, handle: str) -> Any:
        """A Reply, or a Deferred of one."""
        number = int(handle) if handle.isascii() and handle.isdigit() and len(handle) <= 19 else 0
        found = self._engine.context.handles.find(number)
        if asked.method == "GET":
            return self._show(found, handle)
        if asked.method != "POST":
            return refused(405, DesktopErrorCode.INVALID_REQUEST, f"{asked.method} is not possible here")
        action = asked.query.get("req", "")
        if action not in ACTIONS:
            return refused(400, DesktopErrorCode.INVALID_REQUEST, f"req: one of {', '.join(ACTIONS)}")
        body = read_object(asked.body) if asked.body.strip() else {}
        try:
            pairs = _pairs(body)
            request = parse_request(self._complete(action, number, found, pairs))
        except DesktopError as error:
            return refused(_STATUS[error.code], error.code, error.detail)
        assert request is not None
        held = None if found is None else found[0]
        requester = Requester("" if held is None else held.agent_dn, "" if held is None else held.agent_id, origin="http")
        return Deferred.fromCoroutine(self._operations.perform(requester, request)).addCallback(_reply)

    def _complete(self, action: str, handle: int, found: tuple[HeldChain, int] | None, pairs: KVList) -> KVList:
        """The desktop's request: what the URI says counts, whatever the body says."""
        campaign = "-" if found is None else found[0].session.group.campaign
        named = ((keys.REQUEST, action), (keys.APPLICATION_ID, self._engine.context.options.application_id),
                 (keys.CAMPAIGN_NAME, campaign), (keys.RECORD_HANDLE, handle))
        said = {key for key, _ in named} | {keys.USER_EVENT}
        return (*named, *(pair for pair in pairs if pair[0] not in said))

    def _show(self, found: tuple[HeldChain, int] | None, handle: str) -> Reply:
        if found is None:
            return refused(404, DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {handle[:20]}")
        context = self._engine.context
        held, index = found
        return Reply(200, dict(record_data(held, index, context.options.application_id, context.clock.wall()).pairs()))


def _pairs(body: Mapping[str, Any] | None) -> KVList:
    """The keys of a body: strings, and integers as they are."""
    if body is None:
        raise DesktopError(DesktopErrorCode.INVALID_REQUEST, "the body is no JSON object")
    pairs: list[tuple[str, KVValue]] = []
    for key, value in body.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)) or isinstance(value, int) and abs(value) > _LARGEST:
            raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{key[:64]}: a string or an integer is expected")
        pairs.append((key, value))
    return tuple(pairs)


def _reply(answers: list[KVList]) -> Reply:
    """The last answer is the acknowledgement, or the error."""
    answer = dict(answers[-1])
    number = answer.get(keys.ERROR_NUMBER)
    status = 200 if number is None else next(status for code, status in _STATUS.items() if code == number)
    return Reply(status, {key: value for key, value in answer.items() if isinstance(value, (str, int))})
