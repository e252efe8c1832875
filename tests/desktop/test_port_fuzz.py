"""Mutated messages at the desktop port: each is answered once, nobody crashes, and legal requests are served afterwards. A
sample; a million with `make test-long`."""
from __future__ import annotations

import gc
import random
from typing import Any

import pytest

from ocs.desktop.port_values import PortLimits
from protocols.desktop.keys import CONTROL_KEYS
from protocols.desktop.port import VOCABULARY
from protocols.message import Message
from protocols.tserver.messages import ATTRIBUTE_TYPES
from tests.conftest import Logged
from tests.desktop.fuzz import SEEDS
from tests.desktop.port_world import DESK_PASSWORD, Desktop, PortWorld

NAMES = (*VOCABULARY.requests, "RequestRegisterClient", "RequestMakePredictiveCall", "EventRinging", "", "x" * 70)
ATTRIBUTES = (*ATTRIBUTE_TYPES, "UserData", "Reasons", "Extensions", "Unknown")
VALUES: tuple[Any, ...] = (
    "7001", "7002", "1001", "6001", "", "x" * 5_000, "+12125550001", "+1", 0, 1, 4, -1, 2 ** 40, 96, 1.5, True, None, b"\x00", [],
    ["a", [1]], {"a": 1}, (), (("a", "b"),), (("ReasonCode", 1),), (("nested", (("a", "b"),)),), DESK_PASSWORD, "\x00\udc80"[:1])


def message(rng: random.Random, reference_id: int) -> Message:
    """One that may or may not make sense."""
    name = rng.choice(NAMES)
    attributes: dict[str, Any] = {key: rng.choice(VALUES) for key in rng.sample(ATTRIBUTES, rng.randrange(5))}
    for key in VOCABULARY.requests.get(name, ()):
        if rng.random() < 0.8:
            attributes[key] = rng.choice(VALUES)
    if name == "RequestDistributeUserEvent" and rng.random() < 0.9:
        pairs = list(rng.choice(SEEDS))
        if pairs and rng.random() < 0.7:
            pairs[rng.randrange(len(pairs))] = (rng.choice(sorted(CONTROL_KEYS)), rng.choice(VALUES[:14]))
        attributes["UserData"] = tuple(pairs)
    if name == "RequestAgentLogin" and rng.random() < 0.5:
        attributes.update(ThisDN="7001", AgentPassword=DESK_PASSWORD)
    return Message(name, reference_id, attributes)


def play(count: int, seed: int, every: Any = lambda done: None) -> int:
    """So many messages on connections that come and go; how many were answered with more than a refusal."""
    rng, world = random.Random(seed), PortWorld(limits=PortLimits(requests_per_s=1e9, burst=10 ** 9), records=50)
    desktops: list[Desktop] = []
    served = 0
    for number in range(1, count + 1):
        if len(desktops) < 3:
            desktops.append(world.desktop(rng.choice(("1001", "1002", "crm"))))
        desktop = rng.choice(desktops)
        if rng.random() < 0.01 or desktop.client.refused:
            desktops.remove(desktop)
            desktop.client.closed()
            world.pass_(rng.choice((0.0, 5.0, 40.0)))
            continue
        desktop.heard.clear()
        if desktop.client.data.seat is None and rng.random() < 0.3:
            desktop.client.receive(Message("RequestAgentLogin", 0, {
                "ThisDN": rng.choice(("7001", "7002")), "AgentPassword": DESK_PASSWORD,
                **({"AgentID": "1002"} if desktop.client.application == "crm" else {})}))
            world.pass_(0.05)
        desktop.client.receive(message(rng, 1_000_000 + number))
        world.pass_(0.05)
        answers = [each for each in desktop.heard if each.reference_id == 1_000_000 + number]
        assert len(answers) == 1 or desktop.client.refused, (number, desktop.heard)
        served += bool(answers) and answers[0].name != "EventError"
        every(number)
    for desktop in desktops:
        desktop.client.closed()
    world.pass_(60)
    last = world.seated("1003", "7003")
    assert [event.name for event in last.request("CampaignStatusRequest")] == ["CampaignStarted"]
    assert last.ask("RequestMakeCall", OtherDN="+12125559999").name == "EventDialing"
    return served


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_comes_is_answered_once(seed: int) -> None:
    assert play(1_500, seed) > 25


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_a_million_messages(logged: Logged) -> None:
    alive: list[int] = []

    def every(done: int) -> None:
        logged.events.clear()
        if done % 50_000 == 0:
            gc.collect()
            alive.append(len(gc.get_objects()))

    play(1_000_000, 4, every)
    assert max(alive) < alive[0] + 20_000, f"what is alive has grown: {alive}"
