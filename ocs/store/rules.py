"""Rules of the calling list that both stores keep, as plain functions of values.

Source: the public calling-list table (statuses 1, 2, 9; daily_from, daily_till in seconds after local midnight).
"""
from __future__ import annotations

from typing import Iterable, Mapping

from ocs.dialing.chain import cancelled, give_back
from ocs.dialing.dial_hours import END_OF_DAY
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import CALLBACK_TYPES, Attempt, CancelRequest, Chain, ChainSave, ClaimRequest, Owner, Record

__all__ = ["CLAIMABLE", "ReplayGuard", "agent_fits", "given_back", "last_open", "may_be_claimed", "owned",
           "window_open", "with_cancelled"]

CLAIMABLE = (RecordStatus.READY, RecordStatus.CHAIN_READY)


def window_open(daily_from: int, daily_till: int, local_time: int) -> bool:
    """Whether a record with this daily window may be dialed at `local_time` (all in seconds after local midnight).

    The end is not part of the window; a window that ends where it begins, or before, is never open."""
    before_end = local_time < daily_till or daily_till >= END_OF_DAY
    return daily_from <= local_time and daily_from < daily_till and before_end


def may_be_claimed(record: Record, request: ClaimRequest, record_type: RecordType) -> bool:
    """Whether this record, by itself, makes its chain one that the request asks for by this type."""
    local_time = request.local_times.get(record.tz_dbid)
    return (record.record_status is RecordStatus.READY and record.record_type is record_type
            and (record.dial_sched_time or 0) <= request.now and local_time is not None
            and window_open(record.daily_from, record.daily_till, local_time)
            and agent_fits(record.agent_id, request)
            and (request.filter is None or request.filter.matches(record)))


def agent_fits(agent_id: str | None, request: ClaimRequest) -> bool:
    """Whether the request asks for records of this agent (None: of nobody)."""
    if request.agent_ids is not None and agent_id not in request.agent_ids:
        return False
    return agent_id not in request.without_agents


def owned(record_type: RecordType, last: Owner | None, request: ClaimRequest) -> bool:
    """Whether the request may have a record that was last held by `last` (None: by nobody). Only callbacks are kept to those
    who agreed on them."""
    if last is None or record_type not in CALLBACK_TYPES:
        return True
    if request.own_campaign and last.campaign_dbid != request.owner.campaign_dbid:
        return False
    return not request.own_group or last.group_dbid == request.owner.group_dbid


def given_back(chain: Chain) -> tuple[Record, ...]:
    """The Retrieved records of a chain that a crash left behind, as they go back to the list undialed."""
    return tuple(after for before, after in zip(chain.records, give_back(chain).records)
                 if before.record_status is RecordStatus.RETRIEVED)


def with_cancelled(chain: Chain, request: CancelRequest) -> tuple[Chain, int]:
    """The chain without the records that are meant, and how many these are; as it is where somebody holds it."""
    if any(record.record_status is RecordStatus.RETRIEVED for record in chain.records):
        return chain, 0
    meant = [index for index, record in enumerate(chain.records) if request.meant(record) and record.record_status.open]
    if meant and request.whole_chain:
        meant = [index for index, record in enumerate(chain.records) if record.record_status.open]
    after = chain
    for index in meant:
        after = cancelled(after, index)
    return (give_back(after) if meant else chain), len(meant)


def last_open(attempts: Iterable[Attempt]) -> Attempt:
    """Of a chain's open attempts the latest; there is one as long as a chain is dialed by one engine only."""
    return max(attempts, key=lambda attempt: (attempt.opened_at, attempt.guid))


class ReplayGuard:
    """Which records of changes that come late may still be written. `standing`: record_id -> status and last owner, as they
    are in the list now; it is kept true from change to change. `ours` False: another server has taken the place of the one
    that made the changes, and no record is its any more. `left` has the ids of records that were not ours."""

    def __init__(self, standing: Mapping[int, tuple[int, Owner | None]], ours: bool) -> None:
        self._standing, self._ours = dict(standing), ours
        self.left: list[int] = []

    def records(self, change: ChainSave) -> tuple[Record, ...]:
        """Those of the change's records that are to be written now."""
        return tuple([record for record in change.records if self._takes(record, change)])

    def _takes(self, record: Record, change: ChainSave) -> bool:
        record_id, holding, stands = record.record_id, change.holding, self._standing.get(record.record_id)
        expected = frozenset() if holding is None else holding.statuses.get(record_id, frozenset())
        owned = stands is not None and holding is not None and stands[1] == holding.owner
        if stands is not None and self._ours and (holding is None or owned and stands[0] in expected):
            self._standing[record_id] = int(record.record_status), stands[1]
            return True
        if stands is None or stands[0] != record.record_status or not owned and RecordStatus.RETRIEVED in expected:
            self.left.append(record_id)     # else it was written, and the answer to that lost; or was final all the time
        return False
