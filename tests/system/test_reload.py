"""A server that runs reads its configuration again: as an administrator does it, with a filter, SIGHUP and `ocs list show`."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from tests.system.server_process import ROOT, ServerProcess

OCS = "from ocs.app.cli import main; main()"
CONFIGURATION = """
[service]
ready_file = "{folder}/ready"
[log]
file = "{folder}/ocs.log"
[database]
url = "sqlite:///{folder}/ocs.db"
[tserver]
port = 1
[[calling_list]]
name = "spring"
dbid = 1
criteria = "balance >= 100 AND region = 'EU'"
order_by = "balance DESC"
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
"""


class Desk:
    """An administrator's directory: a configuration, a database with 40 contacts, a server that runs in the background."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "ocs.toml"
        self.file.write_text(CONFIGURATION.format(folder=folder))
        rows = [f"+12125550{n:03d},{n * 10},{'EU' if n % 2 else 'US'}" for n in range(1, 41)]
        (folder / "contacts.csv").write_text("phone,balance,region\n" + "\n".join(rows) + "\n")
        self.ocs("db", "upgrade", "--config", "ocs.toml")
        self.ocs("list", "import", "contacts.csv", "--list", "spring", "--config", "ocs.toml", "--field", "balance float",
                 "--default-timezone", "America/New_York", "--daily-from", "0", "--daily-till", "86340")
        self.server = ServerProcess(folder)
        self.server.until_ready()
        self.until, self.log = self.server.until, self.server.log

    def ocs(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-c", OCS, *arguments], cwd=self.folder, text=True, capture_output=True,
                              timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def held(self) -> list[float]:
        """The balances of the records that the server has retrieved, as `ocs list show` tells."""
        shown = json.loads(self.ocs("list", "show", "spring", "--config", "ocs.toml", "--limit", "100", "--full", "--json"))
        return sorted(one["fields"]["balance"] for one in shown["first"] if one["record_status"] == 2)

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def hang_up(self, line: str) -> None:
        """SIGHUP, until the log says this once more."""
        before = self.log().count(line)
        self.server.send_signal(signal.SIGHUP)
        self.until(lambda: self.log().count(line) > before, line)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.server.kill()


def test_a_filter_is_changed_while_the_server_runs(desk: Desk) -> None:
    desk.until(lambda: len(desk.held()) == 5, "the buffer is full")
    assert desk.held() == [310, 330, 350, 370, 390]

    desk.edit("""criteria = "balance >= 100 AND region = 'EU'\"""", """criteria = "balance <= 100 AND region <> 'EU'\"""")
    desk.edit("optimal_buffer = 5", "optimal_buffer = 4")
    desk.edit("port = 1", "port = 2")
    desk.hang_up("read again: 3 changes")
    desk.until(lambda: len(desk.held()) == 4, "the new filter is in force")
    assert desk.held() == [40, 60, 80, 100]
    assert "configuration: tserver.port: 1 -> 2, at restart" in desk.log()

    desk.edit('order_by = "balance DESC"', 'order_by = "wealth DESC"')
    desk.hang_up("configuration not taken over")
    assert "calling_list[1].order_by, line 1, column 1: no column 'wealth' in this calling list" in desk.log()
    assert desk.held() == [40, 60, 80, 100]

    desk.edit('order_by = "wealth DESC"', 'order_by = "balance"')
    desk.hang_up("read again")
    desk.until(lambda: desk.held() == [20, 40, 60, 80], "the new order is in force")
    desk.server.send_signal(signal.SIGTERM)
    desk.server.wait(20)
    assert desk.held() == [] and "Traceback" not in desk.log() and "stopped" in desk.log()
