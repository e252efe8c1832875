"""What a file makes of the objects that are there."""
from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.difference import differences
from ocs.configuration.document import read_document
from ocs.configuration.enumerations import DNType, GroupType
from ocs.configuration.names import Index, Objects
from ocs.configuration.plan import planned
from ocs.errors import ConfigurationError

SITE = """
[[treatment]]
name = "busy"
dbid = 5
call_result = "busy"
action = "redial"
[[calling_list]]
name = "spring"
dbid = 7
treatments = ["busy"]
[[agent_group]]
name = "outbound"
dbid = 3
agents = ["1001", "1002"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 2
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
voice_transfer_destination = "6001"
"""


def plan(text: str, before: Objects | None = None, **how: bool) -> Any:
    return planned(before or {}, read_document(tomllib.loads(text), VOCABULARY), **how)


def labels(objects: Objects) -> set[str]:
    index = Index(objects.values())
    return {index.label(*key) for key in objects}


def problems(text: str, before: Objects | None = None, **how: bool) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        plan(text, before, **how)
    return caught.value.problems


def test_a_site_that_had_a_file_gets_the_objects_that_it_only_refers_to() -> None:
    objects = plan(SITE)
    assert labels(objects) == {
        "tenant[Environment]", "application[ocs]", "switch[switch]", "dn[7001]", "dn[6001]", "agent_login[1001]",
        "agent_login[1002]", "person[1001]", "person[1002]", "agent_group[outbound]", "treatment[busy]",
        "calling_list[spring]", "campaign[renewals]", "campaign_group[renewals@outbound]"}
    group = objects["campaign_group", 9]
    queue = objects["dn", group["voice_transfer_destination"]]
    assert (queue["number"], queue["type"]) == ("6001", DNType.ACD_QUEUE)
    assert (group["group"], group["group_type"]) == (3, GroupType.AGENTS)
    logins = [objects["person", dbid]["agent_logins"] for dbid in objects["agent_group", 3]["agents"]]
    assert [[objects["agent_login", dbid]["login_code"] for dbid in each] for each in logins] == [["1001"], ["1002"]]
    assert objects["application", 1]["name"] == "ocs"           # records carry the 1 that the file took for granted


def test_reading_a_file_again_changes_nothing() -> None:
    objects = plan(SITE)
    assert plan(SITE, objects) == objects and plan(SITE, objects, replace=True) == objects


def test_objects_of_which_a_file_does_not_speak_stay_and_go_where_it_is_to_be_all_there_is() -> None:
    objects = plan(SITE)
    less = SITE.replace('[[treatment]]\nname = "busy"\ndbid = 5\ncall_result = "busy"\naction = "redial"\n', "").replace(
        'treatments = ["busy"]', "").replace('"1001", "1002"', '"1001"')
    assert labels(plan(less, objects)) == labels(objects)
    gone = labels(objects) - labels(plan(less, objects, replace=True))
    assert gone == {"treatment[busy]", "person[1002]", "agent_login[1002]"}


def test_what_the_file_refers_to_stays_with_all_that_it_refers_to() -> None:
    objects = plan(SITE + '[[skill]]\nname = "french"\n[[person]]\nemployee_id = "1001"\nfirst_name = "Ada"\n'
                          'agent_logins = ["1001"]\nskills = [{skill = "french", level = 4}]\n[[agent_login]]\n'
                          'login_code = "1001"')
    after = plan(SITE, objects, replace=True)
    assert after["person", 101] == objects["person", 101] and "skill[french]" in labels(after)


def test_a_person_is_found_by_an_agent_id_that_is_not_the_employee_id() -> None:
    people = '[[agent_login]]\nlogin_code = "1001"\n[[person]]\nemployee_id = "E7"\nagent_logins = ["1001"]\n'
    objects = plan(people + SITE)
    assert labels(objects) >= {"person[E7]", "person[1002]"} and "person[1001]" not in labels(objects)
    assert labels(plan(SITE, objects)) == labels(objects) == labels(plan(SITE, objects, replace=True))


def test_new_objects_get_numbers_behind_those_that_are_there_and_groups_count_together() -> None:
    objects = plan(SITE + '[[dialing_filter]]\nname = "f"\n[[place_group]]\nname = "desks"\n')
    assert ("dialing_filter", 101) in objects and ("place_group", 101) in objects
    more = plan('[[agent_group]]\nname = "new"\nagents = []\ndns = []\n[[dialing_filter]]\nname = "g"\n', objects)
    assert ("agent_group", 102) in more and ("dialing_filter", 102) in more


def test_another_name_under_a_known_number_is_a_mistake_unless_the_file_knows_the_numbers() -> None:
    objects = plan(SITE)
    other = '[[campaign]]\nname = "summer"\ndbid = 2\nlists = ["spring"]\n'
    assert problems(other, objects) == ["campaign[summer].dbid: 2 is that of campaign[renewals] in the database (to rename that,"
                                        " edit an export of it)"]
    renamed = plan(other, objects, renames=True)
    [change] = differences(objects, renamed)
    assert (change.label, change.fields[0].old, change.fields[0].new) == ("campaign[summer]", "renewals", "summer")
    assert "campaign_group[summer@outbound]" in labels(renamed)


def test_a_name_that_was_given_up_is_no_name_any_more() -> None:
    objects = plan(SITE)
    text = ('[[calling_list]]\nname = "autumn"\ndbid = 7\n[[campaign]]\nname = "renewals"\ndbid = 2\nlists = ["spring"]\n')
    assert problems(text, objects, renames=True) == ["campaign[renewals].lists: there is no calling list spring"]


@pytest.mark.parametrize("old, new, expected", [
    ('treatments = ["busy"]', 'treatments = ["busi"]', "calling_list[spring].treatments: there is no treatment busi"),
    ('group = "outbound"', 'group = "inbound"',
     "campaign_group[renewals@inbound].group: there is no agent group or place group inbound"),
    ('campaign = "renewals"', 'campaign = "sales"', "campaign_group[sales@outbound].campaign: there is no campaign sales"),
    ("[[treatment]]", '[[place_group]]\nname = "outbound"\n[[treatment]]',
     "campaign_group[renewals@outbound].group: there are agent group and place group outbound: give group_type"),
    ("[[treatment]]", '[[switch]]\nname = "a"\n[[switch]]\nname = "b"\n[[treatment]]',
     "agent_group[outbound].dns: there is no DN 7001; none is made where there are several switches"),
    ("[[treatment]]", '[[tenant]]\nname = "x"\n[[skill]]\nname = "s"\ntenant = "y"\n[[treatment]]',
     "skill[s].tenant: there is no tenant y"),
    ("[[treatment]]", '[[skill]]\nname = "s"\n[[skill]]\nname = "s"\n[[treatment]]', "skill[s]: given twice"),
    ("[[treatment]]", '[[skill]]\nname = "s"\ndbid = 4\n[[skill]]\nname = "t"\ndbid = 4\n[[treatment]]',
     "skill[t].dbid: 4 is that of skill[s], too"),
    ("[[treatment]]", '[[place_group]]\nname = "p"\ndbid = 3\n[[treatment]]',
     "place_group[p].dbid: 3 is that of agent_group[outbound], too"),
])
def test_every_fault_names_object_and_field(old: str, new: str, expected: str) -> None:
    assert expected in problems(SITE.replace(old, new))


def test_dns_of_several_switches_are_told_apart_by_the_switch() -> None:
    switches = '[[switch]]\nname = "north"\n[[switch]]\nname = "south"\n'
    dns = "".join(f'[[dn]]\nnumber = "{number}"\nswitch = "{switch}"\n' for number, switch in (
        ("6001", "north"), ("6001", "south"), ("7001", "north")))
    logins = "".join(f'[[agent_login]]\nlogin_code = "{code}"\nswitch = "south"\n' for code in ("1001", "1002"))
    people = "".join(f'[[person]]\nemployee_id = "{code}"\nagent_logins = ["{code}"]\n' for code in ("1001", "1002"))
    ambiguous = problems(switches + dns + logins + people + SITE)
    assert ambiguous == ["campaign_group[renewals@outbound].voice_transfer_destination: 6001 may be 6001@north or 6001@south"]
    objects = plan(switches + dns + logins + people + SITE.replace('"6001"', '"6001@south"'))
    queue = objects["dn", objects["campaign_group", 9]["voice_transfer_destination"]]
    assert objects["switch", queue["switch"]]["name"] == "south"
    assert {"dn[6001@north]", "dn[6001@south]", "dn[7001]"} <= labels(objects)


def test_secrets_of_which_a_file_is_silent_stay() -> None:
    request = ('[[http_request]]\nname = "crm"\nuri = "https://crm.example/"\n'
               '[[http_request.header]]\nname = "X-Key"\nvalue = "s3cret"\n[http_request.options.default]\npassword = "p"\n')
    objects = plan(request)
    silent = request.replace('value = "s3cret"\n', "").replace('[http_request.options.default]\npassword = "p"\n', "")
    assert plan(silent, objects) == objects
    assert plan(silent)["http_request", 101]["header"] == (("X-Key", "", ""),)
    assert plan(request.replace("s3cret", "new"), objects)["http_request", 101]["header"] == (("X-Key", "new", ""),)


def test_secrets_are_hidden_where_changes_are_told() -> None:
    request = ('[[http_request]]\nname = "crm"\nuri = "https://crm.example/"\n[[http_request.header]]\nname = "X-Key"\n'
               'value = "s3cret"\n[http_request.options.default]\npassword = "hush"\n')
    before = plan(request)
    after = plan(request.replace("s3cret", "0ther").replace("hush", "hiss"), before)
    fields = {each.field: (each.old, each.new) for each in differences(before, after)[0].fields}
    assert fields == {"header": ("X-Key *** ", "X-Key *** "), "options.default.password": ("***", "***")}
    made = repr([each.fields for each in differences({}, before)])
    assert "X-Key" in made and "s3cret" not in made and "hush" not in made
