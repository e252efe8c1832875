"""Other ways to bring records to people: the CPD Server dials, the Interaction Server finds agents for previews. Their options,
and their links where they are there."""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ocs.clock import IClock
from ocs.links.cpd import CpdLink
from ocs.links.interaction import InteractionLink
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.options import option

__all__ = ["CPDServerLinkOptions", "InteractionLinkOptions", "PushedPreviews", "SecondDialer"]


@dataclass(frozen=True)
class CPDServerLinkOptions(LinkOptions):
    """The CPD Server, which dials for campaign groups with `cpd = true`."""

    enabled: bool = option(False, text="Whether there is one.")
    port: int = option(7020, low=1, high=65_535, text="Port of the server.")


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


@dataclass(frozen=True)
class InteractionLinkOptions(LinkOptions):
    """The Interaction Server, at which records of Push Preview wait for agents."""

    enabled: bool = option(False, text="Whether there is one.")
    port: int = option(7040, low=1, high=65_535, text="Port of the server.")


class PushedPreviews:
    """`interactions` is an IInteractions, None where there is no Interaction Server."""

    def __init__(self, options: InteractionLinkOptions, reactor: Any, links: Links, rng: random.Random) -> None:
        self.interactions = InteractionLink() if options.enabled else None
        self._link = None if self.interactions is None else Link("interaction", options, self.interactions, reactor, links, rng)

    def listen(self, listener: Any) -> None:
        """`listener` is an IInteractionListener."""
        if self.interactions is not None:
            self.interactions.listener = listener

    def start(self) -> None:
        """Begin to connect."""
        if self._link is not None:
            self._link.startService()

    async def stop(self) -> None:
        """Leave it."""
        if self._link is not None and self._link.running:
            await self._link.stopService()
