"""Dialing filters in the configuration, and what only the columns of a list can tell of them."""
from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocs.app.cli.config import config
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.list_checks import list_problems
from ocs.database.backend import backend_for, transaction
from ocs.dialing.filtering import FilterText
from ocs.dialing.values import CustomField
from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.store.registry import Catalog, create_list
from ocs.store.versions import upgrade
from tests.app.test_config import GOOD

FIELDS = (CustomField("region"), CustomField("balance", "float"))


def configured(more: str = "", *edits: tuple[str, str]) -> OCSOptions:
    """GOOD with these lines in its calling list, and other edits."""
    text = GOOD.replace('treatments = ["busy"]', f'treatments = ["busy"]\n{more}')
    for old, new in edits:
        text = text.replace(old, new)
    return load(OCSOptions, tomllib.loads(text))


def problems(more: str, *edits: tuple[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        configured(more, *edits)
    return caught.value.problems


def filter_of(options: OCSOptions) -> FilterText | None:
    return to_campaign_groups(options)["renewals@outbound"].lists[0].filter


RICH = ("[[agent_group]]",
        '[[dialing_filter]]\nname = "rich"\ncriteria = "balance > 9"\norder_by = "balance DESC"\n[[agent_group]]')


def test_a_list_has_a_filter_of_its_own_or_a_named_one_or_none() -> None:
    assert filter_of(configured()) is None and filter_of(configured('criteria = " "')) is None
    assert filter_of(configured('criteria = "a = 1"\ncriteria1 = "AND b = 2"\norder_by = "c"')) == FilterText(
        (("criteria", "a = 1"), ("criteria1", "AND b = 2"), ("order_by", "c")))
    assert filter_of(configured('filter = "rich"', RICH)) == FilterText(
        (("criteria", "balance > 9"), ("order_by", "balance DESC")), "rich")


@pytest.mark.parametrize("more, expected", [
    ('filter = "poor"', ["calling_list[1].filter: there is no dialing filter poor (in calling_list spring)"]),
    ('filter = "rich"\ncriteria = "a = 1"', ["calling_list[1].filter: give a filter's name, or criteria and order_by here"]),
    ('criteria = "a = 1; DROP TABLE x"', ["calling_list[1].criteria, line 1, column 6: a filter is one expression; `;` is not"]),
    ('criteria = "attempt <"', ["calling_list[1].criteria, line 1, column 9: the syntax is wrong near '<'"]),
    ('criteria = "attempt < 3"\ncriteria1 = "AND attempt = \'x\'"', ["calling_list[1].criteria1, line 1, column 5: "]),
    ('order_by = "attempt -- x"', ["calling_list[1].order_by, line 1, column 1: comments are not possible"]),
    ('criteria2 = "AND 1"', ["calling_list[1].criteria1: missing, but criteria2 is given"]),
    ('criteria = 7', ["calling_list[1].criteria: a string is expected, not '7'"]),
])
def test_what_can_be_told_without_the_lists_columns_is_told_at_once(more: str, expected: list[str]) -> None:
    found = problems(more, RICH)
    assert len(found) == len(expected) and all(one.startswith(text) for one, text in zip(found, expected)), found


def test_faults_of_a_named_filter_are_told_where_it_stands() -> None:
    bad = '[[dialing_filter]]\nname = "bad"\norder_by = "lower(3)"\n[[dialing_filter]]\nname = "bad"\n[[agent_group]]'
    found = problems("", ("[[agent_group]]", bad))
    assert len(found) == 2 and "dialing_filter: name bad is given 2 times" in found
    assert any(one.startswith("dialing_filter[1].order_by, line 1, column 1: lower takes text") for one in found)


def test_a_filter_and_a_disposition_field_must_fit_the_lists_columns() -> None:
    options = configured('filter = "rich"\ndisposition_field = "outcome"', RICH)
    assert list_problems(options, {"spring": FIELDS[:1]}) == [
        "calling_list[1].disposition_field: calling list spring has no field 'outcome'; its fields are region",
        "dialing_filter[1].criteria, line 1, column 1: no column 'balance' in this calling list; its columns are "
        + ", ".join(sorted(["region", *_PUBLIC])) + " (in calling list spring)"]
    assert list_problems(options, {"spring": (*FIELDS, CustomField("outcome"))}) == []
    assert list_problems(options, {"autumn": ()}) == []
    [own] = list_problems(configured('criteria = "attempt < 3"\norder_by = "region > 3"'), {"spring": FIELDS})
    assert own.startswith("calling_list[1].order_by, line 1, column 1: ")


_PUBLIC = ("record_id chain_id chain_n contact_info contact_info_type record_type record_status call_result attempt"
           " dial_sched_time call_time daily_from daily_till tz_dbid agent_id treatments").split()


def checked(file: Path, *more: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(config, ["check", str(file), "--json", *more])
    return done.exit_code, json.loads(done.output)


def test_config_check_looks_into_the_database(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/ocs.db", tmp_path / "ocs.toml"
    file.write_text(GOOD.replace("[[treatment]]", f'[database]\nurl = "{url}"\n[[treatment]]', 1)
                    .replace('treatments = ["busy"]', 'treatments = ["busy"]\ncriteria = "balance > 9"'))
    status, answer = checked(file)
    assert status == 0 and answer["problems"] == [] and "ocs.db" in str(answer["not_checked_against_database"])
    upgrade(url)
    assert checked(file)[1]["not_checked_against_database"] == ""
    with transaction(backend_for(url)) as work:
        create_list(work, Catalog(), "spring", FIELDS[:1])
    status, answer = checked(file)
    assert status == 1 and f"{file}: calling_list[1].criteria, line 1, column 1: no column 'balance'" in str(answer["problems"])
    assert checked(file, "--offline")[0] == 0
