"""Tables of calling lists, in a file and as objects of the Configuration Database."""
from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ocs.app.campaigns import calling_lists
from ocs.app.config import OCSOptions
from ocs.app.list_checks import list_problems
from ocs.app.resolution import server_tables
from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.document import read_document
from ocs.configuration.plan import planned
from ocs.dialing.campaign import CallingList
from ocs.dialing.values import CustomField
from ocs.options import load

LISTS = """
[dialing]
customer_id_field = "account"
[[calling_list]]
name = "spring"
dbid = 1
[[calling_list]]
name = "key accounts"
dbid = 2
table = "spring"
customer_id_field = "member"
criteria = "balance > 500"
campaign_name_field = "campaign"
"""
FIELDS = (CustomField("account"), CustomField("member"), CustomField("balance", "float"), CustomField("campaign"))


def from_objects(text: str) -> OCSOptions:
    return load(OCSOptions, server_tables(planned({}, read_document(tomllib.loads(text), VOCABULARY)), "ocs").mapping)


@pytest.mark.parametrize("read", [lambda text: load(OCSOptions, tomllib.loads(text)), from_objects])
def test_a_list_reads_the_table_that_it_names_else_that_of_its_own_name(read: Any) -> None:
    options = read(LISTS)
    lists: dict[str, CallingList] = calling_lists(options)
    assert {name: (one.reads, one.customer_id_field, one.campaign_name_field) for name, one in lists.items()} == {
        "spring": ("spring", "", ""), "key accounts": ("spring", "member", "campaign")}
    assert options.dialing.customer_id_field == "account"


@pytest.mark.parametrize("access, table", [('db_table_name = "contacts"', "contacts"), ("", "access")])
def test_an_access_to_a_table_says_which_table_a_list_reads(access: str, table: str) -> None:
    more = f'[[table_access]]\nname = "access"\n{access}\n[[calling_list]]\nname = "autumn"\ndbid = 3\ntable_access = "access"'
    text = f"{LISTS}\n{more}"
    assert calling_lists(from_objects(text))["autumn"].reads == table


def test_what_a_list_says_is_checked_against_its_table() -> None:
    options = load(OCSOptions, tomllib.loads(LISTS))
    assert list_problems(options, {"spring": FIELDS}) == []
    assert list_problems(options, {"key accounts": ()}) == [], "nobody reads a table of that name"
    *of_fields, of_filter = list_problems(options, {"spring": FIELDS[:1]})
    assert of_fields == [
        "calling_list[2].customer_id_field: calling list key accounts has no field 'member'; its fields are account",
        "calling_list[2].campaign_name_field: calling list key accounts has no field 'campaign'; its fields are account"]
    assert of_filter.startswith("calling_list[2].criteria, line 1, column 1: no column 'balance'")
