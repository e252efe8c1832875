"""Statistics that clients have opened: what each is about, when its client hears of it, and what it hears.

A statistic is valid while a T-Server is in sight that can tell of its object. When that ends its client gets SEventStatInvalid
and nothing more; when it is back, SEventStatValid and the whole again. Source: docs/wire.md, section 14.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ocs.servers.statserver.campaigns import CampaignBook
from ocs.servers.statserver.directory import ObjectRef
from ocs.servers.statserver.picture import MemberChange, Picture
from protocols.message import ErrorCode, Message, Refused
from protocols.statserver.messages import Category, NotificationMode, ObjectType, Status
from protocols.statserver.targets import Target, pages, target_to_wire

__all__ = ["Statistic", "Statistics"]

_GROUPS = frozenset({ObjectType.GROUP_AGENTS, ObjectType.GROUP_PLACES})
_CAMPAIGNS = frozenset({ObjectType.CAMPAIGN, ObjectType.CAMPAIGN_GROUP})
_DESKS = _GROUPS | {ObjectType.AGENT, ObjectType.AGENT_PLACE}
_FITTING = {Category.CURRENT_TARGET_STATE: _DESKS, Category.CURRENT_NUMBER: _GROUPS,
            Category.CURRENT_STATE: _DESKS | _CAMPAIGNS | {ObjectType.REG_DN}}
_MEMBER_EVENTS = {MemberChange.ADDED: "SEventCurrentTargetState_TargetAdded",
                  MemberChange.UPDATED: "SEventCurrentTargetState_TargetUpdated",
                  MemberChange.REMOVED: "SEventCurrentTargetState_TargetRemoved"}
_SNAPSHOT, _INFO = "SEventCurrentTargetState_Snapshot", "SEventInfo"
_OUT_OF_SIGHT = "no T-Server that tells of it is in sight"
_PRESENT = frozenset(Status) - {Status.NOT_MONITORED, Status.LOGGED_OUT}
_FREQUENCY_S = (1.0, 86_400.0)

Send = Callable[[Message], None]


@dataclass(eq=False)
class Statistic:
    """One open statistic. `id` was chosen by the client; `told` is the value that the client was last told."""

    id: int
    ref: ObjectRef
    category: Category
    mode: NotificationMode
    send: Send
    mask: frozenset[Status] = _PRESENT
    frequency_s: float = 0.0
    valid: bool = False
    told: Any = None
    timer: IDelayedCall | None = field(default=None, repr=False)

    def drop_timer(self) -> None:
        """No more notifications by time."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


class Statistics:
    """All open statistics; a PictureListener."""

    def __init__(self, picture: Picture, campaigns: CampaignBook, clock: IReactorTime) -> None:
        self._picture, self._campaigns, self._clock = picture, campaigns, clock
        self._by_ref: dict[ObjectRef, dict[Statistic, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_ref.values()))

    # -- what clients ask for -------------------------------------------------------------------------------------
    def open(self, request: Message, send: Send, opened: Callable[[Statistic], None]) -> Statistic:
        """Open what the request describes; `opened` is called before anything is told. Refused where it cannot be."""
        statistic = self._read(request, send)
        self._by_ref.setdefault(statistic.ref, {})[statistic] = None
        opened(statistic)
        if self._sees(statistic.ref):
            statistic.valid = True
            if statistic.mode is not NotificationMode.NONE:
                self._tell_all(statistic)
        else:
            self._tell(statistic, "SEventStatInvalid", {"Reason": _OUT_OF_SIGHT})
        if statistic.mode is NotificationMode.TIME_BASED:
            self._tell_later(statistic)
        return statistic

    def peek(self, statistic: Statistic, reference_id: int) -> None:
        """Tell the present value as the answer to a request. Refused while it is not valid."""
        if not statistic.valid:
            raise Refused(ErrorCode.RESOURCE_UNAVAILABLE, f"UserRequestID: {_OUT_OF_SIGHT}")
        self._tell_all(statistic, reference_id)

    def close(self, statistic: Statistic) -> None:
        """Nothing more is told of it."""
        statistic.drop_timer()
        others = self._by_ref.get(statistic.ref, {})
        others.pop(statistic, None)
        if not others:
            self._by_ref.pop(statistic.ref, None)

    def stop(self) -> None:
        """No more notifications by time."""
        for statistic in [one for each in self._by_ref.values() for one in each]:
            statistic.drop_timer()

    def _read(self, request: Message, send: Send) -> Statistic:
        kind = _member(ObjectType, request, "ObjectType")
        category = _member(Category, request, "Category")
        if kind not in _FITTING[category]:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Category: {int(category)} is not computed for object type {int(kind)}")
        mode = _member(NotificationMode, request, "NotificationMode", NotificationMode.CHANGES_BASED)
        if mode is NotificationMode.RESET_BASED:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, "NotificationMode: nothing here is reset")
        return Statistic(request.get("UserRequestID"), self._found(kind, request.get("ObjectID")), category, mode, send,
                         _mask(request), _frequency(request, mode))

    def _found(self, kind: ObjectType, name: str) -> ObjectRef:
        if kind is ObjectType.REG_DN:
            key = self._picture.directory.dn(name)
            name = name if key is None else f"{key.dn}@{key.switch}"
        ref = ObjectRef(kind, name)
        if kind not in _CAMPAIGNS and not self._picture.knows(ref):
            raise Refused(ErrorCode.NOT_CONFIGURED, f"ObjectID: there is no {name[:64]!r} of object type {int(kind)}")
        return ref

    # -- PictureListener ------------------------------------------------------------------------------------------
    def changed(self, ref: ObjectRef) -> None:
        for statistic in self._by_changes(ref):
            if statistic.category is Category.CURRENT_TARGET_STATE:
                (target,) = self._picture.targets(ref)
                self._tell(statistic, _MEMBER_EVENTS[MemberChange.UPDATED], {"Target": target_to_wire(target)})
            else:
                self._tell_value(statistic)

    def member_changed(self, kind: MemberChange, group: ObjectRef, target: Target) -> None:
        for statistic in self._by_changes(group):
            if statistic.category is Category.CURRENT_TARGET_STATE:
                self._tell(statistic, _MEMBER_EVENTS[kind], {"Target": target_to_wire(target)})
            else:
                self._tell_value(statistic)

    def sight_changed(self) -> None:
        for statistic in [one for each in self._by_ref.values() for one in each]:
            sees = self._sees(statistic.ref)
            if sees is statistic.valid:
                continue
            statistic.valid = sees
            if not sees:
                self._tell(statistic, "SEventStatInvalid", {"Reason": _OUT_OF_SIGHT})
                continue
            self._tell(statistic, "SEventStatValid", {})
            if statistic.mode is not NotificationMode.NONE:
                self._tell_all(statistic)

    def _by_changes(self, ref: ObjectRef) -> list[Statistic]:
        return [one for one in self._by_ref.get(ref, ()) if one.valid and one.mode is NotificationMode.CHANGES_BASED]

    def _sees(self, ref: ObjectRef) -> bool:
        return ref.type in _CAMPAIGNS or self._picture.sees(ref)

    # -- what clients hear ----------------------------------------------------------------------------------------
    def _tell(self, statistic: Statistic, name: str, attributes: dict[str, Any], reference_id: int = 0) -> None:
        statistic.send(Message(name, reference_id, {"UserRequestID": statistic.id, **attributes}))

    def _tell_all(self, statistic: Statistic, reference_id: int = 0) -> None:
        """The whole value; an answer's reference id stands in the last of its messages."""
        if statistic.category is not Category.CURRENT_TARGET_STATE:
            statistic.told = self._value(statistic)
            self._tell(statistic, _INFO, statistic.told, reference_id)
            return
        targets = self._picture.targets(statistic.ref)
        left = len(targets)
        for page in pages(targets):
            left -= len(page)
            self._tell(statistic, _SNAPSHOT, {"Targets": [target_to_wire(one) for one in page], "TargetsLeft": left},
                       0 if left else reference_id)

    def _tell_value(self, statistic: Statistic) -> None:
        value = self._value(statistic)
        if value != statistic.told:
            statistic.told = value
            self._tell(statistic, _INFO, value)

    def _value(self, statistic: Statistic) -> dict[str, Any]:
        ref = statistic.ref
        if ref.type in _CAMPAIGNS:
            return self._campaigns.state(ref).to_wire()
        if statistic.category is Category.CURRENT_NUMBER:
            counts = self._picture.counts(ref)
            return {"Value": sum(count for status, count in counts.items() if status in statistic.mask)}
        status, since = self._picture.status(ref)
        return {"Status": int(status), "Since": since}

    def _tell_later(self, statistic: Statistic) -> None:
        statistic.timer = self._clock.callLater(statistic.frequency_s, self._tell_in_time, statistic)

    def _tell_in_time(self, statistic: Statistic) -> None:
        self._tell_later(statistic)
        if statistic.valid:
            self._tell_all(statistic)


def _member(kind: Any, request: Message, name: str, default: Any = None) -> Any:
    number = request.get(name, default)
    try:
        return kind(number)
    except ValueError:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"{name}: {number} is not available") from None


def _mask(request: Message) -> frozenset[Status]:
    """The statuses that are counted."""
    given = request.get("MainMask")
    if given is None:
        return _PRESENT
    known = {int(status) for status in Status}
    wrong = [each for each in given if isinstance(each, bool) or not isinstance(each, int) or each not in known]
    if wrong or not given:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "MainMask: an array of statuses is expected")
    return frozenset(Status(each) for each in given)


def _frequency(request: Message, mode: NotificationMode) -> float:
    if mode is not NotificationMode.TIME_BASED:
        return 0.0
    low, high = _FREQUENCY_S
    seconds = request.get("Frequency")
    if seconds is None or not low <= seconds <= high:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"Frequency: {low:g} to {high:g} s are expected with notification by time")
    return float(seconds)
