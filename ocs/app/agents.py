"""Where the states of agents come from: a Stat Server, if one is configured, else the T-Server's own events.

The rule is that a group whose agents must be watched is not dialed without its source. With a Stat Server it alone decides
who belongs to a group and who waits for a call; there is no falling back to the T-Server when it goes. Without one in the
configuration the T-Server is the source, and its link the condition.
"""
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from ocs.links.agents import SwitchAgentState
from ocs.links.campaign_events import CampaignEvents
from ocs.links.listeners import ClientListeners
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.links.statserver import StatServerAgentState
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches
from ocs.options import option
from ocs.scheduler.history import History

__all__ = ["AgentSource", "StatServerLinkOptions"]


@dataclass(frozen=True)
class StatServerLinkOptions(LinkOptions):
    """The Stat Server, which tells of agents' states. With it, groups of the configuration are known to it by their names."""

    enabled: bool = option(
        False, text="Whether there is one. If so, groups are dialed only while it tells of them; if not, agents' states come "
                    "from the T-Server.")
    port: int = option(7010, low=1, high=65_535, text="Port of the server.")
    campaign_events: bool = option(True, text="Whether it is told of campaigns, on a data stream.")


class AgentSource:
    """`agents` provides IAgentState."""

    log = Logger()

    def __init__(self, options: StatServerLinkOptions, switch: SwitchLink | Switches, reactor: Any, links: Links,
                 rng: random.Random) -> None:
        self.agents: SwitchAgentState | StatServerAgentState
        self._link: Link | None = None
        self._events: CampaignEvents | None = None
        if not options.enabled:
            self.agents = SwitchAgentState(switch)
            return
        self.agents = StatServerAgentState(switch)
        listeners: list[Any] = [self.agents]
        if options.campaign_events:
            self._events = CampaignEvents()
            listeners.append(self._events)
        self._link = Link("statserver", options, ClientListeners(*listeners), reactor, links, rng)

    def __str__(self) -> str:
        """For people: up, down with the reason, or that there is none."""
        if self._link is None:
            return "none: agents' states come from the T-Server"
        status = self._link.record.status
        return "up" if status.up else f"down: {status.last_error or status.state.value}"

    def listen(self, history: History) -> None:
        """Follow the engine, to tell of its campaigns."""
        if self._events is not None:
            history.add_listener(self._events)

    def start(self) -> None:
        """Connect."""
        if self._link is not None:
            self._link.startService()
        else:
            self.log.info("no Stat Server is configured: agents' states come from the T-Server")

    async def stop(self) -> None:
        """Leave."""
        if self._link is not None:
            await self._link.stopService()
