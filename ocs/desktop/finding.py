"""What a request names: the session of its campaign, the record of its handle, a calling list, a number."""
from __future__ import annotations

import re
from typing import Sequence

from ocs.desktop.requester import Requester
from ocs.dialing.campaign import CallingList
from ocs.dialing.chain import ChainState
from ocs.dialing.session import SessionState
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from ocs.scheduler.session import DialingSession
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.messages import DesktopRequest

__all__ = ["Finding", "number"]

_SEPARATORS = re.compile(r"[ ().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_AT_HAND = (ChainState.CALLING, ChainState.WITH_AGENT)


def number(text: str) -> str:
    """A number as it is dialed; DesktopError for what is none."""
    phone = _SEPARATORS.sub("", text)
    if _E164.fullmatch(phone) is None:
        raise DesktopError(DesktopErrorCode.INVALID_ATTRIBUTE, f"{keys.PHONE}: not + and 7 to 15 digits")
    return phone


class Finding:
    """Looks up what a request names, as far as the requester may; DesktopError says what is not to be had."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._handles = engine, engine.context.handles

    # -- campaigns ------------------------------------------------------------------------------------------------
    def sessions(self, requester: Requester, campaign: str | None) -> Sequence[DialingSession]:
        """The requester's sessions of this campaign, or campaign group; of every campaign where none is named."""
        return [session for session in self._engine.sessions.values()
                if (requester.third_party or requester.dn in session.group.group.dns)
                and campaign in (None, session.group.campaign, session.group.name)]

    def session(self, requester: Requester, request: DesktopRequest) -> DialingSession:
        """The requester's session of the campaign that the request names, loaded; for a third party it need not be, and where
        that names no campaign it is one with the list that it names."""
        mine = self.sessions(requester, request.campaign_name)
        if not mine:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_FOUND, str(request.campaign_name or "none is configured"))
        if request.campaign_name is None and request.calling_list:
            mine = [one for one in mine if any(each.name == request.calling_list for each in one.group.lists)]
            if not mine:
                raise DesktopError(DesktopErrorCode.CALLING_LIST_NOT_FOUND, f"{keys.CALLING_LIST} {request.calling_list}")
        session = max(mine, key=lambda each: each.state)
        if session.state is SessionState.NOT_LOADED and not requester.third_party:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_RUNNING, session.group.name)
        return session

    @staticmethod
    def calling_list(session: DialingSession, request: DesktopRequest) -> CallingList | None:
        """The list that the request names; None where it names none."""
        if not request.calling_list:
            return None
        for one in session.group.lists:
            if one.name == request.calling_list:
                return one
        raise DesktopError(DesktopErrorCode.CALLING_LIST_NOT_FOUND, f"{keys.CALLING_LIST} {request.calling_list}")

    # -- records --------------------------------------------------------------------------------------------------
    def knows(self, request: DesktopRequest) -> bool:
        """True if the request's handle is that of a record that is held here."""
        return request.record_handle is not None and self._handles.find(request.record_handle) is not None

    def record(self, requester: Requester, request: DesktopRequest) -> tuple[HeldChain, int]:
        """The chain of the record that the request names, and the record's place in it: at hand of the requester, or of any
        agent where a third party asks."""
        handle = request.record_handle
        found = None if handle is None else self._handles.find(handle)
        if found is None or found[0].state not in _AT_HAND \
                or not (requester.third_party or found[0].agent_dn == requester.dn):
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {handle}")
        held, index = found
        group = held.session.group
        named = (group.campaign, group.name, None) if requester.third_party else (group.campaign, group.name)
        if request.campaign_name not in named:
            raise DesktopError(DesktopErrorCode.CAMPAIGN_NOT_FOUND, f"{request.campaign_name} is not the record's")
        if request.calling_list not in (None, "", held.calling_list.name):
            raise DesktopError(DesktopErrorCode.CALLING_LIST_NOT_FOUND,
                               f"{keys.CALLING_LIST} {request.calling_list} is not the record's")
        held.session.callbacks.noticed(held)
        if requester.entry is not None:
            requester.entry.about(held, index)
            requester.entry.beside(held)
        return held, index

    def head(self, requester: Requester, request: DesktopRequest) -> HeldChain:
        """The chain of the record that the request names, with that record as its head: the one that was dialed or, where none
        was yet, any open one."""
        held, index = self.record(requester, request)
        if held.undialed and held.chain.records[index].record_status.open:
            held.session.desks.turn_to(held, index)
        if index != held.index:
            raise DesktopError(DesktopErrorCode.RECORD_NOT_FOUND, f"{keys.RECORD_HANDLE} {request.record_handle} was not dialed")
        return held
