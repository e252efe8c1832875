"""The do-not-call list: memory, checks beside the bare library, import, loading, and how little the reactor stalls meanwhile.

    python benchmarks/dnc.py [--quick] [--json] [--postgresql]

50 million numbers:
- North American density: evenly random in a space of ten digits, one number in 200;
- worldwide spread: evenly over 200 calling codes, with national numbers of 8 to 11 digits, evenly random;
- the North American ones again, put into a SQLite file: the first 10 million by the command `ocs dnc import`, which shows its
  progress at a terminal; then loaded from it by the feed of a running server, then from the snapshot that this load has
  written (which is part of its time). With `--postgresql` 10 million, on a PostgreSQL server of the benchmark's own.

`--quick` takes 8 million, 4 million of the world, half a million in the database; spaces are smaller in proportion. Files of 5 GB
come and go in the directory for temporary files.

Memory is what the process has more with the list than before. A check is what the server does before each dial,
`DoNotCallList.blocks`, with the phone as text; phones are in random order, one in ten is listed. The bare library's loop is
`number in bitmap` in a 64-bit bitmap of the same numbers, over integers that are there already. Seconds are the processor's;
rounds alternate, the best of each counts. A stall is how much later than asked for a timer of the reactor fires.
"""
from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from itertools import islice
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._command import run_ocs  # noqa: E402
from benchmarks._numbers import Source, north_america, world  # noqa: E402
from benchmarks._postgresql import postgresql  # noqa: E402
from benchmarks._report import Goals, arguments, machine, note, report, resident_octets  # noqa: E402
from benchmarks._stalls import StallMeter  # noqa: E402
from ocs.dialing.dnc import DoNotCallList, Scope  # noqa: E402
from ocs.dialing.dnc.identifiers import IdentifierSet  # noqa: E402
from ocs.dialing.dnc.numbers import NumberSetBuilder  # noqa: E402

FULL, IMPORTED = 50_000_000, 10_000_000
QUICK, QUICK_WORLD, QUICK_IN_DATABASE = 8_000_000, 4_000_000, 500_000
BATCH = 100_000
GOALS: Goals = {"dnc_bytes_per_number": ("<=", 2.5), "dnc_bytes_per_number_world": ("<=", 5.0), "dnc_check_ratio": (">=", 0.8),
                "dnc_check_ratio_world": (">=", 0.8), "longest_stall_ms": ("<=", 100.0)}


# -- parts, each in a process of its own --------------------------------------------------------------------------
def checks(listed: DoNotCallList, more: Callable[[int], Iterator[int]], name: str) -> dict[str, float]:
    """Checks a second of the list and of the bare library, and their ratio."""
    count, rounds = (500_000, 9) if len(listed) > QUICK else (100_000, 15)
    from pyroaring import BitMap64
    phones = next(phones for scope, phones, _ in listed.scopes())
    note("the same numbers in the bare library")
    bare, numbers = BitMap64(), iter(phones.numbers)
    while batch := array("Q", islice(numbers, 1_000_000)):
        bare.update(batch)
    bare.shrink_to_fit()
    rng = random.Random(11)
    every = len(phones) // (count // 10)
    asked = [*islice(more(99), count - count // 10), *islice(phones.numbers, 0, every * (count // 10), every)]
    rng.shuffle(asked)
    texts = [f"+{number}" for number in asked]

    def library() -> int:
        found = 0
        for number in asked:
            if number in bare:
                found += 1
        return found

    def checked() -> int:
        found = 0
        for phone in texts:
            if listed.blocks("Spring", phone):
                found += 1
        return found

    best: dict[str, float] = {}
    for _ in range(rounds):
        counts = set()
        for way in (library, checked):
            started = time.process_time()
            counts.add(way())
            rate = len(asked) / (time.process_time() - started)
            best[way.__name__] = max(rate, best.get(way.__name__, 0.0))
        assert len(counts) == 1, f"the list and the library disagree: {counts}"
    note(f"{counts.pop()} of {len(asked)} listed")
    return {f"checks_per_second{name}": best["checked"], f"checks_per_second_library{name}": best["library"],
            f"dnc_check_ratio{name}": best["checked"] / best["library"]}


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


def part_north_america(count: int, url: str, folder: Path) -> dict[str, float]:
    """Memory and checks at North American density."""
    return in_memory(count, north_america, "")


def part_world(count: int, url: str, folder: Path) -> dict[str, float]:
    """Memory and checks with numbers of the whole world."""
    return in_memory(count, world, "_world")


def part_database(count: int, url: str, folder: Path) -> dict[str, float]:
    """Load from the table; what the server's process needs for it."""
    listed, figures = loaded(url, folder)
    assert not figures["from_snapshot"]
    octets, peak = resident_octets() - figures["octets_before"], 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"numbers_in_database": len(listed), "load_s_database": figures["load_s"],
            "load_rows_per_second": len(listed) / figures["load_s"], "stall_ms_database": figures["stall_ms"],
            "idle_stall_ms": figures["idle_ms"], "bytes_per_number_in_server": octets / len(listed),
            "load_peak_bytes_per_number": (peak - figures["octets_before"]) / len(listed)}


def part_snapshot(count: int, url: str, folder: Path) -> dict[str, float]:
    """Load from the snapshot."""
    _, figures = loaded(url, folder)
    assert figures["from_snapshot"], "the snapshot was not used"
    return {"load_s_snapshot": figures["load_s"], "stall_ms_snapshot": figures["stall_ms"]}


def loaded(url: str, folder: Path) -> tuple[DoNotCallList, dict[str, Any]]:
    """The list as a server loads it, with the reactor running and its stalls measured."""
    from twisted.internet import reactor, threads
    from twisted.internet.defer import Deferred
    from twisted.internet.task import deferLater

    from ocs.database.backend import backend_for
    from ocs.store.do_not_call_feed import DoNotCallFeed
    from ocs.store.sql import SqlStore

    clock: Any = reactor
    store, listed, meter = SqlStore(url, reactor), DoNotCallList(), StallMeter(clock)
    figures: dict[str, Any] = {}

    async def run() -> None:
        await store.start()
        await deferLater(clock, 1.0)
        figures["idle_ms"], figures["octets_before"] = meter.longest_ms(), resident_octets()
        await deferLater(clock, 0.1)
        meter.longest_ms()                          # that was a stall of the measurement's own
        snapshot = folder / "snapshot.dnc"
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


# -- the whole ----------------------------------------------------------------------------------------------------
def imported(count: int, url: str, folder: Path) -> dict[str, float]:
    """A database with the North American numbers: the figures of the command that brings the first of them."""
    from ocs.store.do_not_call_import import import_do_not_call
    from ocs.store.versions import upgrade
    upgrade(url)
    numbers, path, first = north_america(count, 7), folder / "numbers.csv", min(count, IMPORTED)
    write(path, first, numbers)
    note(f"ocs dnc import of {first} numbers")
    ran = run_ocs("dnc", "import", str(path), "--database", url)
    if count > first:
        note(f"another {count - first}")
        write(path, count - first, numbers)
        import_do_not_call(url, path)
    path.unlink()
    return {"import_rows": first, "import_s": ran.seconds, "import_rows_per_second": first / ran.seconds,
            "import_peak_mib": ran.peak_octets / 2**20, "import_percentages_shown": len(set(re.findall(r"(\d+)%", ran.shown)))}


def write(path: Path, count: int, numbers: Iterator[int]) -> None:
    """A file of so many numbers."""
    with path.open("w", encoding="ascii") as file:
        file.write("phone\n")
        for _ in range(0, count, BATCH):
            file.writelines(f"+{number}\n" for number in islice(numbers, BATCH))


def in_process(part: str, count: int, url: str, folder: Path) -> dict[str, float]:
    """The figures of one part, which runs alone."""
    note(f"{part}: begins")
    given = {"--part": part, "--count": str(count), "--url": url, "--folder": str(folder)}
    done = subprocess.run([sys.executable, __file__, *(word for pair in given.items() for word in pair)],
                          stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def database(folder: Path, on_postgresql: bool) -> ContextManager[str]:
    """The URL of a database that is to be made, or of an empty one on a server."""
    from contextlib import nullcontext
    return postgresql(folder) if on_postgresql else nullcontext(f"sqlite:///{folder / 'ocs.sqlite'}")


def main() -> int:
    chosen = arguments(__doc__, ("--postgresql", {"action": "store_true", "help": "on PostgreSQL rather than SQLite"}),
                       ("--part", {"help": "one part only, in this process"}),
                       ("--count", {"type": int, "help": "how many numbers"}), ("--url", {"help": "the part's database"}),
                       ("--folder", {"type": Path, "help": "where files lie"}))
    count = chosen.count or (QUICK if chosen.quick else FULL)
    in_database = min(count, QUICK_IN_DATABASE if chosen.quick else IMPORTED if chosen.postgresql else count)
    parts = {"north_america": part_north_america, "world": part_world, "database": part_database, "snapshot": part_snapshot}
    if chosen.part:
        print(json.dumps(parts[chosen.part](count, chosen.url, chosen.folder)))
        return 0
    where = machine()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ocs-dnc-", dir=chosen.folder, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        figures |= in_process("north_america", count, "", folder)
        figures |= in_process("world", QUICK_WORLD if chosen.quick else count, "", folder)
        with database(folder, chosen.postgresql) as url:
            figures |= imported(in_database, url, folder)
            for part in ("database", "snapshot"):
                figures |= in_process(part, in_database, url, folder)
    figures["longest_stall_ms"] = max(figures["stall_ms_database"], figures["stall_ms_snapshot"])
    return report("dnc", where, figures, GOALS, chosen.json)


if __name__ == "__main__":
    sys.exit(main())
