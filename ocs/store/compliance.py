"""What calling rules ask of the attempts, and the periods in which rules were in force.

There are no counters: what counts is what stands in the attempts, which are committed before each dial and with each result. So
a crash between a result and its count cannot happen, nothing is counted twice, and all servers on a database add up.
"""
from __future__ import annotations

from collections import Counter
from typing import Any, Iterator, Sequence

from sqlalchemy import BigInteger, String, and_, bindparam, case, cast, func, literal, or_, select
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.expression import ClauseElement, ColumnElement

from ocs.database.statements import Sql, Transaction, insert_or_update, one_of
from ocs.dialing.compliance.attempts import PastAttempt, PastWanted
from ocs.dialing.compliance.calls import AnsweredCalls, CallFacts, CallsWanted, category
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.rules import Category, CountedFrom
from ocs.dialing.results import CallResult
from ocs.dialing.values import AttemptState
from ocs.store import schema

__all__ = ["answered_calls", "campaigns_with_attempts", "dialed_by_quarter", "past_attempts", "rule_periods_of",
           "write_rule_periods"]

_AT_ONCE = 500          # values of one statement
_SLICE_S = 86_400.0     # of answered calls
_a = schema.attempts.c
_unknown = _a.state == literal(AttemptState.UNKNOWN.value)
_settled = _a.state.in_([AttemptState.CLOSED.value, AttemptState.UNKNOWN.value])

_answered_of = and_(_a.campaign == bindparam("campaign"), _a.answered_at.is_not(None))
_ends = Sql(select(select(func.min(_a.answered_at)).where(_answered_of).scalar_subquery(),
                   select(func.max(_a.answered_at)).where(_answered_of).scalar_subquery()))
_past_columns = (_a.guid, _a.phone, _a.table_access, _a.chain_id, _a.opened_at, _a.answered_at, _a.cpd_completed_at,
                 _a.agent_connected_at, _a.ended_at, _a.call_result, _unknown)
_dialed = and_(_a.opened_at >= bindparam("since"), _a.state != literal(AttemptState.NOT_DIALED.value))
_by_phone = Sql(lambda dialect: select(*_past_columns).where(one_of(_a.phone, "phones", dialect, String), _dialed))
_by_record = Sql(lambda dialect: select(*_past_columns).where(
    _a.table_access == bindparam("table"), one_of(_a.record_id, "records", dialect), _dialed))
_write = insert_or_update(schema.rule_periods, "guid")
_p = schema.rule_periods.c
_periods = Sql(select(schema.rule_periods).where(
    _p.campaign == bindparam("campaign"), _p.began_at < bindparam("till"),
    func.coalesce(_p.ended_at, _p.seen_at) >= bindparam("since")).order_by(_p.began_at, _p.guid))
_campaigns = Sql(select(_a.campaign, func.min(_a.opened_at), func.max(_a.opened_at)).group_by(_a.campaign).order_by(_a.campaign))


def _whole(value: ColumnElement[Any], unit_s: int, dialect: Dialect) -> ColumnElement[Any]:
    """Epoch seconds // unit."""
    divided = value / literal(float(unit_s))
    return cast(func.floor(divided) if dialect.name == "postgresql" else divided, BigInteger)


def _answered(counted_from: CountedFrom) -> Sql:
    """Calls by minute and by what decides about their category; the times as `calls.category` compares them."""
    heard: ColumnElement[Any] = _a.answered_at
    if counted_from is CountedFrom.GREETING:
        heard = case((_a.cpd_completed_at > _a.answered_at, _a.cpd_completed_at), else_=_a.answered_at)
    in_time = case((_a.agent_connected_at.is_(None), None),
                   (and_(bindparam("within") > 0.0, _a.agent_connected_at - heard > bindparam("within")), 0), else_=1)
    short = case((_a.ended_at - heard < bindparam("within"), 1), else_=0)

    def build(dialect: Dialect) -> ClauseElement:
        columns = (_whole(_a.answered_at, 60, dialect), _a.call_result, _unknown, _a.cpd_completed_at.is_(None), in_time, short)
        inner = select(*(column.label(f"c{place}") for place, column in enumerate(columns))).where(
            _a.campaign == bindparam("campaign"), _a.answered_at.is_not(None), _a.answered_at >= bindparam("since"),
            _a.answered_at < bindparam("till"), _settled,
            or_(_a.answered_at < bindparam("own_since"), _a.session_guid.not_in(bindparam("without", expanding=True)))).subquery()
        return select(*inner.c, func.count()).group_by(*inner.c)

    return Sql(build)


_ANSWERED = {one: _answered(one) for one in CountedFrom}


def answered_calls(work: Transaction, wanted: CallsWanted) -> AnsweredCalls:
    """As `IStore.answered_calls`. A day at a time: no statement takes long, however far back it goes."""
    first, last = work.row(_ends, campaign=wanted.campaign) or (None, None)
    found: Counter[tuple[int, Category]] = Counter()
    if first is not None:
        since = max(wanted.since, first)
        while since <= last:
            _count(work, wanted, since, since + _SLICE_S, found)
            since += _SLICE_S
    return AnsweredCalls(first, tuple((*key, calls) for key, calls in sorted(found.items(), key=lambda one: one[0][0])))


def _count(work: Transaction, wanted: CallsWanted, since: float, till: float, found: Counter[tuple[int, Category]]) -> None:
    for minute, *facts, calls in work.rows(
            _ANSWERED[wanted.counted_from], campaign=wanted.campaign, since=since, till=till, within=wanted.within_s,
            without=list(wanted.without), own_since=wanted.without_since):
        kind = category(_facts(wanted.within_s, minute, *facts), wanted.within_s, wanted.counted_from)
        if kind is not None:
            found[int(minute), kind] += int(calls)


def _facts(within_s: float, minute: int, result: int | None, unknown: Any, by_agent: Any, in_time: int | None,
           short: int) -> CallFacts:
    """Facts that stand for all calls of a group."""
    at = 60.0 * minute
    connected_at = None if in_time is None else at if in_time else at + within_s + 1.0
    return CallFacts(at, None if by_agent else at, connected_at, at if short else at + within_s,
                     None if result is None else CallResult(result), bool(unknown))


def past_attempts(work: Transaction, wanted: PastWanted) -> list[PastAttempt]:
    """As `IStore.past_attempts`."""
    found: dict[str, PastAttempt] = {}
    for row in _past_rows(work, wanted):
        guid, phone, table, chain_id, opened_at, answered_at, found_at, connected_at, ended_at, result, unknown = row
        found[guid] = PastAttempt(guid, phone, table, chain_id, opened_at, CallFacts(
            answered_at, found_at, connected_at, ended_at, None if result is None else CallResult(result), bool(unknown)))
    return sorted(found.values(), key=lambda one: (one.opened_at, one.guid))


def _past_rows(work: Transaction, wanted: PastWanted) -> Iterator[tuple[Any, ...]]:
    for phones in _parts(wanted.phones):
        yield from work.rows(_by_phone, phones=list(phones), since=wanted.since)
    for table, ids in wanted.records.items():
        for records in _parts(ids):
            yield from work.rows(_by_record, table=table, records=list(records), since=wanted.since)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start:start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def write_rule_periods(work: Transaction, periods: Sequence[RulePeriod]) -> None:
    """Periods as they stand now, in place of what was written of them before."""
    work.run_many(_write, [{
        "guid": one.guid, "kind": one.kind.value, "campaign": one.campaign, "campaign_group": one.campaign_group,
        "app_dbid": one.app_dbid, "rule": one.rule, "version": one.version[:255], "source": one.source[:1_000],
        "reason": one.reason[:1_000], "began_at": one.began_at, "seen_at": one.seen_at, "ended_at": one.ended_at}
        for one in periods])


def rule_periods_of(work: Transaction, campaign: str, since: float, till: float) -> list[RulePeriod]:
    """Those that touch this time, oldest first."""
    rows = work.rows(_periods, campaign=campaign, since=since, till=till)
    return [RulePeriod(guid, PeriodOf(kind), *rest) for guid, kind, *rest in rows]


def campaigns_with_attempts(work: Transaction) -> dict[str, tuple[float, float]]:
    """The campaigns that have attempts, with the instants of the first and the last one."""
    return {name: (first, last) for name, first, last in work.rows(_campaigns)}


_by_quarter = Sql(lambda dialect: select(_whole(_a.opened_at, 900, dialect).label("quarter"), func.count()).where(
    _a.campaign == bindparam("campaign"), _a.opened_at >= bindparam("since"), _a.opened_at < bindparam("till"),
    _a.state != literal(AttemptState.NOT_DIALED.value)).group_by("quarter"))


def dialed_by_quarter(work: Transaction, campaign: str, since: float, till: float) -> dict[int, int]:
    """Quarter of an hour (epoch s // 900) -> attempts that were dialed or may have been. (Days of every zone are made of whole
    quarters.)"""
    return {int(quarter): int(count) for quarter, count in work.rows(_by_quarter, campaign=campaign, since=since, till=till)}
