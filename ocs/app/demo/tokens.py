"""The token with which visitors of a demonstration ask at its management API."""
from __future__ import annotations

import time

from ocs.database.backend import Backend, transaction
from ocs.store.api_tokens import Role, add_token, revoke_token

__all__ = ["visitors_token"]

_NAME = "visitor"


def visitors_token(backend: Backend) -> str:
    """A new administrator's token, in the place of that of an earlier run. Blocks."""
    with transaction(backend) as work:
        revoke_token(work, _NAME)
        return add_token(work, _NAME, Role.ADMINISTRATOR, time.time())
