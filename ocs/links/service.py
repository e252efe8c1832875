"""A reconnecting link: endpoint, login, keep-alive, back-off. One service serves every protocol.

The conversation logs in by itself; the link counts as up from the granted login. A refused login counts as a failure for
the back-off until one is granted, so a wrong password does not hammer the peer.
"""
from __future__ import annotations

import random
from typing import Any, Callable

from twisted.application.internet import ClientService
from twisted.internet.interfaces import IProtocolFactory, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from zope.interface import implementer

__all__ = ["BackOff", "ReconnectingLink"]


class BackOff:
    """Delays that double from `first_s` to `longest_s`, with jitter so that many clients do not come back at once."""

    def __init__(self, rng: random.Random, first_s: float = 0.5, longest_s: float = 20.0) -> None:
        self._rng, self._first_s, self.longest_s = rng, first_s, longest_s
        self.failures = 0

    def granted(self) -> None:
        """The login was granted: start over."""
        self.failures = 0

    def next_delay(self, _attempts: int = 0) -> float:
        """Seconds until the next try."""
        delay = min(self.longest_s, self._first_s * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return delay * (0.75 + 0.5 * self._rng.random())


class ReconnectingLink(ClientService):
    """A client service that builds a fresh protocol for each connection and backs off as `BackOff` says."""

    log = Logger()

    def __init__(self, name: str, endpoint: IStreamClientEndpoint, build: Callable[[], Protocol], back_off: BackOff,
                 clock: IReactorTime) -> None:
        self.link_name, self.back_off = name, back_off
        super().__init__(endpoint, _BuildFactory(build), retryPolicy=self._retry, clock=clock)

    def _retry(self, attempts: int) -> float:
        delay = self.back_off.next_delay(attempts)
        self.log.warn("link {link} is down, next try in {wait_s:.1f} s", link=self.link_name, wait_s=delay)
        return delay


@implementer(IProtocolFactory)
class _BuildFactory(Factory):
    noisy = False

    def __init__(self, build: Callable[[], Protocol]) -> None:
        self._build = build

    def buildProtocol(self, addr: Any) -> Protocol:
        return self._build()
