"""Errors that a desktop is told: one table of number, text and event name, so that each can be corrected in one place.

Only the text "No Records Available" is public; it is sent exactly so, the others name the faulty key behind a colon.
Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Union

from protocols.errors import ProtocolError

__all__ = ["DesktopError", "DesktopErrorCode", "Echo", "ReferenceId", "error_table"]

ReferenceId = Union[int, str, None]


class DesktopErrorCode(IntEnum):
    """GSW_ERROR_NUMBER, with its GSW_ERROR text and the GSW_USER_EVENT that carries it."""

    text: str
    event: str

    def __new__(cls, number: int, text: str, event: str = "Error") -> DesktopErrorCode:
        member = int.__new__(cls, number)
        member._value_, member.text, member.event = number, text, event
        return member

    @property
    def cause(self) -> str:
        """When it is told, in words."""
        return _CAUSES[self]

    INVALID_REQUEST = 1, "Invalid Request"
    INVALID_ATTRIBUTE = 2, "Missing or Invalid Attribute"
    CAMPAIGN_NOT_FOUND = 3, "Campaign Not Found"
    CAMPAIGN_NOT_RUNNING = 4, "Campaign Not Loaded or Not Running"
    NO_RECORDS_AVAILABLE = 5, "No Records Available", "PreviewRecordEmpty"
    RECORD_NOT_FOUND = 6, "Record Not Found"
    CALLING_LIST_NOT_FOUND = 7, "Calling List Not Found"
    INVALID_DATE_OR_TIME = 8, "Invalid Date or Time"
    INVALID_DIALING_MODE = 9, "Invalid Dialing Mode"
    DATABASE_ERROR = 10, "Database Error"
    LIMIT_REACHED = 11, "Limit Reached"
    AGENT_NOT_AVAILABLE = 12, "Agent Not Available"
    INTERNAL_ERROR = 13, "Internal Error"

    def with_detail(self, detail: str) -> str:
        """GSW_ERROR: the table's text, and the detail behind it, but for the one text that clients compare exactly."""
        return self.text if not detail or self is DesktopErrorCode.NO_RECORDS_AVAILABLE else f"{self.text}: {detail}"


_CAUSES = {
    DesktopErrorCode.INVALID_REQUEST: "there is no such request",
    DesktopErrorCode.INVALID_ATTRIBUTE: "a key is missing, of a wrong type or value",
    DesktopErrorCode.CAMPAIGN_NOT_FOUND: "no such campaign, or not one of this agent's, or not the record's",
    DesktopErrorCode.CAMPAIGN_NOT_RUNNING: "the campaign's state does not allow it",
    DesktopErrorCode.NO_RECORDS_AVAILABLE: "there is no record to be dialed now",
    DesktopErrorCode.RECORD_NOT_FOUND: "the handle is unknown or settled, or another agent's; it was dialed, or was not",
    DesktopErrorCode.CALLING_LIST_NOT_FOUND: "the campaign has no such list, or the record is not of it",
    DesktopErrorCode.INVALID_DATE_OR_TIME: "not a date and time, in the past, or a window that never opens",
    DesktopErrorCode.INVALID_DIALING_MODE: "the campaign is dialed in another mode",
    DesktopErrorCode.DATABASE_ERROR: "the database does not take it now",
    DesktopErrorCode.LIMIT_REACHED: "too many records at hand, or requests at once",
    DesktopErrorCode.AGENT_NOT_AVAILABLE: "PreviewDialingModeStart is needed first, LogOut was asked for, or nobody is logged in",
    DesktopErrorCode.INTERNAL_ERROR: "a fault of the server, which has it in its log",
}


@dataclass(frozen=True)
class Echo:
    """What every answer to a request repeats of it, as far as it could be read. `reference_id` keeps its type."""

    name: str = ""
    application_id: int | None = None
    campaign_name: str | None = None
    record_handle: int | None = None
    reference_id: ReferenceId = None


class DesktopError(ProtocolError):
    """A request that is refused. `echo` says which, so that it can be answered, and whether it was meant for us."""

    def __init__(self, code: DesktopErrorCode, detail: str = "", echo: Echo = Echo()) -> None:
        self.code, self.detail, self.echo = code, detail, echo
        super().__init__(f"error {int(code)}: {self.text}")

    @property
    def text(self) -> str:
        """GSW_ERROR."""
        return self.code.with_detail(self.detail)


def error_table() -> str:
    """The errors as the Markdown table that docs/desktop-protocol.md shows."""
    rows = ["| GSW_ERROR_NUMBER | GSW_ERROR | GSW_USER_EVENT | told when |", "|---|---|---|---|"]
    rows += [f"| {int(code)} | {code.text} | {code.event} | {code.cause} |" for code in DesktopErrorCode]
    return "\n".join(rows)
