"""The Stat Server as a companion: links to its T-Servers, and the service behind the port."""
from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from ocs.clock import IClock
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.servers.service import MessageCompanion
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.picture import Picture
from ocs.servers.statserver.server import StatService
from ocs.servers.statserver.tserver_source import TServerSource

__all__ = ["RunningStatService", "make_statserver"]


class RunningStatService(StatService):
    """The service with its links to T-Servers, which come up and go while clients are served."""

    def __init__(self, options: StatServerOptions, clock: IClock, reactor: Any) -> None:
        picture = Picture(options.directory())
        super().__init__(picture, clock, options.listen.statistics_per_client)
        rng, self.links = random.SystemRandom(), Links(clock)
        switches = picture.directory.switches
        self._switches = [
            Link(one.name, one, TServerSource(switches[one.name], picture, clock.wall), reactor, self.links, rng)
            for one in options.tserver]

    def start(self) -> None:
        """Begin to connect; clients are served at once, and told what is out of sight."""
        for link in self._switches:
            link.startService()

    def stop(self) -> Deferred[Any]:
        """Leave the T-Servers."""
        self.statistics.stop()
        return DeferredList([link.stopService() for link in self._switches if link.running], consumeErrors=True)


def make_statserver(options: StatServerOptions, clock: IClock, reactor: Any) -> MessageCompanion:
    """The Stat Server that the options describe. ConfigurationError for a password or certificate that cannot be read."""
    return MessageCompanion(RunningStatService(options, clock, reactor), options, reactor)
