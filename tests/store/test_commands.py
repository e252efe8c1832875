"""`ocs list`, `ocs dnc`, `ocs db`: done 0, failed 1, wrong use 2; one clear line for what is wrong, never a traceback."""
from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result

from ocs.app.cli.root import ocs
from ocs.database.backend import backend_for, transaction
from ocs.dialing.checks import Refusal, RefusalCount
from ocs.dialing.values import Attempt
from ocs.store.attempts import insert_attempts
from ocs.store.refusals import write_refusals
from ocs.store.versions import needed_version
from tests.postgres import PostgresServer

CONTACTS = "name,phone,phone2\nAda Moss,2125550101,4155550102\nBen Reed,3125550103,\n"


class Command(Protocol):
    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """Run `ocs` with the arguments and, unless they name a database, the directory's."""


@pytest.fixture
def run(tmp_path: Path) -> Command:
    def command(*arguments: str, code: int = 0) -> Result:
        named = {"--database", "--directory", "--config", "--help"} & set(arguments)
        where = () if named else ("--directory", str(tmp_path / "demo"))
        outcome = CliRunner().invoke(ocs, [*arguments, *where])
        assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
        assert outcome.exit_code == code, outcome.output
        assert "Traceback" not in outcome.output
        return outcome
    return command


@pytest.fixture
def contacts(tmp_path: Path, run: Command) -> Path:
    run("db", "upgrade")
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS)
    return path


def parsed(outcome: Result) -> Any:
    return json.loads(outcome.stdout)


def test_a_database_is_made_and_its_version_told(run: Command, tmp_path: Path) -> None:
    assert "ocs db upgrade" in run("db", "status", code=1).stderr
    assert f"made, now at version {needed_version()}" in run("db", "upgrade").stdout
    assert "already" in run("db", "upgrade").stdout
    assert parsed(run("db", "status", "--json"))["current"] == needed_version()
    assert (tmp_path / "demo" / "ocs.sqlite").exists()


def test_the_database_of_a_configuration_is_used(run: Command, tmp_path: Path) -> None:
    config = tmp_path / "ocs.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path / "mine.sqlite"}"\n')
    run("db", "upgrade", "--config", str(config))
    assert (tmp_path / "mine.sqlite").exists()
    config.write_text('[database]\nurls = "x"\n')
    assert "database.urls" in run("db", "status", "--config", str(config), code=1).stderr
    assert "missing.toml" in run("db", "status", "--config", str(tmp_path / "missing.toml"), code=1).stderr


@pytest.mark.parametrize("where", [["--database", "sqlite:///x", "--directory", "."], ["--database", "nonsense"],
                                   ["--database", "mysql://x/y"], ["--database", "sqlite://"]])
def test_wrong_use_is_told_apart_from_failure(run: Command, where: list[str]) -> None:
    run("db", "status", *where, code=2)
    run("list", "show", *where, code=2)


def test_one_database_has_to_be_named() -> None:
    outcome = CliRunner().invoke(ocs, ["dnc", "check", "2125550101"])
    assert outcome.exit_code == 2 and "--directory DIR, --config FILE, --database URL" in outcome.stderr


def test_contacts_are_imported_shown_and_exported(run: Command, contacts: Path, tmp_path: Path) -> None:
    text = run("list", "import", str(contacts), "--list", "Spring").stdout
    assert "2 imported" in text and "3 imported" in text and "phone2 = phone 2" in text
    shown = run("list", "show", "Spring").stdout
    assert "Spring: 3 records" in shown and "+12125550101" not in shown and "Ada" not in shown
    full = run("list", "show", "Spring", "--full", "--limit", "1").stdout
    assert "+12125550101" in full and "Ada Moss" in full and "+14155550102" not in full
    assert parsed(run("list", "show", "--json"))[0]["statuses"] == {"Ready": 3}
    first = parsed(run("list", "show", "Spring", "--json"))["first"]
    assert len(first) == 3 and "fields" not in first[0] and "5550101" not in first[0]["contact_info"]
    rows = list(csv.DictReader(io.StringIO(run("list", "export", "Spring").stdout)))
    assert [(row["contact_info"], row["tz_name"], row["name"]) for row in rows] == [
        ("+12125550101", "America/New_York", "Ada Moss"), ("+14155550102", "America/Los_Angeles", "Ada Moss"),
        ("+13125550103", "America/Chicago", "Ben Reed")]
    out = tmp_path / "out.jsonl"
    run("list", "export", "Spring", "--format", "jsonl", "--output", str(out))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["record_id"] for line in lines] == [1, 2, 3] and lines[2]["dial_sched_time"] is None


def test_an_export_can_be_imported_again(run: Command, contacts: Path, tmp_path: Path) -> None:
    run("list", "import", str(contacts), "--list", "Spring")
    out = tmp_path / "out.csv"
    run("list", "export", "Spring", "--output", str(out))
    report = parsed(run("list", "import", str(out), "--list", "Copy", "--json"))
    assert report["records"] == 3 and report["zones"]["file"] == 3 and report["bad_rows"] == 0


def test_an_export_goes_through_every_page(run: Command, contacts: Path) -> None:
    contacts.write_text("phone,phone2\n" + "".join(f"212555{n:04d},312555{n:04d}\n" for n in range(2_500)))
    run("list", "import", str(contacts), "--list", "Spring")
    lines = run("list", "export", "Spring", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["record_id"] for line in lines] == list(range(1, 5_001))


def test_bad_rows_fail_the_import_unless_they_are_skipped(run: Command, contacts: Path, tmp_path: Path) -> None:
    contacts.write_text(CONTACTS + "Bad,12,\nHalf,2125550104,77\n")
    failed = run("list", "import", str(contacts), "--list", "Spring", "--bad-rows", str(tmp_path / "bad.csv"), code=1)
    assert "line 4: phone '12'" in failed.stderr and "line 5: phone '77'" in failed.stderr and "--skip-bad" in failed.stderr
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 3
    report = parsed(run("list", "import", str(contacts), "--list", "Spring", "--json", code=1))
    assert (report["imported"], report["bad_rows"], report["bad_phones"]) == (False, 1, 1)
    run("list", "show", "Spring", code=1)
    kept = parsed(run("list", "import", str(contacts), "--list", "Spring", "--json", "--skip-bad"))
    assert (kept["imported"], kept["contacts"], kept["records"]) == (True, 3, 4)


@pytest.mark.parametrize("options", [["--map", "phone"], ["--map", "fax=phone"], ["--daily-from", "noon"],
                                     ["--encoding", "ebcdic"], ["--no-such-option"]])
def test_an_option_that_makes_no_sense_is_wrong_use(run: Command, contacts: Path, options: list[str]) -> None:
    run("list", "import", str(contacts), "--list", "Spring", *options, code=2)


@pytest.mark.parametrize("options, reason", [
    (["--map", "phone=Tel"], "no column 'Tel'"), (["--region", "QQ"], "region 'QQ'"),
    (["--default-timezone", "Mars"], "Mars"), (["--daily-from", "20:00"], "never open"),
    (["--bad-rows", "/nonexistent/x.csv"], "No such file"),
])
def test_an_option_that_does_not_fit_fails(run: Command, contacts: Path, options: list[str], reason: str) -> None:
    assert reason in run("list", "import", str(contacts), "--list", "Spring", *options, code=1).stderr


def test_windows_and_mapping_are_taken_from_the_options(run: Command, contacts: Path) -> None:
    contacts.write_text("n,a,b\nAda,2125550101,CST\n")
    run("list", "import", str(contacts), "--list", "Spring", "--map", "phone=a", "--map", "timezone=b",
        "--daily-from", "10:00", "--daily-till", "72000")
    (one,) = parsed(run("list", "show", "Spring", "--json", "--full"))["first"]
    assert (one["daily_from"], one["daily_till"], one["tz_name"]) == (36_000, 72_000, "America/Chicago")


def test_what_is_not_there_is_named(run: Command, contacts: Path, tmp_path: Path) -> None:
    assert "Winter" in run("list", "show", "Winter", code=1).stderr
    assert "Winter" in run("list", "export", "Winter", code=1).stderr
    assert "none.csv" in run("list", "import", str(tmp_path / "none.csv"), "--list", "Spring", code=1).stderr
    assert "Is a directory" in run("list", "import", str(tmp_path), "--list", "Spring", code=1).stderr
    run("list", "import", str(contacts), "--list", "Spring")
    assert "No such file" in run("list", "export", "Spring", "--output", "/nonexistent/x", code=1).stderr
    assert "ocs db upgrade" in run("list", "show", "--directory", str(tmp_path), code=1).stderr
    assert "ocs db upgrade" in run("dnc", "add", "2125550101", "--directory", str(tmp_path), code=1).stderr
    blocked = tmp_path / "file"
    blocked.touch()
    assert "file" in run("db", "upgrade", "--directory", str(blocked / "x"), code=1).stderr


def test_a_database_of_another_version_is_refused(run: Command, contacts: Path, tmp_path: Path) -> None:
    with transaction(backend_for(f"sqlite:///{tmp_path / 'demo' / 'ocs.sqlite'}")) as work:
        work.cursor.execute("UPDATE alembic_version SET version_num = '0000'")
    for command in (["list", "show"], ["list", "import", str(contacts), "--list", "x"], ["dnc", "check", "2125550101"]):
        assert "version 0000" in run(*command, code=1).stderr


def test_do_not_call_numbers_are_imported_once(run: Command, contacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "dnc.csv"
    path.write_text("phone,customer_id\n2125550101,\n,C7\n(212) 555-0101,C8\n")
    assert parsed(run("dnc", "import", str(path), "--json")) | {"seconds": 0} == {
        "path": str(path), "imported": True, "rows": 3, "added": 3, "known": 1, "bad_rows": 0, "faults": [], "seconds": 0}
    assert parsed(run("dnc", "import", str(path), "--json"))["added"] == 0
    path.write_text("2125550101\n+12125550109\n")
    assert "1 new entries, 1 known" in run("dnc", "import", str(path)).stdout


def test_bad_do_not_call_rows_fail_unless_they_are_skipped(run: Command, contacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "dnc.csv"
    path.write_text("phone\n2125550101\n12\n\n")
    failed = run("dnc", "import", str(path), "--bad-rows", str(tmp_path / "bad.csv"), code=1)
    assert "line 3: phone '12'" in failed.stderr and "nothing was imported" in failed.stderr
    assert (tmp_path / "bad.csv").read_text().splitlines()[1].startswith("3,")
    assert not parsed(run("dnc", "check", "2125550101", "--json"))["listed"]
    assert parsed(run("dnc", "import", str(path), "--json", code=1))["imported"] is False
    run("dnc", "import", str(path), "--skip-bad")
    assert parsed(run("dnc", "check", "2125550101", "--json"))["listed"]
    path.write_text("name\nAda\n")
    assert "no phone or customer_id column" in run("dnc", "import", str(path), code=1).stderr


def test_customer_ids_scopes_and_who_did_it_are_told(run: Command, contacts: Path, tmp_path: Path) -> None:
    run("dnc", "add", "--customer-id", "C7", "--who", "ann", "--campaign", "Spring", "--message", "by mail")
    text = run("dnc", "check", "--customer-id", "C7").stdout
    assert "campaign Spring" in text and "by ann from command" in text and "(by mail)" in text
    path = tmp_path / "numbers"
    path.write_text("+12125550101\n")
    run("dnc", "import", str(path), "--all-tenants", "--who", "bob", "--why", "registry of May")
    assert "every campaign of every tenant, since 20" in run("dnc", "check", "2125550101").stdout
    found = parsed(run("dnc", "check", "2125550101", "--json"))
    assert found["entries"][0] | {"time_stamp": 0, "act": None} == {
        "phone": "+12125550101", "customer_id": None, "tenant": 0, "campaign": None, "message": "", "internal": False,
        "time_stamp": 0, "act": None}
    assert found["entries"][0]["act"] | {"at": 0} == {"at": 0, "who": "bob", "why": "registry of May", "origin": str(path)}
    assert parsed(run("dnc", "remove", "--customer-id", "C7", "--campaign", "Autumn", "--json", code=1))["removed"] == 0
    assert parsed(run("dnc", "remove", "--customer-id", "C7", "--campaign", "Spring", "--json"))["removed"] == 1
    for wrong in ([], ["2125550101", "--customer-id", "C7"], ["--customer-id", "x" * 65], ["2125550101", "--tenant", "0"]):
        for command in ("add", "remove", "check"):
            run("dnc", command, *wrong, code=2)


def test_single_numbers_are_added_checked_and_removed(run: Command, contacts: Path) -> None:
    assert "added" in run("dnc", "add", "2125550101", "--message", "asked by mail").stdout
    assert "already" in run("dnc", "add", "+1 212 555 0101").stdout
    run("dnc", "add", "2125550101", "--campaign", "Spring")
    text = run("dnc", "check", "212-555-0101").stdout
    assert "every campaign" in text and "asked by mail" in text and "campaign Spring" in text
    assert parsed(run("dnc", "remove", "2125550101", "--json")) == {"number": "2125550101", "removed": 2}
    assert "not on the list" in run("dnc", "check", "2125550101").stdout
    assert "not on the list" in run("dnc", "remove", "2125550101", code=1).stderr
    assert "555" in run("dnc", "add", "555", code=2).stderr
    assert "region" in run("dnc", "add", "555", "--region", "XX", code=1).stderr


def test_the_commands_work_on_postgresql_and_print_no_password(run: Command, tmp_path: Path,
                                                               postgres_server: PostgresServer) -> None:
    where = ("--database", postgres_server.database().replace("ocs@", "ocs:s3cret@"))
    texts = [run("db", "status", *where, code=1).output, run("db", "upgrade", *where).output,
             run("db", "upgrade", "--json", *where).output, run("db", "status", "--json", *where).output]
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS)
    texts += [run("list", "import", str(path), "--list", "Spring", *where).output, run("list", "show", "Spring", *where).output]
    assert "3 imported" in texts[4] and "Spring: 3 records" in texts[5] and "s3cret" not in "".join(texts)
    rows = list(csv.DictReader(io.StringIO(run("list", "export", "Spring", *where).stdout)))
    assert [row["tz_name"] for row in rows] == ["America/New_York", "America/Los_Angeles", "America/Chicago"]
    path.write_text("name,phone\nX,nonsense\n")
    run("list", "import", str(path), "--list", "Bad", *where, code=1)
    assert parsed(run("list", "show", "--json", *where))[0]["name"] == "Spring"
    run("db", "status", "--database", postgres_server.url("nowhere"), code=1)


def test_the_attempts_of_a_list_are_exported(run: Command, contacts: Path, tmp_path: Path) -> None:
    run("list", "import", str(contacts), "--list", "Spring")
    with transaction(backend_for(f"sqlite:///{tmp_path / 'demo' / 'ocs.sqlite'}")) as work:
        insert_attempts(work, [Attempt(f"g{n}", "Spring", 1, 1, 1, "+12125550101", n, "c", "g", "s", float(n)) for n in (2, 1)])
    rows = list(csv.DictReader(io.StringIO(run("list", "export", "Spring", "--history").stdout)))
    assert [(row["guid"], row["number"], row["phone"], row["duration"]) for row in rows] == [
        ("g1", "1", "+12125550101", ""), ("g2", "2", "+12125550101", "")]
    lines = run("list", "export", "Spring", "--history", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["opened_at"] for line in lines] == [1.0, 2.0]


def test_what_was_not_dialed_is_shown_by_session_and_reason(run: Command, contacts: Path, tmp_path: Path) -> None:
    run("list", "import", str(contacts), "--list", "Spring")
    assert "not dialed" not in run("list", "show", "Spring").stdout
    with transaction(backend_for(f"sqlite:///{tmp_path / 'demo' / 'ocs.sqlite'}")) as work:
        write_refusals(work, [RefusalCount("Spring", f"s{n}", reason.value, "renewals@east", 1_767_614_400.0 + 60 * n, count)
                              for n, reason, count in ((1, Refusal.OUTSIDE_WINDOW, 3), (2, Refusal.DO_NOT_CALL, 2),
                                                       (2, Refusal.MAXIMUM_ATTEMPTS, 7))])
    lines = [line for line in run("list", "show", "Spring").stdout.splitlines() if "not dialed" in line]
    assert lines == ["  not dialed by renewals@east since 2026-01-05 12:02:00Z: maximum attempts reached 7, "
                     "on the do-not-call list 2",
                     "  not dialed by renewals@east since 2026-01-05 12:01:00Z: outside its calling window, or its list's 3"]
    assert [line for line in run("list", "show").stdout.splitlines() if "not dialed" in line] == lines
    shown = parsed(run("list", "show", "Spring", "--json"))["not_dialed"]
    assert shown[0] == {"calling_list": "Spring", "session_guid": "s2", "reason": "maximum attempts reached",
                        "campaign_group": "renewals@east", "began_at": 1_767_614_520.0, "records": 7} and len(shown) == 3


def test_an_export_to_a_file_says_what_it_did(run: Command, contacts: Path, tmp_path: Path) -> None:
    run("list", "import", str(contacts), "--list", "Spring")
    out = tmp_path / "out"
    assert f"{out}: 3 records of list Spring" in run("list", "export", "Spring", "--output", str(out)).stdout
    report = parsed(run("list", "export", "Spring", "--output", str(out), "--json", "--history"))
    assert report.pop("seconds") >= 0 and report == {
        "calling_list": "Spring", "output": str(out), "format": "csv", "history": True, "rows": 0}
    lines = run("list", "export", "Spring", "--json").stdout.splitlines()
    assert [json.loads(line)["record_id"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize("options", [["--history", "--secure"], ["--json", "--format", "csv"], ["--format", "xml"]])
def test_an_export_that_makes_no_sense_is_wrong_use(run: Command, contacts: Path, options: list[str]) -> None:
    run("list", "export", "Spring", *options, code=2)


def test_an_export_that_cannot_be_is_told_in_one_line(run: Command, contacts: Path, tmp_path: Path) -> None:
    assert "no calling list 'Autumn'" in run("list", "export", "Autumn", "--output", str(tmp_path / "x"), code=1).stderr
    assert not (tmp_path / "x").exists()
    run("list", "import", str(contacts), "--list", "Spring")
    assert f"{tmp_path}: Is a directory" in run("list", "export", "Spring", "--output", str(tmp_path), code=1).stderr


def test_a_secure_field_is_shown_nowhere_and_exported_on_demand_only(run: Command, contacts: Path, tmp_path: Path) -> None:
    contacts.write_text("phone,pin\n2125550101,s3cret\n")
    run("list", "import", str(contacts), "--list", "Spring", "--field", "pin varchar(8) default 'h1dden' secure")
    texts = [run("list", *words).output for words in (
        ("show",), ("show", "--json"), ("show", "Spring", "--full"), ("show", "Spring", "--full", "--json"), ("export", "Spring"),
        ("export", "Spring", "--json"), ("export", "Spring", "--history"))]
    assert not [text for text in texts if "s3cret" in text or "h1dden" in text]
    assert "s3cret" in run("list", "export", "Spring", "--secure").stdout


# -- several lists on one table -------------------------------------------------------------------------------------
@pytest.fixture
def configured(tmp_path: Path, contacts: Path) -> Path:
    """A configuration whose lists "everybody" and "vip" read the table "Spring"."""
    path = tmp_path / "ocs.toml"
    path.write_text(f"""[database]
url = "sqlite:///{tmp_path / 'demo' / 'ocs.sqlite'}"
[tserver]
host = "127.0.0.1"
[[calling_list]]
name = "everybody"
dbid = 1
table = "Spring"
[[calling_list]]
name = "vip"
dbid = 2
table = "Spring"
criteria = "record_id > 2"
""")
    return path


def test_contacts_go_into_the_table_of_the_list_and_are_shown_by_either_name(run: Command, contacts: Path,
                                                                             configured: Path) -> None:
    with_lists = ("--config", str(configured))
    assert "Spring (made)" in run("list", "import", str(contacts), "--list", "vip", *with_lists).stdout
    assert "Spring (had 3 records)" in run("list", "import", str(contacts), "--list", "everybody", *with_lists).stdout
    first = "Spring: 6 records in table cl_spring, read by the lists everybody, vip; custom fields: name"
    for name in ("vip", "everybody", "Spring"):
        assert run("list", "show", name, *with_lists).stdout.splitlines()[0] == first
    assert run("list", "show", *with_lists).stdout.splitlines()[0] == first
    assert parsed(run("list", "show", "vip", "--json", *with_lists))["read_by"] == ["everybody", "vip"]
    assert parsed(run("list", "show", "Spring", "--json"))["read_by"] == []
    assert "no calling list 'vip'" in run("list", "show", "vip", code=1).stderr       # without the configuration


def test_exports_and_refusals_name_the_list_of_a_table(run: Command, contacts: Path, configured: Path, tmp_path: Path) -> None:
    with_lists = ("--config", str(configured))
    run("list", "import", str(contacts), "--list", "vip", *with_lists)
    with transaction(backend_for(f"sqlite:///{tmp_path / 'demo' / 'ocs.sqlite'}")) as work:
        insert_attempts(work, [Attempt(f"g{number}", name, 1, 1, 1, "+12125550101", number, "c", "g", "s", 1.0, table="Spring")
                               for number, name in ((1, "everybody"), (2, "vip"))])
        write_refusals(work, [RefusalCount(name, "s1", "why", "renewals@east", 1_767_614_400.0, 3, table)
                              for name, table in (("everybody", "Spring"), ("vip", "Spring"), ("vip2", "Winter"))])
    rows = list(csv.DictReader(io.StringIO(run("list", "export", "vip", "--history", *with_lists).stdout)))
    assert [(row["guid"], row["calling_list"], row["table_access"]) for row in rows] == [
        ("g1", "everybody", "Spring"), ("g2", "vip", "Spring")]
    assert len(run("list", "export", "everybody", *with_lists).stdout.splitlines()) == 4
    assert [line.strip() for line in run("list", "show", "vip", *with_lists).stdout.splitlines() if "not dialed" in line] == [
        f"not dialed by renewals@east for list {name} since 2026-01-05 12:00:00Z: why 3" for name in ("everybody", "vip")]


# -- do-not-call by record and chain --------------------------------------------------------------------------------
def test_the_phones_of_a_record_or_of_a_contact_go_on_the_list(run: Command, contacts: Path, configured: Path) -> None:
    run("list", "import", str(contacts), "--list", "Spring")
    assert parsed(run("dnc", "add", "--list", "Spring", "--record", "1", "--json")) == {
        "list": "Spring", "record": 1, "phones": 1, "added": 1}
    assert "1 of 2 phones added" in run("dnc", "add", "--list", "vip", "--chain", "1", "--config", str(configured)).stdout
    for number, listed in (("2125550101", True), ("4155550102", True), ("3125550103", False)):
        assert parsed(run("dnc", "check", number, "--json"))["listed"] is listed
    assert "has no chain 9" in run("dnc", "add", "--list", "Spring", "--chain", "9", code=1).stderr
    assert "no calling list 'Autumn'" in run("dnc", "add", "--list", "Autumn", "--chain", "1", code=1).stderr


@pytest.mark.parametrize("words", [["--list", "Spring"], ["--record", "1"], ["--list", "Spring", "--record", "1", "--chain", "1"],
                                   ["+12125550101", "--list", "Spring", "--chain", "1"]])
def test_a_record_and_a_number_at_once_are_wrong_use(run: Command, contacts: Path, words: list[str]) -> None:
    assert "either --record ID or --chain ID" in run("dnc", "add", *words, code=2).stderr
