"""Several switches in the Configuration Database: which of them a server reaches, and what it calls their DNs."""
from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.importing import export_objects
from ocs.app.object_checks import configuration_problems
from ocs.app.resolution import server_tables
from ocs.app.sources import load_server
from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.document import read_document
from ocs.configuration.plan import planned
from ocs.database.backend import backend_for
from ocs.errors import ConfigurationError
from ocs.options import load
from tests.doubles.configurations import imported, sqlite_configuration

# two switches, each with its T-Server; agents of one group sit on both
OBJECTS = """
[[application]]
name = "ocs"
[[application]]
name = "ts-west"
type = "tserver"
host = "west.example"
port = 7001
backup_server = "ts-spare"
[[application]]
name = "ts-spare"
type = "tserver"
host = "spare.example"
port = 7009
[[application]]
name = "ts-east"
type = "tserver"
host = "east.example"
port = 7002
[[switch]]
name = "west"
tserver = "ts-west"
[[switch]]
name = "east"
tserver = "ts-east"
[[dn]]
number = "6001"
switch = "west"
[[dn]]
number = "6001"
switch = "east"
[[dn]]
number = "6800"
switch = "east"
[[dn]]
number = "7001"
switch = "west"
[[dn]]
number = "7001"
switch = "east"
[[agent_login]]
login_code = "1001"
switch = "west"
[[agent_login]]
login_code = "1002"
switch = "east"
[[person]]
employee_id = "ann"
agent_logins = ["1001"]
[[person]]
employee_id = "ben"
agent_logins = ["1002"]
[[agent_group]]
name = "sales"
agents = ["ann", "ben"]
dns = ["7001@west", "7001@east"]
[[calling_list]]
name = "spring"
[[campaign]]
name = "renewals"
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "sales"
voice_transfer_destination = "6001@west"
[[campaign_group.elsewhere]]
voice_transfer_destination = "6001@east"
trunk_group_dn = "6800"
"""
# the same in a server's own file
FILE = """
[tserver]
port = 7001
[[switch]]
name = "east"
host = "east.example"
port = 7002
password = "s3cret"
[[calling_list]]
name = "spring"
dbid = 1
[[agent_group]]
name = "sales"
dbid = 1
agents = ["1001", "1002"]
dns = ["7001", "7001@east"]
[[campaign]]
name = "renewals"
dbid = 1
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "sales"
dbid = 1
voice_transfer_destination = "6001"
[[campaign_group.elsewhere]]
voice_transfer_destination = "6001@east"
trunk_group_dn = "6800@east"
"""


def objects_of(text: str) -> Any:
    objects = planned({}, read_document(tomllib.loads(text), VOCABULARY))
    assert configuration_problems(objects) == []
    return objects


def served(text: str, own: str = "") -> OCSOptions:
    file = tomllib.loads(own)
    tables = server_tables(objects_of(text), "ocs", file)
    return load(OCSOptions, {**file, **tables.mapping, **tables.links})


def dns_of(options: OCSOptions) -> tuple[Any, ...]:
    [group] = options.campaign_group
    return (options.agent_group[0].dns, group.voice_transfer_destination,
            tuple((one.voice_transfer_destination, one.trunk_group_dn) for one in group.elsewhere))


def test_dns_of_the_first_switch_are_written_as_they_are_and_others_with_their_switch() -> None:
    options = served(OBJECTS)
    assert dns_of(options) == (("7001", "7001@east"), "6001", (("6001@east", "6800@east"),))
    assert options.agent_group[0].agents == ("1001", "1002")


def test_addresses_come_from_the_objects_of_the_t_servers() -> None:
    options = served(OBJECTS)
    assert options.tserver.addresses == (("west.example", 7001), ("spare.example", 7009))
    [east] = options.switch
    assert (east.name, east.addresses) == ("east", (("east.example", 7002),))


def test_what_the_servers_own_file_says_of_a_link_counts_first() -> None:
    options = served(OBJECTS, '[tserver]\nport = 1\n[[switch]]\nname = "east"\nhost = "tunnel"\npassword = "s3cret"\n')
    assert options.tserver.addresses[0] == ("west.example", 1)
    [east] = options.switch
    assert (east.host, east.port, east.password) == ("tunnel", 7002, "s3cret")


def test_the_servers_connections_say_which_switch_is_first_and_which_are_reached() -> None:
    turned = OBJECTS.replace('name = "ocs"', 'name = "ocs"\nconnections = ["ts-east", "ts-west"]')
    options = served(turned)
    assert dns_of(options) == (("7001@west", "7001"), "6001@west", (("6001", "6800"),))
    assert options.tserver.host == "east.example" and [one.name for one in options.switch] == ["west"]

    alone = OBJECTS.partition("[[campaign_group.elsewhere]]")[0].replace('name = "ocs"',
                                                                         'name = "ocs"\nconnections = ["ts-west"]')
    options = served(alone)
    assert options.switch == () and options.agent_group[0].dns == ("7001",), "a DN that nobody here reaches is no desk"


def test_a_campaign_group_on_a_switch_that_the_server_does_not_reach_is_refused(tmp_path: Path) -> None:
    url = sqlite_configuration(tmp_path)
    imported(url, OBJECTS.replace('name = "ocs"', 'name = "ocs"\nconnections = ["ts-west"]'))
    file = tmp_path / "ocs.toml"
    file.write_text(f'[configuration]\nsource = "database"\nurl = "{url}"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_server(file)
    group = "campaign_group[renewals@sales].elsewhere[1]"
    assert caught.value.problems == [f"{group}.voice_transfer_destination: there is no switch east ([[switch]])",
                                     f"{group}.trunk_group_dn: there is no switch east ([[switch]])"]
    file.write_text(file.read_text() + '[[switch]]\nname = "east"\nport = 7002\n')
    assert dns_of(load_server(file).options) == (("7001", "7001@east"), "6001", (("6001@east", "6800@east"),))


def test_a_call_that_would_change_switches_is_refused_at_the_import() -> None:
    text = OBJECTS.replace('trunk_group_dn = "6800"', "").replace(
        'voice_transfer_destination = "6001@west"', 'voice_transfer_destination = "6001@west"\ntrunk_group_dn = "6800"')
    objects = planned({}, read_document(tomllib.loads(text), VOCABULARY))
    assert configuration_problems(objects) == [
        "campaign_group[renewals@sales].trunk_group_dn: it is not of the switch of the voice_transfer_destination"]


def test_a_site_without_t_servers_among_its_objects_has_one_switch_without_a_name() -> None:
    options = served(FILE.replace("@east", "").partition("[[switch]]")[0] + FILE[FILE.index("[[calling_list]]"):].replace(
        "@east", "").partition("[[campaign_group.elsewhere]]")[0])
    assert dns_of(options) == (("7001",), "6001", ()) and options.switch == ()


# -- a server's own file --------------------------------------------------------------------------------------------------
def test_a_file_with_several_switches_means_the_same_when_it_is_in_the_database(tmp_path: Path) -> None:
    url = sqlite_configuration(tmp_path)
    report = imported(url, FILE)
    assert report.left == ("tserver", "switch"), "links stay with their server"
    assert "s3cret" not in str(export_objects(backend_for(url), secrets=True))
    own = tomllib.loads(FILE)
    file = tmp_path / "ocs.toml"
    file.write_text(f'[configuration]\nsource = "database"\nurl = "{url}"\n' + FILE.partition("[[calling_list]]")[0])
    options, before = load_server(file).options, load(OCSOptions, own)
    assert to_campaign_groups(options) == to_campaign_groups(before)
    assert (replace(options.tserver, switch_dbid=0), [replace(one, switch_dbid=0) for one in options.switch]) == (
        before.tserver, list(before.switch))
    assert (options.tserver.switch_dbid, options.switch[0].switch_dbid) == (101, 102), "numbers of the objects"
    assert imported(url, FILE).changes == (), "again nothing is new"


def test_the_first_switch_stays_the_first_when_the_file_does_not_name_the_others_any_more(tmp_path: Path) -> None:
    url = sqlite_configuration(tmp_path)
    imported(url, FILE)
    exported = export_objects(backend_for(url))
    exported["application"].append({"name": "ts", "type": "tserver", "host": "east.example", "port": 7002})
    next(one for one in exported["switch"] if one["name"] == "east")["tserver"] = "ts"
    imported(url, exported)
    file = tmp_path / "ocs.toml"
    file.write_text(f'[configuration]\nsource = "database"\nurl = "{url}"\n')
    assert dns_of(load_server(file).options) == (("7001", "7001@east"), "6001", (("6001@east", "6800@east"),))


def test_what_cannot_be_told_apart_is_refused() -> None:
    def problems(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            planned({}, read_document(tomllib.loads(text), VOCABULARY))
        return caught.value.problems

    assert problems(OBJECTS.replace("7001@west", "7001")) == ["agent_group[sales].dns: 7001 may be 7001@west or 7001@east"]
    assert problems(OBJECTS.replace("7001@west", "7001@north")) == ["agent_group[sales].dns: there is no DN 7001@north"]
    assert problems(OBJECTS.replace("7001@west", "7009")) == [
        "agent_group[sales].dns: there is no DN 7009; none is made where there are several switches"]
    assert problems('[[switch]]\nname = "east"\nport = 7002\n') == [
        "switch[east].port: stands in a server's own file, beside its [tserver]"]
    assert problems('[[dn]]\nnumber = "7001@east"\n') == [
        "dn[7001@east].number: without an @; the switch has an option of its own"]
