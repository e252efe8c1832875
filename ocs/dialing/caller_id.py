"""Which number a called person is shown, and which tone an agent's telephone rings with: pure.

The first that says something: a field of the record itself, the calling list, the sets of the campaign group, the group's one
number (where the campaign and the application have their say, too). A field that holds no number says nothing.
Source: the public options of caller identification (CPNDigits and its companions, sets, rotation); how sets rotate is ours.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

__all__ = ["CallerId", "CallerIdRotation", "RingTone", "caller_number", "is_number", "is_tone"]

_NUMBER = re.compile(r"\+?[0-9]{2,24}", re.ASCII)       # nothing that a dial string could take for more than a number
_TONE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class CallerIdRotation(Enum):
    """Which number of the sets is shown."""
    OFF = "off"             # the first of the first set
    CALL = "call"           # one after the other, call by call, through all sets
    ATTEMPT = "attempt"     # of the first set at the first attempt, of the next at the next; there one after the other
    LOCAL = "local"         # the one with most leading digits of the called number; of several one after the other


@dataclass(frozen=True)
class CallerId:
    """What a campaign group shows."""

    digits: str = ""
    sets: tuple[tuple[str, ...], ...] = ()
    rotation: CallerIdRotation = CallerIdRotation.OFF


@dataclass(frozen=True)
class RingTone:
    """The tone of a campaign group's calls, and the name of the extension by which the switch is told; "" = none."""

    tone: str = ""
    extension: str = "ring-tone"


def is_number(text: str) -> bool:
    """Whether this may be shown as a caller's number: digits, and one + before them at most."""
    return _NUMBER.fullmatch(text) is not None


def is_tone(text: str) -> bool:
    """Whether this may be the name of a tone, or of an extension."""
    return _TONE.fullmatch(text) is not None


def caller_number(caller_id: CallerId, of_record: object, of_list: str, attempt: int, called: str, turn: int) -> str:
    """The number for one call; "" = the switch's own. `of_record` is what the record's field holds, `attempt` counts from 1,
    `turn` counts the session's calls."""
    own = str(of_record).strip() if isinstance(of_record, (str, int)) else ""
    if is_number(own):
        return own
    return of_list or _of_sets(caller_id, attempt, called, turn) or caller_id.digits


def _of_sets(caller_id: CallerId, attempt: int, called: str, turn: int) -> str:
    sets, rotation = [one for one in caller_id.sets if one], caller_id.rotation
    if not sets:
        return ""
    if rotation is CallerIdRotation.OFF:
        return sets[0][0]
    if rotation is CallerIdRotation.ATTEMPT:
        chosen = list(sets[(max(1, attempt) - 1) % len(sets)])
    else:
        chosen = [number for one in sets for number in one]
    if rotation is CallerIdRotation.LOCAL:
        shared = [_in_common(number, called) for number in chosen]
        chosen = [number for number, count in zip(chosen, shared) if count == max(shared)]
    return chosen[turn % len(chosen)]


def _in_common(number: str, called: str) -> int:
    """How many leading digits two numbers share."""
    count = 0
    for ours, theirs in zip(number.lstrip("+"), called.lstrip("+")):
        if ours != theirs:
            break
        count += 1
    return count
