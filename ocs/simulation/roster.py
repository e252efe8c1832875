"""Who works when: agents are seated, have their breaks, and go home. Somebody who comes back is the same person at the same desk,
with a book of their own for each stay."""
from __future__ import annotations

import random
from typing import Callable, Sequence

from ocs.clock import IClock
from ocs.lab.agents.account import AgentBook
from ocs.lab.agents.agent import LabAgent
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.agents.floor import MakeDesk
from ocs.lab.people import AgentPerson

__all__ = ["Roster"]

_LAST_CALL_S = 3_600.0      # how long who goes home may still talk


class Roster:
    """The people of a center, in the order in which they sit. `seated(book)` hears of everybody who comes. Every draw of a
    person comes from the seed and the login."""

    def __init__(self, clock: IClock, people: Sequence[AgentPerson], make_desk: MakeDesk, behaviour: AgentBehaviour, seed: int,
                 seated: Callable[[AgentBook], None]) -> None:
        self._clock, self._people, self._make_desk, self._seed, self._seated = clock, people, make_desk, seed, seated
        self._behaviour = behaviour
        self._stays = [0] * len(people)
        self._here: dict[int, LabAgent] = {}
        self._over: set[int] = set()        # whose shifts are over: they do not come again
        self._rng = random.Random(f"{seed}/roster")
        self.books: list[AgentBook] = []

    @property
    def here(self) -> list[int]:
        """Places of those who are at work, in the order in which they came."""
        return list(self._here)

    def come(self, places: Sequence[int], spread_s: float = 0.0) -> None:
        """These come to work, over so many seconds."""
        for place in places:
            self._clock.callLater(self._rng.uniform(0.0, spread_s), self._arrive, place)

    def go(self, places: Sequence[int]) -> None:
        """The shift of these is over: they go home as soon as their calls are done."""
        self._over.update(places)
        self._send_home(places)

    def _send_home(self, places: Sequence[int]) -> None:
        for place in places:
            agent = self._here.pop(place, None)
            if agent is not None:
                agent.stop(_LAST_CALL_S)

    def leave(self, share: float) -> list[int]:
        """So many of those who are here, drawn at random, go as soon as their calls are done. Who they are: they may `come`
        again."""
        leaving = sorted(self._rng.sample(self.here, round(share * len(self._here))))
        self._send_home(leaving)
        return leaving

    def rest(self, places: Sequence[int], length_s: float, spread_s: float = 0.0) -> None:
        """These have a break; they set out for it one after the other."""
        for turn, place in enumerate(places):
            self._clock.callLater(spread_s * turn / max(1, len(places)), self._rest, place, length_s)

    def behave(self, behaviour: AgentBehaviour) -> None:
        """From now on agents are like this."""
        self._behaviour = behaviour
        for agent in self._here.values():
            agent.behave(behaviour)

    def _arrive(self, place: int) -> None:
        if place in self._here or place in self._over:
            return
        person, stay = self._people[place], self._stays[place]
        self._stays[place] += 1
        desk = self._make_desk(person, random.Random(f"{self._seed}/desk/{person.login}/{stay}"))
        agent = LabAgent(self._clock, desk, person, self._behaviour, random.Random(f"{self._seed}/agent/{person.login}/{stay}"))
        self.books.append(agent.book)
        self._seated(agent.book)
        self._here[place] = agent
        agent.start()

    def _rest(self, place: int, length_s: float) -> None:
        agent = self._here.get(place)
        if agent is not None:
            agent.take_break(length_s)
