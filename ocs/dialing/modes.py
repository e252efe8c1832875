"""What tells one dialing mode from another: who starts a call, what it is paced by, what it needs, beside whom it may run, and
into which mode it may change while it runs.

Source: dialing modes, sections 1 and 2: the table of modes, the matrix of modes on one agent group, the rules of live changes.
The numbers Power and Power with seizing exist and mean nothing: no site can say what they should do, so they are refused.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ocs.dialing.results import DialingMode

__all__ = ["AVAILABLE_MODES", "CallFlow", "ModeRules", "PacedBy", "may_share", "rules_of", "why_not_change"]


class CallFlow(Enum):
    """What is done with a call, from the dial on."""
    TRANSFER = auto()       # dialed by the OCS; who answers is sent to the agents
    SEIZING = auto()        # an agent is on the line first; who answers is joined with one
    IVR = auto()            # dialed by the OCS; who answers is led through an application
    AGENT_DIALS = auto()    # the record goes to an agent, who dials


class PacedBy(Enum):
    """What limits the number of calls."""
    AGENTS = auto()         # agents who are free, or will be
    IVR_PORTS = auto()      # applications that can run at the same time
    AGENTS_BEHIND_IVR = auto()
    QUEUE_SIZE = auto()     # a fixed number of calls (or interactions) in progress
    REQUESTS = auto()       # what agents ask for


@dataclass(frozen=True)
class ModeRules:
    """One mode. `predictive` dials ahead of agents; `monitored` groups are not dialed without a picture of their agents;
    `needs` are the options of the campaign group that it cannot do without."""

    flow: CallFlow
    paced_by: PacedBy
    predictive: bool = False
    monitored: bool = True
    needs: tuple[str, ...] = ()

    @property
    def automatic(self) -> bool:
        """True where the OCS places the calls."""
        return self.flow is not CallFlow.AGENT_DIALS


_M, _F, _P = DialingMode, CallFlow, PacedBy
_QUEUE, _TRUNK, _IVR = "voice_transfer_destination", "trunk_group_dn", "ivr_profile"

_RULES: dict[DialingMode, ModeRules] = {
    _M.PREDICTIVE: ModeRules(_F.TRANSFER, _P.AGENTS, predictive=True, needs=(_QUEUE,)),
    _M.PROGRESSIVE: ModeRules(_F.TRANSFER, _P.AGENTS, needs=(_QUEUE,)),
    _M.PREVIEW: ModeRules(_F.AGENT_DIALS, _P.REQUESTS),
    _M.PROGRESSIVE_SEIZING: ModeRules(_F.SEIZING, _P.AGENTS, needs=(_QUEUE, _TRUNK)),
    _M.PREDICTIVE_SEIZING: ModeRules(_F.SEIZING, _P.AGENTS, predictive=True, needs=(_QUEUE, _TRUNK)),
    _M.PUSH_PREVIEW: ModeRules(_F.AGENT_DIALS, _P.QUEUE_SIZE, needs=("interaction_queue", "maximum_queue_size")),
    _M.PROGRESSIVE_GVP: ModeRules(_F.IVR, _P.IVR_PORTS, monitored=False, needs=(_TRUNK, _IVR)),
    _M.PREDICTIVE_GVP: ModeRules(_F.IVR, _P.AGENTS_BEHIND_IVR, predictive=True, needs=(_QUEUE, _TRUNK, _IVR)),
    _M.POWER_GVP: ModeRules(_F.IVR, _P.QUEUE_SIZE, monitored=False, needs=(_TRUNK, _IVR, "maximum_queue_size")),
}
AVAILABLE_MODES = tuple(_RULES)

# modes that compete for the agents of a group: only one of them may run there
_COMPETING = frozenset({_M.PREDICTIVE, _M.PROGRESSIVE, _M.PROGRESSIVE_SEIZING, _M.PREDICTIVE_SEIZING, _M.PREDICTIVE_GVP})

# groups of modes that may be changed into each other while they run
_INTERCHANGEABLE = (frozenset({_M.PREDICTIVE, _M.PROGRESSIVE}), frozenset({_M.PREDICTIVE_SEIZING, _M.PROGRESSIVE_SEIZING}))


def rules_of(mode: DialingMode) -> ModeRules:
    """The rules of a mode; ValueError names one of those that exist as numbers only."""
    try:
        return _RULES[mode]
    except KeyError:
        raise ValueError(f"{mode.word}: no such dialing mode is available") from None


def may_share(one: DialingMode, other: DialingMode) -> bool:
    """Whether two campaign groups with these modes may run for one agent or place group at the same time."""
    return not {one, other} <= _COMPETING


def why_not_change(before: DialingMode, after: DialingMode) -> str:
    """Why a session that runs in one mode cannot go on in the other; "" if it can."""
    rules_of(after)
    if before is after or any({before, after} <= modes for modes in _INTERCHANGEABLE):
        return ""
    return f"from {before.word} to {after.word} a session has to be stopped and started"
