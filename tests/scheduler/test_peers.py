"""Two engines on one list, peers of each other over real messages: do-not-call, cancel, callbacks, loading."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocs.dialing.agent import AgentEventKind
from ocs.dialing.chain import ChainState
from ocs.dialing.peering import CancelTarget, GroupKey
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.session import SessionState
from ocs.dialing.values import AttemptState, DoNotCallEntry, Record
from ocs.errors import WrongState
from ocs.interfaces import IPeerRequests
from ocs.scheduler.context import EngineOptions
from ocs.scheduler.peer_requests import PeerRequests
from ocs.store.memory import MemoryStore
from protocols.desktop.names import ChainAttribute
from tests.doubles.clock import VirtualClock
from tests.doubles.peers import FakePeers, PeerWorld
from tests.scheduler.bench import FIELDS, PREVIEW, Bench, chain, record

NOW = int(VirtualClock().wall())
OPTIONS = EngineOptions(personal_callback_wait_s=600.0, callback_missed_tolerance_s=7_200.0)
KEY = GroupKey(1, 1)


class Two:
    """Servers 1 and 2; `shared` as both have configured the campaign group. Nothing is loaded yet."""

    def __init__(self, records: list[Record], *, shared: bool = True, options: EngineOptions = OPTIONS, **group: Any) -> None:
        clock, memory = VirtualClock(), MemoryStore()
        memory.add_list("list", records, FIELDS)
        self.clock = clock
        self.benches = [Bench(store=memory, clock=clock, options=replace(options, application_id=dbid), running=False, seed=dbid,
                              shared=shared, **group) for dbid in (1, 2)]
        self.requests = [PeerRequests(bench.engine) for bench in self.benches]
        self.world = PeerWorld(clock, (1, 2), self.requests)
        for bench, peers, service in zip(self.benches, self.world.peers, self.world.services):
            bench.context.peers = peers
            bench.engine.watch(lambda session, event, service=service: service.changed())
            bench.up()
        self.world.join_all()

    def load(self, place: int, start: bool = True) -> Any:
        """Load a server's session, and start it; what the load fired with."""
        from twisted.internet.defer import Deferred
        came: list[Any] = []
        Deferred.fromCoroutine(self.benches[place].session.load()).addBoth(came.append)
        self.world.settle()
        if came == [None] and start:
            self.benches[place].session.start()
            self.benches[place].pass_(0)
        return came[0]

    def ask(self, place: int, dn: str, name: str, **values: Any) -> Any:
        """A desktop's request to this server; its answer once everything has arrived."""
        bench = self.benches[place]
        reference_id = bench.tell(dn, name, application_id=place + 1, **values)
        self.world.settle()
        answers = bench.answers(reference_id)
        assert len(answers) == 1, answers
        return answers[0]

    def pass_(self, seconds: float) -> None:
        """Let time pass for both."""
        for _ in range(round(seconds)):
            self.benches[0].pass_(1)
            self.world.settle()


def both(records: list[Record], **values: Any) -> Two:
    two = Two(records, **values)
    assert [two.load(0), two.load(1)] == [None, None]
    return two


def delivered(bench: Bench, dn: str) -> list[int]:
    return [event.record.chain_id for to, event in bench.heard
            if to == dn and event.name == "ScheduledCall" and event.record is not None]


# -- do not call --------------------------------------------------------------------------------------------------
def test_a_number_that_the_other_server_holds_is_not_dialed_there_once_it_is_acknowledged_here() -> None:
    two = Two([record(1)])
    two.load(1)                                         # it has retrieved the record
    two.load(0)
    two.benches[0].login("7001")
    assert two.ask(0, "7001", "DoNotCall", phone="+12125550001").name == "DoNotCallAcknowledge"
    two.benches[1].ready("7002")
    assert two.benches[1].switch.dialed == []
    assert two.benches[1].record().record_type is RecordType.NO_CALL


def test_a_preview_that_an_agent_of_the_other_server_has_is_taken_back() -> None:
    two = Two([record(1)], mode=PREVIEW)
    two.load(1)
    two.benches[1].ready("7002")
    preview = two.benches[1].tell("7002", "PreviewRecordRequest", application_id=2)
    assert two.benches[1].answers(preview)[0].name == "PreviewRecord"
    two.load(0)
    two.benches[0].login("7001")
    assert two.ask(0, "7001", "DoNotCall", phone="+12125550001").name == "DoNotCallAcknowledge"
    assert two.benches[1].news("7002")[-1] == "RecordCancel"


@pytest.mark.parametrize("by_handle", [False, True])
def test_nobody_is_told_that_it_is_done_before_the_peers_have_it(by_handle: bool) -> None:
    bench, peers = Bench([record(1), record(2)], mode=PREVIEW), FakePeers()
    bench.context.peers, peers.slow = peers, True
    bench.ready("7001")
    shown = bench.preview().record
    assert shown is not None
    named: dict[str, Any] = {"record_handle": shown.record_handle} if by_handle else {"phone": "+12125550009"}
    reference_id = bench.tell("7001", "DoNotCall", **named)
    bench.pass_(0.5)
    assert len(peers.blocked) == 1 and bench.answers(reference_id) == []
    peers.confirm()
    assert bench.answers(reference_id)[0].name == "DoNotCallAcknowledge"


# -- cancel -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("named", [{"phone": "+1 212 555 0002"}, {"customer_id": "C2"}])
def test_a_record_is_cancelled_by_phone_or_customer_wherever_it_is_held(place: int, named: dict[str, str]) -> None:
    records = [record(number, fields={"name": f"C{number}", "age": 1}) for number in (1, 2, 3)]
    two = Two(records, options=replace(OPTIONS, customer_id_field="name"))
    two.load(1)
    two.load(0)
    two.benches[place].login("7001")
    assert two.ask(place, "7001", "RequestRecordCancel", **named).name == "RecordCancelAcknowledge"
    cancelled = two.benches[0].record(2)
    assert (cancelled.record_status, cancelled.call_result) == (RecordStatus.CANCELLED, CallResult.CANCEL_RECORD)
    assert {two.benches[0].record(number).record_status for number in (1, 3)} == {RecordStatus.RETRIEVED}
    assert two.ask(place, "7001", "RequestRecordCancel", **named).error_number      # it is held no more


def test_an_agent_whose_record_another_one_cancels_loses_it_and_a_handle_is_its_agents_only() -> None:
    two = Two([*chain(1, 2), record(3)], mode=PREVIEW)
    two.load(1)
    two.benches[1].ready("7002")
    preview = two.benches[1].tell("7002", "PreviewRecordRequest", application_id=2)
    handle = two.benches[1].answers(preview)[0].record.record_handle
    two.load(0)
    two.benches[0].login("7001", "7002")
    assert two.ask(0, "7001", "RequestRecordCancel", record_handle=handle).error_number
    assert two.benches[1].news("7002")[-1:] != ["RecordCancel"]
    done = two.ask(0, "7002", "RequestRecordCancel", record_handle=handle, chain_attr=ChainAttribute.ALL_CHAIN)
    assert done.name == "RecordCancelAcknowledge" and two.benches[1].news("7002")[-1] == "RecordCancel"
    assert {two.benches[1].record(n).record_status for n in (1, 2)} == {RecordStatus.CANCELLED}
    (attempt,) = two.benches[1].attempts(1)
    assert attempt.state is AttemptState.NOT_DIALED


def test_what_is_cancelled_while_its_attempt_is_written_is_not_dialed() -> None:
    bench = Bench([record(1), record(2, record_status=RecordStatus.UPDATED)])
    bench.store.held.add("open_attempts")
    bench.ready("7001")
    assert bench.state() is ChainState.OPENING
    cancelled = PeerRequests(bench.engine).cancel(CancelTarget(phone="+12125550001"))
    bench.store.held.clear()
    bench.store.release()
    bench.pass_(1)
    assert bench.wait(cancelled) == 1 and bench.switch.dialed == []
    assert bench.record().record_status is RecordStatus.CANCELLED
    assert [attempt.state for attempt in bench.attempts(1)] == [AttemptState.NOT_DIALED]


def test_a_call_that_goes_on_is_followed_to_its_end_after_its_record_was_cancelled() -> None:
    bench = Bench([record(1)])
    bench.ready("7001")
    call = bench.talk()
    assert bench.wait(PeerRequests(bench.engine).cancel(CancelTarget(phone="+12125550001", campaign="spring"))) == 1
    assert bench.news("7001")[-1] == "RecordCancel" and bench.record().record_status is RecordStatus.CANCELLED
    bench.hang_up(call)
    (attempt,) = bench.attempts(1)
    assert attempt.state is AttemptState.CLOSED and attempt.ended_at and not bench.session.held
    assert bench.record().record_status is RecordStatus.CANCELLED


@pytest.mark.parametrize("target", [
    CancelTarget(phone="+12125550009"), CancelTarget(phone="+12125550001", campaign="autumn"), CancelTarget(handle=1, dn="7001"),
    CancelTarget(phone="+12125550001", calling_list="other"), CancelTarget(customer_id="C1")])
def test_what_is_not_meant_is_left_alone(target: CancelTarget) -> None:
    bench = Bench([record(1)])
    assert bench.wait(PeerRequests(bench.engine).cancel(target)) == 0 and bench.state() is ChainState.BUFFERED


# -- callbacks ----------------------------------------------------------------------------------------------------
def personal(agent_id: str) -> Record:
    return record(1, record_type=RecordType.PERSONAL_CALLBACK, agent_id=agent_id, dial_sched_time=NOW + 60)


def test_a_personal_callback_is_handed_over_to_the_server_where_its_agent_works() -> None:
    """Its agent moves: at the time the callback waits here, behind a call of that agent."""
    two = both([personal("1001"), *[record(number) for number in range(10, 20)]])
    here, there = two.benches
    here.ready("7001")
    here.talk()
    two.pass_(80)
    assert here.state() is ChainState.BUFFERED                      # it waits for the end of the call
    there.login("7001")
    here.logout("7001")
    two.world.settle()
    assert delivered(there, "7001") == [1] and delivered(here, "7001") == []
    assert here.session.callbacks.handover.count == 1
    assert not any(held.record.record_id == 1 for held in here.session.held)


def test_a_callback_of_an_agent_who_is_busy_at_the_peer_is_not_missed_here() -> None:
    two = both([personal("1001")], callback_observe_campaign=True)
    here, there = two.benches
    there.login("7001")
    there.store.failing.add("claim_chains")          # it does not come to look for it
    two.pass_(60 + 600 + 30)
    assert here.record().record_status is RecordStatus.READY and here.session.callbacks.handover.count == 1
    there.store.failing.clear()
    two.pass_(15)
    assert delivered(there, "7001") == [1]


@pytest.mark.parametrize("linked", [True, False])
def test_a_callback_of_an_agent_who_is_nowhere_is_missed_as_ever(linked: bool) -> None:
    two = both([personal("1001")])
    if not linked:
        two.world.cut(0, 1)
        two.world.cut(1, 0)
    two.pass_(60 + 600 + 30)
    assert two.benches[0].record().record_status is RecordStatus.MISSED_CALLBACK
    assert two.benches[0].record().call_result is CallResult.AGENT_CALLBACK_ERROR


def test_what_is_unloaded_while_the_peers_are_asked_goes_back() -> None:
    two = both([personal("1001"), *[record(number) for number in range(10, 20)]])
    here = two.benches[0]
    here.ready("7001")
    call = here.talk()
    two.pass_(80)
    two.benches[1].login("7001")
    here.switch.agent(AgentEventKind.LOGOUT, "7001", "1001")        # the question is on its way
    assert here.state() is ChainState.BUFFERED and not len(here.session.callbacks)
    unloaded = here.session.unload()
    two.world.settle()
    here.switch.over(call.conn_id, "7001")
    two.pass_(5)
    assert unloaded.called and here.record().record_status is not RecordStatus.MISSED_CALLBACK
    assert here.session.callbacks.handover.count == 0


# -- campaigns ----------------------------------------------------------------------------------------------------
def test_a_campaign_group_is_loaded_by_one_unless_it_is_shared() -> None:
    two = Two([record(1)], shared=False)
    assert two.load(0) is None
    refused = two.load(1)
    assert refused.check(WrongState) and two.benches[1].session.state is SessionState.NOT_LOADED
    assert "ocs-0 has it loaded" in str(refused.value)
    two.benches[0].session.unload()
    two.pass_(1)
    assert two.load(1) is None


def test_sessions_of_the_other_server_are_seen() -> None:
    two = both([record(number) for number in range(1, 9)])
    two.benches[1].ready("7001", "7002")
    two.pass_(6)
    session = two.world.link(0, 1).sessions[KEY]
    assert (session.name, session.state, session.agents, session.calls) == ("spring@sales", SessionState.RUNNING, 2, 2)


def test_it_provides_what_peers_ask() -> None:
    from zope.interface.verify import verifyObject
    requests = PeerRequests(Bench([record(1)]).engine)
    assert verifyObject(IPeerRequests, requests) and requests.may_share(GroupKey(9, 9)) and not requests.may_share(KEY)
    requests.block([DoNotCallEntry(phone="+12125550001")])
