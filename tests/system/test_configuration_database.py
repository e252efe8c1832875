"""Two servers on one Configuration Database in PostgreSQL: what an administrator imports both of them do."""
from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from click.testing import CliRunner

from ocs.app.cli.root import ocs
from tests.postgres import PostgresServer
from tests.system.server_process import ServerProcess

# each server's own file: nothing of campaigns in it. It would not ask for a minute: what it sees before, it was told
OWN = """
[application]
name = "{name}"
[service]
ready_file = "{folder}/ready"
[log]
file = "{folder}/ocs.log"
form = "json"
[database]
url = "{url}"
[configuration]
source = "database"
poll_s = 60
[tserver]
port = 1
"""
SITE = """
[[application]]
name = "ocs west"
dbid = 11
[[application]]
name = "ocs east"
dbid = 12
[[treatment]]
name = "busy"
dbid = 1
call_result = "busy"
action = "retry-in"
interval_min = 5
[[calling_list]]
name = "spring"
dbid = 1
treatments = ["busy"]
criteria = "balance >= 100"
[[agent_group]]
name = "sales"
dbid = 1
agents = ["1001"]
dns = ["7001"]
[[campaign]]
name = "renewals"
dbid = 1
lists = ["spring"]
[[campaign_group]]
campaign = "renewals"
group = "sales"
dbid = 1
voice_transfer_destination = "6001"
minimum_buffer = 3
optimal_buffer = 5
at_start = "load"
[campaign_group.options."ocs east"]
progressive_blending_coefficient = 3.0
"""


class ContactCenter:
    """A database with a list and a configuration, and two servers that work with it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        rows = [f"+12125550{n:03d},{n * 10}" for n in range(1, 41)]
        (folder / "contacts.csv").write_text("phone,balance\n" + "\n".join(rows) + "\n")
        self.ocs("db", "upgrade")
        self.ocs("config", "upgrade")
        self.ocs("list", "import", "contacts.csv", "--list", "spring", "--field", "balance float",
                 "--default-timezone", "America/New_York", "--daily-from", "0", "--daily-till", "86340")
        self.give(SITE)
        self.servers = {name: self._server(name) for name in ("ocs west", "ocs east")}
        for name in self.servers:
            self.servers[name].until_ready()
            self.until(name, lambda name=name: self.held(name) == 5, "its buffer is full")       # type: ignore[misc]

    def place(self, name: str) -> Path:
        return self.folder / name.replace(" ", "-")

    def _server(self, name: str) -> ServerProcess:
        place = self.place(name)
        place.mkdir()
        (place / "ocs.toml").write_text(OWN.format(name=name, folder=place, url=self.url))
        return ServerProcess(place)

    def ocs(self, *arguments: str, code: int = 0) -> str:
        """In this process: a new one takes seconds to start."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(ocs, [*arguments, "--database", self.url])
        assert done.exit_code == code, done.output
        return done.output

    def give(self, text: str, code: int = 0) -> Any:
        """Import; the report."""
        (self.folder / "site.toml").write_text(text)
        return json.loads(self.ocs("config", "import", "site.toml", "--who", "ada", "--json", code=code).splitlines()[-1])

    def events(self, name: str) -> list[dict[str, Any]]:
        path = self.place(name) / "ocs.log"
        return [json.loads(line.lstrip("\x1e")) for line in path.read_text().splitlines()] if path.exists() else []

    def changes(self, name: str) -> dict[str, tuple[str, str]]:
        """What this server took over: option -> what it is now, and when it takes effect."""
        return {event["option"]: (event["new"], event["effect"]) for event in self.events(name) if "option" in event
                and "effect" in event}

    def held(self, name: str) -> int:
        """How many records this server has retrieved."""
        import psycopg
        number = {"ocs west": 11, "ocs east": 12}[name]
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT count(*) FROM cl_spring WHERE record_status = 2 AND app_id = %s",
                                     (number,)).fetchone()
        assert row is not None
        return int(row[0])

    def until(self, name: str, condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
        self.servers[name].until(condition, what, seconds)


@pytest.fixture
def center(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[ContactCenter]:
    made = ContactCenter(tmp_path, postgres_server.database())
    yield made
    for server in made.servers.values():
        server.kill()


def test_two_servers_do_at_once_what_is_imported_into_their_database(center: ContactCenter) -> None:
    edited = SITE.replace("interval_min = 5", "interval_min = 7.5")
    edited = edited.replace('at_start = "load"', 'at_start = "load"\nmultiplier = 2')
    edited = edited.replace('lists = ["spring"]', 'lists = ["spring"]\n[[campaign.shares]]\nlist = "spring"\nshare = 30')
    report = center.give(edited)
    assert [one["object"] for one in report["changed"]] == ["treatment[busy]", "campaign[renewals]",
                                                            "campaign_group[renewals@sales]"]
    shared = {"treatment[busy].interval_min": ("7.5", "at once"), "campaign[renewals].shares[spring].share": ("30", "at once")}
    group = {"campaign_group[renewals@sales].multiplier": ("2.0", "at once")}
    expected = {"ocs west": shared | group, "ocs east": shared}      # the east has a multiplier of its own
    for name in center.servers:
        center.until(name, lambda name=name: center.changes(name) == expected[name], "following", 5.0)       # type: ignore[misc]

    # what is not dialed any more goes back, in both
    center.give(edited.replace("balance >= 100", "balance >= 1000"))
    for name in center.servers:
        center.until(name, lambda name=name: center.held(name) == 0, "giving its records back", 5.0)         # type: ignore[misc]

    # a fault changes nothing anywhere; what waits for a restart is named
    refused = center.give(edited.replace("interval_min = 7.5", "interval_min = -1"), code=1)
    assert refused["problems"] == ["treatment[busy].interval_min: 0 to 525600 is expected, not -1"] and not refused["done"]
    center.give(edited.replace('at_start = "load"', 'at_start = "start"'))
    for name in center.servers:
        option = "campaign_group[renewals@sales].at_start"
        center.until(name, lambda name=name: center.changes(name).get(option) == ("start", "at restart"),    # type: ignore[misc]
                     "naming what waits", 5.0)
        assert center.changes(name)["treatment[busy].interval_min"] == ("7.5", "at once")

    history = json.loads(center.ocs("config", "history", "treatment[busy]", "--limit", "1", "--json"))
    assert [(one["who"], one["field"], one["old"], one["new"]) for one in history] == [("ada", "interval_min", "5", "7.5")]
    for server in center.servers.values():
        server.send_signal(signal.SIGTERM)
    for name, server in center.servers.items():
        server.wait(20)
        texts = json.dumps(center.events(name))
        assert "stopped" in texts and "Traceback" not in texts
