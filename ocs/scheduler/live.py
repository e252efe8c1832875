"""What may change of a session that is loaded: most values of its group, its lists, their filters.

Records that are no longer to be dialed as they came go back to their list; what an agent has, and what is in a call, stays.
A treatment that is under way is not interrupted; the next result finds the new ones.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Collection, Iterator

from ocs.dialing.chain import ChainState
from ocs.dialing.session import SessionState
from ocs.dialing.values import CampaignGroup
from ocs.errors import WrongState

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["reconfigure", "reload_filters"]

# calls and records carry these, desktops have been told of them: they change when the group is not loaded
_FIXED = ("dbid", "campaign", "campaign_dbid", "mode", "voice_transfer_destination", "trunk_group_dn")
_NAME = ("campaign", "group.name")      # these never do: it would be another group


async def reconfigure(session: DialingSession, group: CampaignGroup) -> None:
    """As `DialingSession.reconfigure`."""
    loaded = session.state is not SessionState.NOT_LOADED
    _refuse_fixed_changes(session.group, group, loaded)
    if loaded:
        _need_keeping(session)
        await session.read_lists(group)
        _need_keeping(session)
    before = session.group
    gone = {each.name for each in before.active_lists} - {each.name for each in group.active_lists}
    session.group = group
    session.buffer.regroup(group, session.owner, gone)
    session.loop.regroup()
    session.context.history.regrouped(session, before)
    lists = {each.name: each for each in group.lists}
    for held in session.held:
        held.calling_list = lists.get(held.calling_list.name, held.calling_list)
    if loaded:
        session.watch_dns()
        _give_back(session, gone, (ChainState.BUFFERED, ChainState.WAITING))
        session.loop.fill()
        session.wake()


def reload_filters(session: DialingSession, names: tuple[str, ...]) -> None:
    """As `DialingSession.reload_filters`."""
    if session.keeps_chains:
        changed = names or tuple(each.name for each in session.group.lists)
        session.buffer.regroup(session.group, session.owner, changed)
        _give_back(session, changed, (ChainState.BUFFERED,))
        session.loop.fill()


def _refuse_fixed_changes(before: CampaignGroup, after: CampaignGroup, loaded: bool) -> None:
    changes = [change for change in _fixed_changes(before, after) if loaded or change in _NAME]
    if changes:
        raise WrongState(f"{before.name}: cannot change {', '.join(changes)}{' while it is loaded' if loaded else ''}")
    switched_off = sorted(_checks_off(after) - _checks_off(before))
    if switched_off:
        raise WrongState(f"{before.name}: {', '.join(switched_off)} can be switched off by a restart only, which audits it")


def _checks_off(group: CampaignGroup) -> set[str]:
    """The do-not-call checks that the group and its lists leave out."""
    off = {name for name in ("check_dnc_list", "check_dnc_callback") if not getattr(group, name)}
    return off | {f"check_dnc_list of {one.name}" for one in group.lists if not one.check_dnc_list}


def _fixed_changes(before: CampaignGroup, after: CampaignGroup) -> Iterator[str]:
    yield from (name for name in _FIXED if getattr(before, name) != getattr(after, name))
    yield from (f"group.{name}" for name in ("name", "dbid") if getattr(before.group, name) != getattr(after.group, name))


def _need_keeping(session: DialingSession) -> None:
    if not session.keeps_chains:
        state = session.state.name.lower().replace("_", " ")
        raise WrongState(f"{session.group.name}: cannot change while {state}")


def _give_back(session: DialingSession, names: Collection[str], states: tuple[ChainState, ...]) -> None:
    """Records of these lists that stand in one of `states` go back."""
    for held in list(session.held):
        if held.calling_list.name in names and held.state in states:
            session.give_back(held)
