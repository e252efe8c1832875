"""How far a run is: a few counts of the database, cheap enough to be taken every second beside the server that writes."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Mapping

from sqlalchemy import bindparam, func, literal_column, select

from ocs.app.demo.planned import LOOKED_FOR
from ocs.database.backend import Backend, transaction
from ocs.database.statements import Sql
from ocs.dialing.dial_hours import next_opening
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import AttemptState, Record
from ocs.store import schema
from ocs.store.records import ListTable
from ocs.store.registry import Catalog
from ocs.store.schema import due, status_is

__all__ = ["Snapshot", "Watcher", "finished"]

_attempts = schema.attempts.c
_by_result = Sql(select(_attempts.call_result, func.count()).where(
    _attempts.table_access == bindparam("table"),
    _attempts.state.in_([AttemptState.CLOSED.value, AttemptState.UNKNOWN.value])).group_by(_attempts.call_result))
_open = Sql(select(func.count()).select_from(schema.attempts).where(
    _attempts.table_access == bindparam("table"),
    _attempts.state == literal_column(f"'{AttemptState.OPEN.value}'")))


@dataclass(frozen=True)
class Snapshot:
    """One moment. `wall` is the laboratory's time (epoch s), `next_due` the earliest time at which a record may be
    dialed, by the server or by the agent it is meant for; None if there is no such record."""

    wall: float
    records: int
    final: int
    retrieved: int
    in_progress: int
    calls: int
    results: Mapping[str, int]
    next_due: float | None
    agents: Mapping[str, int] = field(default_factory=dict)

    def signature(self) -> tuple[int, ...]:
        """Changes whenever anything happens to a record or a call."""
        return self.final, self.retrieved, self.in_progress, self.calls


def finished(snapshot: Snapshot, horizon_s: float) -> bool:
    """True if nothing is held or being dialed, and nothing can be dialed within `horizon_s` of the laboratory's time."""
    idle = snapshot.retrieved == 0 and snapshot.in_progress == 0
    return idle and (snapshot.next_due is None or snapshot.next_due > snapshot.wall + horizon_s)


class Watcher:
    """Takes snapshots of one list. `take` blocks: call it off the reactor's thread, one at a time."""

    def __init__(self, backend: Backend, calling_list: str) -> None:
        self._backend, self._calling_list, self._catalog = backend, calling_list, Catalog()
        self._next: tuple[ListTable, Sql] | None = None

    def take(self, wall: float, agents: Mapping[str, int]) -> Snapshot:
        """The list as it is at `wall`. Raises StoreUnavailable and UnknownCallingList."""
        with transaction(self._backend, write=False) as work:
            table = self._catalog.calling_list(work, self._calling_list)
            zones = self._catalog.zones(work)
            statuses = {RecordStatus(status): count for status, count in work.rows(table.status_counts)}
            results: Counter[str] = Counter()
            for result, count in work.rows(_by_result, table=self._calling_list):
                results[CallResult(result).label if result is not None else CallResult.UNKNOWN.label] += count
            (in_progress,), = work.rows(_open, table=self._calling_list)
            groups = work.rows(self._due_groups(table))
        return Snapshot(
            wall=wall, records=sum(statuses.values()),
            final=sum(count for status, count in statuses.items() if status.final),
            retrieved=statuses.get(RecordStatus.RETRIEVED, 0), in_progress=in_progress, calls=sum(results.values()),
            results=results, next_due=_earliest(groups, zones, wall), agents=agents)

    def _due_groups(self, table: ListTable) -> Sql:
        """Ready records by zone and window: the earliest time at which one of them is due."""
        if self._next is None or self._next[0] is not table:
            columns = table.table.c
            self._next = table, Sql(
                select(columns.tz_dbid, columns.daily_from, columns.daily_till, func.min(due(table.table)))
                .where(status_is(table.table, RecordStatus.READY),
                       columns.record_type.in_([int(one) for one in LOOKED_FOR]))
                .group_by(columns.tz_dbid, columns.daily_from, columns.daily_till))
        return self._next[1]


def _earliest(groups: list[tuple[Any, ...]], zones: Mapping[int, str], wall: float) -> float | None:
    openings = []
    for tz_dbid, daily_from, daily_till, due_at in groups:
        window = Record(0, 0, 0, "", daily_from=daily_from, daily_till=daily_till, tz_name=zones.get(tz_dbid, ""))
        opening = next_opening([window], max(wall, due_at or 0))
        if opening is not None:
            openings.append(float(opening[0]))
    return min(openings, default=None)
