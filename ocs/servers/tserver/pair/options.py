"""Options of a pair of T-Servers."""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.links.options import LinkOptions
from ocs.options import option, table

__all__ = ["PairOptions", "PairRole", "PartnerOptions"]


class PairRole(Enum):
    """What a server is by its configuration: it decides only where nothing else does."""
    ALONE = "alone"
    PRIMARY = "primary"
    BACKUP = "backup"


@dataclass(frozen=True)
class PartnerOptions(LinkOptions):
    """The other server of the pair, and who this one is there. Both configure an application of this name for each other."""

    port: int = option(7_001, low=1, high=65_535, text="Port of the server.")
    application: str = option("tserver-pair", text="Application name with which to register.")
    connect_timeout_s: float = option(1.2, low=0.1, high=120, unit="seconds", text="How long to wait for a connection.")
    request_timeout_s: float = option(
        3.6, low=0.5, high=120, unit="seconds", text="How long to wait for an answer, that to the log-in included.")
    keep_alive_s: float = option(
        0.6, low=0, high=600, unit="seconds",
        text="Silence after which to ask for a sign of life; three times this and the other server is lost. 0 = never.")
    reconnect_min_s: float = option(0.2, low=0.05, high=60, unit="seconds", text="Wait before the first new try to connect.")
    reconnect_max_s: float = option(1.0, low=0.1, high=600, unit="seconds", text="Longest wait between tries to connect.")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.backup_host:
            found.append("backup_host: a partner has no backup, it is one")
        return found


@dataclass(frozen=True)
class PairOptions:
    """This server and its partner in front of the same switch. DNs, agents and applications are configured alike at both."""

    role: PairRole = option(PairRole.ALONE, text="Alone: there is no pair. Else which of the two this one is when both start.")
    switch_over_s: float = option(
        3.6, low=0.1, high=600, unit="seconds of real time",
        text="The backup takes over when the primary has been gone for so long; who starts waits so long for the other one.")
    partner: PartnerOptions = table(PartnerOptions)
