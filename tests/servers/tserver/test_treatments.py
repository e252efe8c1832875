"""Treatments: what a call at a trunk group or routing point hears, and what it is asked. Source: docs/wire.md, section 9.6."""
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.simulator import SimulatedNetwork
from ocs.servers.tserver.simulator_options import SimulatorOptions
from protocols.tserver.messages import CallState
from tests.doubles.clock import VirtualClock
from tests.servers.tserver.world import CUSTOMER, LOST_ROUTE, QUEUE, ROUTE, TRUNK, Client, World

SURVEY = {"name": "survey", "step": [
    {"name": "greeting", "play": "welcome", "seconds": 4, "collect": 1, "digits": ["1=agent", "9=enough", "=again"],
     "next": "enough"},
    {"name": "again", "play": "please choose", "collect": 1, "digits": ["1=agent"], "next": "enough"},
    {"name": "agent", "set": ["Wants=an agent"], "transfer": QUEUE},
    {"name": "enough", "post": "http://127.0.0.1:1/records/{GSW_RECORD_HANDLE}?req=DoNotCall",
     "body": '{"pressed": "{digits}", "phone": "{GSW_PHONE}"}', "failed": "sorry", "hang_up": True},
    {"name": "sorry", "play": "sorry", "next": "sorry2"}, {"name": "sorry2", "play": "bye"}]}
GSW = (("GSW_RECORD_HANDLE", 7), ("GSW_PHONE", CUSTOMER))


def answered(world: World, origin: str = TRUNK) -> tuple[Client, str]:
    """A client whose predictive call was answered and waits at its origin."""
    ocs = Client(world, "ocs").watch(TRUNK, ROUTE, LOST_ROUTE, QUEUE)
    conn_id = world.predictive(ocs, origin, UserData=GSW)
    world.network.listener.answered(world.network.leg, CallState.OK)
    ocs.news()
    world.network.heard.clear()
    return ocs, conn_id


def apply(client: Client, conn_id: str, kind: int, dn: str = TRUNK, **parameters: Any) -> Any:
    return client.ask("RequestApplyTreatment", ThisDN=dn, ConnID=conn_id, TreatmentType=kind,
                      TreatmentParms=tuple(parameters.items()))


def test_an_announcement_is_applied_played_and_ends_and_the_call_stays() -> None:
    world = World()
    ocs, conn_id = answered(world)
    assert apply(ocs, conn_id, 7, PROMPT="hello", DURATION=5).name == "EventTreatmentApplied"
    assert world.network.heard == [("play", world.network.leg, "hello")]
    ocs.news()
    world.network.listener.media_done(world.network.leg)
    end, = ocs.news()
    assert (end.name, end.reference_id, end.get("TreatmentType"), end.get("CollectedDigits")) == ("EventTreatmentEnd", 0, 7, "")
    assert conn_id in world.server.board.calls and not len(world.server.treatments)
    world.assert_consistent()


def test_digits_are_asked_for_after_the_prompt_and_told_at_the_end() -> None:
    world = World()
    ocs, conn_id = answered(world)
    apply(ocs, conn_id, 8, PROMPT="your choice", MAX_DIGITS="2")
    leg = world.network.leg
    world.network.listener.media_done(leg)
    world.network.listener.digits(leg, "42")
    assert [step[0] for step in world.network.heard] == ["play", "collect", "silence"]
    assert ocs.news()[-1].get("CollectedDigits") == "42"


@pytest.mark.parametrize("digits, then", [
    (["1"], "transferred"), (["", "1"], "transferred"), (["9"], "posted"), (["", ""], "posted"), (["5"], "posted")])
def test_an_application_goes_where_the_digits_lead(digits: list[str], then: str) -> None:
    posted: list[tuple[str, bytes]] = []
    sent: Deferred[bool] = Deferred()

    def post(uri: str, body: bytes) -> Deferred[bool]:
        posted.append((uri, body))
        return sent

    world = World({"ivr_application": [SURVEY]})
    world.server.treatments._post = post
    ocs, conn_id = answered(world)
    apply(ocs, conn_id, 13, APP_ID="survey")
    leg = world.network.leg
    for pressed in digits:
        world.network.listener.media_done(leg)
        world.network.listener.digits(leg, pressed)
    if then == "transferred":
        call = world.server.board.calls[conn_id]
        assert ("Wants", "an agent") in call.user_data and {party.name for party in call.parties} == {QUEUE, CUSTOMER}
        assert [event[:2] for event in ocs.events()][-4:] == [
            ("AttachedDataChanged", TRUNK), ("TreatmentEnd", TRUNK), ("Queued", QUEUE), ("Released", TRUNK)]
        assert not posted
    else:
        assert posted == [("http://127.0.0.1:1/records/7?req=DoNotCall",
                           b'{"pressed":"%s","phone":"%s"}' % (digits[-1].encode(), CUSTOMER.encode()))]
        assert conn_id in world.server.board.calls
        sent.callback(True)
        assert conn_id not in world.server.board.calls and not len(world.server.treatments)
    world.assert_consistent()


def test_a_failed_post_leads_to_the_step_for_it() -> None:
    world = World({"ivr_application": [SURVEY]})
    ocs, conn_id = answered(world)
    apply(ocs, conn_id, 13, APP_ID="survey")
    leg = world.network.leg
    world.network.listener.media_done(leg)
    world.network.listener.digits(leg, "9")         # without a network every POST fails
    assert world.network.heard[-1] == ("play", leg, "sorry")
    world.network.listener.media_done(leg)
    world.network.listener.media_done(leg)
    assert ocs.news()[-1].name == "EventTreatmentEnd" and conn_id in world.server.board.calls


def test_an_application_in_a_circle_is_ended() -> None:
    world = World({"ivr_application": [{"name": "mill", "step": [{"name": "round", "play": "la", "next": "round"}]}]})
    ocs, conn_id = answered(world)
    apply(ocs, conn_id, 13, APP_ID="mill")
    for _ in range(200):
        assert len(world.server.treatments) == 1
        world.network.listener.media_done(world.network.leg)
    assert not len(world.server.treatments) and ocs.news()[-1].name == "EventTreatmentEnd"


def test_another_treatment_takes_the_place_of_the_first() -> None:
    world = World()
    ocs, conn_id = answered(world)
    apply(ocs, conn_id, 2)
    ocs.news()
    apply(ocs, conn_id, 7, PROMPT="hello")
    assert [message.name for message in ocs.news()] == ["EventTreatmentEnd", "EventTreatmentApplied"]
    assert [step[0] for step in world.network.heard] == ["play", "silence", "play"]


def test_a_call_that_ends_or_moves_on_takes_its_treatment_with_it() -> None:
    for leave in ("hang up", "transfer", "release"):
        world = World()
        ocs, conn_id = answered(world)
        apply(ocs, conn_id, 2, DURATION=600)
        if leave == "hang up":
            world.network.hang_up(world.network.leg)
        elif leave == "transfer":
            ocs.ask("RequestSingleStepTransfer", ThisDN=TRUNK, ConnID=conn_id, OtherDN=QUEUE)
        else:
            ocs.ask("RequestReleaseCall", ThisDN=TRUNK, ConnID=conn_id)
        assert not len(world.server.treatments) and "EventTreatmentEnd" not in [one.name for one in ocs.news()]
        world.network.listener.media_done("gone")
        world.assert_consistent()


def test_a_routing_point_waits_for_instructions_again_after_a_treatment() -> None:
    world = World(route_timeout_s=10)
    ocs, conn_id = answered(world, LOST_ROUTE)
    apply(ocs, conn_id, 2, LOST_ROUTE)
    world.clock.advance(60)
    assert conn_id in world.server.board.calls
    world.network.listener.media_done(world.network.leg)
    world.clock.advance(9)
    assert conn_id in world.server.board.calls
    world.clock.advance(2)
    assert conn_id not in world.server.board.calls


def test_what_cannot_be_applied_is_refused_by_name() -> None:
    world = World({"ivr": {"ports": 1}})
    ocs, conn_id = answered(world)

    def refused(kind: Any, dn: str = TRUNK, call: str = conn_id, **parameters: Any) -> tuple[int, str]:
        return ocs.refused("RequestApplyTreatment", ThisDN=dn, ConnID=call, TreatmentType=kind,
                           TreatmentParms=tuple(parameters.items()))

    assert refused(99) == (51, "TreatmentType")
    assert refused("2") == (53, "TreatmentType")
    assert refused(13, APP_ID="nothing") == (59, "TreatmentParms.APP_ID")
    assert refused(7, DURATION=0) == (53, "TreatmentParms.DURATION")
    assert refused(6, MAX_DIGITS="many") == (53, "TreatmentParms.MAX_DIGITS")
    assert refused(2, QUEUE) == (128, "ThisDN")
    ringing = world.predictive(ocs, TRUNK)
    assert refused(2, call=ringing) == (1712, "ConnID")
    assert apply(ocs, conn_id, 2).name == "EventTreatmentApplied"
    world.network.listener.answered(world.network.leg, CallState.OK)
    assert refused(2, call=ringing) == (166, "1 treatments at work, the limit")
    world.stop()


def test_a_simulated_person_listens_presses_what_was_offered_and_loses_patience_in_time() -> None:
    clock = VirtualClock()
    network = SimulatedNetwork(clock, load(SimulatorOptions, {"person": 1, "machine": 0, "busy": 0, "invalid": 0, "fax": 0}))
    told: dict[str, list[Any]] = {}

    class Listener:
        def __getattr__(self, name: str) -> Any:
            return lambda leg, *rest: told.setdefault(leg, []).append((name, *rest))

    network.start(Listener())
    for number in range(60):
        network.place(f"{number}", f"+1555010{number:04}", 600.0, TRUNK, ())
    clock.advance(200)
    fresh = [leg for leg, events in told.items() if events[-1][0] == "answered"]
    assert not fresh        # whom nobody speaks to hangs up
    for number in range(60):
        network.place(f"again-{number}", f"+1555010{number:04}", 600.0, TRUNK, ())
    pressed: list[str] = []
    for _ in range(2_000):
        clock.advance(0.5)
        for leg, events in told.items():
            if events[-1] == ("answered", CallState.OK):
                events.append("asked")
                network.play(leg, "press one or nine", 4.0)
            elif events[-1] == ("media_done",):
                events.append("listening")
                network.collect(leg, "19", 1, 10.0)
    pressed = [events[-2][1] for events in told.values() if events[-2][0] == "digits"]
    assert set(pressed) == {"1", "9", ""} and all(events[-1] == ("remote_released",) for events in told.values())
    assert not len(network) and not clock.getDelayedCalls()


@pytest.mark.parametrize("application, fault", [
    ({"name": "a"}, "ivr_application[1].step: there is none"),
    ({"name": "a", "step": [{"name": "x", "next": "y"}]}, "there is no step 'y'"),
    ({"name": "a", "step": [{"name": "x", "digits": ["1=x"]}]}, "nothing is collected"),
    ({"name": "a", "step": [{"name": "x", "collect": 1, "digits": ["1"]}]}, "'1' is not DIGITS=step"),
    ({"name": "a", "step": [{"name": "x", "post": "ftp://x"}]}, "post"),
    ({"name": "a", "step": [{"name": "x", "body": "{"}]}, "body"),
    ({"name": "a", "step": [{"name": "x", "transfer": QUEUE, "hang_up": True}]}, "hang_up"),
    ({"name": "a", "step": [{"name": "x", "set": ["=3"]}]}, "set")])
def test_a_faulty_application_is_refused_by_name(application: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(TServerOptions, {"ivr_application": [application]})
    assert fault in str(refused.value)
