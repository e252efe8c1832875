"""The public URIs: `/records/<handle>`, `/phones/<number>`, `/customer_ids/<id>`, `/lists/<name>`, `/campaigngroups/<number>`.

A request about records is the desktop's with the same keys, its name in the parameter `req`, and goes to the same operations; the
body of the answer has the keys of the desktop's answer. What the URI says counts, whatever the body says. Values may all
be strings: clients of the field send them so. Source: reference of the HTTP interfaces, sections 1.1 to 1.3.
"""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocs.desktop.campaigns import CampaignOperations, CampaignRefused
from ocs.desktop.operations import RecordOperations
from ocs.desktop.records import record_data
from ocs.desktop.third_party import OPTIONAL, perform
from ocs.dialing.results import DialingMode, OptimizationMethod
from ocs.http_server import Asked, Reply
from ocs.scheduler.engine import Engine
from ocs.scheduler.mode_change import Course
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList, KVValue
from protocols.communication.index import CampaignErrorCode
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.fields import lenient_integer
from protocols.desktop.messages import parse_request
from protocols.http_messages.bodies import read_object

__all__ = ["CAMPAIGN_ACTIONS", "LIST_ACTIONS", "PublicUris", "RECORD_ACTIONS", "TARGET_ACTIONS", "refused"]

RECORD_ACTIONS = ("UpdateCallCompletionStats", "RecordProcessed", "RecordReschedule", "RequestRecordCancel", "DoNotCall",
                  "RecordReject")
TARGET_ACTIONS = ("DoNotCall", "RequestRecordCancel")
LIST_ACTIONS = ("AddRecord",)
_ORIGIN = "http"
_TENANT_DBID, _TENANT_NAME, _TENANT = "GSW_TENANT_DBID", "GSW_TENANT_NAME", 1
_AUTO_COMPLETION, _DIAL_MODE = "GSW_AUTO_COMPLETION", "GSW_DIAL_MODE"
_OPTIMIZE_BY, _OPTIMIZE_GOAL = "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL"
_LARGEST = 2 ** 63 - 1
# keys that a desktop sends as integers, and clients of this interface as strings
_INTEGERS = frozenset({keys.ATTEMPTS, keys.CHAIN_ID, keys.CALL_TIME, keys.FROM, keys.UNTIL})
_D, _C = DesktopErrorCode, CampaignErrorCode
_STATUS = {_D.INVALID_REQUEST: 400, _D.INVALID_ATTRIBUTE: 400, _D.INVALID_DATE_OR_TIME: 400, _D.CAMPAIGN_NOT_FOUND: 404,
           _D.RECORD_NOT_FOUND: 404, _D.CALLING_LIST_NOT_FOUND: 404, _D.LIMIT_REACHED: 429, _D.DATABASE_ERROR: 500,
           _D.INTERNAL_ERROR: 500}
_CAMPAIGN_STATUS = {_C.CAMPAIGN_NOT_FOUND: 404, _C.GROUP_NOT_FOUND: 404, _C.CAMPAIGN_GROUP_NOT_FOUND: 404,
                    _C.INVALID_PARAMETER: 400, _C.SERVER_CONNECTION_ERROR: 500}


def refused(status: int, code: DesktopErrorCode, detail: str) -> Reply:
    """An error in the shape that every error has here."""
    return Reply(status, {keys.ERROR: code.with_detail(detail), keys.ERROR_NUMBER: int(code)})


class PublicUris:
    """Answers what is asked under the public URIs."""

    log = Logger()

    def __init__(self, engine: Engine, campaigns: CampaignOperations, records: RecordOperations) -> None:
        self._engine, self._campaigns, self._operations = engine, campaigns, records
        self._resources: dict[str, Callable[[Asked, str], Any]] = {
            "records": self._record, "phones": self._phone, "customer_ids": self._customer, "customerids": self._customer,
            "lists": self._list, "campaigngroups": self._campaign_group}

    def respond(self, asked: Asked) -> Any:
        """A Reply, or a Deferred of one; None where this is no public URI."""
        resource = self._resources.get(asked.path[0].lower()) if len(asked.path) == 2 else None
        if resource is None:
            return None
        try:
            return resource(asked, asked.path[1])
        except DesktopError as error:
            return refused(_STATUS.get(error.code, 409), error.code, error.detail)

    # -- about records --------------------------------------------------------------------------------------------
    def _record(self, asked: Asked, handle: str) -> Any:
        number = lenient_integer(handle) or 0
        found = self._engine.context.handles.find(number)
        if asked.method == "GET":
            if found is None:
                return refused(404, _D.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {handle[:20]}")
            context = self._engine.context
            shown = record_data(found[0], found[1], context.options.application_id, context.clock.wall())
            return Reply(200, dict(shown.pairs()))
        campaign = () if found is None else ((keys.CAMPAIGN_NAME, found[0].session.group.campaign),)
        return self._ask(asked, RECORD_ACTIONS, ((keys.RECORD_HANDLE, number), *campaign), "GET, POST")

    def _phone(self, asked: Asked, number: str) -> Any:
        return self._ask(asked, TARGET_ACTIONS, ((keys.PHONE, number),), "POST", (keys.RECORD_HANDLE, keys.CUSTOMER_ID))

    def _customer(self, asked: Asked, customer_id: str) -> Any:
        return self._ask(asked, TARGET_ACTIONS, ((keys.CUSTOMER_ID, customer_id),), "POST", (keys.RECORD_HANDLE, keys.PHONE))

    def _list(self, asked: Asked, name: str) -> Any:
        return self._ask(asked, LIST_ACTIONS, ((keys.CALLING_LIST, name),), "POST")

    def _ask(self, asked: Asked, actions: tuple[str, ...], said: KVList, allowed: str, without: tuple[str, ...] = ()) -> Any:
        """Carry out a desktop's request. `said` is what the URI says, `without` are keys that would say something else."""
        if asked.method != "POST":
            return _no_method(asked.method, allowed)
        action = asked.query.get("req", "")
        if action not in actions:
            raise DesktopError(_D.INVALID_REQUEST, f"req: one of {', '.join(actions)}")
        pairs = _pairs(read_object(asked.body) if asked.body.strip() else {})
        _check_tenant(dict(pairs))
        named: KVList = ((keys.REQUEST, action), *said, (keys.APPLICATION_ID, self._engine.context.options.application_id))
        left_out = {key for key, _ in named} | {keys.USER_EVENT, _TENANT_DBID, _TENANT_NAME, *without}
        request = parse_request((*named, *(pair for pair in pairs if pair[0] not in left_out)), OPTIONAL)
        assert request is not None
        return perform(self._operations, self._engine, request, _ORIGIN, asked.peer).addCallback(_reply)

    # -- about campaign groups ------------------------------------------------------------------------------------
    def _campaign_group(self, asked: Asked, number: str) -> Any:
        return Deferred.fromCoroutine(self._order(asked, number))

    async def _order(self, asked: Asked, number: str) -> Reply:
        try:
            named = lenient_integer(number)
            session = self._campaigns.find(None, None, -1 if named is None else named)
            if asked.method == "GET":
                return self._standing(session, "CampaignStatus")
            if asked.method != "POST":
                return _no_method(asked.method, "GET, POST")
            action = asked.query.get("req", "")
            if action not in CAMPAIGN_ACTIONS:
                raise DesktopError(_D.INVALID_REQUEST, f"req: one of {', '.join(CAMPAIGN_ACTIONS)}")
            body = dict(_pairs(read_object(asked.body) if asked.body.strip() else {}))
            do, event = CAMPAIGN_ACTIONS[action]
            done = do(self._campaigns, session, body)
            if hasattr(done, "__await__") and action == "LoadCampaign":
                await done          # unloading goes on behind the answer: the status says how far it is
            if action != "GetCampaignStatus":
                self.log.info("order from {peer}: {action} {session}: done", peer=asked.peer, action=action,
                              session=session.group.name)
            return self._standing(session, event)
        except CampaignRefused as error:
            told = {keys.ERROR: f"{error.code.text}: {error.detail}", keys.ERROR_NUMBER: int(error.code)}
            return Reply(_CAMPAIGN_STATUS.get(error.code, 409), told)
        except DesktopError as error:
            return refused(_STATUS.get(error.code, 409), error.code, error.detail)

    def _standing(self, session: DialingSession, event: str) -> Reply:
        facts, group = self._campaigns.facts(session), session.group
        return Reply(200, {
            keys.USER_EVENT: event, keys.APPLICATION_ID: self._engine.context.options.application_id,
            keys.CAMPAIGN_NAME: group.campaign, keys.CAMPAIGN_GROUP_NAME: group.name, "GSW_GROUP_NAME": group.group.name,
            keys.CAMPAIGN_GROUP_DBID: group.dbid, "GSW_CAMPAIGN_GROUP_STATUS": facts.status, _DIAL_MODE: facts.dial_mode,
            _OPTIMIZE_BY: facts.optimize_by, _OPTIMIZE_GOAL: facts.optimize_goal,
            _AUTO_COMPLETION: int(self._campaigns.completion.wanted(session))})


_Do = Callable[[CampaignOperations, DialingSession, Mapping[str, KVValue]], Any]
CAMPAIGN_ACTIONS: dict[str, tuple[_Do, str]] = {
    "LoadCampaign": (lambda campaigns, session, body: campaigns.load(session, _automatic(body)), "CampaignLoaded"),
    "UnloadCampaign": (lambda campaigns, session, body: campaigns.unload(session), "CampaignUnloaded"),
    "ForceUnloadCampaign": (lambda campaigns, session, body: campaigns.force_unload(session), "CampaignUnloaded"),
    "StartDialing": (lambda campaigns, session, body: campaigns.start(session, _course(body), _automatic(body)),
                     "DialingStarted"),
    "StopDialing": (lambda campaigns, session, body: campaigns.stop(session), "DialingStopped"),
    "SetDialingMode": (lambda campaigns, session, body: campaigns.set_course(session, _course(body), _automatic(body)),
                       "DialingModeChanged"),
    "GetCampaignStatus": (lambda campaigns, session, body: None, "CampaignStatus"),
}


def _no_method(method: str, allowed: str) -> Reply:
    refusal = refused(405, _D.INVALID_REQUEST, f"{method} is not possible here")
    return Reply(405, refusal.body, (("Allow", allowed),))


def _pairs(body: Mapping[str, Any] | None) -> KVList:
    """The keys of a body: strings, and integers, also where these came as strings."""
    if body is None:
        raise DesktopError(_D.INVALID_REQUEST, "the body is no JSON object")
    pairs: list[tuple[str, KVValue]] = []
    for key, value in body.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)) or isinstance(value, int) and abs(value) > _LARGEST:
            raise DesktopError(_D.INVALID_ATTRIBUTE, f"{key[:64]}: a string or an integer is expected")
        if key in _INTEGERS and isinstance(value, str):
            if not value.strip():
                continue            # as if it had not been sent
            number = lenient_integer(value)
            value = value if number is None else number
        pairs.append((key, value))
    return tuple(pairs)


def _check_tenant(body: Mapping[str, KVValue]) -> None:
    """There is one tenant."""
    tenant = body.get(_TENANT_DBID, "")
    if tenant != "" and lenient_integer(tenant) != _TENANT:
        raise DesktopError(_D.INVALID_ATTRIBUTE, f"{_TENANT_DBID}: there is no such tenant")


def _automatic(body: Mapping[str, KVValue]) -> bool | None:
    value = body.get(_AUTO_COMPLETION, "")
    if value == "":
        return None
    number = lenient_integer(value)
    if number not in (0, 1):
        raise DesktopError(_D.INVALID_ATTRIBUTE, f"{_AUTO_COMPLETION}: 0 or 1 is expected")
    return bool(number)


def _course(body: Mapping[str, KVValue]) -> Course:
    goal = body.get(_OPTIMIZE_GOAL, "")
    number = None if goal == "" else lenient_integer(goal)
    if goal != "" and (number is None or not 0 <= number <= 1_000_000):
        raise DesktopError(_D.INVALID_ATTRIBUTE, f"{_OPTIMIZE_GOAL}: a number within 0..1000000 is expected")
    return Course(_member(body, _DIAL_MODE, DialingMode), _member(body, _OPTIMIZE_BY, OptimizationMethod), number)


def _member(body: Mapping[str, KVValue], key: str, kind: Any) -> Any:
    """A member of an enumeration, by number or word; None where it is not given."""
    value = body.get(key, "")
    if value == "":
        return None
    number = lenient_integer(value)
    for member in kind:
        if number == member or isinstance(value, str) and value.strip().lower() == member.word:
            return member
    raise DesktopError(_D.INVALID_ATTRIBUTE, f"{key}: there is no such value")


def _reply(answers: list[KVList]) -> Reply:
    """The last answer is the acknowledgement, or the error."""
    answer = dict(answers[-1])
    number = answer.get(keys.ERROR_NUMBER)
    status = 200 if number is None else next((status for code, status in _STATUS.items() if code == number), 409)
    return Reply(status, {key: value for key, value in answer.items() if isinstance(value, (str, int))})
