"""The account of abandoned calls of every campaign that is loaded here, and what it says to a session (`Compliance`).

Theory of operation. Each rule of a campaign has an account (`ocs.dialing.compliance.account`). It begins, at `since`, with what the
database knows; from then on the calls that this server's sessions have answered are counted as they happen. What other servers
do, and what ended meanwhile of what was answered before `since`, is read again now and then. So every call is counted by exactly
one of the two: by its session and the instant of its answer. Nothing of this is written: after a crash the attempts tell it again.

Until an account has been read its rule lets nothing be dialed ahead of agents. When the budget of a rule is spent the campaign's
sessions dial one call for a ready agent, until there is room for another abandoned call. When rules are in force, and when one
held the dialing back, is written down for the report; a period that is open says every minute that it goes on.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Iterable, Sequence

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.call import Call
from ocs.dialing.compliance.account import AbandonAccount, Estimates, Reading, tightest
from ocs.dialing.compliance.calls import CallFacts, CallsWanted, facts_of_attempt, facts_of_call
from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.rules import Rule
from ocs.dialing.values import Attempt, AttemptState
from ocs.errors import OCSError
from ocs.scheduler.running import new_guid, run

if TYPE_CHECKING:
    from ocs.scheduler.context import Context
    from ocs.scheduler.session import DialingSession

__all__ = ["CampaignLedger", "Ledger", "SessionCompliance"]

_AGAIN_S, _AGAIN_REAL_S = 60.0, 2.0     # between two looks at what others do; of the machine's time, where ours runs faster
_OVERLAP_S = 7_200.0                    # how far back that look goes: a call is written when it is over
_ALL_AGAIN_S = 21_600.0                 # everything is read again, for what was written long after its time
_BACK_S = 172_800.0                     # read beyond the window, for a clock that is set back
_SESSIONS = 1_000                       # GUIDs of this server's own sessions that are known
_UNWRITTEN = 1_000                      # periods that a database that is away has not taken
_Key = tuple[Rule, Estimates]


@dataclass
class _Entry:
    """One rule's account. `since`: from when on this server's calls are counted as they happen (epoch s); `read` when the database
    was asked for everything."""

    account: AbandonAccount
    since: float
    read: bool = False
    stop: RulePeriod | None = None
    alarmed: bool = False


class CampaignLedger:
    """The accounts of one campaign, as long as a session of it is loaded."""

    log = Logger()

    def __init__(self, context: Context, campaign: str) -> None:
        self._context, self.campaign = context, campaign
        self._keys: dict[object, tuple[_Key, ...]] = {}         # session -> its rules
        self._names: dict[object, str] = {}
        self._entries: dict[_Key, _Entry] = {}
        self._guids: deque[str] = deque(maxlen=_SESSIONS)
        self._in_force: dict[tuple[object, Rule], RulePeriod] = {}
        self._unwritten: dict[str, RulePeriod] = {}
        self._timer: IDelayedCall | None = None
        self._all_read_at, self._failing = float("-inf"), False
        self._looked_at: tuple[int, int] = (-1, -1)
        self._changes = 0
        self._readings: dict[_Key, Reading] = {}

    # -- who is loaded ------------------------------------------------------------------------------------------------
    @property
    def empty(self) -> bool:
        """True while no session is loaded."""
        return not self._keys

    def join(self, session: object, name: str, rules: Sequence[Rule], estimates: Estimates) -> None:
        """The session is loaded, or goes on, with these rules."""
        now = self._context.clock.wall()
        self._keys[session] = tuple((rule, estimates) for rule in rules if rule.abandon is not None)
        self._names[session] = name
        for key in self._keys[session]:
            if key not in self._entries:
                self._entries[key] = _Entry(AbandonAccount(*key), now)
        self._drop_unused(now)
        for rule in rules:
            if (session, rule) not in self._in_force:
                self._in_force[session, rule] = self._write(self._period(PeriodOf.IN_FORCE, rule, name, now))
        for (other, rule) in [one for one in self._in_force if one[0] is session and one[1] not in rules]:
            self._write(replace(self._in_force.pop((other, rule)), seen_at=now, ended_at=now))
        self._changes += 1
        self._keep()
        if self._timer is None and (self._entries or self._in_force):
            self._later()

    def leave(self, session: object) -> None:
        """The session is unloaded."""
        now = self._context.clock.wall()
        self._keys.pop(session, None)
        self._names.pop(session, None)
        for (other, rule) in [one for one in self._in_force if one[0] is session]:
            self._write(replace(self._in_force.pop((other, rule)), seen_at=now, ended_at=now))
        self._drop_unused(now)
        self._keep()
        if self.empty and self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._timer = None

    def _drop_unused(self, now: float) -> None:
        used = {key for keys in self._keys.values() for key in keys}
        for key in [key for key in self._entries if key not in used]:
            self._stopped(self._entries.pop(key), None, now)
            self._readings.pop(key, None)

    # -- calls --------------------------------------------------------------------------------------------------------
    def note(self, guid: str, session_guid: str, facts: CallFacts) -> None:
        """What is known of an answered call of this server."""
        if facts.answered_at is None or not self._entries:
            return
        if session_guid not in self._guids:
            self._guids.append(session_guid)
        for entry in self._entries.values():
            if facts.answered_at >= entry.since:
                entry.account.note(guid, facts)
        self._changes += 1

    async def read(self) -> None:
        """Read what the accounts do not know yet. Fails as the store does."""
        await self._read([entry for entry in self._entries.values() if not entry.read], None)

    async def _read(self, entries: Iterable[_Entry], overlap_s: float | None) -> None:
        for entry in list(entries):
            abandon, now = entry.account.rule.abandon, self._context.clock.wall()
            assert abandon is not None
            since = now - (abandon.period.longest_s + _BACK_S if overlap_s is None else overlap_s)
            told = await self._context.store.answered_calls(CallsWanted(
                self.campaign, since, abandon.agent_within_s, abandon.counted_from, tuple(self._guids), entry.since))
            entry.account.began(told.first_at)
            entry.account.put_others(told.calls, since)
            entry.read = True
            self._changes += 1

    # -- how it stands ------------------------------------------------------------------------------------------------
    def readings(self, session: object) -> list[Reading]:
        """Of the session's rules, as far as they have been read."""
        self._look()
        return [self._readings[key] for key in self._keys.get(session, ()) if key in self._readings]

    def unread(self, session: object) -> list[Rule]:
        """Rules of which it is not known yet what was counted before."""
        return [key[0] for key in self._keys.get(session, ()) if not self._entries[key].read]

    def _look(self) -> None:
        """Judge anew where something was counted, and once a second."""
        now = self._context.clock.wall()
        if self._looked_at == (looked := (int(now), self._changes)):
            return
        self._looked_at = looked
        for key, entry in self._entries.items():
            if entry.read:
                reading = self._readings[key] = entry.account.reading(now)
                self._stopped(entry, reading if reading.spent else None, now)
                self._alarm(entry, reading)

    def _stopped(self, entry: _Entry, spent: Reading | None, now: float) -> None:
        """Tell, and write down, where a budget is spent or there again."""
        rule = entry.account.rule
        if spent is not None and entry.stop is None:
            self.log.warn("campaign {campaign}: nothing is dialed ahead of agents, {reason}", campaign=self.campaign,
                          reason=spent.text, rule=rule.name)
            groups = ", ".join(sorted(self._names.values()))
            entry.stop = self._write(self._period(PeriodOf.HARD_STOP, rule, groups, now, spent.text))
            self._keep()
        elif spent is None and entry.stop is not None:
            self.log.info("campaign {campaign}: rule {rule} lets calls be dialed ahead of agents again", campaign=self.campaign,
                          rule=rule.name)
            stop, entry.stop = entry.stop, None
            self._write(replace(stop, seen_at=now, ended_at=now))
            self._keep()

    def _alarm(self, entry: _Entry, reading: Reading) -> None:
        abandon = entry.account.rule.abandon
        assert abandon is not None
        rate = reading.rate
        high = bool(abandon.alarm) and rate is not None and rate > abandon.alarm and reading.abandoned > abandon.tolerated
        if high and not entry.alarmed:
            self.log.warn("campaign {campaign}: above the alarm of {percent:g} %, {reason}", campaign=self.campaign,
                          percent=100 * abandon.alarm, reason=reading.text, rule=reading.rule.name)
        entry.alarmed = high

    # -- again and again ----------------------------------------------------------------------------------------------
    def _later(self) -> None:
        clock = self._context.clock
        self._timer = clock.callLater(max(_AGAIN_S, _AGAIN_REAL_S * clock.speed), self._again)

    def _again(self) -> None:
        self._timer = None
        if not self.empty:
            self._later()
            now = self._context.clock.wall()
            for key, period in self._in_force.items():
                self._in_force[key] = self._write(replace(period, seen_at=now))
            for entry in self._entries.values():
                if entry.stop is not None:
                    entry.stop = self._write(replace(entry.stop, seen_at=now))
            self._keep()
            run(self._read_again(), "reading what rules count")

    async def _read_again(self) -> None:
        now = self._context.clock.seconds()
        everything = self._failing or now - self._all_read_at >= _ALL_AGAIN_S
        try:
            await self._read(self._entries.values(), None if everything else _OVERLAP_S)
        except OCSError as error:
            if not self._failing:
                self.log.warn("campaign {campaign}: what other servers do is not seen in its rules' accounts: {reason}",
                              campaign=self.campaign, reason=str(error))
            self._failing = True
            return
        self._failing = False
        if everything:
            self._all_read_at = now
        self._look()

    # -- evidence -----------------------------------------------------------------------------------------------------
    def _period(self, kind: PeriodOf, rule: Rule, group: str, now: float, reason: str = "") -> RulePeriod:
        context = self._context
        return RulePeriod(new_guid(context.rng), kind, self.campaign, group, context.options.application_id, rule.name, rule.version,
                          rule.source, reason, now, now)

    def _write(self, period: RulePeriod) -> RulePeriod:
        if self._context.keep_rule_periods is not None:
            self._unwritten[period.guid] = period
        return period

    def _keep(self) -> None:
        if self._unwritten and self._context.keep_rule_periods is not None:
            periods, self._unwritten = self._unwritten, {}
            written = self._context.keep_rule_periods(tuple(periods.values()))
            written.addErrback(self._not_kept, periods)
            written.addErrback(lambda failure: self.log.failure("keeping when rules were in force", failure))

    def _not_kept(self, failure: Failure, periods: dict[str, RulePeriod]) -> None:
        """They wait for the next time, as they are then."""
        failure.trap(OCSError)
        self._unwritten = dict([*periods.items(), *self._unwritten.items()][-_UNWRITTEN:])


class Ledger:
    """The accounts of all campaigns of one engine: `Context.compliance` is its `of`."""

    def __init__(self) -> None:
        self._campaigns: dict[str, CampaignLedger] = {}

    def of(self, session: DialingSession) -> SessionCompliance:
        """What the rules say to this session."""
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
    """`Compliance` of a session by the rules of its group; the group's own abandon limit holds beside them."""

    def __init__(self, ledger: Ledger, session: DialingSession) -> None:
        self._ledger, self._session = ledger, session
        self._accounts: CampaignLedger | None = None

    @property
    def readings(self) -> list[Reading]:
        """How each rule stands."""
        return [] if self._accounts is None else self._accounts.readings(self._session)

    @property
    def abandon_limit(self) -> float:
        return min((self._session.group.abandon_limit, *(rule.abandon.limit for rule in self._session.group.rules if rule.abandon)))

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
        limits = [rule.abandon.agent_within_s for rule in self._session.group.rules if rule.abandon and rule.abandon.agent_within_s]
        return min(limits, default=None)

    @property
    def seen(self) -> tuple[int, int]:
        reading = tightest(self.readings)
        return (0, 0) if reading is None else (round(reading.answered), round(reading.abandoned))

    # -- the session's life -------------------------------------------------------------------------------------------
    async def load(self) -> None:
        """Read what was counted before. Fails as the store does; nothing is dialed ahead of agents then."""
        self._join()
        if self._accounts is not None:
            await self._accounts.read()

    def regroup(self) -> None:
        """The session's group has other values now."""
        if self._accounts is not None or self._session.group.rules and self._session.keeps_chains:
            self._join()
            assert self._accounts is not None
            run(self._read_later(self._accounts), "reading what rules count")

    async def _read_later(self, accounts: CampaignLedger) -> None:
        try:
            await accounts.read()
        except OCSError:
            return          # the next look tries again
        self._session.wake()

    def _join(self) -> None:
        group = self._session.group
        if not group.rules and self._accounts is None:
            return
        if self._accounts is None:
            self._accounts = self._ledger.open(self._session)
        self._accounts.join(self._session, group.name, group.rules, Estimates(group.detection_error, group.undetected_machine))

    def unloaded(self) -> None:
        """The session holds nothing any more."""
        if self._accounts is not None:
            self._accounts.leave(self._session)
            self._ledger.close(self._accounts)
            self._accounts = None

    # -- its calls ----------------------------------------------------------------------------------------------------
    def stepped(self, attempt: Attempt | None, call: Call) -> None:
        """A call of the session has an agent now, or is over."""
        if self._accounts is not None and attempt is not None:
            self._accounts.note(attempt.guid, attempt.session_guid, facts_of_call(call))

    def saved(self, attempt: Attempt) -> None:
        """An attempt is written with what is known of it."""
        if self._accounts is not None and attempt.state in (AttemptState.CLOSED, AttemptState.UNKNOWN):
            self._accounts.note(attempt.guid, attempt.session_guid, facts_of_attempt(attempt))
