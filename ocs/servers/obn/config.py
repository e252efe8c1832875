"""Options of the Outbound Notification Manager: `etc/ocs-obn.toml`."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ocs.http_server import HttpListenOptions
from ocs.links.options import LinkOptions
from ocs.log import LogOptions
from ocs.options import one_secret, option, read_secret, table
from ocs.runtime import ClockOptions, ServiceOptions

__all__ = ["DialingOptions", "JournalOptions", "ListenOptions", "NotificationOptions", "ObnOptions", "TServerLinkOptions"]


@dataclass(frozen=True)
class ListenOptions(HttpListenOptions):
    """Where it takes requests."""

    port: int = option(7_050, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")


@dataclass(frozen=True)
class TServerLinkOptions(LinkOptions):
    """The T-Server of the switch on whose lines it calls."""

    application: str = option("obn", text="Application name with which to register.")
    port: int = option(7_000, low=1, high=65_535, text="Port of the server.")


@dataclass(frozen=True)
class DialingOptions:
    """How it dials."""

    trunk_group: str = option("6850", text="DN of the trunk group from which it calls; its own: other calls there are released.")
    ports: int = option(100, low=1, high=10_000, text="Calls at the same time.")
    queue: int = option(10_000, low=1, high=1_000_000, unit="requests", text="Requests that are not finished, at most.")
    retry_s: float = option(300.0, low=0, high=86_400, unit="seconds",
                            text="From a call that reached nobody to the next one of the same request.")
    application_s: float = option(1_800.0, low=10, high=7_200, unit="seconds",
                                  text="How long an application may take; then the call is released.")


@dataclass(frozen=True)
class NotificationOptions:
    """How results are told."""

    token: str = option("", secret=True, text="Token to show where results are posted; better in a file.")
    token_file: Path | None = option(None, text="File whose first line is that token.")
    roots_file: Path | None = option(
        None, text="Certificates (PEM) of the authorities that servers posted to over https must have theirs from; empty = the"
        " machine's.")
    timeout_s: float = option(5.0, low=0.1, high=60, unit="seconds", text="How long a post may take.")
    again_min_s: float = option(1.0, low=0.05, high=60, unit="seconds", text="Wait before a result is posted again.")
    again_max_s: float = option(60.0, low=0.1, high=3_600, unit="seconds", text="Longest such wait.")
    connections: int = option(16, low=1, high=1_000, text="Posts at the same time.")

    def problems(self) -> list[str]:
        return one_secret("token", self.token, self.token_file)

    @property
    def secret(self) -> str:
        """The token, wherever it is given. ConfigurationError for a file that cannot be read."""
        return read_secret(self.token_file, "notification.token_file") if self.token_file else self.token


@dataclass(frozen=True)
class JournalOptions:
    """The file that makes a request survive a crash."""

    file: Path = option(Path("ocs-obn.journal"), text="SQLite file, made where there is none.")
    keep_s: float = option(86_400.0, low=60, high=2_592_000, unit="seconds",
                           text="How long a finished request is remembered, and its result posted to who does not answer.")


@dataclass(frozen=True)
class ObnOptions:
    """The whole configuration."""

    listen: ListenOptions = table(ListenOptions)
    tserver: TServerLinkOptions = table(TServerLinkOptions)
    dialing: DialingOptions = table(DialingOptions)
    notification: NotificationOptions = table(NotificationOptions)
    journal: JournalOptions = table(JournalOptions)
    service: ServiceOptions = table(ServiceOptions)
    clock: ClockOptions = table(ClockOptions)
    log: LogOptions = table(LogOptions)
