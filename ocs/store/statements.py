"""Moved to `ocs.database.statements`."""
from ocs.database.statements import *  # noqa: F401,F403
