"""One server through many thousand mutated messages, for what grows with them: each is a generator that comes back whenever
everybody has gone home; closed, it closes the database. Records are there, where they may grow; what the doubles remember is
forgotten.
"""
from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, Callable, Generator

from ocs.app.web.api.service import api_routes
from ocs.database.backend import backend_for, transaction
from ocs.http_server import HttpListenOptions, Reply, http_factory
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog
from tests.app import fuzz as third_parties
from tests.desktop import fuzz as desktops
from tests.desktop.port_fuzz import Floor
from tests.desktop.port_line import WAYS
from tests.doubles.clock import VirtualClock
from tests.scheduler.bench import DNS, Bench, chain

__all__ = ["LIVES"]

Life = Callable[[str, int], Generator[None, None, None]]
"""(URL of an empty database, messages from one time that everybody has gone to the next)"""


@contextmanager
def _stopped(store: Any) -> Generator[None, None, None]:
    """The store is stopped at the end."""
    try:
        yield
    finally:
        store.stop()


def _forget(bench: Bench) -> None:
    """What only a test remembers."""
    bench.store.asked.clear()
    bench.switch.asked.clear()
    bench.heard.clear()


def _more_records(url: str, turn: int) -> None:
    """Contacts for the next part."""
    with transaction(backend_for(url)) as work:
        catalog = Catalog()
        zone, first = catalog.zone_dbid(work, "America/New_York"), 100_000 * turn
        records = [one for number in range(first, first + 80, 2) for one in chain(number, number + 1)]
        insert_records(work, catalog.calling_list(work, "list"), [replace(one, tz_dbid=zone) for one in records])


def _desktop_life(entry: str, url: str, part: int) -> Generator[None, None, None]:
    rng = random.Random(7)
    center = desktops.Center(rng, desktops.Mutator(rng), partial(desktops.in_database, url))
    store, center.store = center.store, None         # it is not stopped between the parts
    sender = desktops.ENTRIES[entry](center)
    with _stopped(store):
        for turn in count(1):
            for number in range(part):
                if number % 8 == 0:
                    center.stir()
                sender.send()
            center.home()
            sender.check()
            sender.expected = 0
            center.answers.clear()
            if isinstance(sender, desktops.Interactions):
                sender.server.told.clear()
            _forget(center.bench)
            yield
            _more_records(url, turn)
            center.bench.begin()
            center.bench.ready(*DNS[:3])


def _communication_life(url: str, part: int) -> Generator[None, None, None]:
    rng = random.Random(7)
    store = desktops.in_database(url, chain(1, 2))
    third = third_parties.Third(rng, desktops.Mutator(rng, third_parties.DESKTOP_SEEDS), store=store)
    with _stopped(store):
        for turn in count(1):
            _more_records(url, turn)
            for number in range(part):
                third.send(number + 1)
                if number % 10 == 0:
                    third.work.stir()
            third.work.home()
            third.count()
            assert third.answered == third.expected
            _forget(third.rig.bench)
            yield


def _octets_life(url: str, part: int) -> Generator[None, None, None]:
    rng, clock = random.Random(7), VirtualClock()
    factory = http_factory(clock, HttpListenOptions(body_limit_kb=1, idle_s=20), lambda asked: Reply(200, {}), ("healthz",))
    while True:
        for _ in range(part):
            third_parties.connect(factory, clock, third_parties.broken(rng), rng)
        assert clock.getDelayedCalls() == [] and not factory.protocols
        yield


def _api_life(url: str, part: int) -> Generator[None, None, None]:
    from tests.app.api_rig import Rig
    rng, rig = random.Random(7), Rig(url)
    routes, work, watch = api_routes(rig.site), third_parties.Work(rng, rig.bench), third_parties.Watch()
    with _stopped(rig.store):
        for turn in count(1):
            for number in range(part):
                third_parties.ask_api(rig, rng, routes, turn * part + number, watch)
                if number % 50 == 0:
                    work.stir()
            work.home()
            _forget(rig.bench)
            rig.woken.clear()
            yield


def _port_life(way: str, url: str, part: int) -> Generator[None, None, None]:
    rng = random.Random(7)
    floor = Floor(way, rng, desktops.Mutator(rng))
    while True:
        for number in range(part):
            if number % 25 == 0:
                floor.stir()
            floor.send()
        floor.home()
        floor.asked.clear()
        yield


LIVES: dict[str, Life] = {
    **{entry: partial(_desktop_life, entry) for entry in desktops.ENTRIES}, "communication": _communication_life,
    "octets": _octets_life, "api": _api_life, **{f"desktop port, {way}": partial(_port_life, way) for way in WAYS}}
