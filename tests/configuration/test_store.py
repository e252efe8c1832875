"""Objects in the database, on both kinds: read as they were written, changed under their versions, with their history."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

import pytest

from ocs.configuration import schema
from ocs.configuration.difference import ObjectChange, differences
from ocs.configuration.history import Act, read_history
from ocs.configuration.store import database_id, read_objects, revision, write_changes
from ocs.database.backend import backend_for, transaction
from ocs.errors import StaleObject
from tests.configuration.test_plan import SITE, plan
from tests.configuration.worlds import World
from tests.doubles.configurations import configuration_database  # noqa: F401

ACT = Act(1_800_000_000.5, "ada", "test")


def objects_in(url: str) -> Any:
    with transaction(backend_for(url), write=False) as work:
        return read_objects(work)


def write(url: str, changes: list[ObjectChange], act: Act = ACT) -> None:
    with transaction(backend_for(url)) as work:
        write_changes(work, changes, act)


def become(url: str, after: Mapping[tuple[str, int], Any], act: Act = ACT) -> None:
    write(url, differences(objects_in(url), after), act)


def rows(url: str, **which: Any) -> list[tuple[str, str, str, str, str]]:
    with transaction(backend_for(url), write=False) as work:
        return [(one.who, one.action, f"{one.object}.{one.field}", one.old, one.new) for one in read_history(work, **which)]


def test_whatever_a_site_has_is_read_as_it_was_written_and_all_of_it_can_go(configuration_database: str) -> None:  # noqa: F811
    names = ["a", "b@c", "ä\u20ac", '"', "\\", "x y", "'", "%s", "#", "\u2028"]
    for seed in range(8):
        objects = World(seed, names, ["", "100 %", "line\nline", "\x01", "\U0001f4de"]).objects
        become(configuration_database, objects)
        assert differences(objects, objects_in(configuration_database)) == []
    become(configuration_database, {})
    with transaction(backend_for(configuration_database), write=False) as work:
        for table in schema.metadata.sorted_tables:
            if table not in (schema.history, schema.database):
                work.cursor.execute(f"SELECT count(*) FROM {table.name}")
                assert work.cursor.fetchone() == (0,)


def test_public_numbers_stand_in_the_tables(configuration_database: str) -> None:  # noqa: F811
    become(configuration_database, plan(SITE + '[[calling_list]]\nname = "x"\ndbid = 8\ncheck_dnc_list = false'))
    with transaction(backend_for(configuration_database), write=False) as work:
        work.cursor.execute("SELECT dial_mode, group_type, group_dbid, num_of_channels, min_rec_buff_size, opt_method, state,"
                            " object_version FROM cfg_campaign_group")
        assert work.cursor.fetchall() == [(2, 5, 3, 0, 4.0, 0, 1, 1)]
        work.cursor.execute("SELECT position, calling_list_dbid, share, is_active FROM cfg_campaign_calling_list")
        assert work.cursor.fetchall() == [(1, 7, 10, 2)]
        work.cursor.execute("SELECT object_type, object_dbid, section, key, value FROM cfg_option")
        assert work.cursor.fetchall() == [(26, 8, "OCServer", "check_dnc_list", "false")]


def test_each_change_counts_the_version_of_its_object_and_moves_the_revision(configuration_database: str) -> None:  # noqa: F811
    url = configuration_database
    become(url, plan(SITE))
    with transaction(backend_for(url), write=False) as work:
        first = revision(work)
    become(url, plan(SITE.replace('action = "redial"', 'action = "redial"\ncycle_attempts = 3'), objects_in(url)))
    found = objects_in(url)
    assert found["treatment", 5].version == 2 and found["campaign", 2].version == 1
    with transaction(backend_for(url), write=False) as work:
        assert revision(work) == first + 1


def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused_by_name(configuration_database: str) -> None:  # noqa: F811
    url = configuration_database
    become(url, plan(SITE))
    mine, theirs = objects_in(url), objects_in(url)
    both = SITE.replace('action = "redial"', 'action = "redial"\ncycle_attempts = 3').replace(
        'agents = ["1001", "1002"]', 'agents = ["1001"]')
    write(url, differences(theirs, plan(both, theirs)), Act(1_800_000_060.0, "bob"))
    edited = both.replace("cycle_attempts = 3", "cycle_attempts = 4").replace("lists = [", 'description = "Mine"\nlists = [')
    wanted = plan(edited, mine)
    with pytest.raises(StaleObject) as caught:
        write(url, differences(mine, wanted))
    assert caught.value.problems == ["agent_group[outbound]: was changed by bob at 2027-01-15 08:01:00+00:00",
                                     "treatment[busy]: was changed by bob at 2027-01-15 08:01:00+00:00"]
    now = objects_in(url)
    assert now["campaign", 2]["description"] == "" and now["treatment", 5]["cycle_attempts"] == 3       # nothing half done


def test_what_somebody_else_removed_or_made_meanwhile_is_refused_too(configuration_database: str) -> None:  # noqa: F811
    url = configuration_database
    become(url, plan(SITE))
    before = objects_in(url)
    gone = {key: one for key, one in before.items() if key[0] != "campaign_group"}
    write(url, differences(before, gone), Act(1_800_000_060.0, "bob"))
    group = before["campaign_group", 9]
    changed = {**before, group.key: replace(group, values={**group.values, "maximum_ports": 3})}
    with pytest.raises(StaleObject, match=r"campaign_group\[renewals@outbound\]: was removed by bob"):
        write(url, differences(before, changed))
    with pytest.raises(StaleObject, match=r"campaign\[renewals\]: was created by ada"):
        write(url, differences({}, {("campaign", 2): before["campaign", 2]}))


def test_a_reference_to_what_there_is_not_is_refused_by_the_database(configuration_database: str) -> None:  # noqa: F811
    from ocs.errors import StoreUnavailable
    objects = plan(SITE)
    with pytest.raises(StoreUnavailable, match="(?i)foreign key"):
        become(configuration_database, {key: one for key, one in objects.items() if key[0] != "calling_list"})
    assert objects_in(configuration_database) == {}


def test_history_tells_who_changed_what_from_what_to_what_and_hides_secrets(configuration_database: str) -> None:  # noqa: F811
    url = configuration_database
    request = ('[[http_request]]\nname = "crm"\nuri = "https://crm.example/"\n[[http_request.header]]\nname = "X-Key"\n'
               'value = "s3cret"\n')
    become(url, plan(SITE + request))
    become(url, plan('[[treatment]]\nname = "busy"\ndbid = 5\ncall_result = "busy"\naction = "redial"\ncycle_attempts = 3\n'
                     '[treatment.options.icon]\nx = "1"\n' + request.replace("s3cret", "0ther"), objects_in(url)),
           Act(1_800_000_060.0, "bob", "console"))
    assert rows(url, limit=3) == [
        ("bob", "changed", "http_request[crm].header", "X-Key *** ", "X-Key *** "),
        ("bob", "changed", "treatment[busy].options.icon.x", "", "1"),
        ("bob", "changed", "treatment[busy].cycle_attempts", "1", "3")]
    with transaction(backend_for(url), write=False) as work:
        work.cursor.execute("SELECT old_value, new_value FROM cfg_history")
        assert "s3cret" not in repr(work.cursor.fetchall())


def test_history_of_one_object_is_found_by_each_name_that_it_had(configuration_database: str) -> None:  # noqa: F811
    url = configuration_database
    become(url, plan(SITE))
    renamed = SITE.replace('name = "busy"', 'name = "engaged"').replace('["busy"]', '["engaged"]')
    become(url, plan(renamed, objects_in(url), renames=True))
    gone = ("treatment", "calling_list", "campaign", "campaign_group")
    become(url, {key: one for key, one in objects_in(url).items() if key[0] not in gone})
    for label in ("treatment[busy]", "treatment[engaged]", "busy", "engaged"):
        assert [row[1] for row in rows(url, label=label) if row[2].endswith(".name")] == ["removed", "changed", "created"]
    assert rows(url, label="treatment[%]") == rows(url, label="%usy") == []


def test_each_database_has_a_name_of_its_own(configuration_database: str) -> None:  # noqa: F811
    from ocs.configuration.versions import configuration_versions
    with transaction(backend_for(configuration_database), write=False) as work:
        name = database_id(work)
    assert len(name) == 32
    configuration_versions.upgrade(configuration_database)
    with transaction(backend_for(configuration_database), write=False) as work:
        assert database_id(work) == name
