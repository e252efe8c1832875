"""Moved to `ocs.database.driver`."""
from ocs.database.driver import *  # noqa: F401,F403
