"""Requests of third parties about records, in the form of a desktop's: by HTTP, on the Communication DN.

Nobody who asks holds a record: a request with a record handle is carried out in the place of whoever has the record, one by
phone or customer id in all campaigns, or in the one that it names.
"""
from __future__ import annotations

from twisted.internet.defer import Deferred

from ocs.desktop.operations import RecordOperations, Requester
from ocs.scheduler.engine import Engine
from protocols.attributes import KVList
from protocols.desktop import keys
from protocols.desktop.messages import DesktopRequest

__all__ = ["ACTIONS", "OPTIONAL", "perform"]

ACTIONS = ("AddRecord", "DoNotCall", "RequestRecordCancel", "UpdateCallCompletionStats", "RecordProcessed", "RecordReschedule",
           "RecordReject")
OPTIONAL = (keys.APPLICATION_ID, keys.CAMPAIGN_NAME)    # what an agent's desktop must say, and a third party need not


def perform(operations: RecordOperations, engine: Engine, request: DesktopRequest, origin: str,
            name: str = "") -> Deferred[list[KVList]]:
    """Carry out what is asked; fires with the answers, the last of which acknowledges or tells the error. `origin` is the way of
    the request and `name` who asks, for the audit trail."""
    found = None if request.record_handle is None else engine.context.handles.find(request.record_handle)
    dn, agent_id = ("", "") if found is None else (found[0].agent_dn, found[0].agent_id)
    requester = Requester(dn, agent_id, origin=origin, third_party=True, name=name)
    return Deferred.fromCoroutine(operations.perform(requester, request))
