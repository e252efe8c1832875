from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ocs.app.config import OCSOptions, do_not_call_checks, load_configuration, to_campaign_groups
from ocs.app.service import engine_options
from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.reference import object_reference
from ocs.dialing.actions import TreatmentAction
from ocs.dialing.assignment import AssignmentRules
from ocs.dialing.campaign import AgentGroup, CallbackDialing, CallbackDistribution
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import CallResult, DialingMode, OptimizationMethod
from ocs.dialing.shares import TypePriorities
from ocs.errors import ConfigurationError
from ocs.options import load, sample

ETC = Path(__file__).resolve().parents[2] / "etc"

GOOD = """
[[treatment]]
name = "busy"
dbid = 5
call_result = "Busy"
action = "retry-in"
cycle_attempts = 3
interval_min = 10
increment_min = 0.5
[[calling_list]]
name = "spring"
dbid = 7
maximum_attempts = 4
treatments = ["busy"]
[[agent_group]]
name = "outbound"
dbid = 3
agents = ["1001"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 2
description = "Renewals in spring"
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
mode = "preview"
voice_transfer_destination = "6001"
multiplier = 1.5
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(OCSOptions, tomllib.loads(text))
    return caught.value.problems


def test_the_tables_become_the_engines_campaign_groups() -> None:
    groups = to_campaign_groups(load(OCSOptions, tomllib.loads(GOOD)))
    assert list(groups) == ["renewals@outbound"]
    group = groups["renewals@outbound"]
    assert (group.dbid, group.campaign_dbid, group.mode, group.multiplier) == (9, 2, DialingMode.PREVIEW, 1.5)
    assert group.group == AgentGroup("outbound", 3, ("1001",), ("7001",))
    assert group.campaign_description == "Renewals in spring" and group.voice_transfer_destination == "6001"
    [calling_list] = group.lists
    [treatment] = calling_list.treatments
    assert (calling_list.name, calling_list.dbid, calling_list.maximum_attempts) == ("spring", 7, 4)
    assert (treatment.name, treatment.dbid, treatment.call_result) == ("busy", 5, CallResult.BUSY)
    assert (treatment.action, treatment.interval_s, treatment.increment_s) == (TreatmentAction.RETRY_IN, 600.0, 30.0)
    assert treatment.cycle_attempts == 3


def test_references_to_what_there_is_not_are_all_reported() -> None:
    text = GOOD
    for old, new in (('["busy"]', '["busi", "fax"]'), ('lists = ["spring"]', 'lists = ["fall"]'),
                     ('group = "outbound"', 'group = "inbound"'), ('campaign = "renewals"', 'campaign = "sales"')):
        text = text.replace(old, new)
    assert problems(text) == [
        "calling_list[1].treatments: there is no treatment busi (in calling_list spring)",
        "calling_list[1].treatments: there is no treatment fax (in calling_list spring)",
        "campaign[1].lists: there is no calling list fall (in campaign renewals)",
        "campaign_group[1].campaign: there is no campaign sales (in campaign_group sales@inbound)",
        "campaign_group[1].group: there is no agent group inbound (in campaign_group sales@inbound)",
    ]


def test_names_and_numbers_that_are_given_twice_are_reported() -> None:
    assert problems(GOOD + GOOD) == [
        "treatment: name busy is given 2 times", "treatment: dbid 5 is given 2 times",
        "calling_list: name spring is given 2 times", "calling_list: dbid 7 is given 2 times",
        "agent_group: name outbound is given 2 times", "agent_group: dbid 3 is given 2 times",
        "campaign: name renewals is given 2 times", "campaign: dbid 2 is given 2 times",
        "campaign_group: campaign and group renewals@outbound is given 2 times",
        "campaign_group: dbid 9 is given 2 times",
    ]


def test_two_treatments_of_a_list_at_the_same_place_are_reported() -> None:
    text = GOOD.replace('treatments = ["busy"]', 'treatments = ["busy", "engaged"]') + (
        '[[treatment]]\nname = "engaged"\ndbid = 6\ncall_result = 6\naction = "redial"\n')
    assert problems(text) == ["calling_list[1].treatments: busy and engaged both answer Busy as no. 1"]


@pytest.mark.parametrize("old, new, problem", [
    ('mode = "preview"', 'mode = "power"',
     "campaign_group[1].mode: one of predictive, progressive, preview, progressive-seizing, predictive-seizing, push-preview,"
     " progressive-gvp, predictive-gvp, power-gvp is expected, not 'power'"),
    ('mode = "preview"', 'mode = "progressive-seizing"',
     "campaign_group[1].trunk_group_dn: needed in mode progressive-seizing"),
    ('mode = "preview"', 'mode = "preview"\nassured_connect = true',
     "campaign_group[1].assured_connect: only in progressive and predictive, with a trunk_group_dn or the"
     " CPD Server"),
    ('mode = "preview"', 'mode = "predictive"\noptimization_method = "busy-factor"',
     "campaign_group[1].optimization_goal: 0 is no busy-factor: above 0, at most 100 percent"),
    ('mode = "preview"', 'mode = "predictive"\noptimization_method = "maximum-gain"',
     "campaign_group[1].optimization_method: maximum-gain is for the power modes, which dial as many calls as there are ports"),
    ('mode = "preview"', 'mode = "preview"\nagent_assignment_min_num = 5\nagent_assignment_max_num = 4',
     "campaign_group[1].agent_assignment_max_num: 4 is below agent_assignment_min_num"),
    ("multiplier = 1.5", "minimum_buffer = 7", "campaign_group[1].optimal_buffer: 6 is below minimum_buffer 7"),
    ("interval_min = 10", "", "treatment[1].interval_min: retry-in needs an interval"),
    ('call_result = "Busy"', 'call_result = "bussy"',
     "treatment[1].call_result: the name or number of a CallResult is expected (busy?), not 'bussy'"),
    ("dbid = 9", "", "campaign_group[1].dbid: required, but not given"),
])
def test_a_wrong_campaign_is_named(old: str, new: str, problem: str) -> None:
    assert problems(GOOD.replace(old, new)) == [problem]


@pytest.mark.parametrize("text, problem", [
    ('[database]\nurl = "mysql://ocs@db/ocs"',
     "database.url: 'mysql' is not a database that is supported here; use sqlite:///FILE or postgresql://USER@HOST/NAME"),
    ('[tserver]\npassword = "x"\npassword_file = "y"', "tserver.password: given twice, here and by password_file"),
    ('[tserver]\npassword_file = "/nowhere/y"', "tserver.password_file: cannot read /nowhere/y"),
    ("[tserver]\nreconnect_min_s = 40", "tserver.reconnect_max_s: 30 is below reconnect_min_s 40"),
    ("[manhole]\nenabled = true",
     "manhole.enabled: give password_hash, password_hash_file or authorized_keys, or nobody can log in"),
    ('[manhole]\npassword_hash = "secret"',
     "manhole.password_hash: not an Argon2 hash; `ocs config password` makes one"),
    ('[manhole]\nauthorized_keys = "/nowhere/k"', "manhole.authorized_keys: cannot read /nowhere/k"),
])
def test_a_wrong_server_is_named(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_passwords_are_read_from_their_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    (tmp_path / "ocs.toml").write_text(
        '[tserver]\npassword_file = "secret"\n[manhole]\npassword_hash_file = "secret"\n')
    options = load_configuration(tmp_path / "ocs.toml")
    assert options.tserver.secret == "open sesame" and options.manhole.secret_hash == "open sesame"
    assert load(OCSOptions, {"tserver": {"password": "x"}}).tserver.secret == "x"


def test_every_do_not_call_check_is_on_and_each_can_be_switched_off_by_itself() -> None:
    checks = do_not_call_checks(load(OCSOptions, tomllib.loads(GOOD)))
    assert all(checks.values()) and list(checks) == [
        "dialing.check_dnc_list", "dialing.check_dnc_callback", "campaign_group[renewals@outbound].check_dnc_list",
        "campaign_group[renewals@outbound].check_dnc_callback", "calling_list[spring].check_dnc_list"]
    assert engine_options(OCSOptions()).check_dnc_list and engine_options(OCSOptions()).check_dnc_callback
    for old, name in (("maximum_attempts = 4", "check_dnc_list"), ("multiplier = 1.5", "check_dnc_list"),
                      ("multiplier = 1.5", "check_dnc_callback")):
        options = load(OCSOptions, tomllib.loads(GOOD.replace(old, f"{old}\n{name} = false")))
        off = [one for one, made in do_not_call_checks(options).items() if not made]
        [group] = to_campaign_groups(options).values()
        where = ("calling_list[spring]", group.lists[0]) if "attempts" in old else ("campaign_group[renewals@outbound]", group)
        assert off == [f"{where[0]}.{name}"] and getattr(where[1], name) is False
    for name in ("check_dnc_list", "check_dnc_callback"):
        options = load(OCSOptions, tomllib.loads(f"[dialing]\n{name} = false"))
        assert do_not_call_checks(options)[f"dialing.{name}"] is getattr(engine_options(options), name) is False


def test_a_lists_record_history_has_a_file_of_its_own_and_a_delimiter() -> None:
    text = GOOD.replace('name = "spring"\n', 'name = "spring"\ndial_log_destination = "spring.log"\ndial_log_delimiter = "\\n"\n')
    second = '[[calling_list]]\nname = "fall"\ndbid = 8\ndial_log_destination = "spring.log"\ndial_log_delimiter = "123456789"\n'
    delimiter = "dial_log_delimiter: up to 8 characters are expected, no end of a line among them"
    assert problems(text + second) == [
        f"calling_list[1].{delimiter}", f"calling_list[2].{delimiter}",
        "calling_list[2].dial_log_destination: calling list spring has the same file"]
    [one] = load(OCSOptions, tomllib.loads(text.replace('"\\n"', '"\\t"')), Path("/etc/ocs")).calling_list
    assert (one.dial_log_destination, one.dial_log_delimiter) == (Path("/etc/ocs/spring.log"), "\t")


def test_a_lists_country_of_numbers_is_one_that_there_is() -> None:
    text = GOOD.replace('name = "spring"\n', 'name = "spring"\nphone_region = "XX"\n')
    assert problems(text) == ["calling_list[1].phone_region: 'XX' is not a country code like US, GB, DE"]
    [group] = to_campaign_groups(load(OCSOptions, tomllib.loads(text.replace("XX", "gb")))).values()
    assert group.lists[0].phone_region == "GB"


def test_the_shipped_configuration_is_the_sample_and_loads() -> None:
    from ocs.app.cli.config import SAMPLE_TITLE
    assert (ETC / "ocs.toml").read_text() == sample(OCSOptions, SAMPLE_TITLE)
    assert load_configuration(ETC / "ocs.toml") == load(OCSOptions, {}, ETC)


def test_the_documented_options_are_the_options_there_are() -> None:
    from ocs.app.cli.config import reference
    assert (ETC.parent / "docs" / "configuration.md").read_text() == reference()
    assert (ETC.parent / "docs" / "configuration-objects.md").read_text() == object_reference(VOCABULARY)


def test_every_option_is_read_somewhere() -> None:
    """An option that nobody reads promises what the server does not keep."""
    import re

    from ocs.options import entries
    sources = [path.read_text() for folder in ("ocs", "protocols") for path in (ETC.parent / folder).rglob("*.py")]
    unread = [f"{entry.section}.{entry.name}" for entry in entries(OCSOptions)
              if not any(re.search(rf'\.{entry.name}\b|"{entry.name}"', text) for text in sources)]
    assert unread == []


CALLBACKS = """
[dialing]
personal_callback_wait_min = 3
callback_missed_tolerance_min = 30
callback_answer_min = 1.5
callback_again_min = 4
[[calling_list]]
name = "spring"
dbid = 7
[[calling_list]]
name = "autumn"
dbid = 8
[[agent_group]]
name = "outbound"
dbid = 2
agents = ["1001"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 3
lists = ["spring", "autumn"]
[[campaign.shares]]
list = "autumn"
share = 30
active = false
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 4
voice_transfer_destination = "6001"
default_general_priority = 9
predictive_callback = "preview"
campaign_callback_distr = "original-agent"
callback_observe_group = true
"""


def test_lists_have_shares_and_callbacks_their_rules(tmp_path: Path) -> None:
    path = tmp_path / "ocs.toml"
    path.write_text(CALLBACKS)
    options = load_configuration(path)
    (group,) = to_campaign_groups(options).values()
    assert [(one.name, one.share, one.active) for one in group.lists] == [("spring", 10, True), ("autumn", 30, False)]
    assert group.priorities == TypePriorities(general=9) and group.predictive_callback is CallbackDialing.PREVIEW
    assert group.campaign_callback_distr is CallbackDistribution.ORIGINAL_AGENT
    assert (group.callback_observe_campaign, group.callback_observe_group) == (False, True)
    engine = engine_options(options)
    assert (engine.personal_callback_wait_s, engine.callback_missed_tolerance_s, engine.callback_answer_s,
            engine.callback_again_s) == (180.0, 1_800.0, 90.0, 240.0)


def test_a_campaign_group_says_how_it_is_paced_and_shares_agents(tmp_path: Path) -> None:
    path = tmp_path / "ocs.toml"
    path.write_text(CALLBACKS)
    (plain,) = to_campaign_groups(load_configuration(path)).values()
    assert (plain.pacing, plain.abandon_limit, plain.assignment) == (PacingChoice(), 0.03, AssignmentRules())
    path.write_text(CALLBACKS + """mode = "predictive"
predictive_algorithm = "advanced_small_group"
optimization_method = "overdial-rate"
optimization_goal = 2.5
small_group_size = 20
abandon_limit = 0.05
reserved_agents = 3
auto_completion = true
agent_assignment = true
agent_assignment_priority = 4
agent_assignment_min_num = -1
agent_assignment_max_num = 9
agent_reassignment_if_waiting_records = true
agent_reassignment_if_waiting_records_timeout_s = 15
""")
    (group,) = to_campaign_groups(load_configuration(path)).values()
    assert group.pacing == PacingChoice(Algorithm.ADVANCED_SMALL_GROUP, OptimizationMethod.OVERDIAL_RATE, 2.5, 20)
    assert (group.abandon_limit, group.reserved_agents, group.auto_completion, group.agent_assignment) == (0.05, 3, True, True)
    assert group.assignment == AssignmentRules(4, -1, 9, None, 15.0)


@pytest.mark.parametrize("wrong, problem", [
    ('list = "winter"', "campaign[1].shares[1].list: winter is not one of the campaign's lists"),
    ('list = "spring"\n[[campaign.shares]]\nlist = "spring"', "campaign[1].shares: list spring is given 2 times"),
    ('list = "spring"\nweight = 3', "campaign[1].shares[1].weight: unknown option"),
])
def test_shares_are_of_the_campaigns_own_lists(tmp_path: Path, wrong: str, problem: str) -> None:
    path = tmp_path / "ocs.toml"
    path.write_text(CALLBACKS.replace('list = "autumn"\nshare', wrong + "\nshare"))
    with pytest.raises(ConfigurationError) as error:
        load_configuration(path)
    assert any(problem in each for each in error.value.problems), error.value.problems
