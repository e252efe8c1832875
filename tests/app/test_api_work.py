"""The management API without sockets: what is done by each request."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from ocs.database.backend import backend_for, transaction
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.results import DialingMode, RecordStatus
from ocs.dialing.session import SessionState
from ocs.errors import DatabaseAway
from ocs.store.api_tokens import Role
from ocs.store.compliance import write_rule_periods
from tests.app.api_rig import GROUP, Rig
from tests.scheduler.test_rule_accounts import RULE


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


def test_of_imports_so_many_may_wait_and_their_files_go_when_the_server_stops(
        rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept := tmp_path / "kept").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))
    rig.site.in_thread = lambda work, *args: Deferred() if args and args[0] is rig.store.backend else succeed(work(*args))
    answers = [rig.ask("POST", "lists/list/imports", b"phone\n+12125550090\n")[0] for _ in range(11)]
    assert answers == [202] * 10 + [429]
    assert [one["state"] for one in rig.ask("GET", "imports")[1]["imports"]] == ["waiting"] * 9 + ["running"]
    assert [(one.read_bytes(), one.stat().st_mode & 0o077) for one in kept.iterdir()] == [(b"phone\n+12125550090\n", 0)] * 10
    for end in rig.site.at_stop:
        end()
    assert not list(kept.iterdir())
