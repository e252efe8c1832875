"""`twistd ocs-cpdserver --config FILE`."""
from __future__ import annotations

from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.cpdserver.service import make_cpdserver
from ocs.servers.tap import companion_tap

__all__ = ["Options", "makeService"]

Options, makeService = companion_tap("cpdserver", CPDServerOptions, make_cpdserver)
