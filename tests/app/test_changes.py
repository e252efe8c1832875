"""What a new configuration changes, and when."""
from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

from ocs.app.changes import Change, applicable, changes
from ocs.app.config import OCSOptions
from ocs.options import AT_NEXT_LOAD, AT_ONCE, AT_RESTART, load

TEXT = """
[database]
url = "sqlite:///a.db"
[[dialing_filter]]
name = "rich"
criteria = "balance > 3"
[[calling_list]]
name = "spring"
dbid = 7
filter = "rich"
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
[[campaign.shares]]
list = "autumn"
share = 30
[[campaign_group]]
campaign = "renewals"
group = "outbound"
dbid = 9
voice_transfer_destination = "6001"
"""


def options(*edits: tuple[str, str]) -> OCSOptions:
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return load(OCSOptions, tomllib.loads(text))


def found(*edits: tuple[str, str]) -> list[Change]:
    return list(changes(options(), options(*edits)))


def test_nothing_differs_between_equal_files() -> None:
    assert found() == []


def test_an_option_is_named_by_the_name_of_its_element() -> None:
    assert found(('"balance > 3"', '"balance > 4"'), ("share = 30", "share = 10"), ("dbid = 9", "dbid = 9\nmultiplier = 2.0"),
                 ('destination = "6001"', 'destination = "6002"')) == [
        Change("dialing_filter[rich].criteria", "balance > 3", "balance > 4", AT_ONCE),
        Change("campaign[renewals].shares[autumn].share", 30, 10, AT_ONCE),
        Change("campaign_group[renewals@outbound].voice_transfer_destination", "6001", "6002", AT_NEXT_LOAD),
        Change("campaign_group[renewals@outbound].multiplier", 1.0, 2.0, AT_ONCE)]


def test_an_element_that_comes_or_goes_is_one_change_wherever_it_stands() -> None:
    new = '[[calling_list]]\nname = "winter"\ndbid = 1\n[[calling_list]]\nname = "spring"'
    assert found(('[[calling_list]]\nname = "spring"', new)) == [Change("calling_list[winter]", None, "added", AT_ONCE)]
    assert found(('\n[[calling_list]]\nname = "autumn"\ndbid = 8', ""), ('"spring", "autumn"', '"spring"'),
                 ('[[campaign.shares]]\nlist = "autumn"\nshare = 30', "")) == [
        Change("calling_list[autumn]", None, "removed", AT_ONCE),
        Change("campaign[renewals].lists", ("spring", "autumn"), ("spring",), AT_ONCE),
        Change("campaign[renewals].shares[autumn]", None, "removed", AT_ONCE)]


def test_secrets_are_not_shown() -> None:
    [change] = found(('url = "sqlite:///a.db"', 'url = "sqlite:///a.db"\n[tserver]\npassword = "p4ss"'))
    assert change == Change("tserver.password", "***", "***", AT_RESTART)


def test_what_needs_a_restart_stays_as_it_is() -> None:
    old, new = options(), options(
        ("a.db", "b.db"), ('"balance > 3"', '"balance > 4"'), ("dbid = 9", 'dbid = 9\nmaximum_ports = 7\nat_start = "load"'),
        ('[[dialing_filter]]', '[[pre_dial_validation]]\nuri = "http://127.0.0.1/"\n[[dialing_filter]]'))
    made = applicable(old, new)
    assert (made.database, made.pre_dial_validation) == (old.database, ()) and made.dialing_filter == new.dialing_filter
    assert made.campaign_group[0] == replace(old.campaign_group[0], maximum_ports=7)
    assert {change.option: change.effect for change in changes(made, new)} == {
        "database.url": AT_RESTART, "pre_dial_validation[1]": AT_RESTART,
        "campaign_group[renewals@outbound].at_start": AT_RESTART}


def test_everything_else_is_taken_over() -> None:
    def walk(kind: Any, old: Any, new: Any) -> None:
        assert [change for change in changes(applicable(old, new), new) if change.effect != AT_RESTART] == []

    walk(OCSOptions, options(), OCSOptions())
    walk(OCSOptions, OCSOptions(), options())
