"""Options of a link to another system: where it is, who we are there, how patient we are. Each link has a table of its own,
which inherits from `LinkOptions` and has its own default port."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ocs.options import one_secret, option, read_secret, table
from ocs.tls import ClientTlsOptions

__all__ = ["LinkOptions"]


@dataclass(frozen=True)
class LinkOptions:
    """A server to which this one is a client."""

    host: str = option("127.0.0.1", text="Host of the server.")
    port: int = option(7000, low=1, high=65_535, text="Port of the server.")
    backup_host: str = option("", text="Host of its backup; empty = there is none.")
    backup_port: int = option(0, low=0, high=65_535, text="Port of its backup; 0 = the same as port.")
    application: str = option("ocs", text="Application name with which to register.")
    password: str = option("", secret=True, text="Application password; better in a file.")
    password_file: Path | None = option(None, text="File whose first line is the application password.")
    connect_timeout_s: float = option(3.6, low=0.1, high=120, unit="seconds", text="How long to wait for a connection.")
    request_timeout_s: float = option(
        10.0, low=0.5, high=120, unit="seconds", text="How long to wait for an answer, that to the log-in included.")
    encoding: str = option(
        "messagepack", choices=("messagepack", "json"), text="Encoding of messages; the server must accept it.")
    keep_alive_s: float = option(
        10.0, low=0, high=600, unit="seconds", text="Silence after which to ask for a sign of life; 0 = never.")
    reconnect_min_s: float = option(
        0.5, low=0.05, high=60, unit="seconds", text="Wait before the first new try to connect.")
    reconnect_max_s: float = option(
        30.0, low=0.1, high=600, unit="seconds", text="Longest wait between tries to connect.")
    tls: ClientTlsOptions = table(ClientTlsOptions)

    def problems(self) -> list[str]:
        found = one_secret("password", self.password, self.password_file)
        if self.reconnect_max_s < self.reconnect_min_s:
            found.append(f"reconnect_max_s: {self.reconnect_max_s:g} is below reconnect_min_s {self.reconnect_min_s:g}")
        if self.backup_port and not self.backup_host:
            found.append("backup_port: has no effect without backup_host")
        if self.backup_host and len(set(self.addresses)) == 1:
            found.append("backup_host: is the same address as host")
        return found

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of the server and, where there is one, of its backup."""
        first = (self.host, self.port)
        return (first, (self.backup_host, self.backup_port or self.port)) if self.backup_host else (first,)

    @property
    def secret(self) -> str:
        """The password, wherever it is given; ConfigurationError where its file cannot be read."""
        return read_secret(self.password_file, "password_file") if self.password_file else self.password
