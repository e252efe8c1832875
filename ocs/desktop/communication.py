"""The entry by user events on the Communication DN: third-party applications order campaign groups and ask about records.

Only applications that the configuration names are heard, everybody else is disregarded without an answer. Where the switch says
which application sent an event that is who asks, whatever the event itself says; where it does not the event's own number counts.
Every client that is registered on the DN hears every answer, so each carries the reference and the number of who asked.
What happens to campaign groups otherwise is told there too, with reference 0.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Collection

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ocs.desktop.campaigns import CampaignOperations, CampaignRefused
from ocs.desktop.operations import RecordOperations
from ocs.desktop.third_party import ACTIONS, OPTIONAL, perform
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.results import DialingMode, OptimizationMethod, RecordStatus
from ocs.dialing.session import SessionEvent
from ocs.errors import OCSError
from ocs.scheduler.engine import Engine
from ocs.scheduler.mode_change import Course
from ocs.scheduler.session import DialingSession
from protocols.attributes import KVList, first
from protocols.communication import keys
from protocols.communication.index import CampaignErrorCode, MessageType
from protocols.communication.messages import (
    CampaignError,
    CampaignRequest,
    answer,
    error_answer,
    group_event,
    parse_request,
    sender_id,
)
from protocols.desktop import keys as desktop_keys
from protocols.desktop.build import error_answer as desktop_error
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest, is_request
from protocols.desktop.messages import parse_request as parse_desktop
from protocols.desktop.names import ChainAttribute
from protocols.errors import LinkLost

__all__ = ["Application", "CommunicationEntry"]

_T, _E = MessageType, SessionEvent
_NEWS = {_E.LOADED: _T.CAMPAIGN_LOADED, _E.START: _T.DIALING_STARTED, _E.STOP: _T.DIALING_STOPPED,
         _E.UNLOADED: _T.CAMPAIGN_UNLOADED, _E.UNLOAD: _T.CAMPAIGN_STATUS, _E.DRAINED: _T.CAMPAIGN_STATUS,
         _E.FORCE_UNLOAD: _T.CAMPAIGN_STATUS}
_ORIGIN = "communication dn"    # for the audit trail
_OUTSTANDING_LIMIT = 100        # requests that may be under way at once
_STRANGERS_LIMIT = 100          # whose names are kept, so that the log tells each once
# what the record operations say, in the words of this protocol
_CODES = {DesktopErrorCode.CAMPAIGN_NOT_FOUND: CampaignErrorCode.CAMPAIGN_NOT_FOUND,
          DesktopErrorCode.CAMPAIGN_NOT_RUNNING: CampaignErrorCode.CAMPAIGN_NOT_LOADED,
          DesktopErrorCode.DATABASE_ERROR: CampaignErrorCode.SERVER_CONNECTION_ERROR}


@dataclass(frozen=True)
class Application:
    """One that may ask: its name, as the T-Server knows it, and its number."""

    name: str
    dbid: int


class CommunicationEntry:
    """Requests and news on one DN, by way of the T-Server."""

    log = Logger()

    def __init__(self, engine: Engine, campaigns: CampaignOperations, records: RecordOperations, dn: str,
                 applications: Collection[Application]) -> None:
        self._engine, self._campaigns, self._records, self._dn = engine, campaigns, records, dn
        self._switch = engine.context.switch
        self._application_id = engine.context.options.application_id
        self._by_name = {one.name: one for one in applications}
        self._by_dbid = {one.dbid: one for one in applications}
        self._strangers: set[str] = set()
        self._under_way = 0
        self._expected: Counter[tuple[str, MessageType]] = Counter()    # news that will be somebody's answer
        self._switch.follow_user_events(dn, self.user_event)
        engine.watch(self._session_changed)
        engine.context.history.add_group_listener(self._regrouped)

    # -- requests -------------------------------------------------------------------------------------------------
    def user_event(self, user_data: KVList, sender: str = "") -> None:
        """A user event on the DN, our own included. `sender` is the application that the switch names, "" if it names none."""
        desktop_form = is_request(user_data)
        if not (desktop_form or first(user_data, keys.MESSAGE_TYPE) is not None) or not self._for_us(user_data):
            return
        try:
            asked = self._parse_desktop(user_data) if desktop_form else parse_request(user_data)
        except (CampaignError, DesktopError) as error:
            if self._application(user_data, sender) is not None:
                self._refuse(error)
            return
        if asked is None or (application := self._application(user_data, sender)) is None:
            return
        if self._under_way >= _OUTSTANDING_LIMIT:
            self._refuse(CampaignError(CampaignErrorCode.INVALID_PARAMETER, "too many requests at once", asked.echo)
                         if isinstance(asked, CampaignRequest) else
                         DesktopError(DesktopErrorCode.INVALID_REQUEST, "too many requests at once", asked.echo))
            return
        self._under_way += 1
        work = (self._carry_out(asked, application.name) if isinstance(asked, CampaignRequest) else
                perform(self._records, self._engine, asked, _ORIGIN, application.name))
        done = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        done.addErrback(self._bug, asked)
        done.addCallback(self._answered)

    def _application(self, user_data: KVList, sender: str) -> Application | None:
        """Who asks; None for a stranger, who is named in the log once, and hears nothing."""
        claimed, reason = sender_id(user_data), "it is no third party of the configuration"
        if sender:
            application = self._by_name.get(sender)
            if application is not None and claimed not in (None, application.dbid):
                reason, application = f"its number is {application.dbid}, and it says {claimed}", None
        else:
            application = None if claimed is None else self._by_dbid.get(claimed)
        stranger = sender or f"number {claimed}"
        if application is None and stranger not in self._strangers and len(self._strangers) < _STRANGERS_LIMIT:
            self._strangers.add(stranger)
            self.log.warn("requests of application {stranger} on the Communication DN are disregarded: {reason}",
                          stranger=stranger[:64], reason=reason)
        return application

    def _for_us(self, user_data: KVList) -> bool:
        """A request that names another OCS is that server's affair."""
        return first(user_data, keys.APPLICATION_ID) in (None, "", self._application_id, str(self._application_id))

    @staticmethod
    def _parse_desktop(user_data: KVList) -> DesktopRequest | None:
        request = parse_desktop(user_data, OPTIONAL)
        if request is not None and request.name not in ACTIONS:
            raise DesktopError(DesktopErrorCode.INVALID_REQUEST, f"{request.name} is not possible here", request.echo)
        return request

    def _answered(self, answers: list[KVList]) -> None:
        self._under_way -= 1
        for pairs in answers:
            self._send(pairs)

    def _refuse(self, error: CampaignError | DesktopError) -> None:
        self._send(error_answer(error, self._application_id) if isinstance(error, CampaignError) else desktop_error(error))

    def _bug(self, failure: Failure, asked: CampaignRequest | DesktopRequest) -> list[KVList]:
        self.log.failure("a request on the Communication DN", failure)
        if isinstance(asked, CampaignRequest):
            wrong = CampaignError(CampaignErrorCode.INVALID_PARAMETER, "internal error", asked.echo)
            return [error_answer(wrong, self._application_id)]
        return [desktop_error(DesktopError(DesktopErrorCode.INVALID_REQUEST, "internal error", asked.echo))]

    def _send(self, user_data: KVList) -> None:
        def failed(failure: Failure) -> None:
            # a lost link is told once, by the link
            level = LogLevel.debug if failure.check(LinkLost) is not None else LogLevel.warn
            self.log.emit(level, "not told on the Communication DN: {reason}", reason=failure.getErrorMessage())
        self._switch.distribute_user_event(self._dn, user_data).addErrback(failed)

    # -- carrying out ---------------------------------------------------------------------------------------------
    async def _carry_out(self, request: CampaignRequest, name: str) -> list[KVList]:
        """The answers: one, but of a request for the status of all campaign groups."""
        try:
            if not request.kind.names_group:
                return [await self._about_records(request, name)]
            if request.session_id is None and request.campaign_id is None:
                return [self._event(request, session) for session in self._campaigns.all()]
            session = self._campaigns.find(request.campaign_id, request.group_id, request.session_id)
            pairs = await self._verb(request, session)
            if request.kind.answer is not _T.CAMPAIGN_STATUS:
                self.log.info("order of application {application}: {request} {session}: done", application=name,
                              request=request.type.text, session=session.group.name)
            return [self._event(request, session, pairs)]
        except CampaignRefused as error:
            return [error_answer(CampaignError(error.code, error.detail, request.echo), self._application_id)]
        except CampaignError as error:
            return [error_answer(CampaignError(error.code, error.detail, request.echo), self._application_id)]

    def _event(self, request: CampaignRequest, session: DialingSession, pairs: KVList = ()) -> KVList:
        return group_event(request.kind.answer, self._application_id, self._campaigns.facts(session), request.echo, pairs)

    async def _verb(self, request: CampaignRequest, session: DialingSession) -> KVList:
        """Carry it out; further pairs of the answer."""
        if request.type is _T.GET_CAMPAIGN_STATUS:
            return ()
        if request.type is _T.GET_CAMPAIGN_DATA:
            return await self._data(session)
        expected = session.group.name, request.kind.answer
        self._expected[expected] += 1
        try:
            await self._order(request, session)
        finally:
            self._expected[expected] -= 1
            self._expected += Counter()         # drops what is zero
        return ()

    async def _order(self, request: CampaignRequest, session: DialingSession) -> None:
        campaigns, automatic = self._campaigns, request.auto_completion
        if request.type is _T.LOAD_CAMPAIGN:
            await campaigns.load(session, automatic)
        elif request.type in (_T.UNLOAD_CAMPAIGN, _T.COMPLETE_CAMPAIGN):
            await campaigns.unload(session)
        elif request.type is _T.FORCE_UNLOAD_CAMPAIGN:
            await campaigns.force_unload(session)
        elif request.type is _T.START_DIALING:
            campaigns.start(session, _course(request), automatic)
        elif request.type is _T.STOP_DIALING:
            campaigns.stop(session)
        else:
            campaigns.set_course(session, _course(request), automatic)

    async def _data(self, session: DialingSession) -> KVList:
        """What there is to know of a campaign group, in numbers and names."""
        records = ready = 0
        try:
            for table in {one.reads for one in session.group.lists}:
                counts = await self._engine.context.store.counts(table)
                records, ready = records + sum(counts.values()), ready + counts.get(RecordStatus.READY, 0)
        except OCSError as error:
            raise CampaignRefused(CampaignErrorCode.SERVER_CONNECTION_ERROR, str(error)) from None
        group = session.group
        return ((keys.CAMPAIGN_NAME, group.campaign), (keys.GROUP_NAME, group.group.name), (keys.CAMPAIGN_GROUP_NAME, group.name),
                (keys.CALLING_LISTS, ",".join(one.name for one in group.lists)), (keys.RECORDS, records),
                (keys.RECORDS_READY, ready), (keys.AGENTS, len(self._engine.context.agents.of(group))),
                (keys.CALLS, len(session.calls)),
                (keys.AUTO_COMPLETION, int(self._campaigns.completion.wanted(session))))

    async def _about_records(self, request: CampaignRequest, name: str) -> KVList:
        """Cancel and do-not-call: the desktop's operations, in this protocol's words."""
        if request.type not in (_T.CANCEL_RECORD, _T.DO_NOT_CALL):
            raise CampaignError(CampaignErrorCode.REGISTRATION_ERROR, f"{request.type.text} is of the direct protocol")
        asked = DesktopRequest(
            "DoNotCall" if request.type is _T.DO_NOT_CALL else "RequestRecordCancel", self._application_id, request.campaign_name,
            None, request.record_handle, request.calling_list, request.phone, customer_id=request.customer_id,
            chain_attr=ChainAttribute.ALL_CHAIN if request.whole_chain else ChainAttribute.RECORD_ONLY)
        told = dict((await perform(self._records, self._engine, asked, _ORIGIN, name))[-1])
        number = told.get(desktop_keys.ERROR_NUMBER)
        if isinstance(number, int):
            code = next((ours for theirs, ours in _CODES.items() if theirs == number), CampaignErrorCode.INVALID_PARAMETER)
            raise CampaignError(code, str(told.get(desktop_keys.ERROR, "")))
        pairs = tuple((key, value) for key in (keys.RECORD_HANDLE, keys.PHONE, keys.CUSTOMER_ID, keys.CALLING_LIST,
                                               keys.CHAIN_ATTR, keys.CAMPAIGN_NAME)
                      if (value := first(request.raw, key)) is not None)
        return answer(request.kind.answer, self._application_id, request.echo, pairs)

    # -- what nobody asked for ------------------------------------------------------------------------------------
    def _session_changed(self, session: DialingSession, event: SessionEvent) -> None:
        kind = _NEWS.get(event)
        if kind is not None:
            self._tell(session, kind)

    def _regrouped(self, session: DialingSession, before: CampaignGroup) -> None:
        """Another mode, or goal, is told, whoever has set it; on a later turn, as this is in the middle of the engine's step."""
        answered = any(self._expected[session.group.name, kind] for kind in (_T.DIALING_MODE_CHANGED, _T.DIALING_STARTED))
        after = session.group
        if (before.mode, before.pacing) != (after.mode, after.pacing) and not answered:
            self._engine.context.clock.callLater(0, self._tell_mode, session)

    def _tell_mode(self, session: DialingSession) -> None:
        if session.keeps_chains:
            self._tell(session, _T.DIALING_MODE_CHANGED)

    def _tell(self, session: DialingSession, kind: MessageType) -> None:
        if not self._expected[session.group.name, kind]:
            self._send(group_event(kind, self._application_id, self._campaigns.facts(session)))


def _course(request: CampaignRequest) -> Course:
    """The mode, the method and the goal that the request names; CampaignError for a number that means none."""
    try:
        mode = None if request.dial_mode is None else DialingMode(request.dial_mode)
    except ValueError:
        raise _no_such(keys.DIAL_MODE, request.dial_mode) from None
    try:
        method = None if request.optimize_by is None else OptimizationMethod(request.optimize_by)
    except ValueError:
        raise _no_such(keys.OPTIMIZE_BY, request.optimize_by) from None
    return Course(mode, method, request.optimize_goal)


def _no_such(key: str, number: int | None) -> CampaignError:
    return CampaignError(CampaignErrorCode.INVALID_PARAMETER, f"{key}: {number} means nothing")
