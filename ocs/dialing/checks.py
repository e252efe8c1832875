"""May this record be dialed now? The checks before a dial, in one place and in one order; each refusal has a name.

Source: the public order of pre-dial checks (held, cancelled, do-not-call by phone then customer id, window, attempts).
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ocs.dialing.dial_hours import is_open
from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Record
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows

__all__ = ["Refusal", "RefusalCount", "refusal"]


class Refusal(Enum):
    """Why a record was not dialed; the value is what people read."""
    NOT_HELD = "record is not held by this server"
    NO_CALL = "record is marked No Call"
    DO_NOT_CALL = "on the do-not-call list"
    OUTSIDE_WINDOW = "outside its calling window, or its list's"
    MAXIMUM_ATTEMPTS = "maximum attempts reached"


@dataclass(frozen=True)
class RefusalCount:
    """How often records of one list were not dialed by one session, for one reason. `session_guid` is new at each start, which
    was at `began_at` (epoch s); `campaign_group` is Campaign@Group."""

    calling_list: str
    session_guid: str
    reason: str
    campaign_group: str
    began_at: float
    records: int
    table: str = ""         # "" = of the list's own name


def refusal(record: Record, now: float, campaign: str, do_not_call: DoNotCallList, maximum_attempts: int,
            customer_id: str | None = None, check_dnc: bool = True, windows: ListWindows = ALWAYS_OPEN) -> Refusal | None:
    """The first check that forbids dialing `record` at `now` (epoch s); None if it may be dialed."""
    if record.record_status is not RecordStatus.RETRIEVED:
        return Refusal.NOT_HELD
    if record.record_type is RecordType.NO_CALL:
        return Refusal.NO_CALL
    if check_dnc and do_not_call.blocks(campaign, record.contact_info, customer_id) is not None:
        return Refusal.DO_NOT_CALL
    if not is_open(record, now, windows):
        return Refusal.OUTSIDE_WINDOW
    if record.attempt >= maximum_attempts:
        return Refusal.MAXIMUM_ATTEMPTS
    return None
