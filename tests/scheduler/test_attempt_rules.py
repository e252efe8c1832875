"""Attempts and hours under calling rules: before every dial, whoever dials, and whoever has dialed before."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.dialing.checks import Refusal
from ocs.dialing.compliance.rules import AttemptCap, AttemptKey, Category, QuietTime, Rule
from ocs.dialing.jurisdiction import Where
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.values import Attempt, AttemptState, ChainSave, Record
from ocs.dialing.windows import ListWindows, RuleHours, parse_hours
from ocs.store.memory import MemoryStore
from tests.doubles.clock import VirtualClock, epoch
from tests.scheduler.bench import FIELDS, PREVIEW, Bench, chain, one, record

HOUR = 3_600.0
THREE_A_DAY = Rule("three", "t", "s", "1", caps=(AttemptCap(3, 24 * HOUR),))
ONE_A_DAY_BY_CONTACT = Rule("contact", "t", "s", "1", caps=(AttemptCap(1, 24 * HOUR, AttemptKey.CONTACT),))
QUIET = Rule("quiet", "t", "s", "1", quiet=(QuietTime(frozenset({Category.ABANDONED}), 72 * HOUR, unless_agent=True),))


def attempt(guid: str, at: float, phone: str = "+12125550001", table: str = "another", **values: Any) -> Attempt:
    """By somebody else, on a record of another table."""
    values = {"state": AttemptState.CLOSED, "call_result": CallResult.NO_ANSWER, **values}
    return Attempt(guid, table, 900, 900, 0, phone, 1, "autumn", "sales", "elsewhere", at, **values)


class Ruled(Bench):
    """A bench whose list has rules; `past` are attempts, their times in hours ago."""

    def __init__(self, *rules: Rule, records: list[Record] | None = None, past: tuple[Attempt, ...] = (),
                 windows: ListWindows = ListWindows(), **group: Any) -> None:
        clock, store = VirtualClock(), MemoryStore()
        store.add_list("list", one() if records is None else records, FIELDS)
        made = [self._dated(each, clock.wall()) for each in past]
        self.wait(store.save(ChainSave("", attempts=tuple(made))))
        super().__init__(store=store, clock=clock, calling_list={"rules": rules, "windows": windows}, **group)

    @staticmethod
    def _dated(past: Attempt, now: float) -> Attempt:
        """Its times, which are hours ago, as instants; it ended 9 s after the answer."""
        if past.answered_at is None:
            return replace(past, opened_at=now - past.opened_at * HOUR)
        at = now - past.answered_at * HOUR
        return replace(past, opened_at=at, answered_at=at, cpd_completed_at=at, ended_at=at + 9)

    @property
    def reasons(self) -> dict[str, int]:
        return dict(self.session.tally.total)


def tried(*hours_ago: float, phone: str = "+12125550001") -> tuple[Attempt, ...]:
    return tuple(attempt(f"past {n}", ago, phone) for n, ago in enumerate(hours_ago))


def lost(hours_ago: float) -> Attempt:
    return attempt("lost", hours_ago, answered_at=hours_ago, cpd_completed_at=hours_ago, ended_at=hours_ago,
                   call_result=CallResult.ABANDONED)


def test_a_number_that_others_have_dialed_often_enough_waits_in_the_list_until_it_may_be_dialed_again():
    bench = Ruled(THREE_A_DAY, past=tried(1, 2, 20))
    bench.ready("7001")
    assert bench.switch.dialed == [] and bench.attempts(1) == []
    assert bench.reasons == {"not yet again, by a rule: three, 3 attempts in 24 hours, by phone": 1}
    assert bench.session.refusals[Refusal.ATTEMPT_RULE] == 1
    waits = bench.record()
    assert (waits.record_status, waits.record_type) == (RecordStatus.READY, RecordType.GENERAL)
    assert waits.dial_sched_time == bench.clock.wall() + 4 * HOUR
    bench.pass_(4 * HOUR - 30, step=10.0)
    assert bench.switch.dialed == []
    bench.pass_(60)
    assert bench.switch.numbers == ["+12125550001"]


def test_one_attempt_less_and_the_number_is_dialed():
    bench = Ruled(THREE_A_DAY, past=tried(1, 25, 2))
    bench.ready("7001")
    assert len(bench.switch.dialed) == 1 and bench.reasons == {}


def test_our_own_attempts_count_and_so_does_a_retry_in_memory():
    bench = Ruled(THREE_A_DAY, past=tried(1, 2), treatments=(), records=one(), maximum_attempts=100)
    bench.ready("7001")
    bench.switch.over(bench.switch.dialed[-1].conn_id, call_state=6)
    bench.pass_(0)
    assert len(bench.switch.dialed) == 1
    busy = Ruled(THREE_A_DAY, past=tried(1, 2))         # the bench's list retries busy numbers after 5 minutes
    busy.ready("7001")
    busy.switch.over(busy.switch.dialed[-1].conn_id, call_state=6)
    busy.pass_(310)
    assert len(busy.switch.dialed) == 1
    assert list(busy.reasons) == ["not yet again, by a rule: three, 3 attempts in 24 hours, by phone"]
    assert busy.record().record_status is RecordStatus.READY
    assert busy.record().dial_sched_time is not None and busy.record().dial_sched_time > busy.clock.wall() + 21 * HOUR


def test_another_number_of_the_contact_is_dialed_instead_but_for_a_rule_about_contacts():
    bench = Ruled(THREE_A_DAY, past=tried(1, 2, 3), records=chain(1, 2))
    bench.ready("7001")
    assert bench.switch.numbers == ["+12125550002"]
    contacts = Ruled(ONE_A_DAY_BY_CONTACT, records=chain(1, 2),
                     past=(replace(attempt("mine", 2.0, "+12125550002", "list"), record_id=2, chain_id=1),))
    contacts.ready("7001")
    assert contacts.switch.dialed == []
    assert {each.record_status for each in contacts.records().values()} == {RecordStatus.READY, RecordStatus.CHAIN_READY}
    (due,) = [each.dial_sched_time for each in contacts.records().values() if each.dial_sched_time is not None]
    assert due == contacts.clock.wall() + 22 * HOUR


def test_an_abandoned_number_is_left_alone_for_72_hours_unless_an_agent_is_sure_to_be_there():
    automatic = Ruled(QUIET, past=(lost(71.0),))
    automatic.ready("7001")
    assert automatic.switch.dialed == []
    assert list(automatic.reasons) == ["not yet again, by a rule: quiet, 72 hours after a call that ended abandoned"]
    over = Ruled(QUIET, past=(lost(72.1),))
    over.ready("7001")
    assert len(over.switch.dialed) == 1
    preview = Ruled(QUIET, past=(lost(1.0),), mode=PREVIEW)
    preview.ready("7001")
    asked = preview.tell("7001", "PreviewRecordRequest")
    preview.pass_(0)
    assert [each.name for each in preview.answers(asked)] == ["PreviewRecord"]
    capped = Ruled(THREE_A_DAY, past=tried(1, 2, 3), mode=PREVIEW)
    capped.ready("7001")
    assert capped.ask("7001", "PreviewRecordRequest").name == "PreviewRecordEmpty" and capped.attempts(1) == []
    assert sum(capped.reasons.values()) == 1


def test_callbacks_are_held_back_too_and_one_that_an_agent_dials_has_its_agent():
    due = int(VirtualClock().wall()) - 60
    callback = {"record_type": RecordType.CAMPAIGN_CALLBACK, "dial_sched_time": due}
    automatic = Ruled(QUIET, past=(lost(1.0),), records=one(**callback))
    automatic.ready("7001")
    automatic.pass_(20)
    assert automatic.switch.dialed == [] and automatic.record().record_type is RecordType.CAMPAIGN_CALLBACK
    assert automatic.record().dial_sched_time == automatic.clock.wall() - 20 + 71 * HOUR + 9
    personal = {"record_type": RecordType.PERSONAL_CALLBACK, "dial_sched_time": due, "agent_id": "1001"}
    delivered = Ruled(QUIET, past=(lost(1.0),), records=one(**personal))
    delivered.ready("7001")
    delivered.pass_(20)
    assert "ScheduledCall" in delivered.news("7001")
    held_back = Ruled(THREE_A_DAY, past=tried(1, 2, 3), records=one(**personal))
    held_back.ready("7001")
    held_back.pass_(20)
    assert "ScheduledCall" not in held_back.news("7001") and held_back.attempts(1) == []
    assert held_back.record().agent_id == "1001" and held_back.record().record_type is RecordType.PERSONAL_CALLBACK


def test_whoever_commits_an_attempt_first_is_seen_by_whoever_looks_then():
    bench = Ruled(THREE_A_DAY, past=tried(1, 2))
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    assert bench.switch.dialed == []                    # checked, its row is being written
    bench.wait(bench.memory.save(ChainSave("", attempts=(attempt("theirs", bench.clock.wall(), state=AttemptState.OPEN),))))
    bench.store.release()
    bench.pass_(0)
    assert bench.switch.dialed == []
    (own,) = bench.attempts(1)
    assert own.state is AttemptState.NOT_DIALED
    assert bench.record().record_status is RecordStatus.READY and sum(bench.reasons.values()) == 1


def test_the_looks_of_a_moment_share_one_query():
    bench = Ruled(THREE_A_DAY, records=[record(n) for n in range(1, 41)])
    before = len(bench.store.of("past_attempts"))
    assert 1 <= before <= 2                             # at the retrieval, for all that came
    bench.ready("7001", "7002", "7003", "7004")
    assert len(bench.switch.dialed) == 4
    assert len(bench.store.of("past_attempts")) <= before + 6


def test_without_rules_about_attempts_nobody_is_asked():
    bench = Ruled()
    bench.ready("7001")
    assert len(bench.switch.dialed) == 1 and bench.store.of("past_attempts") == []


def test_while_the_database_is_away_we_go_by_what_was_read_and_by_what_we_dial_ourselves(logged):
    two = [record(1), replace(record(2), contact_info="+12125550001")]
    bench = Ruled(Rule("once", "t", "s", "1", caps=(AttemptCap(1, 24 * HOUR),)), records=two)
    bench.store.failing.add("past_attempts")
    bench.ready("7001", "7002")
    assert bench.switch.numbers == ["+12125550001"]
    assert list(bench.reasons) == ["not yet again, by a rule: once, 1 attempts in 24 hours, by phone"]
    assert len([text for text in logged.texts() if "what others have dialed is not known" in text]) == 1


def test_a_dial_does_not_wait_for_ever_for_a_database_that_does_not_answer():
    bench = Ruled(THREE_A_DAY)
    bench.store.held.add("past_attempts")
    bench.ready("7001")
    bench.pass_(4)
    assert bench.switch.dialed == [] and bench.session.under_way == 1
    bench.pass_(2)
    assert len(bench.switch.dialed) == 1
    bench.store.release()
    bench.pass_(0)
    assert len(bench.switch.dialed) == 1


def test_an_attempt_that_was_not_dialed_after_all_does_not_count():
    bench = Ruled(Rule("once", "t", "s", "1", caps=(AttemptCap(1, 24 * HOUR),)))
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    bench.session.pause()
    bench.store.release()
    bench.pass_(0)
    assert bench.switch.dialed == [] and bench.attempts(1)[0].state is AttemptState.NOT_DIALED
    bench.store.held.clear()
    bench.session.resume()
    bench.pass_(5)
    assert len(bench.switch.dialed) == 1


def test_hours_of_a_rule_hold_back_what_the_lists_own_would_let_through_and_are_named():
    # the bench's clock shows 12:30 in New York
    state = RuleHours("us-xx", parse_hours(["mon-fri 13:00-20:00"]), where=Where(("US-XX",), ("+1212",)))
    federal = RuleHours("us-ftc", parse_hours(["mon-sun 08:00-21:00"]))
    bench = Ruled(windows=ListWindows(rules=(federal, state)))
    bench.ready("7001")
    assert bench.switch.dialed == [] and bench.reasons == {"outside the calling hours of a rule: us-xx": 1}
    assert bench.session.refusals[Refusal.CALLING_HOURS] == 1
    assert bench.record().dial_sched_time == epoch("2026-03-10T13:00-04:00")
    bench.pass_(31 * 60, step=10.0)
    assert len(bench.switch.dialed) == 1
    elsewhere = Ruled(windows=ListWindows(rules=(federal, replace(state, where=Where(prefixes=("+1305",))))))
    elsewhere.ready("7001")
    assert len(elsewhere.switch.dialed) == 1


def test_a_rule_about_hours_that_holds_for_everybody_in_a_zone_closes_it_for_retrieval():
    bench = Ruled(windows=ListWindows(rules=(RuleHours("late", parse_hours(["mon-sun 13:00-20:00"])),)))
    bench.ready("7001")
    assert bench.switch.dialed == [] and bench.reasons == {}
    assert bench.record().record_status is RecordStatus.READY and bench.record().dial_sched_time is None
    bench.pass_(31 * 60, step=10.0)
    assert len(bench.switch.dialed) == 1


def test_an_assured_agent_is_a_sure_one():
    bench = Ruled(QUIET, past=(lost(1.0),), mode=DialingMode.PROGRESSIVE, assured_connect=True, trunk_group_dn="6800")
    bench.ready("7001")
    bench.pass_(5)
    assert bench.reasons == {} and bench.record().record_status is RecordStatus.RETRIEVED
