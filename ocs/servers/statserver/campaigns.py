"""What campaigns and campaign groups do, from the events that outbound contact servers send on their data streams.

A group's status is Activated from its load on, Running while it dials, Deactivated otherwise; a running one may wait for
something. A campaign has the highest status of its groups. What a stream told is forgotten when the stream ends.
Source: the public campaign events 1 to 20 and the statuses that are derived from them; the names of the counts of
results beyond those that are public are ours.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Hashable, Iterable

from ocs.servers.statserver.directory import ObjectRef
from protocols.message import ErrorCode, Message, Refused
from protocols.statserver.messages import WAITING_EVENTS, CampaignEvent, CampaignStatus, ObjectType, Wait

__all__ = ["CampaignBook", "CampaignState", "GROUPS_LIMIT"]

GROUPS_LIMIT = 10_000       # campaign groups that are remembered
_NAME_LIMIT = 255           # characters

_E, _S = CampaignEvent, CampaignStatus
_STATUS = {_E.CAMPAIGN_ACTIVATED: _S.ACTIVATED, _E.CAMPAIGN_DEACTIVATED: _S.DEACTIVATED,
           _E.DIALING_STARTED: _S.RUNNING, _E.DIALING_STOPPED: _S.ACTIVATED}
_MODES = {_E.DIALING_STARTED, _E.DIAL_MODE_CHANGED}
_DIALS = {33: "DialAnswer", 6: "DialBusy", 7: "DialNoAnswer", 9: "DialAnsweringMachine", 17: "DialFax", 21: "DialAbandoned",
          26: "DialDropped", 28: "DialUnknown", **dict.fromkeys((8, *range(11, 17)), "DialSITDetected")}


@dataclass(frozen=True)
class CampaignState:
    """A campaign group, or a campaign. `since` (epoch s) is when its status last changed; `actions` counts what has happened
    since it was activated, by the public names."""

    status: CampaignStatus = CampaignStatus.DEACTIVATED
    since: float = 0.0
    dial_mode: int = 0
    waits: frozenset[Wait] = frozenset()
    actions: Counter[str] = field(default_factory=Counter)

    def to_wire(self) -> dict[str, Any]:
        """As attributes of SEventInfo."""
        return {"Status": int(self.status), "Since": self.since, "DialMode": self.dial_mode,
                "Waits": [wait.word for wait in sorted(self.waits)], "Actions": dict(self.actions)}


class CampaignBook:
    """All campaign groups of which a stream has told. An `owner` is a stream, whatever names it."""

    def __init__(self) -> None:
        self._groups: dict[str, CampaignState] = {}
        self._owners: dict[str, Hashable] = {}
        self._of_campaign: dict[str, set[str]] = {}

    def state(self, ref: ObjectRef) -> CampaignState:
        """What is known of it; one of which nobody has told is Deactivated."""
        if ref.type is ObjectType.CAMPAIGN_GROUP:
            return self._groups.get(ref.id, CampaignState())
        found = [self._groups[name] for name in sorted(self._of_campaign.get(ref.id, ()))]
        if not found:
            return CampaignState()
        highest = max(found, key=lambda one: one.status)
        alike = [one for one in found if one.status is highest.status]
        waits = frozenset().union(*(one.waits for one in alike))
        return CampaignState(highest.status, min(one.since for one in alike), highest.dial_mode, waits,
                             sum((one.actions for one in found), Counter()))

    def told(self, owner: Hashable, message: Message, at: float) -> list[ObjectRef]:
        """Take one message of a stream; what it changes. Refused, naming the attribute, for what makes no sense."""
        event = _event(message)
        campaign, group = _name(message, "Campaign"), _name(message, "Group")
        mode = message.get("DialMode", 0)
        if not 0 <= mode <= 11:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"DialMode: there is no dialing mode {mode}")
        name = f"{campaign}@{group}"
        if name not in self._groups and len(self._groups) >= GROUPS_LIMIT:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"Campaign: {GROUPS_LIMIT} campaign groups are known, the limit")
        self._owners[name] = owner
        self._of_campaign.setdefault(campaign, set()).add(name)
        self._groups[name] = _after(self._groups.get(name, CampaignState()), event, mode, message.get("CallResult"), at)
        return [ObjectRef(ObjectType.CAMPAIGN_GROUP, name), ObjectRef(ObjectType.CAMPAIGN, campaign)]

    def forget(self, owner: Hashable) -> list[ObjectRef]:
        """A stream has ended: what it told holds no more."""
        names = [name for name, one in self._owners.items() if one == owner]
        changed = [ObjectRef(ObjectType.CAMPAIGN_GROUP, name) for name in names]
        for name in names:
            del self._groups[name], self._owners[name]
        for campaign in self._campaigns(names):
            changed.append(ObjectRef(ObjectType.CAMPAIGN, campaign))
            self._of_campaign[campaign] -= set(names)
            if not self._of_campaign[campaign]:
                del self._of_campaign[campaign]
        return changed

    def _campaigns(self, names: Iterable[str]) -> list[str]:
        wanted = set(names)
        return [campaign for campaign, groups in self._of_campaign.items() if groups & wanted]


def _event(message: Message) -> CampaignEvent:
    number = message.get("CampaignEvent")
    try:
        return CampaignEvent(number)
    except ValueError:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"CampaignEvent: there is no event {number}") from None


def _name(message: Message, attribute: str) -> str:
    name: str = message.get(attribute)
    if not name or len(name) > _NAME_LIMIT:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"{attribute}: 1 to {_NAME_LIMIT} characters are expected")
    return name


def _after(state: CampaignState, event: CampaignEvent, mode: int, call_result: int | None, at: float) -> CampaignState:
    if event is CampaignEvent.CAMPAIGN_ACTIVATED and state.status is CampaignStatus.DEACTIVATED:
        state = CampaignState()
    status = _STATUS.get(event, state.status)
    if status is not state.status:
        state = replace(state, status=status, since=at)
    if status is not CampaignStatus.RUNNING:
        state = replace(state, waits=frozenset(), dial_mode=0)
    elif event in _MODES:
        state = replace(state, dial_mode=mode)
    if event in WAITING_EVENTS and status is CampaignStatus.RUNNING:
        wait, begins = WAITING_EVENTS[event]
        return replace(state, waits=state.waits | {wait} if begins else state.waits - {wait})
    return replace(state, actions=state.actions + _counted(event, call_result))


def _counted(event: CampaignEvent, call_result: int | None) -> Counter[str]:
    if event < CampaignEvent.CALL_COMPLETED:
        return Counter()
    if event is not CampaignEvent.CALL_COMPLETED:
        return Counter([event.word])
    return Counter([event.word, "DialMade", "DialOther" if call_result is None else _DIALS.get(call_result, "DialOther")])
