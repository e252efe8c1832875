from __future__ import annotations

from ocs.dialing.compliance.attempts import AttemptBlock, Callee, PastAttempt, attempt_block, past_needed_s
from ocs.dialing.compliance.calls import CallFacts
from ocs.dialing.compliance.rules import AttemptCap, AttemptKey, Category, QuietTime, Rule
from ocs.dialing.jurisdiction import Where
from ocs.dialing.results import CallResult

NOW, HOUR = 1_767_600_000.0, 3600.0
ME = Callee("+13055550001", "spring", 7, "America/New_York")
THREE = Rule("three", "t", "s", "1", caps=(AttemptCap(3, 24 * HOUR),))
OFCOM = Rule("quiet", "t", "s", "1", quiet=(QuietTime(frozenset({Category.ABANDONED}), 72 * HOUR, unless_agent=True),))
LOST = CallFacts(NOW, NOW, None, NOW + 9, CallResult.ABANDONED)


def past(ago_h: float, phone: str = ME.phone, chain_id: int = 7, facts: CallFacts = CallFacts(), guid: str = "",
         table: str = "spring") -> PastAttempt:
    return PastAttempt(guid or f"{phone}/{ago_h}", phone, table, chain_id, NOW - ago_h * HOUR, facts)


def lost(ago_h: float, phone: str = ME.phone) -> PastAttempt:
    at = NOW - ago_h * HOUR - 9
    return past(ago_h, phone, facts=CallFacts(at, at, None, at + 9, CallResult.ABANDONED))


def test_so_many_attempts_in_a_time_are_enough_and_the_oldest_of_them_says_until_when():
    assert attempt_block([THREE], ME, [past(1), past(2)], NOW) is None
    block = attempt_block([THREE], ME, [past(1), past(20), past(2)], NOW)
    assert block == AttemptBlock("three", "3 attempts in 24 hours, by phone", NOW + 4 * HOUR)
    assert attempt_block([THREE], ME, [past(1), past(20), past(2)], block.until) is None
    assert attempt_block([THREE], ME, [past(1), past(20), past(2)], block.until - 1) is not None
    more = attempt_block([THREE], ME, [past(1), past(20), past(2), past(10)], NOW)
    assert more is not None and more.until == NOW + 14 * HOUR       # two of the four must have left


def test_attempts_from_the_future_of_a_clock_that_was_set_back_count():
    assert attempt_block([THREE], ME, [past(-1), past(-2), past(-3)], NOW) is not None


def test_numbers_are_counted_by_themselves_and_contacts_with_all_their_numbers():
    others = [past(1, "+13055550002"), past(2, "+13055550003"), past(3, "+13055550004")]
    assert attempt_block([THREE], ME, others, NOW) is None
    contact = Rule("contact", "t", "s", "1", caps=(AttemptCap(3, 24 * HOUR, AttemptKey.CONTACT),))
    assert attempt_block([contact], ME, others, NOW) is not None
    assert attempt_block([contact], ME, [past(1, table="autumn"), past(2), past(3)], NOW) is None


def test_the_attempt_itself_does_not_count():
    assert attempt_block([THREE], ME, [past(1), past(2), past(0, guid="me")], NOW, own="me") is None


def test_a_number_that_was_abandoned_is_left_alone_for_72_hours_unless_an_agent_is_sure():
    block = attempt_block([OFCOM], ME, [lost(71)], NOW)
    assert block == AttemptBlock("quiet", "72 hours after a call that ended abandoned", NOW + 1 * HOUR)
    assert attempt_block([OFCOM], ME, [lost(72)], NOW) is None
    assert attempt_block([OFCOM], ME, [lost(71)], NOW, agent_sure=True) is None
    assert attempt_block([OFCOM], ME, [lost(71, "+13055550002")], NOW) is None
    assert attempt_block([OFCOM], ME, [past(1)], NOW) is None       # its outcome is not known yet


def test_of_several_rules_the_one_that_forbids_longest_is_told():
    block = attempt_block([THREE, OFCOM], ME, [lost(1), past(2), past(3)], NOW)
    assert block is not None and block.rule == "quiet" and block.until == NOW + 71 * HOUR


def test_a_rule_holds_where_it_says():
    florida = Rule("fl", "t", "s", "1", caps=(AttemptCap(1, 24 * HOUR, where=Where(("US-FL",), ("+1305",))),))
    tried = [past(1), past(1, "+12125550001")]
    assert attempt_block([florida], ME, tried, NOW) is not None
    assert attempt_block([florida], Callee("+12125550001", "spring", 8), tried, NOW) is None
    assert attempt_block([florida], Callee("+12125550001", "spring", 8, region="us-fl"), tried, NOW) is not None
    assert attempt_block([florida], Callee(ME.phone, "spring", 8, region="US-TX"), tried, NOW) is None


def test_no_more_is_asked_of_the_past_than_rules_need():
    assert past_needed_s([]) == 0.0
    assert past_needed_s([THREE, OFCOM]) == 72 * HOUR
