"""The management API without sockets: who may do what, what is said of what is wrong, the document."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from ocs.app.web.api.service import api_routes
from ocs.app.web.rates import Rates
from ocs.app.web.tokens import Tokens
from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordStatus
from ocs.errors import DatabaseAway
from ocs.http_server import Asked
from ocs.store.api_tokens import ApiToken, Role, add_token, hash_of, revoke_token
from tests.app.api_rig import GROUP, Rig
from tests.doubles.clock import VirtualClock


# -- who may ask ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["links", "nothing", "", "campaign-groups/x/y/z", "openapi.json"])
def test_everything_below_the_api_is_401_before_anything_else(rig: Rig, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        for token in ("", "wrong", "ocs_" + "x" * 43):
            reply = rig.reply(method, path, role=None, token=token)
            assert reply.status == 401 and ("WWW-Authenticate", "Bearer") in reply.headers
    assert rig.routes.respond(Asked("GET", ("api", "v2"))).status == 404       # nothing of it is there


def test_each_route_asks_for_its_role_and_no_other(rig: Rig) -> None:
    """The whole matrix: whoever may not hears 403, whoever may hears anything else."""
    checked = 0
    for route in api_routes(rig.site):
        path = route.path.format(campaign_group="none", calling_list="none", record_id="0", agent_id="none", id="0")
        for role in Role:
            status = rig.reply(route.method, path, role=role).status
            assert status != 500
            own_only = route.path == "/agents/{agent_id}" and role is Role.AGENT
            assert (status == 403) is (role < route.role or own_only), (route.path, role, status)
            checked += 1
    assert checked > 75


def test_a_revoked_token_and_one_that_has_expired_are_refused(rig: Rig) -> None:
    assert rig.ask("GET", "links")[0] == 200
    with transaction(backend_for(rig.url)) as work:
        revoke_token(work, "administrator")
        short = add_token(work, "short", Role.SUPERVISOR, 0.0, expires_at=rig.bench.clock.wall() + 5)
    rig.bench.clock.advance(0.5)
    assert rig.ask("GET", "links", token=short)[0] == 200         # found at once, though it is new
    assert rig.ask("GET", "links")[0] == 401
    rig.bench.clock.advance(5)
    assert rig.ask("GET", "links", token=short)[0] == 401


def test_while_the_database_is_away_the_tokens_that_are_known_stay_good() -> None:
    clock, answers = VirtualClock(), [succeed([ApiToken("a", hash_of("secret"), Role.AGENT, "1", 0.0)])]
    from twisted.internet.defer import fail
    tokens = Tokens(lambda: answers.pop() if answers else fail(DatabaseAway("gone")), clock)
    tokens.start()
    clock.advance(30)
    assert tokens.find("secret") is not None and tokens.find("") is None and tokens.find("other") is None
    tokens.stop()
    assert clock.getDelayedCalls() == []


def test_a_request_that_comes_before_the_tokens_are_known_waits_for_them() -> None:
    clock, asked = VirtualClock(), [Deferred[Any]() for _ in range(2)]
    waiting = list(asked)
    tokens = Tokens(lambda: waiting.pop(0), clock)
    tokens.start()
    found: list[Any] = []
    Deferred.fromCoroutine(tokens.look_up("secret")).addCallback(found.append)
    assert found == [] and not tokens.known
    asked[0].callback([ApiToken("a", hash_of("secret"), Role.AGENT, "1", 0.0)])
    assert found[0].name == "a" and tokens.known
    tokens.stop()


def test_while_the_tokens_cannot_be_read_at_all_it_says_so(rig: Rig) -> None:
    from twisted.internet.defer import fail
    rig.api.tokens.stop()
    rig.api.router._tokens = Tokens(lambda: fail(DatabaseAway("gone")), rig.bench.clock)
    rig.api.router._tokens.start()
    assert rig.ask("GET", "links")[0] == 503 and rig.ask("GET", "links", role=None)[0] == 401
    rig.api.router._tokens.stop()


def test_who_asks_too_often_is_told_how_long_to_wait_by_client(rig: Rig) -> None:
    rig.api.router._rates = Rates(0.5, 2)
    assert [rig.ask("GET", "links")[0] for _ in range(3)] == [200, 200, 429]
    reply = rig.reply("GET", "links")
    assert reply.status == 429 and reply.headers == (("Retry-After", "3"),)
    assert rig.ask("GET", "links", role=Role.SUPERVISOR)[0] == 200
    assert [rig.ask("GET", "links", role=None, token=f"guess{n}")[0] for n in range(3)] == [401, 401, 429]


def test_rates_remember_so_many_clients_only() -> None:
    rates = Rates(1.0, 1, clients=3)
    assert [rates.wait_s(f"c{n}", 0.0) for n in range(5)] == [0.0] * 5
    assert rates.wait_s("c4", 0.0) == 1.0 and rates.wait_s("c0", 0.0) == 0.0


def test_agents_see_themselves_only(rig: Rig) -> None:
    rig.ask("POST", f"campaign-groups/{GROUP}/load")
    rig.bench.login("7001", "7002")
    status, body = rig.ask("GET", "agents/1001", role=Role.AGENT)
    assert status == 200 and body["dn"] == "7001" and body["campaign_groups"] == [GROUP]
    assert rig.ask("GET", "agents/1002", role=Role.AGENT)[0] == 403
    assert rig.ask("GET", "agents/1002", role=Role.SUPERVISOR)[0] == 200 and rig.ask("GET", "agents/9")[0] == 404
    assert [one["agent_id"] for one in rig.ask("GET", "agents")[1]["agents"]] == ["1001", "1002"]


# -- what is wrong ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method, path, body, query, status, field", [
    ("GET", "nothing", None, {}, 404, None), ("PUT", "links", None, {}, 405, None), ("GET", "links", None, {"x": 1}, 400, "x"),
    ("GET", "campaign-groups/none", None, {}, 404, None),
    ("GET", f"campaign-groups/{GROUP}/decisions", None, {"limit": 0}, 400, "limit"),
    ("POST", f"campaign-groups/{GROUP}/start", {"mode": "fast"}, {}, 400, "mode"),
    ("POST", f"campaign-groups/{GROUP}/start", {"speed": 1}, {}, 400, "speed"),
    ("POST", f"campaign-groups/{GROUP}/start", b"{", {}, 400, None),
    ("POST", f"campaign-groups/{GROUP}/start", b"\xff", {}, 400, None),
    ("POST", f"campaign-groups/{GROUP}/start", b"[" * 100_000, {}, 400, None),
    ("POST", f"campaign-groups/{GROUP}/start", {}, {}, 409, None), ("POST", f"campaign-groups/{GROUP}/stop", {}, {}, 409, None),
    ("POST", f"campaign-groups/{GROUP}/unload", {}, {}, 409, None), ("POST", f"campaign-groups/{GROUP}/mode", {}, {}, 409, None),
    ("POST", f"campaign-groups/{GROUP}/pause", {}, {}, 409, None),
    ("POST", f"campaign-groups/{GROUP}/resume", None, {}, 409, None),
    ("GET", "lists/none", None, {}, 404, None), ("GET", "lists/none/records", None, {}, 404, None),
    ("GET", "lists/list/records", None, {"phone": "12"}, 400, "phone"),
    ("GET", "lists/list/records", None, {"status": "lost"}, 400, "status"),
    ("GET", "lists/list/records", None, {"field": "name"}, 400, "value"),
    ("GET", "lists/list/records", None, {"field": "none", "value": "1"}, 400, None),
    ("GET", "lists/list/records", None, {"value": "a\0", "field": "name"}, 400, "value"),
    ("GET", "lists/list/records", None, {"after": "x"}, 400, "after"),
    ("GET", "lists/list/records/99", None, {}, 404, "record_id"), ("GET", "lists/list/records/x", None, {}, 404, "record_id"),
    ("POST", "lists/list/records", {}, {}, 400, "phone"),
    ("POST", "lists/list/records", {"phone": "+12125550099\n"}, {}, 400, "phone"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "fields": {"none": 1}}, {}, 400, "fields.none"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "fields": {"age": "old"}}, {}, 400, "fields"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "fields": {"name": "a\0"}}, {}, 400, None),
    ("POST", "lists/list/records", {"phone": "+12125550099", "time_zone": "Nowhere"}, {}, 400, "tz_name"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "dial_at": "2026-02-30T10:00"}, {}, 400, "dial_at"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "daily_from": 5, "daily_till": 5}, {}, 400, "daily_until"),
    ("POST", "lists/list/records", {"phone": "+12125550099", "chain_id": 99}, {}, 409, "chain_id"),
    ("POST", "cancellations", {}, {}, 400, "phone"),
    ("POST", "cancellations", {"phone": "+12125550001", "campaign": "x"}, {}, 404, "campaign"),
    ("POST", "cancellations", {"phone": "+12125550001", "calling_list": "x"}, {}, 404, "calling_list"),
    ("GET", "do-not-call", None, {}, 400, "phone"),
    ("POST", "do-not-call", {"phone": "+12125550001", "customer_id": "1"}, {}, 400, "phone"),
    ("POST", "do-not-call", {"phone": "+12125550001", "campaign": "x"}, {}, 404, "campaign"),
    ("DELETE", "do-not-call", None, {"phone": "+12125550001"}, 404, None), ("DELETE", "do-not-call", None, {}, 400, "phone"),
])
def test_what_is_wrong_is_told_with_its_field_and_changes_nothing(rig: Rig, method: str, path: str, body: Any, query: Any,
                                                                  status: int, field: str | None) -> None:
    found, told = rig.ask(method, path, body, **query)
    assert (found, told["field"]) == (status, field) and told["error"], told
    assert all(one.record_status is RecordStatus.READY for one in rig.bench.records().values()) and len(rig.bench.records()) == 10
    assert sum(row["entries"] for row in rig.ask("GET", "audit/do-not-call")[1]["rows"]) == 0


def test_an_idempotency_key_must_be_one(rig: Rig) -> None:
    for key in ("a b", "x" * 256, "ä"):
        assert rig.ask("POST", "lists/list/records", {"phone": "+12125550099"}, key=key)[1]["field"] == "Idempotency-Key"


def test_while_the_database_is_away_it_says_so_and_orders_go_on(rig: Rig) -> None:
    rig.ask("POST", f"campaign-groups/{GROUP}/load")
    rig.ask("POST", f"campaign-groups/{GROUP}/start")
    rig.store.stop()
    assert rig.ask("GET", "lists")[0] == rig.ask("POST", "lists/list/records", {"phone": "+12125550099"})[0] == 503
    assert rig.ask("GET", "do-not-call", phone="+12125550001")[0] == 503
    status, body = rig.ask("POST", f"campaign-groups/{GROUP}/stop")
    assert status == 200 and body["state"] == "active"


def test_a_server_that_is_not_up_says_so(rig: Rig) -> None:
    rig.up = False
    assert rig.reply("GET", "links").status == 503


# -- the document -----------------------------------------------------------------------------------------------------
def test_the_document_tells_every_route(rig: Rig) -> None:
    document = rig.ask("GET", "openapi.json", role=Role.AGENT)[1]
    assert document["openapi"] == "3.1.0" and document == json.loads(json.dumps(rig.api.document))
    told = {(method.upper(), path) for path, one in document["paths"].items() for method in one}
    assert told == {(route.method, "/api/v1" + route.path) for route in api_routes(rig.site)}
    operations = [one[method] for one in document["paths"].values() for method in one]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all({"401", "403", "429"} <= one["responses"].keys() and one["summary"] and one["x-role"] for one in operations)
    assert rig.routes.respond(Asked("GET", ("openapi.json",))).body == rig.api.document
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text


def test_the_page_shows_the_routes(rig: Rig) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "http-api.md").read_text(encoding="utf-8")
    shown = text.split("<!-- routes -->\n")[1].split("\n<!-- end -->")[0].split("\n")[2:]
    assert shown == [f"| {one.method} | `{one.path}` | {one.role.word} | {one.summary} |" for one in api_routes(rig.site)]
