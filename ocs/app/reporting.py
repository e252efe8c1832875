"""What the server reports to ICON, where there is one: the spool, the link, and the place between engine and database."""
from __future__ import annotations

import random
from typing import Any, Mapping, Sequence

from ocs.clock import IClock
from ocs.database.statements import Transaction
from ocs.dialing.values import Attempt
from ocs.interfaces import IStore
from ocs.links.icon import IconLinkOptions, IconReporter, IconStatus
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.store.attempts import attempts_with
from ocs.store.report_spool import ReportSpool
from ocs.store.sql import SqlStore
from ocs.store.told_first import ToldFirst

__all__ = ["Reporting"]


class Reporting:
    """Built from the configuration; does nothing where ICON is not enabled. ConfigurationError for a password or certificate
    file that cannot be used."""

    def __init__(self, options: IconLinkOptions, application_dbid: int, store: SqlStore, reactor: Any, clock: IClock,
                 links: Links, rng: random.Random) -> None:
        self._store = store
        self._reporter: IconReporter | None = None
        if options.enabled:
            spool = ReportSpool(options.spool_file, reactor, reactor)
            self._reporter = IconReporter(options, spool, reactor, clock.wall, rng, application_dbid, self._attempts)
            delivery = self._reporter.delivery
            delivery.link = Link("icon", options, delivery, reactor, links, rng)

    async def _attempts(self, guids: Sequence[str]) -> Mapping[str, Attempt]:
        def query(work: Transaction) -> dict[str, Attempt]:
            return attempts_with(work, guids)
        found: Mapping[str, Attempt] = await self._store.read(query)
        return found

    def before(self, store: IStore) -> IStore:
        """The store as the engine is to use it: a change waits until it has been told of."""
        return store if self._reporter is None else ToldFirst(store, self._reporter.told)

    def listen(self, history: Any) -> None:
        """Hear of everything from now on; before the first session is loaded."""
        if self._reporter is not None:
            history.add_listener(self._reporter)

    @property
    def status(self) -> IconStatus | None:
        """How it stands; None where nobody is told."""
        return None if self._reporter is None else self._reporter.status

    def __str__(self) -> str:
        """The same for people."""
        return "none" if self._reporter is None else f"reports: {self._reporter.status}"

    async def start(self) -> None:
        """Go on with what the last run could not deliver. The store is open. StoreUnavailable."""
        if self._reporter is not None:
            await self._reporter.start()

    async def stop(self) -> None:
        """Deliver what has happened, for as long as is configured. The engine tells of nothing any more."""
        if self._reporter is not None:
            await self._reporter.stop()
