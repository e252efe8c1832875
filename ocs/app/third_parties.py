"""Third-party applications: which of them may speak, and the DN on which they do."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Iterator, Protocol

from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.communication import Application, CommunicationEntry
from ocs.desktop.operations import RecordOperations
from ocs.links.switches import switch_name
from ocs.options import REQUIRED, option
from ocs.scheduler.engine import Engine

__all__ = ["CommunicationOptions", "ThirdPartyOptions", "communication_entry", "third_party_problems"]


@dataclass(frozen=True)
class CommunicationOptions:
    """Where applications order campaign groups and ask about records, by user events (docs/communication-dn.md)."""

    dn: str = option("", text="A Communication DN of the T-Server, of another switch as 6900@east; empty = none.")


@dataclass(frozen=True)
class ThirdPartyOptions:
    """An application that is heard on the Communication DN; all others are disregarded."""

    name: str = option(REQUIRED, example="crm", text="Name under which it registers at the T-Server, unique.")
    dbid: int = option(REQUIRED, example=300, low=1, high=2_147_483_647,
                       text="Number that its requests and their answers carry, unique.")


class _Tables(Protocol):
    @property
    def communication_dn(self) -> CommunicationOptions: ...
    @property
    def third_party(self) -> tuple[ThirdPartyOptions, ...]: ...
    @property
    def switch(self) -> tuple[object, ...]: ...


def third_party_problems(tables: _Tables) -> Iterator[str]:
    """Applications that are given twice, a DN where nobody is heard, a switch that there is not."""
    for name in ("name", "dbid"):
        times = Counter(getattr(one, name) for one in tables.third_party)
        yield from (f"third_party: {name} {value} is given {count} times" for value, count in times.items() if count > 1)
    dn = tables.communication_dn.dn
    if dn and not tables.third_party:
        yield "communication_dn.dn: nobody would be heard there ([[third_party]])"
    if switch_name(dn) not in {"", *(getattr(one, "name") for one in tables.switch)}:
        yield f"communication_dn.dn: there is no switch {switch_name(dn)} ([[switch]])"


def communication_entry(engine: Engine, campaigns: CampaignOperations, records: RecordOperations, options: CommunicationOptions,
                        applications: tuple[ThirdPartyOptions, ...]) -> CommunicationEntry | None:
    """The entry on the DN; None where there is none."""
    if not options.dn:
        return None
    return CommunicationEntry(engine, campaigns, records, options.dn, [Application(one.name, one.dbid) for one in applications])
