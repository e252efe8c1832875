"""The accounts of a run, as they were kept: the database by the OCS, the call log by the T-Server, the interaction database
by ICON.

The T-Server's log knows nothing of the OCS, so what both say of a call is said twice; ICON knows what it was told. Everything
here reads; nothing writes.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from ocs.app.demo.icon_account import IconAccount, read_icon
from ocs.database.backend import Backend, transaction
from ocs.dialing.values import Attempt, DoNotCallEntry, Record
from ocs.store.attempts import attempts_of
from ocs.store.do_not_call import do_not_call_entries
from ocs.store.registry import Catalog

__all__ = ["Accounts", "CallLine", "read_accounts", "read_call_log"]

PAGE = 10_000       # records read at once


@dataclass(frozen=True, slots=True)
class CallLine:
    """One line of the T-Server's call log: a call that is over. Times are epoch seconds (UTC) or None."""

    conn_id: str
    kind: str               # outbound, engaging, inbound, internal
    destination: str
    dialed_at: float | None
    answered_at: float | None
    ended_at: float | None
    call_state: int | None
    agent_dn: str | None


@dataclass(frozen=True)
class Accounts:
    """What everybody wrote down. `unreadable` are the numbers of log lines that are no call."""

    records: Sequence[Record]
    attempts: Sequence[Attempt]
    calls: Sequence[CallLine]
    do_not_call: Sequence[DoNotCallEntry]
    unreadable: Sequence[int] = ()
    icon: IconAccount | None = None         # the third one, where there is an ICON

    @property
    def outbound(self) -> list[CallLine]:
        """The calls into the network."""
        return [call for call in self.calls if call.kind == "outbound"]


def read_call_log(path: Path) -> tuple[list[CallLine], list[int]]:
    """The calls of the log, and the numbers of lines that are none. A last line without its end was being written when the
    T-Server died: it is left out. No file means no call yet."""
    if not path.exists():
        return [], []
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[:text.rfind("\n") + 1]
    calls: list[CallLine] = []
    unreadable: list[int] = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            calls.append(_call_line(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            unreadable.append(number)
    return calls, unreadable


def _call_line(values: Any) -> CallLine:
    state = values["call_state"]
    return CallLine(str(values["conn_id"]), str(values["kind"]), str(values["destination"]), _time(values["dialed_at"]),
                    _time(values["answered_at"]), _time(values["ended_at"]), None if state is None else int(state),
                    values["agent_dn"])


def _time(value: Any) -> float | None:
    return None if value is None else float(value)


def read_accounts(backend: Backend, calling_list: str, call_log: Path, tenant_dbid: int, icon: Backend | None = None,
                  list_dbid: int = 0) -> Accounts:
    """All accounts, each database at one moment; `icon` is the interaction database, which knows the list by its DBID. Blocks:
    call it off the reactor's thread. Raises StoreUnavailable and UnknownCallingList."""
    calls, unreadable = read_call_log(call_log)
    third = None if icon is None else read_icon(icon, list_dbid)
    catalog = Catalog()
    with transaction(backend, write=False) as work:
        table = catalog.calling_list(work, calling_list)
        zones = catalog.zones(work)
        records: list[Record] = []
        while page := table.records(work.rows(table.page, count=PAGE, skip=len(records)), zones):
            records.extend(page)
        return Accounts(records, attempts_of(work, calling_list), calls, do_not_call_entries(work, tenant_dbid), unreadable,
                        third)
