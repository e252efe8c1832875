"""When rules were in force for a campaign, and when one held its dialing back: written down as it happens, for the report.

A period that is open is written again now and then (`beat`), so that of a server that died it is known how long it was so at
least. What a database that is away does not take waits for the next time.
"""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.dialing.compliance.evidence import PeriodOf, RulePeriod
from ocs.dialing.compliance.rules import Rule
from ocs.errors import OCSError
from ocs.scheduler.running import new_guid

if TYPE_CHECKING:
    from ocs.scheduler.context import Context

__all__ = ["RulePeriods"]

_UNWRITTEN = 1_000      # periods that a database that is away has not taken


class RulePeriods:
    """Of one campaign. Open periods are known by whatever they are of."""

    log = Logger()

    def __init__(self, context: Context, campaign: str) -> None:
        self._context, self._campaign = context, campaign
        self._open: dict[object, RulePeriod] = {}
        self._unwritten: dict[str, RulePeriod] = {}

    def __contains__(self, what: object) -> bool:
        return what in self._open

    def begin(self, what: object, kind: PeriodOf, rule: Rule, group: str, reason: str = "") -> None:
        """It is so from now on."""
        now, context = self._context.clock.wall(), self._context
        self._open[what] = self._unwritten_now(RulePeriod(
            new_guid(context.rng), kind, self._campaign, group, context.options.application_id, rule.name, rule.version,
            rule.source, reason, now, now))
        self.keep()

    def end(self, what: object) -> None:
        """It is not so any more."""
        period = self._open.pop(what, None)
        if period is not None:
            now = self._context.clock.wall()
            self._unwritten_now(replace(period, seen_at=now, ended_at=now))
            self.keep()

    def beat(self) -> None:
        """What is open goes on."""
        now = self._context.clock.wall()
        for what, period in self._open.items():
            self._open[what] = self._unwritten_now(replace(period, seen_at=now))
        self.keep()

    def _unwritten_now(self, period: RulePeriod) -> RulePeriod:
        if self._context.keep_rule_periods is not None:
            self._unwritten[period.guid] = period
        return period

    def keep(self) -> None:
        """Write what has changed."""
        if self._unwritten and self._context.keep_rule_periods is not None:
            periods, self._unwritten = self._unwritten, {}
            written = self._context.keep_rule_periods(tuple(periods.values()))
            written.addErrback(self._not_kept, periods)
            written.addErrback(lambda failure: self.log.failure("keeping when rules were in force", failure))

    def _not_kept(self, failure: Failure, periods: dict[str, RulePeriod]) -> None:
        """They wait, as they are by then."""
        failure.trap(OCSError)
        self._unwritten = dict([*periods.items(), *self._unwritten.items()][-_UNWRITTEN:])
