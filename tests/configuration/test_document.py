"""Files of objects: what they may say, and how every fault names object and field."""
from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.document import Document, Draft, read_document
from ocs.errors import ConfigurationError

GROUP = '[[campaign_group]]\ncampaign = "renewals"\ngroup = "outbound"\nvoice_transfer_destination = "6001"\n'
LIST = '[[calling_list]]\nname = "spring"\n'


def read(text: str) -> Document:
    return read_document(tomllib.loads(text), VOCABULARY)


def only(text: str) -> Draft:
    [draft] = read(text).drafts
    return draft


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return caught.value.problems


def test_what_a_kind_has_no_property_for_is_an_option_under_its_public_name() -> None:
    draft = only(GROUP + 'maximum_ports = 5\nmultiplier = 2\ncpn_digits = "100"\ndefault_general_priority = 7\n'
                         'at_start = "load"\ncheck_dnc_list = false')
    assert draft.values["maximum_ports"] == 5
    assert draft.options == {
        ("OCServer", "progressive_blending_coefficient"): "2.0", ("OCServer", "CPNDigits"): "100",
        ("Outbound", "default_general_priority"): "7", ("OCServer", "at_start"): "load", ("OCServer", "check_dnc_list"): "false"}


def test_options_of_other_sections_stand_in_tables_of_their_own() -> None:
    draft = only(GROUP + '[campaign_group.options."ocs west"]\nat_start = "start"\n[campaign_group.options.default]\nmine = 5\n'
                         'yours = true')
    assert draft.options == {("ocs west", "at_start"): "start", ("default", "mine"): "5", ("default", "yours"): "true"}


def test_an_option_may_be_given_by_its_section_and_key_too_but_once() -> None:
    spelled = GROUP + "[campaign_group.options.OCServer]\nprogressive_blending_coefficient = 1.5"
    assert only(spelled).options == {("OCServer", "progressive_blending_coefficient"): "1.5"}
    assert problems(GROUP + "multiplier = 2\n[campaign_group.options.OCServer]\nprogressive_blending_coefficient = 1.5") == [
        "campaign_group[renewals@outbound].multiplier: given twice, here and by options.OCServer."
        "progressive_blending_coefficient"]


def test_a_long_filter_is_a_key_for_each_piece_in_the_section_of_filters() -> None:
    draft = only(LIST + 'criteria = "attempt < 3"\ncriteria1 = "AND balance > 5"\norder_by = "balance"')
    assert draft.options == {("default", "criteria"): "attempt < 3", ("default", "criteria1"): "AND balance > 5",
                             ("default", "order_by"): "balance"}


def test_a_campaigns_shares_are_said_with_its_lists() -> None:
    draft = only('[[campaign]]\nname = "renewals"\nlists = ["a", "b"]\n[[campaign.shares]]\nlist = "b"\nshare = 30\n'
                 'active = false')
    assert draft.values["lists"] == (("a", 10, True), ("b", 30, False))


def test_a_group_of_places_is_an_object_of_another_kind() -> None:
    draft = only('[[agent_group]]\nname = "desks"\nkind = "places"\nagents = ["1001"]\ndns = ["7001"]')
    assert (draft.kind, draft.values["dns"], draft.values["agents"]) == ("place_group", ("7001",), ("1001",))


def test_a_servers_own_tables_make_its_application_and_the_rest_stays_with_it() -> None:
    found = read('[application]\nname = "west"\ndbid = 3\n[dialing]\nstale_clean_timeout_min = 5\n[tserver]\nport = 7\n[log]\n')
    [draft] = found.drafts
    assert (draft.kind, draft.name, draft.dbid) == ("application", "west", 3)
    assert draft.options == {("OCServer", "stale_clean_timeout"): "5.0"}
    assert found.left == ("tserver", "log")
    assert only("[dialing]\npacing_tick_s = 2").name == "ocs"


def test_every_fault_is_told_at_once_with_object_and_field() -> None:
    text = """
[unknown]
[[campaing]]
[[calling_list]]
name = "spring"
maximum_attempts = 0
maximum_atempts = 3
criteria = "attempt <"
[[campaign_group]]
campaign = "renewals"
group = "outbound"
multiplier = 99
[campaign_group.options.default]
dialing_rate_limit = "fast"
list = [1]
[[dn]]
number = ""
[[dn]]
type = "telephone"
[[person]]
employee_id = "7"
skills = [{level = 2}]
"""
    assert problems(text) == [
        "unknown: unknown table",
        "campaing: unknown table (did you mean campaign?)",
        "dn[1].number: empty",
        "dn[2].number: required, but not given",
        "dn[2].type: the name or number of a DNType is expected, not 'telephone'",
        "person[7].skills[1].skill: required, but not given",
        "calling_list[spring].maximum_atempts: unknown option (did you mean maximum_attempts?)",
        "calling_list[spring].maximum_attempts: 1 to 10000 is expected, not 0",
        "calling_list[spring].criteria, line 1, column 9: the syntax is wrong near '<'",
        "campaign_group[renewals@outbound].options.default.dialing_rate_limit: a number is expected, not 'fast'",
        "campaign_group[renewals@outbound].options.default.list: a text, a number, or true or false is expected",
        "campaign_group[renewals@outbound].multiplier: 0.01 to 10 is expected, not 99",
        "campaign_group[renewals@outbound].voice_transfer_destination: needed in mode progressive",
    ]


@pytest.mark.parametrize("text, expected", [
    ('campaign = "x"', "campaign: an array of tables [[campaign]] is expected"),
    ("dialing = 3", "dialing: a table [dialing] is expected"),
    ('exported = "yes"', "exported: database and revision are expected, as `ocs config export` writes them"),
    (LIST + "options = 5", "calling_list[spring].options: tables by section are expected, as [KIND.options.SECTION]"),
    ('[[tenant]]\nname = "a\\u0000b"', "tenant[a\0b].name: has a character that no database takes"),
    (f'[[tenant]]\nname = "{"x" * 256}"', f"tenant[{'x' * 256}].name: up to 255 characters are expected, not 256"),
    (LIST + '[calling_list.options.a]\nk = "\\u0000"',
     "calling_list[spring].options.a.k: has a character that no database takes"),
    (LIST + f'[calling_list.options.{"s" * 300}]\nk = "v"',
     f"calling_list[spring].options.{'s' * 60}.k: names have up to 255 characters"),
    ('[[switch]]\nname = "a@b"', "switch[a@b].name: an @ is what stands before a switch's name in those of its DNs"),
    ('[[calling_list]]\nname = "spring"\ndbid = 99999999999999999999',
     "calling_list[spring].dbid: 1 to 9007199254740992 is expected, not 99999999999999999999"),
    ('[[application]]\nname = "a"\n[dialing]\n', "dialing: give these options with the [[application]] that they are for"),
    ('[application]\nname = "a"\npacing_tick_s = 3\n[dialing]\npacing_tick_s = 2', "application.pacing_tick_s: unknown option"),
])
def test_a_file_that_cannot_be_read_names_the_place(text: str, expected: str) -> None:
    assert expected in problems(text)


def test_an_option_is_checked_wherever_it_stands() -> None:
    where = GROUP + '[campaign_group.options."ocs west"]\nat_start = "soon"'
    assert problems(where) == [
        "campaign_group[renewals@outbound].options.ocs west.at_start: one of manual, load, start is expected, not 'soon'"]


@pytest.mark.parametrize("text", ["yes", "No", " true "])
def test_a_yes_or_no_may_be_said_in_the_public_words(text: str) -> None:
    draft: Any = only(GROUP + f'[campaign_group.options.OCServer]\ncheck_dnc_list = "{text}"')
    assert draft.options["OCServer", "check_dnc_list"] == ("false" if text == "No" else "true")
