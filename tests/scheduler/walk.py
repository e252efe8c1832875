"""A random walk through the engine's life: agents, customers, the network, the database and the operator do what they like.

Each step is (what, a number that decides the rest). `World.check` holds after every step, `World.end` brings everything to
its end and looks at what is left.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.call import CallOrigin, CallState, SwitchEvent
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus, RecordType
from ocs.dialing.session import SessionState
from ocs.dialing.values import AttemptState
from ocs.errors import OCSError
from ocs.scheduler.context import EngineOptions, has_callback
from protocols.attributes import KVList, first, updated
from protocols.desktop import keys
from protocols.desktop.dates import parse_date_time
from protocols.desktop.names import CallbackType, ChainAttribute, RecordTreatment
from protocols.errors import RequestTimedOut
from tests.doubles.clock import VirtualClock
from tests.doubles.switch import Asked
from tests.scheduler.bench import CAMPAIGN, DNS, QUEUE, TRUNK, Bench, agent_of, record

TREATMENTS = (
    Treatment("busy", CallResult.BUSY, TreatmentAction.RETRY_IN, dbid=1, cycle_attempts=2, interval_s=20.0),
    Treatment("long", CallResult.SIT_VC, TreatmentAction.RETRY_IN, dbid=2, interval_s=200.0),
    Treatment("next", CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN, dbid=3),
    Treatment("unknown", CallResult.UNKNOWN, TreatmentAction.RETRY_IN, dbid=4, interval_s=30.0),
    Treatment("close", CallResult.FAX_DETECTED, TreatmentAction.UPDATE_RECORD, dbid=5),
    Treatment("absent", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.REDIAL, dbid=6),
    Treatment("absent again", CallResult.AGENT_CALLBACK_ERROR, TreatmentAction.ASSIGN_TO_GROUP, dbid=7, sequence=2),
    Treatment("late", CallResult.GROUP_CALLBACK_ERROR, TreatmentAction.RETRY_IN, dbid=8, interval_s=30.0),
)
FAILURES = (6, 7, 9, 12, 17, 3, 0, 21)
REQUESTS = ("RecordProcessed", "RecordReschedule", "DoNotCall", "RequestRecordCancel", "UpdateCallCompletionStats",
            "RecordReject", "ChainedRecordRequest", "PreviewRecordRequest", "CampaignStatusRequest", "DoNotCall by phone",
            "ScheduledRecordReschedule", "RequestRecordCancel by phone")
OPTIONS = EngineOptions(stale_clean_s=300.0, treatment_sched_threshold_s=60.0, lease_s=30.0, callback_answer_s=60.0,
                        callback_again_s=20.0, personal_callback_wait_s=200.0, callback_missed_tolerance_s=300.0)
DATES = ("03/10/2026 12:31", "03/10/2026 12:50", "03/11/2026 10:00")
STEPS = ("time", "time", "time", "agent", "agent", "agent", "call", "call", "call", "call", "call", "call", "desktop", "desktop",
         "desktop", "desktop", "desktop", "dial", "dial", "link", "database", "operator", "operator", "request", "network")


class World:
    """One walk. `record_processed` as in the options, `group` as in the campaign group."""

    def __init__(self, record_processed: bool, **group: Any) -> None:
        self.failures: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self._logged)
        records = [record(2 * n + k, n + 1, chain_n=k, daily_till=[64_800, 45_000][n % 3 == 0 and k == 0])
                   for n in range(1, 41) for k in (0, 1)]
        for n in range(2, 20):      # the second phones of some are callbacks, due now and then
            personal, head = n % 3 > 0, records[2 * n - 1]
            records[2 * n - 1] = replace(
                head, dial_sched_time=int(VirtualClock().wall()) + 60 * n - 300, agent_id=agent_of(DNS[n % 4]),
                record_type=RecordType.PERSONAL_CALLBACK if personal else RecordType.CAMPAIGN_CALLBACK)
            records[2 * n - 2] = replace(records[2 * n - 2], record_status=RecordStatus.CHAIN_READY)
        options = EngineOptions(**{**vars(OPTIONS), "record_processed": record_processed})
        self._values: dict[str, Any] = {"treatments": TREATMENTS, "options": options, "running": False, **group}
        self.dialed: Counter[str] = Counter()
        self.blocked: set[str] = set()
        self.told: Counter[object] = Counter()
        self.crashes = 0
        self.lost: set[int] = set()                     # reference ids of requests that went down with a crash
        self._live(Bench(records, **self._values))

    def _live(self, bench: Bench) -> None:
        self.bench, self.session, self.switch, self.store = bench, bench.session, bench.switch, bench.store
        self.work: dict[str, str] = {}                  # DN -> ready, not-ready
        self.talks: dict[str, str] = {}                 # ConnID -> DN of the agent
        self.previews: list[KVList] = []
        self._ask, self._send, self._dial = self.switch._ask, bench.desktops._distribute, self.session.dialer.dial
        self.switch._ask = self._asked      # type: ignore[method-assign]
        bench.desktops._distribute = self._sent     # type: ignore[method-assign]
        self.session.dialer.dial = self._dialing        # type: ignore[method-assign]
        bench.up()
        bench.begin()

    def crash(self) -> None:
        """The process dies; another one comes up with its database, and with a switch that has forgotten everything."""
        old = self.bench
        clock = VirtualClock(old.clock.wall())
        self.crashes += 1
        bench = Bench(store=old.memory, clock=clock, seed=1 + self.crashes, **self._values)
        bench._references = old._references
        self.lost = set(range(1, old._references + 1))
        self._live(bench)

    # -- what must hold at the moment when it happens -------------------------------------------------------------
    def _logged(self, event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None:
            self.failures.append(event)

    def _asked(self, asked: Asked) -> Deferred[Any]:
        if asked.name == "make_predictive_call" and self.switch.up:
            self.dialed[asked.guid] += 1
            attempt = self.bench.memory.attempts.get(asked.guid)
            assert attempt is not None and attempt.state is AttemptState.OPEN, "dialed before the attempt was committed"
            assert asked.destination not in self.blocked, "dialed after the do-not-call request was acknowledged"
            stands = self.bench.record(attempt.record_id).record_status
            assert stands is not RecordStatus.CANCELLED, "dialed after the request to cancel was acknowledged"
            assert self.session.state is SessionState.RUNNING and not self.session.paused
        return self._ask(asked)

    def _dialing(self, held: Any) -> None:
        self._dial(held)
        ready = [dn for dn in self.bench.agents.ready(self.session.group) if not has_callback(self.bench.context, dn)]
        assert self.session.under_way <= len(ready), "more calls than agents who are free for them"

    def _sent(self, dn: str, user_data: KVList) -> None:
        name, reference_id = first(user_data, keys.USER_EVENT), first(user_data, keys.REFERENCE_ID)
        if reference_id is not None and name != "ChainedRecord":
            self.told[reference_id] += 1
        if name == "ScheduledCall":
            self._scheduled(dn, user_data)
        if name == "DoNotCallAcknowledge":
            phones = [entry.phone for entry in self.bench.wait(self.bench.memory.do_not_call())]
            self.blocked.update(phone for phone in phones if phone)
        self._send(dn, user_data)

    def _scheduled(self, dn: str, user_data: KVList) -> None:
        """A callback is delivered."""
        self.previews.append(user_data)
        attempt = self.bench.memory.attempts.get(str(first(user_data, keys.CALL_ATTEMPT_GUID)))
        assert attempt is not None and attempt.state is AttemptState.OPEN, "delivered before the attempt was committed"
        assert first(user_data, keys.PHONE) not in self.blocked, "delivered after the do-not-call request was acknowledged"
        if first(user_data, keys.CALLBACK_TYPE) == "Personal":
            assert first(user_data, keys.AGENT_ID) == agent_of(dn), "a personal callback of somebody else"

    # -- steps ----------------------------------------------------------------------------------------------------
    def step(self, what: str, number: int) -> None:
        """One step, then everything is checked."""
        getattr(self, "_step_" + what)(number)
        self.bench.clock.advance(0)
        self.check()

    def _step_time(self, number: int) -> None:
        self.bench.pass_(number % 40)

    def _step_agent(self, number: int) -> None:
        dn, wish = DNS[number % 4], ("ready", "ready", "ready", "ready", "ready", "not-ready", "out")[number // 4 % 7]
        if wish == "out":
            self.work.pop(dn, None)
            self.switch.agent(AgentEventKind.LOGOUT, dn, agent_of(dn))
        else:
            if dn not in self.work:
                self.switch.agent(AgentEventKind.LOGIN, dn, agent_of(dn))
            self.work[dn] = wish
            self.switch.agent(self._kind(wish), dn, agent_of(dn))

    @staticmethod
    def _kind(wish: str) -> AgentEventKind:
        return AgentEventKind.READY if wish == "ready" else AgentEventKind.NOT_READY

    def _step_call(self, number: int) -> None:
        """A call goes one step on, or ends."""
        if not self.switch.calls:
            return
        conn_id = sorted(self.switch.calls)[number % len(self.switch.calls)]
        asked, choice = self.switch.calls[conn_id], number // 16 % 8
        dn = self.talks.get(conn_id, "")
        if dn:
            if choice > 2:
                self.switch.over(conn_id, dn)
                self.switch.agent(AgentEventKind.AFTER_CALL_WORK, dn, agent_of(dn))
        elif asked.name == "agent":
            self._connect(conn_id, asked.dn) if choice > 3 else self.switch.over(conn_id, call_state=FAILURES[choice])
        elif choice < 3:
            self.switch.over(conn_id, call_state=FAILURES[number % 8])
        elif choice == 3 and asked.dn == TRUNK:
            self.switch.call_event(SwitchEvent.ESTABLISHED, conn_id, TRUNK, (0, 0, 9)[number % 3])
        elif choice == 4:
            self.switch.queued(conn_id)
        elif choice == 5:
            self.switch.call_event(SwitchEvent.ABANDONED, conn_id, QUEUE, 21)
            del self.switch.calls[conn_id]
        elif self.work:
            self._connect(conn_id, sorted(self.work)[number % len(self.work)])

    def _connect(self, conn_id: str, dn: str) -> None:
        self.switch.connected(conn_id, dn)
        self.talks[conn_id] = dn

    def _step_desktop(self, number: int) -> None:
        name, dn, number = REQUESTS[number % 12], DNS[number // 12 % 4], number // 48
        values: dict[str, Any] = {}
        held = sorted(self.session.held, key=lambda each: each.first_handle)
        theirs = [each for each in held if each.agent_dn]
        if theirs and number % 8:
            dn = theirs[number // 8 % len(theirs)].agent_dn
        elif self.session.group.mode is DialingMode.PREVIEW and number % 4:
            name = "PreviewRecordRequest"
        mine = [each for each in theirs if each.agent_dn == dn] or held
        number //= 8
        if name == "DoNotCall by phone":
            soon = [each for each in held if each.state is ChainState.OPENING] or held
            if number % 3 or not soon:
                return
            name, values["phone"] = "DoNotCall", soon[number % len(soon)].record.contact_info
        elif name == "RequestRecordCancel by phone":
            everybody = sorted(self.bench.records().values(), key=lambda each: each.record_id)
            name, values["phone"] = "RequestRecordCancel", everybody[number % len(everybody)].contact_info
            values["chain_attr"] = list(ChainAttribute)[number % 2]
        elif name == "CampaignStatusRequest":
            values["campaign_name"] = None
        elif name != "PreviewRecordRequest":
            if not mine:
                return
            chosen = mine[number % len(mine)]
            values["record_handle"] = chosen.handle if number % 5 else chosen.first_handle + number // 5 % 2
        if name in ("RecordReschedule", "ScheduledRecordReschedule"):
            values["phone"] = (None, None, "+12125550002", "+13125550199")[number // 7 % 4]
            values.update(date_time=parse_date_time(DATES[number % 3]), callback_type=list(CallbackType)[number % 2])
        if name in ("DoNotCall", "RequestRecordCancel") and "phone" not in values:
            values["chain_attr"] = list(ChainAttribute)[number % 2]
        if name in ("RecordProcessed", "UpdateCallCompletionStats") and number % 3:
            values["call_result"] = (6, 7, 40)[number // 3 % 3]
        if name == "RecordProcessed" and number % 2:
            values["treatment"] = list(RecordTreatment)[number // 2 % 2]
        reference_id = self.bench.tell(dn, name, **values)
        self.previews += [event.raw for event in self.bench.answers(reference_id) if event.record is not None
                          and not event.failed]

    def _step_dial(self, number: int) -> None:
        """An agent dials a record that the agent was shown, rightly or not."""
        if self.previews and self.switch.up:
            raw = self.previews[-1 - number % min(len(self.previews), 3)]
            handle = first(raw, keys.RECORD_HANDLE)
            assert isinstance(handle, int)
            sibling = updated(raw, ((keys.RECORD_HANDLE, handle + number // 8 % 2),))
            self.switch.agent_calls(DNS[number % 4], str(first(raw, keys.PHONE)), sibling)

    def _step_link(self, number: int) -> None:
        if self.switch.up and number % 2 == 0:
            self.switch.go_down()
        elif not self.switch.up:
            self._go_up()

    def _go_up(self) -> None:
        self.switch.up = True
        for dn in DNS:      # the picture of the agents comes first
            if dn in self.work:
                self.switch.agent(AgentEventKind.LOGIN, dn, agent_of(dn))
                self.switch.agent(self._kind(self.work[dn]), dn, agent_of(dn))
                for conn_id in (conn for conn, at in self.talks.items() if at == dn and conn in self.switch.calls):
                    self.switch.agent(AgentEventKind.CALL, dn, conn_id=conn_id, talking=True)
            else:
                self.switch.agent(AgentEventKind.LOGOUT, dn)
        self.switch.go_up()

    def _step_database(self, number: int) -> None:
        name = ("claim_chains", "open_attempts", "save", "save")[number % 4]
        what = number // 4 % 6
        if what == 0:
            self.store.failing ^= {name}
        elif what == 1:
            self.store.held ^= {name}
        elif what == 2:
            self.store.release()
        else:
            self._database_back()

    def _database_back(self) -> None:
        self.store.failing.clear()
        self.store.held.clear()
        while self.store.release():
            pass

    def _step_operator(self, number: int) -> None:
        session, command = self.session, number % 40
        try:
            if command == 0:
                session.stop()
            elif command == 1:
                session.unload()
            elif command == 2:
                session.force_unload()
            elif command == 3:
                session.pause()
            elif session.paused:
                session.resume()
            elif session.state is SessionState.NOT_LOADED:
                Deferred.fromCoroutine(session.load()).addErrback(lambda failure: failure.trap(OCSError) and None)
            else:
                session.start()
        except OCSError:
            pass

    def _step_request(self, number: int) -> None:
        """The switch answers late, or keeps an answer to itself."""
        waiting = [asked for asked in self.switch.asked if not asked.done and asked.name == "make_predictive_call"]
        if not waiting or number % 3 == 0:
            self.switch.silent ^= {"make_predictive_call"}
        elif number % 3 == 1:
            self.switch.grant(waiting[0])
        elif number % 2:
            self.switch.refuse(waiting[0], (54, 71, 59)[number // 8 % 3])
        else:
            self.switch.fail(waiting[0], RequestTimedOut("RequestMakePredictiveCall", 10.0))
            if number % 4 == 0:
                self.switch.calls["f" + waiting[0].guid[:15]] = waiting[0]      # it was dialed all the same
                waiting[0].conn_id = "f" + waiting[0].guid[:15]

    def _step_network(self, number: int) -> None:
        """A call ends unseen while the link is down."""
        if not self.switch.up and self.switch.calls:
            self.switch.calls.pop(sorted(self.switch.calls)[number % len(self.switch.calls)])

    # -- what must always hold ------------------------------------------------------------------------------------
    def check(self) -> None:
        """The session's counts, and who holds which record."""
        assert not self.failures, [event["log_failure"].getTraceback() for event in self.failures]
        held, session = self.session.held, self.session
        assert session.under_way == sum(
            each.state is ChainState.OPENING or each.state is ChainState.CALLING and each.call is not None
            and each.call.state.awaits_agent and each.call.origin is not CallOrigin.AGENT for each in held)
        assert all(count == 1 for count in self.dialed.values()), "an attempt was dialed twice"
        holders = Counter(each.chain.chain_id for each in held if each.state not in (ChainState.TRAILING, ChainState.SAVING))
        assert all(count == 1 for count in holders.values()), "a chain is held twice"
        kept = {each.chain.chain_id for each in held}
        for each in self.bench.records().values():
            assert each.record_status is not RecordStatus.RETRIEVED or each.chain_id in kept, "a record is lost"
        followed = {each.attempt.guid for each in held if each.attempt is not None and each.state in (
            ChainState.CALLING, ChainState.TRAILING)}
        assert {each.attempt.guid for each in session.calls if each.attempt is not None} == followed
        assert len(self.bench.context.handles) <= sum(len(each.chain.records) for each in held)
        for each in held:
            assert each.call is None or each.call.state is not CallState.ENDED or each.state in (
                ChainState.WITH_AGENT, ChainState.SAVING), "a call has ended and nobody cares"

    def end(self) -> None:
        """Everything works again, calls end, the session is unloaded: what is left?"""
        try:
            self._end()
        finally:
            globalLogPublisher.removeObserver(self._logged)

    def _end(self) -> None:
        self._database_back()
        self.switch.silent.clear()
        for asked in self.switch.asked:
            if not asked.done:
                self.switch.grant(asked)
        if not self.switch.up:
            self._go_up()
        for conn_id in list(self.switch.calls):
            self.switch.over(conn_id, self.talks.get(conn_id, ""), call_state=7)
        for dn in DNS:
            self.switch.agent(AgentEventKind.LOGOUT, dn)
        if self.session.state in (SessionState.ACTIVE, SessionState.RUNNING):
            self.session.unload()
        self.bench.pass_(400, step=5.0)
        self.check()
        assert self.session.state is SessionState.NOT_LOADED
        self.bench.unloaded()
        self._accounts()

    def _accounts(self) -> None:
        """Every attempt is closed, every record counts its dials, every request had its one answer."""
        attempts = list(self.bench.memory.attempts.values())
        assert all(each.state is not AttemptState.OPEN for each in attempts)
        dials = Counter(each.record_id for each in attempts if each.state is not AttemptState.NOT_DIALED)
        if not self.lost:
            assert {each.record_id: each.attempt for each in self.bench.records().values() if each.attempt} == dict(dials)
        guids = {each.guid: each for each in attempts}
        assert all(guids[asked.guid].state is not AttemptState.NOT_DIALED for asked in self.switch.dialed if asked.conn_id)
        expected = set(range(1, self.bench._references + 1)) - self.lost
        assert {reference_id: self.told[reference_id] for reference_id in expected} == dict.fromkeys(expected, 1)
        assert CAMPAIGN == self.session.group.campaign
