"""A virtual day with a Stat Server between the T-Server and the OCS, and links that are cut at random moments: while nothing
is known of the agents nothing is dialed, and everything is dialed in the end."""
from __future__ import annotations

import random
from typing import Any

import pytest
from twisted.internet.defer import succeed

from ocs.dialing.results import RecordStatus
from ocs.dialing.session import Condition
from ocs.lab.virtual import DirectClient
from ocs.links.statserver import StatServerAgentState
from ocs.options import load
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.server import StatService
from ocs.servers.statserver.tserver_source import TServerSource
from protocols.message_server import MessageServer
from tests.doubles.loopback import Loopback
from tests.scenarios.center import PASSWORD, Center


class Watched(Center):
    """The Stat Server has its own link to the T-Server, and the OCS one to the Stat Server; both can be cut."""

    def __post_init__(self) -> None:
        self.states_of = StatServerAgentState
        super().__post_init__()
        options = load(StatServerOptions, {
            "tserver": [{"name": "one", "dns": [f"7001-{7000 + self.agents}"]}],
            "agent": [{"id": str(1001 + number)} for number in range(self.agents)],
            "agent_group": [{"name": "sales", "agents": [str(1001 + number) for number in range(self.agents)]}]})
        self.picture = Picture(options.directory())
        self.stat_server = MessageServer(StatService(self.picture, self.clock), {"ocs": ""}, lambda *_: succeed(True))
        self.source = TServerSource(self.picture.directory.switches["one"], self.picture, self.clock.wall)
        self.dialed: list[str] = []
        self.dialed_blind: list[str] = []
        place = self.switch.make_predictive_call

        def spy(origin_dn: str, destination: str, *rest: Any) -> Any:
            self.dialed.append(destination)
            if self.session.blind:
                self.dialed_blind.append(destination)
            return place(origin_dn, destination, *rest)

        self.switch.make_predictive_call = spy          # type: ignore[method-assign]

    def connect_source(self) -> None:
        self.source_link = DirectClient(self.server, self.source, self.clock, "ocs", PASSWORD)
        self.source_link.connect()

    def connect_states(self) -> None:
        self.wire = Loopback(self.clock, self.stat_server, self.states)


def test_before_the_stat_server_is_there_nothing_is_dialed_and_then_everything() -> None:
    center = Watched(agents=4, contacts=24)
    center.start()
    center.pass_(120)
    assert center.session.loop.condition is Condition.SYSTEM_ERROR and not center.calls
    assert center.session.loop.decisions[-1].reason == "no link to the Stat Server"
    center.connect_states()
    center.pass_(30)
    assert "sees nothing of it" in center.session.loop.decisions[-1].reason and not center.calls
    center.connect_source()
    center.pass_(900)
    assert len(center.calls) >= 12 and not center.dialed_blind


@pytest.mark.parametrize("seed", range(2))
def test_links_that_are_cut_at_random_moments_lose_nothing_and_nothing_is_dialed_blindly(seed: int) -> None:
    center, rng = Watched(agents=5, contacts=60, seed=seed), random.Random(seed)
    center.start()
    center.connect_source()
    center.connect_states()
    for _ in range(12):
        center.pass_(rng.uniform(5, 120))
        cut_states, cut_source = rng.random() < 0.7, rng.random() < 0.5
        if cut_states:
            center.wire.cut()
        if cut_source:
            center.source_link.abort()
        center.wire.settle()        # the news is on its way
        dialed = len(center.dialed)
        center.pass_(rng.choice([0.1, 1, 20, 60]))
        if cut_states or cut_source:
            assert len(center.dialed) == dialed and center.session.blind
        if cut_source:
            center.connect_source()
        if cut_states:
            center.connect_states()
    center.pass_(2 * 3_600)
    records, attempts = center.records(), center.store.attempts.values()
    assert not center.dialed_blind and not center.session.held
    assert not [one for one in records if one.record_status is RecordStatus.RETRIEVED]
    outbound = sorted(call.destination for call in center.calls if call.kind.value == "outbound")
    assert sorted(one.phone for one in attempts if one.dialed_at is not None) == outbound and len(outbound) >= 30
