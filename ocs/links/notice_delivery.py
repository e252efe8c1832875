"""Notices on their way to services outside: through a spool on disk, each at least once, in order per chain.

A notice is put on disk first (`keep`), and told after (`release`): so nothing that happens in between loses it. After a crash
everything in the spool is told. Dialing never waits for a service, only for the disk.
"""
from __future__ import annotations

import random
from collections import Counter
from enum import Enum
from typing import Any, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.dialing.contact import Notice
from ocs.errors import OCSError
from ocs.interfaces import INotificationSpool
from ocs.links.back_off import BackOff
from ocs.links.delivery import Outcome, Outlet
from ocs.links.http import Answer, HttpClient
from ocs.links.http_options import NotificationSpoolOptions, first_rule
from protocols.http_messages.bodies import encode_object

__all__ = ["Lost", "NoticeDelivery"]

_PARALLEL = 4       # posts at the same time to one service


class Lost(Enum):
    """Why somebody is not told though wanting it; the value is what people read."""
    NO_ROOM = "the spool is full"
    NO_RULE = "left by an earlier run, and nobody wants it now"
    REFUSED = "refused by the service"


class NoticeDelivery:
    """Tells the services of `rules` (options with `uri` and `campaign_groups`). `start` reads the spool, `stop` leaves in it what
    is not told yet; `what` is what the posts are called in errors."""

    log = Logger()

    def __init__(self, client: HttpClient, rules: Sequence[Any], options: NotificationSpoolOptions, spool: INotificationSpool,
                 clock: IClock, rng: random.Random, what: str) -> None:
        self._client, self._rules, self._options, self._spool = client, tuple(rules), options, spool
        self._clock, self._rng, self._what = clock, rng, what
        self._outlets: dict[str, Outlet] = {}
        self._noted: dict[int, Notice] = {}         # on disk, not yet released
        self._next_ticket = 1
        self._count = 0                             # noted or released, not yet done with
        self.lost: Counter[Lost] = Counter()

    # -- life -----------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Open the spool and tell of what the last run left; StoreUnavailable if it cannot be opened."""
        left: list[Notice] = await self._spool.start()
        for notice in left:
            self._next_ticket = max(self._next_ticket, notice.ticket + 1)
        self._count = len(left)
        for notice in left:
            self._tell(notice)

    async def stop(self) -> None:
        """Send nothing any more; what is not told stays in the spool."""
        for outlet in self._outlets.values():
            outlet.stop()
        await self._spool.stop()

    @property
    def waiting(self) -> int:
        """Notices that are not told yet."""
        return self._count

    @property
    def counts(self) -> Counter[Outcome]:
        """How sendings ended, of all services."""
        return sum((outlet.counts for outlet in self._outlets.values()), Counter())

    # -- notices --------------------------------------------------------------------------------------------------
    def wants(self, campaign_group: str) -> bool:
        """Whether anybody is to be told of this campaign group."""
        return first_rule(self._rules, campaign_group) is not None

    def keep(self, campaign_group: str, calling_list: str, chain_id: int, body: Mapping[str, Any]) -> Deferred[int]:
        """Put a notice on disk; fires then with its ticket, with 0 where nobody wants it or there is no room."""
        if not self.wants(campaign_group):
            return succeed(0)
        if self._count >= self._options.limit:
            if not self.lost[Lost.NO_ROOM]:
                self.log.error("{limit} {what}s wait already: further ones are lost", limit=self._options.limit, what=self._what)
            self.lost[Lost.NO_ROOM] += 1
            return succeed(0)
        notice = self._notice(campaign_group, calling_list, chain_id, body)
        self._noted[notice.ticket] = notice
        self._count += 1
        kept = self._spool.add(notice)
        kept.addErrback(self._disk_failed, "kept")      # it stays in memory, and is told all the same
        return kept.addCallback(lambda _: notice.ticket)

    def release(self, ticket: int) -> None:
        """Tell it now."""
        notice = self._noted.pop(ticket, None)
        if notice is not None:
            self._tell(notice)

    def withdraw(self, ticket: int) -> None:
        """It is not to be told after all."""
        notice = self._noted.pop(ticket, None)
        if notice is not None:
            self._remove(notice)

    def _notice(self, campaign_group: str, calling_list: str, chain_id: int, body: Mapping[str, Any]) -> Notice:
        now = self._clock.wall()
        ticket, self._next_ticket = self._next_ticket, self._next_ticket + 1
        key = f"{int(now * 1e6):x}-{ticket:x}-{self._rng.getrandbits(64):016x}"     # no seed makes two runs give one key
        return Notice(ticket, key, campaign_group, calling_list, chain_id, now, encode_object(body))

    def _tell(self, notice: Notice) -> None:
        rule = first_rule(self._rules, notice.campaign_group)
        if rule is None:
            self.log.warn("a notification of {campaign} is dropped: {reason}", campaign=notice.campaign_group,
                          reason=Lost.NO_RULE.value)
            self.lost[Lost.NO_RULE] += 1
            self._remove(notice)
            return
        self._outlet(rule.uri).put(notice)

    def _outlet(self, uri: str) -> Outlet:
        if uri not in self._outlets:
            def send(notice: Notice) -> Deferred[Answer]:
                # the same key each time lets the service tell a repetition from a second event
                return self._client.request("POST", uri, notice.body, (("Idempotency-Key", notice.key),), name=self._what,
                                            repeatable=True)
            self._outlets[uri] = Outlet(f"{self._what} service {len(self._outlets) + 1}", send, self._settled, self._clock,
                                        self._back_off, _PARALLEL, self._options.retry_max_attempts)
        return self._outlets[uri]

    def _back_off(self) -> BackOff:
        return BackOff(self._rng, self._options.retry_min_s, self._options.retry_max_s)

    def _settled(self, notice: Notice, outcome: Outcome) -> None:
        if outcome is Outcome.GIVEN_UP:
            self.lost[Lost.REFUSED] += 1
        self._remove(notice)

    def _remove(self, notice: Notice) -> None:
        self._count -= 1
        self._spool.remove(notice.ticket).addErrback(self._disk_failed, "removed")

    def _disk_failed(self, failure: Failure, what: str) -> None:
        if failure.check(OCSError) is None:
            self.log.failure("notification spool", failure)
        else:
            self.log.error("a notification cannot be {what} on disk: {reason}", what=what, reason=failure.getErrorMessage())
