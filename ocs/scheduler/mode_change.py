"""Another dialing mode, or goal, for a session that is loaded, by somebody's command: in force until it is unloaded.

While the session dials only modes that may change into each other are possible; between stop and start any mode is for which the
campaign group has what it needs, once no call and no agent has a record any more.
Source: dialing modes, the rules of live changes; the public requests to start dialing and to set the mode.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.chain import ChainState
from ocs.dialing.modes import AVAILABLE_MODES, CallFlow, rules_of, why_not_change
from ocs.dialing.pacing_choice import PacingChoice
from ocs.dialing.results import DialingMode, OptimizationMethod
from ocs.dialing.session import SessionState
from ocs.scheduler import live

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Course", "change_course", "changed", "why_not"]


@dataclass(frozen=True)
class Course:
    """How a session is to dial; None = as it does. `goal` is in the unit of the method: percent, seconds or, of maximum gain,
    calls."""

    mode: DialingMode | None = None
    method: OptimizationMethod | None = None
    goal: float | None = None


def why_not(session: DialingSession, course: Course) -> str:
    """Why the session cannot go on so now, in words; "" if it can. It is loaded."""
    mode = session.group.mode if course.mode is None else course.mode
    return _why_not_mode(session, mode) or _why_not_goal(session.group, mode, course)


def _why_not_goal(group: CampaignGroup, mode: DialingMode, course: Course) -> str:
    method = group.pacing.method if course.method is None else course.method
    if course.method is None and course.goal is None:
        return ""
    if method is OptimizationMethod.MAXIMUM_GAIN and mode is DialingMode.POWER_GVP:
        return "" if course.goal is None or 1 <= course.goal <= 100_000 else f"{course.goal:g} calls are no goal: 1 to 100000"
    if course.goal is not None and method is OptimizationMethod.NONE and course.method is None:
        return "a goal without the method that it belongs to"
    return _pacing(group, course).problem


def _pacing(group: CampaignGroup, course: Course) -> PacingChoice:
    """The choice with method and goal of the course."""
    method = group.pacing.method if course.method is None else course.method
    goal = course.goal if course.goal is not None else group.pacing.goal if method is group.pacing.method else 0.0
    return replace(group.pacing, method=method, goal=goal)


def _why_not_mode(session: DialingSession, mode: DialingMode) -> str:
    group = session.group
    if mode not in AVAILABLE_MODES:
        return f"{mode.word}: no such dialing mode is available"
    if mode is group.mode:
        return ""
    wanting = _wanting(group, mode)
    if wanting:
        return f"{mode.word}: {wanting}"
    if mode is DialingMode.PUSH_PREVIEW and session.context.interactions is None:
        return f"{mode.word}: there is no Interaction Server"
    if session.state is SessionState.RUNNING:
        rival = next((other for other in session.rivals() if other.state is SessionState.RUNNING
                      and session.competes(mode, other)), None)
        if rival is not None:
            return f"{rival.group.name} is dialed for the same agents, in mode {rival.group.mode.word}"
        return why_not_change(group.mode, mode)
    if not why_not_change(group.mode, mode):
        return ""
    if any(held.state not in (ChainState.BUFFERED, ChainState.WAITING) for held in session.held) or len(session.calls):
        return f"from {group.mode.word} to {mode.word} only when all calls have ended"
    return ""


def _wanting(group: CampaignGroup, mode: DialingMode) -> str:
    """What about the campaign group forbids the mode, in words; "" if nothing does."""
    rules = rules_of(mode)
    for name in rules.needs:
        if not getattr(group, name) and not ((group.cpd or group.obn) and name == "trunk_group_dn"):
            return f"the campaign group has no {name}"
    if mode is DialingMode.PROGRESSIVE_GVP and not group.maximum_ports:
        return "the campaign group has no maximum_ports"
    if group.obn and mode is not DialingMode.POWER_GVP or group.cpd and rules.flow is CallFlow.IVR:
        return "not for who dials for this campaign group"
    if group.assured_connect and rules.flow is not CallFlow.TRANSFER:
        return "not with assured_connect"
    return ""


def changed(group: CampaignGroup, course: Course) -> CampaignGroup:
    """The group's values by this course."""
    mode = group.mode if course.mode is None else course.mode
    if course.method is OptimizationMethod.MAXIMUM_GAIN:
        return replace(group, mode=mode, maximum_queue_size=group.maximum_queue_size if course.goal is None else int(course.goal))
    return replace(group, mode=mode, pacing=_pacing(group, course))


def change_course(session: DialingSession, course: Course) -> None:
    """Go on so; `why_not` says that it is possible."""
    group = changed(session.group, course)
    if group != session.group:
        live.use(session, group, session.lists)
        session.wake()
