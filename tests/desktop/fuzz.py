"""Mutated messages on the entries of the desktop protocol, in a contact center that goes on meanwhile.

The seeds are the requests of the transcripts. Whatever comes, nothing is logged as a failure, a request for this application is
answered exactly once, a legal one is answered as ever afterwards, and when everything has come home nothing is left.
"""
from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, Callable, Iterator, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.logger import globalLogPublisher

from ocs.app.web.public import RECORD_ACTIONS, PublicUris
from ocs.app.web.rates import Rates
from ocs.app.web.routes import Routes
from ocs.database.backend import backend_for, transaction
from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.interactions import InteractionEntry
from ocs.dialing.agent import AgentEventKind
from ocs.dialing.results import DialingMode
from ocs.dialing.session import SessionState
from ocs.dialing.values import Record
from ocs.errors import OCSError
from ocs.http_server import Asked, Reply
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from protocols.attributes import KVList, KVValue, first
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode
from protocols.desktop.index import REQUESTS
from protocols.desktop.messages import parse_request
from tests.contracts.stores import sql_store
from tests.desktop.transcript import pairs_of, transcripts
from tests.scheduler.bench import CAMPAIGN, DNS, FIELDS, Bench, agent_of, chain

__all__ = ["Center", "ENTRIES", "Interactions", "Mutator", "SEEDS", "finals", "fuzz", "in_database", "is_for_us"]

_WORLD = 2_500          # messages, then another contact center begins
_STIR = 8               # messages, then an agent does something
_PROBE = 100            # messages between two legal requests
_AHEAD = ("ChainedRecord", "LogOutTime")
_STRINGS = ("", " ", "0", "-1", "1.5", "x" * 300, "\x00", "é", "GSW_", "list", CAMPAIGN, "spring@sales", "RecordOnly", "AllChain",
            "Personal", "03/11/2026 10:00", "99/99/9999 99:99", "1/1/1 0:0", "+12125550001", "+1 212", "' OR 1=1 --", "9" * 19,
            "9" * 25, "9" * 5_000, "--5", "\ud800", "²", "\u202e", "RecordTreatPersonal")
_INTEGERS = (0, 1, -1, 53, 54, 2**31, 2**63 - 1, -2**63, 86_400, 86_401)


def _seeds() -> Iterator[KVList]:
    """Every request in the transcripts."""
    for one in transcripts():
        for line in one.lines:
            words = line.split()
            if words[1] == ">" and words[2] != "REQUEST":
                values: list[tuple[str, KVValue]] = [(key, value.strip("'") if value.startswith("'") else _number(value))
                                                     for key, value in pairs_of(line) if "$" not in value]
                yield ((keys.REQUEST, words[2]), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN), *values)


def _number(text: str) -> KVValue:
    return int(text) if len(text) < 20 and text.removeprefix("-").isdecimal() else text


SEEDS: Sequence[KVList] = tuple(dict.fromkeys(_seeds()))
NewStore = Callable[[Sequence[Record]], Any]
_KEYS = sorted(keys.CONTROL_KEYS) + ["Age", "CustomerName", "name", "Private", ""]


class Mutator:
    """Makes messages of the seeds; `handles` are worth trying."""

    def __init__(self, rng: random.Random, seeds: Sequence[KVList] = SEEDS) -> None:
        self._rng, self._seeds = rng, seeds
        self.handles: Callable[[], list[int]] = list

    def value(self) -> KVValue:
        """Any value of a pair."""
        rng = self._rng
        kind = rng.randrange(8)
        if kind < 3:
            return rng.choice(_STRINGS)
        if kind < 5:
            return rng.choice(_INTEGERS)
        if kind == 5:
            return rng.choice(self.handles() or [1])
        if kind == 6:
            return rng.randbytes(rng.randrange(4))
        return ((rng.choice(_KEYS), rng.choice(_STRINGS)),) * rng.randrange(3)

    def message(self) -> KVList:
        """A seed with a handle that is at hand, mutated up to five times; now and then not at all."""
        rng = self._rng
        pairs = list(rng.choice(self._seeds))
        handles = self.handles()
        name = pairs[0][1]
        kind = REQUESTS.get(str(name))
        if handles and kind is not None and keys.RECORD_HANDLE in kind.mandatory:
            pairs = [pair for pair in pairs if pair[0] != keys.RECORD_HANDLE] + [(keys.RECORD_HANDLE, rng.choice(handles))]
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3, 5))):
            self._mutate(pairs)
        return tuple(pairs)

    def _mutate(self, pairs: list[tuple[str, KVValue]]) -> None:
        rng = self._rng
        what, place = rng.randrange(8), rng.randrange(len(pairs)) if pairs else 0
        if what == 0 and pairs:
            del pairs[place]
        elif what == 1:
            pairs.insert(place, (rng.choice(_KEYS), self.value()))
        elif what == 2 and pairs:
            pairs[place] = pairs[place][0], self.value()
        elif what == 3 and pairs:
            pairs.append(pairs[place])
        elif what == 4:
            rng.shuffle(pairs)
        elif what == 5 and pairs:
            pairs[place] = rng.choice(_KEYS), pairs[place][1]
        elif what == 6 and pairs:
            key, value = pairs[place]
            pairs[place] = key, str(value) if isinstance(value, int) else _number(value) if isinstance(value, str) else value
        else:
            others = [(key, value) for key, value in pairs if key != keys.REQUEST]
            pairs[:] = [*others, (keys.REQUEST, rng.choice(list(REQUESTS)))]


class Center:
    """A contact center in preview whose agents go on working."""

    def __init__(self, rng: random.Random, mutator: Mutator, new_store: NewStore | None = None) -> None:
        records = [one for number in range(1, 80, 2) for one in chain(number, number + 1)]
        group: dict[str, Any] = {"mode": DialingMode.PREVIEW, "desktop_chains_limit": 3}
        self.store = None if new_store is None else new_store(records)
        self.rng, self.mutator, self.bench = rng, mutator, Bench(records, store=self.store, **group)
        self.answers: list[KVList] = []
        self.bench.desktops.send = lambda dn, pairs: None           # type: ignore[method-assign]
        self.bench.desktops._distribute = lambda dn, pairs: self.answers.append(pairs)      # type: ignore[method-assign]
        self._calls: dict[str, str] = {}
        mutator.handles = self.handles
        for dn in DNS[:3]:
            self.bench.ready(dn)

    def handles(self) -> list[int]:
        """Of records at hand."""
        return [each.first_handle + place for each in self.bench.session.held if each.agent_dn
                for place in range(len(each.chain.records))]

    def stir(self) -> None:
        """Agents and customers go on."""
        rng, bench = self.rng, self.bench
        dn, what = rng.choice(DNS[:3]), rng.randrange(12)
        if what < 5:
            self.legal(dn, "PreviewRecordRequest")
        elif what < 8:
            mine = [each for each in bench.session.held if each.undialed and each.agent_dn == dn]
            if mine and dn not in self._calls:
                handle = mine[0].handle
                conn_id = bench.switch.agent_calls(dn, mine[0].record.contact_info, ((keys.RECORD_HANDLE, handle),))
                bench.switch.connected(conn_id, dn)
                self._calls[dn] = conn_id
        elif what < 10 and dn in self._calls:
            bench.switch.over(self._calls.pop(dn), dn)
        elif what == 10:
            bench.switch.agent(AgentEventKind.LOGOUT, dn, agent_of(dn))
            bench.ready(dn)
        else:
            bench.pass_(rng.randrange(1, 12), step=6.0)
        if rng.randrange(40) == 0:
            self._operate()
        bench.clock.advance(0)

    def _operate(self) -> None:
        session = self.bench.session
        try:
            if session.state is SessionState.NOT_LOADED:
                self.bench.wait(session.load())
                session.start()
            elif session.state is SessionState.ACTIVE:
                session.start()
            else:
                self.rng.choice([session.stop, session.stop, session.force_unload])()
        except OCSError:
            pass

    def legal(self, dn: str, name: str) -> list[KVList]:
        """A legal request, and its answers; they do not count among those of the fuzz."""
        kept, self.answers = self.answers, []
        self.bench.desktops.user_event(dn, ((keys.REQUEST, name), (keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN),
                                            (keys.REFERENCE_ID, "legal")))
        answers, self.answers = self.answers, kept
        mine = [pairs for pairs in answers if first(pairs, keys.REFERENCE_ID) == "legal"]
        assert len(mine) == 1, (name, answers)
        self.answers += [pairs for pairs in answers if pairs not in mine]       # a LogOut that was waited for
        return mine

    def home(self) -> None:
        """Everybody goes, and nothing is left."""
        bench = self.bench
        for dn in list(self._calls):
            bench.switch.over(self._calls.pop(dn), dn)
        for dn in DNS:
            bench.switch.agent(AgentEventKind.LOGOUT, dn, agent_of(dn))
        if bench.session.state is not SessionState.NOT_LOADED:
            bench.session.force_unload()
        bench.pass_(60, step=5.0)
        bench.unloaded()
        if self.store is not None:
            self.store.stop()
        reception, attendance = bench.desktops.reception, bench.session.attendance
        assert not reception._outstanding and not attendance._waiting and not attendance._leaving and not attendance._previewing


class UserEvents:
    """The entry by user events on agents' DNs."""

    def __init__(self, center: Center) -> None:
        self._center, self.expected = center, 0

    def send(self) -> None:
        center = self._center
        dn, message = center.rng.choice((*DNS, "6001")), center.mutator.message()
        self.expected += is_for_us(message)
        center.bench.desktops.user_event(dn, message)

    def check(self) -> None:
        """Each request had its answer."""
        check_answers(self._center.answers, self.expected)


class _Server:
    """An Interaction Server that takes everything. `told`: what agents were told."""

    up = True

    def __init__(self) -> None:
        self.told: list[KVList] = []

    def submit(self, queue: str, user_data: KVList) -> Deferred[str]:
        return succeed("i1")

    def stop(self, interaction_id: str) -> Deferred[None]:
        return succeed(None)

    def send(self, agent_id: str, user_data: KVList) -> Deferred[None]:
        self.told.append(user_data)
        return succeed(None)


class Interactions:
    """The entry by way of the Interaction Server."""

    def __init__(self, center: Center) -> None:
        self._center, self.expected = center, 0
        self.server = center.bench.context.interactions = _Server()
        self._entry = InteractionEntry(center.bench.engine, center.bench.desktops)

    def send(self) -> None:
        center = self._center
        agent_id, message = center.rng.choice(("1001", "1002", "1003", "9999", "")), center.mutator.message()
        self.expected += is_for_us(message)
        self._entry.interaction_event(agent_id, message)

    def check(self) -> None:
        """Each request had its answer, and none says two things."""
        check_answers(self.server.told, self.expected)
        for pairs in self.server.told:
            failed = str(first(pairs, keys.USER_EVENT)) in ("Error", "PreviewRecordEmpty")
            assert failed == (first(pairs, keys.ERROR) is not None) == (first(pairs, keys.ERROR_NUMBER) is not None), pairs


class HttpRecords:
    """The public URIs of the HTTP port."""

    def __init__(self, center: Center) -> None:
        self._center, self.expected = center, 0
        engine = center.bench.engine
        public = PublicUris(engine, CampaignOperations(engine), center.bench.desktops.reception.operations)
        self._routes = Routes(public, lambda: True, None, Rates(1e9, 10**9), center.bench.clock)

    def send(self) -> None:
        rng, mutator = self._center.rng, self._center.mutator
        pairs = mutator.message()
        body = {key: value for key, value in pairs if not isinstance(value, (bytes, tuple)) or rng.randrange(4) == 0}
        octets = json.dumps(body, default=repr).encode()
        if rng.randrange(5) == 0 and octets:
            place = rng.randrange(len(octets))
            octets = octets[:place] + rng.randbytes(rng.randrange(3)) + octets[place + rng.randrange(3):]
        handle = str(rng.choice(mutator.handles() or [1])) if rng.randrange(5) else str(rng.choice(_STRINGS))
        where = rng.choice(("records", "records", "records", "phones", "customer_ids", "lists", "x"))
        if where != "records":
            handle = rng.choice(_STRINGS)
        query = {"req": str(rng.choice((*RECORD_ACTIONS, *RECORD_ACTIONS, "AddRecord", "LogOut", "", "x")))}
        method = rng.choice(("POST", "POST", "POST", "POST", "GET", "PUT"))
        self.expected += 1
        got: list[Any] = []
        reply = self._routes.respond(Asked(method, (where, handle), query, octets))
        reply.addBoth(got.append) if isinstance(reply, Deferred) else got.append(reply)
        assert len(got) == 1 and isinstance(got[0], Reply), got
        assert 200 <= got[0].status < 500, (octets, got[0])
        json.dumps(got[0].body)

    def check(self) -> None:
        """Each was answered when it was sent."""


ENTRIES: dict[str, Callable[[Center], Any]] = {"user events": UserEvents, "interactions": Interactions, "http": HttpRecords}


def is_for_us(message: KVList) -> bool:
    """Whether this is to be answered."""
    try:
        request = parse_request(message)
    except DesktopError as error:
        return error.echo.application_id in (None, 1)
    return request is not None and request.application_id in (None, 1)


def finals(answers: Sequence[KVList]) -> int:
    """How many requests these end."""
    return sum(first(pairs, keys.USER_EVENT) not in _AHEAD for pairs in answers)


def check_answers(answers: Sequence[KVList], expected: int) -> None:
    """So many requests were ended, none of them for a reason that is ours."""
    assert finals(answers) == expected
    for pairs in answers:
        assert first(pairs, keys.ERROR_NUMBER) not in (DesktopErrorCode.DATABASE_ERROR, DesktopErrorCode.INTERNAL_ERROR), pairs


def in_database(url: str, records: Sequence[Record]) -> Any:
    """A started store on the empty database at `url` that has these records in the list `list`."""
    with transaction(backend_for(url)) as work:
        catalog = Catalog()
        zone = catalog.zone_dbid(work, "America/New_York")
        insert_records(work, create_list(work, catalog, "list", FIELDS), [replace(one, tz_dbid=zone) for one in records])
    return sql_store(url)


def fuzz(entry: str, count: int, seed: int, progress: Callable[[int], None] = lambda done: None,
         new_store: NewStore | None = None) -> int:
    """Send `count` messages to an entry; how many of them were requests that were answered. AssertionError where anything of
    what is promised does not hold. `new_store` makes a started store that has these records in the list `list`; the one in
    memory where it is not given."""
    failures: list[Any] = []

    def logged(event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None:
            failures.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(logged)
    rng, answered = random.Random(seed), 0
    mutator = Mutator(rng)
    try:
        for begin in range(0, count, _WORLD):
            center = Center(rng, mutator, new_store)
            sender = ENTRIES[entry](center)
            for number in range(begin, min(count, begin + _WORLD)):
                if number % _STIR == 0:
                    center.stir()
                sender.send()
                assert not failures, failures[0]
                if number % _PROBE == 0:
                    center.legal(DNS[0], "CampaignStatusRequest")
            center.home()
            sender.check()
            answered += sender.expected
            assert not failures, failures[0]
            progress(min(count, begin + _WORLD))
    finally:
        globalLogPublisher.removeObserver(logged)
    return answered
