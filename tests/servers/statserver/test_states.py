"""What a DN does, and the one status that follows: the highest current action wins."""
from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.servers.statserver.states import (
    UNKNOWN_DN,
    CallPhase,
    DNEvent,
    DNEventKind,
    DNState,
    WorkState,
    agent_status,
    dn_actions,
    dn_status,
    group_status,
    place_status,
    step,
)
from protocols.statserver.messages import Status
from protocols.tserver.messages import CallType

K, P, S = DNEventKind, CallPhase, Status
EMPTY = DNState(monitored=True)


def after(*events: DNEvent, state: DNState = EMPTY) -> DNState:
    for event in events:
        state = step(state, event)
    return state


def agent(kind: DNEventKind) -> DNEvent:
    return DNEvent(kind, "1001", "6001")


def call(phase: CallPhase, call_type: int | None = CallType.OUTBOUND, conn_id: str = "a", **values: object) -> DNEvent:
    return DNEvent(K.CALL, conn_id=conn_id, phase=phase, call_type=call_type, **values)     # type: ignore[arg-type]


LOGIN, READY, NOT_READY, WORK = agent(K.LOGIN), agent(K.READY), agent(K.NOT_READY), agent(K.AFTER_CALL_WORK)
RINGS, TALKS, HELD, DIALS = (call(phase) for phase in (P.RINGING, P.CONNECTED, P.HELD, P.DIALING))
GONE = DNEvent(K.CALL_GONE, conn_id="a")


@pytest.mark.parametrize("events, status", [
    ([], S.ON_HOOK),
    ([LOGIN], S.ON_HOOK),
    ([LOGIN, READY], S.WAIT_FOR_NEXT_CALL),
    ([LOGIN, NOT_READY], S.NOT_READY_FOR_NEXT_CALL),
    ([LOGIN, WORK], S.AFTER_CALL_WORK),
    ([LOGIN, READY, DNEvent(K.LOGOUT)], S.ON_HOOK),
    ([READY], S.WAIT_FOR_NEXT_CALL),
    ([DNEvent(K.READY)], S.ON_HOOK),
    ([LOGIN, READY, RINGS], S.CALL_RINGING),
    ([LOGIN, READY, DIALS], S.CALL_DIALING),
    ([LOGIN, NOT_READY, RINGS], S.NOT_READY_FOR_NEXT_CALL),
    ([LOGIN, NOT_READY, DIALS], S.NOT_READY_FOR_NEXT_CALL),
    ([LOGIN, READY, TALKS], S.CALL_OUTBOUND),
    ([LOGIN, NOT_READY, TALKS], S.CALL_OUTBOUND),
    ([LOGIN, WORK, TALKS], S.CALL_OUTBOUND),
    ([LOGIN, READY, TALKS, GONE], S.WAIT_FOR_NEXT_CALL),
    ([LOGIN, READY, TALKS, HELD], S.CALL_ON_HOLD),
    ([LOGIN, READY, TALKS, HELD, TALKS], S.CALL_OUTBOUND),
    ([LOGIN, READY, TALKS, WORK, GONE], S.AFTER_CALL_WORK),
    ([call(P.CONNECTED, CallType.INBOUND)], S.CALL_INBOUND),
    ([call(P.CONNECTED, CallType.INTERNAL)], S.CALL_INTERNAL),
    ([call(P.CONNECTED, CallType.CONSULT)], S.CALL_CONSULT),
    ([call(P.CONNECTED, CallType.UNKNOWN)], S.CALL_UNKNOWN),
    ([call(P.CONNECTED, 99)], S.CALL_UNKNOWN)])
def test_the_status_of_a_dn_after_these_events(events: list[DNEvent], status: Status) -> None:
    assert dn_status(after(*events)) is status


def test_while_a_call_is_on_hold_its_own_action_is_hidden_behind_the_consultation() -> None:
    inbound, consult = call(P.CONNECTED, CallType.INBOUND), call(P.CONNECTED, CallType.CONSULT, "b")
    assert dn_status(after(inbound, consult)) is S.CALL_INBOUND
    held = call(P.HELD, None)
    assert dn_status(after(inbound, consult, held)) is S.CALL_CONSULT
    assert dn_status(after(inbound, consult, held, DNEvent(K.CALL_GONE, conn_id="b"))) is S.CALL_ON_HOLD
    retrieved = call(P.CONNECTED, None)
    alone = after(inbound, consult, held, DNEvent(K.CALL_GONE, conn_id="b"), retrieved)
    assert dn_status(alone) is S.CALL_INBOUND, "its type stays"


def test_an_agent_on_an_engaging_call_is_engaged_and_the_customer_makes_it_outbound() -> None:
    rings = call(P.RINGING, CallType.INTERNAL, "engaging", engaging=True)
    engaged = after(LOGIN, READY, rings, call(P.CONNECTED, CallType.INTERNAL, "engaging", engaging=True))
    assert dn_status(after(LOGIN, READY, rings)) is S.CALL_RINGING and dn_status(engaged) is S.ASM_ENGAGED
    joined = call(P.CONNECTED, CallType.OUTBOUND, "customer", previous="engaging")
    state = after(joined, state=engaged)
    assert dn_status(state) is S.ASM_OUTBOUND and [one.conn_id for one in state.calls] == ["customer"]
    held = after(call(P.HELD, None, "customer"), state=state)
    assert dn_status(held) is S.CALL_ON_HOLD
    assert dn_status(after(call(P.CONNECTED, None, "customer"), state=held)) is S.ASM_OUTBOUND
    assert dn_status(after(DNEvent(K.CALL_GONE, conn_id="customer"), state=state)) is S.WAIT_FOR_NEXT_CALL


def test_a_plain_transfer_is_no_active_switching_matrix() -> None:
    moved = after(LOGIN, READY, call(P.CONNECTED, CallType.CONSULT, "b"),
                  call(P.CONNECTED, CallType.OUTBOUND, "a", previous="b"))
    assert dn_status(moved) is S.CALL_OUTBOUND and len(moved.calls) == 1


def test_a_repeated_login_changes_nothing_and_another_agent_begins_anew() -> None:
    ready = after(LOGIN, READY)
    assert step(ready, LOGIN) == ready
    other = step(ready, DNEvent(K.LOGIN, "1002"))
    assert (other.login, other.queue, other.work) == ("1002", "", WorkState.LOGGED_IN)


def test_nothing_is_known_of_a_dn_that_is_not_monitored() -> None:
    assert dn_actions(UNKNOWN_DN) == {S.NOT_MONITORED} and dn_status(UNKNOWN_DN) is S.NOT_MONITORED


_EVENTS = st.lists(st.builds(
    DNEvent, st.sampled_from(DNEventKind), st.sampled_from(["", "1001", "1002"]), st.just("6001"),
    st.sampled_from(["a", "b", "c"]), st.sampled_from(CallPhase), st.sampled_from([None, 0, 1, 2, 3, 4, 7]), st.booleans(),
    st.sampled_from(["", "a", "b"])), max_size=30)


@given(_EVENTS)
def test_whatever_happens_the_status_is_the_highest_of_actions_that_agree_with_each_other(events: list[DNEvent]) -> None:
    state = after(*events)
    actions = dn_actions(state)
    assert dn_status(state) is max(actions) and {S.MONITORED} <= actions
    assert (S.LOGGED_IN in actions) is bool(state.login) is (state.work is not WorkState.NOBODY)
    assert len(actions & {S.WAIT_FOR_NEXT_CALL, S.NOT_READY_FOR_NEXT_CALL, S.AFTER_CALL_WORK}) <= bool(state.login)
    assert len(actions & {S.ON_HOOK, S.OFF_HOOK}) == 1
    assert len({one.conn_id for one in state.calls}) == len(state.calls)
    assert not any(one.engaging and one.joined for one in state.calls)


def test_a_place_has_the_highest_action_of_its_dns_in_whatever_order() -> None:
    dns = [after(LOGIN, READY), after(call(P.CONNECTED, CallType.INBOUND)), UNKNOWN_DN]
    assert {place_status(order) for order in permutations(dns)} == {S.CALL_INBOUND}
    assert place_status([]) is S.NOT_MONITORED


def test_an_agent_who_is_nowhere_is_logged_out_only_if_everything_is_in_sight() -> None:
    assert agent_status([], True) is S.LOGGED_OUT and agent_status([], False) is S.NOT_MONITORED
    assert agent_status([after(LOGIN, READY), after(TALKS)], False) is S.CALL_OUTBOUND


@pytest.mark.parametrize("members, status", [
    ([], S.NOT_MONITORED), ([S.NOT_MONITORED], S.NOT_MONITORED), ([S.LOGGED_OUT, S.NOT_MONITORED], S.LOGGED_OUT),
    ([S.ON_HOOK], S.LOGGED_OUT), ([S.CALL_OUTBOUND, S.LOGGED_OUT], S.NOT_READY_FOR_NEXT_CALL),
    ([S.NOT_READY_FOR_NEXT_CALL, S.WAIT_FOR_NEXT_CALL, S.LOGGED_OUT], S.WAIT_FOR_NEXT_CALL)])
def test_the_status_of_a_group_by_those_of_its_members(members: list[Status], status: Status) -> None:
    assert group_status(Counter(members)) is status


def test_the_priorities_are_the_public_ones() -> None:
    words = ("NotMonitored Monitored LoggedIn OnHook WaitForNextCall OffHook CallDialing CallRinging NotReadyForNextCall "
             "AfterCallWork CallOnHold CallUnknown CallConsult CallInternal CallOutbound CallInbound ASM_Engaged ASM_Outbound "
             "LoggedOut").split()
    assert [status.word for status in sorted(Status)] == words
