"""What may change of a session that is loaded: most values of its group, its lists, their filters.

Records that are no longer to be dialed as they came go back to their list; what an agent has, and what is in a call, stays.
A treatment that is under way is not interrupted; the next result finds the new ones. New values are read and checked before
anything changes (`prepared`); then they change in one step (`Prepared.apply`), which cannot fail.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Collection, Iterator

from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.modes import why_not_change
from ocs.dialing.session import SessionState
from ocs.errors import WrongState
from ocs.scheduler.lists import KnownLists, read_lists

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Prepared", "prepared", "read_for_load", "reconfigure", "use", "waiting"]

# calls and records carry these, desktops have been told of them: they change when the group is not loaded
_FIXED = ("dbid", "campaign_dbid", "mode", "agent_assignment", "voice_transfer_destination", "trunk_group_dn", "elsewhere",
          "cpd", "obn", "ivr_profile")
_TABLES = "lists.table"                 # of a list that is there already: a filter, and fields, go with its table
_NAME = ("campaign", "group.name")      # these never do: it would be another group


@dataclass(frozen=True)
class Prepared:
    """New values of a session's group, checked. `lists` is None where the session takes none before it is loaded again."""

    session: DialingSession
    configured: CampaignGroup
    group: CampaignGroup                # those of them that may change now
    lists: KnownLists | None

    @property
    def waits(self) -> tuple[str, ...]:
        """What of the new values waits for the next load."""
        return tuple(_fixed_changes(self.group, self.configured))

    def apply(self) -> bool:
        """Change what may change now; the rest changes with the next load. False if all of it does, because meanwhile the
        session is being loaded or unloaded."""
        session = self.session
        session.configured = self.configured
        if session.state is SessionState.NOT_LOADED:
            use(session, self.configured, KnownLists())
            return True
        if self.lists is None or not session.keeps_chains:
            return False
        if (self.group, self.lists.filters) == (session.group, session.lists.filters):
            session.lists = self.lists
            return True
        _change(session, self.group, self.lists)
        return True


async def prepared(session: DialingSession, group: CampaignGroup) -> Prepared:
    """Read and check what the session needs for these values. UnfitCallingList, UnknownCallingList, StoreUnavailable;
    WrongState for the values of another group."""
    _refuse(session.group, group, _NAME)
    if session.state is SessionState.NOT_LOADED:
        return Prepared(session, group, group, None)
    lists = {each.name: each for each in session.group.lists}
    now = replace(_as_commanded(session, group), group=replace(group.group, dbid=session.group.group.dbid),
                  lists=tuple(_of_its_table(lists.get(each.name, each), each) for each in group.lists),
                  **{name: getattr(session.group, name) for name in _fixed_names(session.group, group)})
    if not session.keeps_chains:
        return Prepared(session, group, now, None)
    known = await read_lists(session.context.store, now)
    known.refuse_faults()
    await session.take_up(now)
    return Prepared(session, group, now, known)


def _as_commanded(session: DialingSession, group: CampaignGroup) -> CampaignGroup:
    """What somebody has set by a command stays until the session is unloaded, unless the configuration has another value now."""
    kept = {name: getattr(session.group, name) for name in ("mode", "pacing")
            if getattr(group, name) == getattr(session.configured, name)}
    return replace(group, **kept)


def waiting(session: DialingSession) -> tuple[str, ...]:
    """What of the values that are configured for a session waits for its next load."""
    return tuple(_fixed_changes(session.group, session.configured)) if session.keeps_chains else ()


def _of_its_table(before: CallingList, after: CallingList) -> CallingList:
    """The list's new values, as far as they go with the table that it has."""
    return after if before.reads == after.reads else replace(before, share=after.share, active=after.active)


async def reconfigure(session: DialingSession, group: CampaignGroup) -> None:
    """As `DialingSession.reconfigure`."""
    if session.state is not SessionState.NOT_LOADED:
        _refuse(session.group, group, _NAME + _FIXED + ("group.dbid", _TABLES), " while it is loaded")
        _need_keeping(session)
    _refuse_unaudited(session.group, group)
    change = await prepared(session, group)
    if session.state is not SessionState.NOT_LOADED:
        _need_keeping(session)
    change.apply()


async def read_for_load(session: DialingSession) -> None:
    """Take the values that are configured, as far as the lists allow; as `DialingSession.load`."""
    configured = session.configured
    known = await read_lists(session.context.store, configured)
    if known.faults and not known.dialed(configured).active_lists:
        known.refuse_faults()
    for name, reason in known.faults.items():
        session.log.error("{session} is loaded without a list: {reason}", session=configured.name, reason=reason,
                          calling_list=name)
    use(session, configured, known)


def use(session: DialingSession, group: CampaignGroup, known: KnownLists) -> tuple[set[str], set[str]]:
    """The session has these values from now on. The names of the lists that are no longer dialed, and of those that are dialed
    by another filter: what it holds of them is still as it was."""
    before, filters = session.group, session.lists.filters
    session.group, session.lists = known.dialed(group), known
    active = {each.name for each in before.active_lists}
    gone = active - {each.name for each in session.group.active_lists}
    filtered = {name for name in active - gone if filters.get(name) != known.filters.get(name)}
    session.buffer.regroup(session.group, session.owner, gone | filtered)
    session.compliance.regroup()
    session.loop.regroup()
    session.context.history.regrouped(session, before)
    return gone, filtered


def _change(session: DialingSession, group: CampaignGroup, known: KnownLists) -> None:
    gone, filtered = use(session, group, known)
    lists = {each.name: each for each in group.lists}
    for held in session.held:
        held.calling_list = lists.get(held.calling_list.name, held.calling_list)
    session.watch_dns()
    _give_back(session, gone, (ChainState.BUFFERED, ChainState.WAITING))
    _give_back(session, filtered, (ChainState.BUFFERED,))
    session.loop.fill()
    session.wake()


def _refuse(before: CampaignGroup, after: CampaignGroup, names: Collection[str], when: str = "") -> None:
    changes = [name for name in (*_name_changes(before, after), *_fixed_changes(before, after)) if name in names]
    if changes:
        raise WrongState(f"{before.name}: cannot change {', '.join(changes)}{when}")


def _fixed_names(before: CampaignGroup, after: CampaignGroup) -> tuple[str, ...]:
    """What keeps its value while the group is loaded. Some modes change into each other."""
    if why_not_change(before.mode, after.mode):
        return _FIXED
    return tuple(name for name in _FIXED if name != "mode")


def _name_changes(before: CampaignGroup, after: CampaignGroup) -> Iterator[str]:
    if before.campaign != after.campaign:
        yield "campaign"
    if before.group.name != after.group.name:
        yield "group.name"


def _fixed_changes(before: CampaignGroup, after: CampaignGroup) -> Iterator[str]:
    yield from (name for name in _fixed_names(before, after) if getattr(before, name) != getattr(after, name))
    if before.group.dbid != after.group.dbid:
        yield "group.dbid"
    reads = {each.name: each.reads for each in before.lists}
    if any(reads.get(each.name, each.reads) != each.reads for each in after.lists):
        yield _TABLES


def _refuse_unaudited(before: CampaignGroup, after: CampaignGroup) -> None:
    switched_off = sorted(_checks_off(after) - _checks_off(before))
    if switched_off:
        raise WrongState(f"{before.name}: {', '.join(switched_off)} can be switched off by the configuration only, whose reading"
                         " is audited")


def _checks_off(group: CampaignGroup) -> set[str]:
    """The do-not-call checks that the group and its lists leave out."""
    off = {name for name in ("check_dnc_list", "check_dnc_callback") if not getattr(group, name)}
    return off | {f"check_dnc_list of {one.name}" for one in group.lists if not one.check_dnc_list}


def _need_keeping(session: DialingSession) -> None:
    if not session.keeps_chains:
        state = session.state.name.lower().replace("_", " ")
        raise WrongState(f"{session.group.name}: cannot change while {state}")


def _give_back(session: DialingSession, names: Collection[str], states: tuple[ChainState, ...]) -> None:
    """Records of these lists that stand in one of `states` go back."""
    for held in session.in_buffer_order():
        if held.calling_list.name in names and held.state in states:
            session.held.give_back(held)
