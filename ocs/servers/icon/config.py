"""Options of ICON: `etc/ocs-icon.toml`."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.database.backend import url_problems
from ocs.options import option, table
from ocs.runtime import MessageListenOptions
from ocs.servers.service import CompanionOptions

__all__ = ["IconListenOptions", "IconOptions", "InteractionDatabaseOptions"]


@dataclass(frozen=True)
class IconListenOptions(MessageListenOptions):
    """Where OCSs connect, and how much of one is borne."""

    port: int = option(7_030, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    clients: int = option(100, low=1, high=10_000, text="Connections at the same time.")


@dataclass(frozen=True)
class InteractionDatabaseOptions:
    """The interaction database."""

    url: str = option(
        "sqlite:///icon.sqlite",
        text="sqlite:///FILE, where a relative path counts from the working directory; or postgresql://USER@HOST/NAME, its "
             "password best in a password file (~/.pgpass). It may be a database that holds other tables too.")
    create: bool = option(
        False, text="Whether tables that are missing or old are made at the start; else that is an error, and"
                    " `ocs icon upgrade` makes them.")
    statement_timeout_s: float = option(
        30.0, low=0.1, high=600, unit="seconds",
        text="A statement takes this long at most: waiting for a lock on SQLite, in all on PostgreSQL.")
    waiting_batches: int = option(1_000, low=1, high=100_000, text="Batches of reports that wait to be written, of all OCSs.")
    sys_id: int = option(1, low=0, high=2_147_483_647, text="GSYS_SYS_ID of the rows: tells this ICON from others.")

    def problems(self) -> list[str]:
        return url_problems(self.url)


@dataclass(frozen=True)
class IconOptions(CompanionOptions):
    """The whole configuration."""

    listen: IconListenOptions = table(IconListenOptions)
    database: InteractionDatabaseOptions = table(InteractionDatabaseOptions)
