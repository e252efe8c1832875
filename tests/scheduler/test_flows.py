"""The call flows of all modes, on a switch by command: who is dialed for whom, and what is asked of the switch then."""
from __future__ import annotations

from typing import Any

import pytest

from ocs.dialing.call import CPD_ORIGIN, SwitchEvent
from ocs.dialing.campaign import CallTransfer
from ocs.dialing.chain import ChainState
from ocs.dialing.engagement import EngagementState
from ocs.dialing.pacing_choice import Algorithm, PacingChoice
from ocs.dialing.results import CallResult, DialingMode, RecordStatus
from ocs.dialing.session import Condition
from ocs.errors import WrongState
from ocs.scheduler.engagements import ENGAGING
from protocols.attributes import first
from tests.scheduler.bench import DNS, QUEUE, Bench, record

TRUNK = "6800"
FIXED = PacingChoice(Algorithm.FIXED_RATIO)
E = SwitchEvent


def bench(mode: DialingMode, records: int = 10, **group: Any) -> Bench:
    return Bench([record(n) for n in range(1, records + 1)], trunk_group_dn=TRUNK, mode=mode, **group)


class Flow:
    """What happens on the switch, in the words of the flows."""

    def __init__(self, made: Bench) -> None:
        self.bench, self.switch, self.session = made, made.switch, made.session

    def engaging(self) -> list[Any]:
        """Engaging calls that exist."""
        return [one for one in self.switch.of("make_call") if one.conn_id in self.switch.calls]

    def engage(self, place: int = 0, dn: str = DNS[0]) -> str:
        """An engaging call comes to the agent, who answers; the ConnID."""
        conn_id: str = self.engaging()[place].conn_id
        self.switch.call_event(E.QUEUED, conn_id, QUEUE)
        self.switch.connected(conn_id, dn)
        self.switch.call_event(E.ESTABLISHED, conn_id, TRUNK)
        self.bench.pass_(0)
        return conn_id

    def answered(self, place: int = -1, call_state: int = 0) -> str:
        """A customer who was dialed picks up; the ConnID."""
        conn_id: str = self.switch.dialed[place].conn_id
        self.switch.call_event(E.ESTABLISHED, conn_id, TRUNK, call_state)
        self.bench.pass_(0)
        return conn_id


# -- seizing --------------------------------------------------------------------------------------------------------------

def test_with_seizing_agents_come_first_and_customers_are_dialed_for_those_who_are_engaged() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.bench.ready(*DNS[:2])
    made = flow.switch.of("make_call")
    assert [(one.dn, one.destination) for one in made] == [(TRUNK, QUEUE)] * 2 and not flow.switch.dialed
    assert all(one.guid.startswith(ENGAGING) and len(one.guid) == 32 for one in made)
    flow.engage()
    assert len(flow.switch.dialed) == 1 and flow.session.engagements.free == 1 and flow.session.engagements.coming == 1
    flow.engage(1, DNS[1])
    assert len(flow.switch.dialed) == 2


def test_a_customer_is_joined_with_the_agent_who_waits_longest() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.bench.ready(*DNS[:2])
    engaged, other = flow.engage(), flow.engage(1, DNS[1])
    customer = flow.answered(0)
    (joined,) = flow.switch.of("merge_calls")
    assert (joined.dn, joined.conn_id, joined.destination) == (TRUNK, customer, engaged)
    flow.switch.call_event(E.RELEASED, engaged, TRUNK, 1)
    flow.switch.call_event(E.RELEASED, customer, TRUNK, 1)
    flow.switch.call_event(E.PARTY_CHANGED, customer, DNS[0])
    held = flow.bench.of_conn(customer)
    assert held.agent_dn == DNS[0] and held.call.talked
    assert [one.engagement.conn_id for one in flow.session.engagements._all.values()] == [other]
    flow.switch.over(customer, DNS[0])
    assert flow.session.results[CallResult.ANSWER] == 1


def test_a_customer_who_is_not_reached_leaves_the_agent_engaged_for_the_next() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.bench.ready(DNS[0])
    flow.engage()
    flow.switch.over(flow.switch.dialed[0].conn_id, call_state=7)
    flow.bench.pass_(1)
    assert len(flow.switch.dialed) == 2 and flow.session.engagements.free == 1 and len(flow.engaging()) == 1


def test_a_customer_for_whom_nobody_is_engaged_is_dropped_and_hears_why_where_that_is_configured() -> None:
    for announcement in ("", "sorry"):
        flow = Flow(bench(DialingMode.PREDICTIVE_SEIZING, predictive_ratio=2.0, pacing=FIXED, asm_drop_announcement=announcement))
        flow.bench.ready(DNS[0])
        flow.engage()
        assert len(flow.switch.dialed) == 2
        flow.answered(0)
        late = flow.answered(1)
        assert len(flow.switch.of("merge_calls")) == 1
        if announcement:
            (said,) = flow.switch.of("apply_treatment")
            assert (said.conn_id, said.destination, said.user_data) == (late, "7", (("PROMPT", "sorry"),))
            flow.switch.call_event(E.TREATMENT_APPLIED, late, TRUNK)
            flow.switch.over(late, call_state=5)
        assert flow.session.results[CallResult.DROPPED] == 1
        assert [one.conn_id for one in flow.switch.of("release_call")] == ([] if announcement else [late])


def test_an_announcement_that_is_over_ends_the_call() -> None:
    flow = Flow(bench(DialingMode.PREDICTIVE_SEIZING, predictive_ratio=2.0, pacing=FIXED, asm_drop_announcement="sorry"))
    flow.bench.ready(DNS[0])
    flow.engage()
    flow.answered(0)
    late = flow.answered(1)
    flow.switch.call_event(E.TREATMENT_APPLIED, late, TRUNK)
    flow.switch.call_event(E.TREATMENT_END, late, TRUNK)
    assert [one.conn_id for one in flow.switch.of("release_call")] == [late]
    assert flow.session.results[CallResult.DROPPED] == 1


def test_a_join_that_the_switch_refuses_is_tried_with_the_next_agent() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.bench.ready(*DNS[:2])
    bad, good = flow.engage(), flow.engage(1, DNS[1])
    flow.switch.silent.add("merge_calls")
    flow.answered(0)
    flow.switch.silent.discard("merge_calls")
    flow.switch.refuse(flow.switch.of("merge_calls")[0], 1712)
    assert [one.destination for one in flow.switch.of("merge_calls")] == [bad, good]
    assert bad in [one.conn_id for one in flow.switch.of("release_call")]


def test_agents_are_engaged_only_while_there_are_records_and_channels_and_the_session_runs() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING, records=1))
    flow.bench.ready(*DNS[:3])
    assert len(flow.engaging()) == 1
    limited = Flow(bench(DialingMode.PROGRESSIVE_SEIZING, asm_channel_num=2))
    limited.bench.ready(*DNS[:3])
    assert len(limited.engaging()) == 2
    limited.engage()
    limited.session.stop()
    limited.bench.pass_(2)
    assert not limited.engaging() and not len(limited.session.engagements)


def test_an_agent_who_does_not_come_in_time_is_given_up() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING, call_wait_agent_connected_timeout_s=20.0))
    flow.bench.ready(DNS[0])
    (first_try,) = flow.engaging()
    flow.switch.call_event(E.QUEUED, first_try.conn_id, QUEUE)
    flow.bench.pass_(21)
    assert first_try.conn_id in [one.conn_id for one in flow.switch.of("release_call")] and len(flow.switch.of("make_call")) == 2


def test_a_switch_that_refuses_to_engage_pauses_the_session() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.switch.silent.add("make_call")
    flow.bench.ready(DNS[0])
    flow.switch.refuse(flow.switch.of("make_call")[0], 166)
    flow.bench.pass_(5)
    assert len(flow.switch.of("make_call")) == 1 and "no agent can be engaged" in flow.session.trouble
    flow.bench.pass_(10)
    assert len(flow.switch.of("make_call")) == 2


def test_after_a_loss_of_the_link_engaged_agents_go_on_and_orphans_of_an_earlier_run_are_released() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING))
    flow.bench.ready(*DNS[:2])
    kept, gone = flow.engage(), flow.engage(1, DNS[1])
    customer = flow.answered(0)
    flow.switch.go_down()
    flow.switch.calls.pop(gone)
    orphan = flow.switch.of("make_call")[0]
    flow.switch.calls["00000000000000ff"] = type(orphan)("make_call", TRUNK, user_data=(
        ("GSW_CALL_ATTEMPT_GUID", ENGAGING + "X" * 24),))
    flow.switch.go_up()
    assert "00000000000000ff" in [one.conn_id for one in flow.switch.of("release_call")]
    merges = flow.switch.of("merge_calls")
    assert [(one.conn_id, one.destination) for one in merges[-1:]] == [(customer, kept)]
    states = [one.engagement.state for one in flow.session.engagements._all.values()]
    assert states == [EngagementState.JOINING]


# -- assured connection ---------------------------------------------------------------------------------------------------

def test_an_assured_call_engages_an_agent_with_the_records_data_before_the_customer_is_dialed() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE, records=3, assured_connect=True))
    flow.bench.ready(DNS[0])
    (engaging,) = flow.switch.of("make_call")
    assert first(engaging.user_data, "GSW_PHONE") and first(engaging.user_data, "GSW_RECORD_HANDLE") is None
    assert not flow.switch.dialed
    engaged = flow.engage()
    assert len(flow.switch.dialed) == 1
    customer = flow.answered()
    (joined,) = flow.switch.of("merge_calls")
    assert (joined.conn_id, joined.destination) == (customer, engaged)


def test_an_assured_agent_is_let_go_when_the_customer_is_not_reached() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE, records=3, assured_connect=True))
    flow.bench.ready(DNS[0])
    engaged = flow.engage()
    flow.switch.over(flow.switch.dialed[0].conn_id, call_state=7)
    assert engaged in [one.conn_id for one in flow.switch.of("release_call")]


def test_without_an_agent_an_assured_record_is_not_dialed_and_comes_next_again() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE, records=1, assured_connect=True, call_wait_agent_connected_timeout_s=10.0))
    flow.bench.ready(DNS[0])
    flow.bench.pass_(11)
    assert not flow.switch.dialed and len(flow.switch.of("make_call")) == 2
    assert flow.bench.state() is ChainState.OPENING and flow.bench.record().record_status is RecordStatus.RETRIEVED


# -- applications of the IVR -----------------------------------------------------------------------------------------------

def test_progressive_gvp_keeps_the_ports_of_the_ivr_busy_without_any_agent() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_GVP, ivr_profile="survey", maximum_ports=3, voice_transfer_destination=""))
    flow.bench.pass_(2)
    assert len(flow.switch.dialed) == 3
    conn_id = flow.answered(0)
    (led,) = flow.switch.of("apply_treatment")
    assert (led.dn, led.conn_id, led.destination, led.user_data) == (TRUNK, conn_id, "13", (("APP_ID", "survey"),))
    flow.switch.call_event(E.TREATMENT_APPLIED, conn_id, TRUNK)
    flow.bench.pass_(120)
    assert conn_id in flow.switch.calls
    flow.switch.call_event(E.TREATMENT_END, conn_id, TRUNK)
    assert flow.session.results[CallResult.ANSWER] == 1         # it leads to no agents: released
    flow.bench.pass_(2)
    assert len([one for one in flow.switch.dialed if one.conn_id in flow.switch.calls]) == 3


def test_an_application_that_leads_to_agents_is_followed_by_the_transfer() -> None:
    flow = Flow(bench(DialingMode.PREDICTIVE_GVP, ivr_profile="survey", predictive_ratio=2.0, pacing=FIXED))
    flow.bench.ready(DNS[0])
    assert len(flow.switch.dialed) == 2
    conn_id = flow.answered(0)
    flow.switch.call_event(E.TREATMENT_APPLIED, conn_id, TRUNK)
    flow.switch.call_event(E.TREATMENT_END, conn_id, TRUNK)
    assert [(one.conn_id, one.destination) for one in flow.switch.of("transfer_call")] == [(conn_id, QUEUE)]


def test_power_gvp_keeps_the_configured_number_of_calls_in_progress() -> None:
    flow = Flow(bench(DialingMode.POWER_GVP, ivr_profile="survey", maximum_queue_size=4, voice_transfer_destination=""))
    flow.bench.pass_(2)
    assert len(flow.switch.dialed) == 4
    flow.switch.over(flow.switch.dialed[0].conn_id, call_state=6)
    flow.bench.pass_(1)
    assert len(flow.switch.dialed) == 5


def test_an_application_that_cannot_be_applied_is_a_transfer_error() -> None:
    flow = Flow(bench(DialingMode.POWER_GVP, ivr_profile="none", maximum_queue_size=1, voice_transfer_destination=""))
    flow.bench.pass_(1)
    flow.switch.silent.add("apply_treatment")
    flow.answered()
    flow.switch.refuse(flow.switch.of("apply_treatment")[0], 59)
    assert flow.session.results[CallResult.TRANSFER_ERROR] == 1


# -- transfers --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", CallTransfer)
def test_the_transfer_is_made_in_as_many_steps_as_configured(kind: CallTransfer) -> None:
    flow = Flow(bench(DialingMode.PREDICTIVE, call_transfer_type=kind))
    flow.bench.ready(DNS[0])
    flow.answered(0)
    assert [one.two_step for one in flow.switch.of("transfer_call")] == [kind is CallTransfer.TWO_STEP]


def test_who_waits_too_long_in_the_queue_is_dropped() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE, call_wait_in_queue_timeout_s=15.0))
    flow.bench.ready(DNS[0])
    conn_id = flow.answered(0)
    flow.switch.call_event(E.QUEUED, conn_id, QUEUE)
    flow.bench.pass_(14)
    assert not flow.switch.of("release_call")
    flow.bench.pass_(2)
    assert [(one.dn, one.conn_id) for one in flow.switch.of("release_call")] == [(QUEUE, conn_id)]
    assert flow.session.results[CallResult.DROPPED] == 1


def test_what_the_group_wants_the_switch_to_know_goes_with_each_call() -> None:
    told = (("call_answer_type_recognition", "no_am_detection"), ("call_timeguard_timeout", 2_000))
    flow = Flow(bench(DialingMode.PROGRESSIVE, dial_extensions=told))
    flow.bench.ready(DNS[0])
    assert flow.switch.dialed[0].extensions == told


# -- the CPD Server ---------------------------------------------------------------------------------------------------------

def test_a_group_of_the_cpd_server_is_dialed_by_it_and_only_while_it_is_there() -> None:
    from tests.doubles.switch import FakeSwitch
    made = Bench([record(n) for n in range(1, 6)], running=False, cpd=True)
    cpd = made.context.cpd = FakeSwitch(made.clock)
    made.up()
    made.begin()
    made.ready(DNS[0])
    assert not cpd.dialed and made.session.loop.condition is Condition.SYSTEM_ERROR
    assert made.session.why_not == "no link to the CPD Server"
    cpd.add_listener(_CpdListener(made.engine))
    cpd.go_up()
    made.pass_(1)
    assert len(cpd.dialed) == 1 and not made.switch.dialed and CPD_ORIGIN not in made.switch.watched
    conn_id = cpd.dialed[0].conn_id
    cpd.call_event(E.ESTABLISHED, conn_id, CPD_ORIGIN)
    assert [(one.conn_id, one.destination) for one in cpd.of("transfer_call")] == [(conn_id, QUEUE)]
    made.switch.calls[conn_id] = cpd.dialed[0]
    made.switch.call_event(E.QUEUED, conn_id, QUEUE)
    cpd.calls.clear()
    cpd.go_down()
    cpd.go_up()         # the call has left the CPD Server: that it does not know it is as it should be
    assert len(made.session.calls) == 1
    made.switch.connected(conn_id, DNS[0])
    made.switch.over(conn_id, DNS[0])
    assert made.session.results[CallResult.ANSWER] == 1


def test_calls_that_the_cpd_server_lost_are_unknown_and_those_of_the_switch_are_not_asked_of_it() -> None:
    from tests.doubles.switch import FakeSwitch
    made = Bench([record(n) for n in range(1, 6)], running=False, cpd=True)
    cpd = made.context.cpd = FakeSwitch(made.clock)
    cpd.add_listener(_CpdListener(made.engine))
    made.up()
    cpd.go_up()
    made.begin()
    made.ready(DNS[0])
    made.switch.go_down()
    made.switch.go_up()
    assert len(made.session.calls) == 1
    cpd.go_down()
    cpd.calls.clear()
    cpd.go_up()
    assert made.session.results[CallResult.UNKNOWN] == 1


class _CpdListener:
    """The engine, as the CPD Server's link tells it."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.switch_up, self.switch_down, self.call_event = engine.cpd_up, engine.cpd_down, engine.call_event


# -- modes on one group, and changes of the mode ----------------------------------------------------------------------------

def test_two_modes_that_compete_for_the_same_agents_do_not_run_together() -> None:
    from dataclasses import replace

    from ocs.scheduler.engine import Engine
    made = Bench(running=False)
    rival = replace(made.group, campaign="other", campaign_dbid=2, mode=DialingMode.PREDICTIVE)
    preview = replace(made.group, campaign="third", campaign_dbid=3, mode=DialingMode.PREVIEW)
    made.engine = Engine(made.context, {one.name: one for one in (made.group, rival, preview)})
    made.up()
    for session in made.engine.sessions.values():
        made.wait(session.load())
    one, other, third = made.engine.sessions.values()
    one.start()
    third.start()
    with pytest.raises(WrongState, match=f"{one.group.name} is dialed for the same agents, in mode progressive"):
        other.start()
    one.stop()
    other.start()


def test_predictive_and_progressive_change_into_each_other_while_running_and_preview_does_not() -> None:
    from dataclasses import replace
    made = bench(DialingMode.PROGRESSIVE)
    made.ready(DNS[0])
    assert len(made.switch.dialed) == 1
    made.wait(made.session.reconfigure(replace(made.group, mode=DialingMode.PREDICTIVE, predictive_ratio=2.0, pacing=FIXED)))
    made.pass_(1)
    assert len(made.switch.dialed) == 2
    with pytest.raises(WrongState, match="mode"):
        made.wait(made.session.reconfigure(replace(made.group, mode=DialingMode.PREVIEW)))


def test_an_engaging_call_whose_outcome_nobody_knows_is_given_up_in_time() -> None:
    flow = Flow(bench(DialingMode.PROGRESSIVE_SEIZING, call_wait_agent_connected_timeout_s=20.0))
    flow.switch.silent.add("make_call")
    flow.bench.ready(DNS[0])
    assert len(flow.session.engagements) == 1
    flow.bench.pass_(21)
    late = flow.switch.of("make_call")[0]
    assert late.guid not in flow.session.engagements.guids
    flow.switch.silent.discard("make_call")
    conn_id = flow.switch.grant(late, tell=False)
    assert conn_id in [one.conn_id for one in flow.switch.of("release_call")]


def test_a_call_that_its_application_has_sent_on_is_left_where_it_waits() -> None:
    made = bench(DialingMode.PREDICTIVE_GVP, ivr_profile="survey")
    made.ready("7001")
    asked = made.switch.dialed[0]
    made.switch.call_event(E.ESTABLISHED, asked.conn_id, TRUNK)
    made.switch.call_event(E.TREATMENT_APPLIED, asked.conn_id, TRUNK)
    made.switch.silent.add("transfer_call")
    made.switch.call_event(E.TREATMENT_END, asked.conn_id, TRUNK)
    made.switch.call_event(E.QUEUED, asked.conn_id, QUEUE)
    made.switch.refuse(made.switch.of("transfer_call")[0], 56)
    made.pass_(0)
    call = made.of_conn(asked.conn_id).call
    assert call is not None and not call.transfer_failed and made.switch.of("release_call") == []


def test_who_waited_too_long_behind_a_trunk_group_was_dropped() -> None:
    made = bench(DialingMode.PROGRESSIVE, call_wait_in_queue_timeout_s=10.0)
    made.ready("7001")
    asked = made.switch.dialed[0]
    made.switch.call_event(E.ESTABLISHED, asked.conn_id, TRUNK)
    made.switch.call_event(E.QUEUED, asked.conn_id, QUEUE)
    made.switch.call_event(E.RELEASED, asked.conn_id, TRUNK, 1)         # it went elsewhere
    made.switch.silent.add("release_call")
    made.pass_(12.0)
    assert [each.dn for each in made.switch.of("release_call")] == [QUEUE]
    made.switch.call_event(E.RELEASED, asked.conn_id, QUEUE, int(CallResult.DROPPED))
    made.pass_(1.0)
    assert made.session.results[CallResult.DROPPED] == 1
