"""The figures of a run, from its accounts: what `ocs demo` prints at the end and writes as JSON."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from ocs.app.demo.accounts import Accounts, CallLine
from ocs.app.demo.planned import Planned, Reason, plan
from ocs.app.demo.reconcile import match, reconcile
from ocs.dialing.results import CallResult
from ocs.dialing.values import Attempt, AttemptState

__all__ = ["Figures", "figures", "iso"]

# what answered was no person
_NO_PERSON = frozenset({CallResult.ANSWERING_MACHINE_DETECTED, CallResult.FAX_DETECTED, CallResult.SILENCE_DETECTED,
                        CallResult.PAGER_DETECTED})


@dataclass(frozen=True)
class Figures:
    """The outcome of a run. Shares are 0.0 to 1.0."""

    records: int
    final: int
    chains: int
    calls: int
    results: Mapping[str, int]          # label -> calls
    answered: int
    abandoned: int
    abandon_rate: float
    utilisation: float
    dnc_blocked: int
    outside_window: int
    planned: Sequence[Planned]
    differences: Sequence[str]
    seconds: float
    database: str
    directory: str
    complete: bool = field(default=True)    # False: interrupted, or given up; not part of the JSON

    @property
    def reconciled(self) -> bool:
        """True if the accounts agree."""
        return not self.differences

    @property
    def good(self) -> bool:
        """True if the run came to its end, every record is final or planned, and the accounts agree."""
        return self.complete and self.reconciled and self.records == self.final + len(self.planned)

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` writes."""
        return {
            "records": self.records, "final": self.final, "chains": self.chains, "calls": self.calls,
            "results": dict(self.results), "answered": self.answered, "abandoned": self.abandoned,
            "abandon_rate": round(self.abandon_rate, 6), "utilisation": round(self.utilisation, 6),
            "dnc_blocked": self.dnc_blocked, "outside_window": self.outside_window,
            "planned": [{"record": one.record_id, "reason": one.text, "due": None if one.due is None else iso(one.due)}
                        for one in self.planned],
            "reconciled": self.reconciled, "differences": list(self.differences), "seconds": round(self.seconds, 3),
            "database": self.database, "directory": self.directory,
        }


def figures(accounts: Accounts, now: float, *, utilisation: float | None, seconds: float, database: str, directory: str,
            complete: bool = True, edge_s: float = 1.0, visitors: Sequence[str] = ()) -> Figures:
    """Count. `now` (epoch s) is the moment of the accounts; `seconds` the real time that the run took."""
    owners = match(accounts)
    calls = [call for call in accounts.outbound if call.conn_id in owners or call.agent_dn not in visitors]
    settled = [(call, _result(call, owners.get(call.conn_id))) for call in calls]
    results = Counter(result.label for _, result in settled)
    answered = sum(1 for call, result in settled if call.answered_at is not None and result not in _NO_PERSON)
    abandoned = sum(1 for _, result in settled if result is CallResult.ABANDONED)
    planned = plan(accounts.records, now)
    final = sum(1 for record in accounts.records if record.record_status.final)
    differences = reconcile(accounts, edge_s=edge_s, visitors=visitors)
    if final + len(planned) != len(accounts.records):
        differences.append(f"{len(accounts.records)} records, but {final} final and {len(planned)} planned")
    return Figures(
        records=len(accounts.records), final=final, chains=len({record.chain_id for record in accounts.records}),
        calls=len(calls), results=dict(sorted(results.items(), key=lambda item: (-item[1], item[0]))),
        answered=answered, abandoned=abandoned, abandon_rate=abandoned / answered if answered else 0.0,
        utilisation=utilisation or 0.0, dnc_blocked=_blocked(accounts),
        outside_window=sum(1 for one in planned if one.reason in (Reason.OUTSIDE_WINDOW, Reason.NEVER_OPENS)),
        planned=planned, differences=differences, seconds=seconds, database=database, directory=directory,
        complete=complete)


def _result(call: CallLine, attempt: Attempt | None) -> CallResult:
    """What came of the call: the settled result where there is one, else what the switch logged. Of an attempt with several calls
    the result is the last one's."""
    if attempt is not None and attempt.call_result is not None and attempt.conn_id in (None, call.conn_id):
        return attempt.call_result
    try:
        return CallResult(call.call_state) if call.call_state is not None else CallResult.UNKNOWN
    except ValueError:
        return CallResult.UNKNOWN


def _blocked(accounts: Accounts) -> int:
    """Records that the do-not-call check closed before any dial."""
    dialed = {attempt.record_id for attempt in accounts.attempts if attempt.state is not AttemptState.NOT_DIALED}
    return sum(1 for record in accounts.records
               if record.call_result is CallResult.DO_NOT_CALL and record.record_id not in dialed)


def iso(moment: float) -> str:
    """ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(int(moment), timezone.utc).isoformat().replace("+00:00", "Z")
