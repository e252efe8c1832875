"""A floor of lab agents: they arrive one after the other, work, and go home together."""
from __future__ import annotations

import random
from collections import Counter
from typing import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint

from ocs.clock import IClock
from ocs.lab.agents.account import FloorAccount, add_up
from ocs.lab.agents.agent import LabAgent
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.desk import IDesk, TServerDesk
from ocs.lab.people import AgentPerson

__all__ = ["LabFloor", "tserver_desks"]

MakeDesk = Callable[[AgentPerson, random.Random], IDesk]


def tserver_desks(reactor: IReactorTime, endpoint: IStreamClientEndpoint, application: str, password: str,
                  answer_timeout_s: float = 10.0) -> MakeDesk:
    """Desks with a connection each to the T-Server at `endpoint`, registered as `application`. `answer_timeout_s` (reactor's
    seconds): how long an agent waits for an outbound contact server's answer."""
    def make(person: AgentPerson, rng: random.Random) -> IDesk:
        return TServerDesk(reactor, endpoint, application, password, person.dn, rng, answer_timeout_s=answer_timeout_s)
    return make


class LabFloor:
    """Agents who start within `spread_s` seconds of the laboratory's clock. `seed` decides every draw of each of them."""

    def __init__(self, clock: IClock, people: Sequence[AgentPerson], make_desk: MakeDesk,
                 behaviour: AgentBehaviour = AgentBehaviour(), seed: int | str = 1, spread_s: float = 5.0) -> None:
        self._clock, self._spread_s = clock, spread_s
        self._rng = random.Random(f"{seed}/floor")
        self._arrivals: list[IDelayedCall] = []
        self.agents = [self._seat(person, make_desk, behaviour, seed) for person in people]

    def _seat(self, person: AgentPerson, make_desk: MakeDesk, behaviour: AgentBehaviour, seed: int | str) -> LabAgent:
        desk = make_desk(person, random.Random(f"{seed}/desk/{person.login}"))
        return LabAgent(self._clock, desk, person, behaviour, random.Random(f"{seed}/agent/{person.login}"))

    def start(self) -> None:
        """Let them come."""
        for agent in self.agents:
            self._arrivals.append(self._clock.callLater(self._rng.uniform(0.0, self._spread_s), agent.start))

    def stop(self, deadline_s: float = 30.0) -> Deferred[None]:
        """Send them home: calls at hand are finished, but no longer than `deadline_s` of the clock's seconds. Fires when
        everybody has logged out and hung up the link; always."""
        for arrival in self._arrivals:
            if arrival.active():
                arrival.cancel()
        gone = DeferredList([agent.stop(deadline_s) for agent in self.agents])
        return gone.addCallback(lambda _: None)

    def states(self) -> Mapping[str, int]:
        """How many agents are in which state, by the words of `AgentState`; states without agents are left out."""
        return Counter(agent.state.value for agent in self.agents)

    def account(self) -> FloorAccount:
        """What they did so far, by their own books."""
        return add_up(agent.book for agent in self.agents)
