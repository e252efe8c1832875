"""Requests of agents and third parties, as the optional log table of the calling lists keeps them.

Source: the public request types of the log table; its other columns are not public and named here.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from uuid import uuid4

__all__ = ["LoggedRequest", "RequestType"]


class RequestType(IntEnum):
    """What was asked for, by its public number (6 to 8 and 17 are nobody's)."""

    PREVIEW_RECORD = 1
    CHAINED_RECORD = 2
    ADD_RECORD = 3
    PREVIEW_DIALING_MODE_START = 4
    PREVIEW_DIALING_MODE_OVER = 5
    UPDATE_CALL_COMPLETION_STATS = 9
    RECORD_PROCESSED = 10
    RECORD_REJECT = 11
    RECORD_CANCEL = 12
    RECORD_RESCHEDULE = 13
    SCHEDULED_RECORD_RESCHEDULE = 14
    DO_NOT_CALL = 15
    CONTINUE_PROCESSING = 16
    LOGOUT = 18
    READY_TIME = 19
    CAMPAIGN_STATUS = 20


@dataclass(frozen=True)
class LoggedRequest:
    """One request and what became of it. `at` is epoch seconds; `error` the public error code, 0 = it was done."""

    request_type: RequestType
    at: float
    agent_id: str = ""
    dn: str = ""
    record_handle: int | None = None
    campaign_dbid: int | None = None
    group_dbid: int | None = None
    list_dbid: int | None = None
    phone: str = ""
    error: int = 0
    request_id: int = field(default_factory=lambda: uuid4().int >> 66, compare=False, repr=False)   # a row is written once
