"""The `[[switch]]` tables of a server's file: what is wrong with them, and the links that they make."""
from __future__ import annotations

import random
import tomllib
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.switches import SwitchSide
from ocs.clock import SystemClock
from ocs.dialing.campaign import Place
from ocs.errors import ConfigurationError
from ocs.links.registry import Links
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches
from ocs.options import load

GOOD = """
[[switch]]
name = "east"
port = 7020
[[switch]]
name = "north"
port = 7030
[[calling_list]]
name = "spring"
dbid = 1
[[agent_group]]
name = "sales"
dbid = 1
agents = ["1001"]
dns = ["7001", "7001@east", "7001@north"]
[[campaign]]
name = "renewals"
dbid = 1
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "sales"
dbid = 1
voice_transfer_destination = "6001"
trunk_group_dn = "6800"
[[campaign_group.elsewhere]]
voice_transfer_destination = "6001@east"
[[campaign_group.elsewhere]]
voice_transfer_destination = "6001@north"
trunk_group_dn = "6800@north"
"""


def problems(old: str, new: str) -> list[str]:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        load(OCSOptions, tomllib.loads(GOOD.replace(old, new)))
    return caught.value.problems


def test_places_on_other_switches_are_the_groups_places() -> None:
    [group] = to_campaign_groups(load(OCSOptions, tomllib.loads(GOOD))).values()
    assert group.places == (Place("6001", "6800"), Place("6001@east", ""), Place("6001@north", "6800@north"))


@pytest.mark.parametrize("old, new, told", [
    ('name = "north"', 'name = "east"', "switch[2].name: east is given twice"),
    ('name = "north"', 'name = "nor th"', "switch[2].name: letters, digits and . _ - are expected, 32 at most"),
    ('name = "north"', 'name = ""', "switch[2].name: letters, digits and . _ - are expected, 32 at most"),
    ('"7001@north"]', '"7001@west", "7002@west"]', "agent_group[1].dns: there is no switch west ([[switch]])"),
    ('destination = "6001"\n', 'destination = "6001@west"\n',
     "campaign_group[1].voice_transfer_destination: there is no switch west ([[switch]])"),
    ('trunk_group_dn = "6800@north"', 'trunk_group_dn = "6800@west"',
     "campaign_group[1].elsewhere[2].trunk_group_dn: there is no switch west ([[switch]])"),
    ('trunk_group_dn = "6800"\n', 'trunk_group_dn = "6800@east"\n',
     "campaign_group[1].trunk_group_dn: it is not of the switch of the voice_transfer_destination"),
    ('trunk_group_dn = "6800@north"', 'trunk_group_dn = "6800"',
     "campaign_group[1].elsewhere[2].trunk_group_dn: it is not of the switch of the voice_transfer_destination"),
    ('destination = "6001@north"\ntrunk_group_dn = "6800@north"', 'destination = "6002@east"',
     "campaign_group[1].elsewhere[2].voice_transfer_destination: the group has a queue on that switch already"),
    ('trunk_group_dn = "6800"\n', 'trunk_group_dn = "6800"\nmode = "preview"\n',
     "campaign_group[1].elsewhere: only in progressive and predictive, where the T-Servers dial and no agent is engaged before"),
    ('trunk_group_dn = "6800"\n', 'trunk_group_dn = "6800"\nassured_connect = true\n',
     "campaign_group[1].elsewhere: only in progressive and predictive, where the T-Servers dial and no agent is engaged before"),
    ('destination = "6001"\ntrunk_group_dn = "6800"', 'destination = "6002@east"\ncpd = true',
     "campaign_group[1].voice_transfer_destination: the CPD Server dials for the first switch only"),
])
def test_what_does_not_go_together_is_told_with_its_place(old: str, new: str, told: str) -> None:
    assert told in problems(old, new)


def side(text: str) -> tuple[SwitchSide, Links]:
    options = load(OCSOptions, tomllib.loads(text))
    clock: Any = MemoryReactorClock()
    links = Links(SystemClock(clock))
    return SwitchSide(options.tserver, options.switch, SystemClock(clock), clock, links, random.Random(1)), links


def test_each_switch_has_a_link_of_its_own_under_its_name() -> None:
    made, links = side("[tserver]\nport = 7001\n" + GOOD)
    assert isinstance(made.switch, Switches) and list(made.switch.links) == ["", "east", "north"]
    assert [(link.name, link.peer) for link in links] == [
        ("tserver", "127.0.0.1:7001"), ("switch east", "127.0.0.1:7020"), ("switch north", "127.0.0.1:7030")]


def test_one_switch_is_a_link_without_anything_between() -> None:
    made, links = side("")
    assert type(made.switch) is SwitchLink and [link.name for link in links] == ["tserver"]
