"""The call machine: the public call flows from the dial to the result, and any events in any order."""
from __future__ import annotations

from typing import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.call import Call, CallEvent, CallOrigin, CallState, Effect, SwitchEvent, step
from ocs.dialing.modes import CallFlow
from ocs.dialing.results import CallResult
from ocs.errors import UnexpectedEvent
from tests.dialing.places import AGENT, CONN, CUSTOMER, ORIGINS, OTHER_AGENT, QUEUE, TRUNK

Line = tuple[SwitchEvent, str, int]
E = SwitchEvent


def play(origin: CallOrigin, lines: Sequence[Line]) -> tuple[Call, list[Effect]]:
    """The call after these events, the first at second 100 and one a second; and the effects that are not NONE."""
    call = Call(origin, ORIGINS[origin])
    effects: list[Effect] = []
    for second, (kind, dn, call_state) in enumerate(lines, 100):
        call, effect = step(call, CallEvent(kind, CONN, dn, call_state, at=float(second), other_dn=CUSTOMER))
        if effect is not Effect.NONE:
            effects.append(effect)
    return call, effects


def told(call: Call) -> tuple[CallResult | None, float | None, bool, str]:
    """What a flow must give: result, answered_at, talked, agent_dn."""
    return call.result, call.answered_at, call.talked, call.agent_dn


DIALED_BY_AGENT: list[Line] = [(E.DIALING, AGENT, 0), (E.NETWORK_REACHED, AGENT, 0)]
DIALED_FOR_QUEUE: list[Line] = [(E.DIALING, QUEUE, 0), (E.NETWORK_REACHED, QUEUE, 0)]
DIALED_FOR_TRUNK: list[Line] = [(E.DIALING, TRUNK, 0), (E.NETWORK_REACHED, TRUNK, 0)]
TO_AGENT: list[Line] = [(E.DIVERTED, QUEUE, 0), (E.RINGING, AGENT, 0)]


@pytest.mark.parametrize("call_state", [CallResult.OK, CallResult.REMOTE_RELEASE])
def test_a_preview_call_that_is_answered(call_state: CallResult) -> None:
    call, effects = play(CallOrigin.AGENT, [*DIALED_BY_AGENT, (E.ESTABLISHED, AGENT, 0), (E.RELEASED, AGENT, call_state)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, AGENT)
    assert (call.dialed_at, call.ended_at, effects) == (100.0, 103.0, [Effect.ENDED])


@pytest.mark.parametrize("call_state", [CallResult.BUSY, CallResult.OK])
def test_a_preview_call_to_a_busy_number(call_state: CallResult) -> None:
    call, _ = play(CallOrigin.AGENT, [*DIALED_BY_AGENT, (E.DESTINATION_BUSY, AGENT, 6), (E.RELEASED, AGENT, call_state)])
    assert told(call) == (CallResult.BUSY, None, False, "")


@pytest.mark.parametrize("call_state", [CallResult.OK, CallResult.NO_ANSWER])
def test_a_preview_call_that_the_agent_gives_up_was_not_answered(call_state: CallResult) -> None:
    call, _ = play(CallOrigin.AGENT, [*DIALED_BY_AGENT, (E.RELEASED, AGENT, call_state)])
    assert told(call) == (CallResult.NO_ANSWER, None, False, "")


def test_a_predictive_call_that_is_answered_and_diverted_to_an_agent() -> None:
    call, effects = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), *TO_AGENT, (E.ESTABLISHED, AGENT, 0),
                                            (E.RELEASED, AGENT, 5)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, AGENT)
    assert (call.dialed_at, call.ended_at, effects) == (100.0, 106.0, [Effect.ENDED])


def test_a_predictive_call_that_a_strategy_routes() -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), (E.ROUTE_REQUEST, QUEUE, 0),
                                      (E.ROUTE_USED, QUEUE, 0), *TO_AGENT, (E.ESTABLISHED, AGENT, 0),
                                      (E.RELEASED, AGENT, 0)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, AGENT)


# the failures of the reference, section 10.3, and what else a release before an answer may say
@pytest.mark.parametrize("call_state", [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 26, 28])
def test_a_predictive_call_that_fails_has_the_switchs_call_state_as_its_result(call_state: int) -> None:
    call, effects = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.RELEASED, QUEUE, call_state)])
    assert told(call) == (CallResult(call_state), None, False, "")
    assert (call.call_state, effects) == (call_state, [Effect.ENDED])


@pytest.mark.parametrize("call_state, result", [
    (2, CallResult.GENERAL_ERROR), (33, CallResult.GENERAL_ERROR),      # nobody was reached, whatever the switch says
    (46, CallResult.GENERAL_ERROR), (47, CallResult.GENERAL_ERROR), (51, CallResult.GENERAL_ERROR),
    (52, CallResult.GENERAL_ERROR), (53, CallResult.GENERAL_ERROR), (54, CallResult.GENERAL_ERROR),
    (-1, CallResult.GENERAL_ERROR), (2 ** 40, CallResult.GENERAL_ERROR),
])
def test_successes_and_the_results_of_others_are_not_taken_from_the_switch(call_state: int, result: CallResult) -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.RELEASED, QUEUE, call_state)])
    assert call.result is result and call.call_state == call_state


def test_a_dial_that_fails_before_it_began() -> None:
    call, _ = play(CallOrigin.QUEUE, [(E.RELEASED, QUEUE, 10)])
    assert told(call) == (CallResult.ALL_TRUNKS_BUSY, None, False, "") and call.dialed_at is None


def test_a_person_who_hangs_up_in_the_queue_has_abandoned() -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), (E.ABANDONED, QUEUE, 0)])
    assert told(call) == (CallResult.ABANDONED, 102.0, False, "")


def test_a_person_who_hangs_up_while_the_agent_rings_has_abandoned() -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), *TO_AGENT, (E.ABANDONED, AGENT, 0)])
    assert told(call) == (CallResult.ABANDONED, 102.0, False, AGENT)


@pytest.mark.parametrize("call_state", [CallResult.OK, CallResult.REMOTE_RELEASE])
def test_a_person_for_whom_nobody_came_has_abandoned_however_the_switch_tells_it(call_state: CallResult) -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), (E.RELEASED, QUEUE, call_state)])
    assert call.result is CallResult.ABANDONED


def test_a_call_that_waited_too_long_is_dropped() -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), (E.RELEASED, QUEUE, 26)])
    assert told(call) == (CallResult.DROPPED, 102.0, False, "")


REQUEUED = {
    "released, then queued": [(E.RELEASED, AGENT, 22), (E.QUEUED, QUEUE, 0)],
    "queued, then released": [(E.QUEUED, QUEUE, 0), (E.RELEASED, AGENT, 22)],
    "released without a reason, then queued": [(E.RELEASED, AGENT, 0), (E.QUEUED, QUEUE, 0)],
    "queued, then released for no answer": [(E.QUEUED, QUEUE, 0), (E.RELEASED, AGENT, 7)],
}


@pytest.mark.parametrize("order", REQUEUED)
def test_a_call_that_its_agent_lets_ring_waits_again_and_goes_to_the_next(order: str) -> None:
    begin = [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), *TO_AGENT, *REQUEUED[order]]
    waiting, _ = play(CallOrigin.QUEUE, begin)
    assert (waiting.state, waiting.answered_at) == (CallState.QUEUED, 102.0)
    call, effects = play(CallOrigin.QUEUE, [*begin, (E.DIVERTED, QUEUE, 0), (E.RINGING, OTHER_AGENT, 0),
                                            (E.ESTABLISHED, OTHER_AGENT, 0), (E.RELEASED, OTHER_AGENT, 0)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, OTHER_AGENT) and effects == [Effect.ENDED]


def test_the_late_release_of_an_agent_who_let_it_ring_does_not_touch_the_next_ones_ringing() -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), *TO_AGENT, (E.RINGING, OTHER_AGENT, 0),
                                      (E.RELEASED, AGENT, 0)])
    assert (call.state, call.agent_dn) == (CallState.RINGING, OTHER_AGENT)


ANSWERED_AT_TRUNK: list[Line] = [*DIALED_FOR_TRUNK, (E.ESTABLISHED, TRUNK, 0)]
MOVED: list[Line] = [(E.QUEUED, QUEUE, 0), (E.RELEASED, TRUNK, 1)]


def test_a_person_at_the_trunk_group_is_moved_to_the_agents() -> None:
    _, effects = play(CallOrigin.TRUNK_GROUP, ANSWERED_AT_TRUNK)
    assert effects == [Effect.MOVE_ON]
    call, effects = play(CallOrigin.TRUNK_GROUP, [
        *ANSWERED_AT_TRUNK, *MOVED, *TO_AGENT, (E.PARTY_CHANGED, AGENT, 0), (E.ESTABLISHED, AGENT, 0),
        (E.RELEASED, AGENT, 0)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, AGENT)
    assert effects == [Effect.MOVE_ON, Effect.ENDED]


def test_an_answer_that_could_not_be_classified_counts_as_a_person() -> None:
    call, effects = play(CallOrigin.TRUNK_GROUP, [*DIALED_FOR_TRUNK, (E.ESTABLISHED, TRUNK, 28), *MOVED, *TO_AGENT,
                                                  (E.ESTABLISHED, AGENT, 0), (E.RELEASED, AGENT, 0)])
    assert call.result is CallResult.ANSWER and effects == [Effect.MOVE_ON, Effect.ENDED]


def test_a_person_who_hangs_up_during_the_transfer_has_abandoned() -> None:
    call, _ = play(CallOrigin.TRUNK_GROUP, [*ANSWERED_AT_TRUNK, (E.RELEASED, TRUNK, 5)])
    assert told(call) == (CallResult.ABANDONED, 102.0, False, "")


def test_a_person_whose_transfer_failed_gets_transfer_error() -> None:
    answered, _ = play(CallOrigin.TRUNK_GROUP, ANSWERED_AT_TRUNK)
    call, _ = step(answered.with_transfer_error(), CallEvent(E.RELEASED, CONN, TRUNK, 0, at=110.0))
    assert told(call) == (CallResult.TRANSFER_ERROR, 102.0, False, "")


@pytest.mark.parametrize("detected", [CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED,
                                      CallResult.SILENCE_DETECTED])
def test_a_machine_at_the_trunk_group_is_dropped_and_stays_a_machine(detected: CallResult) -> None:
    for last in [(E.RELEASED, TRUNK, 0), (E.RELEASED, TRUNK, 5), (E.RELEASED, TRUNK, 26), (E.ABANDONED, TRUNK, 0)]:
        call, effects = play(CallOrigin.TRUNK_GROUP, [*DIALED_FOR_TRUNK, (E.ESTABLISHED, TRUNK, detected), last])
        assert told(call) == (detected, 102.0, False, "")
        assert effects == [Effect.DROP, Effect.ENDED]


@pytest.mark.parametrize("rest", [
    [(E.ABANDONED, QUEUE, 0)], [(E.RELEASED, QUEUE, 0)], [*TO_AGENT, (E.ABANDONED, AGENT, 0)],
    [*TO_AGENT, (E.ESTABLISHED, AGENT, 0), (E.RELEASED, AGENT, 0)],
])
def test_a_machine_in_the_queue_stays_a_machine_and_never_counts_as_abandoned(rest: list[Line]) -> None:
    call, _ = play(CallOrigin.QUEUE, [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 9), *rest])
    assert call.result is CallResult.ANSWERING_MACHINE_DETECTED


def test_a_busy_trunk_call_is_busy() -> None:
    call, _ = play(CallOrigin.TRUNK_GROUP, [*DIALED_FOR_TRUNK, (E.DESTINATION_BUSY, TRUNK, 6), (E.RELEASED, TRUNK, 6)])
    assert told(call) == (CallResult.BUSY, None, False, "")


def test_an_agent_who_transfers_the_conversation_does_not_end_it() -> None:
    begin: list[Line] = [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0), *TO_AGENT, (E.ESTABLISHED, AGENT, 0),
                         (E.RINGING, OTHER_AGENT, 0), (E.RELEASED, AGENT, 1)]
    assert play(CallOrigin.QUEUE, begin)[0].state is CallState.TALKING
    call, effects = play(CallOrigin.QUEUE, [*begin, (E.ESTABLISHED, OTHER_AGENT, 0), (E.RELEASED, OTHER_AGENT, 0)])
    assert told(call) == (CallResult.ANSWER, 102.0, True, OTHER_AGENT) and effects == [Effect.ENDED]


def test_a_call_that_vanished_is_unknown_unless_somebody_talked_or_a_machine_was_heard() -> None:
    gone: Line = (E.VANISHED, QUEUE, 0)
    queued: list[Line] = [*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 0)]
    for begin, result in [([], CallResult.UNKNOWN), (DIALED_FOR_QUEUE, CallResult.UNKNOWN), (queued, CallResult.UNKNOWN),
                          ([*queued, *TO_AGENT, (E.ESTABLISHED, AGENT, 0)], CallResult.ANSWER),
                          ([*DIALED_FOR_QUEUE, (E.QUEUED, QUEUE, 9)], CallResult.ANSWERING_MACHINE_DETECTED)]:
        assert play(CallOrigin.QUEUE, [*begin, gone])[0].result is result


def test_a_second_dialing_event_does_not_move_the_time_of_the_dial() -> None:
    call, _ = play(CallOrigin.QUEUE, [(E.DIALING, QUEUE, 0), (E.DIALING, QUEUE, 0)])
    assert call.dialed_at == 100.0


def test_the_first_event_names_the_call_and_later_ones_do_not_rename_it() -> None:
    call, _ = step(Call(CallOrigin.QUEUE, QUEUE), CallEvent(E.DIALING, CONN, QUEUE))
    call, _ = step(call, CallEvent(E.QUEUED, "ffffffffffffffff", QUEUE))
    assert call.conn_id == CONN


def test_a_call_keeps_the_first_guid_that_the_switch_gives_it():
    call, _ = step(Call(CallOrigin.QUEUE, QUEUE, conn_id=CONN), CallEvent(E.DIALING, CONN, QUEUE, call_uuid="U1"))
    call, _ = step(call, CallEvent(E.QUEUED, CONN, QUEUE, call_uuid="U2"))
    assert call.call_uuid == "U1" and call.conn_id == CONN


EVENTS = st.builds(
    CallEvent, kind=st.sampled_from(SwitchEvent), conn_id=st.sampled_from(["", CONN]),
    dn=st.sampled_from([TRUNK, QUEUE, AGENT, OTHER_AGENT, ""]),
    call_state=st.one_of(st.integers(-1, 60), st.integers()), at=st.floats(0, 2e9))


@given(st.sampled_from(CallOrigin), st.sampled_from(CallFlow), st.lists(EVENTS, max_size=30))
def test_any_events_end_a_call_once_at_most_and_raise_nothing_but_unexpected_event(
        origin: CallOrigin, flow: CallFlow, events: list[CallEvent]) -> None:
    call, ended = Call(origin, ORIGINS[origin], flow), 0
    for event in events:
        before = call
        try:
            call, effect = step(call, event)
        except UnexpectedEvent:
            assert before.state is not CallState.ENDED
            continue
        if before.state is CallState.ENDED:
            assert call == before and effect is Effect.NONE
        ended += effect is Effect.ENDED
        assert ended == (call.state is CallState.ENDED) == (call.result is not None)
        assert effect not in (Effect.DROP, Effect.MOVE_ON) or call.state is CallState.ANSWERED
    machine = {CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED, CallResult.SILENCE_DETECTED}
    if call.result is not None:
        # what a failed call reports may be a machine as well, but a success needs an agent who talked, or an application
        assert call.result in machine | {CallResult.ANSWER} if call.talked else call.result not in {
            CallResult.OK, CallResult.TRANSFERRED, CallResult.CONFERENCED} and (
                call.result is not CallResult.ANSWER or call.listened)


# -- flows other than to the agents' queue -----------------------------------------------------------------------------------

def walk(call: Call, *events: tuple[SwitchEvent, str] | tuple[SwitchEvent, str, int]) -> tuple[Call, list[Effect]]:
    effects = []
    for kind, dn, *state in events:
        call, effect = step(call, CallEvent(kind, CONN, dn, *state, at=10.0))
        if effect is not Effect.NONE:
            effects.append(effect)
    return call, effects


def test_a_customer_is_joined_with_an_engaged_agent() -> None:
    call, effects = walk(Call(CallOrigin.TRUNK_GROUP, TRUNK, CallFlow.SEIZING), (E.DIALING, TRUNK), (E.ESTABLISHED, TRUNK),
                         (E.RELEASED, TRUNK, 1), (E.PARTY_CHANGED, AGENT), (E.RELEASED, AGENT, 5))
    assert call.result is CallResult.ANSWER and call.agent_dn == AGENT and effects == [Effect.MOVE_ON, Effect.ENDED]
    assert call.agent_connected_at == 10.0


def test_a_customer_for_whom_no_engaged_agent_is_free_is_dropped() -> None:
    call, _ = walk(Call(CallOrigin.TRUNK_GROUP, TRUNK, CallFlow.SEIZING), (E.DIALING, TRUNK), (E.ESTABLISHED, TRUNK))
    call, effects = walk(call.with_drop(), (E.RELEASED, TRUNK))
    assert call.result is CallResult.DROPPED and effects == [Effect.ENDED]


def test_an_application_comes_first_and_the_agents_afterwards() -> None:
    call, effects = walk(Call(CallOrigin.TRUNK_GROUP, TRUNK, CallFlow.IVR), (E.DIALING, TRUNK), (E.ESTABLISHED, TRUNK))
    assert effects == [Effect.MOVE_ON] and call.next_move is CallFlow.IVR
    call, effects = walk(call, (E.TREATMENT_APPLIED, TRUNK))
    assert call.state is CallState.LISTENING and effects == [] and call.owed is Effect.NONE
    over, effects = walk(call, (E.TREATMENT_END, TRUNK))
    assert effects == [Effect.MOVE_ON] and over.next_move is CallFlow.TRANSFER
    talked, _ = walk(over, (E.QUEUED, QUEUE), (E.RELEASED, TRUNK, 1), (E.RINGING, AGENT), (E.ESTABLISHED, AGENT),
                     (E.RELEASED, AGENT))
    assert talked.result is CallResult.ANSWER and talked.talked
    waited, _ = walk(over, (E.QUEUED, QUEUE), (E.RELEASED, TRUNK, 1), (E.ABANDONED, QUEUE))
    assert waited.result is CallResult.ABANDONED
    for listener in (call, over):
        left, _ = walk(listener, (E.RELEASED, TRUNK, 5))
        assert left.result is CallResult.ANSWER and not left.talked and left.listened
    machine, effects = walk(Call(CallOrigin.TRUNK_GROUP, TRUNK, CallFlow.IVR), (E.ESTABLISHED, TRUNK, 9), (E.RELEASED, TRUNK))
    assert machine.result is CallResult.ANSWERING_MACHINE_DETECTED and effects == [Effect.DROP, Effect.ENDED]
