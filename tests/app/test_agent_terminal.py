"""The workplace in the terminal: what each key asks for, what the agent sees, on a screen of 80 x 24 and on others."""
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput
from twisted.internet.defer import Deferred, fail, succeed

from ocs.app.agent_terminal.application import Terminal
from ocs.app.agent_terminal.screen import Choice, Entry, View, fill_in, render
from ocs.app.agent_terminal.when import parse_when
from ocs.app.agent_terminal.workplace import Workplace
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.model import Attendance, Call, Campaign, Desk, HeldRecord, Origin, Phase, Work
from protocols.desktop.preparation import Preparation
from protocols.desktop.record import RecordData
from protocols.errors import LinkLost, RequestRefused
from protocols.message import Message

WALL = 1_773_160_200.0          # 2026-03-10T16:30Z
RECORD = RecordData(7, 1, "spring", phone="+12125550100", tz_name="America/New_York", tz_offset=-14_400, attempts=1,
                    fields=(("CustomerName", "Ann Example"), ("Age", 40)))
CAMPAIGN = Campaign("spring", 1, "spring@sales", "", "Preview", True)
DESK = Desk("1001", "7001", True, True, Work.NOT_READY, campaigns=(CAMPAIGN,))
PREPARED = Preparation(Message("EventDesktopInfo", 0, {
    "BreakCodes": ["Lunch", "Tea"], "Dispositions": [["Sold", 33], ["Not at home", 7]],
    "Scripts": {"spring": {"Text": "Good morning, {CustomerName}, about your {Contract}.", "Form": ["Remarks"]}}}))


class FakeDesktop:
    """Remembers what it is asked; answers at once unless `reply` is set."""

    taken_over = False

    def __init__(self) -> None:
        self.desk = DESK
        self.asked: list[tuple[Any, ...]] = []
        self.reply: Deferred[Any] | None = None
        self.others: list[RecordData] = []

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any, **keywords: Any) -> Deferred[Any]:
            self.asked.append((name, *arguments, *([keywords] if keywords else [])))
            if self.reply is not None:
                return self.reply
            return succeed(self.others if name == "chain" else DesktopEvent("PreviewRecord", campaign_name="spring"))
        return ask


class World:
    """A workplace at which somebody types."""

    def __init__(self, *records: HeldRecord, calls: tuple[Call, ...] = (), **desk: Any) -> None:
        self.desktop, self.left = FakeDesktop(), 0
        self.desktop.desk = replace(DESK, records=records, calls=calls, **desk)
        self.place = Workplace(self.desktop, lambda: WALL, lambda: None, self._leave)
        self.place.preparation = PREPARED
        self.place.tell("")

    def _leave(self) -> None:
        self.left += 1

    def type(self, *keys: str) -> list[tuple[Any, ...]]:
        """Keys by name; a text in angle brackets is typed. What was asked for so far."""
        for key in keys:
            for each in key[1:-1] if key.startswith("<") else [key]:
                self.place.key(each)
        return self.desktop.asked

    def screen(self, width: int = 80, height: int = 24) -> str:
        return "\n".join(text for _, text in render(self.place.view, WALL, width, height))


def over(origin: Origin = Origin.CALL) -> HeldRecord:
    return HeldRecord(RECORD, origin, "01", True, True)


# -- keys ---------------------------------------------------------------------------------------------------------
def test_ready_and_not_ready_with_a_reason_of_the_site():
    world = World()
    assert world.type("r") == [("ready",)]
    assert world.type("n", "down", "enter")[-1] == ("not_ready", "Tea")
    assert world.type("n", "1")[-1] == ("not_ready", "Lunch")
    assert len(world.type("n", "escape")) == 3 and world.place.view.dialog is None


def test_a_call_is_answered_and_ended():
    world = World(calls=(Call("01", Phase.RINGING, "+12125550100"),))
    assert world.type("a")[-1] == ("answer",)
    world = World(calls=(Call("01", Phase.TALKING),))
    assert world.type("o", "h")[-2:] == [("hold",), ("hang_up",)]
    world = World(calls=(Call("01", Phase.HELD),))
    assert world.type("o")[-1] == ("retrieve",)


def test_a_call_that_rings_is_answered_from_within_a_choice():
    world = World(calls=(Call("01", Phase.RINGING),))
    assert world.type("n", "a") == [("answer",)] and isinstance(world.place.view.dialog, Choice)


@pytest.mark.parametrize("key, words", [
    ("a", "no call rings"), ("h", "no call"), ("o", "nobody"), ("c", "no record"), ("s", "no record"), ("k", "no record"),
    ("x", "no record"), ("j", "no record"), ("t", "no record")])
def test_a_key_with_nothing_to_do_it_with_says_so_and_asks_for_nothing(key, words):
    world = World()
    assert world.type(key) == [] and words in world.place.view.message and world.place.view.failed
    assert words in world.screen()


def test_a_record_is_settled_with_its_form():
    world = World(over())
    assert world.type("s", "2", "< no answer >", "enter") == [("processed", RECORD, 7, {"Remarks": "no answer"})]
    assert "settled: Not at home" in world.screen()


def test_a_field_of_the_form_that_is_left_as_it_was_is_not_sent():
    assert World(over()).type("s", "enter", "enter") == [("processed", RECORD, 33, {})]


def test_a_callback_is_set_in_the_customers_time():
    world = World(over())
    world.type("k", "<yesterday>", "enter")
    assert world.desktop.asked == [] and "no such time" in world.screen()
    world.type("clear", "<tomorrow 10:30>", "enter")
    assert "Wednesday 03/11/2026 10:30" in world.screen()
    asked = world.type("2", "enter")
    assert asked == [("call_back", RECORD, datetime(2026, 3, 11, 10, 30), {"personal": True, "fields": {}})]


def test_do_not_call_asks_how_far_and_can_be_left():
    assert World(over()).type("x", "1") == [("do_not_call", RECORD, {"whole_chain": False})]
    assert World(over()).type("x", "2") == [("do_not_call", RECORD, {"whole_chain": True})]
    assert World(over()).type("x", "3") == [] and World(over()).type("x", "escape") == []


def test_previews_are_asked_for_called_and_given_back():
    world = World(HeldRecord(RECORD, Origin.PREVIEW))
    assert world.type("p", "c", "j") == [("next_record", "spring"), ("dial", "+12125550100", RECORD), ("reject", RECORD)]


def test_where_the_site_wants_to_be_told_that_previews_are_wanted_it_is_told():
    world = World()
    refusals = [RequestRefused(1, "Invalid Request: PreviewDialingModeStart is needed first")]
    world.desktop.next_record = lambda campaign: (      # type: ignore[attr-defined]
        fail(refusals.pop()) if refusals else succeed(DesktopEvent("PreviewRecord", campaign_name=campaign)))
    assert world.type("p") == [("begin_previews", "spring")] and "a record of spring" in world.screen()


def test_another_number_of_the_contact_is_called_as_its_own_record():
    world, other = World(HeldRecord(RECORD, Origin.PREVIEW)), replace(RECORD, record_handle=8, phone="+12125550199")
    world.desktop.others = [other]
    assert world.type("t", "1")[-1] == ("dial", "+12125550199", other)


def test_a_number_is_dialed_by_hand():
    world = World()
    assert world.type("d", "<+1212555017>", "backspace", "<07>", "enter") == [("dial", "+12125550107")]


def test_whoever_gets_ready_or_leaves_with_an_open_record_is_asked():
    world = World(over())
    world.type("r")
    assert isinstance(world.place.view.dialog, Choice) and world.desktop.asked == []
    assert world.type("2") == [("ready",)]
    world = World(over())
    assert world.type("q", "1") == [] and world.left == 0
    assert world.type("q", "2") == [("log_out",)] and world.left == 1


def test_a_campaign_is_left_and_come_back_to_and_what_is_waited_for_is_told():
    world = World()
    world.desktop.reply = Deferred()
    assert world.type("l") == [("leave_campaign", "spring")] and "leaving spring" in world.screen()
    leaving = replace(DESK, campaigns=(replace(CAMPAIGN, attendance=Attendance.LEAVING, leaving_s=95),))
    world.place.desk_changed(DESK, leaving, DesktopEvent("LogOutTime", campaign_name="spring", logout_time_s=95))
    assert "calls may still come for 95 s" in world.screen() and "spring Preview, leaving" in world.screen()
    world.place.desk_changed(leaving, leaving, DesktopEvent("LogOutTime", campaign_name="spring", logout_time_s=0))
    assert "what is at hand is to be settled first" in world.screen()
    left = replace(DESK, campaigns=(replace(CAMPAIGN, attendance=Attendance.LEFT),))
    world.place.desk_changed(leaving, left, DesktopEvent("LogOutAcknowledge", campaign_name="spring"))
    assert "spring is left" in world.screen() and "spring Preview, left" in world.screen()
    world.desktop.reply = None
    assert world.type("l")[1:] == [("begin_previews", "spring")] and "back in spring" in world.screen()


def test_one_of_several_campaigns_is_left_and_a_refusal_is_told():
    other = Campaign("autumn", 1, attendance=Attendance.LEFT)
    world = World(campaigns=(CAMPAIGN, other))
    world.type("l")
    assert isinstance(world.place.view.dialog, Choice)
    assert world.place.view.dialog.options == ("Leave spring", "Come back to autumn")
    world.desktop.reply = leave = Deferred()
    assert world.type("1") == [("leave_campaign", "spring")]
    leave.errback(RequestRefused(4, "Campaign Not Loaded or Not Running"))
    assert world.place.view.failed and "Not Loaded" in world.screen()
    assert World(campaigns=()).type("l") == []


def test_an_agent_who_is_ready_is_logged_out_as_soon_as_no_call_can_come():
    world = World(work=Work.READY)
    world.desktop.reply = leave = Deferred()
    assert world.type("q", "1") == [("leave_campaign", "spring")] and world.left == 0
    world.desktop.reply = None
    leave.callback(DesktopEvent("LogOutAcknowledge", campaign_name="spring"))
    assert world.desktop.asked[1:] == [("log_out",)] and world.left == 1
    world = World(work=Work.READY)
    assert world.type("q", "2") == [("log_out",)] and world.left == 1
    world = World(work=Work.READY, campaigns=(replace(CAMPAIGN, attendance=Attendance.LEFT),))
    assert world.type("q") == [("log_out",)] and world.left == 1
    world = World(work=Work.READY)
    world.desktop.reply = leave = Deferred()
    world.type("q", "1")
    leave.errback(RequestRefused(12, "Agent Not Available: previews were asked for again"))
    assert world.left == 0 and "asked for again" in world.screen()


def test_who_does_something_else_when_no_call_can_come_any_more_is_told():
    world = World(over(), work=Work.READY)
    world.desktop.reply = leave = Deferred()
    world.type("q", "2", "1", "s")
    leave.callback(DesktopEvent("LogOutAcknowledge", campaign_name="spring"))
    world.type("escape")
    assert world.left == 0 and world.desktop.asked == [("leave_campaign", "spring")]


def test_nobody_leaves_in_a_call():
    world = World(calls=(Call("01", Phase.TALKING),))
    assert world.type("q") == [] and world.left == 0 and "hang up first" in world.screen()


def test_what_is_refused_is_told_in_its_words():
    world = World(over())
    world.desktop.reply = fail(RequestRefused(8, "Invalid Date or Time: GSW_DATE_TIME is in the past"))
    world.type("k", "<01/01/2020 10:00>", "enter", "1", "enter")
    assert "in the past" in world.screen() and world.place.view.failed
    world.desktop.reply = fail(LinkLost("RequestAgentReady: no connection"))
    world.type("r", "2")
    assert "no connection" in world.screen()


def test_while_one_request_is_not_answered_another_is_not_made():
    world = World()
    world.desktop.reply = Deferred()
    world.type("r", "r")
    assert len(world.desktop.asked) == 1 and world.place.view.failed
    world.desktop.reply.callback(None)
    assert "ready: calls may come" in world.screen()


# -- what is seen -------------------------------------------------------------------------------------------------
def test_the_screen_shows_state_call_record_and_script():
    world = World(replace(over(), over=False), calls=(Call("01", Phase.TALKING, "+12125550100"),), work=Work.READY)
    screen = world.screen()
    for wanted in ("1001 at 7001", "READY", "spring Preview", "TALKING  +12125550100", "Ann Example", "Tue 12:30",
                   "America/New_York", "Good morning, Ann Example, about your {Contract}.", "s settle"):
        assert wanted in screen, wanted


def test_every_key_is_on_a_screen_of_80_columns_and_explained_in_the_help():
    world = World()
    hints = world.screen()
    world.type("?")
    for key in "rnwahodpctjskxlmq":
        assert f" {key} " in hints.replace("\n", " ") and f"{key}  " in world.screen(), key
    assert "? help" in hints


def test_news_are_told():
    world = World()
    ringing = replace(DESK, calls=(Call("01", Phase.RINGING),))
    world.place.desk_changed(DESK, ringing, Message("EventRinging"))
    assert "a call rings" in world.screen()
    world.place.desk_changed(ringing, replace(DESK, connected=False), None)
    assert "NO CONNECTION" in world.screen() and world.place.view.failed
    world.place.desk_changed(DESK, DESK, DesktopEvent("ScheduledCall", campaign_name="spring"))
    assert "a callback is due: spring" in world.screen()


def test_a_call_that_rings_is_heard_with_its_tone_shown_unless_it_is_muted():
    world, heard = World(), list[str]()
    world.place = Workplace(world.desktop, lambda: WALL, lambda: None, world._leave, ring=lambda: heard.append("ring"))
    toned = replace(RECORD, ring_tone="vip", cpn_digits="+12125550199")
    ringing = replace(DESK, calls=(Call("01", Phase.RINGING, "+12125550100", user_data=toned.pairs()),),
                      records=(HeldRecord(toned, Origin.CALL, "01"),))
    world.place.desk_changed(DESK, ringing, Message("EventRinging"))
    world.place.desk_changed(ringing, ringing, Message("EventAttachedDataChanged"))
    assert heard == ["ring"] and "(tone vip)" in world.screen() and "a call (vip) rings: a answers" in world.screen()
    assert "shown as the caller +12125550199" in world.screen()
    world.place.desk_changed(DESK, DESK, DesktopEvent("ScheduledCall", campaign_name="spring"))
    assert heard == ["ring"] * 2
    world.type("m")
    world.place.desk_changed(DESK, ringing, Message("EventRinging"))
    assert len(heard) == 2 and "(tone vip)  muted" in world.screen()
    world.type("m")
    world.place.desk_changed(DESK, ringing, Message("EventRinging"))
    assert len(heard) == 3
    world.place.desk_changed(ringing, replace(ringing, calls=(replace(ringing.calls[0], phase=Phase.TALKING),)),
                             Message("EventEstablished"))
    assert len(heard) == 3 and "tone" not in world.screen()


def test_the_terminal_rings_its_bell():
    done, world = list[str](), World()

    class Bell(DummyOutput):
        def bell(self) -> None:
            done.append("bell")

        def flush(self) -> None:
            done.append("flush")

    place = Terminal(lambda changed, leave, ring: Workplace(world.desktop, lambda: WALL, changed, leave, ring=ring), lambda: WALL,
                     DummyInput(), Bell()).workplace
    place.desk_changed(DESK, replace(DESK, calls=(Call("01", Phase.RINGING),)), Message("EventRinging"))
    assert done.count("bell") == 1 and done[done.index("bell") + 1] == "flush"


def test_calls_are_taken_as_they_ring_where_the_agent_wants_it():
    world, ringing = World(), replace(DESK, calls=(Call("01", Phase.RINGING),))
    world.place = Workplace(world.desktop, lambda: WALL, lambda: None, world._leave, auto_answer=True)
    world.place.desk_changed(DESK, ringing, Message("EventRinging"))
    world.place.desk_changed(ringing, replace(ringing, reason="x"), None)
    assert world.desktop.asked == [("answer", "01")]


def test_a_desktop_that_was_taken_over_leaves():
    world = World()
    world.desktop.taken_over = True
    world.place.desk_changed(DESK, replace(DESK, connected=False), None)
    assert world.left == 1


DIALOGS = [None, Choice("?", tuple("abcdefghijkl"), 11), Entry("?", "x" * 300)]


@given(st.integers(1, 200), st.integers(1, 60), st.sampled_from(DIALOGS), st.text(max_size=400),
       st.lists(st.tuples(st.text(max_size=40), st.text(max_size=200)), max_size=40))
def test_whatever_there_is_the_screen_keeps_its_size_and_no_text_moves_the_cursor(width, height, dialog, script, fields):
    record = replace(RECORD, fields=tuple(fields))
    calls = (Call("1", Phase.HELD, script),) * 5
    desk = replace(DESK, records=(HeldRecord(record, Origin.CALL),), reason=script[:50], calls=calls)
    lines = render(View(desk, script=script, dialog=dialog, message=script), WALL, width, height)
    assert len(lines) <= height and (height < 12 or len(lines) == height)
    assert all(len(text) <= width and text.isprintable() for _, text in lines)


def test_a_script_is_filled_in_with_what_the_record_has():
    assert fill_in("{CustomerName}, {GSW_PHONE}, {Unknown}", RECORD) == "Ann Example, +12125550100, {Unknown}"


@pytest.mark.parametrize("text, moment", [
    ("10:30", (2026, 3, 11, 10, 30)), ("13:00", (2026, 3, 10, 13, 0)), ("today 10:30", (2026, 3, 10, 10, 30)),
    ("tomorrow 9:05", (2026, 3, 11, 9, 5)), ("+90m", (2026, 3, 10, 14, 0)), ("+2h", (2026, 3, 10, 14, 30)),
    ("+3d", (2026, 3, 13, 12, 30)), ("+3d 10:30", (2026, 3, 13, 10, 30)), ("3/9/26 8:00", (2026, 3, 9, 8, 0))])
def test_times_are_read_as_people_write_them(text, moment):
    assert parse_when(text, datetime(2026, 3, 10, 12, 30, 15)) == datetime(*moment)


@pytest.mark.parametrize("text", ["", "soon", "25:00", "+5x", "13/13/2026 10:00", "+9999d 99:00", "10.30"])
def test_what_is_no_time_is_refused_with_what_is_one(text):
    with pytest.raises(ValueError, match="no such time"):
        parse_when(text, datetime(2026, 3, 10, 12, 30))
