"""The store in memory, for runs in virtual time and for tests: as the one on SQL, but each Deferred has already fired.

Ready records lie in buckets, one for each (record type, zone, daily window, agent); a bucket is a heap by (due time,
chain, record). A claim looks at the buckets that are open and takes their smallest entries, so its cost follows what it
takes and not the list's length. An entry may be out of date (the record was claimed by way of a sibling, or saved):
it is dropped when it comes to the top, and pushed once at most, so a heap never outgrows its records.
"""
from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from ocs.dialing.adding import ListDefaults, added
from ocs.dialing.compliance.account import MINUTE_S
from ocs.dialing.compliance.attempts import PastAttempt, PastWanted, past_of
from ocs.dialing.compliance.calls import AnsweredCalls, CallsWanted, category, facts_of_attempt
from ocs.dialing.compliance.rules import Category
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.request_log import LoggedRequest
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import (
    Attempt,
    AttemptState,
    CancelRequest,
    Chain,
    ChainSave,
    ClaimRequest,
    CustomField,
    DoNotCallEntry,
    NewRecord,
    Owner,
    Record,
    RecoveredChain,
)
from ocs.errors import DatabaseAway, NotAdded, OCSError, StoreUnavailable, UnknownCallingList
from ocs.frozen import changed
from ocs.interfaces import IReplayStore
from ocs.store.filters import DialingFilter, filter_from_options, filter_of
from ocs.store.phones import phone_of
from ocs.store.rules import (
    CLAIMABLE,
    ReplayGuard,
    agent_fits,
    given_back,
    last_open,
    owned,
    window_open,
    with_cancelled,
)
from ocs.store.schema import DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL, DEFAULT_TZ_DBID, DEFAULT_TZ_NAME
from ocs.store.zones import zone_name

__all__ = ["MemoryStore"]

_SETTLED = (AttemptState.CLOSED, AttemptState.UNKNOWN)
_Value = TypeVar("_Value")


class _Bucket(NamedTuple):
    """What decides whether a Ready record may be dialed now, apart from its due time."""

    record_type: RecordType
    tz_dbid: int
    daily_from: int
    daily_till: int
    agent_id: str | None


class _Entry(NamedTuple):
    """One Ready record in its bucket's heap; `due` is 0 where no time is set."""

    due: int
    chain_id: int
    record_id: int


def _bucket(record: Record) -> _Bucket:
    return _Bucket(record.record_type, record.tz_dbid, record.daily_from, record.daily_till, record.agent_id)


def _entry(record: Record) -> _Entry:
    return _Entry(record.dial_sched_time or 0, record.chain_id, record.record_id)


class _List:
    """One calling list: its records, chains, holders and ready heaps."""

    def __init__(self, name: str, fields: tuple[CustomField, ...]) -> None:
        self.name, self.fields = name, fields
        self.records: dict[int, Record] = {}
        self.zones: dict[int, str] = {}                                     # of every record that there has been
        self.owners: dict[int, Owner] = {}                                  # record_id -> who claimed it last
        self._chains: dict[int, list[int]] = {}                             # chain_id -> record ids by chain_n
        self._heaps: dict[_Bucket, list[_Entry]] = {}
        self._heaped: set[tuple[_Bucket, _Entry]] = set()
        self.held: dict[int, set[int]] = defaultdict(set)                   # chain_id -> its Retrieved records

    def add(self, records: Iterable[Record]) -> None:
        """Put new records in. Raises ValueError where a record_id or a place in a chain is taken."""
        for record in records:
            ids = self._chains.setdefault(record.chain_id, [])
            taken = record.record_id in self.records or any(self.records[i].chain_n == record.chain_n for i in ids)
            if taken:
                raise ValueError(f"record {record.record_id}, chain {record.chain_id}/{record.chain_n} exists already")
            self.put(record)
            ids.append(record.record_id)
            ids.sort(key=lambda record_id: self.records[record_id].chain_n)

    def add_new(self, new: NewRecord) -> Record:
        """As `IStore.add_record`."""
        new = replace(new, phone=phone_of(new))
        name = DEFAULT_TZ_NAME if new.zone is None else zone_name(new.zone)
        if name is None:
            raise NotAdded("tz_name", "there is no such time zone")
        zones = {one.tz_name: one.tz_dbid for one in self.records.values()}
        zone = zones.get(name, DEFAULT_TZ_DBID if name == DEFAULT_TZ_NAME else max([DEFAULT_TZ_DBID, *zones.values()]) + 1)
        chain = () if new.chain_id is None or new.chain_id not in self._chains else self.chain(new.chain_id).records
        record = added(new, ListDefaults(DEFAULT_DAILY_FROM, DEFAULT_DAILY_TILL, self.fields), (zone, name),
                       (max(self.records, default=0), max(self._chains, default=0)), chain)
        self.add([record])
        return record

    def put(self, record: Record) -> None:
        """Write one record and keep the heaps and the holders right."""
        self.records[record.record_id] = record
        self.zones[record.tz_dbid] = record.tz_name
        if record.record_status is RecordStatus.RETRIEVED:
            self.held[record.chain_id].add(record.record_id)
        elif record.chain_id in self.held:
            self.held[record.chain_id].discard(record.record_id)
            if not self.held[record.chain_id]:
                del self.held[record.chain_id]
        if record.record_status is RecordStatus.READY:
            self._push(_bucket(record), _entry(record))

    def _push(self, bucket: _Bucket, entry: _Entry) -> None:
        if (bucket, entry) not in self._heaped:
            self._heaped.add((bucket, entry))
            heapq.heappush(self._heaps.setdefault(bucket, []), entry)

    def chain(self, chain_id: int) -> Chain:
        """The chain with all its records, ascending chain_n."""
        return Chain(self.name, chain_id, tuple(self.records[i] for i in self._chains[chain_id]))

    def in_order(self) -> list[Record]:
        """All records by chain_id, chain_n."""
        return [record for chain_id in sorted(self._chains) for record in self.chain(chain_id).records]

    def claim(self, request: ClaimRequest) -> list[Chain]:
        """As `IStore.claim_chains`."""
        chosen, chains = filter_of(request), list[Chain]()
        for record_type in request.types:
            claimed = self._by_order if chosen.keys else self._by_due_time
            chains += claimed(request, record_type, chosen, request.limit - len(chains))
        return chains

    def _by_due_time(self, request: ClaimRequest, record_type: RecordType, chosen: DialingFilter, limit: int) -> list[Chain]:
        chains: list[Chain] = []
        blocked: list[tuple[_Bucket, _Entry]] = []
        tops = [(heap[0], bucket) for bucket, heap in self._heaps.items()
                if heap and self._open(bucket, record_type, request)]
        heapq.heapify(tops)
        while tops and len(chains) < limit:
            entry, bucket = heapq.heappop(tops)
            if entry.due > request.now:
                continue                                                # nor is anything below it in this bucket
            heap = self._heaps[bucket]
            heapq.heappop(heap)
            self._heaped.discard((bucket, entry))
            if self._current(bucket, entry):
                if self._may_have(entry, request, record_type, chosen):
                    chains.append(self._take(entry.chain_id, request.owner))
                else:
                    blocked.append((bucket, entry))
            if heap:
                heapq.heappush(tops, (heap[0], bucket))
            else:
                del self._heaps[bucket]
        for bucket, entry in blocked:
            self._push(bucket, entry)
        return chains

    def _by_order(self, request: ClaimRequest, record_type: RecordType, chosen: DialingFilter, limit: int) -> list[Chain]:
        """A filter's order goes through every record that is due."""
        found = [(chosen.sort_key(self.records[entry.record_id]), entry) for bucket, heap in self._heaps.items()
                 if self._open(bucket, record_type, request) for entry in heap
                 if entry.due <= request.now and self._current(bucket, entry)
                 and self._may_have(entry, request, record_type, chosen)]
        chain_ids = dict.fromkeys(entry.chain_id for _, entry in sorted(found))
        return [self._take(chain_id, request.owner) for chain_id in list(chain_ids)[:limit]]

    def _current(self, bucket: _Bucket, entry: _Entry) -> bool:
        record = self.records[entry.record_id]
        return record.record_status is RecordStatus.READY and (_bucket(record), _entry(record)) == (bucket, entry)

    def _may_have(self, entry: _Entry, request: ClaimRequest, record_type: RecordType, chosen: DialingFilter) -> bool:
        """To take a chain of which someone holds a record would split it."""
        return (entry.chain_id not in self.held and owned(record_type, self.owners.get(entry.record_id), request)
                and chosen.matches(self.records[entry.record_id]))

    @staticmethod
    def _open(bucket: _Bucket, record_type: RecordType, request: ClaimRequest) -> bool:
        return (bucket.record_type is record_type
                and bucket.tz_dbid in request.local_times
                and window_open(bucket.daily_from, bucket.daily_till, request.local_times[bucket.tz_dbid])
                and agent_fits(bucket.agent_id, request))

    def _take(self, chain_id: int, owner: Owner) -> Chain:
        for record in self.chain(chain_id).records:
            if record.record_status in CLAIMABLE:
                self.owners[record.record_id] = owner
                self.put(changed(record, record_status=RecordStatus.RETRIEVED))
        return self.chain(chain_id)

    def cancel(self, request: CancelRequest) -> int:
        """As `IStore.cancel_records`."""
        count = 0
        for chain_id in {record.chain_id for record in self.records.values() if request.meant(record)}:
            before = self.chain(chain_id)
            after, cancelled = with_cancelled(before, request)
            count += cancelled
            for old, new in zip(before.records, after.records):
                if new != old:
                    self.put(new)
        return count

    def held_by(self, owner: Owner) -> list[int]:
        """Chains of which this owner holds records, ascending."""
        return sorted(chain_id for chain_id, ids in self.held.items()
                      if any(self.owners.get(record_id) == owner for record_id in ids))


@implementer(IReplayStore)
class MemoryStore:
    """`IStore` without a database. While `available` is False every request fails as with a database that is away."""

    def __init__(self) -> None:
        self.available = True
        self.attempts: dict[str, Attempt] = {}                              # by guid
        self._tries: dict[str | tuple[str, int], list[str]] = defaultdict(list)     # phone, or (table, record): guids
        self.requests: dict[int, LoggedRequest] = {}                        # the log of requests, by their ids
        self._lists: dict[str, _List] = {}
        self._spools: dict[int, tuple[str, int]] = {}                       # app_dbid -> its spool, replayed up to
        self._do_not_call: dict[tuple[str | None, str | None, str | None], DoNotCallEntry] = {}

    def add_list(self, name: str, records: Iterable[Record], fields: tuple[CustomField, ...] = ()) -> None:
        """Make a calling list, or put more records into it. Raises ValueError for a record that is there already."""
        self._lists.setdefault(name, _List(name, fields)).add(records)

    def add_do_not_call(self, entries: Iterable[DoNotCallEntry]) -> None:
        """Put entries on the do-not-call list; one that is there already is left alone."""
        for entry in entries:
            self._do_not_call.setdefault((entry.phone, entry.customer_id, entry.campaign), entry)

    def start(self) -> Deferred[None]:
        return self._answer(lambda: None)

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def calling_lists(self) -> Deferred[Mapping[str, tuple[CustomField, ...]]]:
        return self._answer(lambda: {name: one.fields for name, one in self._lists.items()})

    def dialing_filter(self, table: str, options: Mapping[str, str]) -> Deferred[RecordFilter]:
        return self._answer(lambda: filter_from_options(options, self._list(table).fields))

    def zones(self, table: str) -> Deferred[Mapping[int, str]]:
        return self._answer(lambda: dict(self._list(table).zones))

    def claim_chains(self, request: ClaimRequest) -> Deferred[list[Chain]]:
        return self._answer(lambda: self._list(request.table).claim(request))

    def open_attempts(self, attempts: Sequence[Attempt]) -> Deferred[None]:
        return self._answer(lambda: self._open_attempts(attempts))

    def save(self, change: ChainSave) -> Deferred[None]:
        return self._answer(lambda: self._save(change))

    def cancel_records(self, request: CancelRequest) -> Deferred[int]:
        return self._answer(lambda: self._list(request.table).cancel(request))

    def add_record(self, new: NewRecord) -> Deferred[Record]:
        return self._answer(lambda: self._add_record(new))

    def recover(self, owner: Owner, table: str) -> Deferred[list[RecoveredChain]]:
        return self._answer(lambda: self._recover(owner, self._list(table)))

    def adopt_spool(self, app_dbid: int, spool: str, sequence: int) -> Deferred[None]:
        return self._answer(lambda: self._spools.update({app_dbid: (spool, sequence)}))

    def replay(self, app_dbid: int, spool: str, changes: Sequence[tuple[int, ChainSave]]) -> Deferred[tuple[int, ...]]:
        return self._answer(lambda: self._replay(app_dbid, spool, changes))

    def past_attempts(self, wanted: PastWanted) -> Deferred[list[PastAttempt]]:
        return self._answer(lambda: sorted(self._past(wanted), key=lambda one: (one.opened_at, one.guid)))

    def answered_calls(self, wanted: CallsWanted) -> Deferred[AnsweredCalls]:
        return self._answer(lambda: self._answered(wanted))

    def do_not_call(self) -> Deferred[list[DoNotCallEntry]]:
        return self._answer(lambda: list(self._do_not_call.values()))

    def counts(self, table: str) -> Deferred[Mapping[int, int]]:
        return self._answer(lambda: dict(Counter(int(record.record_status) for record in self._list(table).records.values())))

    def records(self, table: str, limit: int, offset: int = 0) -> Deferred[list[Record]]:
        return self._answer(lambda: self._list(table).in_order()[offset:offset + limit])

    def _answer(self, work: Callable[[], _Value]) -> Deferred[_Value]:
        if not self.available:
            return fail(DatabaseAway("the store is not available"))
        try:
            return succeed(work())
        except OCSError as error:
            return fail(error)

    def _put(self, attempts: Iterable[Attempt]) -> None:
        for one in attempts:
            if one.guid not in self.attempts:
                self._tries[one.phone].append(one.guid)
                self._tries[one.on_table, one.record_id].append(one.guid)
            self.attempts[one.guid] = one

    def _past(self, wanted: PastWanted) -> Iterator[PastAttempt]:
        asked: list[str | tuple[str, int]] = [*wanted.phones]
        asked += [(table, record_id) for table, ids in wanted.records.items() for record_id in ids]
        for guid in {guid for each in asked for guid in self._tries.get(each, ())}:
            past = past_of(self.attempts[guid])
            if past is not None and past.opened_at >= wanted.since:
                yield past

    def _answered(self, wanted: CallsWanted) -> AnsweredCalls:
        ours = [(one, one.answered_at) for one in self.attempts.values()
                if one.campaign == wanted.campaign and one.answered_at is not None]
        calls: Counter[tuple[int, Category]] = Counter()
        for one, at in ours:
            own = at >= wanted.without_since and one.session_guid in wanted.without
            kind = category(facts_of_attempt(one), wanted.within_s, wanted.counted_from)
            if at >= wanted.since and one.state in _SETTLED and not own and kind is not None:
                calls[int(at // MINUTE_S), kind] += 1
        found = sorted(calls.items(), key=lambda one: one[0][0])
        return AnsweredCalls(min((at for _, at in ours), default=None), tuple((*key, count) for key, count in found))

    def _list(self, name: str) -> _List:
        try:
            return self._lists[name]
        except KeyError:
            raise UnknownCallingList(f"no calling list {name!r} in the store") from None

    def _open_attempts(self, attempts: Sequence[Attempt]) -> None:
        guids = [attempt.guid for attempt in attempts]
        if len(set(guids)) < len(guids) or any(guid in self.attempts for guid in guids):
            raise StoreUnavailable("an attempt with this guid is there already")
        self._put(attempts)

    def _save(self, change: ChainSave) -> None:
        if change.table or change.records:
            calling_list = self._list(change.table)
            for record in change.records:
                if record.record_id not in calling_list.records:
                    raise StoreUnavailable(f"record {record.record_id} is not in calling list {change.table!r}")
            self._write(calling_list, change.records)
        self._put(change.attempts)
        self.add_do_not_call(change.do_not_call)
        self._log(change.requests)

    def _add_record(self, new: NewRecord) -> Record:
        found = self._list(new.table)
        record = found.add_new(new)
        self._log(new.requests)
        return record

    def _log(self, requests: Iterable[LoggedRequest]) -> None:
        for one in requests:
            self.requests.setdefault(one.request_id, one)

    @staticmethod
    def _write(calling_list: _List, records: Iterable[Record]) -> None:
        for record in records:
            old = calling_list.records[record.record_id]
            if record.fields is not old.fields:
                known = {name: value for name, value in record.fields.items() if name in old.fields}
                record = changed(record, fields={**old.fields, **known})
            if (record.chain_id, record.chain_n) != (old.chain_id, old.chain_n):
                record = changed(record, chain_id=old.chain_id, chain_n=old.chain_n)
            calling_list.put(record)

    def _replay(self, app_dbid: int, spool: str, changes: Sequence[tuple[int, ChainSave]]) -> tuple[int, ...]:
        adopted, done = self._spools.get(app_dbid, (spool, 0))
        ours = adopted == spool
        due = [(number, change) for number, change in changes if not ours or number > done]
        guards: dict[str, ReplayGuard] = {}
        for name in {change.table for _, change in due if change.records}:
            found, ids = self._list(name), {record.record_id for _, change in due if change.table == name
                                            for record in change.records}
            guards[name] = ReplayGuard({record_id: (int(found.records[record_id].record_status), found.owners.get(record_id))
                                        for record_id in ids & found.records.keys()}, ours)
        for number, change in due:
            if change.records:
                self._write(self._lists[change.table], guards[change.table].records(change))
            for attempt in change.attempts:
                known = self.attempts.get(attempt.guid)
                if known is None or known.state is AttemptState.OPEN or attempt.state is not AttemptState.OPEN:
                    self._put((attempt,))
            self.add_do_not_call(change.do_not_call)
            self._log(change.requests)
            if ours:
                self._spools[app_dbid] = spool, number
        return tuple([record_id for guard in guards.values() for record_id in guard.left])

    def _recover(self, owner: Owner, calling_list: _List) -> list[RecoveredChain]:
        attempts: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in list(self.attempts.values()):
            if attempt.state is not AttemptState.OPEN or attempt.on_table != calling_list.name:
                continue
            settled = calling_list.records[attempt.record_id].record_status is not RecordStatus.RETRIEVED
            if settled and calling_list.owners.get(attempt.record_id) == owner:
                self.attempts[attempt.guid] = replace(attempt, state=AttemptState.UNKNOWN)
            else:
                attempts[attempt.chain_id].append(attempt)
        recovered = []
        for chain_id in calling_list.held_by(owner):
            chain = calling_list.chain(chain_id)
            if chain_id in attempts:
                recovered.append(RecoveredChain(chain, last_open(attempts[chain_id])))
            else:
                for record in given_back(chain):
                    calling_list.put(record)
        return recovered
