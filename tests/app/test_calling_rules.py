"""Calling rules in the configuration: what holds for which list and group, and how mistakes are named."""
from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ocs.app.calling_rules import rules_named, the_rules
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.dialing.campaign import CampaignGroup
from ocs.errors import ConfigurationError
from ocs.options import load

OWN = """
name = "own"
title = "Our own"
source = "House rule 7"
version = "1"
[abandon]
limit_percent = 1.0
"""


def text(group: str = "", listed: str = "", more: str = "") -> str:
    return f"""
[[calling_list]]
name = "spring"
dbid = 7
hours = ["mon-fri 09:00-20:00"]
{listed}
[[calling_list]]
name = "autumn"
dbid = 8
[[agent_group]]
name = "outbound"
dbid = 3
agents = ["1001"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 2
lists = ["spring", "autumn"]
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
voice_transfer_destination = "6001"
{group}
{more}
"""


def group_of(configured: str, folder: Path | None = None) -> CampaignGroup:
    (group,) = to_campaign_groups(load(OCSOptions, tomllib.loads(configured), folder)).values()
    return group


def problems(configured: str, folder: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(OCSOptions, tomllib.loads(configured), folder)
    return caught.value.problems


def test_rules_of_the_group_hold_for_all_its_lists_and_those_of_a_list_for_its_records() -> None:
    group = group_of(text('rules = ["us-ftc"]\ndetection_error_percent = 4\nundetected_machine_percent = 20',
                          'rules = ["us-fl", "us-ftc"]\nregion_field = "state"'))
    spring, autumn = group.lists
    assert [rule.name for rule in group.rules] == ["us-ftc", "us-fl"]
    assert [rule.name for rule in spring.rules] == ["us-fl", "us-ftc"] and [rule.name for rule in autumn.rules] == ["us-ftc"]
    assert [one.rule for one in spring.windows.rules] == ["us-fl", "us-ftc"] and spring.windows.region_field == "state"
    assert [rule.name for rule in spring.attempt_rules] == ["us-fl"] and autumn.attempt_rules == ()
    assert (group.detection_error, group.undetected_machine) == (0.04, 0.2)


def test_without_rules_nothing_is_different() -> None:
    group = group_of(text())
    assert group.rules == () and all(one.windows.rules == () and one.rules == () for one in group.lists)


def test_a_rule_that_there_is_not_is_named_with_the_one_that_was_meant() -> None:
    assert problems(text('rules = ["us-fct"]', 'rules = ["moon"]')) == [
        "calling_list[1].rules: there is no rule moon (in calling_list spring); there are au-standard, ca-crtc, uk-ofcom, us-fcc,"
        " us-fl, us-ftc, us-md, us-ok, us-reg-f, us-states",
        "campaign_group[1].rules: there is no rule us-fct (in campaign_group renewals@outbound) (us-ftc?)"]


def test_a_group_that_gives_up_too_soon_for_a_rule_is_refused() -> None:
    (problem,) = problems(text('rules = ["us-ftc"]\nring_timeout_s = 12'))
    assert problem == "campaign_group[1].ring_timeout_s: 12 s, but by rule us-ftc a phone rings 15 s at least"
    (of_the_list,) = problems(text("ring_timeout_s = 12", 'rules = ["us-ftc"]'))
    assert of_the_list == problem


def test_a_request_of_several_calls_is_refused_where_attempts_are_counted() -> None:
    obn = """mode = "power-gvp"
obn = true
ivr_profile = "survey"
maximum_queue_size = 5
trunk_group_dn = "6800"
rules = ["us-reg-f"]"""
    more = '[obn]\nenabled = true\n[http_server]\nenabled = true\n'
    found = problems(text(obn, more=more))
    assert "campaign_group[1].dialer_num_attempts: 3, but rule us-reg-f counts attempts: 1 is expected, so that a request is one"\
        in found


def test_rules_of_ones_own_are_read_from_a_folder_and_may_take_the_place_of_others(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "us-ftc.toml").write_text(OWN.replace('"own"', '"us-ftc"'))
    group = group_of(text('rules = ["own", "us-ftc"]', more='[compliance]\nrules_directory = "."'), tmp_path)
    assert [(rule.source, rule.abandon.limit) for rule in group.rules if rule.abandon] == [("House rule 7", 0.01)] * 2
    (tmp_path / "own.toml").write_text(OWN.replace("1.0", "2.50"))
    assert rules_named(["own"], tmp_path)[0].abandon.limit == 0.025      # type: ignore[union-attr]


def test_files_that_cannot_be_read_are_told_with_the_file_and_the_field(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace("limit_percent = 1.0", "limit_percent = 200\nzone = 'Mars'"))
    (tmp_path / "broken.toml").write_text("name = ")
    found = problems(text(more='[compliance]\nrules_directory = "."'), tmp_path)
    assert [one.replace(str(tmp_path), "DIR") for one in found] == [
        "compliance.rules_directory: DIR/broken.toml: not valid TOML: Invalid value (at end of document)",
        "compliance.rules_directory: DIR/own.toml: abandon.limit_percent: 0 to 99 is expected, not 200",
        "compliance.rules_directory: DIR/own.toml: abandon.zone: there is no time zone Mars"]
    (missing,) = problems(text(more='[compliance]\nrules_directory = "nowhere"'), tmp_path)
    assert missing == f"compliance.rules_directory: cannot read {tmp_path / 'nowhere'}"


def test_a_rule_whose_file_has_gone_is_a_mistake_and_not_no_rule(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    configured = text('rules = ["own"]', more='[compliance]\nrules_directory = "."')
    options = load(OCSOptions, tomllib.loads(configured), tmp_path)
    (tmp_path / "own.toml").unlink()
    with pytest.raises(ConfigurationError, match="there is no rule own"):
        to_campaign_groups(options)


def test_the_rules_that_come_with_the_server_are_found() -> None:
    shelf = the_rules()
    assert {"us-ftc", "uk-ofcom", "ca-crtc"} <= set(shelf.rules) and shelf.problems == ()
