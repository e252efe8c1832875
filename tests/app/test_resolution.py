"""What objects mean to one server: its tables as a file would have them, options looked up in the public order."""
from __future__ import annotations

import dataclasses
import tomllib
import typing
from enum import Enum
from pathlib import Path
from typing import Any, Iterator

import pytest

from ocs.app.campaigns import CampaignGroupOptions
from ocs.app.config import DialingOptions, OCSOptions, do_not_call_checks, to_campaign_groups
from ocs.app.object_checks import configuration_problems
from ocs.app.resolution import outbound_servers, server_tables
from ocs.app.vocabulary import TABLES, VOCABULARY
from ocs.configuration.document import read_document
from ocs.configuration.plan import planned
from ocs.dialing.campaign import GroupKind
from ocs.errors import ConfigurationError
from ocs.options import enum_word, load
from tests.app.test_config import GOOD

ETC = Path(__file__).resolve().parents[2] / "etc"
RICH = """
[dialing]
stale_clean_timeout_min = 5
cancel_on_desktop = false
customer_id_field = "customer"
[[sql_statement]]
name = "note"
statement = "UPDATE crm SET result = :call_result"
[[http_request]]
name = "tell"
uri = "https://crm.example/{GSW_CHAIN_ID}"
method = "put"
header = [{name = "X-Key", value = "s3cret"}]
[[treatment]]
name = "busy"
dbid = 1
call_result = "busy"
action = "retry-in"
interval_min = 2.5
increment_min = 1
cycle_attempts = 3
[[treatment]]
name = "machine"
dbid = 2
call_result = "answering-machine-detected"
action = "none"
call_action = "transfer"
destination_dn = "6500"
[[treatment]]
name = "promise"
dbid = 3
disposition = "promised"
action = "reschedule"
date_time = "2027-12-24T10:00"
[[treatment]]
name = "noted"
dbid = 4
call_result = "no-answer"
action = "execute-sql"
execute_sql = "note"
[[holiday_calendar]]
name = "us"
country = "US"
zones = ["America/*"]
closed_days = ["12-24"]
open_days = ["2026-10-12"]
[[dialing_filter]]
name = "promising"
criteria = "attempt < 3"
criteria1 = "AND record_id > 5"
order_by = "record_id DESC"
[[calling_list]]
name = "spring"
dbid = 7
maximum_attempts = 4
treatments = ["busy", "machine", "promise", "noted"]
disposition_field = "outcome"
hours = ["mon-fri 08:00-20:00"]
holiday_calendars = ["us"]
filter = "promising"
record_processed = true
check_dnc_list = false
[[calling_list]]
name = "autumn"
dbid = 8
criteria = "attempt = 0"
[[agent_group]]
name = "outbound"
dbid = 3
agents = ["1001", "1002"]
dns = ["7002", "7001"]
[[agent_group]]
name = "desks"
dbid = 4
kind = "places"
agents = ["1003"]
dns = ["7003"]
[[campaign]]
name = "renewals"
dbid = 2
description = "Renewals"
lists = ["autumn", "spring"]
[[campaign.shares]]
list = "spring"
share = 30
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
mode = "progressive"
voice_transfer_destination = "6001"
trunk_group_dn = "6800"
multiplier = 1.5
maximum_ports = 12
minimum_buffer = 2.5
default_general_priority = 9
campaign_callback_distr = "original-agent"
check_dnc_callback = false
[[campaign_group]]
campaign = "renewals"
group = "desks"
dbid = 10
record_processed = true
mode = "preview"
voice_transfer_destination = "6001"
"""


def objects_of(text: str) -> Any:
    objects = planned({}, read_document(tomllib.loads(text), VOCABULARY))
    assert configuration_problems(objects) == []
    return objects


def served(objects: Any, name: str = "ocs") -> OCSOptions:
    return load(OCSOptions, server_tables(objects, name).mapping)


@pytest.mark.parametrize("text", [GOOD, RICH])
def test_a_server_works_with_the_database_as_it_did_with_the_file(text: str) -> None:
    own, from_database = load(OCSOptions, tomllib.loads(text)), served(objects_of(text))
    assert to_campaign_groups(from_database) == to_campaign_groups(own)
    assert from_database.dialing == own.dialing and from_database.application == own.application
    assert do_not_call_checks(from_database) == do_not_call_checks(own)
    for name in ("sql_statement", "http_request"):
        assert getattr(from_database, name) == getattr(own, name)
    assert from_database.agent_group[-1].kind is own.agent_group[-1].kind


def others(kind: type) -> Iterator[tuple[str, Any]]:
    """For each option of a table another value than its default."""
    for field, hint in ((each, typing.get_type_hints(kind)[each.name]) for each in dataclasses.fields(kind)):
        rule, default = field.metadata.get("rule"), field.default
        if rule is None or default is dataclasses.MISSING or field.name == "dbid":
            continue
        if isinstance(default, bool):
            yield field.name, not default
        elif isinstance(default, Enum):
            yield field.name, enum_word(next(each for each in rule.choices or type(default) if each is not default))
        elif isinstance(default, (int, float)):
            yield field.name, type(default)(rule.high if default != rule.high else rule.low)
        elif rule.choices:
            yield field.name, rule.choices[-1]
        elif default == () or typing.get_origin(hint) is tuple:
            yield field.name, ["7001"]
        else:
            yield field.name, "07:01" if field.name == "dnc_reread_daily" else "7001"


@pytest.mark.parametrize("name, value", list(others(CampaignGroupOptions)))
def test_every_option_of_a_campaign_group_goes_through_the_database(name: str, value: Any) -> None:
    mapping = tomllib.loads(GOOD)
    group = mapping["campaign_group"][0]
    group |= {"mode": "power-gvp" if name == "obn" else "progressive", "trunk_group_dn": "6800", "ivr_profile": "menu",
              "maximum_ports": 5, "interaction_queue": "q", "maximum_queue_size": 5, "optimal_buffer": 1_000.0,
              "caller_id_sets": ["7001"], name: value}
    objects = planned({}, read_document(mapping, VOCABULARY))
    [ours], [theirs] = server_tables(objects, "ocs").mapping["campaign_group"], mapping["campaign_group"]
    assert ours[name] == theirs[name]


@pytest.mark.parametrize("name, value", list(others(DialingOptions)))
def test_every_option_of_dialing_goes_through_the_database(name: str, value: Any) -> None:
    mapping = {**tomllib.loads(GOOD), "dialing": {name: value}}
    tables = server_tables(planned({}, read_document(mapping, VOCABULARY)), "ocs").mapping
    if name in ("check_dnc_list", "check_dnc_callback", "record_processed"):
        assert tables["campaign_group"][0][name] is value and name not in tables["dialing"]
    else:
        assert tables["dialing"] == {name: value}


def test_every_table_of_objects_that_a_server_has_is_one_of_the_vocabulary() -> None:
    """A table of campaigns and the like that is added to the server's file must find its way into the database."""
    effects = {field.name for field in dataclasses.fields(OCSOptions) if field.metadata.get("effect") == "at once"}
    made_of_persons, own_files = {"agent"}, {"compliance"}
    assert effects == {*TABLES, "dialing"} | made_of_persons | own_files


WEST = """
[[application]]
name = "ocs west"
dbid = 11
stale_clean_timeout_min = 7
[application.options."ocs west"]
dialing_rate_limit = 5.0
at_start = "load"
[[application]]
name = "ocs east"
dbid = 12
[application.options.default]
dialing_rate_limit = 6
[application.options.OCServer]
check_dnc_list = false
"""


def test_two_servers_share_objects_with_different_options() -> None:
    group = '[campaign_group.options."ocs east"]\nat_start = "start"\nprogressive_blending_coefficient = 3\n'
    objects = objects_of(WEST + GOOD + group)
    assert outbound_servers(objects) == ["ocs west", "ocs east"]
    west, east = (served(objects, name) for name in ("ocs west", "ocs east"))
    [on_west], [on_east] = west.campaign_group, east.campaign_group
    assert (on_west.dialing_rate_limit, on_east.dialing_rate_limit) == (5.0, 6.0)
    assert (on_west.at_start.value, on_east.at_start.value) == ("load", "start")
    assert (on_west.multiplier, on_east.multiplier) == (1.5, 3.0)
    assert (west.dialing.stale_clean_timeout_min, east.dialing.stale_clean_timeout_min) == (7.0, 30.0)
    assert (west.application.dbid, east.application.dbid) == (11, 12)


def test_what_the_application_says_of_do_not_call_checks_is_what_groups_do_that_say_nothing() -> None:
    two = GOOD + ('check_dnc_list = true\n[[agent_group]]\nname = "more"\ndbid = 4\nagents = ["1"]\ndns = ["7"]\n'
                  '[[campaign_group]]\ncampaign = "renewals"\ngroup = "more"\ndbid = 10\nvoice_transfer_destination = "6001"')
    checks = do_not_call_checks(served(objects_of(WEST + two), "ocs east"))
    assert checks["campaign_group[renewals@outbound].check_dnc_list"] and checks["calling_list[spring].check_dnc_list"]
    assert not checks["campaign_group[renewals@more].check_dnc_list"] and checks["dialing.check_dnc_list"]


def test_a_campaign_says_for_its_groups_what_they_do_not_say() -> None:
    text = WEST + GOOD.replace('[[campaign_group]]', '[campaign.options.Outbound]\ndefault_general_priority = 8\n'
                                                     '[campaign.options.OCServer]\ndialing_rate_limit = 9\n[[campaign_group]]')
    [group] = served(objects_of(text), "ocs west").campaign_group
    assert (group.default_general_priority, group.dialing_rate_limit) == (8, 9.0)


def test_a_group_that_other_servers_are_to_serve_is_none_of_ours() -> None:
    text = WEST + '[[application]]\nname = "stat"\ntype = "stat-server"\n' + GOOD + 'servers = ["ocs west", "stat"]\n'
    assert [len(served(objects_of(text), name).campaign_group) for name in ("ocs west", "ocs east")] == [1, 0]
    nobody = WEST + '[[application]]\nname = "stat"\ntype = "stat-server"\n' + GOOD + 'servers = ["stat"]\n'
    assert [len(served(objects_of(nobody), name).campaign_group) for name in ("ocs west", "ocs east")] == [1, 1]


@pytest.mark.parametrize("heading, effect", [
    ("[[calling_list]]\n", lambda options: options.campaign[0].lists == () and options.calling_list == ()),
    ("[[treatment]]\n", lambda options: options.calling_list[0].treatments == () and options.treatment == ()),
    ("[[campaign]]\n", lambda options: options.campaign_group == ()),
    ("[[agent_group]]\n", lambda options: options.campaign_group == () and options.campaign != ()),
    ("[[campaign_group]]\n", lambda options: options.campaign_group == () and options.campaign != ()),
])
def test_what_is_disabled_is_left_out(heading: str, effect: Any) -> None:
    assert effect(served(objects_of(GOOD.replace(heading, f'{heading}state = "disabled"\n'))))


def test_members_of_a_group_are_its_agents_logins_and_log_in_at_its_dns_and_those_of_places() -> None:
    objects = objects_of("""
[[switch]]
name = "north"
[[dn]]
number = "7001"
[[dn]]
number = "7002"
state = "disabled"
[[dn]]
number = "7003"
[[place]]
name = "desk"
dns = ["7001", "7002"]
[[place]]
name = "box"
dns = ["7003"]
[[agent_login]]
login_code = "1"
[[agent_login]]
login_code = "2"
[[person]]
employee_id = "ada"
agent_logins = ["1", "2"]
place = "desk"
[[person]]
employee_id = "bob"
is_agent = false
[[person]]
employee_id = "eve"
state = "disabled"
agent_logins = []
[[agent_group]]
name = "outbound"
agents = ["ada", "bob", "eve"]
dns = ["7009"]
[[place_group]]
name = "places"
places = ["box", "desk"]
[[application]]
name = "ocs"
""")
    agents, places = served(objects).agent_group
    assert (agents.agents, agents.dns, agents.kind) == (("1", "2"), ("7009", "7001"), GroupKind.AGENTS)
    assert (places.agents, places.dns, places.kind) == ((), ("7003", "7001"), GroupKind.PLACES)


def test_a_server_sees_the_objects_of_its_tenant_only() -> None:
    text = ('[[tenant]]\nname = "one"\ndbid = 1\n[[tenant]]\nname = "two"\ndbid = 2\n[[application]]\nname = "ocs"\n'
            '[[application]]\nname = "other"\ntenant = "two"\n' + GOOD)
    assert [len(served(objects_of(text), name).campaign) for name in ("ocs", "other")] == [1, 0]


@pytest.mark.parametrize("text, expected", [
    ("", "application.name: application ocs is not in the configuration database"),
    ('[[application]]\nname = "ocs"\ntype = "icon"',
     "application.name: application ocs is no outbound contact server, or disabled"),
    ('[[application]]\nname = "ocs"\nstate = "disabled"',
     "application.name: application ocs is no outbound contact server, or disabled"),
    ('[[application]]\nname = "ocs"\n[application.options.default]\ndialing_rate_limit = "fast"\n' + GOOD,
     "campaign_group[renewals@outbound].dialing_rate_limit: a number is expected, not 'fast' (option dialing_rate_limit in"
     " section default of application[ocs])"),
])
def test_a_server_that_cannot_be_served_says_why(text: str, expected: str) -> None:
    objects = planned({}, read_document(tomllib.loads(text), VOCABULARY))
    with pytest.raises(ConfigurationError) as caught:
        server_tables(objects, "ocs")
    assert caught.value.problems == [expected]


def test_a_value_out_of_range_names_the_group_and_where_the_value_stands() -> None:
    text = '[[application]]\nname = "ocs"\n[application.options.ocs]\ndialing_rate_limit = 0\n' + GOOD
    assert configuration_problems(planned({}, read_document(tomllib.loads(text), VOCABULARY))) == [
        "campaign_group[renewals@outbound].dialing_rate_limit: 0.1 to 10000 is expected, not 0.0 (option dialing_rate_limit in"
        " section ocs of application[ocs])"]


def test_the_demonstrations_tables_go_through_the_database() -> None:
    mapping = tomllib.loads((ETC / "demo.toml").read_text())["ocs"]
    file = {"treatment": mapping["treatment"], "dialing": mapping["dialing"],
            "calling_list": [{"name": "contacts", "dbid": 101, "treatments": [one["name"] for one in mapping["treatment"]],
                              **mapping["calling_list"]}]}
    own = load(OCSOptions, file)
    theirs = served(planned({}, read_document({**file, "application": {"name": "ocs"}}, VOCABULARY)))
    assert theirs.treatment == own.treatment and theirs.calling_list == own.calling_list and theirs.dialing == own.dialing
