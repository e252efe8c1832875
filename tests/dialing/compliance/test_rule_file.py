from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from phonenumbers import geocoder

from ocs.dialing.compliance.periods import PeriodKind
from ocs.dialing.compliance.rule_file import read_rule
from ocs.dialing.compliance.rules import AttemptKey, Category, Rule, Standing
from ocs.errors import ConfigurationError

RULES = Path(__file__).resolve().parents[3] / "etc" / "rules"
LEAST = {"name": "own", "title": "Ours", "source": "House rule", "version": "1", "abandon": {"limit_percent": 2.0}}


def shipped(name: str) -> Rule:
    return read_rule(tomllib.loads((RULES / f"{name}.toml").read_text(encoding="utf-8")), name)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read_rule({**LEAST, **changes}, "own")
    return list(refused.value.problems)


@pytest.mark.parametrize("path", sorted(RULES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_rule_that_comes_with_the_server_is_read_and_names_its_source_and_version(path: Path):
    rule = shipped(path.stem)
    assert rule.name == path.stem and rule.source and rule.version and rule.title
    assert rule.abandon or rule.caps or rule.quiet or rule.hours


def test_the_federal_rule_of_the_united_states():
    rule = shipped("us-ftc")
    assert rule.abandon is not None and rule.standing is Standing.READ and rule.least_ring_s == 15.0
    assert rule.abandon.limit == pytest.approx(0.03) and rule.abandon.agent_within_s == 2.0
    assert rule.abandon.period.kind is PeriodKind.SUCCESSIVE and rule.abandon.period.length_s == 30 * 86_400
    assert Category.SHORT in rule.abandon.answered and Category.SHORT not in rule.abandon.abandoned
    assert Category.MACHINE not in rule.abandon.answered


def test_the_british_rule_keeps_a_number_quiet_and_the_canadian_one_counts_by_month():
    ofcom, crtc = shipped("uk-ofcom"), shipped("ca-crtc")
    assert [(one.for_s, one.unless_agent) for one in ofcom.quiet] == [(72 * 3600, True), (24 * 3600, True)]
    assert ofcom.abandon is not None and ofcom.abandon.alarm == pytest.approx(0.01) and ofcom.attempts_s == 72 * 3600
    assert crtc.abandon is not None and crtc.abandon.period.kind is PeriodKind.CALENDAR_MONTH
    assert crtc.abandon.limit == pytest.approx(0.05)


def test_attempts_of_debt_collection_are_counted_by_contact():
    (cap,) = shipped("us-reg-f").caps
    assert (cap.most, cap.within_s, cap.key) == (7, 7 * 86_400, AttemptKey.CONTACT)


def test_the_prefixes_of_a_state_are_numbers_of_that_state():
    names = {"FL": "Florida", "OK": "Oklahoma", "MD": "Maryland", "RI": "Rhode Island", "CT": "Connecticut", "NV": "Nevada",
             "LA": "Louisiana", "KY": "Kentucky", "MI": "Michigan", "MN": "Minnesota", "NM": "New Mexico", "AL": "Alabama",
             "MA": "Massachusetts", "MS": "Mississippi"}
    seen = set()
    for name in ("us-fl", "us-ok", "us-md", "us-states"):
        for hours in shipped(name).hours:
            (region,) = hours.where.regions
            seen.add(region)
            assert hours.where.prefixes
            for prefix in hours.where.prefixes:
                number = phonenumbers.parse(f"{prefix}2000000")
                state = region.removeprefix("US-")
                text = geocoder.description_for_number(number, "en")
                assert text == names[state] or text.endswith(f", {state}"), (prefix, text)
    assert seen == {f"US-{state}" for state in names}


def test_what_is_unknown_missing_or_out_of_range_is_named_with_its_field():
    assert problems(limit=3)[0].startswith("limit: unknown option")
    assert problems(abandon={"limit_percent": 120}) == ["abandon.limit_percent: 0 to 99 is expected, not 120"]
    assert problems(abandon={"limit_percent": 3, "zone": "Europe/Atlantis"}) == [
        "abandon.zone: there is no time zone Europe/Atlantis"]
    assert problems(abandon={"limit_percent": 3, "window": "weekly"})[0].startswith("abandon.window: one of rolling, successive")
    assert problems(abandon={"limit_percent": 3, "answered": ["connected", "alive"], "abandoned": ["abandoned"]})[0].startswith(
        "abandon.answered: 'alive' is none of")
    assert "must be among answered" in problems(abandon={"limit_percent": 3, "answered": ["connected"]})[0]
    assert problems(attempts=[{"most": 3}]) == ["attempts[1].within_h: required, but not given"]
    assert problems(attempts=[{"most": 3, "within_h": 24, "prefixes": ["1305"]}]) == [
        "attempts[1].prefixes: + and digits are expected, not '1305'"]
    assert problems(quiet=[{"after": ["never"], "for_h": 72}])[0].startswith("quiet[1].after: 'never' is none of")
    assert problems(hours=[{"hours": ["mon-fri 8-20"]}])[0].startswith("hours[1].hours: 'mon-fri 8-20'")
    assert problems(hours=[{"hours": ["mon-fri 08:00-20:00"], "holidays": "XX"}]) == [
        "hours[1].holidays: no public holidays are known for XX"]
    assert problems(hours=[{"hours": ["mon-fri 08:00-20:00"], "dates": ["24.12."]}]) == [
        "hours[1].dates: a day like 2026-12-24 is expected, not '24.12.'"]
    assert problems(name="other") == ["name: own is expected, as the file is called, not 'other'"]
    assert problems(abandon={})[0].startswith("abandon: the rule says nothing")


def test_every_problem_of_a_file_is_told_at_once():
    found = problems(version="", abandon={"limit_percent": -1}, attempts=[{"most": 0, "within_h": 1}])
    assert [each.partition(":")[0] for each in found] == ["abandon.limit_percent", "attempts[1].most", "version"]
