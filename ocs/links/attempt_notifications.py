"""Record history as notifications: two posts for each try to reach a record, when it begins and when it is over.

A listener of the engine's history. What is to be told goes to disk at once and is posted from there, in order per chain; a
crash takes at most what the disk had not got yet. A result that its agent settles otherwise afterwards is posted again with the
same GUID and sequence number 1: the last one holds. Keys: reference of the HTTP interfaces, section 3.
"""
from __future__ import annotations

import random
from typing import Any, Sequence

from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.dial_hours import known_zone, utc_offset_s
from ocs.dialing.history import AttemptClosed, AttemptOpened, GroupChanged, SessionChanged
from ocs.dialing.session import SessionState
from ocs.interfaces import IHistory, INotificationSpool
from ocs.links.http import HttpClient
from ocs.links.http_options import NotificationSpoolOptions, RecordHistoryOptions
from ocs.links.notice_delivery import NoticeDelivery
from protocols.desktop import keys

__all__ = ["AttemptNotifier", "attempt_body"]

TENANT_NAME = "undefined"       # what the field says where a tenant has no name of its own
# key -> when, in the attempt
_MARKS = {"GSW_START_PROCESSING": "opened_at", "GSW_DIALING": "dialed_at", "GSW_CPD_COMPLETED": "cpd_completed_at",
          "GSW_ANSWERED": "answered_at", "GSW_DIVERTED": "transferred_at", "GSW_AGENT_ANSWERED": "agent_connected_at",
          "GSW_COMPLETE_PROCESSING": "ended_at"}


def attempt_body(event: AttemptOpened | AttemptClosed, group: CampaignGroup) -> dict[str, Any]:
    """What is posted; what is not known is left out. Times are epoch seconds."""
    session, record, attempt = event.session, event.record, event.attempt
    closed = isinstance(event, AttemptClosed)
    zone = record.tz_name
    known: dict[str, Any] = {
        keys.CALL_ATTEMPT_GUID: attempt.guid, "GSW_HIST_SEQUENCE_NUM": int(closed), "GSW_TENANT_NAME": TENANT_NAME,
        keys.APPLICATION_ID: session.application_dbid,
        keys.CAMPAIGN_NAME: session.campaign, "GSW_CAMPAIGN_DBID": session.campaign_dbid,
        keys.CAMPAIGN_GROUP_NAME: group.name, keys.CAMPAIGN_GROUP_DBID: session.dbid, "GSW_CAMPAIGN_GROUP_GUID": session.guid,
        "GSW_GROUP_NAME": session.group, "GSW_DIAL_MODE": group.mode.desktop,
        "GSW_OPTIMIZE_BY": group.pacing.method.word, "GSW_OPTIMIZE_GOAL": group.pacing.goal,
        "GSW_QUEUE_NAME": group.voice_transfer_destination or None,
        keys.CALLING_LIST: event.chain.calling_list, keys.CALLING_LIST_DBID: event.chain.calling_list_dbid,
        keys.CHAIN_ID: record.chain_id, keys.CHAIN_N: record.chain_n, keys.RECORD_HANDLE: event.handle or None,
        keys.PHONE: record.contact_info, keys.PHONE_TYPE: int(record.contact_info_type), keys.ATTEMPTS: attempt.number,
        keys.CALL_TIME: record.call_time, "GSW_SCHEDULED_TIME": record.dial_sched_time,
        keys.TZ_NAME: zone, keys.TZ_OFFSET: utc_offset_s(event.at, zone) if known_zone(zone) else None,
        keys.AGENT_ID: attempt.agent_id or record.agent_id,
    }
    if closed:
        result = attempt.call_result if attempt.call_result is not None else record.call_result
        known[keys.CALL_RESULT] = int(result)
    for key, name in _MARKS.items():
        at = getattr(attempt, name)
        known[key] = None if at is None else int(at)
    return {key: value for key, value in known.items() if value is not None}


@implementer(IHistory)
class AttemptNotifier(NoticeDelivery):
    """Tells the services of `rules` of tries to reach records."""

    def __init__(self, client: HttpClient, rules: Sequence[RecordHistoryOptions], options: NotificationSpoolOptions,
                 spool: INotificationSpool, clock: IClock, rng: random.Random) -> None:
        super().__init__(client, rules, options, spool, clock, rng, "record history")
        self._groups: dict[str, CampaignGroup] = {}         # by the session's GUID, while it is loaded

    def happened(self, event: object) -> None:
        if isinstance(event, SessionChanged):
            if event.state is SessionState.NOT_LOADED:
                self._groups.pop(event.session.guid, None)
            else:
                self._groups[event.session.guid] = event.group
        elif isinstance(event, GroupChanged):
            self._groups[event.session.guid] = event.after
        elif isinstance(event, (AttemptOpened, AttemptClosed)):
            group = self._groups.get(event.session.guid)
            if group is not None and self.wants(group.name):
                body = attempt_body(event, group)
                kept = self.keep(group.name, event.chain.calling_list, event.record.chain_id, body)
                kept.addCallback(self.release)
                kept.addErrback(lambda failure: self.log.failure("record history", failure))
