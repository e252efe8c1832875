"""Retrieval on PostgreSQL: a claim's cost follows what it takes, not the list's length; instances share a list; import.

    python benchmarks/retrieval.py [--quick] [--json]

A server of its own is started in a temporary directory (settings: benchmarks/_postgresql.py), and removed at the end; 10
million records take 12 GB of disk for a while. Measured:

- claims of 500 chains on lists of 10,000, 1 million and 10 million Ready records, spread over eight zones and three types.
  Seven of ten chains are general; callbacks and retries fall due evenly over the time that the list takes, so a claim takes,
  as in a running campaign, some 50 callbacks and 100 retries from anywhere in the list, and fills up with general records.
  Median and 99th percentile; `claim_ratio_10m_10k` is the ratio of the medians. The sizes take turns, so that a busy machine
  slows all of them down. The plan of the query is printed. `claim_ratio_all_due` is the same ratio where nobody claimed for
  years: everything is due, and a claim takes callbacks from 500 places of the long list.
- four processes that claim from one list, 100 chains at a time, until it is empty: chains per second, beside those of one
  process alone; and `duplicates`, chains that two of them got, and `split_chains`, of which two hold parts.
- import of contacts that are in E.164, with their time zones, against the server's own COPY of the rows that the import
  makes, into a table with the same indexes; and import of contacts as people write numbers.

`--quick` uses 10,000, 50,000 and 300,000 records, and says so in `records_largest`; the goals are the same.
"""
from __future__ import annotations

import argparse
import csv
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._postgresql import postgresql  # noqa: E402
from benchmarks._report import arguments, machine, note, report  # noqa: E402
from ocs.database.backend import Backend, backend_for, transaction  # noqa: E402
from ocs.dialing.results import RecordType  # noqa: E402
from ocs.dialing.values import ClaimRequest, Owner  # noqa: E402
from ocs.store.claims import claim  # noqa: E402
from ocs.store.contacts import import_contacts  # noqa: E402
from ocs.store.records import ClaimKind  # noqa: E402
from ocs.store.registry import Catalog, create_list  # noqa: E402
from ocs.store.versions import upgrade  # noqa: E402

NOW = 1_790_000_000
CHAINS = 500
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London", "Europe/Berlin",
         "Asia/Tokyo", "Australia/Sydney")
TYPES = (RecordType.CAMPAIGN_CALLBACK, RecordType.CAMPAIGN_RESCHEDULED, RecordType.GENERAL)
STEP_S = 60                             # between two claims of a list
CALLBACKS, RETRIES = 50, 100            # chains that fall due in a step
GOALS = {"claim_ratio_10m_10k": ("<=", 1.5), "duplicates": ("<=", 0), "split_chains": ("<=", 0),
         "plan_uses_index": (">=", 1), "import_ratio_copy": (">=", 0.25)}
COLUMNS = "record_id, contact_info, record_type, dial_sched_time, daily_from, daily_till, tz_dbid, chain_id, chain_n"


def rows(count: int, zones: list[int], seed: int) -> Iterator[str]:
    """Lines of COPY: chains of one or two records; of ten seven are general, two retries, one a callback."""
    rng = random.Random(seed)
    steps = count / 1.5 * 0.1 / CALLBACKS
    record_id = chain_id = 0
    while record_id < count:
        chain_id += 1
        kind = rng.random()
        record_type = 2 if kind < 0.7 else 3 if kind < 0.9 else 6
        due = "\\N" if record_type == 2 else str(NOW + int(rng.random() * steps * STEP_S))
        zone = zones[rng.randrange(len(zones))]
        for chain_n in range(1, 3 if rng.random() < 0.5 and record_id + 1 < count else 2):
            record_id += 1
            yield f"{record_id}\t+1212{record_id:08d}\t{record_type}\t{due}\t0\t86400\t{zone}\t{chain_id}\t{chain_n}\n"


def load(backend: Backend, name: str, count: int, seed: int = 1) -> list[int]:
    """Make a list with so many ready records; the numbers of its zones."""
    with transaction(backend) as work:
        catalog = Catalog()
        zones = [catalog.zone_dbid(work, zone) for zone in ZONES]
        made = create_list(work, catalog, name)
        with work.cursor.copy(f"COPY {made.table.name} ({COLUMNS}) FROM STDIN") as copy:
            block: list[str] = []
            for line in rows(count, zones, seed):
                block.append(line)
                if len(block) == 5_000:
                    copy.write("".join(block))
                    block = []
            copy.write("".join(block))
    tidy(backend, made.table.name)
    return zones


def tidy(backend: Backend, table: str) -> None:
    """What the server does by itself some time after a load."""
    connection = backend.connect()
    connection.autocommit = True
    connection.execute(f"VACUUM ANALYZE {table}")
    connection.close()


class Claimer:
    """Claims from one list, on one connection, as the store's writer does."""

    def __init__(self, backend: Backend, name: str, zones: list[int], app: int = 1) -> None:
        self._backend, self._connection, self._catalog = backend, backend.connect(bounded=True), Catalog()
        self._name, self._owner, self._open = name, Owner(app, 1, 1), dict.fromkeys(zones, 43_200)
        self.now = NOW

    def claim(self, limit: int = CHAINS) -> list[int]:
        self.now += STEP_S
        work = self._backend.begin_write(self._connection)
        chains = claim(work, self._catalog, ClaimRequest(self._name, self._owner, limit, self.now, self._open, TYPES))
        self._connection.commit()
        return [chain.chain_id for chain in chains]

    def plan(self, limit: int = CHAINS) -> str:
        """How the server finds the candidates of a claim."""
        work = self._backend.begin_write(self._connection)
        table = self._catalog.calling_list(work, self._name)
        values: dict[str, Any] = {"type": int(RecordType.GENERAL), "now": NOW, "count": limit, "after_due": -1,
                                  "after_chain": -2**63}
        for number, (zone, local) in enumerate(self._open.items()):
            values.update({f"zone_{number}": zone, f"local_{number}": local})
        text, parameters = table.merged_candidates(len(self._open), ClaimKind()).bound(work.dialect, values)
        work.cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + text, parameters)
        lines = [row[0] for row in work.cursor.fetchall()]
        self._connection.rollback()
        return "\n".join(lines)

    def close(self) -> None:
        self._connection.close()


def measure_claims(backend: Backend, sizes: list[int], rounds: int) -> tuple[dict[str, float], str]:
    """Medians and percentiles of claims on lists of these sizes, and the plan of the largest."""
    claimers: dict[int, Claimer] = {}
    for size in sizes[1:]:
        begun = time.perf_counter()
        zones = load(backend, f"list {size}", size)
        claimers[size] = Claimer(backend, f"list {size}", zones)
        note(f"{size:,} records loaded in {time.perf_counter() - begun:.0f} s")
    figures: dict[str, float] = {}
    smallest, largest = sizes[0], sizes[-1]
    paced = take_turns(backend, claimers, smallest, rounds, NOW)
    for size in sizes:
        ordered = sorted(paced[size])
        figures[f"claim_500_median_ms_{size}"] = 1e3 * statistics.median(ordered)
        figures[f"claim_500_p99_ms_{size}"] = 1e3 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    figures["claim_ratio_10m_10k"] = figures[f"claim_500_median_ms_{largest}"] / figures[f"claim_500_median_ms_{smallest}"]
    plan = claimers[largest].plan()
    figures["plan_uses_index"] = float("_claim" in plan and "Seq Scan" not in plan)
    late = take_turns(backend, claimers, smallest, max(1, rounds // 3), NOW + 10**9)
    figures["claim_ratio_all_due"] = statistics.median(late[largest]) / statistics.median(late[smallest])
    for claimer in claimers.values():
        claimer.close()
    return figures, plan


def take_turns(backend: Backend, claimers: dict[int, Claimer], smallest: int, rounds: int, now: int) -> dict[int, list[float]]:
    """Seconds of claims by the sizes of lists. There is a new list of the smallest size in each round: it is soon used up.
    `now` is where the lists' clocks begin, if they are not beyond it."""
    seconds: dict[int, list[float]] = {size: [] for size in (smallest, *claimers)}
    for seed in range(rounds):
        name = f"list {smallest} {now} {seed}"
        turn = {smallest: Claimer(backend, name, load(backend, name, smallest, seed)), **claimers}
        for claimer in turn.values():
            claimer.now = max(claimer.now, now)
            claimer.claim()                         # the first of a turn warms up
        for _ in range(8):                          # 10,000 records are some 6,600 chains
            for size, claimer in turn.items():
                begun = time.perf_counter()
                assert len(claimer.claim()) == CHAINS
                seconds[size].append(time.perf_counter() - begun)
        turn[smallest].close()
    return seconds


def measure_instances(backend: Backend, url: str, records: int) -> dict[str, float]:
    """One process alone on a list, then four on another one like it, until they are empty."""
    figures: dict[str, float] = {}
    for word, count in (("one_instance", 1), ("four_instances", 4)):
        zones = load(backend, word, records)
        workers = [subprocess.Popen([sys.executable, __file__, "--claim-from", url, word, str(app), *map(str, zones)], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE) for app in range(1, count + 1)]
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        begun, ended, taken = time.monotonic(), 0.0, list[int]()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("begin\n")
            worker.stdin.flush()
        for worker in workers:
            out, _ = worker.communicate(timeout=600)
            if worker.returncode:
                raise SystemExit(f"a claiming process ended with status {worker.returncode}")
            at, *chains = out.split()
            ended = max(ended, float(at))
            taken += map(int, chains)
        figures[f"{word}_chains_per_s"] = len(taken) / (ended - begun)
    return {**figures, **judged(backend, word, taken)}


def judged(backend: Backend, name: str, taken: list[int]) -> dict[str, float]:
    """What is wrong with what was taken from a list; nothing may be left of it."""
    with transaction(backend, write=False) as work:
        table = Catalog().calling_list(work, name).table.name
        work.cursor.execute(f"SELECT count(*) FILTER (WHERE record_status <> 2), count(DISTINCT chain_id) FROM {table}")
        left, chains = work.cursor.fetchone()
        work.cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} GROUP BY chain_id"
                            " HAVING count(DISTINCT app_id) <> 1 OR count(DISTINCT record_status) <> 1) AS split")
        (split,) = work.cursor.fetchone()
    if left or len(set(taken)) != chains:
        raise SystemExit(f"{left} records are left, {len(set(taken))} of {chains} chains were taken")
    return {"duplicates": float(len(taken) - len(set(taken))), "split_chains": float(split)}


def work_as_instance(url: str, name: str, app: int, zones: list[int]) -> None:
    """One of several: claims 100 chains at a time from when it is told to, then says when it ended and what it got."""
    claimer = Claimer(backend_for(url), name, zones, app)
    claimer.now += 10**9                            # everything is due
    print("ready", flush=True)
    sys.stdin.readline()
    taken: list[int] = []
    empty, ended = 0, time.monotonic()
    while empty < 3:                                # what others hold at the moment may come back
        chains = claimer.claim(100)
        if chains:
            taken += chains
            empty, ended = 0, time.monotonic()
        else:
            empty += 1
            time.sleep(0.05)
    claimer.close()
    print(ended, *taken)


def contacts(path: Path, count: int, written: str) -> None:
    """A CSV of contacts; numbers in E.164 with their zones, or as people write them and without."""
    rng = random.Random(7)
    areas = {"212": "America/New_York", "312": "America/Chicago", "303": "America/Denver", "415": "America/Los_Angeles",
             "617": "America/New_York", "713": "America/Chicago"}
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["name", "phone", "account"] + (["timezone"] if written == "e164" else []))
        for number in range(count):
            area = rng.choice(list(areas))
            exchange, line = rng.randrange(200, 1_000), rng.randrange(10_000)
            if exchange % 100 == 11:
                exchange += 1
            name, account = f"Contact {number}", f"A{number:08d}"
            if written == "e164":
                out.writerow([name, f"+1{area}{exchange}{line:04d}", account, areas[area]])
            else:
                out.writerow([name, f"({area}) {exchange}-{line:04d}", account])


def measure_import(backend: Backend, folder: Path, count: int, rounds: int) -> dict[str, float]:
    """Import against COPY, in turns; medians."""
    contacts(folder / "e164.csv", count, "e164")
    contacts(folder / "national.csv", count // 4, "national")
    imported, copied, normalised = [], [], []
    for number in range(rounds):
        begun = time.perf_counter()
        import_contacts(backend, f"import {number}", folder / "e164.csv")
        imported.append(time.perf_counter() - begun)
        copied.append(_copied(backend, f"import {number}", f"copy {number}", folder / "rows"))
        begun = time.perf_counter()
        import_contacts(backend, f"national {number}", folder / "national.csv")
        normalised.append(time.perf_counter() - begun)
    import_s, copy_s, normal_s = map(statistics.median, (imported, copied, normalised))
    return {"import_rows_per_s": count / import_s, "copy_rows_per_s": count / copy_s, "import_ratio_copy": copy_s / import_s,
            "import_normalising_rows_per_s": (count // 4) / normal_s}


def _copied(backend: Backend, source: str, target: str, path: Path) -> float:
    """Seconds of the server's COPY of one list's rows into a list like it."""
    with transaction(backend) as work:
        catalog = Catalog()
        one = catalog.calling_list(work, source)
        other = create_list(work, catalog, target, one.fields)
        names = ", ".join(one.table.c.keys())
        with path.open("wb") as file, work.cursor.copy(f"COPY {one.table.name} ({names}) TO STDOUT") as copy:
            for block in copy:
                file.write(block)
    begun = time.perf_counter()
    with transaction(backend) as work:
        with path.open("rb") as file, work.cursor.copy(f"COPY {other.table.name} ({names}) FROM STDIN") as copy:
            while block := file.read(1 << 18):
                copy.write(block)
    return time.perf_counter() - begun


def main() -> int:
    options = arguments(__doc__, ("--claim-from", {"nargs": "+", "help": argparse.SUPPRESS}))
    if options.claim_from:
        url, name, app, *zones = options.claim_from
        work_as_instance(url, name, int(app), list(map(int, zones)))
        return 0
    sizes = [10_000, 50_000, 300_000] if options.quick else [10_000, 1_000_000, 10_000_000]
    where = machine()
    figures: dict[str, float] = {"records_largest": sizes[-1]}
    with tempfile.TemporaryDirectory(prefix="ocs-retrieval-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with postgresql(folder) as url:
            upgrade(url)
            backend = backend_for(url, 120.0)
            figures |= measure_import(backend, folder, 30_000 if options.quick else 200_000, 3)
            note("import measured")
            figures |= measure_instances(backend, url, 20_000 if options.quick else 200_000)
            note("instances measured")
            claims, plan = measure_claims(backend, sizes, 2 if options.quick else 12)
            figures |= claims
    note(f"how the largest list was read:\n{plan}")
    return report("retrieval", where, figures, GOALS, options.json)


if __name__ == "__main__":
    sys.exit(main())
