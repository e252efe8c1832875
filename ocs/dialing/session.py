"""The dialing session of a campaign group: loaded, started, stopped, unloaded. Values are the public group statuses.

Source: the public campaign group status and the rules of load, start, stop, unload and force unload.
"""
from __future__ import annotations

from enum import Enum, IntEnum

from ocs.errors import WrongState

__all__ = ["Condition", "SessionEvent", "SessionState", "next_state"]


class SessionState(IntEnum):
    """GroupCampaignStatus."""
    NOT_LOADED = 0
    WAITING_UNLOAD = 1          # no new calls; calls and previews finish
    UNLOAD_IN_PROGRESS = 2      # records go back to the list
    INACTIVE = 3                # is being loaded
    ACTIVE = 4                  # loaded, not dialing
    RUNNING = 5


class SessionEvent(Enum):
    """What happens to a session; the value is the word for people."""
    LOAD = "load"
    LOADED = "loaded"
    LOAD_FAILED = "load failed"
    START = "start"
    STOP = "stop"
    UNLOAD = "unload"
    DRAINED = "drained"
    FORCE_UNLOAD = "force unload"
    UNLOADED = "unloaded"


_S, _E = SessionState, SessionEvent
_NEXT: dict[tuple[SessionState, SessionEvent], SessionState] = {
    (_S.NOT_LOADED, _E.LOAD): _S.INACTIVE,
    (_S.INACTIVE, _E.LOADED): _S.ACTIVE,
    (_S.INACTIVE, _E.LOAD_FAILED): _S.NOT_LOADED,
    (_S.INACTIVE, _E.FORCE_UNLOAD): _S.UNLOAD_IN_PROGRESS,
    (_S.ACTIVE, _E.START): _S.RUNNING,
    (_S.ACTIVE, _E.UNLOAD): _S.WAITING_UNLOAD,
    (_S.ACTIVE, _E.FORCE_UNLOAD): _S.UNLOAD_IN_PROGRESS,
    (_S.RUNNING, _E.STOP): _S.ACTIVE,
    (_S.RUNNING, _E.UNLOAD): _S.WAITING_UNLOAD,
    (_S.RUNNING, _E.FORCE_UNLOAD): _S.UNLOAD_IN_PROGRESS,
    (_S.WAITING_UNLOAD, _E.DRAINED): _S.UNLOAD_IN_PROGRESS,
    (_S.WAITING_UNLOAD, _E.FORCE_UNLOAD): _S.UNLOAD_IN_PROGRESS,
    (_S.UNLOAD_IN_PROGRESS, _E.UNLOADED): _S.NOT_LOADED,
}


def next_state(state: SessionState, event: SessionEvent, name: str = "session") -> SessionState:
    """The state after the event; WrongState, naming both, where it is not possible."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise WrongState(f"{name}: cannot {event.value} while {state.name.lower().replace('_', ' ')}") from None


class Condition(Enum):
    """Whether a running session dials at this moment, and if not why; the value is what people read."""
    DIALING = "dialing"
    PAUSED = "paused"
    WAITING_AGENTS = "waiting for agents"
    WAITING_PORTS = "waiting for ports"
    WAITING_RECORDS = "waiting for records"
    SYSTEM_ERROR = "system error"
