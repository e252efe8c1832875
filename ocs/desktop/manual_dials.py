"""May an agent's desktop dial this now, and as whom? Asked where a desktop dials by way of this server: a record that is with the
agent, or a number that the agent has typed."""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.callbacks import is_callback
from ocs.dialing.checks import Refusal, refusal
from ocs.dialing.results import RecordStatus
from ocs.scheduler.engine import Engine
from ocs.scheduler.held import HeldChain
from protocols.attributes import KVList, first
from protocols.desktop.fields import lenient_integer
from protocols.desktop.keys import PHONE, RECORD_HANDLE

__all__ = ["ManualDials"]

_OF_CALLER = "CPN"                  # so the public names of all of these extensions begin
_ANY_NUMBER_OF_TIMES = 2 ** 31      # an agent who dials the record once more knows why


class ManualDials:
    """The checks of one server. Which of them are made is decided by the same options as for every other dial."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._context = engine, engine.context

    def refusal(self, dn: str, number: str, user_data: KVList) -> str:
        """Why the agent at `dn` must not dial; "" if nothing speaks against it. A number that is written as the site dials cannot
        be looked up; then the phone in the call's user data is."""
        found = self._record_of(dn, user_data)
        if found is not None:
            held, index = found
            why = self._of_record(held, index)
            if why:
                return why
            if number == held.chain.records[index].contact_info:
                return ""
        phone = number if number.startswith("+") else first(user_data, PHONE)
        return self._of_number(dn, phone) if isinstance(phone, str) and phone.startswith("+") else ""

    def about_caller(self, dn: str, user_data: KVList) -> KVList:
        """The caller's number, and what goes with it, that the contact of a record is shown; nothing for a number that is no
        record's: the switch's own is shown then."""
        found = self._record_of(dn, user_data)
        if found is None:
            return ()
        held, index = found
        return tuple(pair for pair in held.session.dialer.about_caller(held, index) if pair[0].startswith(_OF_CALLER))

    def _record_of(self, dn: str, user_data: KVList) -> tuple[HeldChain, int] | None:
        """The record of a call with these data; None where it is not one of the agent's."""
        handle = lenient_integer(first(user_data, RECORD_HANDLE))
        found = None if handle is None else self._context.handles.find(handle)
        return found if found is not None and found[0].agent_dn == dn else None

    def _of_record(self, held: HeldChain, index: int) -> str:
        record = replace(held.chain.records[index], record_status=RecordStatus.RETRIEVED)
        dialer, listed = held.session.dialer, held.calling_list
        why = refusal(record, self._context.clock.wall(), held.session.group.campaign, self._context.do_not_call,
                      _ANY_NUMBER_OF_TIMES, held.customer_id(record), dialer.checks_do_not_call(listed, is_callback(record)),
                      listed.windows)
        return "" if why is None else f"the record is {why.value}" if why is Refusal.OUTSIDE_WINDOW else why.value

    def _of_number(self, dn: str, phone: str) -> str:
        options = self._context.options
        for session in self._engine.sessions.values():
            group = session.group
            if dn in group.group.dns and options.check_dnc_list and group.check_dnc_list and self._context.do_not_call.blocks(
                    group.campaign, phone, None) is not None:
                return Refusal.DO_NOT_CALL.value
        return ""
