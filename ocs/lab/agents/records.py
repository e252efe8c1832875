"""What an agent says to the OCS about records: the tray of offered ones, and the last word about each call."""
from __future__ import annotations

import random
from collections import deque
from datetime import datetime
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.lab.agents.account import AgentBook
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.desk import IDesk
from ocs.lab.agents.judgement import judge, processed
from ocs.lab.agents.work import Call, OfferedRecord
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import CallbackType
from protocols.desktop.record import RecordData
from protocols.errors import ProtocolError, RequestRefused, RequestTimedOut

__all__ = ["RecordTray", "Settlement"]

_TRAY_SIZE = 3
_SETTLE_TRIES = 3


def _ask(desk: IDesk, book: AgentBook, record: RecordData, name: str, **values: Any) -> Deferred[DesktopEvent]:
    """A request about a record; what goes wrong goes into the book."""
    asked = desk.ask(name, application_id=record.application_id, campaign_name=record.campaign_name,
                     record_handle=record.record_handle, **values)
    return asked.addErrback(book_failure, book)


def book_failure(failure: Failure, book: AgentBook) -> Failure:
    """Write a failed request to the OCS into the book and pass it on."""
    if isinstance(failure.value, RequestRefused):
        if failure.value.code == DesktopErrorCode.NO_RECORDS_AVAILABLE:
            book.counts["no_records"] += 1
        else:
            book.errors[failure.value.code] += 1
    elif isinstance(failure.value, RequestTimedOut):
        book.counts["unanswered"] += 1
    return failure


class RecordTray:
    """Records that wait for the agent, few; one that finds no room goes back to the OCS at once."""

    def __init__(self, desk: IDesk, book: AgentBook) -> None:
        self._desk, self._book = desk, book
        self._records: deque[OfferedRecord] = deque()

    def __len__(self) -> int:
        return len(self._records)

    def put(self, offered: OfferedRecord) -> bool:
        """Keep a record; False if there was no room and it goes back."""
        if len(self._records) >= _TRAY_SIZE:
            self.reject(offered)
            return False
        self._records.append(offered)
        return True

    def take(self) -> OfferedRecord:
        """The oldest record; IndexError if there is none."""
        return self._records.popleft()

    def remove(self, gone: Callable[[OfferedRecord], bool]) -> None:
        """Drop the records that the OCS has taken back."""
        self._records = deque(offered for offered in self._records if not gone(offered))

    def give_back_all(self) -> None:
        """RecordReject for each record that waits."""
        while self._records:
            self.reject(self._records.popleft())

    def put_off(self, offered: OfferedRecord, date_time: datetime) -> Deferred[None]:
        """ScheduledRecordReschedule, as the kind of callback that it is; fires when it is answered or cannot be any more."""
        self._book.counts["put_off"] += 1
        kind = CallbackType.CAMPAIGN if offered.record.callback_type == CallbackType.CAMPAIGN.value else CallbackType.PERSONAL
        asked = _ask(self._desk, self._book, offered.record, "ScheduledRecordReschedule", date_time=date_time,
                     callback_type=kind)
        return asked.addCallbacks(lambda _: None, lambda failure: failure.trap(ProtocolError) and None)

    def reject(self, offered: OfferedRecord) -> Deferred[None]:
        """RecordReject; fires when it is answered or cannot be any more."""
        self._book.counts["rejected"] += 1
        asked = _ask(self._desk, self._book, offered.record, "RecordReject")
        return asked.addCallbacks(lambda _: None, lambda failure: failure.trap(ProtocolError) and None)


class Settlement:
    """The last word about a call's record, said until it is acknowledged or cannot be."""

    log = Logger()

    def __init__(self, clock: IClock, desk: IDesk, book: AgentBook, behaviour: AgentBehaviour,
                 rng: random.Random) -> None:
        self._clock, self._desk, self._book = clock, desk, book
        self._behaviour, self._rng = behaviour, rng

    def first_result(self, call: Call, record: RecordData) -> Deferred[DesktopEvent]:
        """UpdateCallCompletionStats: the result, ahead of the last word."""
        return _ask(self._desk, self._book, record, "UpdateCallCompletionStats", call_result=call.result)

    def settle(self, call: Call, record: RecordData) -> Deferred[DesktopEvent]:
        """Send the disposition (judged once); fires with the acknowledgement or fails as the request did."""
        if call.disposition is None:
            call.disposition = judge(call.result, record, self._behaviour, self._rng, self._clock.wall(),
                                     call.scheduled)
        disposition, counts = call.disposition, self._book.counts
        call.tries, call.settling = call.tries + 1, True

        def over(result: Any) -> Any:
            call.settling = False
            return result

        def settled(event: DesktopEvent) -> DesktopEvent:
            counts["settled"] += 1
            counts["callbacks"] += "callback_type" in disposition.values
            counts["do_not_calls"] += disposition.request == "DoNotCall"
            self._book.results[disposition.result] += 1
            return event

        asked = _ask(self._desk, self._book, record, disposition.request, **disposition.values)
        return asked.addBoth(over).addCallback(settled)

    def try_again(self, call: Call, error: ProtocolError, hurry: bool) -> bool:
        """Whether to settle once more after `error`: what the OCS does not take becomes a plain result, silence is
        answered by saying it again, a few times at most."""
        disposition = call.disposition
        assert disposition is not None
        if isinstance(error, RequestRefused):
            hopeless = error.code == DesktopErrorCode.RECORD_NOT_FOUND or disposition.request == "RecordProcessed"
            call.disposition = processed(call.result)
        else:
            hopeless = not isinstance(error, RequestTimedOut)
        if not hopeless and not hurry and call.tries < _SETTLE_TRIES:
            return True
        self._book.counts["unsettled"] += 1
        self.log.warn("{request} of a record is given up: {reason}", request=disposition.request, reason=str(error))
        return False
