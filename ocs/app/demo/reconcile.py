"""Do the accounts agree? The calling list and its attempts, written by the OCS, against the call log of the T-Server and against
what ICON was told.

Pure: values in, one line of text for every difference out. An attempt whose outcome was lost in a crash (`unknown`) may have
a call in the log or none; every other attempt that was dialed has exactly one, and every call exactly one attempt.
"""
from __future__ import annotations

from collections import Counter, defaultdict
from typing import Collection, Iterable, Iterator, Mapping

from ocs.app.demo import icon_account
from ocs.app.demo.accounts import Accounts, CallLine
from ocs.dialing.dial_hours import is_open
from ocs.dialing.results import CallResult, RecordStatus
from ocs.dialing.values import Attempt, AttemptState, Record

__all__ = ["match", "reconcile"]

# closed by a word of the agent, of the operator or of a check: the last attempt's result need not be the record's
CLOSED_OTHERWISE = frozenset({CallResult.DO_NOT_CALL, CallResult.CANCEL_RECORD, CallResult.STALE, CallResult.WRONG_NUMBER})


# ways to say that people were connected: the log tells that they were, the event to the OCS how the call ended
CONNECTED = frozenset({CallResult.OK, CallResult.TRANSFERRED, CallResult.CONFERENCED, CallResult.REMOTE_RELEASE,
                       CallResult.ANSWER, CallResult.DROPPED})


def match(accounts: Accounts) -> dict[str, Attempt]:
    """ConnID -> the attempt that the call belongs to; calls without one are left out. A crash may have lost the ConnID of
    an attempt: it then takes the first call to its number after it was opened that nobody else claims."""
    found: dict[str, Attempt] = {}
    for attempt in accounts.attempts:
        for conn_id in _conn_ids(attempt):
            found.setdefault(conn_id, attempt)
    free = sorted((call for call in accounts.outbound if call.conn_id not in found and call.dialed_at is not None),
                  key=lambda call: call.dialed_at or 0.0)
    for attempt in accounts.attempts:
        if attempt.conn_id is None and attempt.state in (AttemptState.UNKNOWN, AttemptState.OPEN):
            call = next((one for one in free if one.destination == attempt.phone
                         and (one.dialed_at or 0.0) >= attempt.opened_at - 1.0), None)
            if call is not None:
                found[call.conn_id] = attempt
                free.remove(call)
    return found


def reconcile(accounts: Accounts, *, edge_s: float = 1.0, visitors: Collection[str] = ()) -> list[str]:
    """Every difference, in words. `edge_s`: how far apart (seconds of the accounts' clock) a check and its dial may lie at
    the end of a window or at a do-not-call request. `visitors`: DNs whose own calls are nobody's attempts."""
    records = {record.record_id: record for record in accounts.records}
    owners = match(accounts)
    differences = [f"call log, line {number}: not a call" for number in accounts.unreadable]
    differences += _doubles(accounts)
    differences += _attempts_without_call(accounts, owners)
    for call in accounts.outbound:
        attempt = owners.get(call.conn_id)
        if attempt is None:
            if call.agent_dn not in visitors:
                differences.append(f"call {call.conn_id} to {call.destination}: no attempt")
            continue
        differences += _call_and_attempt(call, attempt)
        record = records.get(attempt.record_id)
        if record is None:
            differences.append(f"attempt {attempt.guid}: there is no record {attempt.record_id}")
        else:
            differences += _window(call, attempt, record, edge_s)
    differences += _do_not_call(accounts, owners, edge_s)
    differences += _records(accounts.records, accounts.attempts)
    if accounts.icon is not None:
        expected = [call.conn_id for call in accounts.outbound if call.conn_id in owners
                    and owners[call.conn_id].state is AttemptState.CLOSED]
        differences += icon_account.differences(accounts.icon, accounts.attempts, accounts.records,
                                                [call.conn_id for call in accounts.calls], expected)
    return differences


def _doubles(accounts: Accounts) -> Iterator[str]:
    calls = Counter(call.conn_id for call in accounts.calls)
    yield from (f"call {conn_id}: {count} lines in the call log" for conn_id, count in calls.items() if count > 1)
    attempts = Counter(conn_id for one in accounts.attempts for conn_id in _conn_ids(one))
    yield from (f"call {conn_id}: {count} attempts" for conn_id, count in attempts.items() if count > 1)
    numbers = Counter((one.record_id, one.number) for one in accounts.attempts if _dialed(one))
    yield from (f"record {record_id}: {count} attempts are its no. {number}"
                for (record_id, number), count in numbers.items() if count > 1)


def _attempts_without_call(accounts: Accounts, owners: Mapping[str, Attempt]) -> Iterator[str]:
    logged = {call.conn_id for call in accounts.outbound}
    with_call = {attempt.guid for conn_id, attempt in owners.items() if conn_id in logged}
    for attempt in accounts.attempts:
        if attempt.state is AttemptState.OPEN:
            yield f"attempt {attempt.guid} of record {attempt.record_id}: still open"
        elif attempt.state is AttemptState.CLOSED:
            missing = [conn_id for conn_id in _conn_ids(attempt) if conn_id not in logged]
            if not missing and attempt.guid not in with_call:
                missing = _conn_ids(attempt)[-1:] or ["(none)"]
            yield from (f"attempt {attempt.guid} of record {attempt.record_id}: call {conn_id} is not in the call log"
                        for conn_id in missing)
        elif attempt.state is AttemptState.NOT_DIALED and attempt.guid in with_call:
            yield f"attempt {attempt.guid} of record {attempt.record_id}: not dialed, but in the call log"


def _call_and_attempt(call: CallLine, attempt: Attempt) -> Iterator[str]:
    if call.destination != attempt.phone:
        yield f"call {call.conn_id}: to {call.destination} in the call log, to {attempt.phone} in attempt {attempt.guid}"
    if attempt.conn_id is not None and call.conn_id != attempt.conn_id:
        return      # an earlier call of a dial request: the list has the last one's course
    if attempt.call_state == CallResult.TRANSFERRED:
        return      # its application has handed it on: how it ended there only the switch knows
    both = call.call_state is not None and attempt.call_state is not None
    alike = (call.call_state in (attempt.call_state, attempt.call_result)
             or {call.call_state, attempt.call_state} <= CONNECTED
             # whoever answered hung up, in an application perhaps: the log adds that no agent was there
             or (call.call_state, attempt.call_state) == (CallResult.ABANDONED, CallResult.REMOTE_RELEASE)
             and call.agent_dn is None)
    if both and attempt.state is AttemptState.CLOSED and not alike:
        yield (f"call {call.conn_id}: call state {call.call_state} in the call log, {attempt.call_state} in attempt"
               f" {attempt.guid}")


def _window(call: CallLine, attempt: Attempt, record: Record, edge_s: float) -> Iterator[str]:
    dialed_at = attempt.opened_at if call.dialed_at is None else call.dialed_at
    if not is_open(record, dialed_at) and not is_open(record, dialed_at - edge_s):
        yield f"call {call.conn_id}: record {record.record_id} was dialed outside its calling window"


def _do_not_call(accounts: Accounts, owners: Mapping[str, Attempt], edge_s: float) -> Iterator[str]:
    """Imported entries hold from the beginning, requests from the moment at which they were taken."""
    since: dict[tuple[str, str | None], float] = {}
    for entry in accounts.do_not_call:
        if entry.phone:
            key, moment = (entry.phone, entry.campaign), float(entry.time_stamp) + edge_s if entry.internal else 0.0
            since[key] = min(moment, since.get(key, moment))
    for call in accounts.outbound:
        attempt = owners.get(call.conn_id)
        for campaign in (None, attempt.campaign if attempt is not None else None):
            blocked_from = since.get((call.destination, campaign))
            if blocked_from is not None and (call.dialed_at or 0.0) > blocked_from:
                yield f"call {call.conn_id}: {call.destination} is on the do-not-call list"
                break


def _records(records: Iterable[Record], attempts: Iterable[Attempt]) -> Iterator[str]:
    dialed: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if _dialed(attempt):
            dialed[attempt.record_id].append(attempt)
    for record in records:
        tries = sorted(dialed.get(record.record_id, ()), key=lambda one: (one.opened_at, one.number))
        if record.record_status is RecordStatus.RETRIEVED:
            yield f"record {record.record_id}: still Retrieved"
        if record.attempt != len(tries):
            yield f"record {record.record_id}: {record.attempt} attempts in the list, {len(tries)} were dialed"
        if not tries or record.call_result in CLOSED_OTHERWISE:
            continue
        last = tries[-1]
        if last.call_result is not None and last.call_result is not record.call_result:
            yield (f"record {record.record_id}: result {record.call_result.label} in the list, {last.call_result.label} in"
                   f" attempt {last.guid}")


def _conn_ids(attempt: Attempt) -> list[str]:
    """The switch's names of the attempt's calls, as far as the list has them."""
    return [*(attempt.earlier_conn_ids or "").split(), *([] if attempt.conn_id is None else [attempt.conn_id])]


def _dialed(attempt: Attempt) -> bool:
    """Whether the attempt counts for its record. One whose outcome is unknown counts: a call may have been placed."""
    return attempt.state is not AttemptState.NOT_DIALED
