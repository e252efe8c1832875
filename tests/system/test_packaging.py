"""The wheel and the editable install: `twistd` and `ocs` know their commands from any directory."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.system.server_process import ROOT, TWISTD

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def run(*command: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: building must not leave anything in the real one."""
    folder = tmp_path_factory.mktemp("source") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "dropin.cache"))
    return folder


def environment(folder: Path) -> Path:
    """A virtual environment without this project in it, that borrows the libraries of the running one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    (Path(site) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def check_commands(python: Path, elsewhere: Path) -> None:
    listed = run(str(python), "-c", TWISTD, "--help", folder=elsewhere)
    plugins = {line.split()[0] for line in listed.splitlines() if line.startswith("    ") and line.split()}
    assert {"ocs", "ocs-tserver", "ocs-statserver", "ocs-icon", "ocs-cpdserver", "ocs-interaction",
            "ocs-obn"} <= plugins
    script = str(python.parent / "ocs")
    assert "serve-lab" in run(script, "--help", folder=elsewhere)
    run(script, "config", "check", str(ROOT / "etc" / "ocs.toml"), folder=elsewhere)
    code = "from ocs.app.demo.options import shipped; print(shipped('demo.toml'), shipped('demo-contacts.csv'))"
    assert "demo-contacts.csv" in run(str(python), "-c", code, folder=elsewhere)
    code = "from ocs.app.calling_rules import the_rules; print(*the_rules().rules)"
    assert "us-ftc" in run(str(python), "-c", code, folder=elsewhere)
    code = "from ocs.store.versions import needed_version; print(needed_version())"
    assert run(str(python), "-c", code, folder=elsewhere).strip()       # the migrations came along
    code = "from ocs.servers.icon.versions import icon_versions; print(icon_versions.upgrade('sqlite:///icon.sqlite'))"
    assert run(str(python), "-c", code, folder=elsewhere).strip()


def test_the_wheel_brings_the_commands_and_the_shipped_files(source: Path, tmp_path: Path) -> None:
    run(*PIP, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(source), folder=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    python = environment(tmp_path / "venv")
    run(*PIP, "--python", str(python), "install", "--no-deps", str(wheel), folder=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    check_commands(python, tmp_path / "elsewhere")


def test_the_editable_install_brings_them_too_and_sees_new_files(source: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    run(*PIP, "--python", str(python), "install", "--no-deps", "--config-settings", "editable_mode=compat", "--editable",
        str(source), folder=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    check_commands(python, tmp_path / "elsewhere")
    (source / "ocs" / "fresh.py").write_text("WORD = 'seen'\n")
    assert run(str(python), "-c", "from ocs.fresh import WORD; print(WORD)", folder=tmp_path / "elsewhere") == "seen\n"
