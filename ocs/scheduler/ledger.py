"""The account of abandoned calls of a campaign, under each of its rules, as long as a session of it is loaded.

Theory of operation. Each rule has an account (`ocs.dialing.compliance.account`). It begins, at `since`, with what the database
knows; from then on the calls that this server's sessions have answered are counted as they happen. What other servers do, and
what ended meanwhile of what was answered before `since`, is read again now and then. So every call is counted by exactly one of
the two: by its session and the instant of its answer. No count is written: after a crash the attempts tell it again.

Until an account has been read its rule lets nothing be dialed ahead of agents. When the budget of a rule is spent the
campaign's sessions dial one call for a ready agent, until what was abandoned is within the limit again.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Iterable, Sequence

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.dialing.compliance.account import MINUTE_S, AbandonAccount, Estimates, Reading
from ocs.dialing.compliance.calls import CallFacts, CallsWanted
from ocs.dialing.compliance.evidence import PeriodOf
from ocs.dialing.compliance.rules import AbandonRule, Rule
from ocs.errors import OCSError
from ocs.scheduler.rule_periods import RulePeriods
from ocs.scheduler.running import run

if TYPE_CHECKING:
    from ocs.scheduler.context import Context

__all__ = ["CampaignLedger"]

_AGAIN_S, _AGAIN_REAL_S = 60.0, 2.0     # between two looks at what others do; of the machine's time, where ours runs faster
_OVERLAP_S = 7_200.0                    # how far back that look goes: a call is written when it is over
_ALL_AGAIN_S = 21_600.0                 # everything is read again, for what was written long after its time
_BACK_S = 172_800.0                     # read beyond the window, for a clock that is set back
_SESSIONS = 1_000                       # GUIDs of this server's own sessions that are known
_Key = tuple[Rule, Estimates]


@dataclass
class _Entry:
    """One rule's account. `since`: from when on this server's calls are counted as they happen (epoch s); `read` is True once
    the database has told everything."""

    account: AbandonAccount
    since: float
    read: bool = False
    alarmed: bool = False

    @property
    def rule(self) -> Rule:
        return self.account.rule

    @property
    def abandon(self) -> AbandonRule:
        assert self.account.rule.abandon is not None
        return self.account.rule.abandon


class CampaignLedger:
    """The accounts of one campaign; sessions are known by themselves."""

    log = Logger()

    def __init__(self, context: Context, campaign: str) -> None:
        self._context, self.campaign = context, campaign
        self.periods = RulePeriods(context, campaign)
        self._rules: dict[object, tuple[Rule, ...]] = {}        # session -> what holds for it
        self._keys: dict[object, tuple[_Key, ...]] = {}         # session -> the accounts among them
        self._names: dict[object, str] = {}
        self._entries: dict[_Key, _Entry] = {}
        self._guids: deque[str] = deque(maxlen=_SESSIONS)
        self._timer: IDelayedCall | None = None
        self._all_read_at, self._failing = float("-inf"), False
        self._looked_at, self._changes = (-1, -1), 0
        self._readings: dict[_Key, Reading] = {}

    # -- who is loaded ------------------------------------------------------------------------------------------------
    @property
    def empty(self) -> bool:
        """True while no session is loaded."""
        return not self._keys

    def join(self, session: object, name: str, rules: Sequence[Rule], estimates: Estimates) -> None:
        """The session is loaded, or goes on, with these rules."""
        now, before = self._context.clock.wall(), self._rules.get(session, ())
        self._rules[session], self._names[session] = tuple(rules), name
        self._keys[session] = tuple((rule, estimates) for rule in rules if rule.abandon is not None)
        for key in self._keys[session]:
            if key not in self._entries:
                self._entries[key] = _Entry(AbandonAccount(*key), now)
        self._changes += 1
        for rule in rules:
            if (session, rule) not in self.periods:
                self.periods.begin((session, rule), PeriodOf.IN_FORCE, rule, name)
        self._end(session, [rule for rule in before if rule not in rules])
        if self._timer is None and (rules or self._entries):
            self._later()

    def leave(self, session: object) -> None:
        """The session is unloaded."""
        self._keys.pop(session, None)
        self._names.pop(session, None)
        self._end(session, self._rules.pop(session, ()))
        if self.empty and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, session: object, rules: Iterable[Rule]) -> None:
        for rule in rules:
            self.periods.end((session, rule))
        used = {key for keys in self._keys.values() for key in keys}
        for key in [key for key in self._entries if key not in used]:
            del self._entries[key]
            self._readings.pop(key, None)
            self.periods.end(key)

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
            since = self._context.clock.wall() - (entry.abandon.period.longest_s + _BACK_S if overlap_s is None else overlap_s)
            since -= since % MINUTE_S       # a minute is put in whole
            told = await self._context.store.answered_calls(CallsWanted(
                self.campaign, since, entry.abandon.agent_within_s, entry.abandon.counted_from, tuple(self._guids), entry.since))
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
                self._tell_stop(key, reading)
                self._tell_alarm(entry, reading)

    def _tell_stop(self, key: _Key, reading: Reading) -> None:
        """Where a budget is spent, or there again."""
        if reading.spent and key not in self.periods:
            self.log.warn("campaign {campaign}: nothing is dialed ahead of agents, {reason}", campaign=self.campaign,
                          reason=reading.text, rule=reading.rule.name)
            self.periods.begin(key, PeriodOf.HARD_STOP, reading.rule, ", ".join(sorted(self._names.values())), reading.text)
        elif not reading.spent and key in self.periods:
            self.log.info("campaign {campaign}: rule {rule} lets calls be dialed ahead of agents again", campaign=self.campaign,
                          rule=reading.rule.name)
            self.periods.end(key)

    def _tell_alarm(self, entry: _Entry, reading: Reading) -> None:
        alarm, rate = entry.abandon.alarm, reading.rate
        high = bool(alarm) and rate is not None and rate > alarm and reading.abandoned > entry.abandon.tolerated
        if high and not entry.alarmed:
            self.log.warn("campaign {campaign}: above the alarm of {percent:g} %, {reason}", campaign=self.campaign,
                          percent=100 * alarm, reason=reading.text, rule=reading.rule.name)
        entry.alarmed = high

    # -- again and again ----------------------------------------------------------------------------------------------
    def _later(self) -> None:
        clock = self._context.clock
        self._timer = clock.callLater(max(_AGAIN_S, _AGAIN_REAL_S * clock.speed), self._again)

    def _again(self) -> None:
        self._later()
        self.periods.beat()
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
