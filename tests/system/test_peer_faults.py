"""Two servers that are peers, on one list of 2,000 records and one do-not-call list in PostgreSQL: the links between them are cut
at random moments, frozen (half open) and slowed down, while both dial and take do-not-call requests. Nothing is lost, nobody is
dialed twice, nobody is dialed after a server has acknowledged that this must not be, and three accounts agree."""
from __future__ import annotations

import random
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from ocs.app.demo.reconcile import reconcile
from ocs.dialing.results import RecordStatus
from tests.doubles.proxy import Proxy
from tests.postgres import PostgresServer
from tests.system.test_link_faults import contacts, disturb
from tests.system.test_peers import CLOCK, Center, ask_not_to_be_called, upgraded


class CutCenter(Center):
    """Each server reaches the other one through a proxy."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url, 2, contacts(folder))
        self.proxies: list[Proxy] = []

    def way(self, number: int, other: int, port: int) -> int:
        self.proxies.append(Proxy(CLOCK, port))
        return self.proxies[-1].port

    async def close(self) -> None:
        await super().close()
        for proxy in self.proxies:
            await proxy.close()


async def cut(folder: Path, url: str, count: int) -> None:
    rng, center, acknowledged = random.Random(f"peers/{count}"), CutCenter(folder, url), dict[str, float]()
    try:
        await center.open()
        await center.calls_more(3, "the first calls")
        phones = rng.sample(sorted({record.contact_info for record in center.accounts.records}), count)
        asking = Deferred.fromCoroutine(ask_not_to_be_called(center, [1, 2], phones, acknowledged))
        await disturb(rng, center.proxies, count)
        await asking
        await center.calls_more(3, "calls after the last cut")
    finally:
        await center.close()
    accounts = center.accounts
    print(f"peers: {len(accounts.records)} records, {len(accounts.attempts)} attempts, {len(accounts.outbound)} calls,"
          f" {len(acknowledged)} requests")
    assert reconcile(accounts, edge_s=center.plan.edge_s) == []
    assert len(acknowledged) == count and center.called_after(acknowledged) == []
    assert not [record for record in accounts.records if record.record_status is RecordStatus.RETRIEVED]
    for child in (*center.servers, center.icon):
        assert "Traceback" not in child.log_file.read_text(), child.log_file.read_text()[-6_000:]


@pytest_twisted.ensureDeferred
async def test_links_between_servers_that_are_cut_frozen_and_slow_lose_and_double_nothing(
        tmp_path: Path, postgres_server: PostgresServer) -> None:
    await cut(tmp_path, upgraded(postgres_server), 20)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest_twisted.ensureDeferred
async def test_links_between_servers_that_are_cut_two_hundred_times(tmp_path: Path, postgres_server: PostgresServer) -> None:
    await cut(tmp_path, upgraded(postgres_server), 200)
