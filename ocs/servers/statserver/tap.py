"""`twistd ocs-statserver --config FILE`."""
from __future__ import annotations

from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.service import make_statserver
from ocs.servers.tap import companion_tap

__all__ = ["Options", "makeService"]

Options, makeService = companion_tap("statserver", StatServerOptions, make_statserver)
