"""The CPD Server as a companion."""
from __future__ import annotations

import random
from typing import Any

from ocs.clock import IClock
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.cpdserver.server import CPDService
from ocs.servers.cpdserver.tserver_lines import TServerLines
from ocs.servers.service import MessageCompanion

__all__ = ["make_cpdserver"]


def make_cpdserver(options: CPDServerOptions, clock: IClock, reactor: Any) -> MessageCompanion:
    """The CPD Server that the options describe. ConfigurationError for a password or certificate that cannot be read."""
    def link(listener: Any) -> Link:
        return Link("tserver", options.tserver, listener, reactor, Links(clock), random.SystemRandom())

    lines = TServerLines(options.channels.trunk_group, clock, link)
    return MessageCompanion(CPDService(options, lines, clock, reactor), options, reactor)
