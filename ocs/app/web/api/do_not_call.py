"""The do-not-call list in the API: check, add, remove; and its audit trail."""
from __future__ import annotations

import json

from ocs.app.web.api.routing import ApiError, Call, Route
from ocs.app.web.api.site import Site, api_error, exact
from ocs.app.web.api.values import audit
from ocs.app.web.api.values import do_not_call as values
from ocs.database.statements import Transaction
from ocs.dialing.values import ChainSave, DoNotCallEntry
from ocs.errors import DatabaseAway, OCSError
from ocs.http_server import Reply
from ocs.store.api_additions import once
from ocs.store.api_tokens import Role
from ocs.store.do_not_call import Act, add_do_not_call, audit_rows, entries_of, remove_entries

__all__ = ["routes"]

_ORIGIN = "api"


def routes(site: Site) -> list[Route]:
    """Of the do-not-call list."""
    listed = _DoNotCall(site)
    return [
        Route("GET", "/do-not-call", "Whether a phone or a customer id is on the list, and who brought it there.", Role.AGENT,
              listed.check, values.Verdict, query=values.WhoQuery, errors=(503,)),
        Route("POST", "/do-not-call", "Put a phone or a customer id on the list: from the answer on nobody is called there. 202"
              " where the database is away, and the entry waits on disk.", Role.AGENT, listed.add, values.Listed,
              body=values.DoNotCall, errors=(202, 404, 409, 503), adds=True),
        Route("DELETE", "/do-not-call", "Take a phone or a customer id off the list.", Role.ADMINISTRATOR, listed.remove,
              values.Removed, query=values.RemovalQuery, errors=(404, 503)),
        Route("GET", "/audit/do-not-call", "Who changed the list, how and why.", Role.SUPERVISOR, listed.trail, audit.Audit,
              query=audit.AuditQuery, errors=(503,)),
    ]


def _one_of(phone: str | None, customer_id: str | None) -> None:
    if (phone is None) is (customer_id is None):
        raise ApiError(400, "phone, customer_id: one of them", "phone")


class _DoNotCall:
    """The handlers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def _campaigns(self, name: str | None) -> dict[str, int]:
        """Name -> dbid of the configured campaigns; ApiError 404 for one that is none of them."""
        known = {one.group.campaign: one.group.campaign_dbid for one in self._site.engine.sessions.values()}
        if name is not None and name not in known:
            raise ApiError(404, "campaign: there is none of this name", "campaign")
        return known

    async def check(self, call: Call) -> values.Verdict:
        phone, customer_id = call.query.phone, call.query.customer_id
        _one_of(phone, customer_id)
        found = await self._site.read(lambda work: entries_of(work, self._site.tenant, phone=phone, customer_id=customer_id))
        return values.Verdict(listed=bool(found), entries=[
            values.ListedEntry(phone=one.phone, customer_id=one.customer_id, campaign=one.scope.campaign,
                               every_tenant=not one.scope.tenant, message=one.message, since=one.since,
                               who="" if one.act is None else one.act.who, origin="" if one.act is None else one.act.origin)
            for one in found])

    async def add(self, call: Call) -> Reply:
        asked: values.DoNotCall = call.body
        _one_of(asked.phone, asked.customer_id)
        campaigns, engine = self._campaigns(asked.campaign), self._site.engine
        who = call.client.agent_id or call.client.name
        entry = DoNotCallEntry(
            phone=asked.phone and exact(asked.phone), customer_id=asked.customer_id, campaign=asked.campaign,
            message=asked.message, internal=True, time_stamp=int(engine.context.clock.wall()), requested_by=who, origin=_ORIGIN)
        engine.block(entry)         # at once, whatever the database says
        engine.take_back_blocked()
        notice = engine.context.peers.block((entry,))

        def put(work: Transaction) -> str:
            dbids = self._site.catalog.campaign_dbids(work, [asked.campaign] if asked.campaign else [], campaigns)
            return json.dumps(add_do_not_call(work, (entry,), dbids, self._site.tenant) == 1)
        status = 200
        try:
            answer, _ = await self._site.store.change(lambda work: once(work, call.addition, lambda: put(work)))
        except DatabaseAway:
            try:
                await engine.context.store.save(ChainSave("", do_not_call=(entry,)))
            except OCSError as error:
                raise api_error(error) from None
            status, answer = 202, "true"
        except OCSError as error:
            raise api_error(error) from None
        await notice.everywhere()
        self._site.wake_do_not_call()
        return Reply(status, values.Listed(added=json.loads(answer)))

    async def remove(self, call: Call) -> values.Removed:
        phone, customer_id, campaign = call.query.phone, call.query.customer_id, call.query.campaign
        _one_of(phone, customer_id)
        known = self._campaigns(campaign)
        act = Act(self._site.engine.context.clock.wall(), call.client.name, call.query.why, _ORIGIN)

        def take(work: Transaction) -> int:
            dbid = None if campaign is None else self._site.catalog.campaign_dbids(work, [campaign], known)[campaign]
            return remove_entries(work, act, self._site.tenant, phone=phone, customer_id=customer_id, campaign_dbid=dbid)
        removed = await self._site.change(take)
        if not removed:
            raise ApiError(404, "it is not on the list")
        self._site.wake_do_not_call()
        return values.Removed(removed=removed)

    async def trail(self, call: Call) -> audit.Audit:
        rows = await self._site.read(lambda work: audit_rows(work, call.query.after, call.query.limit))
        return audit.Audit(rows=[audit.AuditRow(
            sequence=row[0], at=row[1], action=row[2], who=row[3], why=row[4], origin=row[5], phone=row[6], customer_id=row[7],
            entries=row[8]) for row in rows])
