"""What is wrong with objects when they are looked at together."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.configuration.checks import object_problems
from ocs.configuration.enumerations import ObjectState
from tests.configuration.test_plan import SITE, plan

OBJECTS = plan(SITE + """
[[table_access]]
name = "spring"
dbid = 1
format = "short"
[[table_access]]
name = "log"
dbid = 2
type = "log-table"
[[format]]
name = "short"
dbid = 1
[[format]]
name = "long"
dbid = 2
[[dialing_filter]]
name = "promising"
dbid = 1
format = "long"
[[place_group]]
name = "desks"
dbid = 4
[[agent_login]]
login_code = "9"
dbid = 9
[[tenant]]
name = "other"
dbid = 2
[[tenant]]
name = "Environment"
dbid = 1
[[treatment]]
name = "theirs"
dbid = 77
tenant = "other"
action = "redial"
call_result = "busy"
[[application]]
name = "ocs"
dbid = 1
""")


def changed(kind: str, dbid: int, **values: Any) -> list[str]:
    """The problems where these values of an object are others."""
    one = OBJECTS[kind, dbid]
    return object_problems({**OBJECTS, (kind, dbid): replace(one, values={**one.values, **values})})


def test_a_site_in_order_has_no_problems() -> None:
    assert object_problems(OBJECTS) == []


@pytest.mark.parametrize("kind, dbid, values, expected", [
    ("campaign", 2, {"lists": ((8, 10, True),)}, "campaign[renewals].lists: there is no calling list of dbid 8"),
    ("calling_list", 7, {"filter": 1, "table_access": 1},
     "calling_list[spring].filter: dialing_filter[promising] is for lists of another format"),
    ("calling_list", 7, {"table_access": 2}, "calling_list[spring].table_access: table_access[log] is for another type of table"),
    ("calling_list", 7, {"time_from": 70_000}, "calling_list[spring].time_until: 64800 is not behind time_from 70000"),
    ("calling_list", 7, {"treatments": (77,)}, "calling_list[spring].treatments: treatment[theirs] is another tenant's"),
    ("agent_login", 9, {"password": "plain"}, "agent_login[9].password: not an Argon2 hash; `ocs config password` makes one"),
    ("application", 1, {"backup_server": 1}, "application[ocs].backup_server: names the application itself"),
    ("format", 2, {"name": "short"}, "format[short]: dbid 1 and 2 both have this name"),
])
def test_every_problem_names_object_and_field(kind: str, dbid: int, values: dict[str, Any], expected: str) -> None:
    assert changed(kind, dbid, **values) == [expected]


def test_what_would_be_missed_cannot_be_disabled_and_what_is_left_out_can() -> None:
    off = int(ObjectState.DISABLED)
    queue = OBJECTS["campaign_group", 9]["voice_transfer_destination"]
    assert changed("dn", queue, state=off) == [
        "campaign_group[renewals@outbound].voice_transfer_destination: dn[6001] is disabled"]
    for kind, dbid in (("treatment", 5), ("calling_list", 7), ("campaign", 2), ("agent_group", 3), ("person", 101)):
        assert changed(kind, dbid, state=off) == []


def test_what_is_disabled_itself_may_refer_to_what_is() -> None:
    off = int(ObjectState.DISABLED)
    queue = OBJECTS["dn", OBJECTS["campaign_group", 9]["voice_transfer_destination"]]
    group = OBJECTS["campaign_group", 9]
    assert object_problems({**OBJECTS, queue.key: replace(queue, values={**queue.values, "state": off}),
                            group.key: replace(group, values={**group.values, "state": off})}) == []


def test_a_group_of_agents_and_one_of_places_cannot_have_one_number() -> None:
    one = OBJECTS["place_group", 4]
    assert object_problems({**OBJECTS, ("place_group", 3): replace(one, dbid=3, values={**one.values, "name": "more"})}) == [
        "place_group[more].dbid: 3 is that of agent_group[outbound], too"]


def test_a_header_of_a_request_needs_a_value_from_somewhere() -> None:
    objects = plan('[[http_request]]\nname = "crm"\nuri = "https://x.example/"\n[[http_request.header]]\nname = "X-Key"')
    assert object_problems(objects) == ["http_request[crm].header: X-Key has neither a value nor a file"]
