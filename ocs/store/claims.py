"""Taking chains from a calling list, and finding again what a crash left taken.

On PostgreSQL chains are taken as in `shared_claims`. On SQLite a claim holds the write lock. For each type, in the order
asked for, it reads the head of the claim index in every open zone, merges the heads by (due time, chain_id) and takes
chains as far as the merged order is certain: where a zone gave as many rows as were asked for, what lies behind its last
row is not known yet. Taken records leave the index, so the next round reads on from there; most claims need one round.

A filter's criteria are a part of the query. Its order goes before (due time, chain_id); then the database has to sort a zone's
records before it can give the first of them.
"""
from __future__ import annotations

from collections import defaultdict
from typing import Any, Iterable, Sequence

from ocs.database.statements import Transaction
from ocs.dialing.results import RecordType
from ocs.dialing.values import Attempt, Chain, ClaimRequest, Owner, Record, RecoveredChain
from ocs.store.attempts import open_attempts_of
from ocs.store.filter_conditions import OrderKey
from ocs.store.filters import filter_of
from ocs.store.loading import write_records
from ocs.store.records import ListTable, claim_kind
from ocs.store.registry import Catalog
from ocs.store.rules import given_back, last_open
from ocs.store.shared_claims import claim_shared

__all__ = ["claim", "load_chains", "recover"]

_CHUNK = 1_000          # chains in one statement: drivers and databases limit the parameters of one


def claim(work: Transaction, catalog: Catalog, request: ClaimRequest, unsure: Iterable[int] = ()) -> list[Chain]:
    """As `IStore.claim_chains`, inside a transaction for changes. `unsure` are chains of an earlier claim whose commit was
    not acknowledged: those that it did take come first."""
    calling_list = catalog.calling_list(work, request.table)
    ours = _taken_unseen(work, catalog, calling_list, request, unsure)
    return ours + _claim(work, catalog, calling_list, request, request.limit - len(ours))


def _taken_unseen(work: Transaction, catalog: Catalog, calling_list: ListTable, request: ClaimRequest,
                  unsure: Iterable[int]) -> list[Chain]:
    wanted = set(unsure)
    if not wanted:
        return []
    held = {chain_id for chain_id, in work.rows(calling_list.held, **_owner(request.owner))}
    return load_chains(work, catalog, calling_list, sorted(wanted & held)[:request.limit])


def _owner(owner: Owner) -> dict[str, int]:
    return {"app": owner.app_dbid, "campaign": owner.campaign_dbid, "group": owner.group_dbid}


def _claim(work: Transaction, catalog: Catalog, calling_list: ListTable, request: ClaimRequest, limit: int) -> list[Chain]:
    if work.dialect.name == "postgresql":
        return claim_shared(work, catalog, calling_list, request, limit)
    taken: list[int] = []
    for record_type in request.types:
        exhausted = False
        while not exhausted and len(taken) < limit:
            found, exhausted = _heads(work, calling_list, request, record_type, limit - len(taken))
            _take(work, calling_list, request.owner, found)
            taken += found
    chains = {chain.chain_id: chain for chain in load_chains(work, catalog, calling_list, taken)}
    return [chains[chain_id] for chain_id in taken]


def _heads(work: Transaction, calling_list: ListTable, request: ClaimRequest, record_type: RecordType,
           limit: int) -> tuple[list[int], bool]:
    """The next chains to take for one type, and whether there are none behind them."""
    count = 2 * limit + 16                      # a chain has often more than one Ready record
    kind, more = claim_kind(request, record_type)
    chosen = filter_of(request)
    sql = calling_list.candidates(kind, chosen)
    found: list[tuple[Any, ...]] = []           # (place of each key ..., due, chain_id)
    certain: tuple[Any, ...] | None = None
    for zone, local_time in request.local_times.items():
        rows: list[Any] = work.rows(sql, zone=zone, type=int(record_type), now=request.now, local=local_time, count=count,
                                    **more)
        if chosen.keys:
            rows = [(*map(OrderKey.place, chosen.keys, row), *row[len(chosen.keys):]) for row in rows]
        found += rows
        if len(rows) == count and (certain is None or rows[-1] < certain):
            certain = rows[-1]
    found.sort()
    chain_ids = dict.fromkeys(row[-1] for row in found if certain is None or row <= certain)
    return list(chain_ids)[:limit], certain is None


def _take(work: Transaction, calling_list: ListTable, owner: Owner, chain_ids: Sequence[int]) -> None:
    for ids in _chunks(chain_ids):
        work.run(calling_list.take, ids=ids, **_owner(owner))


def load_chains(work: Transaction, catalog: Catalog, calling_list: ListTable, chain_ids: Sequence[int]) -> list[Chain]:
    """These chains with all their records, ascending chain_id."""
    members: dict[int, list[Record]] = defaultdict(list)
    for ids in _chunks(sorted(chain_ids)):
        rows = work.rows(calling_list.chains, ids=ids)
        zones = catalog.zones(work, {row[13] for row in rows})
        for record in calling_list.records(rows, zones):
            members[record.chain_id].append(record)
    return [Chain(calling_list.name, chain_id, tuple(records)) for chain_id, records in members.items()]


def recover(work: Transaction, catalog: Catalog, owner: Owner, name: str) -> list[RecoveredChain]:
    """As `IStore.recover`, inside a transaction for changes."""
    calling_list = catalog.calling_list(work, name)
    work.run(calling_list.close_unseen, table=name, **_owner(owner))
    held = [chain_id for chain_id, in work.rows(calling_list.held, **_owner(owner))]
    if not held:
        return []
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in open_attempts_of(work, name):
        attempts[attempt.chain_id].append(attempt)
    recovered = []
    for chain in load_chains(work, catalog, calling_list, held):
        if chain.chain_id in attempts:
            recovered.append(RecoveredChain(chain, last_open(attempts[chain.chain_id])))
        else:
            write_records(work, calling_list, given_back(chain))
    return recovered


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start:start + _CHUNK] for start in range(0, len(ids), _CHUNK))
