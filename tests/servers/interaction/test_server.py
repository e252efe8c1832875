"""The Interaction Server: from the submission to the end, and whatever goes wrong in between."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from ocs.errors import ConfigurationError
from ocs.options import load, load_file, sample
from ocs.servers.interaction.config import InteractionServerOptions
from protocols.interaction.messages import MEDIA_TYPE
from protocols.message_server import IMessageService
from tests.servers.interaction.world import QUEUE, Client, World

SAMPLE = Path(__file__).resolve().parents[3] / "etc" / "ocs-interaction.toml"


def test_the_sample_is_what_the_options_say() -> None:
    title = SAMPLE.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert SAMPLE.read_text(encoding="utf-8") == sample(InteractionServerOptions, title)
    load_file(InteractionServerOptions, SAMPLE)
    assert verifyObject(IMessageService, World().service)


def test_an_interaction_is_offered_accepted_and_ends_with_everybody_told() -> None:
    world = World()
    ocs, desk = Client(world), Client(world, "desk")
    one = ocs.submit()
    desk.seat()
    assert desk.news() == [("EventInvite", one, "1001")] and ocs.news() == [("EventAgentInvited", one, "1001")]
    assert desk.ask("RequestAccept", AgentID="1001", InteractionID=one).name == "EventAck"
    assert ocs.news() == [("EventAccepted", one, "1001")]
    world.clock.advance(100)
    assert ocs.ask("RequestStopProcessing", InteractionID=one).name == "EventAck"
    assert desk.news() == ocs.news() == [("EventProcessingStopped", one, "1001")]
    assert not world.service.queues.interactions
    world.check()


def test_the_oldest_goes_to_the_agent_who_waits_longest_one_at_a_time() -> None:
    world = World()
    ocs, desk = Client(world), Client(world, "desk")
    desk.seat("1002")
    desk.seat("1001")
    first, second, third = ocs.submit(1), ocs.submit(2), ocs.submit(3)
    assert desk.news() == [("EventInvite", first, "1002"), ("EventInvite", second, "1001")]
    desk.ask("RequestAccept", AgentID="1001", InteractionID=second)
    desk.ask("RequestStopProcessing", InteractionID=second)
    assert desk.news() == [("EventProcessingStopped", second, "1001"), ("EventInvite", third, "1001")]
    world.check()


def test_who_rejects_is_not_asked_again_and_the_next_one_is() -> None:
    world = World()
    ocs, desk = Client(world), Client(world, "desk")
    desk.seat("1001")
    desk.seat("1002")
    one = ocs.submit()
    desk.news(), ocs.news()
    desk.ask("RequestReject", AgentID="1001", InteractionID=one)
    assert ocs.news() == [("EventRejected", one, "1001"), ("EventAgentInvited", one, "1002")]
    assert desk.news() == [("EventInvite", one, "1002")]
    world.check()


def test_an_invitation_that_nobody_answers_is_revoked() -> None:
    world = World(invite_timeout_s=20)
    ocs, desk = Client(world), Client(world, "desk")
    desk.seat()
    one = ocs.submit()
    desk.news(), ocs.news()
    world.clock.advance(21)
    assert desk.news() == [("EventRevoked", one, "1001")] and ocs.news() == [("EventRejected", one, "1001")]
    assert desk.ask("RequestAccept", AgentID="1001", InteractionID=one).get("ErrorCode") == 1712
    assert desk.ask("RequestReadyForMedia", AgentID="1001", MediaType=MEDIA_TYPE).name == "EventReadyForMedia"
    assert desk.news() == [("EventInvite", one, "1001")]
    world.check()


def test_what_an_agent_had_who_leaves_waits_again_in_front() -> None:
    for leave in ("log out", "lose"):
        world = World()
        ocs, desk, other = Client(world), Client(world, "desk"), Client(world, "other")
        desk.seat()
        one, two = ocs.submit(1), ocs.submit(2)
        desk.ask("RequestAccept", AgentID="1001", InteractionID=one)
        ocs.news()
        if leave == "lose":
            desk.client.closed()
        else:
            assert desk.ask("RequestAgentLogout", AgentID="1001").name == "EventAgentLogout"
        assert ocs.news() == [("EventAgentLogout", one, "1001")]
        other.seat("1002")
        assert other.news() == [("EventInvite", one, "1002")] and two in world.service.queues.interactions
        world.check()


def test_a_submitter_that_comes_back_in_time_finds_its_interactions() -> None:
    world = World(submitter_grace_s=30)
    ocs, desk = Client(world), Client(world, "desk")
    one, two = ocs.submit(1), ocs.submit(2)
    desk.seat()
    ocs.client.closed()
    world.real.advance(29)
    back = Client(world)
    world.real.advance(60)
    assert back.ask("RequestQueryInteractions").get("Extensions") == (
        ("interactions", 2), ("id-1", one), ("state-1", "invited"), ("agent-1", "1001"), ("id-2", two), ("state-2", "queued"),
        ("agent-2", ""))
    desk.news()
    back.client.closed()
    world.real.advance(31)
    assert not world.service.queues.interactions and desk.news() == [("EventProcessingStopped", one, "1001")]
    world.service.stop()
    assert not world.clock.getDelayedCalls() and not world.real.getDelayedCalls()


def test_user_events_go_between_the_agent_and_the_submitter() -> None:
    world = World()
    ocs, desk = Client(world), Client(world, "desk")
    desk.seat()
    one = ocs.submit()
    desk.ask("RequestAccept", AgentID="1001", InteractionID=one)
    desk.news(), ocs.news()
    asked = (("GSW_AGENT_REQ_TYPE", "RecordProcessed"),)
    assert desk.ask("RequestDistributeUserEvent", AgentID="1001", InteractionID=one, UserData=asked).name == "EventAck"
    event = ocs.heard.pop()
    assert (event.name, event.get("AgentID"), event.user_data) == ("EventUserEvent", "1001", asked)
    assert ocs.ask("RequestDistributeUserEvent", AgentID="1001", UserData=(("GSW_USER_EVENT", "x"),)).name == "EventAck"
    assert desk.heard.pop().name == "EventUserEvent"
    assert ocs.ask("RequestDistributeUserEvent", AgentID="9", UserData=()).get("ErrorCode") == 53


def test_changed_user_data_reaches_the_agent() -> None:
    world = World()
    ocs, desk = Client(world), Client(world, "desk")
    desk.seat()
    one = ocs.submit()
    desk.news()
    ocs.ask("RequestChangeProperties", InteractionID=one, UserData=(("GSW_ATTEMPTS", 2),))
    assert desk.heard.pop().user_data == (("GSW_RECORD_HANDLE", 1), ("GSW_ATTEMPTS", 2))


@pytest.mark.parametrize("name, attributes, code, word", [
    ("RequestSubmit", {"Queue": "nowhere", "MediaType": MEDIA_TYPE, "UserData": ()}, 59, "Queue"),
    ("RequestStopProcessing", {"InteractionID": "0"}, 53, "InteractionID"),
    ("RequestAccept", {"AgentID": "1001", "InteractionID": "0"}, 1707, "AgentID"),
    ("RequestAgentLogin", {"AgentID": "9", "MediaTypes": ["x"]}, 1703, "AgentID"),
    ("RequestAgentLogin", {"AgentID": "1001", "MediaTypes": []}, 53, "MediaTypes"),
    ("RequestReadyForMedia", {"AgentID": "1002", "MediaType": "chat"}, 53, "MediaType"),
    ("RequestQueryInteractions", {"Extensions": (("first", 0),)}, 53, "Extensions.first")])
def test_bad_requests_are_refused_by_name(name: str, attributes: dict[str, Any], code: int, word: str) -> None:
    world = World()
    client = Client(world)
    client.seat("1002", ready=False)
    answer = client.ask(name, **attributes)
    assert (answer.get("ErrorCode"), answer.get("ErrorMessage").split(":")[0]) == (code, word)
    world.check()


def test_queues_are_bounded_and_foreign_interactions_are_nobodys_business() -> None:
    world = World()
    ocs, other = Client(world), Client(world, "other")
    ids = [ocs.submit(number) for number in range(5)]
    assert ocs.ask("RequestSubmit", Queue=QUEUE, MediaType=MEDIA_TYPE, UserData=()).get("ErrorCode") == 166
    assert other.ask("RequestStopProcessing", InteractionID=ids[0]).get("ErrorCode") == 53
    assert other.ask("RequestChangeProperties", InteractionID=ids[0], UserData=()).get("ErrorCode") == 53
    assert other.ask("RequestQueryInteractions").get("Extensions") == (("interactions", 0),)


@pytest.mark.parametrize("changes, fault", [
    ({"queue": [{"name": "a"}, {"name": "a"}]}, "queue[2]"), ({"agent": [{"id": "1", "queues": ["b"]}]}, "agent[1].queues"),
    ({"agent": [{"id": "1", "password_hash": "x"}]}, "agent[1].password_hash")])
def test_a_faulty_configuration_is_named(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(InteractionServerOptions, changes)
    assert fault in str(refused.value)


STEPS = st.lists(st.tuples(st.sampled_from(["submit", "stop", "seat", "out", "ready", "not ready", "accept", "reject", "time",
                                            "lose"]), st.integers(0, 4)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_the_books_agree_and_every_request_is_answered_once(steps: list[tuple[str, int]]) -> None:
    world = World(invite_timeout_s=10)
    ocs, desk = Client(world), Client(world, "desk")
    ids: list[str] = ["0"]
    for word, number in steps:
        agent, one = ("1001", "1002", "1003")[number % 3], ids[-1 - number % len(ids)]
        if word == "submit":
            answer = ocs.ask("RequestSubmit", Queue=QUEUE, MediaType=MEDIA_TYPE, UserData=())
            ids += [answer.get("InteractionID")] if answer.name == "EventAck" else []
        elif word == "stop":
            (ocs if number % 2 else desk).ask("RequestStopProcessing", InteractionID=one)
        elif word == "seat":
            desk.ask("RequestAgentLogin", AgentID=agent, MediaTypes=[MEDIA_TYPE])
        elif word in ("ready", "not ready"):
            desk.ask("RequestReadyForMedia" if word == "ready" else "RequestNotReadyForMedia", AgentID=agent,
                     MediaType=MEDIA_TYPE)
        elif word in ("accept", "reject"):
            has = [(one.agent.id, one.id) for one in world.service.queues.interactions.values() if one.agent is not None]
            who, what = has[number % len(has)] if has else (agent, one)
            desk.ask("RequestAccept" if word == "accept" else "RequestReject", AgentID=who, InteractionID=what)
        elif word == "out":
            desk.ask("RequestAgentLogout", AgentID=agent)
        elif word == "time":
            world.clock.advance(6)
        else:
            desk.client.closed()
            desk = Client(world, "desk")
        world.check()
