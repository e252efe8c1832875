"""Calling lists and their records in the API: what they hold, search, addition, cancellation, the attempts on a record."""
from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ocs.app.web.api.routing import ApiError, Call, Route
from ocs.app.web.api.site import Site, api_error, exact
from ocs.app.web.api.values import records as values
from ocs.app.web.api.values.words import LimitQuery, word
from ocs.database.statements import Transaction
from ocs.dialing import campaign
from ocs.dialing import values as domain
from ocs.dialing.custom_fields import WrongValue, changes_from, fields_by_key, open_values
from ocs.dialing.peering import CancelTarget
from ocs.dialing.results import CallResult, ContactInfoType, RecordStatus, RecordType
from ocs.errors import OCSError
from ocs.http_server import Reply
from ocs.scheduler.cancelling import cancel
from ocs.store.adding import add_record
from ocs.store.api_additions import once
from ocs.store.api_tokens import Role
from ocs.store.attempts import attempts_on
from ocs.store.searching import Search, Sought, search_records
from protocols.desktop.names import PHONE_TYPES

__all__ = ["routes"]

_STATUSES, _TYPES = {word(one): one for one in RecordStatus}, {word(one): one for one in RecordType}
_PHONE_TYPES = {name: number for number, name in PHONE_TYPES.items()}


def routes(site: Site) -> list[Route]:
    """Of lists and records."""
    lists = _Lists(site)
    one, supervisor = "/lists/{calling_list}", Role.SUPERVISOR
    return [
        Route("GET", "/lists", "All calling lists, with their records counted by status.", supervisor, lists.all,
              values.CallingLists, errors=(503,)),
        Route("GET", one, "A calling list.", supervisor, lists.one, values.CallingList, errors=(404, 503)),
        Route("GET", f"{one}/results", "Its records, counted by status and call result.", supervisor, lists.results,
              values.Results, errors=(404, 409, 503)),
        Route("GET", f"{one}/records", "Its records that meet all of what is asked; in order of their chains.", supervisor,
              lists.search, values.Records, query=values.RecordQuery, errors=(404, 409, 503)),
        Route("POST", f"{one}/records", "Add a record. With an Idempotency-Key a repetition adds nothing, and is answered with"
              " 200 as the first time.", supervisor, lists.add, values.Record, body=values.NewRecord, status=201,
              errors=(404, 409, 503), adds=True),
        Route("GET", f"{one}/records/{{record_id}}", "One record.", supervisor, lists.record, values.Record,
              errors=(404, 409, 503)),
        Route("GET", f"{one}/records/{{record_id}}/attempts", "Every try to reach it, the oldest first.", supervisor,
              lists.attempts, values.Attempts, query=LimitQuery, errors=(404, 503)),
        Route("POST", "/cancellations", "Cancel records wherever they are, by phone or customer id.", supervisor, lists.cancel,
              values.Cancelled, body=values.Cancellation, errors=(404, 503)),
    ]


class _Lists:
    """The handlers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    # -- lists ----------------------------------------------------------------------------------------------------
    async def all(self, call: Call) -> values.CallingLists:
        return values.CallingLists(lists=[await self._told(one) for one in self._site.calling_lists()])

    async def one(self, call: Call) -> values.CallingList:
        return await self._told(self._site.calling_list(call.path["calling_list"]))

    async def _told(self, one: campaign.CallingList) -> values.CallingList:
        def look(work: Transaction) -> tuple[dict[int, int], tuple[domain.CustomField, ...]] | None:
            if one.reads not in self._site.catalog.calling_lists(work):
                return None
            table = self._site.catalog.calling_list(work, one.reads)
            return {int(status): int(count) for status, count in work.rows(table.status_counts)}, table.fields
        found = await self._site.read(look)
        counts, fields = found or ({}, ())
        return values.CallingList(
            name=one.name, dbid=one.dbid, table=one.reads, in_database=found is not None, records=sum(counts.values()),
            campaign_groups=[each.group.name for each in self._site.engine.sessions.values()
                             if any(other.name == one.name for other in each.group.lists)],
            statuses={_status(status): count for status, count in counts.items()},
            fields=[values.ListField(name=field.name, type=field.type, length=field.length, nullable=field.nullable,
                                     secure=field.secure, send_attribute=field.send_attribute) for field in fields])

    async def results(self, call: Call) -> values.Results:
        one = self._site.calling_list(call.path["calling_list"])
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for status, result, count in await self._site.read(
                lambda work: work.rows(self._site.catalog.calling_list(work, one.reads).result_counts)):
            found[_status(int(status))][_result(28 if result is None else int(result))] = int(count)
        return values.Results(calling_list=one.name, results=dict(found))

    # -- records --------------------------------------------------------------------------------------------------
    async def search(self, call: Call) -> values.Records:
        one, query = self._site.calling_list(call.path["calling_list"]), call.query
        if (query.field is None) is not (query.value is None):
            raise ApiError(400, "field, value: both or none", "field" if query.field is None else "value")
        search = Search(query.phone, query.record_id, query.chain_id, None if query.status is None else _STATUSES[query.status],
                        query.field, query.value, limit=query.limit)
        if query.after is not None:
            chain, _, number = query.after.partition("/")
            search = Search(**{**search.__dict__, "after": (int(chain), int(number))})
        found, custom = await self._find(one, search)
        last = found.records[-1] if found.records else None
        return values.Records(records=[_told(one.name, each, custom) for each in found.records],
                              next=f"{last.chain_id}/{last.chain_n}" if last is not None and found.more else None)

    async def _find(self, one: campaign.CallingList, search: Search) -> tuple[Sought, Any]:
        found: tuple[Sought, Any] = await self._site.read(lambda work: (
            search_records(work, self._site.catalog, one.reads, search), self._site.catalog.calling_list(work, one.reads).fields))
        return found

    async def record(self, call: Call) -> values.Record:
        one, record_id = self._site.calling_list(call.path["calling_list"]), call.number("record_id")
        found, custom = await self._find(one, Search(record_id=record_id))
        if not found.records:
            raise ApiError(404, f"record_id: there is no record {record_id} in the list", "record_id")
        return _told(one.name, found.records[0], custom)

    async def attempts(self, call: Call) -> values.Attempts:
        one, record_id = self._site.calling_list(call.path["calling_list"]), call.number("record_id")
        found = await self._site.read(lambda work: attempts_on(work, one.reads, record_id, call.query.limit))
        return values.Attempts(attempts=[
            values.Attempt(guid=each.guid, number=each.number, phone=each.phone, campaign=each.campaign, group=each.group,
                           opened_at=each.opened_at, dialed_at=each.dialed_at, answered_at=each.answered_at,
                           ended_at=each.ended_at, state=each.state.value,
                           call_result=None if each.call_result is None else int(each.call_result), agent_id=each.agent_id)
            for each in found])

    async def add(self, call: Call) -> Reply:
        one, asked = self._site.calling_list(call.path["calling_list"]), call.body

        custom = await self._site.read(lambda work: self._site.catalog.calling_list(work, one.reads).fields)
        new = _new(one, asked, custom)

        def work(work: Transaction) -> tuple[bool, Any]:
            def put() -> str:
                added = add_record(work, self._site.catalog, new)
                return json.dumps(added.record_id)
            answer, again = once(work, call.addition, put)
            record_id = int(json.loads(answer))
            (record,) = search_records(work, self._site.catalog, one.reads, Search(record_id=record_id)).records or (None,)
            return again, None if record is None else _told(one.name, record, custom)

        again, told = await self._site.change(work)
        if told is None:
            raise ApiError(409, "Idempotency-Key: the record of the first time is there no more", "Idempotency-Key")
        for session in self._site.engine.loaded():
            if any(each.name == one.name for each in session.group.lists):
                session.wake()
        where = f"/api/v1/lists/{quote(one.name, safe='')}/records/{told.record_id}"
        return Reply(200 if again else 201, told, (("Location", where),))

    async def cancel(self, call: Call) -> values.Cancelled:
        asked: values.Cancellation = call.body
        if (asked.phone is None) is (asked.customer_id is None):
            raise ApiError(400, "phone, customer_id: one of them", "phone")
        groups = [one.group for one in self._site.engine.sessions.values()
                  if asked.campaign in (None, one.group.campaign, one.group.name)]
        if not groups:
            raise ApiError(404, "campaign: there is none of this name", "campaign")
        named = {each.name for group in groups for each in group.lists}
        if asked.calling_list is not None and asked.calling_list not in named:
            raise ApiError(404, "calling_list: there is none of this name in the campaign", "calling_list")
        phone = "" if asked.phone is None else exact(asked.phone)
        target = CancelTarget(None, phone, asked.customer_id or "", asked.campaign or "", asked.calling_list or "", "",
                              asked.whole_chain)
        try:
            return values.Cancelled(records=await cancel(self._site.engine, target, everywhere=True))
        except OCSError as error:
            raise api_error(error) from None


def _new(one: campaign.CallingList, asked: values.NewRecord, custom: Any) -> domain.NewRecord:
    known = fields_by_key(custom)
    unknown = next((name for name in asked.fields if name not in known), None)
    if unknown is not None:
        raise ApiError(400, f"fields.{unknown[:64]}: the list has no such field", f"fields.{unknown[:64]}")
    try:
        fields = changes_from(custom, asked.fields)
    except WrongValue as error:
        raise ApiError(400, f"fields.{error}", "fields") from None
    try:
        due = None if asked.dial_at is None else datetime.fromisoformat(asked.dial_at)
        if due is not None and not 1970 <= due.year < 2200:
            raise ValueError("not within 1970..2199")
    except ValueError as error:
        raise ApiError(400, f"dial_at: {error}", "dial_at") from None
    return domain.NewRecord(
        one.reads, asked.phone, asked.chain_id,
        ContactInfoType.HOME_PHONE if asked.phone_type is None else ContactInfoType(_PHONE_TYPES[asked.phone_type]),
        asked.time_zone or None,
        RecordType.GENERAL if asked.record_type is None else _TYPES[asked.record_type], due=due,
        daily_from=asked.daily_from, daily_till=asked.daily_till, agent_id=asked.agent_id, fields=fields,
        phone_region=one.phone_region)


def _status(number: int) -> str:
    return word(RecordStatus(number)) if number in list(RecordStatus) else str(number)


def _result(number: int) -> str:
    return CallResult(number).label if number in list(CallResult) else str(number)


def _told(name: str, record: domain.Record, custom: Any) -> values.Record:
    return values.Record(
        calling_list=name, record_id=record.record_id, chain_id=record.chain_id, chain_n=record.chain_n,
        phone=record.contact_info,
        phone_type=PHONE_TYPES.get(int(record.contact_info_type), ""), record_type=word(record.record_type),
        record_status=word(record.record_status), call_result=int(record.call_result),
        call_result_name=_result(record.call_result),
        attempts=record.attempt, due=record.dial_sched_time, call_time=record.call_time, daily_from=record.daily_from,
        daily_till=record.daily_till, time_zone=record.tz_name, agent_id=record.agent_id,
        fields=open_values(custom, record.fields))
