"""Every kind of claim is served by the claim index: no claim reads the list from end to end."""
from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.dialing.results import RecordType
from ocs.dialing.values import ClaimRequest, CustomField, Owner
from ocs.store.filters import parse_filter
from ocs.store.records import ClaimKind, claim_kind
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
    assert walks_the_index(steps) and not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize("criteria, order_by, sorts", [
    ("attempt < 3 AND points > 7", "", False), ("", "points DESC, name", True), ("name LIKE 'M%'", "points", True)])
def test_a_filter_keeps_to_the_claim_index_and_only_its_order_sorts(tmp_path: Path, criteria: str, order_by: str,
                                                                    sorts: bool) -> None:
    backend = backend_for(f"sqlite:///{tmp_path / 'ocs.sqlite'}")
    upgrade(backend)
    fields = (CustomField("points", "int"), CustomField("name"))
    with transaction(backend) as work:
        table = create_list(work, Catalog(), "spring", fields)
        text, parameters = table.candidates(ClaimKind(), parse_filter(criteria, order_by, fields)).bound(work.dialect, {
            "zone": 1, "type": 2, "now": 100, "local": 43_200, "count": 10})
        work.cursor.execute("EXPLAIN QUERY PLAN " + text, parameters)
        steps = [row[3] for row in work.cursor.fetchall()]
    assert walks_the_index(steps) and any("TEMP B-TREE" in step for step in steps) is sorts, steps


def walks_the_index(steps: list[str]) -> bool:
    (walk,) = [step for step in steps if "_claim" in step]
    return (walk.startswith("SEARCH") and "tz_dbid=? AND record_status=? AND record_type=?" in walk
            and not any(step.startswith("SCAN") for step in steps))
