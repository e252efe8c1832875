"""Peers on real sockets: mutual TLS, a number given twice, a link that hangs, cuts at random moments of a thousand requests."""
from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any, Callable

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ocs.app.peers import PeerOptions, PeerServerOptions, PeerSide
from ocs.clock import SystemClock
from ocs.dialing.values import DoNotCallEntry
from ocs.links.registry import Links
from ocs.options import load
from ocs.passwords import hash_password
from tests.doubles.certificates import Authority
from tests.doubles.peers import FakePeerRequests
from tests.doubles.ports import free_port
from tests.doubles.proxy import Proxy

PASSWORD = "between servers"
CLOCK: Any = reactor


async def until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await deferLater(CLOCK, 0.02, lambda: None)


class Side(PeerSide):
    """A server without an engine: what peers ask is noted."""

    def __init__(self, name: str, dbid: int, port: int, other: int, peer: dict[str, Any] | None = None,
                 server: dict[str, Any] | None = None) -> None:
        options = load(PeerOptions, {"enabled": True, "port": port, "application": [
            {"name": "ocs", "password_hash": hash_password(PASSWORD, cheap=True)}], "start_wait_s": 10.0, **(peer or {})})
        link = load(PeerServerOptions, {"name": "other", "port": other, "password": PASSWORD, "reconnect_min_s": 0.05,
                                        "reconnect_max_s": 0.3, **(server or {})})
        clock = SystemClock(reactor)
        super().__init__(name, dbid, options, (link,), CLOCK, clock.wall(), Links(clock), random.Random(dbid))
        self.asked = FakePeerRequests()
        self.listen(self.asked, lambda watcher: None)
        self.take_port()

    @property
    def row(self) -> dict[str, Any]:
        return self.rows()[0]


async def pair(first: Side, second: Side) -> None:
    starting = [Deferred.fromCoroutine(one.start()) for one in (first, second)]
    for each in starting:
        await each


async def ended(*sides: Side) -> None:
    for one in sides:
        await one.stop()


@pytest_twisted.ensureDeferred
async def test_peers_that_show_each_other_certificates_work_together_and_others_are_not_let_in(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "Another Authority")
    ports = free_port(), free_port()

    def tls(by: Authority) -> tuple[dict[str, Any], dict[str, Any]]:
        certificate, key = map(str, by.issue("127.0.0.1"))
        return ({"tls": {"certificate": certificate, "private_key": key, "client_ca": str(authority.roots)}},
                {"tls": {"enabled": True, "ca": str(authority.roots), "certificate": certificate, "private_key": key}})

    west = Side("ocs-west", 1, *ports, *tls(authority))
    east = Side("ocs-east", 2, *reversed(ports), *tls(authority))
    intruder = Side("intruder", 3, free_port(), ports[0], *tls(stranger))
    try:
        await pair(west, east)
        await until(lambda: west.row["state"] == east.row["state"] == "up", "both links")
        assert (west.row["dbid"], west.row["role"], east.row["dbid"]) == (2, "primary", 1)
        entry = DoNotCallEntry(phone="+15550101001", internal=True)
        await west.peers.block([entry]).everywhere()
        assert east.asked.blocked == [entry] and west.address()["peer"]["tls"] is True
        await intruder.start()
        assert intruder.row["state"] != "up" and len(west.rows()) == 1
    finally:
        await ended(west, east, intruder)


@pytest_twisted.ensureDeferred
async def test_the_second_server_of_a_number_is_refused_by_name_on_both_sides() -> None:
    ports = free_port(), free_port()
    west, east = Side("ocs-west", 7, *ports), Side("ocs-east", 7, *reversed(ports))
    try:
        await pair(west, east)
        await until(lambda: "ocs-east, which runs already" in west.row["state"], "the reason")
        assert "7 is that of ocs-west, which runs already (ocs-east asks)" in east.row["state"] and not west.peers.there
    finally:
        await ended(west, east)


@pytest_twisted.ensureDeferred
async def test_a_peer_that_hangs_keeps_nobody_waiting_for_long() -> None:
    ports = free_port(), free_port()
    proxy = Proxy(CLOCK, ports[1])
    west, east = Side("ocs-west", 1, ports[0], proxy.port), Side("ocs-east", 2, *reversed(ports))
    try:
        await pair(west, east)
        await until(lambda: west.peers.there, "the link")
        proxy.frozen = True
        told: list[float] = []
        notice = west.peers.block([DoNotCallEntry(phone="+15550101001")])
        notice.everywhere().addCallback(lambda _: told.append(time.monotonic()))
        began = time.monotonic()
        await until(lambda: told, "the end of the wait")
        assert told[0] - began >= 0.95 and east.asked.blocked == []
        proxy.thaw()
        await until(lambda: len(east.asked.blocked) == 1, "late, but not lost")
    finally:
        await ended(west, east)
        await proxy.close()


@pytest_twisted.ensureDeferred
async def test_links_that_are_cut_at_random_moments_lose_no_confirmed_request() -> None:
    """Twenty cuts in a thousand requests: what was confirmed without a wait is with the peer, and the link comes back."""
    ports, rng = (free_port(), free_port()), random.Random(4)
    proxy = Proxy(CLOCK, ports[1])
    west, east = Side("ocs-west", 1, ports[0], proxy.port), Side("ocs-east", 2, *reversed(ports))
    cuts, asked, at_once = 0, 0, []
    try:
        await pair(west, east)
        while asked < 1_000 or cuts < 20:
            await until(lambda: west.peers.there, "the link comes back")
            notices = []
            for _ in range(50):
                entry = DoNotCallEntry(phone=f"+1555{asked:07}")
                waited = west.peers.block([entry]).everywhere()
                waited.addCallback(lambda _, entry=entry, began=time.monotonic(): at_once.append(entry.phone)
                                   if time.monotonic() - began < 0.9 else None)
                notices.append(waited)
                asked += 1
            await deferLater(CLOCK, rng.uniform(0.0, 0.02), lambda: None)
            cuts += proxy.cut() and 1
            blocked_then = {entry.phone for entry in east.asked.blocked}
            assert set(at_once) <= blocked_then, "nothing is confirmed that the peer does not have"
        for waited in notices:
            await waited
        assert cuts >= 20 and len(at_once) > 100
    finally:
        await ended(west, east)
        await proxy.close()
