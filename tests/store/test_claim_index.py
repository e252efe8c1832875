"""Every kind of claim is served by the claim index: no claim reads the list from end to end."""
from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordType
from ocs.dialing.values import ClaimRequest, Owner
from ocs.store.records import claim_kind
from ocs.store.registry import Catalog, create_list
from ocs.store.versions import upgrade

KINDS = list(product((None, ("1001", "1002")), ((), ("1003",)), (False, True), (False, True)))


@pytest.mark.parametrize("agent_ids, without_agents, own_campaign, own_group", KINDS)
def test_a_claim_walks_the_claim_index(tmp_path: Path, agent_ids: tuple[str, ...] | None, without_agents: tuple[str, ...],
                                       own_campaign: bool, own_group: bool) -> None:
    backend = backend_for(f"sqlite:///{tmp_path / 'ocs.sqlite'}")
    upgrade(backend)
    request = ClaimRequest("spring", Owner(1, 2, 3), 10, 100, {1: 43_200}, agent_ids=agent_ids, own_campaign=own_campaign,
                           without_agents=without_agents, own_group=own_group)
    with transaction(backend) as work:
        table = create_list(work, Catalog(), "spring", ())
        kind, more = claim_kind(request, RecordType.PERSONAL_CALLBACK)
        text, parameters = table.candidates(kind).bound(work.dialect, {
            "zone": 1, "type": 5, "now": 100, "local": 43_200, "count": 10, **more})
        work.cursor.execute("EXPLAIN QUERY PLAN " + text, parameters)
        steps = [row[3] for row in work.cursor.fetchall()]
    (walk,) = [step for step in steps if "_claim" in step]
    assert walk.startswith("SEARCH") and "tz_dbid=? AND record_status=? AND record_type=?" in walk
    assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in steps), steps
