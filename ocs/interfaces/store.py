"""Seams to the database."""
from __future__ import annotations

from typing import Mapping, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Interface

from ocs.dialing.compliance.attempts import PastAttempt, PastWanted
from ocs.dialing.compliance.calls import AnsweredCalls, CallsWanted
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

__all__ = ["IReplayStore", "IStore"]


class IStore(Interface):
    """Tables of records, attempts and the do-not-call list. Every Deferred fails with StoreUnavailable when the database
    does not do it (DatabaseAway where nothing is said against the request itself), and with UnknownCallingList for a table
    that it does not have. A table is known by the name under which it was imported; the calling lists of a configuration
    read it."""

    def start() -> Deferred[None]:
        """Open the database; fires when the schema is at the version that this program needs."""

    def stop() -> Deferred[None]:
        """Write what was accepted, then close. Fires always."""

    def calling_lists() -> Deferred[Mapping[str, tuple[CustomField, ...]]]:
        """The tables in the registry with their custom fields, in column order."""

    def dialing_filter(table: str, options: Mapping[str, str]) -> Deferred[RecordFilter]:
        """Read a filter's options (`criteria`, `order_by`, and these with a number) over the table's own columns; claims of
        this table take it as it comes. Fails with FilterError, which names the option and the place in it."""

    def zones(table: str) -> Deferred[Mapping[int, str]]:
        """tz_dbid -> IANA name, of every time zone that the table's records use."""

    def claim_chains(request: ClaimRequest) -> Deferred[list[Chain]]:
        """Take up to `limit` chains: their Ready and Chain Ready records become Retrieved and owned, in one transaction.
        Types in the order given, then the filter's order, then dial_sched_time, then chain_id. The criteria are asked of the
        record by which a chain qualifies, and of no other. A chain has all its records, final ones included.
        No record is claimed twice, no chain split, whoever else claims at the same time, for whichever list of the table."""

    def open_attempts(attempts: Sequence[Attempt]) -> Deferred[None]:
        """Commit rows of attempts that are about to be dialed. Calls at the same time share a transaction."""

    def save(change: ChainSave) -> Deferred[None]:
        """Write the mutable columns of the records (guarded by record_id), the attempts (by guid, inserted if they are
        not there), the do-not-call rows (an entry that exists is left alone) and the requests (each once), all or nothing; fires
        after the commit. Saves at the same time share a transaction; saves of one chain are committed in the order of the
        calls."""

    def cancel_records(request: CancelRequest) -> Deferred[int]:
        """Cancel the open records that are meant, of chains that nobody holds; the others of their chains may still be dialed.
        Fires after the commit with how many records were."""

    def add_record(new: NewRecord) -> Deferred[Record]:
        """Put one more record into a table, with the next record id; of a chain of its own, or behind those of one that is
        there. Fires after the commit with the record as it stands there. Fails with NotAdded, which names what is wrong about
        it; nothing has changed then."""

    def recover(owner: Owner, table: str) -> Deferred[list[RecoveredChain]]:
        """After a crash: chains of this table that this owner still holds, for whichever list. Those without an open attempt
        become Ready again (siblings of a rescheduled record Chain Ready); those with one stay Retrieved and are given to the
        caller. Open attempts on records that this owner had and that are settled, because the end of their call was not seen any
        more, become unknown; the result that an agent gave them stays."""

    def past_attempts(wanted: PastWanted) -> Deferred[list[PastAttempt]]:
        """What was dialed, or may have been, whoever did: the oldest first. An attempt of whose row one knows that it is
        committed is among them."""

    def answered_calls(wanted: CallsWanted) -> Deferred[AnsweredCalls]:
        """How many calls of a campaign were answered, and how they ended, as far as their attempts are closed."""

    def do_not_call() -> Deferred[list[DoNotCallEntry]]:
        """The whole do-not-call list."""

    def counts(table: str) -> Deferred[Mapping[int, int]]:
        """record_status -> number of records."""

    def records(table: str, limit: int, offset: int = 0) -> Deferred[list[Record]]:
        """Records in order of chain_id, chain_n; for people to look at."""


class IReplayStore(IStore):
    """A store that takes changes later which could not be written at their time: they waited, in order, in a spool on disk.

    A database knows one spool of each application, the one that was adopted last, and how far it has been replayed. So each
    change is written once, whatever is killed at whatever moment; and where meanwhile another server was started in an
    application's place, the old one's spool does not touch records any more."""

    def adopt_spool(app_dbid: int, spool: str, sequence: int) -> Deferred[None]:
        """From now on this spool speaks for the application; it has been replayed up to `sequence`."""

    def replay(app_dbid: int, spool: str, changes: Sequence[tuple[int, ChainSave]]) -> Deferred[tuple[int, ...]]:
        """Write changes, by ascending sequence number, all or nothing; those that have been replayed already are passed
        over. Records are written only where they are still held as the change's `holding` says, and not at all where
        another spool was adopted; attempts and do-not-call rows always (one that is open does not open a closed one again).
        Fires with the ids of records that were left as they are, because they are somebody else's now or gone."""
