"""May this record be dialed now? The checks before a dial, in one place and in one order; each refusal has a name.

Source: the public order of pre-dial checks (held, cancelled, do-not-call by phone then customer id, window, attempts); then what
calling rules say of attempts that were made by whomever.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ocs.dialing.compliance.attempts import AttemptBlock
from ocs.dialing.dial_hours import is_open
from ocs.dialing.dnc import DoNotCallList
from ocs.dialing.results import RecordStatus, RecordType
from ocs.dialing.values import Record
from ocs.dialing.windows import ALWAYS_OPEN, ListWindows

__all__ = ["Refusal", "RefusalCount", "closing_rules", "refusal"]


class Refusal(Enum):
    """Why a record was not dialed; the value is what people read."""
    NOT_HELD = "record is not held by this server"
    NO_CALL = "record is marked No Call"
    DO_NOT_CALL = "on the do-not-call list"
    OUTSIDE_WINDOW = "outside its calling window, or its list's"
    CALLING_HOURS = "outside the calling hours of a rule"
    MAXIMUM_ATTEMPTS = "maximum attempts reached"
    ATTEMPT_RULE = "not yet again, by a rule"

    @property
    def only_now(self) -> bool:
        """True where the record may be dialed later, or another one of its chain now."""
        return self in (Refusal.OUTSIDE_WINDOW, Refusal.CALLING_HOURS, Refusal.ATTEMPT_RULE)


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
            customer_id: str | None = None, check_dnc: bool = True, windows: ListWindows = ALWAYS_OPEN,
            block: AttemptBlock | None = None) -> Refusal | None:
    """The first check that forbids dialing `record` at `now` (epoch s); None if it may be dialed. `block` is what the rules about
    attempts say of it."""
    if record.record_status is not RecordStatus.RETRIEVED:
        return Refusal.NOT_HELD
    if record.record_type is RecordType.NO_CALL:
        return Refusal.NO_CALL
    if check_dnc and do_not_call.blocks(campaign, record.contact_info, customer_id) is not None:
        return Refusal.DO_NOT_CALL
    if not is_open(record, now, windows):
        by_rule = bool(windows.rules) and is_open(record, now, windows.without_rules())
        return Refusal.CALLING_HOURS if by_rule else Refusal.OUTSIDE_WINDOW
    if record.attempt >= maximum_attempts:
        return Refusal.MAXIMUM_ATTEMPTS
    return None if block is None else Refusal.ATTEMPT_RULE


def closing_rules(record: Record, now: float, windows: ListWindows) -> list[str]:
    """Names of the rules outside whose calling hours it is for the record."""
    own = windows.without_rules()
    return sorted({rule.rule for rule in windows.of(record).rules if not is_open(record, now, replace(own, rules=(rule,)))})
