"""What the console's verbs tell of a server at work."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from ocs.app.config import OCSOptions
from ocs.app.console import IConsoleVerbs, as_text
from ocs.app.verbs import Verbs
from ocs.desktop.campaigns import CampaignOperations
from ocs.dialing.checks import Refusal
from ocs.dialing.results import DialingMode, RecordType
from ocs.dialing.validation import Reason
from ocs.dialing.values import DoNotCallEntry
from ocs.errors import OCSError
from ocs.links.registry import Links, LinkState
from tests.doubles.clock import VirtualClock
from tests.doubles.validation import FakePreDialValidation
from tests.scheduler.bench import Bench, record
from tests.scheduler.test_rule_accounts import Ruled

LISTED, ATTEMPTS = Refusal.DO_NOT_CALL.value, Refusal.MAXIMUM_ATTEMPTS.value
NOW = int(VirtualClock().wall())


def console(*records: Any, peers: Any = ()) -> tuple[Bench, Verbs]:
    """Records 1 and 2 are on the do-not-call list; a validation service is asked."""
    bench = Bench(list(records), running=False)
    bench.memory.add_do_not_call([DoNotCallEntry(phone=record(n).contact_info) for n in (1, 2)])
    bench.context.validation = FakePreDialValidation()
    bench.up()
    bench.begin()
    server = SimpleNamespace(options=OCSOptions(), engine=bench.engine, clock=bench.clock, switch=bench.switch,
                             agents=bench.agents, store=bench.store, context=bench.context, links=(), spooled="there",
                             reporting="none", agent_source="up", peering=SimpleNamespace(rows=lambda: peers),
                             desktop_side="none", auditing=SimpleNamespace(state=lambda: {"call audit": "written"}),
                             reloading=SimpleNamespace(state=lambda: "file ocs.toml"))
    return bench, Verbs(server)


def test_the_verbs_are_those_of_the_console() -> None:
    assert verifyObject(IConsoleVerbs, console(record(1))[1])


def test_what_was_not_dialed_is_told_by_reason_for_the_server_and_for_each_session() -> None:
    bench, verbs = console(record(1), record(2), record(3, attempt=3), record(4), record(5))
    bench.ready("7001")
    bench.context.validation.answer(409)
    bench.pass_(0)
    bench.context.validation.answer(200)
    bench.pass_(0)
    reasons = {LISTED: 2, ATTEMPTS: 1, Reason.REFUSED.value: 1}
    status, (row,), session = verbs.status(), verbs.sessions(), verbs.session("spring")
    assert status["not dialed"] == session["not dialed"] == reasons and row["not dialed"] == 4
    assert session["asked outside"] == {Reason.REFUSED.value: 1, Reason.PASSED.value: 1}
    assert session["session"] == "spring@sales" and session["lists"] == {"list": 10}
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=12)
    assert verbs.session("spring@sales")["results"] == {"SIT VC (Vacant Code)": 1}
    assert status["call audit"] == "written" and status["configuration"] == "file ocs.toml"
    assert f"{LISTED} 2, {ATTEMPTS} 1" in " ".join(as_text(status).split())


def test_callbacks_are_told_in_the_same_place() -> None:
    bench, verbs = console(record(7, record_type=RecordType.PERSONAL_CALLBACK, agent_id="1001", dial_sched_time=NOW - 5))
    assert verbs.status()["callbacks"] == verbs.session("spring")["callbacks"] == {}
    bench.ready("7001")
    bench.pass_(1)
    bench.context.validation.answer(200)
    (event,) = [event for dn, event in bench.heard if event.name == "ScheduledCall"]
    bench.dial_preview(event)
    assert verbs.status()["callbacks"] == verbs.session("spring")["callbacks"] == {"CallbackCompleted": 1}


def test_every_link_is_told_with_its_state_and_its_last_error() -> None:
    _, verbs = console(record(1))
    clock = VirtualClock()
    links = verbs._server.links = Links(clock)
    first, second = links.add("tserver", "switch.example:7020", tls=True), links.add("icon", "127.0.0.1:7021")
    first.became(LinkState.CONNECTING, attempts=1)
    clock.advance(30.0)
    first.became(LinkState.UP, attempts=0)
    second.became(LinkState.WAITING, peer="127.0.0.1:7022", attempts=3, error="refused")
    status = verbs.status()
    assert (status["link tserver"], status["link icon"]) == ("up", "waiting: refused")
    up, waiting = verbs.links()
    assert up == {"link": "tserver", "address": "switch.example:7020", "tls": "yes", "state": "up",
                  "since": "2026-03-10T16:30:30+00:00", "tries": 0, "last error": ""}
    assert waiting == {"link": "icon", "address": "127.0.0.1:7022", "tls": "no", "state": "waiting",
                       "since": "2026-03-10T16:30:00+00:00", "tries": 3, "last error": "refused"}


def test_whether_the_database_is_there_is_told_with_what_waits_for_it() -> None:
    _, verbs = console(record(1))
    assert verbs.status()["database"] == "there"
    verbs._server.spooled = "away since 2026-03-10 16:30:00 UTC, 3 changes on disk (0.1 of 256 MB): connection refused"
    assert "3 changes on disk" in " ".join(as_text(verbs.status()).split())


def test_mode_goal_and_decisions_are_told_and_ordered() -> None:
    bench, verbs = console(record(1), record(2), *[record(number) for number in range(3, 20)])
    verbs._server.campaigns = CampaignOperations(bench.engine)
    bench.ready("7001")
    first = verbs.decisions("spring", 1)[0]
    assert first["calls"] == 0 and "7001" not in first["reason"] and "under way" in first["reason"]
    assert verbs.session("spring")["paced"] == ""
    assert verbs.mode("spring", "predictive", "busy-factor", 80) == \
        "spring@sales dials predictive, paced automatic, busy-factor 80 %"
    assert "progressive until enough is known; 0 answered, 0 abandoned" in verbs.session("spring")["paced"]
    assert verbs.mode("spring", goal=85).endswith("busy-factor 85 %")
    for wrong, says in ((("spring", "power"), "power: no such dialing mode"),
                        (("spring", "quick"), "mode 'quick': there are"), (("spring", "", "luck"), "method 'luck'"),
                        (("spring", "", "busy-factor", 101), "optimization_goal: 101")):
        with pytest.raises((OCSError, ValueError), match=says):
            verbs.mode(*wrong)
    assert (bench.session.group.mode, bench.session.group.pacing.goal) == (DialingMode.PREDICTIVE, 85.0)
    with pytest.raises(ValueError, match="count=1"):
        verbs.decisions("spring", 0)


def test_how_calling_rules_stand_is_told_of_each_session_and_what_they_hold_back_of_the_server() -> None:
    bench = Ruled(past=(200, 7))
    server = SimpleNamespace(options=OCSOptions(), engine=bench.engine, clock=bench.clock, agents=bench.agents, store=bench.store,
                             context=bench.context, links=(), spooled="there", reporting="none", agent_source="up",
                             desktop_side="none", peering=SimpleNamespace(rows=lambda: ()),
                             auditing=SimpleNamespace(state=lambda: {}),
                             reloading=SimpleNamespace(state=lambda: ""))
    verbs = Verbs(server)
    text = "7 of 200 answered calls abandoned in the last 24 hours, 3.50 %; the limit is 3 %"
    assert verbs.session("spring")["rules"] == {"own (1)": f"{text}, 1.0 too many; held back"}
    assert verbs.status()["held back by rules"] == f"spring@sales: rule own: {text}"
    allowed = Ruled(past=(200, 5))
    server.engine = allowed.engine
    assert verbs.session("spring")["rules"]["own (1)"].endswith("the limit is 3 %, 1.0 more may be")
    assert verbs.status()["held back by rules"] == ""
