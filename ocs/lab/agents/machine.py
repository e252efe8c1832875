"""An agent's day as a table: (state, event) -> (next state, what to do). Pure.

Everything that the wire or a person's own timer brings is an event, and every event has a row in every state; what
means nothing there does nothing there. What a row does happens in the new state.
"""
from __future__ import annotations

from enum import Enum, auto

__all__ = ["AgentAction", "AgentEvent", "AgentState", "PAID", "PRODUCTIVE", "next_step"]


class AgentState(Enum):
    """What the agent is doing; the value is the word for displays."""
    AWAY = "away"                   # not at work, or without a link
    LOGGING_IN = "logging-in"
    IDLE = "idle"                   # logged in, not ready: chooses what to do next
    READY = "ready"
    RINGING = "ringing"
    TALK = "talk"
    PREVIEW = "preview"             # looks at a record before dialing
    DIALING = "dialing"             # waits for the far end of an own call
    WRAP = "wrap"
    BREAK = "break"


PRODUCTIVE = frozenset({AgentState.TALK, AgentState.WRAP})
PAID = frozenset(AgentState) - {AgentState.AWAY, AgentState.LOGGING_IN, AgentState.BREAK}


class AgentEvent(Enum):
    """What can happen to an agent."""
    LINK_UP = auto()
    LINK_DOWN = auto()
    LOGGED_IN = auto()
    LOGIN_REFUSED = auto()
    LOGGED_OUT = auto()             # by the switch, not by the agent
    READY = auto()                  # the switch says that the agent is ready
    READY_REFUSED = auto()
    NOT_READY = auto()              # the switch says so, unasked
    RINGING = auto()
    DIALING = auto()                # the agent's own call is on its way
    ESTABLISHED = auto()
    RELEASED = auto()               # the call at hand is over, answered or not
    RECORD = auto()                 # a record to look at
    RECORD_GONE = auto()            # given back or taken away
    WRAPPED = auto()                # the result is sent, the notes are written
    BREAK_DUE = auto()
    BREAK_OVER = auto()
    SHIFT_OVER = auto()


class AgentAction(Enum):
    """What the agent does about it."""
    NOTHING = auto()
    LOG_IN = auto()
    LOG_IN_LATER = auto()
    CHOOSE = auto()                 # ready, a break, a waiting record, home
    CHOOSE_LATER = auto()
    WAIT = auto()
    ANSWER = auto()
    LISTEN = auto()
    LOOK = auto()
    GIVE_BACK = auto()
    FOLLOW = auto()
    WRAP_UP = auto()
    REST = auto()
    LEAVE = auto()


_S, _E, _A = AgentState, AgentEvent, AgentAction
_ON_SHIFT = tuple(state for state in AgentState if state is not _S.AWAY)
_FREE = (_S.IDLE, _S.READY, _S.BREAK)
_ANSWERS = (_S.LOGGING_IN, _S.IDLE, _S.READY, _S.PREVIEW, _S.WRAP, _S.BREAK)

_NEXT: dict[tuple[AgentState, AgentEvent], tuple[AgentState, AgentAction]] = {
    # what means nothing where it arrives; the rows below replace these where it does
    **{(state, event): (state, _A.NOTHING) for state in AgentState for event in AgentEvent},
    (_S.AWAY, _E.LINK_UP): (_S.LOGGING_IN, _A.LOG_IN),
    (_S.AWAY, _E.SHIFT_OVER): (_S.AWAY, _A.LEAVE),
    **{(state, _E.LINK_DOWN): (_S.AWAY, _A.NOTHING) for state in _ON_SHIFT},

    (_S.LOGGING_IN, _E.LOGGED_IN): (_S.IDLE, _A.CHOOSE),
    (_S.LOGGING_IN, _E.LOGIN_REFUSED): (_S.LOGGING_IN, _A.LOG_IN_LATER),
    # a call that outlived the link
    (_S.LOGGING_IN, _E.ESTABLISHED): (_S.TALK, _A.LISTEN),
    (_S.LOGGING_IN, _E.DIALING): (_S.DIALING, _A.FOLLOW),
    (_S.LOGGING_IN, _E.RELEASED): (_S.WRAP, _A.WRAP_UP),
    (_S.LOGGING_IN, _E.SHIFT_OVER): (_S.AWAY, _A.LEAVE),

    **{(state, _E.LOGGED_OUT): (_S.LOGGING_IN, _A.LOG_IN) for state in _FREE},
    **{(state, _E.SHIFT_OVER): (_S.AWAY, _A.LEAVE) for state in _FREE},
    (_S.IDLE, _E.READY): (_S.READY, _A.WAIT),
    (_S.IDLE, _E.READY_REFUSED): (_S.IDLE, _A.CHOOSE_LATER),
    (_S.READY, _E.NOT_READY): (_S.IDLE, _A.CHOOSE_LATER),
    **{(state, _E.BREAK_DUE): (_S.BREAK, _A.REST) for state in (_S.IDLE, _S.READY)},
    **{(state, _E.RECORD): (_S.PREVIEW, _A.LOOK) for state in (_S.IDLE, _S.READY)},
    (_S.BREAK, _E.BREAK_OVER): (_S.IDLE, _A.CHOOSE),

    # a call may come wherever the switch believes the agent ready: its offer and a change of mind cross on the wire
    **{(state, _E.RINGING): (_S.RINGING, _A.ANSWER) for state in _ANSWERS},
    (_S.RINGING, _E.ESTABLISHED): (_S.TALK, _A.LISTEN),
    (_S.RINGING, _E.RELEASED): (_S.IDLE, _A.CHOOSE),
    (_S.TALK, _E.RELEASED): (_S.WRAP, _A.WRAP_UP),

    (_S.PREVIEW, _E.DIALING): (_S.DIALING, _A.FOLLOW),
    (_S.PREVIEW, _E.RECORD_GONE): (_S.IDLE, _A.CHOOSE),
    (_S.PREVIEW, _E.SHIFT_OVER): (_S.PREVIEW, _A.GIVE_BACK),
    # the switch dialed after all, after we had given up waiting for it to say so
    **{(state, _E.DIALING): (_S.DIALING, _A.FOLLOW) for state in (_S.IDLE, _S.READY)},
    (_S.DIALING, _E.ESTABLISHED): (_S.TALK, _A.LISTEN),
    (_S.DIALING, _E.RELEASED): (_S.WRAP, _A.WRAP_UP),

    (_S.WRAP, _E.WRAPPED): (_S.IDLE, _A.CHOOSE),
}


def next_step(state: AgentState, event: AgentEvent) -> tuple[AgentState, AgentAction]:
    """The row of the table; there is one for every pair."""
    return _NEXT[state, event]
