"""Mutated requests on the entries of third parties: the Communication DN, the public URIs, the management API, HTTP itself.

Whatever comes, nothing is logged as a failure, a request of a known application is answered exactly once (of an order that takes
time, when it is done), a legal one is answered as ever afterwards, and when the campaign is unloaded nothing is left. Agents come
and go meanwhile, calls are answered and end.
"""
from __future__ import annotations

import json
import random
from typing import Any, Callable, Sequence

import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from ocs.app.web.api.routing import Route
from ocs.app.web.api.service import api_routes
from ocs.app.web.public import CAMPAIGN_ACTIONS, LIST_ACTIONS, RECORD_ACTIONS, TARGET_ACTIONS
from ocs.desktop.third_party import ACTIONS, OPTIONAL
from ocs.dialing.session import SessionState
from ocs.http_server import Asked, HttpListenOptions, http_factory
from ocs.scheduler.context import EngineOptions
from ocs.store.api_tokens import Role
from protocols.attributes import KVList, KVValue, first
from protocols.communication import keys
from protocols.communication.index import REQUESTS, MessageType
from protocols.communication.messages import CampaignError, parse_request
from protocols.desktop import keys as desktop_keys
from protocols.desktop.errors import DesktopError
from protocols.desktop.messages import is_request
from protocols.desktop.messages import parse_request as parse_desktop
from tests.desktop.fuzz import SEEDS, Mutator
from tests.desktop.third_party import CRM, DN
from tests.desktop.third_party import Rig as CommunicationRig
from tests.scheduler.bench import DNS, Bench

__all__ = ["DESKTOP_SEEDS", "Third", "Watch", "Work", "ask_api", "broken", "connect", "fuzz_api", "fuzz_communication",
           "fuzz_octets", "fuzz_public"]

Progress = Callable[[int], None]

_WORLD = 2_000          # messages, then another contact center begins
_PROBE = 100            # messages between two legal requests
_STRINGS = ("", " ", "0", "1", "-1", "--5", "1.5", "x" * 300, "\x00", "é", "list", "spring", "spring@sales", "AllChain",
            "predictive", "busy-factor", "+12125550001", "+1 212", "' OR 1=1 --", "9" * 25, "9" * 5_000, "²", "\u202e", "\ud800",
            "08/22/2030 14:30", "2030-01-02T10:00", "2030-13-32T25:61", "0000-01-01T00:00", "+12125550001\n",
            "1/0\n", "1/0", "ready", "name", "age")
_INTEGERS = (0, 1, 2, 3, 5, 8, 11, -1, 99, 100, 2 ** 31, 2 ** 63 - 1, -2 ** 63, 2 ** 64)
_SOME = ("RECORD_HANDLE", "PHONE", "CUSTOMER_ID", "CALLING_LIST", "CHAIN_ATTR", "CAMPAIGN_NAME")


class Watch:
    """Fails on what is logged as a failure."""

    def __init__(self) -> None:
        self._failures: list[str] = []

    def __enter__(self) -> Watch:
        globalLogPublisher.addObserver(self)
        return self

    def __exit__(self, *error: Any) -> None:
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None:
            self._failures.append(event["log_failure"].getTraceback())

    def check(self, *what: Any) -> None:
        """Nothing so far; `what` has just happened."""
        assert not self._failures, (self._failures[0], what)


class Work:
    """Agents and customers on a bench."""

    def __init__(self, rng: random.Random, bench: Bench) -> None:
        self._rng, self._bench, self._talks = rng, bench, dict[str, str]()

    def stir(self) -> None:
        """Somebody does something."""
        rng, switch = self._rng, self._bench.switch
        dn, what = rng.choice(DNS[:3]), rng.randrange(8)
        if what < 2:
            self._bench.ready(dn)
        elif what == 2:
            self._bench.logout(dn)
        elif what == 3:
            self._bench.pass_(rng.choice((1.0, 30.0, 400.0)), step=10.0)
        elif switch.calls:
            conn_id = rng.choice(sorted(switch.calls))
            if conn_id not in self._talks and what < 6:
                switch.connected(conn_id, dn)
                self._talks[conn_id] = dn
            else:
                switch.over(conn_id, self._talks.get(conn_id, ""))

    def home(self) -> None:
        """Everybody goes, the campaign is unloaded, and nothing is left."""
        bench = self._bench
        for conn_id in list(bench.switch.calls):
            bench.switch.over(conn_id, self._talks.get(conn_id, ""))
        for dn in DNS:
            bench.logout(dn)
        if bench.session.state is not SessionState.NOT_LOADED:
            bench.session.force_unload()
        bench.pass_(60, step=5.0)
        assert bench.session.state is SessionState.NOT_LOADED


def _value(rng: random.Random) -> KVValue:
    kind = rng.randrange(6)
    if kind < 3:
        return rng.choice(_STRINGS)
    if kind < 5:
        return rng.choice(_INTEGERS)
    return rng.randbytes(rng.randrange(4)) if rng.random() < 0.5 else ((rng.choice(_STRINGS), rng.choice(_STRINGS)),)


# -- the Communication DN ---------------------------------------------------------------------------------------------
DESKTOP_SEEDS = tuple(seed for seed in SEEDS if seed[0][1] in ACTIONS)


def _message(rng: random.Random, reference: int) -> KVList:
    """An order of this protocol."""
    kind = rng.choice(list(REQUESTS))
    pairs: list[tuple[str, KVValue]] = [(keys.MESSAGE_TYPE, int(kind)), (keys.REFERENCE_ID, reference), (keys.SENDER_ID, CRM)]
    if REQUESTS[kind].names_group:
        pairs.append((keys.SESSION_ID, 1))
    if kind in (MessageType.START_DIALING, MessageType.SET_DIALING_MODE):
        pairs.append((keys.DIAL_MODE, rng.choice((1, 2, 3))))
    if REQUESTS[kind].one_of:
        pairs.append((keys.PHONE, f"+1212555{rng.randrange(30):04d}"))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        place, what = rng.randrange(len(pairs)), rng.randrange(4)
        if what == 0:
            pairs.insert(place, (rng.choice(sorted(keys.CONTROL_KEYS)), _value(rng)))
        elif what == 1:
            pairs[place] = pairs[place][0], _value(rng)
        elif what == 2 and len(pairs) > 1:
            del pairs[place]
        else:
            rng.shuffle(pairs)
    return tuple(pairs)


def _is_answered(user_data: KVList, sender: str) -> bool:
    """Whether this is a request for this server of an application that may ask (`crm` and `other`)."""
    claimed = first(user_data, keys.SENDER_ID)
    known = {"crm": CRM, "other": 301}
    number = int(claimed) if isinstance(claimed, str) and claimed.isdecimal() and len(claimed) < 20 else claimed
    number = number if isinstance(number, int) else None
    if number not in known.values() if not sender else sender not in known or number not in (None, known[sender]):
        return False
    if first(user_data, keys.APPLICATION_ID) not in (None, "", 1, "1"):
        return False
    try:
        return (parse_desktop(user_data, OPTIONAL) if is_request(user_data) else parse_request(user_data)) is not None
    except (CampaignError, DesktopError):
        return True


class Third:
    """The Communication DN, and what is said there. `expected` and `answered` count."""

    def __init__(self, rng: random.Random, mutator: Mutator, **bench: Any) -> None:
        self.rig = CommunicationRig(options=EngineOptions(customer_id_field="age"), **bench)
        self._rng, self._mutator = rng, mutator
        self._unasked = self.expected = self.answered = 0
        self._tell = self.rig.entry._tell
        self.rig.entry._tell = self._telling        # type: ignore[method-assign]
        self.work = Work(rng, self.rig.bench)
        mutator.handles = lambda: [each.first_handle for each in self.rig.session.held]

    def _telling(self, *about: Any) -> None:
        """In the way of news."""
        before = len(self.rig.bench.switch.asked)
        self._tell(*about)
        self._unasked += len(self.rig.bench.switch.asked) - before

    def send(self, reference: int) -> None:
        """A message, from somebody."""
        rng, sender = self._rng, self._rng.choice(("crm", "crm", "crm", "", "evil"))
        if rng.random() < 0.7:
            message = _message(rng, reference)
        else:
            message = (*self._mutator.message(), (desktop_keys.REFERENCE_ID, reference), (keys.SENDER_ID, CRM))
        self.expected += _is_answered(message, sender)
        self.rig.bench.switch.user_event(DN, message, sender)

    def count(self) -> None:
        """What was said since the last look."""
        self.answered += len(self.rig.said()) - self._unasked
        self._unasked = self.rig.seen = 0
        self.rig.bench.switch.asked.clear()


def fuzz_communication(count: int, seed: int, progress: Progress = lambda done: None) -> int:
    """So many messages; how many were answered."""
    rng, answered = random.Random(seed), 0
    mutator = Mutator(rng, DESKTOP_SEEDS)
    with Watch() as watch:
        for start in range(0, count, _WORLD):
            third = Third(rng, mutator)
            for number in range(start, min(count, start + _WORLD)):
                third.send(number % 1_000_000 + 1)
                if rng.random() < 0.2:
                    third.rig.bench.pass_(0.1, step=0.1)
                if rng.random() < 0.1:
                    third.work.stir()
                third.count()
                watch.check()
                if number % _PROBE == 0:
                    third.rig.bench.pass_(1)
                    third.count()
                    assert third.rig.ask(MessageType.GET_CAMPAIGN_STATUS)[keys.MESSAGE_TYPE] == MessageType.CAMPAIGN_STATUS
                    third.rig.bench.switch.asked.clear()
                    third.rig.seen = 0
            third.work.home()
            third.count()
            assert third.rig.entry._under_way == 0 and not third.rig.entry._expected
            assert third.answered == third.expected
            third.rig.bench.unloaded()
            answered += third.answered
            progress(min(count, start + _WORLD))
    return answered


# -- the public URIs --------------------------------------------------------------------------------------------------
def fuzz_public(count: int, seed: int, progress: Progress = lambda done: None) -> int:
    """So many requests; how many were carried out."""
    from tests.app.test_web import Idle
    rng, done = random.Random(seed), 0
    resources = {"records": RECORD_ACTIONS, "phones": TARGET_ACTIONS, "customer_ids": TARGET_ACTIONS, "lists": LIST_ACTIONS,
                 "campaigngroups": tuple(CAMPAIGN_ACTIONS)}
    names = ("1", "2", "+12125550002", "Person 3", "list", "spring", "x" * 300, "²", "\x00", "9" * 25, "9" * 5_000, "-1", "--5")
    some = [getattr(keys, name) for name in _SOME] + [
        "GSW_AUTO_COMPLETION", "GSW_DIAL_MODE", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL", "GSW_TENANT_DBID", "GSW_TZ_NAME",
        "GSW_DATE_TIME", "GSW_ATTEMPTS", "Age", "name"]
    with Watch() as watch:
        for start in range(0, count, _WORLD):
            site = Idle()
            work = Work(rng, site.bench)
            for number in range(start, min(count, start + _WORLD)):
                resource = rng.choice(list(resources))
                body: Any = {rng.choice(some): rng.choice((*_STRINGS, *_INTEGERS)) for _ in range(rng.randrange(4))}
                if resource == "lists" and rng.random() < 0.7:
                    body["GSW_PHONE"] = f"+1212556{rng.randrange(9_999):04d}"
                octets = json.dumps(body).encode()
                if rng.random() < 0.1:
                    octets = octets[:rng.randrange(len(octets) + 1)] + rng.randbytes(3)
                handles = [str(each.first_handle) for each in site.bench.session.held] or ["1"]
                own = {"lists": "list", "phones": f"+1212555{rng.randrange(9):04d}", "campaigngroups": "1",
                       "customer_ids": f"Person {rng.randrange(9)}"}.get(resource) or rng.choice(handles)
                action = rng.choice(resources[resource] if rng.random() < 0.9 else (*RECORD_ACTIONS, *LIST_ACTIONS, *_STRINGS))
                reply = site.ask(rng.choice(("POST",) * 9 + ("GET",)), resource, own if rng.random() < 0.8 else rng.choice(names),
                                 req=action, body=octets)
                watch.check(resource, action, octets)
                assert reply.status in (200, 400, 404, 405, 409) and isinstance(reply.body, dict), reply
                msgspec.json.encode(reply.body)
                done += reply.status == 200
                if rng.random() < 0.05:
                    work.stir()
                    site.bench.switch.asked.clear()
                if number % _PROBE == 0:
                    assert site.ask("GET", "campaigngroups", "1").status == 200
                    site.bench.pass_(1)
            work.home()
            site.bench.unloaded()
            watch.check()
            progress(min(count, start + _WORLD))
    return done


# -- the management API -----------------------------------------------------------------------------------------------
_API_WORLD = 5_000


def fuzz_api(count: int, seed: int, new_database: Callable[[], str], progress: Progress = lambda done: None) -> int:
    """So many requests; how many were carried out. `new_database()` gives the URL of an empty one, each time."""
    rng = random.Random(seed)
    done = 0
    with Watch() as watch:
        for start in range(0, count, _API_WORLD):
            done += _fuzz_api(range(start, min(count, start + _API_WORLD)), rng, new_database(), watch)
            progress(min(count, start + _API_WORLD))
    return done


def _fuzz_api(numbers: range, rng: random.Random, url: str, watch: Watch) -> int:
    from tests.app.api_rig import Rig
    rig, done = Rig(url), 0
    work, routes = Work(rng, rig.bench), api_routes(rig.site)
    for number in numbers:
        done += ask_api(rig, rng, routes, number, watch)
        if rng.random() < 0.02:
            work.stir()
        if number % _PROBE == 0:
            assert rig.reply("GET", "campaign-groups").status == 200
            rig.bench.pass_(1)
    work.home()
    assert not rig.bench.session.held and len(rig.bench.context.handles) == 0
    rig.close()
    watch.check()
    return done


def ask_api(rig: Any, rng: random.Random, routes: Sequence[Route], number: int, watch: Watch) -> bool:
    """One request; whether it was carried out."""
    route = rng.choice(routes)
    path = route.path.format(campaign_group=rng.choice(("spring", "1", "x", "²", "9" * 5_000)),
                             calling_list=rng.choice(("list", "list", "x")),
                             record_id=rng.choice(("1", "2", "99", "x", "9" * 25)), agent_id=rng.choice(("1001", "x")),
                             id=rng.choice(("1", "x")))
    body: Any = None
    if route.body is not None:
        properties = list(rig.api.document["components"]["schemas"][route.body.__name__]["properties"])
        body = {rng.choice(properties): rng.choice((*_STRINGS, *_INTEGERS, None, True, {}, [], {"name": "x"}, {"age": "²"}))
                for _ in range(rng.randrange(4))}
        if "phone" in properties and rng.random() < 0.7:
            body["phone"] = f"+1212557{rng.randrange(9_999):04d}"
        if rng.random() < 0.1:
            octets = json.dumps(body).encode()
            body = octets[:rng.randrange(len(octets) + 1)] + rng.randbytes(2)
    if route.octets:
        body = rng.choice((b"phone,name\n+12125550090,X\n", b"phone\n12\n", b"", rng.randbytes(40)))
    query = {name: rng.choice((*_STRINGS, *map(str, _INTEGERS))).replace("\ud800", "")      # octets of a URI are UTF-8
             for name in ("limit", "phone", "after", "status", "field", "value")
             if route.query is not None and rng.random() < 0.2}
    reply = rig.reply(rng.choice((route.method,) * 9 + ("PUT",)), path, body, role=rng.choice((*Role, *Role, None)),
                      key=rng.choice(("", "", "k1", "a b", f"k{number}")), **query)
    watch.check(route.method, path, body, query)
    assert reply.status in (200, 201, 202, 400, 401, 403, 404, 405, 409, 429), reply
    msgspec.json.encode(reply.body)
    return bool(reply.status < 300)


# -- HTTP itself ------------------------------------------------------------------------------------------------------
_SEEDS = (
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/v1/do-not-call HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /records/1?req=DoNotCall HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n--b\r\n\r\nx\r\n",
    b"POST /phones/%2B12125550001?req=DoNotCall HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /lists/list?req=AddRecord HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n{\"GSW_PHONE\":\"+12125567777\"}",
    b"POST /campaigngroups/1?req=LoadCampaign HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"GET /campaigngroups/1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a%20b/%ff?x=%41&y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n",
)
_PIECES = (b"\r\n", b"\n", b"\x00", b" ", b":", b"%", b"HTTP/1.1", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked",
           b"ffffffffffffffff\r\n", b"-1", b"Host: y\r\n", b"9" * 5_000,
           b"A" * 20_000)


def fuzz_octets(count: int, seed: int, progress: Progress = lambda done: None) -> int:
    """So many connections, each with a few octets that may be HTTP, on the port of a whole site; how many requests came
    through. Some are answered late, when the client may have gone."""
    from tests.app.test_web import Idle
    rng, heard = random.Random(seed), 0
    with Watch() as watch:
        for start in range(0, count, _WORLD):
            site = Idle()
            clock = site.bench.clock

            def respond(asked: Asked) -> Any:
                nonlocal heard
                heard += 1
                assert all(isinstance(part, str) for part in asked.path) and len(asked.body) <= 1_024
                reply = site.routes.respond(asked)
                if rng.random() < 0.8:
                    return reply
                late: Deferred[Any] = Deferred()
                clock.callLater(1.0, late.callback, reply)
                return late

            factory = http_factory(clock, HttpListenOptions(body_limit_kb=1, idle_s=20), respond, ("healthz",))
            for number in range(start, min(count, start + _WORLD)):
                octets = b"".join(broken(rng) for _ in range(rng.choice((1, 1, 1, 2))))
                connect(factory, clock, octets, rng)
                watch.check(octets)
                if number % _PROBE == 0:
                    assert b"200 OK" in connect(factory, clock, _SEEDS[0], rng, (2.0,))
            Work(rng, site.bench).home()
            assert clock.getDelayedCalls() == [] and not factory.protocols
            watch.check()
            progress(min(count, start + _WORLD))
    return heard


def broken(rng: random.Random) -> bytes:
    """A request, with something wrong or not."""
    octets = bytearray(rng.choice(_SEEDS))
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        place = rng.randrange(len(octets) + 1)
        if rng.random() < 0.5:
            octets[place:place] = rng.choice(_PIECES)
        elif rng.random() < 0.5:
            octets[place:place + 1] = rng.randbytes(1)
        else:
            del octets[place:place + rng.randrange(1, 9)]
    return bytes(octets)


_PATIENCE = ((0.0,), (0.5,), (2.0,), (2.0, 30.0))       # seconds, one after the other, until the client goes


def connect(factory: Any, clock: Any, octets: bytes, rng: random.Random, patience: tuple[float, ...] = ()) -> bytes:
    """A connection on which these octets come, in up to four parts; what is said on it until it is closed or lost."""
    peer = IPv4Address("TCP", "127.0.0.1", 1)
    protocol = factory.buildProtocol(peer)
    transport = StringTransport(peerAddress=peer)
    transport.abortConnection = transport.loseConnection       # type: ignore[method-assign]
    protocol.makeConnection(transport)
    places = sorted(rng.randrange(len(octets) + 1) for _ in range(rng.choice((0, 1, 3))))
    for begin, end in zip((0, *places), (*places, len(octets))):
        if not transport.disconnecting and begin < end:
            protocol.dataReceived(octets[begin:end])
    for seconds in patience or rng.choice(_PATIENCE):
        if not transport.disconnecting:
            clock.advance(seconds)
    protocol.connectionLost(Failure(ConnectionDone()))
    clock.advance(2.0)
    return transport.value()
