"""`twistd ocs-interaction --config FILE`."""
from __future__ import annotations

from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.interaction.service import make_interaction_server
from ocs.servers.tap import companion_tap

__all__ = ["Options", "makeService"]

Options, makeService = companion_tap("interaction", InteractionServerOptions, make_interaction_server)
