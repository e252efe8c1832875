"""Whether the simulation tells the truth: the same scenario in the laboratory on real sockets, sped up, and in virtual time.

    python benchmarks/agreement.py [--quick] [--json] [--seeds N] [--speed X]

The laboratory is `ocs demo`'s: T-Server, Stat Server, ICON and the outbound contact server as processes, agents on sockets of
their own, a database. The simulation gets the same contacts, people, agents and options. Both are watched over the same stretch
of the day, after the pacer has learned. Each seed is another day; the figures are means over the seeds with their 95 %
intervals (Student's t), and they agree where the intervals of both overlap.
"""
from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._report import arguments, machine, note, report  # noqa: E402
from ocs.app.demo.accounts import read_call_log  # noqa: E402
from ocs.app.demo.directory import DemoDirectory  # noqa: E402
from ocs.app.demo.options import NOW, DemoOptions, shipped  # noqa: E402
from ocs.app.demo.run import Demonstration  # noqa: E402
from ocs.app.simulate.play import play  # noqa: E402
from ocs.app.simulate.scenario import Scenario, read_scenario  # noqa: E402
from ocs.clock import ScaledClock  # noqa: E402
from ocs.dialing.results import CallResult, DialingMode  # noqa: E402
from ocs.errors import OCSError  # noqa: E402
from ocs.lab.agents.account import FloorAccount  # noqa: E402
from ocs.lab.agents.floor import LabFloor  # noqa: E402
from ocs.lab.agents.machine import PAID, PRODUCTIVE  # noqa: E402
from ocs.options import read_toml  # noqa: E402

_ROOT = Path(__file__).resolve().parent.parent
_AGENTS, _CONTACTS = 20, 6_000
_FROM_S, _UNTIL_S = 600.0, 2_400.0          # what is compared: of the day, seconds since it began
_QUICK_UNTIL_S = 1_200.0
_NO_PERSON = (CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED)
_T95 = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
        2.101, 2.093)                       # two-sided, by degrees of freedom; beyond, nearly the normal distribution's
GOALS = {"utilisation_agrees": (">=", 1.0), "abandon_rate_agrees": (">=", 1.0)}


@dataclass(frozen=True)
class Stretch:
    """What one day was like in the stretch that is compared."""

    utilisation: float
    answered: int
    abandoned: int
    calls: int

    @property
    def abandon_rate(self) -> float:
        """Of the calls that persons answered."""
        return self.abandoned / max(1, self.answered)


# -- virtual time --------------------------------------------------------------------------------------------------
def scenario(seed: int, until_s: float) -> Scenario:
    """The demonstration's day as a scenario, from the file of which the demonstration makes its servers' files."""
    base = read_toml(shipped("demo.toml"))
    given = base["ocs"]
    return read_scenario({
        "name": "agreement", "seed": seed, "start": NOW.replace("Z", "+00:00"), "hours": until_s / 3_600.0,
        "interval_min": _FROM_S / 60.0, "decisions": 0,
        "calling_list": {"contacts": _CONTACTS, "daily_from": "08:00", "daily_till": "21:00",
                         "maximum_attempts": given["calling_list"]["maximum_attempts"]},
        "people": {**base["tserver"]["simulator"], "seed": seed}, "agents": base.get("agents", {}),
        "treatment": given["treatment"], "dialing": given["dialing"],
        "campaign_group": {**given["campaign_group"], "mode": "predictive"},
        "shift": [{"agents": _AGENTS, "arrival_spread_min": 5.0 / 60.0}]})


def simulated(seed: int, until_s: float) -> Stretch:
    """In virtual time."""
    account, bugs = play(scenario(seed, until_s))
    if bugs or account.differences:
        raise SystemExit("\n".join([*bugs, *account.differences]))
    measures, first = account.measures, int(_FROM_S // account.measures.interval_s)
    places = range(first, len(measures.intervals))
    spent = [measures.seconds(place) for place in places]
    counts = [measures.intervals[place] for place in places]
    return Stretch(sum(one[state] for one in spent for state in PRODUCTIVE) / sum(one[state] for one in spent for state in PAID),
                   sum(one.answered for one in counts), sum(one.abandoned for one in counts), sum(one.calls for one in counts))


# -- real sockets --------------------------------------------------------------------------------------------------
class TimedDemonstration(Demonstration):
    """A demonstration that ends when the stretch does; the agents' books are looked into at both of its ends."""

    until_s = _UNTIL_S
    looks: list[tuple[float, FloorAccount]]

    async def _watch(self, clock: ScaledClock, floor: LabFloor, children: tuple[Any, ...]) -> bool:
        begun, self.looks = clock.seconds(), []
        for at in (_FROM_S, self.until_s):
            while clock.seconds() < begun + at:
                await self._pause(min(1.0, (begun + at - clock.seconds()) / clock.speed))
                for child in children:
                    if not child.running:
                        raise OCSError(f"{child.name} has ended by itself ({child.status})")
            self.looks.append((clock.wall(), floor.account()))
        return True


def in_laboratory(seed: int, speed: float, until_s: float) -> Stretch:
    """In a process of its own: a reactor runs once."""
    ran = subprocess.run([sys.executable, __file__, "--laboratory", str(seed), "--speed", str(speed), "--until", str(until_s)],
                         stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"the laboratory failed:\n{ran.stdout[-2_000:]}")
    return Stretch(**json.loads(ran.stdout.splitlines()[-1]))


def laboratory(seed: int, speed: float, until_s: float) -> Stretch:
    """On sockets; blocks as long as the stretch lasts at this speed."""
    from rich.console import Console
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure
    reactor: Any = installed
    with tempfile.TemporaryDirectory(prefix="ocs-agreement-") as folder:
        contacts = Path(folder) / "contacts.csv"
        with contacts.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "phone", "timezone"])
            writer.writerows([f"Contact {one.record_id}", one.contact_info, one.tz_name]
                             for one in scenario(seed, until_s).calling_list.records())
        options = DemoOptions(contacts, None, _AGENTS, DialingMode.PREDICTIVE, speed, None, seed, Path(folder) / "run")
        directory = DemoDirectory(options.directory, None)
        directory.open(lambda text: None)
        demonstration = TimedDemonstration(options, directory, reactor, Console(stderr=True, quiet=True))
        demonstration.until_s = until_s
        outcome: list[Any] = []

        def done(result: Any) -> None:
            outcome.append(result)
            reactor.stop()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(demonstration.run()).addBoth(done))
        reactor.run()
        directory.close()
        if not outcome or isinstance(outcome[0], Failure):
            raise SystemExit(str(outcome[0].getTraceback() if outcome else "interrupted"))
        if outcome[0].differences:
            raise SystemExit("\n".join(outcome[0].differences))
        return _stretch(demonstration.looks, directory.call_log)


def _stretch(looks: Sequence[tuple[float, FloorAccount]], call_log: Path) -> Stretch:
    (begin, first), (end, last) = looks
    productive, paid = (sum(last.seconds[state.value] - first.seconds[state.value] for state in states)
                        for states in (PRODUCTIVE, PAID))
    calls, _ = read_call_log(call_log)
    ours = [call for call in calls if call.kind == "outbound" and call.ended_at is not None and begin <= call.ended_at < end]
    persons = [call for call in ours if call.answered_at is not None and call.call_state not in _NO_PERSON]
    return Stretch(productive / paid, len(persons), sum(call.agent_dn is None for call in persons), len(ours))


# -- both ----------------------------------------------------------------------------------------------------------
def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half of the 95 % interval."""
    freedom = len(values) - 1
    t = _T95[freedom] if freedom < len(_T95) else 1.96
    return mean(values), t * stdev(values) / len(values) ** 0.5 if freedom else float("inf")


def main() -> int:
    options = arguments(
        __doc__, ("--seeds", {"type": int, "default": 5, "help": "days of each kind"}),
        ("--speed", {"type": float, "default": 8.0, "help": "how much faster than real time the laboratory goes"}),
        ("--laboratory", {"type": int, "help": "only the laboratory's day with this seed"}),
        ("--until", {"type": float, "default": None, "help": "end of the stretch, seconds"}))
    until_s = options.until or (_QUICK_UNTIL_S if options.quick else _UNTIL_S)
    if options.laboratory is not None:
        print(json.dumps(laboratory(options.laboratory, options.speed, until_s).__dict__))
        return 0
    seeds = range(1, (2 if options.quick else options.seeds) + 1)
    where, figures = machine(), dict[str, float]()
    days: dict[str, list[Stretch]] = {"simulated": [simulated(seed, until_s) for seed in seeds], "laboratory": []}
    for seed in seeds:
        began = time.monotonic()
        days["laboratory"].append(in_laboratory(seed, options.speed, until_s))
        note(f"seed {seed}: {time.monotonic() - began:.0f} s; laboratory {days['laboratory'][-1]},"
             f" simulated {days['simulated'][seed - 1]}")
    for name in ("utilisation", "abandon_rate"):
        spans = []
        for kind, stretches in days.items():
            middle, half = interval([getattr(one, name) for one in stretches])
            figures[f"{name}_{kind}"], figures[f"{name}_{kind}_half_interval"] = middle, half
            spans.append((middle - half, middle + half))
        figures[f"{name}_agrees"] = float(spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1])
    for kind, stretches in days.items():
        figures[f"calls_{kind}"] = mean(one.calls for one in stretches)
    return report("agreement", where, figures, GOALS, options.json)


if __name__ == "__main__":
    sys.exit(main())
