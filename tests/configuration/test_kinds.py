"""The declarations: public numbers and names, and tables made of them."""
from __future__ import annotations

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.schema import CreateIndex, CreateTable

from ocs.configuration import schema
from ocs.configuration.enumerations import (
    ApplicationType,
    DataType,
    DNType,
    FieldType,
    Flag,
    ObjectState,
    OperationMode,
    TableType,
)
from ocs.configuration.kinds import GROUP_KINDS, KINDS
from ocs.configuration.model import Form, Property
from ocs.configuration.versions import configuration_versions
from ocs.database.backend import backend_for, transaction
from ocs.dialing.actions import CallAction, TreatmentAction
from ocs.dialing.results import OptimizationMethod

# the published object types
PUBLISHED_TYPES = {"switch": 1, "dn": 2, "person": 3, "place": 4, "agent_group": 5, "place_group": 6, "tenant": 7,
                   "application": 9, "skill": 13, "agent_login": 15, "field": 23, "format": 24, "table_access": 25,
                   "calling_list": 26, "campaign": 27, "treatment": 28, "dialing_filter": 29, "time_zone": 30,
                   "campaign_group": 38}
# published properties of the objects of dialing, and the columns that have them
PUBLISHED_PROPERTIES = {
    "campaign_group": {
        "campaignDBID": "campaign_dbid", "groupDBID": "group_dbid", "groupType": "group_type", "dialMode": "dial_mode",
        "origDNDBID": "orig_dn_dbid", "trunkGroupDNDBID": "trunk_group_dn_dbid", "numOfChannels": "num_of_channels",
        "operationMode": "operation_mode", "minRecBuffSize": "min_rec_buff_size", "optRecBuffSize": "opt_rec_buff_size",
        "maxQueueSize": "max_queue_size", "optMethod": "opt_method", "optMethodValue": "opt_method_value", "state": "state"},
    "calling_list": {"tableAccessDBID": "table_access_dbid", "filterDBID": "filter_dbid", "timeFrom": "time_from",
                     "logTableAccessDBID": "log_table_access_dbid", "timeUntil": "time_until", "maxAttempts": "max_attempts"},
    "treatment": {"callResult": "call_result", "recActionCode": "rec_action_code", "attempts": "attempts",
                  "dateTime": "date_time", "cycleAttempt": "cycle_attempt", "callActionCode": "call_action_code",
                  "destDNDBID": "dest_dn_dbid"},
    "table_access": {"dbAccessDBID": "db_access_dbid", "formatDBID": "format_dbid", "dbTableName": "db_table_name",
                     "isCachable": "is_cachable", "updateTimeout": "update_timeout"},
    "field": {"fieldType": "field_type", "defaultValue": "default_value", "isPrimaryKey": "is_primary_key",
              "isUnique": "is_unique", "isNullable": "is_nullable"},
}


def test_kinds_have_the_published_numbers_and_ours_are_beyond_them() -> None:
    assert {word: kind.number for word, kind in KINDS.items() if kind.public} == PUBLISHED_TYPES
    assert all(kind.number > 1_000 for kind in KINDS.values() if not kind.public)
    assert dict(GROUP_KINDS) == {5: "agent_group", 6: "place_group"}


@pytest.mark.parametrize("word", PUBLISHED_PROPERTIES)
def test_published_properties_have_columns_of_their_names(word: str) -> None:
    found = {one.public: one.in_table for one in KINDS[word].plain}
    assert PUBLISHED_PROPERTIES[word].items() <= found.items()


@pytest.mark.parametrize("members, numbers", [
    (Flag, {"UNKNOWN": 0, "FALSE": 1, "TRUE": 2}), (ObjectState, {"ENABLED": 1, "DISABLED": 2}),
    (OperationMode, {"NONE": 0, "MANUAL": 1, "SCHEDULE": 2}),
    (OptimizationMethod, {"BUSY_FACTOR": 1, "OVERDIAL_RATE": 2, "WAIT_TIME": 3, "DISTRIBUTION_TIME": 4, "MAXIMUM_GAIN": 5}),
    (DataType, {"INT": 1, "FLOAT": 2, "CHAR": 3, "VARCHAR": 4, "DATETIME": 5}),
    (FieldType, {"RECORD_ID": 1, "CUSTOM_FIELD": 16, "PHONE_TYPE": 24, "SWITCH_ID": 31}),
    (TableType, {"CALLING_LIST": 1, "LOG_TABLE": 2, "CUSTOM": 10, "DO_NOT_CALL_LIST": 11}),
    (DNType, {"EXTENSION": 1, "ACD_QUEUE": 3, "ROUTING_POINT": 4, "TRUNK_GROUP": 15, "COMMUNICATION": 23, "GVP_DID": 32}),
    (ApplicationType, {"TSERVER": 1, "STAT_SERVER": 2, "ICON": 9, "CPD_SERVER": 10, "OCS": 12, "INTERACTION_SERVER": 111}),
    (TreatmentAction, {"UPDATE_CHAIN": 2, "REDIAL": 3, "RETRY_IN": 4, "RESCHEDULE": 11, "EXECUTE_SQL": 13}),
    (CallAction, {"CONNECT": 1, "DROP": 2, "TRANSFER": 4}),
])
def test_enumerations_have_the_published_numbers(members: type, numbers: dict[str, int]) -> None:
    assert numbers.items() <= {each.name: each.value for each in members}.items()      # type: ignore[attr-defined]


def test_every_reference_names_kinds_that_exist_and_names_are_unique_within_a_kind() -> None:
    for kind in KINDS.values():
        names = [one.name for one in kind.properties]
        assert len(set(names)) == len(names) and kind.naming in names and (not kind.scope or kind.scope in names)
        for _, column in kind.references():
            assert column.refers and all(word in KINDS for word in column.refers)
            assert len(column.refers) == 1 or column.decides in names
        for one in kind.properties:
            for column in (one,) if isinstance(one, Property) else one.columns:
                assert (column.form is Form.MEMBER) == (column.members is not None)


def test_the_scripts_make_the_tables_that_are_declared(empty_database: str) -> None:
    assert configuration_versions.upgrade(empty_database) == (None, configuration_versions.needed)
    assert configuration_versions.upgrade(empty_database) == (configuration_versions.needed,) * 2
    engine = create_engine(backend_for(empty_database).url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "configuration_version"})
        assert compare_metadata(context, schema.metadata) == []
        looked = inspect(connection)
        for table in schema.metadata.sorted_tables:
            for one in looked.get_foreign_keys(table.name):
                assert one["options"] == {"deferrable": True, "initially": "DEFERRED"}
    engine.dispose()


def test_the_scripts_make_every_index_that_is_declared(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/c.sqlite"
    configuration_versions.upgrade(url)
    declared = sqlite3.connect(":memory:")
    for table in schema.metadata.sorted_tables:
        for element in (CreateTable(table), *map(CreateIndex, table.indexes)):
            declared.execute(str(element.compile(dialect=backend_for(url).dialect)))
    expected = declared.execute("SELECT name FROM sqlite_master").fetchall()
    declared.close()
    with transaction(backend_for(url), write=False) as work:
        made = work.cursor.execute("SELECT name FROM sqlite_master WHERE name <> 'configuration_version'").fetchall()
    automatic = "sqlite_autoindex"
    assert sorted(n for n in made if automatic not in n[0]) == sorted(n for n in expected if automatic not in n[0])


def test_it_lies_beside_the_calling_lists_in_one_database(empty_database: str) -> None:
    from ocs.store.versions import current_version, needed_version, upgrade
    configuration_versions.upgrade(empty_database)
    upgrade(empty_database)
    assert configuration_versions.current(empty_database) == configuration_versions.needed
    assert current_version(empty_database) == needed_version()
