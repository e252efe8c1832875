"""User-defined fields: definitions, columns on both databases, values from every side, what stays out of sight."""
from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ocs.app.cli.root import ocs
from ocs.database.backend import backend_for, transaction
from ocs.database.statements import Sql, Transaction
from ocs.dialing.custom_fields import (
    FIELD_TYPES,
    as_sent,
    as_text,
    checked_field,
    fitting,
    from_text,
    open_fields,
    open_values,
)
from ocs.dialing.values import CustomField, CustomValue, Record
from ocs.errors import OCSError
from ocs.store.contacts import ImportOptions, ImportRefused, import_contacts
from ocs.store.filters import parse_filter
from ocs.store.formats import field_of, read_field, registry_row, typed_fields
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, add_fields, create_list
from ocs.store.sql import page_of_records
from tests.store import filter_texts as made

EVERY = (CustomField("points", "int", default=-7), CustomField("balance", "float", default=1.5), CustomField("code", "char", 6),
         CustomField("note", "varchar", 40, default="100% 'so'"), CustomField("since", "datetime", default="2026-03-10 16:30:00"),
         CustomField("pin", "varchar", 8, "", secure=True, nullable=False, default="0000", icon_attribute=2))


@pytest.mark.parametrize(("definition", "field"), [
    ("balance float", CustomField("balance", "float", send_attribute="balance")),
    ("Code CHAR(4) Not Null", CustomField("Code", "char", 4, "Code", nullable=False)),
    ("code char ( 4 )", CustomField("code", "char", 4, "code")), ("flag char", CustomField("flag", "char", 1, "flag")),
    ("name varchar", CustomField("name", send_attribute="name")),
    ("points int default -3 send GSW_POINTS", CustomField("points", "int", 255, "GSW_POINTS", default=-3)),
    ("pin varchar(8) secure unsent", CustomField("pin", "varchar", 8, "", secure=True)),
    ("since datetime default '2026-03-10T16:30'", CustomField("since", "datetime", send_attribute="since",
                                                              default="2026-03-10 16:30:00")),
    ('note varchar(80) null default "to be called"', CustomField("note", "varchar", 80, "note", default="to be called")),
    ("note varchar default ''", CustomField("note", send_attribute="note", default="")),
    ("region varchar(8) icon 1", CustomField("region", length=8, send_attribute="region", icon_attribute=1)),
    ("pin varchar(8) secure icon 2 unsent", CustomField("pin", length=8, secure=True, icon_attribute=2)),
])
def test_a_definition_reads_like_a_column(definition: str, field: CustomField) -> None:
    assert read_field(definition) == field


@pytest.mark.parametrize(("definition", "told"), [
    ("", "a field is NAME TYPE"), ("balance", "a field is NAME TYPE"),
    ("balance money", "'money' is not a type; there are int, float"),
    ("balance float(3)", "a length is for char and varchar"), ("code char(0)", "length 0 is not between 1 and 4000"),
    ("code varchar(4001)", "length 4001"), ("points int default many", "default: not a whole number"),
    ("code char(2) default abc", "default: 3 characters, 2 are possible"),
    ("points int default", "nothing stands behind DEFAULT"),
    ("points int not", "'NOT' is not known"), ("points int primary key", "'PRIMARY' is not known"), ("a int 'b", "not closed"),
    ("points int icon", "nothing stands behind ICON"), ("points int icon 3", "'3' stands behind ICON; there are 0"),
    ("pin varchar secure icon 1", "a secure field is reported with icon_attribute 2"),
    ("since datetime default 2026-03-10T16:30+01:00", "no offset"), ("points int send " + "k" * 256, "more than 255 characters"),
])
def test_a_definition_that_cannot_be_is_told(definition: str, told: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_field(definition)
    assert told in str(refused.value) and str(refused.value).startswith("field ")


@pytest.mark.parametrize(("kind", "text", "value"), [
    ("int", " 12 ", 12), ("int", "-0", 0), ("int", "+7", 7), ("int", "", None), ("float", "1.50", 1.5), ("float", ".5", 0.5),
    ("float", "-1e3", -1000.0), ("float", "", None), ("char", "ab", "ab"), ("varchar", "  x y ", "x y"), ("varchar", "", None),
    ("datetime", "2026-03-10", "2026-03-10 00:00:00"), ("datetime", "2026-03-10T16:30:00.250", "2026-03-10 16:30:00.250000"),
    ("datetime", " ", None),
])
def test_a_files_text_becomes_a_typed_value(kind: str, text: str, value: CustomValue) -> None:
    found = from_text(CustomField("f", kind, 5), text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("kind", "text"), [
    ("int", "1_000"), ("int", "٣"), ("int", "1.0"), ("int", "0x1F"), ("int", "9223372036854775808"), ("float", "1,5"),
    ("float", "1_0.5"),
    ("float", "nan"), ("float", "-inf"), ("float", "1e999"), ("float", "five"), ("char", "abcdef"), ("varchar", "a\x00b"),
    ("varchar", "\ud800"), ("datetime", "10/03/2026"), ("datetime", "2026-02-30"), ("datetime", "2026-03-10T16:30Z"),
])
def test_text_that_is_no_value_of_the_type_is_refused_without_being_repeated(kind: str, text: str) -> None:
    with pytest.raises(ValueError) as refused:
        from_text(CustomField("f", kind, 5), text)
    assert text not in str(refused.value)


def test_a_field_without_a_value_has_its_default_or_is_refused() -> None:
    assert from_text(CustomField("f", "int", default=3), " ") == 3
    assert from_text(CustomField("f", nullable=False, default=""), "") == ""
    for field in (CustomField("f", "int", nullable=False), CustomField("f", nullable=False)):
        with pytest.raises(ValueError, match="has a value in every record"):
            from_text(field, "")
        with pytest.raises(ValueError, match="has a value in every record"):
            fitting(field, None)
    assert fitting(CustomField("f", "int"), "") is None and fitting(CustomField("f"), "") == ""


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-2 ** 63, 2 ** 63 - 1), "float": st.floats(allow_nan=False, allow_infinity=False),
    "char": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40),
    "varchar": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40),
    "datetime": st.datetimes().map(lambda moment: moment.isoformat())}


@given(st.sampled_from(FIELD_TYPES).flatmap(lambda kind: st.tuples(st.just(CustomField("f", kind, 40)), VALUES[kind])))
def test_a_value_is_the_same_after_it_was_text(pair: tuple[CustomField, Any]) -> None:
    field, value = pair
    typed = fitting(field, value)
    assert fitting(field, typed) == typed and fitting(field, as_sent(typed if typed is not None else "")) == typed
    back = from_text(field, as_text(typed))
    assert back == (typed.strip() or None if isinstance(typed, str) else typed)


@given(st.sampled_from(FIELD_TYPES), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
       | st.lists(st.integers()))
def test_whatever_comes_is_a_value_of_the_type_or_refused(kind: str, value: Any) -> None:
    try:
        found = fitting(CustomField("f", kind, 10), value)
    except ValueError:
        return
    assert found is None or type(found) is {"int": int, "float": float}.get(kind, str)
    assert not isinstance(found, float) or math.isfinite(found)
    assert kind not in ("char", "varchar") or len(str(found)) <= 10


def test_moments_sort_as_their_texts() -> None:
    texts = [from_text(CustomField("f", "datetime"), text) for text in (
        "2026-03-10T09:00", "2026-03-10 09:00:00.000001", "2026-03-10 09:00:01", "2026-10-01")]
    assert texts == sorted(texts, key=str)


def test_secure_values_are_left_out_unless_they_are_asked_for() -> None:
    assert [field.name for field in open_fields(EVERY)] == ["points", "balance", "code", "note", "since"]
    assert open_values(EVERY, {"pin": "4711", "points": 1, "other": 2}) == {"points": 1}


@pytest.mark.parametrize("field", [*EVERY, CustomField("n", default=""), CustomField("n", nullable=False)])
def test_a_field_is_the_same_after_the_registry(field: CustomField) -> None:
    assert field_of(list(registry_row(field).values())) == field


def test_a_definition_is_checked_and_its_default_typed() -> None:
    assert checked_field(CustomField("f", "int", default="12")).default == 12
    with pytest.raises(ValueError, match="type 'money' is not one of"):
        checked_field(CustomField("f", "money"))
    with pytest.raises(ValueError, match="icon_attribute 3 is not 0, 1 or 2"):
        checked_field(CustomField("f", "int", icon_attribute=3))


def test_the_fields_of_a_file_are_those_of_the_list_then_those_defined_then_text() -> None:
    balance, code, more = CustomField("Balance", "float"), CustomField("code", "char", 2), CustomField("outcome")
    columns, beside = typed_fields([CustomField("balance"), CustomField("code"), CustomField("name")], [code, more], [balance])
    assert columns == (balance, code, CustomField("name")) and beside == (more,)


@pytest.mark.parametrize(("defined", "existing", "told"), [
    ([CustomField("a"), CustomField("A", "int")], [], "twice"),
    ([CustomField("a", "int")], [CustomField("a")], "in the calling list already"),
    ([], [CustomField("a", nullable=False)], "'a' needs a value in every record"),
    ([CustomField("a", nullable=False)], [], "'a' needs a value in every record")])
def test_fields_that_do_not_go_together_are_told(defined: list[CustomField], existing: list[CustomField], told: str) -> None:
    with pytest.raises(OCSError, match=told):
        typed_fields([CustomField("name")], defined, existing)


def test_typed_columns_keep_their_values_on_both_databases(database: str) -> None:
    values = {"points": 2 ** 63 - 1, "balance": 0.1, "code": "ab", "note": "x%y", "pin": "1",
              "since": "2026-03-10 16:30:00.250000"}
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        records = made_records(work, catalog, values)
        calling_list = create_list(work, catalog, "Spring", EVERY)
        insert_records(work, calling_list, records)
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        assert catalog.calling_list(work, "Spring").fields == EVERY == catalog.calling_lists(work)["Spring"]
        assert [dict(one.fields) for one in page_of_records(work, catalog, "Spring", 9)] == [values]


def made_records(work: Transaction, catalog: Catalog, values: dict[str, Any]) -> list[Record]:
    return [Record(1, 1, 1, "+12125550101", tz_dbid=catalog.zone_dbid(work, "America/Los_Angeles"), fields=values)]


def test_a_row_without_values_has_the_defaults_on_both_databases(database: str) -> None:
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        create_list(work, catalog, "Spring", EVERY[:2])
        work.cursor.execute("INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (1, '+1', 1, 1)", ())
        add_fields(work, catalog, "Spring", EVERY[2:])
        work.cursor.execute("INSERT INTO cl_spring (record_id, contact_info, chain_id, chain_n) VALUES (2, '+1', 2, 1)", ())
    with transaction(backend_for(database)) as work:
        found = [dict(one.fields) for one in page_of_records(work, Catalog(), "Spring", 9)]
    assert found == [{"points": -7, "balance": 1.5, "code": None, "note": "100% 'so'", "since": "2026-03-10 16:30:00",
                      "pin": "0000"}] * 2


def test_a_column_that_needs_a_value_is_not_added_without_a_default(database: str) -> None:
    with pytest.raises(OCSError, match="field 'pin' needs a default"), transaction(backend_for(database)) as work:
        create_list(work, Catalog(), "Spring")
        add_fields(work, Catalog(), "Spring", [CustomField("pin", nullable=False)])


def contacts_file(directory: Path, text: str) -> Path:
    path = directory / "contacts.csv"
    path.write_text(text)
    return path


def test_an_import_gives_columns_their_types_and_keeps_them(database: str, tmp_path: Path) -> None:
    fields = (read_field("balance float default 0"), read_field("outcome varchar(20)"), read_field("since datetime"))
    path = contacts_file(tmp_path, "phone,balance,since,name\n2125550101,12.50,2026-03-10,Ada\n2125550102,,,Ben\n")
    import_contacts(database, "Spring", path, ImportOptions(fields=fields))
    import_contacts(database, "Spring", contacts_file(tmp_path, "phone,balance\n2125550103,3\n"))
    with transaction(backend_for(database)) as work:
        found = [dict(one.fields) for one in page_of_records(work, Catalog(), "Spring", 9)]
    assert found == [{"balance": 12.5, "since": "2026-03-10 00:00:00", "name": "Ada", "outcome": None},
                     {"balance": 0.0, "since": None, "name": "Ben", "outcome": None},
                     {"balance": 3.0, "since": None, "name": None, "outcome": None}]


def test_a_value_that_does_not_fit_makes_its_row_bad(database: str, tmp_path: Path) -> None:
    path = contacts_file(tmp_path, "phone,balance\n2125550101,12.50\n2125550102,much\n")
    with pytest.raises(ImportRefused, match="line 3: balance: not a number"):
        import_contacts(database, "Spring", path, ImportOptions(fields=(read_field("balance float"),)))


def test_a_required_column_makes_rows_without_it_bad(database: str, tmp_path: Path) -> None:
    path = contacts_file(tmp_path, "phone,code\n2125550101,A\n2125550102,\n")
    with pytest.raises(ImportRefused, match="line 3: code: empty, but this field has a value in every record"):
        import_contacts(database, "Spring", path, ImportOptions(fields=(read_field("code char(1) not null"),)))


def command(directory: Path, *arguments: str, code: int = 0) -> Result:
    outcome = CliRunner().invoke(ocs, [*arguments, "--directory", str(directory)])
    assert outcome.exit_code == code, outcome.output
    return outcome


def test_secure_values_are_shown_nowhere_and_exported_only_if_asked_for(tmp_path: Path) -> None:
    command(tmp_path, "db", "upgrade")
    path = contacts_file(tmp_path, "phone,pin,name\n2125550101,s3cret,Ada\n")
    command(tmp_path, "list", "import", str(path), "--list", "Spring", "--field", "pin varchar(8) secure")
    for arguments in (("show", "Spring", "--full"), ("show", "Spring", "--full", "--json"), ("export", "Spring"),
                      ("export", "Spring", "--format", "jsonl")):
        shown = command(tmp_path, "list", *arguments).stdout
        assert "Ada" in shown and "s3cret" not in shown
    [row] = csv.DictReader(io.StringIO(command(tmp_path, "list", "export", "Spring", "--secure").stdout))
    assert row["pin"] == "s3cret"
    [line] = command(tmp_path, "list", "export", "Spring", "--secure", "--format", "jsonl").stdout.splitlines()
    assert json.loads(line)["pin"] == "s3cret"


def test_a_wrong_definition_is_wrong_use(tmp_path: Path) -> None:
    command(tmp_path, "db", "upgrade")
    path = contacts_file(tmp_path, "phone\n2125550101\n")
    told = command(tmp_path, "list", "import", str(path), "--list", "Spring", "--field", "pin money", code=2).stderr
    assert "'money' is not a type" in told


def test_a_list_with_every_kind_of_field_can_be_filtered(database: str) -> None:
    with transaction(backend_for(database)) as work:
        catalog = Catalog()
        values = {"points": 5, "balance": 2.5, "Region": "EU", "code": "ab", "since": None, "date": 1}
        records = made_records(work, catalog, values)
        calling_list = create_list(work, catalog, "Spring", made.FIELDS)
        insert_records(work, calling_list, [*records, replace(records[0], record_id=2, chain_id=2, fields={})])
        one = parse_filter("points > 3 AND code = 'ab' AND balance BETWEEN 2 AND 3 AND region LIKE 'E%'", "", made.FIELDS)
        query = Sql(select(calling_list.table.c.record_id).where(one.expression(calling_list.table)))
        assert work.rows(query) == [(1,)]
