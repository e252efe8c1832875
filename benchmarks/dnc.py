"""The do-not-call list: memory, checks beside the bare library, loading, and how little the reactor stalls meanwhile.

50 million numbers (--quick: 10 million, of which one million in the database; spaces are smaller in proportion):
- North American density: evenly random in a space of ten digits, one number in 200;
- worldwide spread: evenly over 200 calling codes, with national numbers of 8 to 11 digits, evenly random;
- the North American ones again, put into a SQLite file by the importer, loaded from it by the feed of a running server,
  then from the snapshot.

Memory is what the process has more with the list than before. Checks are of many phones in random order, as text, one
in ten listed: a thousand at once, as when records are retrieved, and one by one, as before each dial. The bare
library's loop is `number in bitmap` in a 64-bit bitmap of the same numbers, over integers that are there already. Rounds
alternate, the best of each counts. A stall is how much later than asked for a timer of the reactor fires.
"""
from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from array import array
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._report import Goals, arguments, machine, note, report, resident_octets  # noqa: E402
from ocs.dialing.dnc import DoNotCallList, Scope  # noqa: E402
from ocs.dialing.dnc.identifiers import IdentifierSet  # noqa: E402
from ocs.dialing.dnc.numbers import NumberSetBuilder  # noqa: E402

FULL, QUICK, QUICK_IN_DATABASE = 50_000_000, 10_000_000, 1_000_000
DENSITY = 200                               # North America: numbers of the space to one that is listed
CODES, LENGTHS = 200, (8, 9, 10, 11)
BATCH = 100_000
ASKED, AT_ONCE, ROUNDS = 500_000, 1_000, 9
GOALS: Goals = {"dnc_bytes_per_number": ("<=", 2.5), "dnc_bytes_per_number_world": ("<=", 5.0), "dnc_check_ratio": (">=", 0.8),
                "longest_stall_ms": ("<=", 100.0)}


# -- numbers ------------------------------------------------------------------------------------------------------
def words(rng: random.Random) -> Iterator[array[int]]:
    """Batches of random 64-bit numbers, without end."""
    while True:
        yield array("Q", rng.randbytes(8 * BATCH))


def north_america(count: int, seed: int) -> Iterator[int]:
    """Numbers of a plan with one leading digit, without end, some twice."""
    space = DENSITY * count
    for batch in words(random.Random(seed)):
        for word in batch:
            yield 10_000_000_000 + word % space


def world(count: int, seed: int) -> Iterator[int]:
    """Numbers of many plans, without end."""
    rng = random.Random(1)
    codes = sorted(rng.sample([*range(20, 100), *range(210, 1_000)], CODES))[:max(4, CODES * count // FULL)]
    powers = [10 ** length for length in LENGTHS]
    for batch in words(random.Random(seed)):
        for word in batch:
            power = powers[word & 3]
            yield codes[(word >> 2 & 0xFFFF) % len(codes)] * power + (word >> 18) % power


Source = Callable[[int, int], Iterator[int]]        # how many, seed


# -- parts, each in a process of its own --------------------------------------------------------------------------
def checks(listed: DoNotCallList, more: Callable[[int], Iterator[int]], name: str) -> dict[str, float]:
    """Checks a second of the list and of the bare library, and their ratios."""
    from pyroaring import BitMap64
    phones = next(phones for scope, phones, _ in listed.scopes())
    note("the same numbers in the bare library")
    bare, numbers = BitMap64(), iter(phones.numbers)
    while batch := array("Q", islice(numbers, 1_000_000)):
        bare.update(batch)
    bare.shrink_to_fit()
    rng = random.Random(11)
    every = len(phones) // (ASKED // 10)
    asked = [*islice(more(99), ASKED - ASKED // 10), *islice(phones.numbers, 0, every * (ASKED // 10), every)]
    rng.shuffle(asked)
    texts = [f"+{number}" for number in asked]

    def library() -> int:
        found = 0
        for number in asked:
            if number in bare:
                found += 1
        return found

    def singly() -> int:
        found = 0
        for phone in texts:
            if listed.blocks("Spring", phone):
                found += 1
        return found

    def at_once() -> int:
        found = 0
        for start in range(0, len(texts), AT_ONCE):
            found += len(listed.blocked_phones("Spring", texts[start:start + AT_ONCE]))
        return found

    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        counts = set()
        for way in (library, at_once, singly):
            started = time.perf_counter()
            counts.add(way())
            rate = len(asked) / (time.perf_counter() - started)
            best[way.__name__] = max(rate, best.get(way.__name__, 0.0))
        assert len(counts) == 1, f"the list and the library disagree: {counts}"
    note(f"{counts.pop()} of {len(asked)} listed")
    return {f"checks_per_second{name}": best["at_once"], f"checks_per_second_singly{name}": best["singly"],
            f"checks_per_second_library{name}": best["library"], f"dnc_check_ratio{name}": best["at_once"] / best["library"],
            f"dnc_single_check_ratio{name}": best["singly"] / best["library"]}


def in_memory(count: int, source: Source, name: str) -> dict[str, float]:
    """Memory and checks of a list that is built here."""
    before = resident_octets()
    builder, numbers, started = NumberSetBuilder(), source(count, 7), time.perf_counter()
    for _ in range(0, count, BATCH):
        builder.extend(islice(numbers, BATCH))
    listed = DoNotCallList()
    listed.put_scope(Scope(1), IdentifierSet("+", builder.finish()), IdentifierSet(""))
    octets = resident_octets() - before
    note(f"{len(listed)} numbers in {time.perf_counter() - started:.0f} s")
    return {f"numbers{name}": len(listed), f"dnc_bytes_per_number{name}": octets / len(listed),
            **checks(listed, lambda seed: source(count, seed), name)}


def part_north_america(count: int, folder: Path) -> dict[str, float]:
    """Memory and checks at North American density."""
    return in_memory(count, north_america, "")


def part_world(count: int, folder: Path) -> dict[str, float]:
    """Memory and checks with numbers of the whole world."""
    return in_memory(count, world, "_world")


def part_database(count: int, folder: Path) -> dict[str, float]:
    """Load from the table; what the server's process needs for it."""
    listed, figures = loaded(folder)
    octets = resident_octets() - figures["octets_before"]
    return {"load_s_database": figures["load_s"], "load_rows_per_second": len(listed) / figures["load_s"],
            "stall_ms_database": figures["stall_ms"], "idle_stall_ms": figures["idle_ms"],
            "bytes_per_number_in_server": octets / len(listed), "numbers_in_database": len(listed)}


def part_snapshot(count: int, folder: Path) -> dict[str, float]:
    """Load from the snapshot."""
    _, figures = loaded(folder)
    assert figures["from_snapshot"], "the snapshot was not used"
    return {"load_s_snapshot": figures["load_s"], "stall_ms_snapshot": figures["stall_ms"]}


def loaded(folder: Path) -> tuple[DoNotCallList, dict[str, Any]]:
    """The list as a server loads it, with the reactor running and its stalls measured."""
    from twisted.internet import reactor, threads
    from twisted.internet.defer import Deferred
    from twisted.internet.task import deferLater

    from ocs.database.backend import backend_for
    from ocs.store.do_not_call_feed import DoNotCallFeed
    from ocs.store.do_not_call_load import snapshot_path
    from ocs.store.sql import SqlStore

    clock: Any = reactor
    url = f"sqlite:///{folder / 'ocs.sqlite'}"
    store, listed, meter = SqlStore(url, reactor), DoNotCallList(), StallMeter(clock)
    figures: dict[str, Any] = {}

    async def run() -> None:
        await store.start()
        await deferLater(clock, 1.0)
        figures["idle_ms"], figures["octets_before"] = meter.longest_ms(), resident_octets()
        await deferLater(clock, 0.1)
        meter.longest_ms()                          # that was a stall of the measurement's own
        snapshot = snapshot_path(folder / "ocs.sqlite")
        figures["from_snapshot"] = snapshot.exists()
        feed = DoNotCallFeed(listed, backend_for(url), store.read, threads.deferToThread, clock, snapshot=snapshot)
        started = time.perf_counter()
        await feed.start()
        figures["load_s"] = time.perf_counter() - started
        figures["stall_ms"] = meter.longest_ms()
        await feed.stop()
        await store.stop()

    failed: list[Any] = []
    clock.callWhenRunning(lambda: Deferred.fromCoroutine(run()).addErrback(failed.append).addBoth(lambda _: clock.stop()))
    clock.run()
    if failed:
        failed[0].raiseException()
    return listed, figures


class StallMeter:
    """How much later than asked for a timer fires."""

    def __init__(self, clock: Any) -> None:
        self._clock, self._longest, self._last = clock, 0.0, time.perf_counter()
        clock.callLater(0.001, self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest, self._last = max(self._longest, now - self._last - 0.001), now
        self._clock.callLater(0.001, self._tick)

    def longest_ms(self) -> float:
        """Since it was asked last."""
        longest, self._longest = self._longest, 0.0
        return 1_000 * longest


# -- the whole ----------------------------------------------------------------------------------------------------
def imported(count: int, folder: Path) -> dict[str, float]:
    """A database with the North American numbers, by the importer."""
    from ocs.store.do_not_call_import import import_do_not_call
    from ocs.store.versions import upgrade
    url, path = f"sqlite:///{folder / 'ocs.sqlite'}", folder / "numbers.csv"
    upgrade(url)
    note(f"writing a file of {count} numbers")
    with path.open("w", encoding="ascii") as file:
        file.write("phone\n")
        numbers = north_america(count, 7)
        for _ in range(0, count, BATCH):
            file.writelines(f"+{number}\n" for number in islice(numbers, BATCH))
    note("importing it")
    took = import_do_not_call(url, path)
    path.unlink()
    return {"import_rows_per_second": took.rows / took.seconds,
            "database_octets_per_number": (folder / "ocs.sqlite").stat().st_size / took.added}


def in_process(part: str, count: int, folder: Path) -> dict[str, float]:
    """The figures of one part, which runs alone."""
    note(f"{part}: begins")
    done = subprocess.run([sys.executable, __file__, "--part", part, "--count", str(count), "--folder", str(folder)],
                          stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> int:
    chosen = arguments(__doc__, ("--part", {"help": "one part only, in this process"}),
                       ("--count", {"type": int, "help": "how many numbers"}),
                       ("--folder", {"type": Path, "help": "where the database lies, and stays"}))
    count = chosen.count or (QUICK if chosen.quick else FULL)
    in_database = min(count, QUICK_IN_DATABASE) if chosen.quick else count
    parts = {"north_america": part_north_america, "world": part_world, "database": part_database, "snapshot": part_snapshot}
    if chosen.part:
        print(json.dumps(parts[chosen.part](count, chosen.folder)))
        return 0
    where = machine()
    with tempfile.TemporaryDirectory(prefix="ocs-dnc-", dir=chosen.folder) as folder:
        figures = {}
        for part in ("north_america", "world"):
            figures |= in_process(part, count, Path(folder))
        figures |= imported(in_database, Path(folder))
        for part in ("database", "snapshot"):
            figures |= in_process(part, in_database, Path(folder))
    figures["longest_stall_ms"] = max(figures["stall_ms_database"], figures["stall_ms_snapshot"])
    return report("dnc", where, figures, GOALS, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
