"""Taking chains where several servers work on one list at once: PostgreSQL, row locks.

A round of a claim, for one type:
1. Read the head of the claim index in all open zones, merged by (due time, chain_id), without locks.
2. Lock the first record (head row) of as many chains as are needed, skipping chains whose head row another transaction has:
   whoever takes a chain begins with that row, so of two servers that found the same chain by different records one gets it
   whole.
3. Lock and read all records of these chains as they are now. Between 1 and 2 another server may have taken a chain and
   committed, or somebody may have changed it: a chain that does not qualify any more, or of which somebody holds a record,
   is left.
4. Mark the open records of the rest as Retrieved.
The next round goes on behind the last chain that was tried, because the skipped ones are still there, and tries more at once:
the others stand where this one looks.

Where the request's filter has an order, there is no "behind": the next round reads more, and passes over what it has seen.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Container, Iterator, Sequence

from ocs.database.statements import Sql, Transaction
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Chain, ClaimRequest, Record
from ocs.errors import StoreUnavailable
from ocs.store.filters import filter_of
from ocs.store.records import ListTable, claim_kind
from ocs.store.registry import Catalog
from ocs.store.rules import CLAIMABLE, may_be_claimed

__all__ = ["claim_shared"]

_BEFORE_ALL = (-1, -2**63)
_MOST_AT_ONCE = 2_000       # chains that are tried in one statement
_LONGEST_PAGE = 4_000       # rows; the pages of a claim grow, because more than one is read only beside others
_ZONE = 13                  # where a row has its tz_dbid


def claim_shared(work: Transaction, catalog: Catalog, calling_list: ListTable, request: ClaimRequest,
                 limit: int) -> list[Chain]:
    """Up to `limit` chains, taken for the request's owner, in the order of a claim."""
    taken: dict[int, Chain] = {}
    for record_type in request.types:
        candidates = _candidates(work, calling_list, request, record_type, limit - len(taken))
        waiting: dict[int, None] = {}           # candidates in order, none of them tried yet
        wanted = 0
        while len(taken) < limit:
            needed = limit - len(taken)
            wanted = min(max(needed, wanted), _MOST_AT_ONCE)
            _fill(waiting, candidates, wanted, taken)
            if not waiting:
                break
            locked = [chain_id for chain_id, in work.rows(calling_list.lock_heads, ids=list(waiting), count=needed)]
            if len(locked) == needed:
                waiting = _behind(waiting, locked[-1])
            else:
                waiting, wanted = {}, 2 * wanted        # what others have is passed in ever longer steps
            for chain in _take(work, catalog, calling_list, request, record_type, locked):
                taken[chain.chain_id] = chain
    return list(taken.values())


def _fill(waiting: dict[int, None], candidates: Iterator[int], count: int, taken: Container[int]) -> None:
    """Put candidates that are not taken behind those that wait, until so many do."""
    while len(waiting) < count:
        chain_id = next(candidates, None)
        if chain_id is None:
            return
        if chain_id not in taken:
            waiting[chain_id] = None


def _behind(waiting: dict[int, None], last: int) -> dict[int, None]:
    """Those behind one of them."""
    order = list(waiting)
    return dict.fromkeys(order[order.index(last) + 1:])


def _candidates(work: Transaction, calling_list: ListTable, request: ClaimRequest, record_type: RecordType,
                limit: int) -> Iterator[int]:
    """Chains that may be taken, in order, read in pages as they are asked for; a chain may come several times."""
    zones = list(request.local_times.items())
    if not zones:
        return
    count = limit + limit // 2 + 16             # a chain has often more than one Ready record
    kind, more = claim_kind(request, record_type)
    parameters: dict[str, Any] = {"type": int(record_type), "now": request.now, **more}
    for number, (zone, local_time) in enumerate(zones):
        parameters[f"zone_{number}"], parameters[f"local_{number}"] = zone, local_time
    chosen = filter_of(request)
    sql = calling_list.merged_candidates(len(zones), kind, chosen)
    if chosen.keys:
        yield from _growing_pages(work, sql, count, parameters)
    else:
        yield from _following_pages(work, sql, count, parameters)


def _following_pages(work: Transaction, sql: Sql, count: int, parameters: dict[str, Any]) -> Iterator[int]:
    last = _BEFORE_ALL
    while True:
        rows = work.rows(sql, after_due=last[0], after_chain=last[1], count=count, **parameters)
        for _, chain_id in rows:
            yield chain_id
        if len(rows) < count:
            return
        # rows of one chain may lie on both sides of the page's end; those that come again are known
        last, count = (rows[-1][0], rows[-1][1]), min(2 * count, _LONGEST_PAGE)


def _growing_pages(work: Transaction, sql: Sql, count: int, parameters: dict[str, Any]) -> Iterator[int]:
    seen: set[int] = set()
    while True:
        rows = work.rows(sql, count=count, **parameters)
        for _, chain_id in rows:
            if chain_id not in seen:
                seen.add(chain_id)
                yield chain_id
        if len(rows) < count:
            return
        count *= 2


def _take(work: Transaction, catalog: Catalog, calling_list: ListTable, request: ClaimRequest, record_type: RecordType,
          chain_ids: Sequence[int]) -> list[Chain]:
    chains = _members(work, catalog, calling_list, chain_ids)
    kept = [chains[chain_id] for chain_id in chain_ids if chain_id in chains
            and any(may_be_claimed(record, request, record_type) for record in chains[chain_id])
            and not any(record.record_status is RecordStatus.RETRIEVED for record in chains[chain_id])]
    if not kept:
        return []
    expected = sum(record.record_status in CLAIMABLE for records in kept for record in records)
    owner = request.owner
    done = work.run(calling_list.take, ids=[records[0].chain_id for records in kept], app=owner.app_dbid,
                    campaign=owner.campaign_dbid, group=owner.group_dbid)
    if done != expected:
        raise StoreUnavailable(f"calling list {calling_list.name!r}: {expected} records were locked, {done} changed")
    return [Chain(calling_list.name, records[0].chain_id, tuple([_retrieved(record) for record in records]))
            for records in kept]


def _retrieved(record: Record) -> Record:
    claimable = record.record_status in CLAIMABLE
    return replace(record, record_status=RecordStatus.RETRIEVED) if claimable else record


def _members(work: Transaction, catalog: Catalog, calling_list: ListTable, chain_ids: Sequence[int]) -> dict[int, list[Record]]:
    """Chains whose first records are locked, as they are now, ascending chain_n, locked until the transaction ends."""
    rows = work.rows(calling_list.lock_members, ids=list(chain_ids)) if chain_ids else []
    chains: dict[int, list[Record]] = {}
    for record in calling_list.records(rows, catalog.zones(work, {row[_ZONE] for row in rows})):
        chains.setdefault(record.chain_id, []).append(record)
    return chains
