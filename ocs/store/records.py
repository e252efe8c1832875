"""Rows of a calling list's table and `Record` values, and the statements on one list's table.

`ListTable` is made once for a list and kept: its statements are compiled once. Reading is a hot path (claims of
hundreds of chains), so a row is turned into a record by position, with enumerations looked up in dictionaries.
"""
from __future__ import annotations

from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    String,
    Update,
    bindparam,
    column,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.schema import Table

from ocs.database.statements import Sql, one_of, plain
from ocs.dialing.dial_hours import END_OF_DAY
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType
from ocs.dialing.values import CALLBACK_TYPES, AttemptState, ClaimRequest, CustomField, CustomValue, Record
from ocs.store.filters import NO_FILTER, DialingFilter
from ocs.store.rules import CLAIMABLE
from ocs.store.schema import attempts, calling_list_table, due, status_is, time_zones

__all__ = ["ClaimKind", "ListTable", "READ_COLUMNS", "claim_kind"]

READ_COLUMNS = ("record_id", "chain_id", "chain_n", "contact_info", "contact_info_type", "record_type", "record_status",
                "call_result", "attempt", "dial_sched_time", "call_time", "daily_from", "daily_till", "tz_dbid",
                "agent_id", "treatments")
_WRITTEN = READ_COLUMNS[3:]             # what a save may change besides custom fields
_TYPES = {int(member): member for member in RecordType}
_STATUSES = {int(member): member for member in RecordStatus}
_RESULTS = {int(member): member for member in CallResult}
_INFO_TYPES = {int(member): member for member in ContactInfoType}
_STATEMENTS_KEPT = 256                  # of claims: filters come and go while the server runs


class ClaimKind(NamedTuple):
    """What a claim asks for beside type, time and zone: each kind has statements of its own."""

    of_agents: bool = False
    without_agents: bool = False
    own_campaign: bool = False
    own_group: bool = False


def claim_kind(request: ClaimRequest, record_type: RecordType) -> tuple[ClaimKind, dict[str, Any]]:
    """The kind of a request for this type, and the parameters that its statements take."""
    callback, parameters = record_type in CALLBACK_TYPES, dict[str, Any]()
    kind = ClaimKind(request.agent_ids is not None, bool(request.without_agents), callback and request.own_campaign,
                     callback and request.own_group)
    if kind.of_agents:
        parameters["agents"] = list(request.agent_ids or ())
    if kind.without_agents:
        parameters["without"] = list(request.without_agents)
    if kind.own_campaign:
        parameters["campaign"] = request.owner.campaign_dbid
    if kind.own_group:
        parameters["group"] = request.owner.group_dbid
    return kind, parameters


class ListTable:
    """One calling list as the database has it: identity, custom fields, defaults, table and statements."""

    def __init__(self, name: str, list_dbid: int, table_name: str, fields: Sequence[CustomField], daily_from: int,
                 daily_till: int, tz_dbid: int, revision: int) -> None:
        self.name, self.list_dbid, self.fields, self.revision = name, list_dbid, tuple(fields), revision
        self.daily_from, self.daily_till, self.tz_dbid = daily_from, daily_till, tz_dbid
        self.table: Table = calling_list_table(table_name, fields)
        self._field_names = tuple(field.name for field in fields)
        self._padded = tuple(field.name for field in fields if field.type == "char")    # to their length, by PostgreSQL
        self._insert_fields: dict[tuple[str, ...], Sql] = {}
        self._updates: dict[tuple[str, ...], Sql] = {}
        columns = self.table.c
        read = select(*(columns[name] for name in READ_COLUMNS + self._field_names))
        claimable = columns.record_status.in_([int(status) for status in CLAIMABLE])
        self.take = Sql(lambda dialect: update(self.table).where(one_of(columns.chain_id, "ids", dialect), claimable).values(
            record_status=int(RecordStatus.RETRIEVED), app_id=bindparam("app"), campaign_id=bindparam("campaign"),
            group_id=bindparam("group")))
        self.chains = Sql(lambda dialect: read.where(one_of(columns.chain_id, "ids", dialect))
                          .order_by(columns.chain_id, columns.chain_n))
        self.lock_members = Sql(lambda dialect: read.where(one_of(columns.chain_id, "ids", dialect))
                                .order_by(columns.chain_id, columns.chain_n).with_for_update())
        earlier = self.table.alias("earlier")
        asked = func.unnest(bindparam("ids", type_=ARRAY(BigInteger))).table_valued(
            column("chain_id", BigInteger), with_ordinality="place").render_derived("asked")
        # in the order of `ids`, up to `count` of them; a chain whose first record is held is somebody's
        self.lock_heads = Sql(select(columns.chain_id).join(asked, asked.c.chain_id == columns.chain_id).where(
            columns.record_status != literal_column(str(int(RecordStatus.RETRIEVED))),
            ~exists().where(earlier.c.chain_id == columns.chain_id, earlier.c.chain_n < columns.chain_n))
            .order_by(asked.c.place).limit(bindparam("count")).with_for_update(of=self.table, skip_locked=True))
        self.lock_owned = Sql(lambda dialect: select(
            columns.record_id, columns.record_status, columns.app_id, columns.campaign_id, columns.group_id)
            .where(one_of(columns.record_id, "ids", dialect)).order_by(columns.record_id).with_for_update())
        self._candidates: dict[tuple[ClaimKind, DialingFilter], Sql] = {}
        self._merged: dict[tuple[int, ClaimKind, DialingFilter], Sql] = {}
        self.page = Sql(read.order_by(columns.chain_id, columns.chain_n)
                        .limit(bindparam("count")).offset(bindparam("skip")))
        place = tuple_(columns.chain_id, columns.chain_n)
        self.after = Sql(read.where(place > tuple_(bindparam("chain", type_=BigInteger), bindparam("n", type_=BigInteger)))
                         .order_by(columns.chain_id, columns.chain_n).limit(bindparam("count")))
        self.held = Sql(select(columns.chain_id).distinct().where(
            status_is(self.table, RecordStatus.RETRIEVED), columns.app_id == bindparam("app"),
            columns.group_id == bindparam("group"), columns.campaign_id == bindparam("campaign"))
            .order_by(columns.chain_id))
        self.close_unseen = Sql(self._close_unseen())
        self.status_counts = Sql(select(columns.record_status, func.count()).group_by(columns.record_status))
        self.result_counts = Sql(select(columns.record_status, columns.call_result, func.count())
                                 .group_by(columns.record_status, columns.call_result))
        self.zones = Sql(select(time_zones.c.tz_dbid, time_zones.c.iana_name)
                         .where(exists().where(columns.tz_dbid == time_zones.c.tz_dbid)))
        self.highest_ids = Sql(select(func.max(columns.record_id), func.max(columns.chain_id)))
        self.count = Sql(select(func.count()).select_from(self.table))

    def _open_records(self, kind: ClaimKind, dialect: Dialect, zone: str = "zone", local: str = "local") -> Select[Any]:
        """(due, chain_id) of Ready records that may be dialed now, of one type in one zone."""
        columns = self.table.c
        query = select(due(self.table).label("due"), columns.chain_id).where(
            columns.tz_dbid == bindparam(zone), status_is(self.table, RecordStatus.READY),
            columns.record_type == bindparam("type"), due(self.table) <= bindparam("now"),
            columns.daily_from <= bindparam(local), columns.daily_from < columns.daily_till,
            or_(columns.daily_till > bindparam(local), columns.daily_till >= END_OF_DAY))
        if kind.of_agents:
            query = query.where(one_of(columns.agent_id, "agents", dialect, String))
        if kind.without_agents:
            query = query.where(or_(columns.agent_id.is_(None), ~one_of(columns.agent_id, "without", dialect, String)))
        if kind.own_campaign:
            query = query.where(or_(columns.campaign_id.is_(None), columns.campaign_id == bindparam("campaign")))
        if kind.own_group:
            query = query.where(or_(columns.group_id.is_(None), columns.group_id == bindparam("group")))
        return query

    def candidates(self, kind: ClaimKind, chosen: DialingFilter = NO_FILTER) -> Sql:
        """(keys of the filter's order ..., due, chain_id) of records by which chains may be claimed, of one type in one zone,
        in the order of a claim. Chains of which someone holds a record are left out: to take the rest would split them."""
        if (kind, chosen) not in self._candidates:
            _make_room(self._candidates)
            self._candidates[kind, chosen] = Sql(lambda dialect: self._unheld(kind, chosen, dialect))
        return self._candidates[kind, chosen]

    def _unheld(self, kind: ClaimKind, chosen: DialingFilter, dialect: Dialect) -> Select[Any]:
        columns, sibling = self.table.c, self.table.alias("sibling")
        held = exists().where(sibling.c.chain_id == columns.chain_id,
                              sibling.c.record_status == literal_column(str(int(RecordStatus.RETRIEVED))))
        query = _filtered(self._open_records(kind, dialect), self.table, chosen, chosen.expression(self.table))
        return query.where(~held).order_by(*chosen.ordering(self.table), due(self.table), columns.chain_id).limit(
            bindparam("count"))

    def _close_unseen(self) -> Update:
        """Attempts without an outcome on records that this owner had and that are settled: the server died before the end
        of the call was seen. What they have of a result stays."""
        columns = self.table.c
        settled = exists().where(
            columns.record_id == attempts.c.record_id,
            columns.record_status != literal_column(str(int(RecordStatus.RETRIEVED))), columns.app_id == bindparam("app"),
            columns.group_id == bindparam("group"), columns.campaign_id == bindparam("campaign"))
        return update(attempts).values(state=AttemptState.UNKNOWN.value).where(
            attempts.c.table_access == bindparam("table"),
            attempts.c.state == literal_column(f"'{AttemptState.OPEN.value}'"), settled)

    def merged_candidates(self, zones: int, kind: ClaimKind, chosen: DialingFilter = NO_FILTER) -> Sql:
        """(due, chain_id) of Ready records that may be dialed now, of one type in this many zones (parameters `zone_0`,
        `local_0` ...), the first `count` in the order of a claim. Whether a chain is held is seen when it is locked.

        Where the filter has no order the database merges the index's ranges and stops at `count`, and goes on from behind
        (`after_due`, `after_chain`); where it has one there is no index to walk, unless one was made for it."""
        if (zones, kind, chosen) not in self._merged:
            _make_room(self._merged)
            self._merged[zones, kind, chosen] = Sql(lambda dialect: self._merge(zones, kind, chosen, dialect))
        return self._merged[zones, kind, chosen]

    def _merge(self, zones: int, kind: ClaimKind, chosen: DialingFilter, dialect: Dialect) -> Select[Any]:
        behind = tuple_(due(self.table), self.table.c.chain_id) > tuple_(
            bindparam("after_due", type_=BigInteger), bindparam("after_chain", type_=BigInteger))
        count, chain_id = bindparam("count", type_=BigInteger), self.table.c.chain_id
        criteria, order = chosen.expression(self.table), chosen.ordering(self.table)    # once: the parts share their literals
        parts = []
        for number in range(zones):
            part = _filtered(self._open_records(kind, dialect, f"zone_{number}", f"local_{number}"), self.table, chosen, criteria)
            # ordered and limited by themselves, or PostgreSQL would sort all ready records of the list instead of merging
            part = (part if order else part.where(behind)).order_by(*order, due(self.table), chain_id).limit(count)
            parts.append(part.subquery(f"part_{number}").select())
        merged = (union_all(*parts) if zones > 1 else parts[0]).subquery("ready")
        keys = [key.falling_or_rising(merged.c[_key(number)]) for number, key in enumerate(chosen.keys)]
        return select(merged.c.due, merged.c.chain_id).order_by(*keys, merged.c.due, merged.c.chain_id).limit(count)

    def insertion(self, names: tuple[str, ...]) -> Sql:
        """Insert a row that gives exactly these columns."""
        if names not in self._insert_fields:
            self._insert_fields[names] = Sql(insert(self.table).values({name: bindparam(name) for name in names}))
        return self._insert_fields[names]

    def update_of(self, record: Record) -> tuple[Sql, dict[str, Any]]:
        """The statement that writes a record's mutable columns, and its parameters. Custom fields are written where the
        record has them; keys that are no fields of the list are left out."""
        names = tuple(name for name in self._field_names if name in record.fields)
        if names not in self._updates:
            values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in _WRITTEN + names}
            self._updates[names] = Sql(update(self.table).values(values)
                                       .where(self.table.c.record_id == bindparam("k_record_id")))
        parameters: dict[str, Any] = {f"v_{name}": record.fields[name] for name in names}
        parameters.update(
            k_record_id=record.record_id, v_contact_info=record.contact_info,
            v_contact_info_type=int(record.contact_info_type), v_record_type=int(record.record_type),
            v_record_status=int(record.record_status), v_call_result=int(record.call_result), v_attempt=record.attempt,
            v_dial_sched_time=record.dial_sched_time, v_call_time=record.call_time, v_daily_from=record.daily_from,
            v_daily_till=record.daily_till, v_tz_dbid=record.tz_dbid, v_agent_id=record.agent_id,
            v_treatments=record.treatments)
        return self._updates[names], parameters

    def records(self, rows: Iterable[tuple[Any, ...]], zones: Mapping[int, str]) -> list[Record]:
        """Records from rows of `chains`, `page` or `after`; `zones` gives the IANA name of every tz_dbid in them.
        A number that no enumeration knows (a row edited by hand) reads as the enumeration's "none"."""
        first_field = len(READ_COLUMNS)
        return [Record(
            row[0], row[1], row[2], row[3], _INFO_TYPES.get(row[4], ContactInfoType.NO_CONTACT_TYPE),
            _TYPES.get(row[5], RecordType.NO_RECORD_TYPE), _STATUSES.get(row[6], RecordStatus.NO_RECORD_STATUS),
            _RESULTS.get(row[7], CallResult.UNKNOWN), row[8], row[9], row[10], row[11], row[12], row[13],
            zones[row[13]], row[14], row[15], self._fields(row[first_field:]),
        ) for row in rows]

    def _fields(self, values: tuple[Any, ...]) -> Mapping[str, CustomValue]:
        made = {name: plain(value) for name, value in zip(self._field_names, values)}
        for name in self._padded:
            made[name] = made[name] if made[name] is None else str(made[name]).rstrip(" ")
        return made


def _filtered(query: Select[Any], table: Table, chosen: DialingFilter, criteria: ColumnElement[bool]) -> Select[Any]:
    """The query with the filter's criteria, and with the keys of its order before its own columns."""
    if chosen.condition is not None:
        query = query.where(criteria)
    keys = [key.value_sql(table.c).label(_key(number)) for number, key in enumerate(chosen.keys)]
    return query.with_only_columns(*keys, *query.selected_columns) if keys else query


def _key(number: int) -> str:
    return f"key_{number}"


def _make_room(statements: dict[Any, Sql]) -> None:
    if len(statements) >= _STATEMENTS_KEPT:
        statements.clear()
