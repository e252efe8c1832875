"""What an agent sees: one value, and the lines that show it on a terminal of any size from 80 x 24 on; pure."""
from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Iterator

from protocols.desktop.model import Attendance, Call, Campaign, Desk, HeldRecord, Origin, Phase, Work
from protocols.desktop.record import RecordData

__all__ = ["Choice", "Entry", "Line", "View", "fill_in", "local_now", "render"]

Line = tuple[str, str]      # (style, text); the styles are those of `STYLES` in `application`


@dataclass(frozen=True)
class Choice:
    """One of several is to be chosen."""

    title: str
    options: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True)
class Entry:
    """A text is to be entered."""

    title: str
    text: str = ""
    hint: str = ""


@dataclass(frozen=True)
class View:
    """Everything on the screen. `since` (epoch s) is when the agent's state last changed; `message` the last word, `failed` if it
    tells of an error; `at` the record that is looked at; `campaign_script`: campaign -> text."""

    desk: Desk = Desk()
    since: float = 0.0
    message: str = ""
    failed: bool = False
    dialog: Choice | Entry | None = None
    at: int = 0
    script: str = ""
    busy: str = ""              # what is being done
    muted: bool = False         # calls ring silently

    @property
    def held(self) -> HeldRecord | None:
        """The record that is looked at."""
        records = self.desk.records
        return records[min(self.at, len(records) - 1)] if records else None


_STATE_STYLES = {Work.READY: "ready", Work.NOT_READY: "away", Work.AFTER_CALL_WORK: "away", Work.LOGGED_OUT: "bad"}
_KEYS = (
    "r ready  n not ready  w after-call work  a answer  h hang up  o hold  d dial",
    "p next record  c call it  t its other numbers  j give back  Tab next  m mute",
    "s settle  k call back later  x do not call  l leave campaign  q log out  ? help")
_HELP = (
    "r  Ready: calls may come.                  n  Not ready, with a reason.",
    "w  After-call work.                        q  Log out and leave.",
    "l  Leave a campaign, or come back to it: no calls and records from there.",
    "a  Answer the call that rings.             h  Hang up.",
    "o  Put the call on hold, or take it back.  d  Dial a number by hand.",
    "p  Next record of a preview campaign.      c  Call the record at hand.",
    "t  Other numbers: choose one to call.      m  Ring silently, or aloud again.",
    "j  Give the record back undialed.          Tab  Look at the next record at hand.",
    "s  Settle: what came of the call, and the form's fields.",
    "k  Call back later, at a time of the customer's own clock.",
    "x  Do not call this number, or this contact, any more.",
    "In a choice: arrow keys or a number, Enter; in an entry: type, Enter. Escape leaves both.")


def local_now(record: RecordData, wall: float) -> datetime:
    """The customer's own time (naive), as far as it is known; UTC where it is not."""
    return (datetime.fromtimestamp(wall, timezone.utc) + timedelta(seconds=record.tz_offset or 0)).replace(tzinfo=None)


def fill_in(script: str, record: RecordData | None) -> str:
    """A script with the record's values in place of `{Field}`; what the record does not have stays."""
    if record is None:
        return script
    values = {key: str(value) for key, value in record.pairs() if isinstance(value, (str, int))}
    return re.sub(r"\{([^{}\n]{1,64})\}", lambda match: values.get(match[1], match[0]), script)


def render(view: View, wall: float, width: int = 80, height: int = 24) -> list[Line]:
    """Exactly `height` lines of at most `width` characters. `wall` is the time now, epoch s."""
    top = [_head(view, wall), *_calls(view), ("rule", "-" * width)]
    bottom: list[Line] = [("rule", "-" * width), *_last(view, width)]
    room = max(0, height - len(top) - len(bottom))
    middle = list(_dialog(view, width, room) if view.dialog is not None else _record(view, wall, width))
    if len(middle) > room:
        middle = [*middle[:room - 1], ("dim", f"... {len(middle) - room + 1} more lines")] if room else []
    lines = [*top, *middle, *[("", "")] * (room - len(middle)), *bottom]
    return [(style, _clean(text)[:width]) for style, text in lines[:height]]


def _clean(text: str) -> str:
    """What comes from a record must not move the cursor."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _head(view: View, wall: float) -> Line:
    desk = view.desk
    state = desk.work.value if not desk.reason else f"{desk.work.value}: {desk.reason}"
    style = _STATE_STYLES[desk.work]
    if not desk.connected:
        state, style = "no connection, trying again", "bad"
    elif not desk.switch_up:
        state, style = f"{state} (the switch is away)", "bad"
    seconds = max(0, int(wall - view.since)) if view.since else 0
    campaigns = ", ".join(f"{one.name} {one.mode}{_standing(one)}" for one in desk.campaigns) or "no campaign"
    return style, f" {desk.agent_id} at {desk.dn or '-'}   {state.upper()} {seconds // 60:02d}:{seconds % 60:02d}   {campaigns}"


def _standing(campaign: Campaign) -> str:
    if campaign.attendance is not Attendance.THERE:
        return f", {campaign.attendance.value}"
    return "" if campaign.running else ", stopped"


def _calls(view: View) -> Iterator[Line]:
    if not view.desk.calls:
        yield "dim", " no call"
    for call in view.desk.calls[:3]:
        yield "call", f" {call.phase.value.upper()}  {call.number or 'unknown number'}{_ring(call, view.muted)}"


def _ring(call: Call, muted: bool) -> str:
    """With which tone it rings, where it has one of its own."""
    if call.phase is not Phase.RINGING:
        return ""
    tone = call.record.ring_tone if call.record is not None else None
    return (f"  (tone {tone})" if tone else "") + ("  muted" if muted else "")


def _record(view: View, wall: float, width: int) -> Iterator[Line]:
    held, desk = view.held, view.desk
    if view.message == "help":
        yield from (("", f" {line}") for line in _HELP)
        return
    if held is None:
        yield "dim", " no record at hand"
        return
    record = held.record
    kind = {Origin.CALL: "call", Origin.PREVIEW: "preview", Origin.CALLBACK: "callback"}[held.origin]
    state = "to be settled" if held.over else "in a call" if held.conn_id else "not dialed yet"
    place = f"record {desk.records.index(held) + 1} of {len(desk.records)}: " if len(desk.records) > 1 else ""
    yield "title", f" {place}{record.phone or '?'}   {record.campaign_name or ''}, {kind}, {state}"
    their = f"{local_now(record, wall):%a %H:%M}" if record.tz_offset is not None else "unknown"
    yield "", f" local time {their} ({record.tz_name or 'zone unknown'}), attempts so far {record.attempts or 0}"
    if record.cpn_digits:
        yield "", f" shown as the caller {record.cpn_digits}"
    for name, value in record.fields:
        if isinstance(value, (str, int)):
            yield "", f" {name + ':':<18} {value}"
    if view.script:
        yield "", ""
        for paragraph in fill_in(view.script, record).splitlines():
            yield from (("script", f"  {line}") for line in textwrap.wrap(paragraph, max(20, width - 4)) or [""])


def _dialog(view: View, width: int, room: int) -> Iterator[Line]:
    dialog = view.dialog
    held = view.held
    if held is not None:
        yield "title", f" {held.record.phone or '?'}   {' '.join(str(value) for _, value in held.record.fields[:3])}"
        yield "", ""
    assert dialog is not None
    yield "title", f" {dialog.title}"
    if isinstance(dialog, Entry):
        yield "entry", f" > {dialog.text[-(width - 5):]}_"
        yield from (("dim", f"   {line}") for line in textwrap.wrap(dialog.hint, max(20, width - 4)))
        return
    shown = max(1, room - 4)
    first = max(0, min(dialog.at - shown // 2, len(dialog.options) - shown))
    for place in range(first, min(first + shown, len(dialog.options))):
        number = f"{place + 1}" if place < 9 else " "
        yield ("chosen" if place == dialog.at else ""), f" {'>' if place == dialog.at else ' '} {number} {dialog.options[place]}"


def _last(view: View, width: int) -> Iterator[Line]:
    text = "" if view.message == "help" else view.message
    if view.busy:
        yield "dim", f" {view.busy} ..."
    else:
        yield ("bad" if view.failed else "good"), f" {text}"
    yield from (("dim", f" {line}") for line in _KEYS)
