"""The management API without sockets: who may do what, what is said of what is wrong, what is done."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from twisted.internet.defer import Deferred, succeed

from ocs.app.web.api.service import Api, api_routes
from ocs.app.web.api.site import Site
from ocs.app.web.public import PublicUris
from ocs.app.web.rates import Rates
from ocs.app.web.routes import Routes
from ocs.app.web.tokens import Tokens
from ocs.database.backend import backend_for, transaction
from ocs.desktop.campaigns import CampaignOperations
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.results import DialingMode, RecordStatus
from ocs.dialing.session import SessionState
from ocs.errors import DatabaseAway
from ocs.http_server import Asked, Reply
from ocs.links.registry import Links
from ocs.scheduler.context import EngineOptions
from ocs.store.api_tokens import ApiToken, Role, add_token, hash_of, revoke_token
from ocs.store.compliance import write_rule_periods
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from tests.contracts.stores import sql_store
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import FIELDS, Bench, record
from tests.scheduler.test_rule_accounts import RULE

GROUP = "spring@sales"


class Rig:
    """The API of an engine on a bench, with a database."""

    def __init__(self, url: str, **group: Any) -> None:
        self.url = url
        with transaction(backend_for(url)) as work:
            catalog = Catalog()
            zone = catalog.zone_dbid(work, "America/New_York")
            insert_records(work, create_list(work, catalog, "list", FIELDS), [record(n, tz_dbid=zone) for n in range(1, 11)])
            self.tokens = {role: add_token(work, role.word, role, 0.0, "1001" if role is Role.AGENT else None) for role in Role}
        self.open(**group)

    def open(self, **group: Any) -> None:
        """The server is started, for the first time or again."""
        self.store = sql_store(self.url)
        self.bench = Bench(store=self.store, running=False, options=EngineOptions(customer_id_field="name"), **group)
        self.bench.up()
        self.woken: list[bool] = []
        self.site = Site(self.bench.engine, CampaignOperations(self.bench.engine), self.store, Links(self.bench.clock),
                         lambda work, *args: succeed(work(*args)), lambda: list(self.bench.group.lists),
                         lambda: self.woken.append(True))
        self.rates = Rates(10_000.0, 10_000)
        self.api = Api(self.site, self.rates, self.bench.clock)
        public = PublicUris(self.bench.engine, self.site.campaigns, self.bench.desktops.reception.operations)
        self.up = True
        self.routes = Routes(public, lambda: self.up, None, self.rates, self.bench.clock, self.api.router, self.api.document)
        self.api.start()

    def close(self) -> None:
        self.api.stop()
        self.store.stop()

    def reply(self, method: str, path: str, body: Any = None, role: Role | None = Role.ADMINISTRATOR, key: str = "",
              token: str | None = None, **query: Any) -> Reply:
        shown = token if token is not None else self.tokens[role] if role is not None else ""
        headers = {**({"authorization": f"Bearer {shown}"} if shown else {}), **({"idempotency-key": key} if key else {})}
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        asked = Asked(method, ("api", "v1", *(part for part in path.split("/") if part)),
                      {name: str(value) for name, value in query.items()}, octets, headers, "10.0.0.1")
        answer = self.routes.respond(asked)
        found: list[Any] = []
        if isinstance(answer, Deferred):
            answer.addBoth(found.append)
            if not found and self.up:
                self.bench.clock.advance(0.25)      # who shows a token that is not known waits a moment
        else:
            found.append(answer)
        assert found and isinstance(found[0], Reply), found
        return found[0]

    def ask(self, method: str, path: str, body: Any = None, **rest: Any) -> tuple[int, Any]:
        """Status, and the body as it goes out."""
        import msgspec
        reply = self.reply(method, path, body, **rest)
        return reply.status, json.loads(msgspec.json.encode(reply.body))


@pytest.fixture
def rig(database: str) -> Iterator[Rig]:
    made = Rig(database, mode=DialingMode.PREDICTIVE)
    yield made
    made.close()


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


# -- what is done -----------------------------------------------------------------------------------------------------
def test_a_campaign_group_is_ordered_about(rig: Rig) -> None:
    def states(*orders: tuple[str, Any]) -> list[tuple[int, str, str]]:
        told = [rig.ask("POST", f"campaign-groups/{GROUP}/{verb}", body, role=Role.SUPERVISOR) for verb, body in orders]
        return [(status, body["state"], body["mode"]) for status, body in told]

    assert states(("load", {"auto_completion": True}), ("start", None), ("mode", {"mode": "progressive"}), ("pause", None)) == [
        (200, "active", "predictive"), (200, "running", "predictive"), (200, "running", "progressive"),
        (200, "running", "progressive")]
    status, body = rig.ask("GET", "campaign-groups/1", role=Role.AGENT)
    assert status == 200 and body["paused"] and body["auto_completion"] and body["name"] == GROUP
    assert states(("resume", None), ("mode", {"mode": "predictive", "optimize_by": "busy-factor", "optimize_goal": 80}),
                  ("stop", None), ("unload", {"force": True}), ("load", None), ("unload", None)) == [
        (200, "running", "progressive"), (200, "running", "predictive"), (200, "active", "predictive"),
        (200, "not-loaded", "predictive"), (200, "active", "predictive"), (200, "not-loaded", "predictive")]
    assert rig.bench.session.state is SessionState.NOT_LOADED
    assert [one["name"] for one in rig.ask("GET", "campaign-groups")[1]["campaign_groups"]] == [GROUP]


def test_the_log_says_who_gave_an_order(rig: Rig, logged: Any) -> None:
    rig.ask("POST", f"campaign-groups/{GROUP}/load", role=Role.SUPERVISOR)
    rig.ask("POST", f"campaign-groups/{GROUP}/stop", role=Role.SUPERVISOR)
    orders = [text for text in logged.texts() if text.startswith("order of")]
    assert orders == ["order of supervisor: load spring@sales: done",
                      "order of supervisor: stop spring@sales: Campaign Not Started: spring@sales is active"]


def test_unloading_does_not_keep_the_client_waiting(rig: Rig) -> None:
    rig.ask("POST", f"campaign-groups/{GROUP}/load")
    rig.ask("POST", f"campaign-groups/{GROUP}/start", {"mode": "progressive"})
    rig.bench.ready("7001")
    assert rig.bench.switch.dialed
    status, body = rig.ask("POST", f"campaign-groups/{GROUP}/unload")
    assert (status, body["state"], body["calls"]) == (200, "waiting-unload", 1)
    rig.bench.switch.over(rig.bench.switch.dialed[0].conn_id)
    rig.bench.pass_(1)
    assert rig.ask("GET", f"campaign-groups/{GROUP}")[1]["state"] == "not-loaded"


def test_decisions_and_numbers_are_told(rig: Rig) -> None:
    rig.ask("POST", f"campaign-groups/{GROUP}/load")
    rig.ask("POST", f"campaign-groups/{GROUP}/start", {"mode": "progressive"})
    rig.bench.ready("7001")
    rig.bench.pass_(3)
    decisions = rig.ask("GET", f"campaign-groups/{GROUP}/decisions", limit=5)[1]["decisions"]
    assert 0 < len(decisions) <= 5 and any(one["calls"] == 1 and one["reason"] for one in decisions)
    metrics = rig.ask("GET", "metrics")[1]
    assert (metrics["campaign_groups_running"], metrics["agents"], metrics["calls"]) == (1, 1, 1)
    body = rig.ask("GET", f"campaign-groups/{GROUP}")[1]
    assert body["calls"] == 1 and sum(body["agents"].values()) == 1 and body["last_decision"]


def test_calling_rules_and_how_they_stand_are_told(database: str) -> None:
    rig = Rig(database, mode=DialingMode.PREDICTIVE, rules=(RULE,), abandon_limit=0.5)
    began = rig.bench.clock.wall() - 60.0
    with transaction(backend_for(database)) as work:
        write_rule_periods(work, [
            RulePeriod("G1", PeriodOf.IN_FORCE, "spring", GROUP, 1, "own", "1", "House rule", "loaded", began, began + 30.0),
            RulePeriod("G2", PeriodOf.HARD_STOP, "autumn", GROUP, 1, "own", "1", "", "", began, began)])
    (period,) = rig.ask("GET", "audit/rules", campaign="spring")[1]["periods"]
    assert (period["kind"], period["rule"], period["began_at"], period["ended_at"]) == ("in-force", "own", began, None)
    assert rig.ask("GET", "audit/rules", campaign="spring", since=began + 60.0)[1]["periods"] == []
    assert rig.ask("GET", "audit/rules")[1]["field"] == "campaign"
    rig.ask("POST", f"campaign-groups/{GROUP}/load")
    body = rig.ask("GET", f"campaign-groups/{GROUP}", role=Role.AGENT)[1]
    (stands,) = body["abandoned_calls"]
    assert (stands["rule"], stands["limit"], stands["answered"], stands["rate"]) == ("own", 0.03, 0, None)
    assert not stands["held_back"] and body["held_back"] == ""
    rig.close()


def test_lists_and_their_records_are_shown(rig: Rig) -> None:
    (one,) = rig.ask("GET", "lists")[1]["lists"]
    assert (one["name"], one["records"], one["statuses"], one["in_database"]) == ("list", 10, {"ready": 10}, True)
    assert one == rig.ask("GET", "lists/list")[1] and one["campaign_groups"] == [GROUP]
    assert rig.ask("GET", "lists/list/results")[1]["results"] == {"ready": {"Unknown": 10}}
    page = rig.ask("GET", "lists/list/records", limit=4)[1]
    assert [row["record_id"] for row in page["records"]] == [1, 2, 3, 4] and page["next"] == "4/0"
    page = rig.ask("GET", "lists/list/records", limit=100, after=page["next"])[1]
    assert len(page["records"]) == 6 and page["next"] is None
    (row,) = rig.ask("GET", "lists/list/records", field="name", value="Person 3")[1]["records"]
    assert (row["phone"], row["record_type"]) == ("+12125550003", "general") and row["fields"] == {"name": "Person 3", "age": 40}
    assert rig.ask("GET", "lists/list/records/3")[1] == row
    assert rig.ask("GET", "lists/list/records/3/attempts")[1] == {"attempts": []}
    assert rig.ask("GET", "lists/list/records", status="updated")[1]["records"] == []


def test_a_record_is_added_once_by_its_key_also_after_a_restart(rig: Rig) -> None:
    new = {"phone": "+12125550099", "fields": {"name": "X", "age": "5"}, "dial_at": "2030-01-02T10:00",
           "record_type": "campaign-callback", "time_zone": "EST", "phone_type": "Mobile"}
    reply = rig.reply("POST", "lists/list/records", new, key="k1", role=Role.SUPERVISOR)
    assert reply.status == 201 and reply.headers == (("Location", "/api/v1/lists/list/records/11"),)
    assert reply.body.fields == {"name": "X", "age": 5}
    assert (reply.body.record_type, reply.body.phone_type) == ("campaign-callback", "Mobile")
    again = rig.ask("POST", "lists/list/records", new, key="k1", role=Role.SUPERVISOR)
    assert again[0] == 200 and again[1]["record_id"] == 11
    rig.close()
    rig.open()
    again = rig.ask("POST", "lists/list/records", new, key="k1", role=Role.SUPERVISOR)
    assert again[0] == 200 and again[1]["record_id"] == 11 and len(rig.bench.records()) == 11
    other = rig.ask("POST", "lists/list/records", {**new, "phone": "+12125550098"}, key="k1", role=Role.SUPERVISOR)
    assert (other[0], other[1]["field"]) == (409, "Idempotency-Key") and len(rig.bench.records()) == 11
    assert rig.ask("POST", "lists/list/records", new, key="k1")[0] == 201          # the key of somebody else
    assert rig.ask("POST", "lists/list/records", new)[0] == 201 and len(rig.bench.records()) == 13


def test_a_number_without_plus_is_read_as_one_of_the_lists_country(rig: Rig) -> None:
    assert rig.ask("POST", "lists/list/records", {"phone": "(212) 555-0199"})[1]["field"] == "phone"
    rig.close()
    rig.open(calling_list={"phone_region": "US"})
    status, told = rig.ask("POST", "lists/list/records", {"phone": "(212) 555-0199"})
    assert (status, told["phone"]) == (201, "+12125550199") and len(rig.bench.records()) == 11
    status, told = rig.ask("POST", "lists/list/records", {"phone": "(012) 555-0199"})
    assert (status, told["field"], len(rig.bench.records())) == (400, "phone", 11) and "not valid" in told["error"]


def test_records_are_cancelled(rig: Rig) -> None:
    assert rig.ask("POST", "cancellations", {"phone": "+12125550001"}) == (200, {"records": 1})
    by_customer = {"customer_id": "Person 2", "campaign": "spring", "calling_list": "list"}
    assert rig.ask("POST", "cancellations", by_customer)[1] == {"records": 1}
    assert rig.ask("POST", "cancellations", {"phone": "+12125550001"})[1] == {"records": 0}
    assert [rig.bench.record(n).record_status for n in (1, 2, 3)] == [
        RecordStatus.CANCELLED, RecordStatus.CANCELLED, RecordStatus.READY]


def test_the_do_not_call_list_is_added_to_asked_and_cleared(rig: Rig) -> None:
    new = {"phone": "+12125550001", "campaign": "spring", "message": "by letter"}
    assert rig.ask("POST", "do-not-call", new, role=Role.AGENT, key="a") == (200, {"added": True})
    assert rig.ask("POST", "do-not-call", new, role=Role.AGENT, key="a") == (200, {"added": True})     # as before
    assert rig.ask("POST", "do-not-call", new, role=Role.AGENT) == (200, {"added": False})
    assert rig.bench.context.do_not_call.blocks("spring", "+12125550001", None) is not None and rig.woken
    assert rig.ask("POST", "do-not-call", {"customer_id": "Person 2"})[0] == 200
    verdict = rig.ask("GET", "do-not-call", role=Role.AGENT, phone="+12125550001")[1]
    (entry,) = verdict["entries"]
    assert verdict["listed"] and (entry["campaign"], entry["who"], entry["origin"]) == ("spring", "1001", "api")
    assert not rig.ask("GET", "do-not-call", phone="+12125550009")[1]["listed"]
    assert rig.ask("DELETE", "do-not-call", phone="+12125550001", campaign="spring", why="error")[1] == {"removed": 1}
    assert not rig.ask("GET", "do-not-call", phone="+12125550001")[1]["listed"]
    trail = rig.ask("GET", "audit/do-not-call")[1]["rows"]
    trail = [row for row in trail if row["action"] != "begin"]
    assert [(row["action"], row["who"], row["entries"]) for row in trail] == [
        ("add", "1001", 1), ("add", "1001", 0), ("add", "administrator", 1), ("remove", "administrator", -1)]
    assert rig.ask("GET", "audit/do-not-call", after=trail[1]["sequence"], limit=1)[1]["rows"] == [trail[2]]
    assert rig.ask("GET", "audit/requests")[1] == {"rows": []}


def test_a_do_not_call_entry_is_taken_while_the_database_is_away(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet.defer import fail
    saved: list[Any] = []
    monkeypatch.setattr(rig.store, "change", lambda work: fail(DatabaseAway("gone")))
    monkeypatch.setattr(rig.bench.context.store, "save", lambda change: succeed(saved.append(change)), raising=False)
    assert rig.ask("POST", "do-not-call", {"phone": "+12125550001"}) == (202, {"added": True})
    assert [entry.phone for entry in saved[0].do_not_call] == ["+12125550001"]
    assert rig.bench.context.do_not_call.blocks("spring", "+12125550001", None) is not None


def test_contacts_are_imported_and_it_can_be_asked_how_far_it_is(rig: Rig) -> None:
    status, job = rig.ask("POST", "lists/list/imports", b"phone,name\n+12125550090,Ada\n+12125550091,Ben\n")
    assert status == 202 and (job["id"], job["by"]) == (1, "administrator")
    status, job = rig.ask("GET", "imports/1", role=Role.SUPERVISOR)
    assert (job["state"], job["rows"], job["records"], job["error"]) == ("done", 2, 2, ""), job
    assert len(rig.bench.records()) == 12 and rig.ask("GET", "imports")[1]["imports"] == [job]
    rig.ask("POST", "lists/list/imports", b"phone,name\n+12125550092,Ada\n12,Ben\n")
    bad = rig.ask("GET", "imports/2")[1]
    assert (bad["state"], bad["bad_rows"]) == ("failed", 1) and "line 3" in bad["faults"][0] and len(rig.bench.records()) == 12
    rig.ask("POST", "lists/list/imports", b"phone,name\n+12125550092,Ada\n12,Ben\n", skip_bad="true")
    assert rig.ask("GET", "imports/3")[1]["state"] == "done" and len(rig.bench.records()) == 13
    rig.ask("POST", "lists/list/imports", b"what is this")
    assert rig.ask("GET", "imports/4")[1]["state"] == "failed" and rig.ask("GET", "imports/4")[1]["error"]
    assert rig.ask("GET", "imports/9")[0] == 404 and rig.ask("POST", "lists/none/imports", b"phone\n")[0] == 404
    assert rig.ask("POST", "lists/list/imports", b"phone\n", region="usa")[1]["field"] == "region"


def test_of_imports_so_many_may_wait(rig: Rig) -> None:
    rig.site.in_thread = lambda work, *args: Deferred() if args and args[0] is rig.store.backend else succeed(work(*args))
    answers = [rig.ask("POST", "lists/list/imports", b"phone\n+12125550090\n")[0] for _ in range(11)]
    assert answers == [202] * 10 + [429]
    assert [one["state"] for one in rig.ask("GET", "imports")[1]["imports"]] == ["waiting"] * 9 + ["running"]


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
