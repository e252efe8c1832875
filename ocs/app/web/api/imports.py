"""Imports of contacts in the API: a CSV file is sent, taken into its list in a thread, one import after the other; how far each
is can be asked for meanwhile."""
from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from ocs.app.web.api.routing import ApiError, Call, Route
from ocs.app.web.api.site import Site
from ocs.app.web.api.values import imports as values
from ocs.errors import OCSError
from ocs.http_server import Reply
from ocs.store.api_tokens import Role
from ocs.store.contacts import ImportOptions, ImportRefused, ImportReport, import_contacts

__all__ = ["routes"]

_WAITING_LIMIT = 10         # imports that are not done
_KEPT = 100                 # of which the outcome can be asked for
_FAULTS = 20                # that are told of each


@dataclass
class _Job:
    """One import. What a thread changes are single values."""

    number: int
    calling_list: str
    by: str
    began_at: float
    path: Path
    state: str = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    ended_at: float | None = None
    report: ImportReport | None = None
    error: str = ""
    options: ImportOptions = field(default_factory=ImportOptions)

    def told(self) -> values.Import:
        """As the API answers it."""
        report = self.report
        return values.Import(
            id=self.number, calling_list=self.calling_list, state=self.state, stage=self.stage, done=self.done, total=self.total,
            by=self.by, began_at=self.began_at, ended_at=self.ended_at, rows=report.rows if report else 0,
            contacts=report.contacts if report else 0, records=report.records if report else 0,
            bad_rows=report.bad_rows if report else 0, error=self.error,
            faults=[f"line {one.line}: {one.reason}" for one in report.faults[:_FAULTS]] if report else [])


def routes(site: Site) -> list[Route]:
    """Of imports."""
    imports, administrator = _Imports(site), Role.ADMINISTRATOR
    return [
        Route("POST", "/lists/{calling_list}/imports", "Import contacts from a CSV file, a row a contact; all of them or, where"
              " a row is bad, none, unless skip_bad. Answered when the file has arrived.", administrator, imports.begin,
              values.Import, query=values.ImportQuery, status=202, errors=(404, 429), octets="text/csv"),
        Route("GET", "/imports", "The last imports, the latest first.", Role.SUPERVISOR, imports.all, values.Imports),
        Route("GET", "/imports/{id}", "An import: how far it is, what came of it.", Role.SUPERVISOR, imports.one, values.Import,
              errors=(404,)),
    ]


class _Imports:
    """The handlers."""

    log = Logger()

    def __init__(self, site: Site) -> None:
        self._site = site
        self._jobs: OrderedDict[int, _Job] = OrderedDict()
        self._turn = DeferredLock()
        self._last = 0
        site.at_stop.append(self._clear)

    async def begin(self, call: Call) -> Reply:
        one, query = self._site.calling_list(call.path["calling_list"]), call.query
        if sum(job.ended_at is None for job in self._jobs.values()) >= _WAITING_LIMIT:
            raise ApiError(429, f"{_WAITING_LIMIT} imports are under way")
        options = ImportOptions(region=query.region, skip_bad=query.skip_bad, default_timezone=query.default_timezone)
        self._last += 1
        wall = self._site.engine.context.clock.wall
        job = _Job(self._last, one.name, call.client.name, wall(), Path(), options=options)
        self._jobs[job.number] = job
        while len(self._jobs) > _KEPT:
            del self._jobs[next(number for number, each in self._jobs.items() if each.ended_at is not None)]
        try:
            job.path = await self._site.in_thread(_keep, call.file or io.BytesIO(call.octets))
        except OSError as error:
            job.state, job.error, job.ended_at = "failed", f"the file cannot be kept: {error.strerror}", wall()
            raise ApiError(503, job.error) from None
        self._turn.run(lambda: Deferred.fromCoroutine(self._run(job, one.reads))).addErrback(
            lambda failure: self.log.failure("import", failure))
        return Reply(202, job.told(), (("Location", f"/api/v1/imports/{job.number}"),))

    def all(self, call: Call) -> values.Imports:
        return values.Imports(imports=[job.told() for job in reversed(self._jobs.values())])

    def one(self, call: Call) -> values.Import:
        job = self._jobs.get(call.number("id"))
        if job is None:
            raise ApiError(404, "id: there is no such import", "id")
        return job.told()

    def _clear(self) -> None:
        """The server stops: what waits still is not imported, and its file goes."""
        for job in self._jobs.values():
            if job.ended_at is None and job.path != Path():
                job.path.unlink(missing_ok=True)

    async def _run(self, job: _Job, table: str) -> None:
        """In turn: the database takes one at a time anyhow."""
        def tell(stage: str, done: int, total: int) -> None:
            job.stage, job.done, job.total = stage, done, total

        job.state = "running"
        try:
            job.report = await self._site.in_thread(import_contacts, self._site.store.backend, table, job.path, job.options, tell)
            job.state = "done" if job.report is not None and job.report.imported else "failed"
        except ImportRefused as error:
            job.state, job.report, job.error = "failed", error.report, "rows are bad, nothing was imported"
        except OCSError as error:
            job.state, job.error = "failed", str(error)
        except OSError as error:
            job.state, job.error = "failed", error.strerror or "the file cannot be read"
        finally:
            job.ended_at = self._site.engine.context.clock.wall()
            await self._site.in_thread(job.path.unlink, True)
        self.log.info("import {number} into {calling_list}: {state}", number=job.number, calling_list=job.calling_list,
                      state=job.state)
        for session in self._site.engine.loaded():
            session.wake()


def _keep(file: Any) -> Path:
    """What was sent, in a file of its own; its owner's only."""
    number, name = tempfile.mkstemp(prefix="ocs-import-", suffix=".csv")
    with os.fdopen(number, "wb") as kept:
        shutil.copyfileobj(file, kept, 1_048_576)
    return Path(name)
