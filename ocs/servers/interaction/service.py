"""The Interaction Server as a companion."""
from __future__ import annotations

from typing import Any

from ocs.clock import IClock
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.interaction.server import InteractionService
from ocs.servers.service import MessageCompanion, password_check

__all__ = ["make_interaction_server"]


def make_interaction_server(options: InteractionServerOptions, clock: IClock, reactor: Any) -> MessageCompanion:
    """The Interaction Server that the options describe."""
    return MessageCompanion(InteractionService(options, clock, reactor, password_check(reactor)), options, reactor)
