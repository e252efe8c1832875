"""A request that is answered with EventError instead of being carried out."""
from __future__ import annotations

from protocols.tserver.messages import ErrorCode

__all__ = ["Refused"]


class Refused(Exception):
    """The server says no: its public error code and a text that names the attribute or object. Nothing was changed."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text
