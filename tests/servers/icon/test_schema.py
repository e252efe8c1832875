"""The tables are those of the public description, and the scripts make what the program describes."""
from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import String

from ocs.database.backend import transaction
from ocs.errors import StoreUnavailable
from ocs.servers.icon import schema
from ocs.servers.icon.versions import icon_versions
from tests.servers.icon.tables import Tables

SYSTEM = {"GSYS_DOMAIN", "GSYS_PARTITION", "GSYS_SYS_ID", "GSYS_SEQ", "GSYS_USEQ", "GSYS_TS", "GSYS_TC", "GSYS_EXT_VCH1",
          "GSYS_EXT_VCH2", "GSYS_EXT_INT1", "GSYS_EXT_INT2"}
# table -> columns that are publicly known; X* stands for a time in its three columns
PUBLIC = {
    "GO_Campaign": "SessID CampaignID GroupID State OCSID DialMode",
    "GO_CampaignHistory": "SessID State PrevState Cause",
    "GO_CampProp_Hist": "SessID Seq DialMode PrevDialMode PrevDMEnter* OptimMode OptimValue PrevOptimMode PrevOptimValue",
    "GO_Chain": "ChainGUID ParentGUID SessID CampaignID GroupID CallingListID",
    "GO_ChainRec_hist": "ChainGUID RecordHandle State PrevState PrevSEnter* Seq CallAttID Added*",
    "GO_Custom_Fields": "ChainGUID RecordHandle FieldID Value LastChainUpdSeq LastChanged* Loaded*",
    "GO_FieldHist": "ChainGUID RecordHandle FieldID OldValue NewValue PrevEnter* Seq ChainHistSeq CallAttID Added*",
    "GO_Secure_Fields": "", "GO_Record": "", "GO_Metrics": "",
    "GO_Sec_FieldHist": "ChainGUID RecordHandle FieldID OldValue NewValue PrevEnter* Seq ChainHistSeq CallAttID Added*",
    "GOX_Chain_Call": "CallID ChainGUID CallAttID Added*",
}
LENGTHS = {"SessID": {64}, "ChainGUID": {64}, "ParentGUID": {64}, "CallAttID": {50}, "CallID": {50}, "Value": {4_000, 255},
           "OldValue": {4_000, 255}, "NewValue": {4_000, 255}}


def public(table: str) -> set[str]:
    names: set[str] = {"ID"}
    for word in PUBLIC[table].split():
        name = word.rstrip("*")
        names |= {name, f"{name}_ts", f"{name}_tcode"} if word.endswith("*") else {name}
    return names | SYSTEM


def test_there_are_the_twelve_tables_with_their_public_columns() -> None:
    assert {table.name for table in schema.TABLES} == set(PUBLIC) and len(PUBLIC) == 12
    for table in schema.TABLES:
        marked = {column.name for column in table.columns if column.info["mark"] == "V"}
        assert marked == public(table.name), table.name


def test_texts_are_as_long_as_in_the_public_description() -> None:
    for table in schema.TABLES:
        for column in table.columns:
            if column.name in LENGTHS and isinstance(column.type, String):
                assert column.type.length in LENGTHS[column.name], f"{table.name}.{column.name}"
    assert [str(table.c.Value.type) for table in (schema.fields, schema.secure_fields)] == ["VARCHAR(4000)", "VARCHAR(255)"]


def test_every_time_stands_in_three_columns() -> None:
    for table in schema.TABLES:
        moments = [column.name for column in table.columns if str(column.type) == "DATETIME"]
        assert moments and all({f"{name}_ts", f"{name}_tcode"} <= set(table.c.keys()) for name in moments)


def columns(tables: Tables) -> dict[str, list[str]]:
    """Table -> columns in order, lower case, as the database has them."""
    with transaction(tables.backend, write=False) as work:
        if tables.url.startswith("sqlite"):
            names = [name for name, in work.cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
            return {name.lower(): [row[1].lower() for row in work.cursor.execute(f"PRAGMA table_info({name})").fetchall()]
                    for name in names}
        found: dict[str, list[str]] = {}
        for table, column in work.cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                " ORDER BY table_name, ordinal_position").fetchall():
            found.setdefault(table, []).append(column)
        return found


def indexes(tables: Tables) -> set[str]:
    query = ("SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_%'" if tables.url.startswith("sqlite") else
             "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_%'")
    with transaction(tables.backend, write=False) as work:
        return {name for name, in work.cursor.execute(query).fetchall()}


def test_the_scripts_make_the_tables_that_the_program_describes(tables: Tables) -> None:
    made = columns(tables)
    assert made.pop("icon_version") == ["version_num"]
    assert made == {table.name.lower(): [column.name.lower() for column in table.columns]
                    for table in schema.metadata.tables.values()}
    assert indexes(tables) == {str(index.name) for table in schema.metadata.tables.values() for index in table.indexes}


def test_names_may_be_written_in_any_case(tables: Tables) -> None:
    with transaction(tables.backend, write=False) as work:
        for query in ("SELECT SessID, OCSID FROM GO_Campaign", "select sessid, ocsid from go_campaign"):
            assert work.cursor.execute(query).fetchall() == []


def test_an_upgrade_of_what_is_there_changes_nothing_and_a_newer_one_is_refused(tables: Tables) -> None:
    needed = icon_versions.needed
    assert icon_versions.upgrade(tables.url) == (needed, needed) and icon_versions.current(tables.url) == needed

    def version(number: str) -> None:
        with transaction(tables.backend) as work:
            work.cursor.execute(f"UPDATE icon_version SET version_num = '{number}'")
    version("9999")
    try:
        with pytest.raises(StoreUnavailable, match="newer program"):
            icon_versions.upgrade(tables.url)
    finally:
        version(needed)


def test_the_tables_lie_beside_the_calling_lists_where_somebody_wants_that(empty_database: str) -> None:
    from ocs.store.versions import current_version, needed_version, upgrade
    upgrade(empty_database)
    made: Any = icon_versions.upgrade(empty_database)
    assert made == (None, icon_versions.needed) and current_version(empty_database) == needed_version()
