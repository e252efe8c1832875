"""What the rules of a campaign group say to its session (`ocs.scheduler.abandonment`), from the accounts of its campaign."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ocs.dialing.call import Call
from ocs.dialing.compliance.account import Estimates, Reading, tightest
from ocs.dialing.compliance.calls import facts_of_attempt, facts_of_call
from ocs.dialing.compliance.rules import AbandonRule
from ocs.dialing.values import Attempt, AttemptState
from ocs.errors import OCSError
from ocs.scheduler.ledger import CampaignLedger
from ocs.scheduler.running import run

if TYPE_CHECKING:
    from ocs.scheduler.session import DialingSession

__all__ = ["Ledgers", "SessionCompliance"]

# Abandoned calls that the pacer is told of and that were none. Its aim is a credit near zero, around which it wanders by a few
# calls; so much of it is kept back, once in a window, that the account behind it seldom has to step in, which costs far more:
# 20 agents, simulated for three hours, worked 91 % of the time instead of 87 %, and were held back 8 minutes instead of 52.
_KEPT_BACK = 3


class Ledgers:
    """The accounts of all campaigns of one engine; the sessions of a campaign share them."""

    def __init__(self) -> None:
        self._campaigns: dict[str, CampaignLedger] = {}

    def of(self, session: DialingSession) -> SessionCompliance:
        """As `Context.compliance`."""
        return SessionCompliance(self, session)

    def open(self, session: DialingSession) -> CampaignLedger:
        """The accounts of the session's campaign."""
        campaign = session.group.campaign
        if campaign not in self._campaigns:
            self._campaigns[campaign] = CampaignLedger(session.context, campaign)
        return self._campaigns[campaign]

    def close(self, accounts: CampaignLedger) -> None:
        """Forget them where nobody is loaded any more."""
        if accounts.empty and self._campaigns.get(accounts.campaign) is accounts:
            del self._campaigns[accounts.campaign]


class SessionCompliance:
    """`Compliance` by the rules of the session's group; the group's own abandon limit holds beside them."""

    def __init__(self, ledgers: Ledgers, session: DialingSession) -> None:
        self._ledgers, self._session = ledgers, session
        self._accounts: CampaignLedger | None = None

    @property
    def _rules(self) -> list[AbandonRule]:
        return [rule.abandon for rule in self._session.group.rules if rule.abandon is not None]

    @property
    def readings(self) -> list[Reading]:
        return [] if self._accounts is None else self._accounts.readings(self._session)

    @property
    def abandon_limit(self) -> float:
        return min((self._session.group.abandon_limit, *(rule.limit for rule in self._rules)))

    @property
    def progressive_only(self) -> str:
        if self._accounts is None:
            return ""
        unread = self._accounts.unread(self._session)
        if unread:
            return f"what rule {unread[0].name} has counted so far is still being read"
        return "; ".join(one.text for one in self.readings if one.spent)

    @property
    def connect_within_s(self) -> float | None:
        return min((rule.agent_within_s for rule in self._rules if rule.agent_within_s), default=None)

    @property
    def seen(self) -> tuple[int, int]:
        reading = tightest(self.readings)
        return (0, 0) if reading is None else (round(reading.answered), round(reading.abandoned) + _KEPT_BACK)

    # -- the session's life -------------------------------------------------------------------------------------------
    async def load(self) -> None:
        if self._join():
            assert self._accounts is not None
            await self._accounts.read()

    def regroup(self) -> None:
        if (self._accounts is not None or self._session.keeps_chains) and self._join():
            assert self._accounts is not None
            run(self._read_later(self._accounts), "reading what rules count")

    async def _read_later(self, accounts: CampaignLedger) -> None:
        try:
            await accounts.read()
        except OCSError:
            return          # the account's next look tries again; until then nothing is dialed ahead of agents
        self._session.wake()

    def _join(self) -> bool:
        """False where there are no rules, and were none."""
        group = self._session.group
        if self._accounts is None:
            if not group.rules:
                return False
            self._accounts = self._ledgers.open(self._session)
        self._accounts.join(self._session, group.name, group.rules, Estimates(group.detection_error, group.undetected_machine))
        return True

    def unloaded(self) -> None:
        if self._accounts is not None:
            self._accounts.leave(self._session)
            self._ledgers.close(self._accounts)
            self._accounts = None

    # -- its calls ----------------------------------------------------------------------------------------------------
    def stepped(self, attempt: Attempt | None, call: Call) -> None:
        if self._accounts is not None and attempt is not None:
            self._accounts.note(attempt.guid, attempt.session_guid, facts_of_call(call))

    def saved(self, attempt: Attempt) -> None:
        if self._accounts is not None and attempt.state in (AttemptState.CLOSED, AttemptState.UNKNOWN):
            self._accounts.note(attempt.guid, attempt.session_guid, facts_of_attempt(attempt))
