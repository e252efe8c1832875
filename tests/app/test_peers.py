"""The configuration of peers, and what the console tells of them."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.app.config import OCSOptions
from ocs.app.console import as_text
from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.passwords import hash_password
from tests.app.test_verbs import console
from tests.scheduler.bench import record

HASH = hash_password("between servers", cheap=True)


@pytest.mark.parametrize("tables,problem", [
    ({"peer": {"enabled": True}}, "peer.application: name the peers that may connect, or nobody can"),
    ({"peer": {"application": [{"name": "ocs", "password_hash": "secret"}]}},
     "peer.application[1].password_hash: not an Argon2 hash"),
    ({"peer_server": [{"name": "east"}, {"name": "east", "port": 7051}]}, "peer_server[2].name: east is configured twice"),
    ({"peer_server": [{}]}, "peer_server[1].name: required, but not given")])
def test_what_cannot_work_is_told_by_name(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(OCSOptions, tables)
    assert any(one.startswith(problem) for one in refused.value.problems), refused.value.problems
    assert "secret" not in str(refused.value)


def test_two_peers_may_be_named() -> None:
    options = load(OCSOptions, {"peer": {"enabled": True, "application": [{"name": "ocs", "password_hash": HASH}]},
                                "peer_server": [{"name": "east"}, {"name": "west", "host": "west.example.com"}]})
    assert [one.name for one in options.peer_server] == ["east", "west"]


def test_the_console_shows_peers_and_what_they_run() -> None:
    rows = [{"peer": "east", "state": "up", "dbid": 2, "version": "0.1.0", "role": "primary",
             "started": "2026-03-10T16:30:00+00:00",
             "sessions": "spring@sales running, 12 agents, 9 calls, 71 records"},
            {"peer": "west", "state": "waiting: Connection refused", "dbid": "", "sessions": ""}]
    _, verbs = console(record(1), peers=rows)
    assert verbs.peers() == rows and "spring@sales running" in as_text(verbs.peers(), 200)
    status = verbs.status()
    assert status["peer east"] == "up: spring@sales running, 12 agents, 9 calls, 71 records"
    assert status["peer west"] == "waiting: Connection refused"
