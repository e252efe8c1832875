"""Moved to `ocs.database.sqlite`."""
from ocs.database.sqlite import *  # noqa: F401,F403
