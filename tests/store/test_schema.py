"""The tables: public columns as published, names from people never as they are."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect

from ocs.database.backend import backend_for, transaction
from ocs.dialing.values import CustomField
from ocs.errors import OCSError
from ocs.store.registry import Catalog, add_fields, column_names, create_list, identifier
from ocs.store.schema import PUBLIC_COLUMNS, calling_list_table, is_identifier

# name, nullable, default: the published calling-list format
PUBLISHED = [
    ("record_id", False, None), ("contact_info", False, None), ("contact_info_type", False, "1"),
    ("record_type", False, "2"), ("record_status", False, "1"), ("call_result", True, "28"), ("attempt", False, "0"),
    ("dial_sched_time", True, None), ("call_time", True, None), ("daily_from", False, "28800"),
    ("daily_till", False, "64800"), ("tz_dbid", False, "122"), ("campaign_id", True, None), ("agent_id", True, None),
    ("chain_id", False, None), ("chain_n", False, None), ("group_id", True, None), ("app_id", True, None),
    ("treatments", True, None), ("media_ref", True, None), ("email_subject", True, None),
    ("email_template_id", True, None), ("switch_id", True, None),
]


def test_a_calling_list_has_the_published_columns_and_its_own(database: str) -> None:
    with transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring", [CustomField("account"), CustomField("balance", "float")])
    engine = create_engine(backend_for(database).url)
    looked = inspect(engine)
    found = [(one["name"], one["nullable"], one["default"]) for one in looked.get_columns("cl_spring")]
    assert found == PUBLISHED + [("account", True, None), ("balance", True, None)]
    assert looked.get_pk_constraint("cl_spring")["constrained_columns"] == ["chain_id", "chain_n"]
    engine.dispose()


def test_a_row_that_gives_only_what_it_must_gets_the_public_defaults(database: str) -> None:
    with transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring")
        work.cursor.execute("INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (1, '+1', 1, 1)")
        row = work.cursor.execute("SELECT contact_info_type, record_type, record_status, call_result, attempt, daily_from,"
                                  " daily_till, tz_dbid FROM cl_spring").fetchone()
    assert row == (1, 2, 1, 28, 0, 28_800, 64_800, 122)


@pytest.mark.parametrize("statement", [
    "INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (1, '+2', 2, 1)",
    "INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (2, '+2', 1, 1)",
])
def test_record_ids_and_places_in_a_chain_are_unique(database: str, statement: str) -> None:
    with pytest.raises(OCSError, match="(?i)unique"), transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring")
        work.cursor.execute("INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (1, '+1', 1, 1)")
        work.cursor.execute(statement)


@pytest.mark.parametrize("name", ["", "1st", "a b", "a;drop table x", "a-b", "ä", "a" * 49, 'x"y', "a.b", "١"])
def test_what_is_no_plain_identifier_is_no_table_and_no_column(name: str) -> None:
    assert not is_identifier(name)
    with pytest.raises(ValueError):
        calling_list_table(name, [])
    with pytest.raises(ValueError):
        calling_list_table("cl_x", [CustomField(name)])


@pytest.mark.parametrize("field, reason", [
    (CustomField("record_id"), "taken"), (CustomField("Attempt"), "taken"), (CustomField("a", "blob"), "not one of"),
    (CustomField("a", "varchar", 0), "length"), (CustomField("a", "char", 5_000), "length"),
])
def test_a_field_that_cannot_be_a_column_is_refused_by_name(database: str, field: CustomField, reason: str) -> None:
    with pytest.raises(OCSError, match=reason), transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring", [field])
    with transaction(backend_for(database), write=False) as work:
        assert Catalog().calling_lists(work) == {}


@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_headers_give_distinct_column_names_that_are_not_public(headers: list[str]) -> None:
    names = column_names(headers)
    assert len(set(names)) == len(headers)
    assert all(map(is_identifier, names)) and not set(names) & set(PUBLIC_COLUMNS)


def test_readable_headers_give_readable_names() -> None:
    assert column_names(["Account No.", "Größe", "attempt", "account no", "2nd", "!", "naïve", "select"]) == [
        "account_no", "grosse", "field_attempt", "account_no_2", "field_2nd", "field", "naive", "select"]


@given(st.text(max_size=300))
def test_any_list_name_gives_a_plain_table_name(name: str) -> None:
    assert is_identifier(identifier(f"cl_{name}", "cl", ["cl", "cl_x"]))


def test_lists_of_nearly_the_same_name_get_tables_of_their_own(database: str) -> None:
    names = ["Spring", "spring", "Spring!", "Spring'); DROP TABLE ocs_attempt; --", "日本"]
    with transaction(backend_for(database)) as work:
        tables = [create_list(work, Catalog(), name).table.name for name in names]
    assert len(set(tables)) == len(names) and all(map(is_identifier, tables))
    with transaction(backend_for(database), write=False) as work:
        assert list(Catalog().calling_lists(work)) == names


@pytest.mark.parametrize("name", ["", "   ", "x" * 256])
def test_a_list_needs_a_name(database: str, name: str) -> None:
    with pytest.raises(OCSError, match="1 to 255"), transaction(backend_for(database)) as work:
        create_list(work, Catalog(), name)


def test_a_list_is_made_once(database: str) -> None:
    with pytest.raises(OCSError, match="already"), transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring")
        create_list(work, Catalog(), "Spring")
    with transaction(backend_for(database), write=False) as work:
        assert Catalog().calling_lists(work) == {}


def test_a_catalog_sees_fields_that_another_adds(database: str) -> None:
    backend, ours, theirs = backend_for(database), Catalog(), Catalog()
    with transaction(backend) as work:
        create_list(work, ours, "Spring", [CustomField("account")])
    with transaction(backend) as work:
        assert len(ours.calling_list(work, "Spring").fields) == 1
        add_fields(work, theirs, "Spring", [CustomField("order", "int", send_attribute="Order")])
    with transaction(backend) as work:
        assert ours.calling_list(work, "Spring").fields == (CustomField("account"),
                                                            CustomField("order", "int", send_attribute="Order"))
        with pytest.raises(OCSError, match="taken"):
            add_fields(work, ours, "Spring", [CustomField("ORDER")])


def test_zones_and_campaigns_keep_their_numbers(database: str) -> None:
    backend = backend_for(database)
    with transaction(backend) as work:
        catalog = Catalog()
        assert catalog.zone_dbid(work, "America/Los_Angeles") == 122
        berlin = catalog.zone_dbid(work, "Europe/Berlin")
        assert catalog.zone_dbid(work, "Europe/Berlin") == berlin
        eastern = catalog.zone_dbid(work, "America/New_York")
        assert work.cursor.execute("SELECT tz_dbid, alias FROM ocs_time_zone ORDER BY 1").fetchall() == [
            (122, "PST"), (berlin, "CET"), (eastern, "EST")]
        assert dict(catalog.campaign_dbids(work, ["Spring", "Other", "Third"], {"Spring": 101, "Third": 101})) == {
            "Spring": 101, "Other": 1_000_001, "Third": 1_000_002}
    with transaction(backend) as work:
        assert Catalog().zones(work, [berlin])[berlin] == "Europe/Berlin"
        assert Catalog().campaign_dbids(work, ["Spring"], {"Spring": 7})["Spring"] == 101


def test_a_campaign_number_that_was_undone_is_not_remembered(database: str) -> None:
    backend, catalog = backend_for(database), Catalog()
    with pytest.raises(ZeroDivisionError), transaction(backend) as work:
        catalog.campaign_dbids(work, ["Spring"], {"Spring": 5})
        raise ZeroDivisionError
    with transaction(backend) as work:
        catalog.campaign_dbids(work, ["Spring"], {"Spring": 6})
    with transaction(backend) as work:
        assert Catalog().campaign_dbids(work, ["Spring"], {}) == {"Spring": 6}
