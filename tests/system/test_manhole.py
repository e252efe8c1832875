"""The console with the real OpenSSH client."""
from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor, threads
from twisted.internet.defer import Deferred, maybeDeferred

from ocs.app.config import ManholeOptions
from ocs.app.manhole import ManholeService
from ocs.errors import ConfigurationError
from ocs.passwords import hash_password
from tests.conftest import needs
from tests.doubles.console import FakeVerbs

pytest_twisted = pytest.importorskip("pytest_twisted")

PASSWORD = "correct horse"


class Console:
    """A listening Manhole and an `ssh` to call it with."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder, self.verbs = folder, FakeVerbs()
        askpass = folder / "askpass"
        askpass.write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
        askpass.chmod(0o700)
        options = ManholeOptions(**{"enabled": True, "port": 0, "password_hash": hash_password(PASSWORD, cheap=True),
                                    "host_key": folder / "host-key", **changes})
        self.service = ManholeService(options, self.verbs, reactor)
        self.service.privilegedStartService()
        self.service.startService()

    async def ssh(self, *command: str, stdin: str = "", options: tuple[str, ...] = (), user: str = "admin") -> Any:
        line = [needs("ssh"), "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", *options,
                "-p", str(self.service.address()["port"]), f"{user}@127.0.0.1", *command]
        env = {**os.environ, "SSH_ASKPASS": str(self.folder / "askpass"), "SSH_ASKPASS_REQUIRE": "force",
               "DISPLAY": ":0"}
        return await threads.deferToThread(subprocess.run, line, input=stdin, capture_output=True, text=True,
                                           timeout=30, env=env)


def limited(test: Any) -> Any:
    """A test that is ended after 60 s, and whose consoles are closed."""
    @functools.wraps(test)
    async def run(*args: Any, consoles: list[Console], **kwargs: Any) -> None:
        try:
            await Deferred.fromCoroutine(test(*args, consoles=consoles, **kwargs)).addTimeout(60, reactor)
        finally:
            for console in consoles:
                await maybeDeferred(console.service.stopService)
    return pytest_twisted.ensureDeferred(run)


@pytest.fixture
def consoles() -> list[Console]:
    """The consoles of a test."""
    return []


@limited
async def test_one_command_a_call_answers_and_leaves(tmp_path: Path, consoles: list[Console]) -> None:
    needs("ssh")
    consoles.append(Console(tmp_path))
    done = await consoles[0].ssh("records('spring', limit=5)")
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["asked", "records"], "")
    assert consoles[0].verbs.asked == [("records", "spring", 5)]
    done = await consoles[0].ssh("6*7")
    assert done.returncode == 1 and "only verbs" in done.stdout


@limited
async def test_a_shell_takes_verbs_line_by_line_until_ctrl_d(tmp_path: Path, consoles: list[Console]) -> None:
    needs("ssh")
    consoles.append(Console(tmp_path))
    done = await consoles[0].ssh(stdin="status()\rpause('a@b')\r6*7\r\x04", options=("-tt",))
    assert done.returncode == 0, done
    assert consoles[0].verbs.asked == [("status",), ("pause", "a@b")]
    assert "ocs> " in done.stdout and "only verbs can be called" in done.stdout


@limited
async def test_a_wrong_password_or_user_stays_outside(tmp_path: Path, consoles: list[Console]) -> None:
    needs("ssh")
    consoles.append(Console(tmp_path, password_hash=hash_password("another", cheap=True)))
    done = await consoles[0].ssh("status()", options=("-o", "NumberOfPasswordPrompts=1"))
    assert done.returncode == 255 and "Permission denied" in done.stderr and consoles[0].verbs.asked == []
    consoles.append(Console(tmp_path))
    done = await consoles[1].ssh("status()", user="root", options=("-o", "NumberOfPasswordPrompts=1"))
    assert done.returncode == 255 and consoles[1].verbs.asked == []


@limited
async def test_a_key_opens_where_its_public_half_is_listed(tmp_path: Path, consoles: list[Console]) -> None:
    needs("ssh")
    subprocess.run([needs("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    consoles.append(Console(tmp_path, password_hash="", authorized_keys=tmp_path / "key.pub"))
    done = await consoles[0].ssh("status()", options=("-i", str(tmp_path / "key")))
    assert done.returncode == 0 and consoles[0].verbs.asked == [("status",)]


@limited
async def test_forwarding_and_subsystems_are_refused(tmp_path: Path, consoles: list[Console], logged: Any) -> None:
    needs("ssh")
    consoles.append(Console(tmp_path))
    done = await consoles[0].ssh(options=("-W", "127.0.0.1:22"))
    assert done.returncode != 0 and "forwarding failed" in done.stderr
    done = await consoles[0].ssh("sftp", options=("-s",))
    assert done.returncode != 0
    logged.failures()       # the SSH library logs the refusals of channels as failures


def test_the_host_key_is_made_once_for_its_owner_and_used_again(tmp_path: Path) -> None:
    from ocs.app.manhole import host_key
    key = host_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert host_key(tmp_path / "key") == key


def test_a_host_key_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    from ocs.app.manhole import host_key
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(ConfigurationError, match="manhole.host_key: .*junk is not a private key"):
        host_key(tmp_path / "junk")
    with pytest.raises(ConfigurationError, match="manhole.host_key: .*No such file"):
        host_key(tmp_path / "no" / "key")
