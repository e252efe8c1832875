"""The management API of a server that runs: over real sockets, with the `ocs` command, with curl's examples, and fuzzed by its
own description."""
from __future__ import annotations

import json
import re
import signal
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any, Iterator

import pytest
from click.testing import CliRunner

from ocs.app.cli.root import ocs
from tests.conftest import needs
from tests.system.server_process import ROOT, ServerProcess

CONFIGURATION = """
[service]
ready_file = "{folder}/ready"
[log]
file = "{folder}/ocs.log"
[database]
url = "sqlite:///{folder}/ocs.db"
[tserver]
port = 1
[http_server]
enabled = true
port = 0
requests_per_second = 100000
burst = 1000000
[[calling_list]]
name = "spring"
dbid = 1
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
mode = "predictive"
voice_transfer_destination = "6001"
"""


class Server(ServerProcess):
    """A directory with a configuration and a database, a server that runs there, and tokens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "ocs.toml").write_text(CONFIGURATION.format(folder=folder))
        rows = [f"+1212555{n:04d},Person {n}" for n in range(1, 41)]
        (folder / "contacts.csv").write_text("phone,name\n" + "\n".join(rows) + "\n")
        self.ocs("db", "upgrade", "--config", "ocs.toml")
        self.ocs("list", "import", "contacts.csv", "--list", "spring", "--config", "ocs.toml")
        self.tokens = {role: self.ocs("token", "add", role, "--role", role, *more, "--config", "ocs.toml").strip()
                       for role, more in (("agent", ("--agent", "1001")), ("supervisor", ()), ("administrator", ()))}
        super().__init__(folder)

    def start(self) -> None:
        super().start()
        self.until_ready()
        self.port = json.loads((self.folder / "ready").read_text())["http_server"]["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def ocs(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What a command prints: its standard output or, where it is to fail, all of it."""
        files = ("ocs.toml", "contacts.csv", "token.txt")
        arguments = tuple(str(self.folder / one) if one in files else one for one in arguments)
        done = CliRunner().invoke(ocs, arguments, env=environment)
        assert done.exit_code == code and "Traceback" not in done.output, done.output
        return done.stdout if code == 0 else done.output

    def remote(self, *arguments: str, role: str = "supervisor", code: int = 0) -> str:
        """The `ocs` command by way of the running server."""
        return self.ocs(*arguments, code=code, OCS_SERVER=self.url, OCS_TOKEN=self.tokens[role])

    def ask(self, method: str, path: str, body: Any = None, role: str = "administrator", **headers: str) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        token = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        connection.request(method, path, None if body is None else json.dumps(body),
                           {**token, **{name.replace("_", "-"): value for name, value in headers.items()}})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("api"))
    yield made
    made.kill()


def test_a_campaign_group_is_operated_by_the_command(server: Server) -> None:
    assert "renewals@sales: not-loaded, predictive" in server.remote("campaign", "status", role="agent")
    assert "active" in server.remote("campaign", "load", "renewals")
    told = json.loads(server.remote("campaign", "start", "1", "--mode", "progressive", "--json"))
    assert (told["state"], told["mode"]) == ("running", "progressive") and told["why_not"] == "no link to the T-Server"
    goal = ("--optimize-by", "busy-factor", "--goal", "85")
    assert "predictive (busy-factor 85)" in server.remote("campaign", "mode", "renewals@sales", "predictive", *goal)
    assert "running, paused" in server.remote("campaign", "pause", "renewals")
    assert "running, predictive" in server.remote("campaign", "resume", "1")
    assert "no link to the T-Server" in server.remote("campaign", "decisions", "renewals")
    assert "last decision" in server.remote("campaign", "status", "renewals")
    assert "active" in server.remote("campaign", "stop", "renewals")
    assert "Error: renewals@sales is active" in server.remote("campaign", "stop", "renewals", code=1)
    assert "the role supervisor is needed" in server.remote("campaign", "load", "renewals", role="agent", code=1)
    assert "campaign group 'none'" in server.remote("campaign", "load", "none", code=1)
    said = server.remote("campaign", "unload", "renewals", "--force")       # answered before all is given back
    assert "unload-in-progress" in said or "not-loaded" in said
    until = monotonic() + 30
    while "not-loaded" not in server.remote("campaign", "status", "renewals"):
        assert monotonic() < until
    token = server.folder / "token.txt"
    token.write_text(server.tokens["supervisor"])
    assert "not-loaded" in server.ocs("campaign", "status", "--config", "ocs.toml", "--token-file", "token.txt")
    assert "a token is needed" in server.ocs("campaign", "status", "--config", "ocs.toml", code=1)


def test_the_do_not_call_list_is_changed_by_the_command(server: Server) -> None:
    assert "added" in server.remote("dnc", "add", "+12125550040", "--message", "asked", role="agent")
    assert "was on the list already" in server.remote("dnc", "add", "212 555 0040", role="agent")
    assert "not to be called for every campaign" in server.remote("dnc", "check", "+12125550040", role="agent")
    assert "the role administrator is needed" in server.remote("dnc", "remove", "+12125550040", code=1)
    assert "removed" in server.remote("dnc", "remove", "+12125550040", "--why", "mistake", role="administrator")
    assert "not on the list" in server.remote("dnc", "remove", "+12125550040", role="administrator", code=1)
    assert json.loads(server.remote("dnc", "check", "+12125550040", "--json"))["listed"] is False
    assert "work on a database" in server.remote("dnc", "add", "--list", "spring", "--record", "1", code=2)
    assert "one of them" in server.ocs("dnc", "check", "+12125550040", "--server", server.url, "--config", "ocs.toml", code=2)


def test_contacts_are_imported_through_the_server(server: Server) -> None:
    rows = [f"+1213555{n:04d},Person {n},{'x' * 200}" for n in range(1, 1_001)]
    (server.folder / "contacts.csv").write_text("phone,name,note\n" + "\n".join(rows) + "\n")      # longer than other bodies
    told = server.remote("list", "import", "contacts.csv", "--list", "spring", role="administrator")
    assert "1000 contacts, 1000 records imported" in told
    (server.folder / "contacts.csv").write_text("phone,name\n12,Nobody\n")
    told = server.remote("list", "import", "contacts.csv", "--list", "spring", role="administrator", code=1)
    assert "line 2:" in told and "nothing was imported" in told
    assert "the role administrator is needed" in server.remote("list", "import", "contacts.csv", "--list", "spring", code=1)
    assert "only --region" in server.remote("list", "import", "contacts.csv", "--list", "spring", "--encoding", "latin-1", code=2)


def test_tokens_come_and_go_while_the_server_runs(server: Server) -> None:
    made = server.ocs("token", "add", "short", "--role", "supervisor", "--days", "1", "--config", "ocs.toml")
    server.tokens["short"] = made.strip()
    assert server.ask("GET", "/api/v1/links", role="short")[0] == 200
    assert "short: supervisor" in server.ocs("token", "list", "--config", "ocs.toml")
    assert server.tokens["short"] not in server.ocs("token", "list", "--json", "--config", "ocs.toml")
    assert "already" in server.ocs("token", "add", "short", "--role", "supervisor", "--config", "ocs.toml", code=1)
    assert "revoked" in server.ocs("token", "revoke", "short", "--config", "ocs.toml")
    server.until(lambda: server.ask("GET", "/api/v1/links", role="short")[0] == 401, "the token is refused")
    assert "no such token" in server.ocs("token", "revoke", "short", "--config", "ocs.toml", code=1)
    assert server.tokens["supervisor"].encode() not in (server.folder / "ocs.db").read_bytes()
    assert server.tokens["supervisor"] not in server.log()


def test_an_addition_is_made_once_whoever_is_killed(server: Server) -> None:
    new = {"phone": "+12125559999", "fields": {"name": "New"}}
    status, made = server.ask("POST", "/api/v1/lists/spring/records", new, Idempotency_Key="order-1")
    assert status == 201 and made["fields"]["name"] == "New"
    server.kill()
    server.start()
    assert server.ask("POST", "/api/v1/lists/spring/records", new, Idempotency_Key="order-1") == (200, made)
    status, found = server.ask("GET", "/api/v1/lists/spring/records?phone=%2B12125559999")
    assert [one["record_id"] for one in found["records"]] == [made["record_id"]]


def test_what_is_too_long_or_no_http_is_refused_and_the_server_goes_on(server: Server) -> None:
    assert server.ask("POST", "/api/v1/do-not-call", {"message": "x" * 70_000})[0] == 413
    assert server.ask("GET", "/api/v1/" + "x/" * 2_000)[0] in (400, 404, 414)
    assert server.ask("GET", "/healthz", role="")[0] == server.ask("GET", "/readyz", role="")[0] == 200
    assert server.ask("GET", "/openapi.json", role="")[1]["openapi"] == "3.1.0"
    assert server.ask("GET", "/api/v1/nothing", role="")[0] == 401 and server.ask("GET", "/api/v1/nothing")[0] == 404


def test_the_api_keeps_what_its_document_says(server: Server) -> None:
    """Requests made from the document, legal ones and others, for some seconds: no fault of the server, no answer that the
    document does not tell, nothing illegal that is taken."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as spec
    checks = [not_a_server_error, spec.status_code_conformance, spec.content_type_conformance, spec.response_schema_conformance,
              spec.negative_data_rejection, spec.ignored_auth, spec.response_headers_conformance]
    schema = schemathesis.openapi.from_dict(server.ask("GET", "/api/v1/openapi.json")[1])
    schema.validate()           # it is OpenAPI 3.1
    headers = {"Authorization": f"Bearer {server.tokens['administrator']}"}
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        modes = schemathesis.GenerationMode
        for mode in (modes.POSITIVE, modes.NEGATIVE):
            @settings(max_examples=4, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
                      suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def probe(case: Any) -> None:
                nonlocal tried
                tried += 1
                case.call_and_validate(base_url=server.url, headers=headers, checks=checks)
            try:
                probe()
            except Unsatisfiable:
                assert mode is modes.NEGATIVE       # of an operation about which nothing can be wrong
    assert tried > 100
    assert server.runs and "Traceback" not in server.log()


def test_the_examples_of_the_page_work(server: Server) -> None:
    """Every `curl` of docs/http-api.md, with a token for TOKEN and the server's own address."""
    needs("curl")
    text = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
    examples = re.findall(r"```sh\n(.*?)```", text, re.S)
    commands = [one.replace("\\\n", " ").strip() for block in examples for one in re.split(r"\n(?=curl)", block) if "curl" in one]
    assert len(commands) >= 8
    for command in commands:
        line = command.replace("http://localhost:8080", server.url).replace("$TOKEN", server.tokens["administrator"])
        done = subprocess.run(["sh", "-c", line + " -w '\\n%{http_code}'"], capture_output=True, text=True, timeout=30)
        body, _, status = done.stdout.rpartition("\n")
        assert done.returncode == 0 and status in ("200", "201"), (line, done.stdout, done.stderr)
        assert json.loads(body) is not None


def test_without_a_server_the_command_says_what_the_lists_say(server: Server) -> None:
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    told = server.ocs("campaign", "status", "--config", "ocs.toml", OCS_TOKEN="x", code=1)
    assert "no server answers at http://127.0.0.1" in told and "renewals@sales: no server to ask; predictive, records:" in told
    assert "no server answers" in server.remote("campaign", "load", "renewals", code=1)
    assert "Traceback" not in server.log()
