"""`IStore` on a database."""
from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Sequence, TypeVar, cast

from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred, DeferredLock, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from ocs.database.backend import backend_for
from ocs.database.pool import Database, GroupCommit, Threads
from ocs.database.statements import Transaction
from ocs.dialing.checks import RefusalCount
from ocs.dialing.compliance.attempts import PastAttempt, PastWanted
from ocs.dialing.compliance.calls import AnsweredCalls, CallsWanted
from ocs.dialing.compliance.evidence import RulePeriod
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.values import (
    Attempt,
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
from ocs.errors import StoreUnavailable
from ocs.interfaces import IReplayStore
from ocs.store.adding import add_record
from ocs.store.attempts import insert_attempts, write_attempts
from ocs.store.cancelling import cancel_chains, chains_meant
from ocs.store.claims import claim, recover
from ocs.store.compliance import answered_calls, past_attempts, write_rule_periods
from ocs.store.do_not_call import add_do_not_call, do_not_call_entries
from ocs.store.filters import filter_from_options
from ocs.store.loading import write_records
from ocs.store.refusals import write_refusals
from ocs.store.registry import Catalog
from ocs.store.replay import adopt_spool, replay
from ocs.store.request_log import log_requests
from ocs.store.versions import check_version

__all__ = ["SqlStore", "page_of_records"]

log = Logger()
_Value = TypeVar("_Value")


class _Claimer(NamedTuple):
    """For whom chains are taken: what an unanswered commit may have taken goes to the same list again."""

    table: str
    calling_list: str
    owner: Owner


def _claimer(request: ClaimRequest) -> _Claimer:
    return _Claimer(request.table, request.calling_list or request.table, request.owner)


@implementer(IReplayStore)
class SqlStore:
    """Calling lists, attempts and the do-not-call list in a database.

    `campaigns` (name -> dbid) are the configured ones: their dbids stand in the do-not-call list's public column; a
    campaign that is not among them gets a dbid of its own, from 1,000,001 on. At most `queue_limit` changes wait.
    """

    def __init__(self, url: str | URL, reactor: Any, campaigns: Mapping[str, int] | None = None, tenant_dbid: int = 1,
                 readers: int = 2, queue_limit: int = 10_000, statement_timeout_s: float = 5.0,
                 threads: Threads = ThreadPool) -> None:
        self.backend = backend_for(url, statement_timeout_s)
        self._database = Database(reactor, self.backend, readers, threads)
        self._changes = GroupCommit(self._database, queue_limit)
        self._campaigns, self._tenant = dict(campaigns or {}), tenant_dbid
        self._catalog = Catalog()
        self._unsure: dict[_Claimer, frozenset[int]] = {}      # chains that may be taken though their claim failed
        self._turns: dict[_Claimer, DeferredLock] = {}          # claims of one claimer go one after the other
        self._open = False

    def start(self) -> Deferred[None]:
        if self._open:
            return fail(StoreUnavailable(f"{self.backend}: open already"))
        self._database.startService()
        self._open = True

        def ready(_: None) -> None:
            log.info("store open on {database}", database=str(self.backend))

        return self._database.read(check_version).addCallbacks(ready, self._not_started)

    def _not_started(self, failure: Any) -> Any:
        self._open = False
        self._database.stopService()
        return failure

    def stop(self) -> Deferred[None]:
        self._open = False
        return self._changes.idle().addCallback(lambda _: self._database.stopService())

    def calling_lists(self) -> Deferred[Mapping[str, tuple[CustomField, ...]]]:
        return self.read(self._catalog.calling_lists)

    def dialing_filter(self, table: str, options: Mapping[str, str]) -> Deferred[RecordFilter]:
        return self.read(lambda work: filter_from_options(options, self._catalog.calling_list(work, table).fields))

    def zones(self, table: str) -> Deferred[Mapping[int, str]]:
        def query(work: Transaction) -> Mapping[int, str]:
            return dict(work.rows(self._catalog.calling_list(work, table).zones))
        return self.read(query)

    def claim_chains(self, request: ClaimRequest) -> Deferred[list[Chain]]:
        turns = self._turns.setdefault(_claimer(request), DeferredLock())
        return cast("Deferred[list[Chain]]", turns.run(self._claim, request))

    def _claim(self, request: ClaimRequest) -> Deferred[list[Chain]]:
        key = _claimer(request)
        unsure = self._unsure.pop(key, frozenset())
        taken: set[int] = set()

        def take(work: Transaction) -> list[Chain]:
            taken.clear()
            chains = claim(work, self._catalog, request, unsure)
            taken.update(chain.chain_id for chain in chains)
            return chains

        def settled(outcome: Any) -> Any:
            """Without an answer to the commit it may have been made: the next claim looks for these chains first."""
            failed = isinstance(outcome, Failure)
            left = unsure | taken if failed else unsure - taken if len(taken) >= request.limit else frozenset()
            if left:
                self._unsure[key] = left
            return outcome

        return self.change(take).addBoth(settled)

    def open_attempts(self, attempts: Sequence[Attempt]) -> Deferred[None]:
        return self.change(lambda work: insert_attempts(work, attempts))

    def save(self, change: ChainSave) -> Deferred[None]:
        return self.change(lambda work: self._write(work, change))

    def cancel_records(self, request: CancelRequest) -> Deferred[int]:
        return Deferred.fromCoroutine(self._cancel_records(request))

    async def _cancel_records(self, request: CancelRequest) -> int:
        """A look through the table may take long: no lock is held meanwhile, and what is found is looked at again."""
        found: list[int] = await self.read(lambda work: chains_meant(work, self._catalog, request))
        if not found:
            return 0
        count: int = await self.change(lambda work: cancel_chains(work, self._catalog, request, found))
        return count

    def add_record(self, new: NewRecord) -> Deferred[Record]:
        return self.change(lambda work: add_record(work, self._catalog, new))

    def recover(self, owner: Owner, table: str) -> Deferred[list[RecoveredChain]]:
        def known(recovered: list[RecoveredChain]) -> list[RecoveredChain]:
            for claimer in [one for one in self._unsure if (one.table, one.owner) == (table, owner)]:
                del self._unsure[claimer]
            return recovered

        return self.change(lambda work: recover(work, self._catalog, owner, table)).addCallback(known)

    def adopt_spool(self, app_dbid: int, spool: str, sequence: int) -> Deferred[None]:
        return self.change(lambda work: adopt_spool(work, app_dbid, spool, sequence))

    def replay(self, app_dbid: int, spool: str, changes: Sequence[tuple[int, ChainSave]]) -> Deferred[tuple[int, ...]]:
        return self.change(lambda work: replay(work, self._catalog, app_dbid, spool, changes, self._block))

    def past_attempts(self, wanted: PastWanted) -> Deferred[list[PastAttempt]]:
        return self.read(lambda work: past_attempts(work, wanted))

    def answered_calls(self, wanted: CallsWanted) -> Deferred[AnsweredCalls]:
        return self.read(lambda work: answered_calls(work, wanted))

    def do_not_call(self) -> Deferred[list[DoNotCallEntry]]:
        return self.read(lambda work: do_not_call_entries(work, self._tenant))

    def counts(self, table: str) -> Deferred[Mapping[int, int]]:
        def query(work: Transaction) -> Mapping[int, int]:
            return dict(work.rows(self._catalog.calling_list(work, table).status_counts))
        return self.read(query)

    def records(self, table: str, limit: int, offset: int = 0) -> Deferred[list[Record]]:
        return self.read(lambda work: page_of_records(work, self._catalog, table, limit, offset))

    def read(self, interaction: Callable[[Transaction], _Value]) -> Deferred[_Value]:
        """Run a query of this package's other modules on one of the store's connections."""
        return self._database.read(interaction) if self._open else self._closed()

    def change(self, interaction: Callable[[Transaction], _Value]) -> Deferred[_Value]:
        """Run a change of this package's other modules behind the store's own; it shares their transactions."""
        return self._changes.submit(interaction) if self._open else self._closed()

    def know_campaigns(self, campaigns: Mapping[str, int]) -> None:
        """The campaigns that are configured from now on, with their dbids. Not a part of `IStore`."""
        self._campaigns = dict(campaigns)

    def keep_refusals(self, counts: Sequence[RefusalCount]) -> Deferred[None]:
        """Write how often records were not dialed; fires after the commit. Not a part of `IStore`."""
        return self.change(lambda work: write_refusals(work, counts))

    def keep_rule_periods(self, periods: Sequence[RulePeriod]) -> Deferred[None]:
        """Write when rules were in force; fires after the commit. Not a part of `IStore`."""
        return self.change(lambda work: write_rule_periods(work, periods))

    def _closed(self) -> Deferred[Any]:
        return fail(StoreUnavailable(f"{self.backend}: the store is not open"))

    def _write(self, work: Transaction, change: ChainSave) -> None:
        if change.table or change.records:
            missing = write_records(work, self._catalog.calling_list(work, change.table), change.records)
            if missing is not None:
                raise StoreUnavailable(f"record {missing} is not in calling list {change.table!r}")
        write_attempts(work, change.attempts)
        self._block(work, change.do_not_call)
        log_requests(work, change.requests)

    def _block(self, work: Transaction, entries: Sequence[DoNotCallEntry]) -> None:
        if entries:
            scopes = [entry.campaign for entry in entries if entry.campaign is not None]
            add_do_not_call(work, entries, self._catalog.campaign_dbids(work, scopes, self._campaigns), self._tenant)


def page_of_records(work: Transaction, catalog: Catalog, name: str, limit: int, offset: int = 0) -> list[Record]:
    """Records of a list in order of chain_id, chain_n."""
    calling_list = catalog.calling_list(work, name)
    rows = work.rows(calling_list.page, count=limit, skip=offset)
    return calling_list.records(rows, catalog.zones(work, {row[13] for row in rows}))
