"""Moved to `ocs.database.postgresql`."""
from ocs.database.postgresql import *  # noqa: F401,F403
