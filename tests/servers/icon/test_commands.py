"""`ocs icon`: done 0, failed or something missing 1, wrong use 2; never a traceback."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ocs.app.cli.root import ocs
from ocs.servers.icon.versions import icon_versions
from protocols.icon.messages import EvtCode, GOMessageType
from tests.servers.icon.tables import CHAIN, Tables, report


def run(*arguments: str, code: int = 0) -> Result:
    outcome = CliRunner().invoke(ocs, ["icon", *arguments])
    assert outcome.exit_code == code, outcome.output
    assert "Traceback" not in outcome.output
    return outcome


def test_tables_are_made_and_their_version_told(empty_database: str) -> None:
    assert f"tables made, now at version {icon_versions.needed}" in run("upgrade", "--database", empty_database).output
    assert "already" in run("upgrade", "--database", empty_database).output
    assert json.loads(run("upgrade", "--database", empty_database, "--json").output)["after"] == icon_versions.needed


def test_the_status_tells_rows_sources_and_what_is_missing(tables: Tables) -> None:
    tables.open()
    tables.write(report(1, GOMessageType.CHAIN_CALL, EvtCode.ADDED, **CHAIN, CallID="U", CallAttID="G"))
    outcome = run("status", "--database", tables.url)
    assert "GOX_Chain_Call                  1" in outcome.output and "ocs (OCSID 1, ocs-1): 1 reports" in outcome.output
    tables.write(report(5, GOMessageType.SOURCE, EvtCode.STOPPED))
    outcome = run("status", "--database", tables.url, code=1)
    assert "missing: 3 reports, 2 to 4 of ocs-1: they did not come" in outcome.stderr
    found: Any = json.loads(run("status", "--database", tables.url, "--json", code=1).stdout)
    assert found["rows"]["GOX_Chain_Call"] == 1 and found["missing"][0]["count"] == 3
    assert found["sources"][0]["last_sequence"] == 5


def test_a_configuration_of_icon_names_the_database(tmp_path: Path) -> None:
    (tmp_path / "icon.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/icon.sqlite"\n')
    run("upgrade", "--config", str(tmp_path / "icon.toml"))
    assert "GO_Campaign" in run("status", "--directory", str(tmp_path)).output


def test_wrong_use_and_databases_without_tables_are_told(empty_database: str, tmp_path: Path) -> None:
    assert "say which database" in run("upgrade", code=2).output
    assert "say which database" in run("status", "--database", "sqlite:///x", "--directory", str(tmp_path), code=2).output
    assert "database.url" in run("upgrade", "--database", "mysql://x", code=2).output
    run("status", "--database", empty_database, code=1)
