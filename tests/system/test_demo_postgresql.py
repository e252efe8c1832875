"""`ocs demo` on PostgreSQL: as on the file, and the password of the URL stays in the server's own configuration."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from ocs.app.cli.root import ocs
from tests.postgres import PostgresServer
from tests.system.test_demo import runs, written  # noqa: F401  a fixture


def test_a_demonstration_ends_well_on_postgresql(runs: Any, tmp_path: Path,                   # noqa: F811
                                                 postgres_server: PostgresServer) -> None:
    url = postgres_server.database().replace("ocs@", "ocs:s3cret@")
    run = runs("demo", "--speed", "400", "--database", url)
    assert run.wait(90) == 0, run.text()
    outcome = run.outcome()
    assert outcome["reconciled"] and outcome["calls"] == len([call for call in run.calls() if call["kind"] == "outbound"])
    assert "s3cret" not in run.text() + json.dumps(outcome) and outcome["database"].startswith("postgresql://ocs:***@")
    told = {path.name for path in run.folder.iterdir() if path.is_file() and "s3cret" in path.read_text(errors="replace")}
    assert told == {"ocs.toml", "icon.toml"} and all((run.folder / name).stat().st_mode & 0o077 == 0 for name in told)
    assert not (run.folder / "icon.sqlite").exists()        # ICON's tables lie beside the calling lists
    shown = CliRunner().invoke(ocs, ["list", "show", "--json", "--directory", str(run.folder)])
    assert [one["records"] for one in json.loads(shown.stdout)] == [outcome["records"]]
    again = runs("demo", "--speed", "400", "--database", url, folder=tmp_path / "other")
    assert again.wait(60) == 1 and "another demonstration" in again.text()
