"""Contacts from CSV files: what columns mean, what is bad, and that an import is all there or not at all."""
from __future__ import annotations

import csv
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import ContactInfoType
from ocs.dialing.values import Record
from ocs.errors import OCSError, StoreUnavailable
from ocs.lab.contacts import contacts_csv, do_not_call_csv
from ocs.store.checking import parse_daily_time
from ocs.store.columns import map_columns
from ocs.store.contacts import ImportOptions, ImportRefused, ImportReport, import_contacts
from ocs.store.csv_file import CsvFile
from ocs.store.phones import BadNumber, parse_phone
from ocs.store.reading import all_records
from ocs.store.registry import Catalog
from ocs.store.zones import same_time, zone_name

ETC = Path(__file__).resolve().parents[2] / "etc"


class Ground:
    """A directory with a database: `take(text)` imports a file of that text."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url

    def file(self, text: str | bytes) -> Path:
        path = self.path / "contacts.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def take(self, text: str | bytes, name: str = "Spring", **options: Any) -> ImportReport:
        return import_contacts(self.url, name, self.file(text), ImportOptions(**options))

    def records(self, name: str = "Spring") -> list[Record]:
        with transaction(backend_for(self.url), write=False) as work:
            return list(all_records(work, Catalog(), name))

    def lists(self) -> list[str]:
        with transaction(backend_for(self.url), write=False) as work:
            return list(Catalog().calling_lists(work))


@pytest.fixture
def ground(tmp_path: Path, database: str) -> Ground:
    return Ground(tmp_path, database)


def test_a_row_is_a_contact_and_its_phones_are_one_chain(ground: Ground) -> None:
    report = ground.take("name,phone,phone2,timezone,account\n"
                         "Ada Moss,(212) 555-0101,+14155550102,,A7\nBen Reed,3125550103,,EST,\n")
    assert (report.imported, report.created, report.rows, report.contacts, report.records) == (True, True, 2, 2, 3)
    fields = {"name": "Ada Moss", "account": "A7"}
    one, two, three = ground.records()
    assert one == Record(1, 1, 1, "+12125550101", tz_dbid=one.tz_dbid, tz_name="America/New_York", fields=fields)
    assert two == Record(2, 1, 2, "+14155550102", tz_dbid=122, tz_name="America/Los_Angeles", fields=fields)
    assert (three.chain_id, three.contact_info, three.tz_name, dict(three.fields)) == (
        2, "+13125550103", "America/New_York", {"name": "Ben Reed", "account": None})
    assert report.zones == {"file": 1, "number": 2, "ambiguous": 0, "default": 0, "conflict": 1}


def test_custom_columns_are_sent_to_agents_under_their_names(ground: Ground) -> None:
    ground.take("Account No.,phone\nA7,2125550101\n")
    with transaction(backend_for(ground.url), write=False) as work:
        (field,) = Catalog().calling_lists(work)["Spring"]
    assert (field.name, field.type, field.send_attribute) == ("account_no", "varchar", "account_no")


@pytest.mark.parametrize("header, kind", [
    ("phone", ContactInfoType.HOME_PHONE), ("Phone 2", ContactInfoType.HOME_PHONE), ("PHONE_12", ContactInfoType.HOME_PHONE),
    ("tel", ContactInfoType.HOME_PHONE), ("Telephone", ContactInfoType.HOME_PHONE), ("home-phone", ContactInfoType.HOME_PHONE),
    ("mobile", ContactInfoType.MOBILE), ("Cell Phone", ContactInfoType.MOBILE), ("mobile2", ContactInfoType.MOBILE),
    ("work_phone", ContactInfoType.DIRECT_BUSINESS_PHONE), ("Business Phone 1", ContactInfoType.DIRECT_BUSINESS_PHONE),
])
def test_phone_columns_are_known_by_their_names(header: str, kind: ContactInfoType) -> None:
    assert map_columns(["name", header]).phones == ((1, kind),)


def test_columns_that_are_named_by_the_user_win(ground: Ground) -> None:
    text = "Kunde;Tel;Zweite;Zone;phone;Kd\nAda;+493012345678;+4915112345678;Europe/Vienna;hers;C7\n"
    mapping = (("phone", "Tel"), ("mobile", "zweite"), ("timezone", "Zone"), ("customer_id", "Kd"))
    report = ground.take(text, region="DE", mapping=mapping)
    assert report.columns == {"Kunde": "field kunde", "Tel": "phone 1 (home phone)", "Zweite": "phone 2 (mobile)",
                              "Zone": "time zone", "phone": "field phone", "Kd": "field customer_id"}
    one, two = ground.records()
    assert (one.contact_info, two.contact_info, two.contact_info_type) == ("+493012345678", "+4915112345678", 4)
    assert dict(one.fields) == {"kunde": "Ada", "phone": "hers", "customer_id": "C7"}
    assert report.zones["conflict"] == 0        # Vienna's clocks show what Berlin's do


@pytest.mark.parametrize("mapping, reason", [
    ((("phone", "Nope"),), "no column 'Nope'"), ((("phones", "tel"),), "no such field"),
    ((("phone", "tel"), ("timezone", "tel")), "given twice"), ((("timezone", "tel"), ("timezone", "name")), "given twice"),
    ((("phone", "twin"),), "2 columns"),
])
def test_a_mapping_that_cannot_be_is_explained(mapping: Any, reason: str) -> None:
    with pytest.raises(OCSError, match=reason):
        map_columns(["name", "tel", "twin", "twin"], mapping)


def test_a_file_without_a_phone_column_is_told_its_headers(ground: Ground) -> None:
    with pytest.raises(OCSError, match="headers: name, number, zone .*--map phone=COLUMN"):
        ground.take("name,number,zone\nAda,2125550101,\n")
    assert ground.lists() == []


BAD = """name,phone,phone2,timezone,daily_from,daily_till
good,2125550101,,,,
short,555,,,,
junk,call me,,,,
none,,,,,
zone,2125550102,,Mars/Olympus,,
window,2125550103,,,18:00,08:00
time,2125550104,,,8am,
half,2125550105,0000,,,
extension,212-555-0106 x77,,,,
many,2125550107,,,,,,,9
good too,2125550108,2125550101,,09:00,64800
"""


def test_bad_rows_are_reported_with_line_and_reason_and_nothing_is_imported(ground: Ground) -> None:
    bad_rows = ground.path / "bad.csv"
    with pytest.raises(ImportRefused) as refusal:
        ground.take(BAD, bad_rows=bad_rows)
    report = refusal.value.report
    assert (report.rows, report.bad_rows, report.bad_phones, report.contacts) == (11, 8, 1, 3)
    reasons = {fault.line: fault.reason for fault in report.faults}
    for line, part in {3: "'555' is too short", 4: "'call me' is not a phone", 5: "no phone", 6: "'Mars/Olympus' is unknown",
                       7: "never open", 8: "'8am' is neither", 9: "'0000' is", 10: "extension", 11: "9 values"}.items():
        assert part in reasons[line]
    assert "line 3" in str(refusal.value) and "6 more" in str(refusal.value)
    with bad_rows.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "reason", "name", "phone", "phone2", "timezone", "daily_from", "daily_till"]
    assert [(int(row[0]), row[1]) for row in rows[1:]] == sorted(reasons.items())
    assert rows[4][2:4] == ["zone", "2125550102"]
    assert ground.lists() == []


def test_good_contacts_are_kept_where_the_user_says_so(ground: Ground) -> None:
    report = ground.take(BAD, skip_bad=True)
    assert (report.imported, report.contacts, report.records, report.bad_rows, report.bad_phones) == (True, 3, 4, 8, 1)
    assert [(one.chain_id, one.chain_n, one.fields["name"]) for one in ground.records()] == [
        (1, 1, "good"), (2, 1, "half"), (3, 1, "good too"), (3, 2, "good too")]
    assert [fault.line for fault in report.faults if fault.kept] == [9]
    assert (ground.records()[-1].daily_from, ground.records()[-1].daily_till) == (32_400, 64_800)
    assert report.repeated_phones == 1 and report.repeated == ((12, 2),)


def test_a_file_in_which_nothing_is_good_is_refused_even_so(ground: Ground) -> None:
    with pytest.raises(ImportRefused):
        ground.take("phone\n1\n2\n", skip_bad=True)
    with pytest.raises(ImportRefused, match="0 of 0"):
        ground.take("phone\n\n\n", skip_bad=True)
    assert ground.lists() == []


def test_a_phone_twice_in_one_row_is_a_repeated_one(ground: Ground) -> None:
    report = ground.take("phone,phone2\n2125550101,(212) 555-0101\n")
    assert report.records == 2 and report.repeated_phones == 1


def test_a_second_import_adds_to_the_list_and_its_columns(ground: Ground) -> None:
    ground.take("name,phone\nAda,2125550101\n", daily_from=36_000, daily_till=72_000, default_timezone="CST")
    report = ground.take("phone,city\n2125550102,Rome\n+18005550199,Bonn\n")
    assert (report.created, report.records_before) == (False, 1)
    last = ground.records()[2]
    assert [(one.record_id, one.chain_id, one.daily_from, dict(one.fields)) for one in ground.records()] == [
        (1, 1, 36_000, {"name": "Ada", "city": None}), (2, 2, 36_000, {"name": None, "city": "Rome"}),
        (3, 3, 36_000, {"name": None, "city": "Bonn"})]
    assert last.tz_name == "America/Chicago" and report.zones["ambiguous"] == 1   # toll-free: the list's default is possible


@pytest.mark.parametrize("options, reason", [
    ({"region": "XX"}, "region 'XX'"), ({"default_timezone": "Mars"}, "'Mars'"), ({"daily_from": 70_000}, "never open"),
    ({"daily_till": 90_000}, "never open"), ({"bad_rows": Path("/nonexistent/bad.csv")}, "No such file"),
])
def test_an_option_that_cannot_be_used_is_named(ground: Ground, options: Any, reason: str) -> None:
    with pytest.raises(OCSError, match=reason):
        ground.take("phone\n2125550101\n", **options)
    assert ground.lists() == []


def test_bad_rows_never_overwrite_the_file_that_is_read(ground: Ground) -> None:
    path = ground.file("phone\n2125550101\n")
    with pytest.raises(OCSError, match="cannot take the bad rows"):
        import_contacts(ground.url, "Spring", path, ImportOptions(bad_rows=path))
    assert path.read_text() == "phone\n2125550101\n"


@pytest.mark.parametrize("octets", [
    "name,phone\nJosé,2125550101\n".encode("utf-8-sig"), "name;phone\r\nJosé;2125550101\r\n".encode(),
    "name\tphone\n\nJosé\t2125550101\n\n".encode(), '"name"|"phone"\n"José"|"2125550101"'.encode(),
    "name,phone,,\nJosé,2125550101,,\n".encode(),
])
def test_files_of_many_programs_are_read(ground: Ground, octets: bytes) -> None:
    ground.take(octets)
    assert [(one.contact_info, one.fields["name"]) for one in ground.records()] == [("+12125550101", "José")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_other_encodings_are_read_when_they_are_named(ground: Ground, encoding: str) -> None:
    octets = "name,phone\nJosé,2125550101\n".encode(encoding)
    with pytest.raises(OCSError, match="utf-8|not a CSV"):
        ground.take(octets)
    ground.take(octets, encoding=encoding)
    assert ground.records()[0].fields["name"] == "José"


@pytest.mark.parametrize("text, reason", [
    ("", "empty"), ("\n\n", "empty"), (b"PK\x03\x04" + b"x" * 100, "spreadsheet"), (b"\x7fELF\x00\x01\n", "not a CSV"),
    ("phone," * 501, "columns"), ("x" * 1_100_000, "longer"), ('"phone\n', "never closed"),
])
def test_what_is_no_csv_file_is_said_to_be_none(ground: Ground, text: str | bytes, reason: str) -> None:
    with pytest.raises(OCSError, match=reason):
        ground.take(text)
    assert ground.lists() == []


@pytest.mark.parametrize("row, reason", [
    ('"2125550101,never', "never closed"), ('"2125550101"x,', "not CSV"), ("2125550101,a\0b", "NUL"),
    ("2125550101,a,b", "3 values"), ("2125550101," + "x" * 256, "256 characters"),
])
def test_a_row_that_is_broken_is_bad(ground: Ground, row: str, reason: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        ground.take(f"phone,note\n2125550102,fine\n{row}\n")
    (fault,) = refusal.value.report.faults
    assert fault.line == 3 and reason in fault.reason


def test_lines_are_counted_by_where_a_row_begins(ground: Ground) -> None:
    with pytest.raises(ImportRefused) as refusal:
        ground.take('phone,note\n2125550102,"two\nlines"\n\nbad,\n')
    assert refusal.value.report.faults[0].line == 5


def test_a_value_in_a_column_without_a_name_is_bad(ground: Ground) -> None:
    with pytest.raises(ImportRefused, match="column 2, which has no name"):
        ground.take("phone,,note\n2125550101,lost,x\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='phone,;\t\n\r"1+é\0', max_size=80).map(str.encode)),
       st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_any_octets_are_rows_or_a_clear_error(tmp_path: Path, octets: bytes, encoding: str) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(octets)
    try:
        with CsvFile(path, encoding) as file:
            rows = list(file)
            map_columns(file.headers)
    except OCSError as error:
        assert str(error)
    else:
        assert [row.line for row in rows] == sorted({row.line for row in rows})


def test_a_pipe_is_read_like_a_file(ground: Ground) -> None:
    read, write = os.pipe()
    os.write(write, b"phone\n2125550101\n")
    os.close(write)
    assert stat.S_ISFIFO(os.fstat(read).st_mode)
    assert import_contacts(ground.url, "Spring", Path(f"/dev/fd/{read}")).records == 1
    os.close(read)


def test_progress_is_told_to_the_end(ground: Ground) -> None:
    told: list[tuple[str, int, int]] = []
    text = "phone\n" + "".join(f"212555{n:04d}\n" for n in range(100, 1_600))
    path = ground.file(text)
    import_contacts(ground.url, "Spring", path, ImportOptions(), lambda *step: told.append(step))
    assert ("checking", len(text), len(text)) in told and told[-1] == ("loading", 1_500, 1_500)
    assert any(done < total for _, done, total in told)


def test_an_import_that_breaks_while_it_loads_leaves_nothing(ground: Ground) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if stage == "loading":
            raise KeyboardInterrupt

    path = ground.file("phone\n" + "".join(f"212555{n:04d}\n" for n in range(100, 1_600)))
    with pytest.raises(KeyboardInterrupt):
        import_contacts(ground.url, "Spring", path, ImportOptions(), stop)
    assert ground.lists() == []
    assert ground.take("phone\n2125550101\n").records == 1


def test_an_import_needs_the_right_version(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("phone\n2125550101\n")
    with pytest.raises(StoreUnavailable, match="ocs db upgrade"):
        import_contacts(f"sqlite:///{tmp_path / 'none.sqlite'}", "Spring", tmp_path / "c.csv")


@pytest.mark.parametrize("text, region, e164", [
    ("(212) 555-0101", "US", "+12125550101"), ("+44 20 7946 0958", "US", "+442079460958"),
    ("1-212-555-0101", "US", "+12125550101"), ("020 7946 0958", "GB", "+442079460958"),
    ("tel:+1-212-555-0101", "US", "+12125550101"), ("２１２５５５０１０１", "US", "+12125550101"),
])
def test_numbers_are_read_as_people_write_them(text: str, region: str, e164: str) -> None:
    assert parse_phone(text, region).e164 == e164


@pytest.mark.parametrize("text", ["", "555-0101", "911", "+999123456789", "2.12555E+09", "0000000000", "1" * 70,
                                  "+1 (012) 555-0101", "n/a", "212-555-0101;ext=5", "\0"])
def test_what_cannot_be_dialed_is_refused(text: str) -> None:
    with pytest.raises(BadNumber):
        parse_phone(text, "US")


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_a_refusal(text: str) -> None:
    try:
        phone = parse_phone(text, "US")
    except BadNumber:
        return
    assert phone.e164.startswith("+") and phone.e164[1:].isdigit()
    assert parse_phone(phone.e164, "DE") == phone


@pytest.mark.parametrize("text, name", [
    ("America/New_York", "America/New_York"), ("america/new york", "America/New_York"), (" EST ", "America/New_York"),
    ("pst", "America/Los_Angeles"), ("GMT", "Etc/GMT"), ("CET", "Europe/Berlin"), ("IST", None), ("", None), ("+5", None),
    ("../etc/passwd", None), ("Factory", None),
])
def test_zones_are_known_by_iana_names_and_short_ones(text: str, name: str | None) -> None:
    assert zone_name(text) == name


def test_zones_are_the_same_where_clocks_agree_all_year() -> None:
    assert same_time("America/Detroit", ("America/Chicago", "America/New_York"))
    assert not same_time("America/Phoenix", ("America/Denver",))


@pytest.mark.parametrize("text, seconds", [("08:00", 28_800), ("8:00", 28_800), ("23:59:59", 86_399), ("24:00", 86_400), ("0", 0),
                                           ("86400", 86_400), ("24:01", None), ("86401", None), ("8", 8), ("8am", None),
                                           ("", None), ("-1", None), ("08:60", None)])
def test_times_of_the_day_are_read(text: str, seconds: int | None) -> None:
    assert parse_daily_time(text) == seconds


def test_the_demonstrations_files_are_what_the_laboratory_makes() -> None:
    assert (ETC / "demo-contacts.csv").read_text(encoding="utf-8") == contacts_csv()
    assert (ETC / "demo-dnc.csv").read_text(encoding="utf-8") == do_not_call_csv()


def test_the_demonstrations_contacts_are_good_and_of_three_zones(ground: Ground) -> None:
    report = ground.take((ETC / "demo-contacts.csv").read_bytes())
    assert (report.contacts, report.bad_rows, report.repeated_phones) == (2_000, 0, 0) and report.records >= 3_000
    assert report.zones["conflict"] == report.zones["ambiguous"] == report.zones["default"] == 0 < report.zones["file"]
    records = ground.records()
    assert {one.tz_name for one in records} == {"America/New_York", "America/Chicago", "America/Los_Angeles"}
    assert all(one.contact_info[5:8] == "555" and one.contact_info[8:10] == "01" for one in records)
    assert len({one.fields["name"] for one in records}) == 2_000
    blocked = (ETC / "demo-dnc.csv").read_text().split()[1:]
    places = [one.chain_n for one in records if one.contact_info in set(blocked)]
    assert len(set(blocked)) == len(places) == 40 and set(places) == {1, 2}
