"""The version of an interaction database."""
from __future__ import annotations

from pathlib import Path

from ocs.database.versions import Versions

__all__ = ["icon_versions"]

icon_versions = Versions(Path(__file__).with_name("migrations"), "ocs icon upgrade", "icon_version")
