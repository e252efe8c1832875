"""A batch of reports into the tables, in one transaction with the last sequence number of its source.

Exactly once: the source's row is locked, reports up to its last sequence number are passed over, the rest is written, the
number moves on; all or nothing. So a batch that comes again, because the answer to it was lost or this server was killed
after the commit, changes nothing. Rows of a batch are gathered by table and written together; the tables do not depend on
each other, so their order is kept where it matters: within a table.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence, cast

from sqlalchemy import Column, Dialect, String, Table, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement
from twisted.logger import Logger

from ocs.database.statements import Sql, Transaction, insert_ignoring
from ocs.errors import OCSError
from ocs.servers.icon import schema
from ocs.servers.icon.rows import rows_of
from ocs.servers.icon.sources import Source, claim_source, move_on, new_domain, note_audit
from ocs.servers.icon.times import time_code, time_code_row
from protocols.icon.messages import (
    CampaignState,
    Cause,
    ChainState,
    EvtCode,
    GOMessageType,
    Report,
    WrongReport,
    report_from_wire,
)

__all__ = ["BadBatch", "Writer", "Written"]

_INTEGERS = range(-2 ** 63, 2 ** 63)
_open_campaigns = Sql(select(
    schema.campaigns.c.SessID, schema.campaigns.c.CampaignID, schema.campaigns.c.GroupID, schema.campaigns.c.State,
    schema.campaigns.c.LastChanged_ts, schema.campaigns.c.DialMode,
    select(func.max(schema.campaign_history.c.Seq)).where(
        schema.campaign_history.c.SessID == schema.campaigns.c.SessID).scalar_subquery())
    .where(schema.campaigns.c.OCSID == bindparam("ocsid"), schema.open_campaign)
    .order_by(schema.campaigns.c.ID))
_open_chains = Sql(select(
    schema.chains.c.ChainGUID, schema.chains.c.CampaignID, schema.chains.c.GroupID, schema.chains.c.CallingListID,
    schema.chains.c.ChainID, schema.chains.c.RecordHandle, schema.chains.c.State, schema.chains.c.LastChanged_ts,
    schema.chains.c.LastChainUpdSeq, schema.chains.c.SessID)
    .join(schema.campaigns, schema.campaigns.c.SessID == schema.chains.c.SessID)
    .where(schema.campaigns.c.OCSID == bindparam("ocsid"), schema.open_chain).order_by(schema.chains.c.ID))
_add_time_code = insert_ignoring(schema.time_codes)


def _insertion(table: Table) -> Sql:
    return Sql(insert(table).values({column.name: bindparam(column.name) for column in _written(table)}))


def _change(table: Table) -> Sql:
    """Insert a row of current state, or write it over the one with its key."""
    def build(dialect: Dialect) -> ClauseElement:
        kind: Any = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        statement = kind(table).values({column.name: bindparam(column.name) for column in _written(table)})
        new, key, sticky = statement.excluded, schema.KEYS[table], schema.STICKY[table]
        changed: dict[str, Any] = {
            column.name: func.coalesce(new[column.name], column) if column.name in sticky else new[column.name]
            for column in _written(table) if column.name not in key and not column.name.startswith("GSYS_")}
        changed["GSYS_USEQ"] = new["GSYS_SEQ"]
        return cast(ClauseElement, statement.on_conflict_do_update(index_elements=[table.c[one] for one in key], set_=changed))
    return Sql(build)


def _written(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in ("ID", "GSYS_USEQ") and "_EXT_" not in column.name]


class BadBatch(OCSError):
    """A batch in which a report has no place in the source's stream; nothing of it is written."""


@dataclass
class Written:
    """What came of a batch: the source's last sequence number, and how many reports were written, passed over, refused."""

    last_sequence: int
    reports: int = 0
    repeated: int = 0
    refused: int = 0
    time_codes: set[int] = field(default_factory=set)

    def and_then(self, later: Written) -> Written:
        """What came of two batches, one after the other."""
        return Written(later.last_sequence, self.reports + later.reports, self.repeated + later.repeated,
                       self.refused + later.refused, self.time_codes | later.time_codes)


class Writer:
    """Writes reports. `sys_id` goes into GSYS_SYS_ID. Used by one thread at a time."""

    log = Logger()

    def __init__(self, sys_id: int = 1) -> None:
        self._sys_id = sys_id
        self._insertions = {table: _insertion(table) for table in schema.HISTORY}
        self._changes = {table: _change(table) for table in schema.CURRENT}
        self._shapes = {table: _Shape(table) for table in schema.TABLES}
        self.known_time_codes: set[int] = set()     # committed ones: they need not be asked for again

    def write(self, work: Transaction, name: str, events: Sequence[object], now: float) -> Written:
        """Write the reports of a batch that are new; `now` is epoch seconds. UnknownSource, BadBatch; the driver's errors."""
        source = claim_source(work, name)
        done, batch = Written(source.last_sequence), _Batch(source.domain, now)
        for sequence, event in [(_sequence(event), event) for event in events]:
            if self._is_next(work, source, done, batch, sequence):
                self._take(work, source, done, batch, event)
        self._flush(work, batch, done)
        if done.last_sequence > source.last_sequence:
            move_on(work, source.id, done.last_sequence)
        return done

    def give_up(self, work: Transaction, name: str, event: object, now: float, why: object) -> Written:
        """Pass over one report that the database refuses, and put that down."""
        source, sequence = claim_source(work, name), _sequence(event)
        done, batch = Written(source.last_sequence), _Batch(source.domain, now)
        if self._is_next(work, source, done, batch, sequence):
            self._refuse(work, source, done, batch, why)
            move_on(work, source.id, sequence)
        return done

    def _is_next(self, work: Transaction, source: Source, done: Written, batch: _Batch, sequence: int) -> bool:
        """Whether this report has not been written yet; a gap before it is put down."""
        if sequence <= done.last_sequence:
            done.repeated += 1
            return False
        if sequence > done.last_sequence + 1:
            note_audit(work, source.id, batch.now, "missing", done.last_sequence + 1, sequence - 1,
                       sequence - 1 - done.last_sequence, "they did not come")
        done.last_sequence = sequence
        return True

    def _take(self, work: Transaction, source: Source, done: Written, batch: _Batch, event: object) -> None:
        try:
            report = report_from_wire(event)
        except WrongReport as error:
            self._refuse(work, source, done, batch, error)
            return
        done.reports += 1
        if report.kind is GOMessageType.SOURCE:
            self._source(work, source, done, batch, report)
        else:
            self._gather(batch, report)

    def _refuse(self, work: Transaction, source: Source, done: Written, batch: _Batch, why: object) -> None:
        done.refused += 1
        note_audit(work, source.id, batch.now, "refused", done.last_sequence, done.last_sequence, 1, why)

    def _gather(self, batch: _Batch, report: Report) -> None:
        for table, values in rows_of(report):
            shape = self._shapes[table]
            row = {**shape.empty, **values}
            for name, longest in shape.texts:
                row[name] = _fit(row[name], longest)
            row.update(GSYS_DOMAIN=batch.domain, GSYS_PARTITION=0, GSYS_SYS_ID=self._sys_id, GSYS_SEQ=report.sequence,
                       GSYS_TS=int(batch.now), GSYS_TC=time_code(batch.now))
            batch.rows[table].append(row)
            batch.time_codes.update([row[name] for name in shape.time_codes])

    def _flush(self, work: Transaction, batch: _Batch, done: Written) -> None:
        for table, rows in batch.rows.items():
            work.run_many(self._insertions.get(table) or self._changes[table], rows)
        if batch.rows:
            batch.time_codes.add(time_code(batch.now))
        fresh = batch.time_codes - self.known_time_codes - done.time_codes - {None}
        work.run_many(_add_time_code, [time_code_row(code) for code in sorted(fresh)])
        done.time_codes |= fresh
        batch.rows.clear()

    # -- what the source says of itself ---------------------------------------------------------------------------
    def committed(self, outcome: Written) -> None:
        """The transaction of this outcome is over: the time codes that it added are there."""
        self.known_time_codes |= outcome.time_codes

    def _source(self, work: Transaction, source: Source, done: Written, batch: _Batch, report: Report) -> None:
        if report.code is EvtCode.LOST:
            since, until = report.get("Since", report.at), report.get("Until", report.at)
            note_audit(work, source.id, batch.now, "lost", report.sequence, report.sequence, report.get("Count", 0),
                       f"given up by the source for want of room, from {since:.3f} to {until:.3f}")
        elif report.code is EvtCode.STARTED:
            self._flush(work, batch, done)
            self._end_what_was_left(work, source, batch, report)
            self._flush(work, batch, done)
            batch.domain = new_domain(work, source.id)

    def _end_what_was_left(self, work: Transaction, source: Source, batch: _Batch, report: Report) -> None:
        """The server was started: whatever it had going on when it was last heard of has ended, unseen."""
        cause = {"Cause": int(Cause.SERVER_RESTARTED)}
        for chain, campaign, group, list_, number, handle, stage, entered, last, session in work.rows(
                _open_chains, ocsid=source.ocsid):
            self._gather(batch, Report(report.sequence, GOMessageType.CHAIN, EvtCode.REMOVED, report.at, {
                **cause, "SessID": session, "CmpID": campaign, "GrpID": group, "LstID": list_, "ChID": number,
                "ChainGUID": chain, "RecordHandle": handle, "State": int(ChainState.UNLOADED), "PrevState": stage,
                "PrevSEnter": entered, "Seq": (last or 0) + 1}))
        for session, campaign, group, state, since, mode, seq in work.rows(_open_campaigns, ocsid=source.ocsid):
            self._gather(batch, Report(report.sequence, GOMessageType.CAMPAIGN, EvtCode.REMOVED, report.at, {
                **cause, "SessID": session, "CmpID": campaign, "GrpID": group, "State": int(CampaignState.TERMINATED),
                "PrevState": state, "PrevSEnter": since, "DialMode": mode, "OCSID": source.ocsid, "Seq": (seq or 0) + 1}))


class _Batch:
    """Rows that are to be written, and the time codes that they need."""

    def __init__(self, domain: int, now: float) -> None:
        self.domain, self.now = domain, now
        self.rows: defaultdict[Table, list[Mapping[str, Any]]] = defaultdict(list)
        self.time_codes: set[Any] = set()


def _sequence(event: object) -> int:
    sequence = event.get("Sequence") if isinstance(event, dict) else None
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence not in _INTEGERS:
        raise BadBatch("Sequence: every report has one, an integer")
    return sequence


class _Shape:
    """What is to be known of a table to fill its rows: a row without values, its texts with their lengths, its time codes."""

    def __init__(self, table: Table) -> None:
        columns = _written(table)
        self.empty: dict[str, Any] = dict.fromkeys(column.name for column in columns)
        self.texts = [(column.name, int(column.type.length or 0)) for column in columns if isinstance(column.type, String)]
        self.time_codes = [column.name for column in columns if column.name.endswith("_tcode")]


def _fit(value: Any, longest: int) -> Any:
    """A text as its column takes it: cut to its length, without what no database takes."""
    if value is None or len(value) <= longest and value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")[:longest]
