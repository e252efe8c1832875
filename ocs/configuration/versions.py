"""The version of a Configuration Database."""
from __future__ import annotations

from pathlib import Path

from ocs.database.versions import Versions

__all__ = ["configuration_versions"]

configuration_versions = Versions(Path(__file__).with_name("migrations"), "ocs config upgrade", "configuration_version")
