"""Import and export: everything or nothing, each object told, nobody's work undone; on both kinds of databases."""
from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.importing import check_objects, export_objects, export_server, import_objects
from ocs.configuration.difference import Action
from ocs.configuration.exporting import written
from ocs.configuration.history import Act
from ocs.configuration.store import read_objects
from ocs.database.backend import backend_for, transaction
from ocs.errors import ConfigurationError, StaleObject, StoreUnavailable
from ocs.options import load
from tests.app.test_config import GOOD
from tests.doubles.configurations import configuration_database, imported  # noqa: F401

BOB = Act(1_800_000_060.0, "bob", "import bob.toml")


@pytest.fixture
def url(configuration_database: str) -> str:    # noqa: F811
    """A database with a site in it."""
    imported(configuration_database, GOOD)
    return configuration_database


def objects_in(url: str) -> Any:
    with transaction(backend_for(url), write=False) as work:
        return read_objects(work)


def exported(url: str) -> Any:
    return tomllib.loads(written(export_objects(backend_for(url))))


def refused(url: str, given: Any, **how: Any) -> list[str]:
    before = objects_in(url)
    with pytest.raises(ConfigurationError) as caught:
        imported(url, given, **how)
    assert objects_in(url) == before
    return caught.value.problems


def test_the_report_tells_of_each_object_what_was_done(configuration_database: str) -> None:    # noqa: F811
    first = imported(configuration_database, GOOD)
    assert "campaign[renewals]" in first.labels(Action.CREATED) and first.unchanged == () and first.done
    again = imported(configuration_database, GOOD)
    assert again.changes == () and set(again.unchanged) == set(first.labels(Action.CREATED))
    assert again.revision == first.revision
    changed = imported(configuration_database, GOOD.replace("interval_min = 10", "interval_min = 15"))
    assert changed.labels(Action.CHANGED) == ["treatment[busy]"] and len(changed.unchanged) == len(again.unchanged) - 1
    [field] = changed.changes[0].fields
    assert (field.field, field.old, field.new) == ("interval_min", "10", "15") and changed.revision == first.revision + 1
    assert imported(configuration_database, GOOD + "[tserver]\nport = 7\n").left == ("tserver",)


def test_replacing_removes_what_the_file_has_not_and_what_nothing_in_it_needs(url: str) -> None:
    kept = imported(url, GOOD + '[[skill]]\nname = "french"\n')
    assert kept.labels(Action.REMOVED) == []
    report = imported(url, GOOD, replace=True)
    assert report.labels(Action.REMOVED) == ["skill[french]"] and ("skill", 101) not in objects_in(url)


def test_a_dry_run_tells_the_same_and_does_nothing(url: str) -> None:
    before, text = objects_in(url), GOOD.replace("interval_min = 10", "interval_min = 15")
    would = imported(url, text, dry_run=True)
    assert not would.done and objects_in(url) == before
    assert imported(url, text).changes == would.changes


def test_with_any_fault_nothing_is_done_and_every_fault_is_told(url: str) -> None:
    text = GOOD.replace('description = "Renewals in spring"', 'description = "New"').replace('["busy"]', '["fax"]')
    assert refused(url, text + '[[dialing_filter]]\nname = "f"\nformat = "x"\n') == [
        "dialing_filter[f].format: there is no format x", "calling_list[spring].treatments: there is no treatment fax"]


def test_what_only_a_server_can_tell_is_checked_for_each_server_before_anything_changes(url: str) -> None:
    twice = GOOD + '[[treatment]]\nname = "busy-too"\ndbid = 6\ncall_result = "busy"\naction = "redial"\n'
    assert refused(url, twice.replace('["busy"]', '["busy", "busy-too"]')) == [
        "calling_list[spring].treatments: busy and busy-too both answer Busy as no. 1"]
    noting = '[[treatment]]\nname = "n"\ndbid = 6\ncall_result = "no-answer"\naction = "execute-sql"\nexecute_sql = "note"\n'
    assert refused(url, GOOD + noting) == ["treatment[n].execute_sql: there is no SQL statement note"]


def test_an_export_read_into_another_database_makes_the_same_objects(url: str, tmp_path: Any) -> None:
    from tests.doubles.configurations import sqlite_configuration
    other = sqlite_configuration(tmp_path / "other" if (tmp_path / "other").mkdir() is None else tmp_path)
    import_objects(backend_for(other), exported(url), BOB)
    here, there = objects_in(url), objects_in(other)
    assert {key: (one.values, one.options) for key, one in here.items()} == {
        key: (one.values, one.options) for key, one in there.items()}


def test_an_edited_export_changes_what_was_edited_names_included(url: str) -> None:
    given = exported(url)
    given["campaign"][0]["name"], given["campaign_group"][0]["campaign"] = "revivals", "revivals"
    report = imported(url, given)
    assert report.labels(Action.CHANGED) == ["campaign[revivals]"] and report.labels(Action.REMOVED) == []
    assert [key for key in objects_in(url) if key[0] == "campaign_group"] == [("campaign_group", 9)]


def test_an_old_export_does_not_undo_what_others_did_since_unless_forced(url: str) -> None:
    mine = exported(url)
    imported(url, GOOD.replace("interval_min = 10", "interval_min = 15"), act=BOB)
    assert imported(url, mine, dry_run=True, force=True).labels(Action.CHANGED) == ["treatment[busy]"]
    with pytest.raises(StaleObject) as caught:
        imported(url, mine)
    assert caught.value.problems == ["treatment[busy]: was changed by bob at 2027-01-15 08:01:00+00:00, after this file was"
                                     " exported"]
    fresh = exported(url)
    fresh["campaign"][0]["description"] = "Mine"
    imported(url, fresh)
    assert imported(url, mine, force=True).labels(Action.CHANGED) == ["treatment[busy]", "campaign[renewals]"]


def test_an_old_export_that_says_what_is_there_now_is_no_trouble(url: str) -> None:
    mine = exported(url)
    mine["treatment"][0]["interval_min"] = 15
    imported(url, GOOD.replace("interval_min = 10", "interval_min = 15"), act=BOB)
    mine["campaign"][0]["description"] = "Mine"
    assert imported(url, mine).labels(Action.CHANGED) == ["campaign[renewals]"]


def test_an_old_export_does_not_bring_back_what_was_removed_nor_remove_what_came(url: str) -> None:
    imported(url, '[[skill]]\nname = "french"\n')
    mine = exported(url)
    imported(url, {key: value for key, value in mine.items() if key != "skill"} | {"skill": [{"name": "german", "dbid": 300}]},
             replace=True, act=BOB)
    with pytest.raises(StaleObject) as caught:
        imported(url, mine, replace=True)
    assert [problem.partition(" at ")[0] for problem in caught.value.problems] == [
        "skill[french]: was removed by bob", "skill[german]: was created by bob"]


def test_a_file_of_another_database_is_no_export_of_this_one(url: str) -> None:
    foreign = {**exported(url), "exported": {"database": "0" * 32, "revision": 0}}
    foreign["campaign"][0]["name"] = foreign["campaign_group"][0]["campaign"] = "revivals"
    assert refused(url, foreign)[0] == (
        "campaign[revivals].dbid: 2 is that of campaign[renewals] in the database (to rename that, edit an export of it)")


def test_the_tables_of_one_server_are_a_file_without_a_database(url: str) -> None:
    text = written(export_server(backend_for(url), "ocs"))
    assert to_campaign_groups(load(OCSOptions, tomllib.loads(text))) == to_campaign_groups(load(OCSOptions, tomllib.loads(GOOD)))
    with pytest.raises(ConfigurationError, match="application east is not in the configuration database"):
        export_server(backend_for(url), "east")


def test_what_is_in_the_database_can_be_checked(url: str) -> None:
    assert check_objects(backend_for(url)) == ([], ["ocs"])
    with transaction(backend_for(url)) as work:         # somebody writes into the tables by hand
        work.cursor.execute("UPDATE cfg_calling_list SET max_attempts = 0")
    assert check_objects(backend_for(url)) == (
        ["calling_list[spring].maximum_attempts: 1 to 10000 is expected, not 0"], ["ocs"])


def test_a_database_without_tables_says_what_makes_them(empty_database: str) -> None:
    if empty_database.startswith("postgresql"):
        with pytest.raises(StoreUnavailable, match="ocs config upgrade"):
            imported(empty_database, GOOD)
    else:
        with pytest.raises(StoreUnavailable, match="no such file"):
            imported(empty_database, GOOD)
