"""What an OCS reports to ICON: types of reports, their attributes, and the requests that carry them.

A report is one `EventGOReportingData` of the public feed: a map of attributes, which travels in a batch
(`RequestGOReportingData`). Its names are the public ones where they are known (EvtCode, Cause, SwID, GrpID, CmpID, LstID,
ChID, SessID, ChainGUID, CallAttID, RecordHandle); everything else, and all numbers of types and causes, are this project's.
Source: docs/wire.md, section 14; docs/icon.md says to which tables a report goes.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Mapping

from protocols.message import Vocabulary

__all__ = ["ATTRIBUTES", "BATCH_LIMIT", "CampaignState", "Cause", "ChainState", "EvtCode", "GOMessageType", "MetricType",
           "REPORTS", "Report", "ReportFormat", "VOCABULARY", "WrongReport", "report_from_wire"]

BATCH_LIMIT = 1_000             # reports in one request


class GOMessageType(IntEnum):
    """What a report is about."""
    SOURCE = 1                  # the OCS itself
    CAMPAIGN = 2                # a campaign session's state
    CAMPAIGN_PROPERTIES = 3     # how it dials
    CHAIN = 4                   # a chain's state
    RECORD = 5                  # the columns of a record
    ATTEMPT = 6                 # a call attempt
    CHAIN_CALL = 7              # which call of the switch belongs to a chain
    FIELDS = 8                  # user-defined fields of a record
    SECURE_FIELDS = 9           # those that are protected
    METRIC = 10                 # a figure that the OCS has computed


class EvtCode(IntEnum):
    """What happened to it."""
    ADDED = 1
    CHANGED = 2
    REMOVED = 3
    STARTED = 4                 # of a source: the server was started; whatever it had reported as going on has ended
    STOPPED = 5                 # of a source: it was stopped in order
    LOST = 6                    # of a source: reports were given up, for want of room


class Cause(IntEnum):
    """Why a campaign's or a chain's history goes on."""
    NONE = 0
    LOAD = 1
    LOADED = 2
    LOAD_FAILED = 3
    DIALING_STARTED = 4
    DIALING_STOPPED = 5
    UNLOAD = 6
    UNLOAD_IN_PROGRESS = 7
    FORCED_UNLOAD = 8
    UNLOADED = 9
    PARAMETERS_CHANGED = 10
    CHAIN_LOADED = 20
    CHAIN_SCHEDULED = 21
    CHAIN_PROCESSING = 22
    CHAIN_PROCESSED = 23
    CHAIN_UNLOADED = 24
    RECORD_CHANGED = 25
    ATTEMPT_OPENED = 26
    ATTEMPT_CLOSED = 27
    SERVER_RESTARTED = 40       # written by ICON: the OCS was started again without having said how it ended
    NOT_COMMITTED = 41          # of an attempt: the server died before the calling lists' database had it; it was not dialed


class CampaignState(IntEnum):
    """State of a campaign session (public: dictionary 71)."""
    TERMINATED = 0
    LOADED = 1
    STARTED = 2
    UNLOADING = 3


class ChainState(IntEnum):
    """State of a chain (public: dictionary 76)."""
    UNLOADED = 0
    SCHEDULED = 1
    PROCESSING = 2
    PROCESSED = 3


class MetricType(IntEnum):
    """Figures in GO_Metrics; durations are milliseconds."""
    RECORD_SCHEDULED = 1        # value: the time at which it is due, epoch seconds
    CALLBACK_SCHEDULED = 2
    CALLBACK_COMPLETED = 3
    CALLBACK_MISSED = 4
    AGENT_ERROR = 5
    DIAL_DURATION = 10          # from dialing to the answer, or to the end where nobody answered
    CALL_DURATION = 11          # from the answer to the end


class WrongReport(ValueError):
    """A report that cannot be understood; the text names the attribute."""


@dataclass(frozen=True)
class ReportFormat:
    """The attributes of one type of report that it cannot do without; those of `ATTRIBUTES` may be there in any."""

    needed: tuple[str, ...] = ()


_SESSION = ("SessID", "CmpID", "GrpID")
_CHAIN = (*_SESSION, "LstID", "ChID", "ChainGUID")
_RECORD = (*_CHAIN, "RecordHandle")

REPORTS: dict[GOMessageType, ReportFormat] = {
    GOMessageType.SOURCE: ReportFormat(),
    GOMessageType.CAMPAIGN: ReportFormat((*_SESSION, "State", "PrevState", "Cause", "Seq")),
    GOMessageType.CAMPAIGN_PROPERTIES: ReportFormat((*_SESSION, "DialMode", "PrevDialMode", "Seq")),
    GOMessageType.CHAIN: ReportFormat((*_RECORD, "State", "PrevState", "Cause", "Seq")),
    GOMessageType.RECORD: ReportFormat((*_RECORD, "RecID", "State", "Cause", "Seq")),
    GOMessageType.ATTEMPT: ReportFormat((*_RECORD, "RecID", "CallAttID", "AttemptState", "Cause", "State", "Seq")),
    GOMessageType.CHAIN_CALL: ReportFormat((*_RECORD, "CallID", "CallAttID")),
    GOMessageType.FIELDS: ReportFormat((*_RECORD, "Fields", "ChainHistSeq")),
    GOMessageType.SECURE_FIELDS: ReportFormat((*_RECORD, "Fields", "ChainHistSeq")),
    GOMessageType.METRIC: ReportFormat((*_SESSION, "MetricType", "Value")),
}

_TIMES = ("Time", "PrevSEnter", "PrevDMEnter", "PrevOMEnter", "CallTime", "DialSchedTime", "Opened", "Dialed", "Answered",
          "Ended", "PrevEnter", "Since", "Until")
# attribute -> type of its value; a report may have attributes beyond these, which are ignored
ATTRIBUTES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("AgentDN", "AgentID", "AttemptState", "CallAttID", "CallID", "ChainGUID", "CmpName", "ConnID", "ContactInfo", "GrpName",
         "SessID", "Treatment", "Treatments", "TZName"), str),
    **dict.fromkeys(
        ("Attempt", "CallResult", "CallState", "CampGroupID", "Cause", "ChID", "ChN", "ChainHistSeq", "CmpID",
         "ContactType", "Count", "DailyFrom", "DailyTill", "DialMode", "EvtCode", "GOMessageType", "GrpID", "LstID", "MetricType",
         "OCSID", "OptimMode", "PrevDialMode", "PrevOptimMode", "PrevState", "RecID", "RecordHandle", "RecordStatus",
         "RecordType", "Seq", "Sequence", "State", "SwID", "TZ", "TenantID"), int),
    **dict.fromkeys(("OptimValue", "PrevOptimValue", "Value", *_TIMES), (int, float)),
    "Fields": list,
}
_PLAIN = {name: kind for name, kind in ATTRIBUTES.items() if kind in (str, int)}     # need no closer look
_ALWAYS = ("Sequence", "GOMessageType", "EvtCode", "Time")
_LATEST = 253_402_300_799       # the end of the year 9999
_INTEGERS = range(-2 ** 63, 2 ** 63)


@dataclass(frozen=True)
class Report:
    """One report: its place in its source's stream, its type, and when it happened (epoch seconds)."""

    sequence: int
    kind: GOMessageType
    code: EvtCode
    at: float
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or `default`."""
        value = self.attributes.get(name)
        return default if value is None else value


def report_from_wire(wire: object) -> Report:
    """A report from its map of attributes; WrongReport names the first attribute that is missing or cannot be."""
    if not isinstance(wire, dict):
        raise WrongReport("a report is a map")
    for name in _ALWAYS:
        if name not in wire:
            raise WrongReport(f"{name}: missing")
    for name, value in wire.items():
        wanted = _PLAIN.get(name)
        if wanted is None or type(value) is not wanted or wanted is int and value not in _INTEGERS:
            _check(str(name), value)
    try:
        kind, code = GOMessageType(wire["GOMessageType"]), EvtCode(wire["EvtCode"])
    except ValueError as error:
        raise WrongReport(f"GOMessageType, EvtCode: {error}") from None
    for name in REPORTS[kind].needed:
        if wire.get(name) is None:
            raise WrongReport(f"{name}: missing")
    return Report(wire["Sequence"], kind, code, float(wire["Time"]), wire)


def _check(name: str, value: object) -> None:
    wanted = ATTRIBUTES.get(name)
    if value is None or wanted is None:
        return
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise WrongReport(f"{name}: {type(value).__name__} is not what it should be")
    if isinstance(value, int) and value not in _INTEGERS:
        raise WrongReport(f"{name}: not an integer of 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongReport(f"{name}: not a number")
    if name in _TIMES and isinstance(value, (int, float)) and not 0 <= value <= _LATEST:
        raise WrongReport(f"{name}: no time")
    if name == "Fields":
        _check_fields(value)


def _check_fields(value: Any) -> None:
    """`[FieldID, name, old, new, since]` each: values are text or nil; since when the old one stood, epoch seconds or nil."""
    for each in value:
        good = (isinstance(each, list) and len(each) == 5 and type(each[0]) is int and each[0] in _INTEGERS
                and isinstance(each[1], str) and all(one is None or isinstance(one, str) for one in each[2:4])
                and (each[4] is None or type(each[4]) in (int, float) and 0 <= each[4] <= _LATEST))
        if not good:
            raise WrongReport("Fields: a field is [int, str, str or nil, str or nil, time or nil]")


# request -> attributes that it cannot do without
VOCABULARY = Vocabulary("ICON", {
    "RequestOpenReporting": ("Source", "OCSID", "NextSequence"),
    "RequestGOReportingData": ("Source", "Events"),
}, {"Source": str, "OCSID": int, "NextSequence": int, "Events": list})
