"""The seams of the engine: what it needs of the systems around it. Each has one contract suite in `tests/contracts/`."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ocs.dialing.agent import Agent, AgentEvent
from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.compliance.attempts import PastAttempt, PastWanted
from ocs.dialing.compliance.calls import AnsweredCalls, CallsWanted
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.peering import CancelTarget, GroupKey, PeerSession
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
from protocols.attributes import KVList

__all__ = ["IAgentState", "IBlockNotice", "ICallControl", "IConfiguration", "IContactNotifier", "IHistory", "IHttpRequests",
           "IInteractions", "INotificationSpool", "IObnLink", "IPeerRequests", "IPeers", "IPreDialValidation", "IReplayStore",
           "IReportSpool", "IStore", "ISwitchLink"]


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


class ICallControl(Interface):
    """Placing calls and moving them. Requests fail with the errors of `protocols.errors`: RequestRefused (its public code and
    text), RequestTimedOut or LinkLost (outcome unknown). Each Deferred fires exactly once. A T-Server does it, or a CPD Server,
    for which a DN is only the name under which its events are told."""

    up = Attribute("bool: True from a granted login until the link is lost.")

    def make_predictive_call(origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        """Dial `destination` (E.164) on behalf of `origin_dn`; fires with the ConnID when the switch reports dialing."""

    def make_call(origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        """Call `destination` from `origin_dn`, as to engage an agent; fires with the ConnID when the switch reports dialing."""

    def release_call(dn: str, conn_id: str) -> Deferred[None]:
        """Hang up at `dn`."""

    def transfer_call(dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        """Move the call from `dn` to `destination_dn`: at once, or with a consult call that is completed at once, so that
        a call whose transfer fails is where it was."""

    def merge_calls(dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        """Join the far ends of two calls that `dn` has; it leaves both."""

    def apply_treatment(dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        """Give the party of a call that waits at `dn` something to hear; fires when it begins."""


class ISwitchLink(ICallControl):
    """Call control on one switch, or on several, and what happens there. A DN of another switch than the first one is written
    with the switch's name, `7001@east`; so is the ConnID of a call there, which means that the two never mix up."""

    def switch_of(dn: str) -> str:
        """The name of the switch that has the DN; "" is the first one."""

    def away(dns: Sequence[str]) -> str:
        """Why nothing can be asked for at any of these DNs now, in words: the links to all of their switches are down; "" where
        one is up. Of no DNs: whether any link is up."""

    def resources(dn: str) -> tuple[int, int]:
        """What the switch tells of a trunk group that is watched: how many calls into the network, and treatments (IVR ports),
        there can be at a time; 0 where it is not known."""

    def watch(dns: Sequence[str]) -> None:
        """Register these DNs, now and after every reconnect; events on them go to the listeners."""

    def add_listener(listener: object) -> None:
        """Tell `listener` (ISwitchListener) from now on."""

    def distribute_user_event(dn: str, user_data: KVList) -> Deferred[None]:
        """Send a user event to every client registered on `dn`."""

    def follow_user_events(dn: str, listener: Callable[[KVList, str], None]) -> None:
        """Watch `dn`; user events on it go to `listener(user_data, sender)`, our own included, and no longer to ISwitchListener.
        `sender` is the name of the application that the switch says sent it, "" where it says nothing."""


class IDeskLine(Interface):
    """What desktops that are connected to this server do at their DNs' switch. A switch link provides it; DNs as in
    ISwitchLink, ConnIDs and all else as the switch itself has them."""

    def ask(dn: str, name: str, attributes: Mapping[str, Any]) -> Deferred[Any]:
        """A request of the T-Server protocol about `dn`. Fires with the answer (a Message); fails with RequestRefused,
        RequestTimedOut or LinkLost."""

    def follow(dn: str, told: Callable[[Any], None] | None) -> None:
        """Call `told(message)` with each event of the DN that is for a desktop, but for answers to what was asked by `ask`; None
        ends it. The DN must be watched."""


class IObnLink(ICallControl):
    """Dial requests to an Outbound Notification Manager. The ConnID of a call is its request's token, the attempt's GUID."""

    def withdraw(token: str) -> None:
        """Cancel a request; a call that is under way goes on to its end. What came of it is told as ever."""

    def resume(token: str, expires_at: float) -> None:
        """Follow a request of an earlier run, which lives until `expires_at` (epoch s); what came of it is told."""


class IInteractions(Interface):
    """Records that wait for agents at an Interaction Server. Deferreds fail as those of ICallControl."""

    up = Attribute("bool: True from a granted login until the link is lost.")

    def submit(queue: str, user_data: KVList) -> Deferred[str]:
        """Let a record wait in a queue; fires with the interaction's id."""

    def stop(interaction_id: str) -> Deferred[None]:
        """End an interaction, wherever it is."""

    def send(agent_id: str, user_data: KVList) -> Deferred[None]:
        """A user event for an agent's desktop."""


class IInteractionListener(Interface):
    """Who hears what becomes of interactions."""

    def interactions_up(found: Mapping[str, str]) -> None:
        """The link is there. `found`: the interactions there, with the agent who has accepted each, "" where none has."""

    def interactions_down(reason: str) -> None:
        """The link is lost; agents go on with what they have."""

    def interaction_accepted(interaction_id: str, agent_id: str) -> None:
        """An agent has it now."""

    def interaction_returned(interaction_id: str) -> None:
        """An agent did not want it, or left: it waits again."""

    def interaction_stopped(interaction_id: str) -> None:
        """It has ended, and not because we said so."""

    def interaction_event(agent_id: str, user_data: KVList) -> None:
        """A user event of an agent who has one of them."""


class ISwitchListener(Interface):
    """Who follows a switch. Called in the order of the events."""

    def switch_up(guids: Mapping[str, str], switch: str = "") -> None:
        """The link to the switch of this name is granted and every watched DN there registered; `guids` are the calls in
        progress there: ConnID -> call attempt GUID ("" where a call has none). Whatever was thought to be in progress on
        that switch and is not among them has ended unseen."""

    def switch_down(reason: str, switch: str = "") -> None:
        """The link to that switch is lost; calls go on without us."""

    def call_event(event: object) -> None:
        """A step of a call (one of the events of `ocs.dialing.call`)."""

    def agent_event(event: object) -> None:
        """A step of an agent (`ocs.dialing.agent.AgentEvent`)."""

    def user_event(dn: str, user_data: KVList) -> None:
        """A user event on a watched DN, our own included."""


class IAgentState(Interface):
    """Who works and who is free. An agent is an `ocs.dialing.agent.Agent`."""

    def watch(group: AgentGroup) -> None:
        """The states of this group are wanted: its agents log in at its DNs; what happens elsewhere is nobody's state."""

    def blind(group: CampaignGroup) -> str:
        """Why the states of the group's agents are not known now, in words; "" while they are. While they are not nobody is
        ready, and a group whose agents must be watched is not dialed."""

    def ready(group: CampaignGroup) -> Sequence[str]:
        """DNs of the group's agents who wait for a call, longest waiting first."""

    def of(group: CampaignGroup) -> Sequence[Agent]:
        """Agents of the group who are logged in now, in the order of its DNs. A group that names agents has only those."""

    def agent_at(dn: str) -> Agent | None:
        """Who is logged in at `dn`; None if nobody is."""

    def add_listener(listener: Callable[[Agent, AgentEvent], None]) -> None:
        """Call `listener(agent, event)`, the agent as the event left it, at each event at a watched DN, in their order."""

    def add_change_listener(listener: Callable[[], None]) -> None:
        """Call `listener()` whenever the answers of `blind`, `ready` or `of` may have changed without such an event."""


class IHistory(Interface):
    """Who keeps history of what the engine does: reporting, statistics."""

    def happened(event: object) -> None:
        """An event of `ocs.dialing.history`, in the order in which they happen. Told in the middle of the engine's step: note
        it and return at once; the engine is not to be asked for anything here."""


class IConfiguration(Interface):
    """A server's configuration: read whole and checked, or not at all; and who is told that there is another one."""

    origin = Attribute("str: where it comes from, for people.")
    trouble = Attribute("str: why changes are not seen at present; '' while they are.")

    def read() -> Deferred[Any]:
        """Read it. Fires with the server's options (an `ocs.app.config.OCSOptions`); fails with ConfigurationError, which has
        every problem, each naming object and field; also where it cannot be read. What was read before stays then."""

    def campaign_groups() -> Mapping[str, CampaignGroup]:
        """Of what was read last, by name (`Campaign@Group`); none before."""

    def calling_lists() -> Mapping[str, CallingList]:
        """Of what was read last, by name, without what only campaigns say of them; none before."""

    def told(problem: str) -> str:
        """What is wrong with the options that were read last, as people are to be told of it."""

    def add_listener(changed: Callable[[], None]) -> None:
        """Call `changed()` when there may be another configuration than the last one; it is not read by itself. Of a file's
        changes nobody is told: whoever edits it says when it is done."""

    def start() -> None:
        """Look for changes from now on, where they can be seen; then listeners are told once at the beginning."""

    def stop() -> Deferred[None] | None:
        """Look no more; listeners are not called any more. Fires when everything is closed."""


class IPreDialValidation(Interface):
    """Asks an outside service, just before a record is dialed, whether it may be."""

    def applies(campaign_group: str, calling_list: str) -> bool:
        """Whether records of this list, dialed by this group, are to be asked about; without that they are simply dialed."""

    def validate(contact: Any) -> Deferred[Any]:
        """Ask about one record (an `ocs.dialing.contact.Contact`). Fires with an `ocs.dialing.validation.Verdict`, within the
        configured time and whatever the service does; never fails. Cancelled, it gives the request up and fires with a
        verdict all the same."""

    def raced(contact: Any) -> Any:
        """The Verdict for a record that changed while the service was asked about it: not dialed, with the configured
        result."""


class IContactNotifier(Interface):
    """Tells an outside service of every chain that is processed: once, in order per chain, however long it takes."""

    def wants(campaign_group: str) -> bool:
        """Whether anybody is to be told of chains of this group."""

    def note(contact: Any) -> Deferred[int]:
        """Put on disk what is to be told of a chain that is about to be written as processed; `contact` (an
        `ocs.dialing.contact.Contact`) is its primary record. Fires with a ticket; never fails. The ticket is 0 where
        nothing will be told: nobody wants it, or there is no room (logged and counted)."""

    def release(ticket: int) -> None:
        """The chain's last values are committed: tell of it. Returns at once. Unknown tickets, and 0, are ignored."""

    def withdraw(ticket: int) -> None:
        """The chain was not processed after all: forget it. Unknown tickets, and 0, are ignored."""


class INotificationSpool(Interface):
    """What is still to be told, on disk. Every Deferred fails with StoreUnavailable when the disk does not do it."""

    def start() -> Deferred[list[Any]]:
        """Open; fires with what the last run left behind (`ocs.dialing.contact.Notice`), oldest first."""

    def add(notice: Any) -> Deferred[None]:
        """Keep one; fires when it would survive a crash."""

    def remove(ticket: int) -> Deferred[None]:
        """It is told, or never to be told."""

    def stop() -> Deferred[None]:
        """Finish what was asked for, and close."""


class IReportSpool(Interface):
    """Reports on their way to ICON, on disk."""

    source = Attribute("str: names this stream of reports, and no other.")
    written = Attribute("int: up to this sequence number reports would survive a crash.")
    last = Attribute("int: the last sequence number that was given.")
    unwritten = Attribute("int: reports that are in memory only.")
    failing = Attribute("bool: the disk does not take them at present.")

    def start() -> Deferred[Any]:
        """Open; fires with what the last run left behind (`ocs.dialing.reporting.LeftReports`). StoreUnavailable."""

    def add_listener(told: Callable[[], None]) -> None:
        """Call `told()` whenever `written` has moved on."""

    def add(sequence: int, body: bytes) -> None:
        """Keep one; numbers come in order, without gaps."""

    def attempt_opened(guid: str, opened: bytes) -> None:
        """The beginning of an attempt was reported: remember it until `attempt_closed`."""

    def attempt_closed(guid: str) -> None:
        """Its end was reported too."""

    def flushed() -> Deferred[None]:
        """Fires when everything that was added before would survive a crash, or the disk does not take it. Never fails."""

    def oldest(after: int, limit: int) -> Deferred[list[tuple[int, bytes]]]:
        """Reports behind this sequence number, in order. StoreUnavailable."""

    def acknowledged(sequence: int) -> None:
        """ICON has everything up to this one: forget it."""

    def rename() -> str:
        """From now on the stream has another name, a new one, which is returned."""

    def stop() -> Deferred[None]:
        """Write what waits, and close. Fires always."""


class IHttpRequests(Interface):
    """The requests that an administrator has named, for treatments to send."""

    def names() -> Sequence[str]:
        """Those that exist."""

    def send(name: str, contact: Any) -> None:
        """Send one, filled with the data of a record (an `ocs.dialing.contact.Contact`). Returns at once; the outcome is
        logged and counted, and changes nothing. KeyError for a name that does not exist."""


class IBlockNotice(Interface):
    """Do-not-call entries on their way to the peers."""

    def everywhere() -> Deferred[None]:
        """To be called when the database has the entries. Fires when every peer has them in memory, at the latest after a
        bounded wait, by whose end a peer that could not be told has read them in the database. Never fails."""


class IPeers(Interface):
    """The other outbound contact servers that this one works beside. What cannot be asked is not waited for without end: every
    Deferred fires, within seconds."""

    there = Attribute("bool: some peer can be asked at present.")

    def block(entries: Sequence[DoNotCallEntry]) -> IBlockNotice:
        """Tell every peer at once that these are not to be dialed."""

    def cancel(target: CancelTarget) -> Deferred[int]:
        """Have records cancelled that peers hold; fires with how many were. Never fails."""

    def find_agent(agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[str]:
        """The name of a peer where this agent is logged in and a list of this table dialed, so that a callback last held by
        `owner` can be claimed there; "" if there is none. Never fails."""

    def take_callback(peer: str, agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        """Tell that peer to claim what is due for the agent now; it is in the database. True if it has one. Never fails."""

    def check_load(group: Any) -> Deferred[None]:
        """Whether a CampaignGroup may be loaded here. Fails with WrongState where a peer has it, and it is not `shared`; and
        while a peer has our own application dbid."""


class IPeerRequests(Interface):
    """What peers ask of this server."""

    def block(entries: Sequence[DoNotCallEntry]) -> None:
        """When this returns none of these is dialed here any more; previews of them are taken back."""

    def cancel(target: CancelTarget) -> Deferred[int]:
        """Cancel records held here; fires after the commit with their number. StoreUnavailable."""

    def has_agent(agent_id: str, calling_list: str, owner: GroupKey) -> bool:
        """True if a personal callback of this agent could be claimed here."""

    def take_callback(agent_id: str, calling_list: str, owner: GroupKey) -> Deferred[bool]:
        """Claim what is due for this agent; True if a callback waits for it then. StoreUnavailable."""

    def loaded(key: GroupKey) -> bool:
        """True while a session of that campaign group is loaded here, or on its way in or out."""

    def may_share(key: GroupKey) -> bool:
        """True if the campaign group is configured here as `shared`, or not at all."""

    def sessions() -> Sequence[PeerSession]:
        """Every campaign group of this server."""
