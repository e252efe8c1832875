"""Every link of this server, how it stands and since when: for the console, for metrics, for whoever waits for one."""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Callable, Iterator

from twisted.logger import Logger

from ocs.clock import IClock
from protocols.trace import MessageTrace

__all__ = ["LinkRecord", "LinkState", "LinkStatus", "Links"]


class LinkState(Enum):
    """How far a link is."""
    STOPPED = "stopped"
    CONNECTING = "connecting"
    LOGGING_IN = "logging in"
    UP = "up"
    WAITING = "waiting"         # for the next try


@dataclass(frozen=True)
class LinkStatus:
    """One link. `peer` is the address in use or tried next (`host:port`), `since` when it went up or down (epoch s),
    `attempts` the tries to connect since it was last up, `last_error` why it is not up or was not before."""

    name: str
    peer: str
    tls: bool
    state: LinkState
    since: float
    attempts: int = 0
    last_error: str = ""

    @property
    def up(self) -> bool:
        """True while requests can be sent."""
        return self.state is LinkState.UP


class LinkRecord:
    """What a link tells of itself."""

    def __init__(self, links: Links, status: LinkStatus) -> None:
        self._links, self.status = links, status

    def became(self, state: LinkState, *, peer: str | None = None, attempts: int | None = None, error: str | None = None) -> None:
        """The link is in `state` now; what is not given is as before."""
        old = self.status
        since = old.since if (state is LinkState.UP) is old.up else self._links.now()
        self.status = replace(old, state=state, since=since, peer=old.peer if peer is None else peer,
                              attempts=old.attempts if attempts is None else attempts,
                              last_error=old.last_error if error is None else error)
        self._links.told(self.status)


class Links:
    """The links, in the order in which they were added. `clock` stamps what happens to them."""

    log = Logger()

    def __init__(self, clock: IClock) -> None:
        self._clock = clock
        self._records: list[LinkRecord] = []
        self._listeners: list[Callable[[LinkStatus], None]] = []
        self.trace: MessageTrace | None = None      # where the messages of all links are written, if anywhere

    def add(self, name: str, peer: str, tls: bool = False) -> LinkRecord:
        """A new link, stopped."""
        record = LinkRecord(self, LinkStatus(name, peer, tls, LinkState.STOPPED, self.now()))
        self._records.append(record)
        return record

    def __iter__(self) -> Iterator[LinkStatus]:
        return (record.status for record in self._records)

    def add_listener(self, listener: Callable[[LinkStatus], None]) -> None:
        """Tell `listener` of every change."""
        self._listeners.append(listener)

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock.wall()

    def told(self, status: LinkStatus) -> None:
        """A link has changed; for `LinkRecord`."""
        for listener in self._listeners:
            with self.log.failuresHandled("telling {listener} of link {link}", listener=listener, link=status.name):
                listener(status)
