"""The CPD Server as a second way to dial: its options, and its link where there is one."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ocs.clock import IClock
from ocs.links.cpd import CpdLink
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.options import option

__all__ = ["CPDServerLinkOptions", "SecondDialer"]


@dataclass(frozen=True)
class CPDServerLinkOptions(LinkOptions):
    """The CPD Server, which dials for campaign groups with `cpd = true`."""

    enabled: bool = option(False, text="Whether there is one.")
    port: int = option(7030, low=1, high=65_535, text="Port of the server.")


class SecondDialer:
    """`calls` is an ICallControl, None where there is no CPD Server."""

    def __init__(self, options: CPDServerLinkOptions, reactor: Any, clock: IClock, links: Links, rng: random.Random) -> None:
        self.calls = CpdLink(clock) if options.enabled else None
        self._link = None if self.calls is None else Link("cpdserver", options, self.calls, reactor, links, rng)

    def listen(self, listener: Any) -> None:
        """`listener` hears of its calls: it has `cpd_up`, `cpd_down` and `call_event`."""
        if self.calls is not None:
            self.calls.listener = listener

    def start(self) -> None:
        """Begin to connect."""
        if self._link is not None:
            self._link.startService()

    async def stop(self) -> None:
        """Leave it."""
        if self._link is not None and self._link.running:
            await self._link.stopService()
