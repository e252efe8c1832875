"""Moved to `ocs.database.backend`."""
from ocs.database.backend import *  # noqa: F401,F403
