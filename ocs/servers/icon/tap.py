"""`twistd ocs-icon --config FILE`."""
from __future__ import annotations

from ocs.servers.icon.config import IconOptions
from ocs.servers.icon.service import make_icon
from ocs.servers.tap import companion_tap

__all__ = ["Options", "makeService"]

Options, makeService = companion_tap("icon", IconOptions, make_icon)
