"""Power GVP by way of an Outbound Notification Manager: the engine, the link's real code, and a manager by command."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer
from zope.interface.verify import verifyObject

from ocs.dialing import history as told
from ocs.dialing.call import OBN_ORIGIN, CallEvent, PlacedCall, SwitchEvent
from ocs.dialing.chain import ChainState
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.values import AttemptState, DoNotCallEntry
from ocs.interfaces import IObnLink
from protocols.attributes import KVList, first
from protocols.errors import RequestRefused
from tests.scheduler.bench import Bench, record
from tests.scheduler.test_history import Chronicle

E = SwitchEvent


@implementer(IObnLink)
class Manager:
    """`asked` has (token, number, what else it was told); nothing is answered by itself."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.up = bench, True
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.done: dict[str, Deferred[str]] = {}
        self.released: list[str] = []
        self.withdrawn: list[str] = []
        self.resumed: list[tuple[str, float]] = []

    def make_predictive_call(self, origin_dn: str, destination: str, ring_timeout_s: float, user_data: KVList,
                             extensions: KVList) -> Deferred[str]:
        token = str(first(user_data, "GSW_CALL_ATTEMPT_GUID"))
        assert origin_dn == OBN_ORIGIN and token not in self.done
        self.asked.append((token, destination, dict(extensions)))
        done = self.done[token] = Deferred()
        return done

    def release_call(self, dn: str, conn_id: str) -> Deferred[None]:
        self.released.append(conn_id)
        return Deferred()

    def withdraw(self, token: str) -> None:
        self.withdrawn.append(token)

    def resume(self, token: str, expires_at: float) -> None:
        self.resumed.append((token, expires_at))

    def apply_treatment(self, dn: str, conn_id: str, treatment_type: int, parameters: KVList) -> Deferred[None]:
        return Deferred()

    def make_call(self, origin_dn: str, destination: str, user_data: KVList) -> Deferred[str]:
        return fail(AssertionError("never"))

    def transfer_call(self, dn: str, conn_id: str, destination_dn: str, two_step: bool = False) -> Deferred[None]:
        return fail(AssertionError("never"))

    def merge_calls(self, dn: str, conn_id: str, other_conn_id: str) -> Deferred[None]:
        return fail(AssertionError("never"))

    def tell(self, token: str, *events: tuple[SwitchEvent, int]) -> None:
        for kind, call_state in events:
            self.bench.engine.call_event(CallEvent(kind, token, OBN_ORIGIN, call_state, self.bench.clock.wall(), guid=token))
        self.bench.pass_(0)

    def success(self, token: str) -> None:
        self.tell(token, (E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0), (E.RELEASED, 0))


def bench(records: int = 6, store: Any = None, clock: Any = None, listener: Any = None, **group: Any) -> tuple[Bench, Manager]:
    values = {"mode": DialingMode.POWER_GVP, "obn": True, "maximum_queue_size": 2, "ivr_profile": "poll",
              "voice_transfer_destination": "", "dialer_num_attempts": 3, "dialer_ttl_s": 600.0, **group}
    made = Bench([record(n) for n in range(1, records + 1)], running=False, store=store, clock=clock, **values)
    if listener is not None:
        made.context.history.add_listener(listener)
    made.context.obn = Manager(made)
    assert verifyObject(IObnLink, made.context.obn)
    made.up()
    made.begin()
    return made, made.context.obn


def test_so_many_requests_are_kept_outstanding_and_say_what_the_manager_must_know() -> None:
    made, manager = bench()
    assert [number for _, number, _ in manager.asked] == ["+12125550001", "+12125550002"]
    assert manager.asked[0][2] == {"ivr-profile": "poll", "dialer-num-attempts": 3, "dialer-ttl": 600}
    assert not made.switch.dialed and made.attempts(1)[0].guid == manager.asked[0][0]
    made.pass_(30)
    assert len(manager.asked) == 2
    manager.success(manager.asked[0][0])
    assert len(manager.asked) == 3
    (attempt,) = made.attempts(1)
    assert (attempt.state, attempt.call_result) == (AttemptState.CLOSED, CallResult.ANSWER)
    assert made.record(1).record_status is RecordStatus.UPDATED and made.record(1).attempt == 1


def test_a_request_lives_no_longer_than_the_record_may_be_dialed() -> None:
    made, manager = bench()     # it is 12:30 in New York
    late = Bench([record(1, daily_till=45_060)], running=False, mode=DialingMode.POWER_GVP, obn=True, maximum_queue_size=1,
                 ivr_profile="poll", dialer_ttl_s=600.0)
    late.context.obn = Manager(late)
    late.up()
    late.begin()
    assert late.context.obn.asked[0][2]["dialer-ttl"] == 60 and manager.asked[0][2]["dialer-ttl"] == 600


def test_what_the_manager_could_not_reach_gets_its_result_and_its_treatment() -> None:
    made, manager = bench()
    token = manager.asked[0][0]
    manager.tell(token, (E.DIALING, 0), (E.RELEASED, 6))
    assert made.attempts(1)[0].call_result is CallResult.BUSY and made.state(1) is ChainState.WAITING
    made.pass_(301)
    assert made.session.results[CallResult.BUSY] == 1


def test_the_attempt_and_history_name_every_call_of_the_request_once() -> None:
    chronicle = Chronicle()
    made, manager = bench(listener=chronicle)
    token = manager.asked[0][0]
    first, second = PlacedCall("c1", "u1"), PlacedCall("c2", "u2")
    for kind, placed in ((E.DIALING, (first,)), (E.ESTABLISHED, (first, second)), (E.TREATMENT_APPLIED, (first, second)),
                         (E.RELEASED, (first, second))):
        made.engine.call_event(CallEvent(kind, token, OBN_ORIGIN, 0, made.clock.wall(), guid=token, placed=placed))
    made.pass_(0)
    (attempt,) = made.attempts(1)
    assert (attempt.conn_id, attempt.earlier_conn_ids) == ("c2", "c1")
    assert [(one.attempt.guid, one.call.conn_id, one.call.call_uuid) for one in chronicle.of(told.CallPlaced)] == [
        (token, "c1", "u1"), (token, "c2", "u2")]


def test_a_call_that_the_switch_refused_after_it_was_told_of_is_not_the_last_one_of_its_attempt() -> None:
    made, manager = bench()
    token = manager.asked[0][0]
    first, second, third = PlacedCall("c1", "u1"), PlacedCall("c2", "u2"), PlacedCall("", "")
    for kind, state, placed in ((E.DIALING, 0, (first,)), (E.DATA_CHANGED, 0, (first, second, third)),
                                (E.DATA_CHANGED, 0, (first, second)), (E.RELEASED, 6, (first, second))):
        made.engine.call_event(CallEvent(kind, token, OBN_ORIGIN, state, made.clock.wall(), guid=token, placed=placed))
    (attempt,) = made.attempts(1)
    assert (attempt.conn_id, attempt.earlier_conn_ids, attempt.call_state) == ("c2", "c1", 6)


@pytest.mark.parametrize("call_state", [0, 1, 5, 21])
def test_however_a_call_leaves_its_application_it_is_over(call_state: int) -> None:
    made, manager = bench()
    token = manager.asked[0][0]
    manager.tell(token, (E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0), (E.RELEASED, call_state))
    (attempt,) = made.attempts(1)
    assert (attempt.state, attempt.call_result, attempt.call_state) == (AttemptState.CLOSED, CallResult.ANSWER, call_state)


def test_an_attempt_whose_calls_nobody_named_has_no_connid() -> None:
    made, manager = bench()
    manager.success(manager.asked[0][0])
    assert [(one.conn_id, one.earlier_conn_ids) for one in made.attempts(1)] == [(None, None)]


def test_a_number_that_the_switch_does_not_dial_is_settled_as_a_dial_error() -> None:
    made, manager = bench()
    made.engine.obn_not_dialed(manager.asked[0][0], True)
    made.pass_(0)
    (attempt,) = made.attempts(1)
    assert (attempt.state, attempt.call_result, attempt.conn_id) == (AttemptState.NOT_DIALED, CallResult.DIAL_ERROR, None)
    assert made.record(1).call_result is CallResult.DIAL_ERROR and made.record(1).attempt == 0


def test_a_request_that_was_not_dialed_leaves_its_record_as_it_was() -> None:
    made, manager = bench()
    made.engine.obn_not_dialed(manager.asked[0][0])
    made.pass_(0)
    assert [attempt.state for attempt in made.attempts(1)] == [AttemptState.NOT_DIALED, AttemptState.OPEN]
    assert made.record(1).attempt == 0 and manager.asked[2][1] == "+12125550001"


def test_a_request_that_is_refused_for_want_of_room_is_asked_for_later() -> None:
    made, manager = bench()
    manager.done[manager.asked[0][0]].errback(RequestRefused(166, "full"))
    made.pass_(0)
    assert len(manager.asked) == 2 and "full" in made.session.trouble
    made.pass_(12)
    assert [number for _, number, _ in manager.asked[2:]] == ["+12125550001"]


def test_a_result_that_never_comes_is_unknown_when_the_life_and_the_margin_are_over() -> None:
    made, manager = bench(records=1)
    made.pass_(680, step=10.0)
    assert made.session.results[CallResult.UNKNOWN] == 0 and not manager.released
    made.pass_(20)
    assert made.session.results[CallResult.UNKNOWN] == 1 and manager.released == [manager.asked[0][0]]
    assert made.attempts(1)[0].state is AttemptState.UNKNOWN
    manager.success(manager.asked[0][0])        # too late: nobody waits for it
    assert made.session.results[CallResult.ANSWER] == 0


def test_nothing_is_asked_for_while_the_manager_is_away_whatever_the_t_server_does() -> None:
    made, manager = bench()
    manager.up = False
    made.engine.obn_down("gone")
    manager.success(manager.asked[0][0])
    made.pass_(5)
    assert len(manager.asked) == 2 and "Outbound Notification Manager" in made.session.why_not
    manager.up = True
    made.switch.go_down()
    made.engine.obn_up()
    made.pass_(1)
    assert len(manager.asked) == 3
    made.switch.go_up()
    made.pass_(1)
    assert len(made.session.calls) == 2     # the switch has no part in these calls


def test_whoever_is_put_on_the_do_not_call_list_is_taken_back() -> None:
    made, manager = bench()
    made.engine.block(DoNotCallEntry(phone="+12125550002"))
    made.pass_(2)
    assert set(manager.released) == {manager.asked[1][0]}
    made.engine.obn_not_dialed(manager.asked[1][0])
    made.pass_(0)
    assert len(made.attempts(2)) == 1 and made.record(2).call_result is CallResult.DO_NOT_CALL


def test_a_session_that_ends_withdraws_what_is_not_picked_up_and_waits_for_the_rest() -> None:
    made, manager = bench()
    manager.tell(manager.asked[0][0], (E.DIALING, 0), (E.ESTABLISHED, 0), (E.TREATMENT_APPLIED, 0))
    done = made.session.unload()
    assert manager.withdrawn == [manager.asked[1][0]]
    made.engine.obn_not_dialed(manager.asked[1][0])
    assert not done.called
    manager.tell(manager.asked[0][0], (E.RELEASED, 0))
    made.pass_(1)
    assert done.called and made.record(2).record_status is RecordStatus.READY
    made.unloaded()


def test_after_a_crash_outstanding_requests_are_followed_to_their_results_and_nobody_is_asked_for_twice() -> None:
    crashed, before = bench()
    before.tell(before.asked[0][0], (E.DIALING, 0))
    crashed.session.loop.stop()
    made, manager = bench(store=crashed.memory, clock=crashed.clock, seed=2)
    tokens = [token for token, _, _ in before.asked]
    assert sorted(token for token, _ in manager.resumed) == sorted(tokens)
    assert {round(until - made.clock.wall()) for _, until in manager.resumed} == {600}
    assert manager.asked == [] and len(made.session.calls) == 2     # they count as outstanding
    manager.success(tokens[0])
    manager.tell(tokens[1], (E.VANISHED, 0))
    assert made.attempts(1)[0].call_result is CallResult.ANSWER and made.record(1).attempt == 1
    assert made.attempts(2)[0].state is AttemptState.UNKNOWN and made.record(2).attempt == 1
    assert [number for _, number, _ in manager.asked] == ["+12125550003", "+12125550004"]
