"""Moved to `ocs.database.pool`."""
from ocs.database.pool import *  # noqa: F401,F403
