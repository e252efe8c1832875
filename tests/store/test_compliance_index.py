"""What calling rules ask of the attempts is served by indexes: neither a dial nor a load reads all attempts ever made."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocs.database.backend import backend_for, transaction
from ocs.database.statements import Transaction
from ocs.dialing.compliance.attempts import PastWanted
from ocs.dialing.compliance.calls import CallsWanted
from ocs.dialing.compliance.rules import CountedFrom
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState
from ocs.store.attempts import write_attempts
from ocs.store.compliance import answered_calls, past_attempts
from tests.postgres import upgraded_database


class Explained(Transaction):
    """Explains every query before it is run."""

    def __init__(self, cursor: Any, dialect: Any) -> None:
        super().__init__(cursor, dialect)
        self.plans: list[str] = []

    def rows(self, sql: Any, **parameters: Any) -> list[tuple[Any, ...]]:
        self._explain(sql, parameters)
        return super().rows(sql, **parameters)

    def row(self, sql: Any, **parameters: Any) -> tuple[Any, ...] | None:
        self._explain(sql, parameters)
        return super().row(sql, **parameters)

    def _explain(self, sql: Any, parameters: Any) -> None:
        text, bound = sql.bound(self.dialect, parameters)
        postgresql = self.dialect.name == "postgresql"
        self.cursor.execute(("EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN ") + text, bound)
        self.plans.append("\n".join(str(row[0 if postgresql else 3]) for row in self.cursor.fetchall()))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with more attempts than one would look through."""
    found: str = upgraded_database(request, request.param, tmp_path)
    with transaction(backend_for(found)) as work:
        write_attempts(work, [Attempt(
            f"g{n}", "spring", n, n, 0, f"+1212{n % 2_000:07d}", 1, f"campaign {n % 5}", "group", "S", 1_000.0 + n,
            AttemptState.CLOSED, answered_at=1_000.0 + n if n % 3 == 0 else None, call_result=CallResult.NO_ANSWER)
            for n in range(20_000)])
        if work.dialect.name == "postgresql":
            work.cursor.execute("ANALYZE ocs_attempt")
    return found


def plans(url: str, ask: Any) -> list[str]:
    with transaction(backend_for(url), write=False) as work:
        explained = Explained(work.cursor, work.dialect)
        ask(explained)
    return explained.plans


def test_attempts_of_a_number_and_of_a_record_are_found_by_an_index(url: str) -> None:
    by_phone, by_record = plans(url, lambda work: past_attempts(work, PastWanted(
        1_500.0, ("+12120000007", "+12120000008"), {"spring": (7, 8)})))
    assert "ix_ocs_attempt_phone" in by_phone and "ix_ocs_attempt_record" in by_record
    assert not any(scan in plan for plan in (by_phone, by_record) for scan in ("Seq Scan", "SCAN ocs_attempt"))


def test_answered_calls_of_a_campaign_are_found_by_an_index(url: str) -> None:
    ends, *days = plans(url, lambda work: answered_calls(work, CallsWanted("campaign 3", 20_500.0, 2.0, CountedFrom.GREETING)))
    assert "ix_ocs_attempt_answered" in ends and days
    assert all("ix_ocs_attempt_answered" in plan and "Seq Scan" not in plan for plan in days)
