"""`ocs config import`, `export`, `history`, `check`, `upgrade`: done 0, failed 1, wrong use 2."""
from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result

from ocs.app.cli.root import ocs
from ocs.configuration.versions import configuration_versions
from tests.app.test_calling_rules import OWN
from tests.app.test_config import GOOD


class Command(Protocol):
    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """Run `ocs config` with the arguments and, unless they name a database, the test's."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/configuration.sqlite"


@pytest.fixture
def run(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, code: int = 0) -> Result:
        where = () if {"--database", "--directory", "--config", "--help"} & set(arguments) else ("--database", url)
        outcome = CliRunner().invoke(ocs, ["config", *arguments, *where])
        assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
        assert outcome.exit_code == code, outcome.output
        assert "Traceback" not in outcome.output
        return outcome
    return command


@pytest.fixture
def site(tmp_path: Path, run: Command) -> Path:
    """A file that has been imported by Ada."""
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    run("upgrade")
    run("import", "site.toml", "--who", "ada")
    return path


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def parsed(outcome: Result) -> Any:
    return json.loads(outcome.stdout)


def test_the_tables_are_made_once(run: Command) -> None:
    needed = configuration_versions.needed
    assert f"configuration made, now at version {needed}" in run("upgrade").stdout
    assert "already" in run("upgrade").stdout
    assert parsed(run("upgrade", "--json")) | {"database": ""} == {"database": "", "before": needed, "after": needed}


def test_an_import_tells_what_it_does_and_what_stays_with_the_server(site: Path, run: Command) -> None:
    assert run("import", "site.toml").stdout.startswith("0 created, 0 changed, 0 removed, 12 unchanged; revision ")
    edit(site, "interval_min = 10", "interval_min = 12")
    edit(site, "multiplier = 1.5", "multiplier = 2\ndescription = \"Two\\nlines\"")
    site.write_text(site.read_text() + '[tserver]\nport = 7\n[[skill]]\nname = "french"\n')
    lines = run("import", "site.toml").stdout.splitlines()
    assert lines[:6] == [
        "created  skill[french]", "changed  treatment[busy]", "         interval_min: 10 -> 12",
        "changed  campaign_group[renewals@outbound]", "         description: (none) -> Two lines",
        "         multiplier: 1.5 -> 2.0"]
    assert lines[6].startswith("1 created, 2 changed, 0 removed, ")
    assert lines[7] == "not objects, they stay with their server: [tserver]"


def test_a_dry_run_says_that_nothing_is_done(site: Path, run: Command) -> None:
    edit(site, "interval_min = 10", "interval_min = 12")
    for _ in range(2):
        assert "nothing is done (--dry-run): 0 created, 1 changed" in run("import", "site.toml", "--dry-run").stdout
    report = parsed(run("import", "site.toml", "--json"))
    assert report["done"] and report["changed"] == [{"object": "treatment[busy]", "fields": [
        {"field": "interval_min", "old": "10", "new": "12"}]}]
    assert report["created"] == report["removed"] == report["problems"] == [] and "campaign[renewals]" in report["unchanged"]


def test_faults_are_told_with_the_file_and_exit_status_1(site: Path, run: Command) -> None:
    edit(site, "interval_min = 10", "interval_min = -1")
    edit(site, 'lists = ["spring"]', 'lists = "spring"')
    expected = ["treatment[busy].interval_min: 0 to 525600 is expected, not -1",
                "campaign[renewals].lists: an array of strings is expected, not 'spring'"]
    assert run("import", "site.toml", code=1).stderr.splitlines() == [f"site.toml: {each}" for each in expected]
    told = parsed(run("import", "site.toml", "--json", code=1))
    assert told["problems"] == expected and told["done"] is False
    site.write_text("[[")
    assert run("import", "site.toml", code=1).stderr.count("site.toml: not valid TOML") == 1
    assert "none.toml: No such file" in run("import", "none.toml", code=1).stderr


@pytest.mark.parametrize("arguments", [
    ("import",), ("import", "f", "--database", "u", "--config", "c"), ("history", "--limit", "0"),
    ("export", "--database", "mysql://x/y"), ("check", "--nonsense")])
def test_wrong_use_is_exit_status_2(run: Command, arguments: tuple[str, ...]) -> None:
    run(*arguments, code=2)


def test_without_a_database_it_is_asked_which(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(ocs, ["config", "export"])
    assert outcome.exit_code == 2 and "say which database" in outcome.stderr


def test_an_export_is_read_back_and_is_its_owners_alone(site: Path, run: Command, tmp_path: Path) -> None:
    run("export", "--output", "all.toml")
    path = tmp_path / "all.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "0 created, 0 changed, 0 removed" in run("import", "all.toml", "--replace").stdout
    printed = run("export").stdout
    assert tomllib.loads(printed) == tomllib.loads(path.read_text()) == parsed(run("export", "--json"))
    assert tomllib.loads(printed)["campaign_group"] == [{
        "dbid": 9, "campaign": "renewals", "group": "outbound", "mode": "preview", "voice_transfer_destination": "6001",
        "multiplier": 1.5}]


def test_secrets_are_exported_on_demand_only(site: Path, run: Command) -> None:
    site.write_text('[[http_request]]\nname = "crm"\nuri = "https://crm.example/"\n[[http_request.header]]\nname = "X-Key"\n'
                    'value = "s3cret"\n')
    run("import", "site.toml")
    assert "s3cret" not in run("export").stdout and "s3cret" in run("export", "--secrets").stdout
    assert "s3cret" not in run("history").stdout


def test_the_tables_of_a_server_are_a_file_that_a_server_takes(site: Path, run: Command, tmp_path: Path) -> None:
    run("export", "--for", "ocs", "--output", "own.toml")
    outcome = CliRunner().invoke(ocs, ["config", "check", str(tmp_path / "own.toml"), "--offline"])
    assert outcome.exit_code == 0 and "campaign groups: renewals@outbound" in outcome.stdout
    assert "application east is not in the configuration database" in run("export", "--for", "east", code=1).stderr


def test_history_names_who_what_and_when(site: Path, run: Command) -> None:
    edit(site, "multiplier = 1.5", "multiplier = 2")
    run("import", "site.toml", "--who", "bob")
    newest = run("history", "--limit", "1").stdout
    assert "bob (import site.toml) changed campaign_group[renewals@outbound].multiplier: 1.5 -> 2.0" in newest
    entries = parsed(run("history", "campaign_group[renewals@outbound]", "--json"))
    assert {entry["who"] for entry in entries} == {"ada", "bob"}
    assert {entry["object"] for entry in entries} == {"campaign_group[renewals@outbound]"}
    assert entries[0]["field"] == "options.OCServer.progressive_blending_coefficient"
    assert "the history has nothing of nothing" in run("history", "nothing", code=1).stderr


def test_a_database_and_a_file_for_it_can_be_checked(site: Path, run: Command) -> None:
    assert "in order; servers: ocs" in run("check").stdout
    assert "site.toml: in order" in run("check", "site.toml").stdout
    edit(site, "interval_min = 10", "interval_min = -1")
    assert run("check", "site.toml", code=1).stderr == "treatment[busy].interval_min: 0 to 525600 is expected, not -1\n"
    assert parsed(run("check", "site.toml", "--json", code=1))["problems"] == [
        "treatment[busy].interval_min: 0 to 525600 is expected, not -1"]
    assert "in order" in run("check").stdout


def test_the_file_of_a_server_that_works_with_the_database_is_checked_with_it(
        site: Path, run: Command, url: str, tmp_path: Path) -> None:
    own = tmp_path / "ocs.toml"
    own.write_text(f'[configuration]\nsource = "database"\nurl = "{url}"\n')
    outcome = CliRunner().invoke(ocs, ["config", "check", str(own)])
    assert outcome.exit_code == 0 and "campaign groups: renewals@outbound" in outcome.stdout
    edit(site, "interval_min = 10", "interval_min = 12")
    assert "1 changed" in run("import", "site.toml", "--config", str(own)).stdout
    own.write_text(own.read_text() + '[application]\nname = "east"\n')
    outcome = CliRunner().invoke(ocs, ["config", "check", str(own)])
    assert outcome.exit_code == 1 and "application east is not in the configuration database" in outcome.stderr


def checked(*arguments: str, code: int = 0) -> Result:
    outcome = CliRunner().invoke(ocs, ["config", "check", *arguments])
    assert outcome.exit_code == code, outcome.output
    return outcome


def test_offline_the_file_of_a_server_is_checked_by_itself(tmp_path: Path) -> None:
    own = tmp_path / "ocs.toml"
    own.write_text('[configuration]\nsource = "database"\nurl = "postgresql://nobody@nowhere.invalid/none"\n')
    assert "in the configuration database, which was not looked at" in checked(str(own), "--offline").stdout
    told = parsed(checked(str(own), "--offline", "--json"))
    assert (told["problems"], told["campaign_groups"], told["not_checked_against_database"]) == ([], [], "--offline")
    own.write_text(own.read_text() + '[dialing]\n[service]\nname = 1\n')
    assert "dialing: is in the configuration database" in checked(str(own), "--offline", code=1).stderr


def test_a_file_of_objects_is_checked_without_a_database(site: Path, run: Command, tmp_path: Path) -> None:
    run("export", "--output", "all.toml")
    (tmp_path / "configuration.sqlite").unlink()
    own = tmp_path / "ocs.toml"
    own.write_text('[database]\nurl = "postgresql://nobody@nowhere.invalid/none"\n')
    for arguments in (("--objects",), ("--offline", "--config", str(own))):
        for name in ("all.toml", "site.toml"):
            done = checked(str(tmp_path / name), *arguments)
            assert "in order by itself; servers: ocs" in done.stdout and "no database is opened" in done.stderr
    edit(site, 'treatments = ["busy"]', 'treatments = ["busi"]')
    wrong = checked(str(site), "--objects", "--json", code=1)
    assert parsed(wrong)["problems"] == ["calling_list[spring].treatments: there is no treatment busi"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.toml", "ocs.toml", "site.toml"]


@pytest.mark.parametrize("arguments", [
    ("--offline",), ("--objects", "--database", "sqlite:///x"), ("--offline", "--database", "sqlite:///x"),
    ("f", "--rules", ".")])
def test_without_a_database_a_file_is_needed(arguments: tuple[str, ...]) -> None:
    checked(*arguments, code=2)


def test_names_of_calling_rules_are_checked_with_object_and_field(site: Path, run: Command, tmp_path: Path) -> None:
    edit(site, 'treatments = ["busy"]', 'treatments = ["busy"]\nrules = ["us-ftcc", "house"]')
    edit(site, "multiplier = 1.5", 'multiplier = 1.5\nrules = ["us-ftc"]\nring_timeout_s = 5')
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "house.toml").write_text(OWN.replace('"own"', '"house"'))
    (tmp_path / "ocs.toml").write_text('[compliance]\nrules_directory = "rules"\n')
    misspelt = "calling_list[spring].rules: there is no rule us-ftcc (in calling_list spring) (us-ftc?)"
    rings = "campaign_group[renewals@outbound].ring_timeout_s: 5 s, but by rule us-ftc a phone rings 15 s at least"
    for done in (run("import", "site.toml", code=1), run("check", "site.toml", code=1),
                 checked("site.toml", "--objects", code=1)):
        assert misspelt in done.stderr and rings in done.stderr
        assert "calling_list[spring].rules: there is no rule house" in done.stderr
    assert "us-ftc" not in run("export").stdout
    for more in (("--objects", "--rules", "rules"), ("--offline", "--config", "ocs.toml")):
        found = checked("site.toml", *more, code=1).stderr
        assert misspelt in found and "house" not in found
    edit(site, "us-ftcc", "us-ftc")
    edit(site, "ring_timeout_s = 5", "ring_timeout_s = 20")
    assert "there is no rule house" in run("import", "site.toml", code=1).stderr
    assert "2 changed" in run("import", "site.toml", "--rules", "rules").stdout
    assert "there is no rule house" in run("check", code=1).stderr
    assert "in order" in run("check", "--rules", "rules").stdout


def test_the_database_of_a_demonstration_is_named_by_its_directory(tmp_path: Path, run: Command, url: str) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "ocs.toml").write_text(f'[database]\nurl = "{url}"\n')
    assert "configuration made" in run("upgrade", "--directory", "demo").stdout


def test_a_server_with_a_file_and_no_database_exports_the_objects_of_its_file(tmp_path: Path, run: Command) -> None:
    (tmp_path / "ocs.toml").write_text(GOOD + '[tserver]\nport = 7\n')
    outcome = run("export", "--config", "ocs.toml")
    assert outcome.stdout.startswith("# ocs.toml, ")
    exported = tomllib.loads(outcome.stdout)
    assert {"tenant", "application", "switch", "dn", "person", "campaign_group"} <= exported.keys() and "tserver" not in exported
    assert not (tmp_path / "ocs.db").exists()
    run("upgrade", "--config", "ocs.toml")
    run("import", "ocs.toml", "--config", "ocs.toml")
    assert run("export", "--config", "ocs.toml").stdout.startswith("# SQLite file")
    (tmp_path / "ocs.toml").write_text(GOOD.replace('["busy"]', '["busi"]'))
    (tmp_path / "ocs.db").unlink()
    assert "there is no treatment busi" in run("export", "--config", "ocs.toml", code=1).stderr


def test_a_filter_that_does_not_fit_its_list_is_refused_where_the_list_can_be_looked_at(tmp_path: Path, run: Command) -> None:
    (tmp_path / "ocs.toml").write_text("")
    (tmp_path / "contacts.csv").write_text("phone,balance\n+12125550101,10\n")
    run("upgrade", "--config", "ocs.toml")
    site = GOOD.replace('treatments = ["busy"]', 'treatments = ["busy"]\ncriteria = "balance >= 1"')
    (tmp_path / "site.toml").write_text(site)
    before = run("import", "site.toml", "--config", "ocs.toml")
    assert "filters and disposition fields are not checked" in before.stderr, "there are no lists yet"
    for command in ("db upgrade --config ocs.toml", "list import contacts.csv --list spring --config ocs.toml"):
        made = CliRunner().invoke(ocs, command.split() + (["--field", "balance float"] if "list" in command else []))
        assert made.exit_code == 0, made.output
    assert run("import", "site.toml", "--config", "ocs.toml").stderr == ""
    for wrong, told in (("balance >=", "the syntax is wrong near '>='"), ("balanse >= 1", "no column 'balanse'")):
        (tmp_path / "wrong.toml").write_text(site.replace("balance >= 1", wrong))
        for command in ("import", "check"):
            fault = run(command, "wrong.toml", "--config", "ocs.toml", code=1).stderr
            assert "calling_list[spring].criteria, line 1" in fault and told in fault
    assert run("import", "site.toml", "--config", "ocs.toml").stdout.startswith("0 created, 0 changed")


def test_who_is_refused_for_an_old_export_is_told_what_to_do(site: Path, tmp_path: Path, run: Command) -> None:
    run("export", "--output", "mine.toml")
    edit(site, "interval_min = 10", "interval_min = 12")
    run("import", "site.toml", "--who", "bob")
    edit(tmp_path / "mine.toml", "interval_min = 10.0", "interval_min = 14.0")
    refused = run("import", "mine.toml", code=1).stderr
    assert "treatment[busy]: was changed by bob" in refused and "--force" in refused
    run("import", "mine.toml", "--force")
