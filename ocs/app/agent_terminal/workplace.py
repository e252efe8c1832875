"""What an agent does with the keyboard: each key is a request, or begins a short dialog of choices and entries that ends in one.

No terminal here: keys come in by name, a `View` goes out. Requests go to an `AgentDesktop`, or whatever has its methods; what is
refused is told in its words and changes nothing.
"""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Callable, Coroutine

from twisted.internet.defer import CancelledError, Deferred, FirstError, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.app.agent_terminal.screen import Choice, Entry, View, local_now
from ocs.app.agent_terminal.when import WHEN_HINT, parse_when
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.model import Attendance, Desk, HeldRecord, Phase, Work
from protocols.desktop.names import AgentResult
from protocols.desktop.preparation import Preparation
from protocols.desktop.record import RecordData
from protocols.errors import ProtocolError, RequestRefused, RequestTimedOut
from protocols.message import Message

__all__ = ["Workplace"]

_LONGEST = 255          # characters of an entry: what a value of the protocol may have
_DEFAULT_RESULTS = tuple((result.name.replace("_", " ").capitalize(), int(result)) for result in (
    AgentResult.ANSWER, AgentResult.BUSY, AgentResult.NO_ANSWER, AgentResult.ANSWERING_MACHINE_DETECTED,
    AgentResult.WRONG_PARTY, AgentResult.WRONG_NUMBER, AgentResult.FAX_DETECTED, AgentResult.DROPPED))
_DEFAULT_BREAKS = ("Break", "Lunch", "Meeting", "Training")
_NEWS = {"ScheduledCall": "a callback is due", "RecordCancel": "a record was taken back", "CampaignUnloaded": "campaign unloaded",
         "CampaignStarted": "campaign runs", "CampaignStopped": "campaign stopped"}


class Workplace:
    """One agent. `wall()` is epoch seconds; `changed()` is called when there is something new to see, `ring()` when there is to
    hear (a call rings, a callback is due) and the agent has not muted it; `leave()` ends it. With `auto_answer` calls are taken
    as they ring: the customer hears somebody at once."""

    log = Logger()

    def __init__(self, desktop: Any, wall: Callable[[], float], changed: Callable[[], None], leave: Callable[[], None],
                 auto_answer: bool = False, ring: Callable[[], None] = lambda: None) -> None:
        self._ring = ring
        self.desktop, self._wall, self._changed, self._leave, self._auto = desktop, wall, changed, leave, auto_answer
        self.preparation = Preparation()
        self.view = View(desktop.desk, since=wall())
        self._answer: Deferred[Any] | None = None       # of the dialog
        self._working = False
        self._commands: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, str]]]] = {
            "r": ("ready", self._ready), "n": ("not ready", self._not_ready), "w": ("after-call work", self._after_call_work),
            "a": ("answering", self._answer_call), "h": ("hanging up", self._hang_up), "o": ("hold", self._hold),
            "d": ("dialing", self._dial), "p": ("asking for a record", self._next_record), "c": ("calling", self._call),
            "t": ("other numbers", self._other_number), "j": ("giving back", self._reject), "s": ("settling", self._settle),
            "k": ("callback", self._call_back), "x": ("do not call", self._do_not_call),
            "l": ("campaigns", self._leave_or_come_back), "m": ("mute", self._mute), "q": ("leaving", self._quit)}

    # -- what comes in --------------------------------------------------------------------------------------------
    def desk_changed(self, before: Desk, after: Desk, cause: Message | DesktopEvent | None) -> None:
        """`Changed` of the desktop."""
        said, failed = self.view.message, self.view.failed
        if isinstance(cause, DesktopEvent) and cause.name in ("LogOutTime", "LogOutAcknowledge") and not cause.failed:
            said, failed = _of_leaving(cause), False
        elif isinstance(cause, DesktopEvent) and cause.name in _NEWS:
            said, failed = f"{_NEWS[cause.name]}: {cause.campaign_name or cause.record_handle or ''}", False
        elif before.connected and not after.connected:
            said, failed = "the connection is lost; it is made again by itself", True
        elif after.connected and not before.connected and before.agent_id:
            said, failed = "connected", False
        elif after.ringing is not None and before.ringing is None:
            tone = after.ringing.record.ring_tone if after.ringing.record is not None else None
            call = f"a call ({tone})" if tone else "a call"
            said, failed = call if self._auto else f"{call} rings: a answers", False
        since = self._wall() if (before.work, before.reason, before.connected) != (after.work, after.reason, after.connected) \
            else self.view.since
        self._show(desk=after, since=since, message=said, failed=failed)
        due = isinstance(cause, DesktopEvent) and cause.name == "ScheduledCall"
        if not self.view.muted and (due or (after.ringing is not None and before.call(after.ringing.conn_id) is None)):
            self._ring()
        if self._auto and after.ringing is not None and before.call(after.ringing.conn_id) is None:
            self.desktop.answer(after.ringing.conn_id).addErrback(self._failed_beside)
        if self.desktop.taken_over:
            self._leave()

    def key(self, key: str) -> None:
        """A key: a character, or one of up, down, enter, escape, backspace, tab, clear."""
        if self.view.dialog is not None:
            self._dialog_key(key)
        elif key == "?":
            self._show(message="help", failed=False)
        elif key == "tab":
            self._show(at=(self.view.at + 1) % max(1, len(self.view.desk.records)))
        elif key == "escape":
            self._show(message="", failed=False)
        elif key in self._commands:
            busy, command = self._commands[key]
            self._do(busy, command())

    def tell(self, text: str, failed: bool = False) -> None:
        """Show the agent a line."""
        self._show(message=text, failed=failed)

    def _show(self, **changes: Any) -> None:
        view = replace(self.view, **changes)
        campaign = view.held.record.campaign_name if view.held is not None else None
        self.view = replace(view, script=self.preparation.script(campaign) if campaign else "",
                            at=min(view.at, max(0, len(view.desk.records) - 1)))
        self._changed()

    # -- doing one thing at a time --------------------------------------------------------------------------------
    def _do(self, busy: str, command: Coroutine[Any, Any, str]) -> None:
        if self._working:
            command.close()
            self._show(message="one thing at a time: the one before is not answered yet", failed=True)
            return
        self._working = True
        self._show(busy=busy)
        done = Deferred.fromCoroutine(command)
        done.addCallbacks(self._done, self._failed)
        done.addErrback(self._bug)

    def _done(self, text: str) -> None:
        self._working = False
        self._show(busy="", message=text, failed=False)

    def _failed(self, failure: Failure) -> None:
        failure.trap(ProtocolError, CancelledError, ValueError, _Nothing)
        self._working = False
        text = "" if failure.check(CancelledError) else failure.getErrorMessage()
        if isinstance(failure.value, RequestRefused):
            text = failure.value.text
        elif isinstance(failure.value, RequestTimedOut):
            text = f"{text}; whether it was done is not known"
        self._show(busy="", dialog=None, message=text, failed=bool(text))

    def _failed_beside(self, failure: Failure) -> None:
        """What was asked for beside a dialog, which goes on."""
        failure.trap(ProtocolError)
        self._show(message=failure.getErrorMessage(), failed=True)

    def _bug(self, failure: Failure) -> None:
        self._working = False
        self.log.failure("a command of the agent", failure)
        self._show(busy="", dialog=None, message=f"something is wrong in this program: {failure.getErrorMessage()}", failed=True)

    # -- dialogs --------------------------------------------------------------------------------------------------
    def _choose(self, title: str, options: tuple[str, ...]) -> Deferred[int]:
        """Fires with the place of the option; CancelledError where the agent leaves it."""
        return self._ask(Choice(title, options))

    def _enter(self, title: str, text: str = "", hint: str = "") -> Deferred[str]:
        """Fires with the text; CancelledError where the agent leaves it."""
        return self._ask(Entry(title, text, hint))

    def _ask(self, dialog: Choice | Entry) -> Deferred[Any]:
        self._answer = Deferred()
        self._show(dialog=dialog, busy="")
        return self._answer

    def _dialog_key(self, key: str) -> None:
        dialog = self.view.dialog
        if key == "escape":
            self._answered(Failure(CancelledError()))
        elif isinstance(dialog, Choice):
            last = len(dialog.options) - 1
            if key in ("up", "down", "tab"):
                step = -1 if key == "up" else 1
                self._show(dialog=replace(dialog, at=(dialog.at + step) % (last + 1)))
            elif key == "enter":
                self._answered(dialog.at)
            elif len(key) == 1 and key in "123456789" and int(key) - 1 <= last:
                self._answered(int(key) - 1)
            elif key == "a" and self.view.desk.ringing is not None:     # nobody waits until an agent has chosen
                self.desktop.answer().addErrback(self._failed_beside)
        elif isinstance(dialog, Entry):
            if key == "enter":
                self._answered(dialog.text.strip())
            elif key == "backspace":
                self._show(dialog=replace(dialog, text=dialog.text[:-1]))
            elif key == "clear":
                self._show(dialog=replace(dialog, text=""))
            elif len(key) == 1 and key.isprintable() and len(dialog.text) < _LONGEST:
                self._show(dialog=replace(dialog, text=dialog.text + key))

    def _answered(self, result: Any) -> None:
        answer, self._answer = self._answer, None
        self._show(dialog=None)
        if answer is not None:
            answer.callback(result)         # a Failure takes the other way

    # -- the agent's state ----------------------------------------------------------------------------------------
    async def _ready(self) -> str:
        unsettled = self.view.desk.unsettled
        if unsettled and await self._choose("A record has no result yet.", ("Settle it first", "Be ready all the same")) == 0:
            return await self._settle()
        await self.desktop.ready()
        return "ready: calls may come"

    async def _not_ready(self) -> str:
        codes = self.preparation.break_codes or _DEFAULT_BREAKS
        reason = codes[await self._choose("Why?", codes)]
        await self.desktop.not_ready(reason)
        return f"not ready: {reason}"

    async def _after_call_work(self) -> str:
        await self.desktop.after_call_work()
        return "after-call work"

    async def _quit(self) -> str:
        desk = self.view.desk
        if desk.calls:
            raise _Nothing("there is a call; hang up first")
        if desk.unsettled and await self._choose("A record has no result yet.", ("Stay", "Leave all the same")) == 0:
            return ""
        coming = [one.name for one in desk.campaigns if one.running and one.attendance is not Attendance.LEFT]
        if coming and desk.connected and desk.work is Work.READY and await self._choose(
                "Calls may be on their way to you.", ("Log out as soon as none is", "Log out now")) == 0:
            asked = [self.desktop.leave_campaign(name) for name in coming]
            gatherResults(asked, consumeErrors=True).addCallbacks(self._may_go, self._may_not_go)
            return "logged out as soon as no call can come"
        return await self._log_out()

    async def _log_out(self) -> str:
        if self.view.desk.calls:
            raise _Nothing("there is a call; hang up first")
        if self.view.desk.connected and self.view.desk.work is not Work.LOGGED_OUT:
            await self.desktop.log_out()
        self._leave()
        return "logged out"

    def _may_go(self, _: object) -> None:
        if self._working:
            self._show(message="no call can come any more: q logs out", failed=False)
        else:
            self._do("leaving", self._log_out())

    def _may_not_go(self, failure: Failure) -> None:
        self._failed_beside(failure.value.subFailure if isinstance(failure.value, FirstError) else failure)

    # -- campaigns ------------------------------------------------------------------------------------------------
    async def _leave_or_come_back(self) -> str:
        campaigns = self.view.desk.campaigns
        if not campaigns:
            raise _Nothing("no campaign is loaded")
        chosen = campaigns[0 if len(campaigns) == 1 else await self._choose("Which campaign?", tuple(
            f"{'Leave' if one.attendance is Attendance.THERE else 'Come back to'} {one.name}" for one in campaigns))]
        if chosen.attendance is Attendance.THERE:
            # what is at hand may have to be settled first, so this is not waited for
            self.desktop.leave_campaign(chosen.name).addErrback(self._failed_beside)
            return f"leaving {chosen.name}"
        await self.desktop.begin_previews(chosen.name)
        return f"back in {chosen.name}"

    async def _mute(self) -> str:
        self._show(muted=not self.view.muted)
        return "calls ring silently" if self.view.muted else "calls ring aloud"

    # -- calls ----------------------------------------------------------------------------------------------------
    async def _answer_call(self) -> str:
        if self.view.desk.ringing is None:
            raise _Nothing("no call rings")
        await self.desktop.answer()
        return "talking"

    async def _hang_up(self) -> str:
        if not self.view.desk.calls:
            raise _Nothing("there is no call")
        await self.desktop.hang_up()
        return "the call is over"

    async def _hold(self) -> str:
        if any(call.phase is Phase.HELD for call in self.view.desk.calls):
            await self.desktop.retrieve()
            return "talking"
        if self.view.desk.talking is None:
            raise _Nothing("nobody is on the line")
        await self.desktop.hold()
        return "on hold; o takes it back"

    async def _dial(self) -> str:
        number = await self._enter("Which number?", hint="+ and the country's code first, as +12125550100")
        if not number:
            return ""
        await self.desktop.dial(number)
        return f"dialing {number}"

    # -- records --------------------------------------------------------------------------------------------------
    def _held(self) -> HeldRecord:
        held = self.view.held
        if held is None:
            raise _Nothing("no record is at hand")
        return held

    async def _next_record(self) -> str:
        campaigns = [one for one in self.view.desk.campaigns if one.running]
        previews = [one for one in campaigns if one.mode == "Preview"] or campaigns
        if not previews:
            raise _Nothing("no campaign runs")
        place = 0 if len(previews) == 1 else await self._choose("Of which campaign?", tuple(one.name for one in previews))
        event = await self._record_of(previews[place].name)
        self._show(at=max(0, len(self.view.desk.records) - 1))
        return f"a record of {event.campaign_name or previews[place].name}: c calls it, j gives it back"

    async def _record_of(self, campaign: str) -> DesktopEvent:
        """Whoever asks for a record wants previews: said where the site wants to be told."""
        try:
            event: DesktopEvent = await self.desktop.next_record(campaign)
        except RequestRefused as error:
            if "PreviewDialingModeStart" not in error.text:
                raise
            await self.desktop.begin_previews(campaign)
            event = await self.desktop.next_record(campaign)
        return event

    async def _call(self) -> str:
        record = self._held().record
        await self.desktop.dial(record.phone or "", record)
        return f"dialing {record.phone}"

    async def _other_number(self) -> str:
        others: list[RecordData] = await self.desktop.chain(self._held().record)
        others = [one for one in others if one.phone]
        if not others:
            raise _Nothing("the contact has no other number")
        record = others[await self._choose("Which number to call?", tuple(str(one.phone) for one in others))]
        await self.desktop.dial(record.phone or "", record)
        return f"dialing {record.phone}"

    async def _reject(self) -> str:
        held = self._held()
        if held.conn_id:
            raise _Nothing("it was dialed already: settle it")
        await self.desktop.reject(held.record)
        return "given back"

    async def _fields(self, record: RecordData) -> dict[str, str | int]:
        """The form of the record's campaign: what was changed."""
        given: dict[str, str | int] = {}
        known = {key: value for key, value in record.fields}
        for name in self.preparation.form(record.campaign_name or ""):
            before = str(known.get(name, ""))
            text = await self._enter(name, before)
            if text != before:
                given[name] = text
        return given

    async def _settle(self) -> str:
        record = self._held().record
        results = self.preparation.dispositions or _DEFAULT_RESULTS
        words, result = results[await self._choose("What came of it?", tuple(words for words, _ in results))]
        fields = await self._fields(record)
        await self.desktop.processed(record, result, fields)
        return f"settled: {words}"

    async def _call_back(self) -> str:
        record = self._held().record
        now, hint = local_now(record, self._wall()), ""
        text = ""
        while True:
            text = await self._enter(f"When, by the customer's clock (now {now:%m/%d/%Y %H:%M})?", text, hint or WHEN_HINT)
            try:
                at = parse_when(text, now)
                break
            except ValueError as error:
                hint = str(error)
        who = await self._choose(f"At {at:%A %m/%d/%Y %H:%M}, by whom?", ("Any agent of the campaign", "Me"))
        fields = await self._fields(record)
        await self._sent_at(record, at, who == 1, fields)
        return f"callback at {at:%m/%d/%Y %H:%M}"

    async def _sent_at(self, record: RecordData, at: datetime, personal: bool, fields: dict[str, str | int]) -> None:
        try:
            await self.desktop.call_back(record, at, personal=personal, fields=fields)
        except RequestRefused as error:
            if error.code == DesktopErrorCode.INVALID_DATE_OR_TIME:
                raise _Nothing(f"{at:%m/%d/%Y %H:%M} cannot be: {error.text}") from None
            raise

    async def _do_not_call(self) -> str:
        record = self._held().record
        meant = await self._choose("Do not call any more:", (
            f"This number, {record.phone}", "Every number of this contact", "Nothing"))
        if meant == 2:
            return ""
        await self.desktop.do_not_call(record, whole_chain=meant == 1)
        return f"{record.phone} is not called any more"


def _of_leaving(event: DesktopEvent) -> str:
    if event.name == "LogOutAcknowledge":
        return f"{event.campaign_name} is left: nothing comes from there any more; l comes back"
    if event.logout_time_s:
        return f"leaving {event.campaign_name}: calls may still come for {event.logout_time_s} s"
    return f"leaving {event.campaign_name}: what is at hand is to be settled first"


class _Nothing(Exception):
    """There is nothing to do it with; the text says what."""
