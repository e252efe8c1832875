"""The driver `simulator`: a network of called parties who behave as people do, and the same way in every run.

What a called party does is drawn from the number, the seed and how many times the number was called before, so it does not
depend on what else happens or in which order. Whether a number works at all, and whether a fax stands there, belongs to
the number. People may call by themselves, too. The simulator knows calls only; who asked for them, and why, it does not.
"""
from __future__ import annotations

import math
import random
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from ocs.servers.tserver.driver import CarriedLeg, ISwitchDriver
from ocs.servers.tserver.line_audio import line_audio
from ocs.servers.tserver.simulator_options import SimulatorOptions
from protocols.attributes import KVList, first
from protocols.tserver.messages import CallState

__all__ = ["Behaviour", "SimulatedNetwork", "behaviour", "inbound_behaviour"]

_REMEMBERED_NUMBERS = 1_000_000     # how many numbers' counts of calls are kept
_SIT_KINDS = (CallState.SIT_INVALID_NUMBER, CallState.SIT_VACANT, CallState.SIT_INTERCEPT, CallState.SIT_NO_CIRCUIT,
              CallState.SIT_REORDER, CallState.SIT_UNKNOWN)
_SIT_WEIGHTS = (50, 20, 15, 5, 5, 5)


@dataclass(frozen=True)
class Behaviour:
    """What happens at the called number, this time. `end` is a failure (BUSY, NO_ANSWER, a SIT kind) or what picks up (OK
    a person, ANSWERING_MACHINE_DETECTED, FAX_DETECTED); times in seconds, each from the end of the one before."""

    end: CallState
    setup_s: float
    rings_s: float = math.inf       # until it is picked up
    detection_s: float = 0.0        # until it is known what picked up
    patience_s: float = math.inf    # until a person whom nobody speaks to hangs up
    talk_s: float = math.inf        # until who speaks with somebody hangs up; a machine: until it does
    listens_s: float = math.inf     # until a person who hears prompts hangs up
    presses_s: float = math.inf     # until a person who is asked to presses a digit; never, if it does not


def behaviour(options: SimulatorOptions, number: str, nth: int) -> Behaviour:
    """What the party at `number` does at its `nth` call (from 0)."""
    property_of = random.Random(f"{options.seed}/{number}")
    kind = property_of.random()
    rng = random.Random(f"{options.seed}/{number}/{nth}")
    setup_s = 0.3 + (rng.expovariate(1.0 / (options.setup_s - 0.3)) if options.setup_s > 0.3 else 0.0)
    draw, rings_s = rng.random(), _lognormal(rng, options.answer_s, options.answer_cv)
    patience_s = max(3.0, _lognormal(rng, options.patience_s, options.patience_cv))
    talk_s = max(5.0, _lognormal(rng, options.talk_s, options.talk_cv))
    machine_s = options.machine_rings_s * (1.0 + rng.random())
    if kind < options.invalid:
        return Behaviour(property_of.choices(_SIT_KINDS, _SIT_WEIGHTS)[0], setup_s + 0.5)
    if kind < options.invalid + options.fax:
        return Behaviour(CallState.FAX_DETECTED, setup_s, 4.0 + 4.0 * rng.random(), options.detection_s,
                         talk_s=options.machine_talk_s)
    draw *= 1.0 - options.invalid - options.fax     # the other shares are of all calls
    if draw < options.busy:
        return Behaviour(CallState.BUSY, setup_s + 0.3)
    if draw < options.busy + options.person:
        listens_s = max(3.0, _lognormal(rng, options.listens_s, options.listens_cv))
        presses_s = 0.5 + rng.expovariate(0.5) if rng.random() < options.presses else math.inf
        return Behaviour(CallState.OK, setup_s, rings_s, options.detection_s, patience_s, talk_s, listens_s, presses_s)
    if draw < options.busy + options.person + options.machine:
        return Behaviour(CallState.ANSWERING_MACHINE_DETECTED, setup_s, machine_s, options.detection_s + 1.0,
                         talk_s=options.machine_talk_s)
    return Behaviour(CallState.NO_ANSWER, setup_s)


def inbound_behaviour(options: SimulatorOptions, rng: random.Random) -> Behaviour:
    """What somebody does who calls."""
    return Behaviour(CallState.OK, 0.0, 0.0,
                     patience_s=max(3.0, _lognormal(rng, options.inbound_patience_s, options.patience_cv)),
                     talk_s=max(5.0, _lognormal(rng, options.talk_s, options.talk_cv)),
                     listens_s=max(3.0, _lognormal(rng, options.listens_s, options.listens_cv)),
                     presses_s=0.5 + rng.expovariate(0.5) if rng.random() < options.presses else math.inf)


_MACHINE = frozenset({CallState.ANSWERING_MACHINE_DETECTED})
_ANYTHING = frozenset({CallState.ANSWERING_MACHINE_DETECTED, CallState.FAX_DETECTED})


def _unheard(extensions: KVList) -> frozenset[CallState]:
    """What the request wants to be taken for a person."""
    wanted = first(extensions, "call_answer_type_recognition")
    return _ANYTHING if wanted == "no_progress_detection" else _MACHINE if wanted == "no_am_detection" else frozenset()


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()


def _lognormal(rng: random.Random, mean: float, cv: float) -> float:
    variance = math.log(1.0 + cv * cv)
    return rng.lognormvariate(math.log(mean) - variance / 2.0, math.sqrt(variance))


class _Stage(Enum):
    """How far a leg has come."""
    SETUP = auto()
    RINGING = auto()
    DETECTING = auto()
    WAITING = auto()        # answered, nobody speaks
    LISTENING = auto()      # hears a prompt, or is to press digits
    TALKING = auto()


@dataclass
class _Leg:
    """One call in the network; it always has one timer, that of its next change, and `media` while something plays or is
    listened for."""

    name: str
    ring_timeout_s: float
    party: Behaviour
    stage: _Stage = _Stage.SETUP
    timer: IDelayedCall | None = None
    media: IDelayedCall | None = None
    unheard: frozenset[CallState] = frozenset()     # what the switch was not asked to tell from a person
    person: str = ""                # seed of what the person presses
    asked: int = 0                  # how often it was asked to


@implementer(ISwitchDriver)
class SimulatedNetwork:
    """Called parties on a clock."""

    up = True
    survives = False        # the people live in this process

    def __init__(self, clock: IReactorTime, options: SimulatorOptions) -> None:
        self._clock, self._options = clock, options
        self.lines = options.lines
        self._legs: dict[str, _Leg] = {}
        self._calls: OrderedDict[str, int] = OrderedDict()
        self._listener: Any = None
        self._callers, self._started = 0, ""
        self._calling: IDelayedCall | None = None       # when the next one calls by itself

    def __len__(self) -> int:
        return len(self._legs)

    @property
    def options(self) -> SimulatorOptions:
        """What people are like now."""
        return self._options

    def change(self, options: SimulatorOptions) -> None:
        """From now on people are like this; calls that are under way go on as they began."""
        calls_by_themselves = (options.inbound_per_hour, options.inbound_destination)
        others = calls_by_themselves != (self._options.inbound_per_hour, self._options.inbound_destination)
        self._options, self.lines = options, options.lines
        if others and self._listener is not None:
            _cancel(self._calling)      # who calls at random moments may as well be drawn anew
            self._next_caller()

    def start(self, listener: object) -> Deferred[None]:
        self._listener, self._started = listener, f"{self._clock.seconds():.3f}"
        self._next_caller()
        return succeed(None)

    def stop(self) -> Deferred[None]:
        _cancel(self._calling)
        for name in list(self._legs):
            self.release(name)
        return succeed(None)

    def take_over(self, legs: Sequence[CarriedLeg]) -> None:
        """Their people were in the process that is gone."""
        for one in legs:
            self._clock.callLater(0, self._listener.remote_released, one.leg)

    def let_go(self) -> Deferred[None]:
        return self.stop()

    def place(self, leg: str, destination: str, ring_timeout_s: float, origin: str, extensions: KVList) -> None:
        nth = self._count(destination)
        party = behaviour(self._options, destination, nth)
        if len(self._legs) >= self._options.lines:
            party = Behaviour(CallState.ALL_TRUNKS_BUSY, 0.0)
        placed = self._legs[leg] = _Leg(leg, ring_timeout_s, party, unheard=_unheard(extensions),
                                        person=f"{self._options.seed}/{destination}/{nth}")
        self._after(placed, party.setup_s, self._set_up)

    def release(self, leg: str) -> None:
        gone = self._legs.pop(leg, None)
        if gone is not None:
            _cancel(gone.timer)
            _cancel(gone.media)

    def connected(self, leg: str, agent_dn: str) -> None:
        talking = self._legs.get(leg)
        if talking is not None and talking.stage in (_Stage.WAITING, _Stage.LISTENING):
            talking.stage = _Stage.TALKING
            if talking.party.end is CallState.OK:       # a machine speaks its text to whoever is there
                self._after(talking, talking.party.talk_s, self._hang_up)

    def audio(self, leg: str) -> KVList:
        heard = self._legs.get(leg)
        return () if heard is None else line_audio(heard.party.end, random.Random(f"{heard.person}/audio"))

    def play(self, leg: str, prompt: str, seconds: float) -> None:
        listening = self._listen(leg)
        if listening is not None:
            listening.media = self._clock.callLater(seconds, self._played, listening)

    def collect(self, leg: str, offered: str, maximum: int, timeout_s: float) -> None:
        listening = self._listen(leg)
        if listening is None:
            return
        presses_s, pressed = listening.party.presses_s, ""
        if presses_s < timeout_s:
            rng = random.Random(f"{listening.person}/{listening.asked}")
            pressed = "".join(rng.choice(offered or "0123456789") for _ in range(maximum))
        listening.asked += 1
        listening.media = self._clock.callLater(min(presses_s, timeout_s), self._pressed, listening, pressed)

    def silence(self, leg: str) -> None:
        quiet = self._legs.get(leg)
        if quiet is not None:
            _cancel(quiet.media)
            quiet.media = None

    def _listen(self, leg: str) -> _Leg | None:
        """The leg, if there is one that has answered; a person begins to lose patience with what it hears."""
        self.silence(leg)
        listening = self._legs.get(leg)
        if listening is not None and listening.stage is _Stage.WAITING:
            listening.stage = _Stage.LISTENING
            if listening.party.end is CallState.OK:
                self._after(listening, listening.party.listens_s, self._hang_up)
        return listening

    def _played(self, leg: _Leg) -> None:
        leg.media = None
        self._listener.media_done(leg.name)

    def _pressed(self, leg: _Leg, digits: str) -> None:
        leg.media = None
        self._listener.digits(leg.name, digits)

    def held(self, leg: str) -> None:
        """People bear being put on hold here."""

    def retrieved(self, leg: str) -> None:
        """People bear being put on hold here."""

    def _next_caller(self) -> None:
        if self._options.inbound_per_hour:
            rng = random.Random(f"{self._options.seed}/inbound/{self._callers}")
            wait_s = rng.expovariate(self._options.inbound_per_hour / 3_600.0)
            self._calling = self._clock.callLater(wait_s, self._somebody_calls, rng)

    def _somebody_calls(self, rng: random.Random) -> None:
        """Who finds all lines busy does not get through; nobody here hears of it."""
        self._callers += 1
        name, party = f"in-{self._started}-{self._callers}", inbound_behaviour(self._options, rng)
        if len(self._legs) < self._options.lines:
            calling = self._legs[name] = _Leg(name, math.inf, party, _Stage.WAITING, person=f"{self._options.seed}/{name}")
            self._after(calling, party.patience_s, self._hang_up)
            self._listener.arrived(name, f"+1555{rng.randrange(10 ** 7):07d}", self._options.inbound_destination)
        self._next_caller()

    def _count(self, number: str) -> int:
        """How many times the number was called before."""
        nth = self._calls.pop(number, 0)
        self._calls[number] = nth + 1
        if len(self._calls) > _REMEMBERED_NUMBERS:
            self._calls.popitem(last=False)
        return nth

    def _after(self, leg: _Leg, delay_s: float, change: Any) -> None:
        _cancel(leg.timer)
        leg.timer = self._clock.callLater(delay_s, change, leg)

    def _set_up(self, leg: _Leg) -> None:
        party = leg.party
        if party.rings_s == math.inf and party.end is not CallState.NO_ANSWER:
            self._fail(leg)
            return
        leg.stage = _Stage.RINGING
        if party.end is CallState.NO_ANSWER or party.rings_s > leg.ring_timeout_s:
            leg.party = replace(party, end=CallState.NO_ANSWER)
            self._after(leg, leg.ring_timeout_s, self._fail)
        else:
            self._after(leg, party.rings_s, self._pick_up)
        self._listener.network_reached(leg.name)
        if leg.name in self._legs:
            self._listener.ringing(leg.name)

    def _pick_up(self, leg: _Leg) -> None:
        leg.stage = _Stage.DETECTING
        self._after(leg, 0.0 if leg.unheard is _ANYTHING else leg.party.detection_s, self._detected)
        self._listener.picked_up(leg.name)

    def _detected(self, leg: _Leg) -> None:
        leg.stage = _Stage.WAITING
        waits_s = leg.party.patience_s if leg.party.end is CallState.OK else leg.party.talk_s
        self._after(leg, waits_s, self._hang_up)
        self._listener.answered(leg.name, CallState.OK if leg.party.end in leg.unheard else leg.party.end)

    def _fail(self, leg: _Leg) -> None:
        del self._legs[leg.name]
        self._listener.failed(leg.name, leg.party.end)

    def _hang_up(self, leg: _Leg) -> None:
        _cancel(leg.media)
        del self._legs[leg.name]
        self._listener.remote_released(leg.name)
