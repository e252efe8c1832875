"""Exports into pipes that nobody reads and disks that are full: one line or none, never a traceback."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.dialing.values import Record
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from ocs.store.versions import upgrade

ROOT = Path(__file__).resolve().parents[2]
OCS = "from ocs.app.cli.root import main; main()"
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('exports') / 'ocs.sqlite'}"
    upgrade(url)
    with transaction(backend_for(url)) as work:
        insert_records(work, create_list(work, Catalog(), "Spring"), [
            Record(n, n, 0, f"+1212{n:07d}") for n in range(1, 20_001)])
    return url


def ocs(database: str, *arguments: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OCS, "list", *arguments, "--database", database], text=True,
                            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
                            **more)         # type: ignore[call-overload,no-any-return]


def ended(child: subprocess.Popen[str]) -> str:
    """What it said on standard error."""
    try:
        _, text = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    return text


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_reader_who_has_read_enough_ends_the_export_without_a_word(database: str, form: str) -> None:
    child = ocs(database, "export", "Spring", "--format", form, stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline()
    child.stdout.close()
    child.stdout = None
    assert ended(child) == "" and child.returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this machine")
@pytest.mark.parametrize("arguments", [("export", "Spring"), ("export", "Spring", "--json"), ("export", "Spring", "--history"),
                                       ("show", "Spring"), ("show", "--json")])
def test_a_disk_that_is_full_fails_the_command_in_one_line(database: str, arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as disk:
        child = ocs(database, *arguments, stdout=disk)
        text = ended(child)
    assert child.returncode == 1 and text.startswith("Error: ") and "No space left on device" in text
    assert len(text.splitlines()) == 1


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this machine")
def test_a_file_on_a_full_disk_is_named(database: str) -> None:
    child = ocs(database, "export", "Spring", "--output", str(FULL), stdout=subprocess.DEVNULL)
    text = ended(child)
    assert child.returncode == 1 and text.startswith("Error: /dev/full: No space left on device (after ")
