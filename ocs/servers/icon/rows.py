"""From a report to the rows that it makes. Pure: one function for each type of report.

A row is (table, values). Rows of history are inserted; rows of current state are inserted or, where their key is there,
changed. Every report names all that it belongs to, so it can be written even where an earlier one was lost.
"""
from __future__ import annotations

from typing import Any, Callable, Iterator

from sqlalchemy import Table

from ocs.servers.icon import schema
from ocs.servers.icon.times import times
from protocols.icon.messages import Cause, ChainState, EvtCode, GOMessageType, Report

__all__ = ["Row", "rows_of"]

Row = tuple[Table, dict[str, Any]]

# what happened to a campaign session -> the time of its that this is
_CAMPAIGN_TIMES = {Cause.LOAD: "Created", Cause.LOADED: "Loaded", Cause.DIALING_STARTED: "Started",
                   Cause.DIALING_STOPPED: "Stopped", Cause.UNLOADED: "Unloaded", Cause.LOAD_FAILED: "Unloaded",
                   Cause.SERVER_RESTARTED: "Unloaded"}


def rows_of(report: Report) -> Iterator[Row]:
    """The rows of one report; none for a report of a source, which is not about an object."""
    make = _MAKERS.get(report.kind)
    if make is not None:
        yield from make(report)


def _named(report: Report, **columns: str) -> dict[str, Any]:
    """Columns from attributes of another name."""
    return {column: report.get(attribute) for column, attribute in columns.items()}


def _same(report: Report, *names: str) -> dict[str, Any]:
    return {name: report.get(name) for name in names}


def _campaign(report: Report) -> Iterator[Row]:
    state, cause = report.get("State"), report.get("Cause")
    current = {**_campaign_row(report), "State": state}
    own_time = _CAMPAIGN_TIMES.get(cause)
    if own_time is not None:
        current.update(times(own_time, report.at))
    yield schema.campaigns, current
    if cause != Cause.LOAD:         # so far there is no session that could have a history
        yield schema.campaign_history, {
            **_same(report, "SessID", "State", "PrevState", "Cause", "DialMode", "Seq"),
            **times("PrevSEnter", report.get("PrevSEnter")), **times("Added", report.at)}


def _campaign_row(report: Report) -> dict[str, Any]:
    return {**_same(report, "SessID", "OCSID", "DialMode", "OptimMode", "OptimValue", "TenantID", "CampGroupID"),
            **_named(report, CampaignID="CmpID", GroupID="GrpID", CampaignName="CmpName", GroupName="GrpName"),
            **times("LastChanged", report.at)}


def _campaign_properties(report: Report) -> Iterator[Row]:
    yield schema.campaigns, _campaign_row(report)
    yield schema.campaign_properties, {
        **_same(report, "SessID", "Seq", "DialMode", "PrevDialMode", "OptimMode", "OptimValue", "PrevOptimMode",
                "PrevOptimValue"),
        **times("PrevDMEnter", report.get("PrevDMEnter")), **times("PrevOMEnter", report.get("PrevOMEnter")),
        **times("Added", report.at)}


def _chain_row(report: Report) -> dict[str, Any]:
    return {**_same(report, "ChainGUID", "SessID", "State", "RecordHandle"), **_named(
        report, CampaignID="CmpID", GroupID="GrpID", CallingListID="LstID", ChainID="ChID", LastChainUpdSeq="Seq")}


def _chain_history(report: Report, **values: Any) -> Row:
    return schema.chain_history, {
        **_same(report, "ChainGUID", "RecordHandle", "State", "Seq", "CallAttID", "Cause"),
        "PrevState": report.get("PrevState", report.get("State")), **times("PrevSEnter", report.get("PrevSEnter")),
        **times("Added", report.at), **values}


def _chain(report: Report) -> Iterator[Row]:
    ended = report.get("State") == ChainState.UNLOADED
    yield schema.chains, {**_chain_row(report), **times("LastChanged", report.at),
                          **times("Terminated", report.at if ended else None),
                          **times("Loaded", report.at if report.code is EvtCode.ADDED else None)}
    yield _chain_history(report, **_named(report, RecordID="RecID"))


def _record_columns(report: Report) -> dict[str, Any]:
    return {**_same(report, "ContactInfo", "ContactType", "CallResult", "RecordType", "RecordStatus", "Attempt", "TZ",
                    "AgentID"), **_named(report, RecordID="RecID")}


def _record(report: Report) -> Iterator[Row]:
    added = report.code is EvtCode.ADDED
    columns = _record_columns(report)
    yield schema.records, {
        **columns, **_same(report, "ChainGUID", "RecordHandle", "DailyFrom", "DailyTill", "TZName", "Treatments"),
        **_named(report, ChainN="ChN", LastChainUpdSeq="Seq"), **times("CallTime", report.get("CallTime")),
        **times("SchedTime", report.get("DialSchedTime")), **times("LastChanged", report.at),
        **times("Loaded", report.at if added else None)}
    if not added:
        yield _chain_history(report, **columns, **times("DialSchedTime", report.get("DialSchedTime")))


def _attempt(report: Report) -> Iterator[Row]:
    yield _chain_history(
        report, **_record_columns(report), **_same(report, "Treatment", "AgentDN", "AttemptState", "ConnID", "CallState"),
        **times("DialSchedTime", report.get("DialSchedTime")),
        **{column: value for name in ("Opened", "Dialed", "Answered", "Ended")
           for column, value in times(name, report.get(name)).items()})


def _chain_call(report: Report) -> Iterator[Row]:
    yield schema.chain_calls, {**_same(report, "CallID", "ChainGUID", "CallAttID", "RecordHandle", "ConnID"),
                               **times("Added", report.at)}


def _fields(current: Table, history: Table) -> Callable[[Report], Iterator[Row]]:
    def rows(report: Report) -> Iterator[Row]:
        added, first = report.code is EvtCode.ADDED, report.get("Seq", 1)
        record = _same(report, "ChainGUID", "RecordHandle")
        for place, (number, name, old, new, since) in enumerate(report.get("Fields", ())):
            field = {**record, "FieldID": number, "FieldName": name}
            yield current, {**field, "Value": new, "LastChainUpdSeq": report.get("ChainHistSeq"),
                            **times("LastChanged", report.at), **times("Loaded", report.at if added else None)}
            yield history, {**field, "OldValue": old, "NewValue": new, "Seq": first + place,
                            **_same(report, "ChainHistSeq", "CallAttID"), **times("PrevEnter", since),
                            **times("Added", report.at)}
    return rows


def _metric(report: Report) -> Iterator[Row]:
    yield schema.metrics, {**_same(report, "SessID", "ChainGUID", "RecordHandle", "CallAttID", "MetricType"),
                           "Value": int(report.get("Value", 0)), **times("Added", report.at)}


_MAKERS: dict[GOMessageType, Callable[[Report], Iterator[Row]]] = {
    GOMessageType.CAMPAIGN: _campaign, GOMessageType.CAMPAIGN_PROPERTIES: _campaign_properties, GOMessageType.CHAIN: _chain,
    GOMessageType.RECORD: _record, GOMessageType.ATTEMPT: _attempt, GOMessageType.CHAIN_CALL: _chain_call,
    GOMessageType.FIELDS: _fields(schema.fields, schema.field_history),
    GOMessageType.SECURE_FIELDS: _fields(schema.secure_fields, schema.secure_field_history), GOMessageType.METRIC: _metric}
