"""`twistd ocs-tserver --config FILE`."""
from __future__ import annotations

from ocs.servers.tap import companion_tap
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.service import make_tserver

__all__ = ["Options", "makeService"]

Options, makeService = companion_tap("tserver", TServerOptions, make_tserver)
