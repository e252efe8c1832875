"""The HTTP client that everything outgoing shares: few connections that stay open, and a bound on whatever a peer may do.

Each server (scheme, host, port) gets `connection_pool_size` requests at a time, each on a connection of its own; a bounded
number waits in order; one more is refused at once. One deadline spans waiting, connecting and the whole answer. Redirects
are not followed. A request that may be repeated is sent once more where a kept connection was closed in its face.

Nothing of a URI but scheme, host and port is logged, and no header or body: they hold secrets and people's numbers.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Iterable

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

from ocs.links.http_exchange import Answer, WholeBody, named_error, read_answer, unheard
from ocs.links.http_options import HttpOptions, headers
from ocs.links.https import Endpoints
from protocols.errors import LinkLost, ProtocolError, RemoteProtocolError, RequestTimedOut, TooManyRequests
from protocols.http_messages.bodies import CONTENT_TYPE
from protocols.http_messages.uris import target_of

__all__ = ["Answer", "HttpClient", "HttpCounts", "http_client"]

_REPEATS = 1        # of a request that may be repeated


@dataclass
class HttpCounts:
    """How requests ended since the start."""

    sent: int = 0           # put on a connection, repetitions included
    answered: int = 0
    timed_out: int = 0
    lost: int = 0           # no connection, or it broke
    garbled: int = 0        # no HTTP, or too long
    refused: int = 0        # too many waited
    cancelled: int = 0


@dataclass(eq=False)
class _Job:
    """One request on its way."""

    name: str
    method: bytes
    uri: bytes
    headers: Headers
    body: bytes
    repeats: int
    target: "_Target"
    done: Deferred[Answer] = field(init=False)
    timer: IDelayedCall | None = None
    asked: Deferred[Any] | None = None      # None while it waits


class _Target:
    """A server: what is under way and what waits."""

    def __init__(self) -> None:
        self.under_way: set[_Job] = set()
        self.waiting: deque[_Job] = deque()


class HttpClient:
    """Requests to any number of servers. `clock` measures deadlines; `pool` (where there is one) is closed on stop."""

    def __init__(self, agent: IAgent, clock: IReactorTime, options: HttpOptions, common: Iterable[tuple[str, str]] = (),
                 pool: Any = None) -> None:
        self._agent, self._clock, self._options, self._pool = agent, clock, options, pool
        self._common = tuple(common)
        self._targets: dict[tuple[str, str, int], _Target] = {}
        self._stopped = False
        self.counts = HttpCounts()

    def request(self, method: str, uri: str, body: bytes = b"", extra: Iterable[tuple[str, str]] = (), *, name: str,
                repeatable: bool = False) -> Deferred[Answer]:
        """Send a request; a `body` is JSON. `name` is what it is called in errors. Fires with the Answer, whatever its status.
        Fails with RequestTimedOut (the server may or may not have acted), LinkLost (no connection, a broken one, a
        certificate that is not accepted, or the client is stopped), RemoteProtocolError (no HTTP, or too long an answer)
        or TooManyRequests (nothing was sent). It may be cancelled."""
        if self._stopped:
            return fail(LinkLost("the HTTP client is stopped"))
        target = self._targets.setdefault(target_of(uri), _Target())
        full = len(target.under_way) >= self._options.connection_pool_size
        if full and len(target.waiting) >= self._options.requests_waiting:
            self.counts.refused += 1
            return fail(TooManyRequests(f"{name}: {len(target.waiting)} requests wait for this server already"))
        job = _Job(name, method.encode("ascii"), uri.encode("ascii"), self._headers(body, extra), body,
                   _REPEATS if repeatable else 0, target)
        job.done = Deferred(lambda _: self._cancelled(job))
        job.timer = self._clock.callLater(self._options.response_timeout_s, self._timed_out, job)
        if full:
            target.waiting.append(job)
        else:
            self._send(job)
        return job.done

    @property
    def under_way(self) -> int:
        """Requests on connections, of all servers."""
        return sum(len(target.under_way) for target in self._targets.values())

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection, of all servers."""
        return sum(len(target.waiting) for target in self._targets.values())

    def stop(self) -> Deferred[None]:
        """Fail what is under way and what waits with LinkLost, close the connections; fires when they are closed."""
        self._stopped = True
        for target in self._targets.values():
            for job in (*target.waiting, *target.under_way):
                self._give_up(job)
                job.done.errback(LinkLost("the HTTP client was stopped"))
        closed = self._pool.closeCachedConnections() if self._pool is not None else succeed(None)
        return closed.addCallback(lambda _: None)

    # -- a request's way ------------------------------------------------------------------------------------------
    def _headers(self, body: bytes, extra: Iterable[tuple[str, str]]) -> Headers:
        made = Headers({"Accept": ["application/json"], "User-Agent": ["outbound-contact-server"]})
        if body:
            made.setRawHeaders("Content-Type", [CONTENT_TYPE])
        for name, value in (*self._common, *extra):
            made.setRawHeaders(name, [value])
        return made

    def _send(self, job: _Job) -> None:
        job.target.under_way.add(job)
        self.counts.sent += 1
        producer = WholeBody(job.body) if job.body else None
        job.asked = maybeDeferred(self._agent.request, job.method, job.uri, job.headers, producer)
        job.asked.addCallback(read_answer, self._options.response_limit_kb * 1_024)
        job.asked.addBoth(self._ended, job)

    def _ended(self, result: Answer | Failure, job: _Job) -> None:
        if job not in job.target.under_way:
            return          # given up: it has had its answer
        self._leave(job)
        if isinstance(result, Failure):
            if job.repeats and unheard(result):
                job.repeats -= 1
                self._send(job)
                return
            self._over(job).errback(self._named(result, job))
        else:
            self.counts.answered += 1
            self._over(job).callback(result)
        self._next(job.target)

    def _named(self, failure: Failure, job: _Job) -> ProtocolError | Failure:
        """The error that the caller gets; what is none of ours is a bug and goes through."""
        error = named_error(failure, job.name)
        if isinstance(error, LinkLost):
            self.counts.lost += 1
        elif isinstance(error, RemoteProtocolError):
            self.counts.garbled += 1
        return error or failure

    def _timed_out(self, job: _Job) -> None:
        job.timer = None
        self.counts.timed_out += 1
        self._give_up(job)
        job.done.errback(RequestTimedOut(job.name, self._options.response_timeout_s))
        self._next(job.target)

    def _cancelled(self, job: _Job) -> None:
        self.counts.cancelled += 1
        self._give_up(job)
        self._next(job.target)

    def _give_up(self, job: _Job) -> None:
        """Forget a request, closing its connection; its Deferred is the caller's."""
        self._over(job)
        if job.asked is None:
            job.target.waiting.remove(job)
        else:
            self._leave(job)
            job.asked.cancel()

    def _leave(self, job: _Job) -> None:
        job.target.under_way.discard(job)

    @staticmethod
    def _over(job: _Job) -> Deferred[Answer]:
        if job.timer is not None:
            job.timer.cancel()
            job.timer = None
        return job.done

    def _next(self, target: _Target) -> None:
        while (target.waiting and not self._stopped
               and len(target.under_way) < self._options.connection_pool_size):
            self._send(target.waiting.popleft())


def http_client(reactor: Any, options: HttpOptions) -> HttpClient:
    """A client on real sockets; ConfigurationError where a certificate, key or header cannot be used."""
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = options.connection_pool_size
    pool.cachedConnectionTimeout = options.idle_s       # type: ignore[assignment]
    pool.retryAutomatically = False         # the client repeats, and what may be repeated it is told
    agent = Agent.usingEndpointFactory(reactor, Endpoints(reactor, options), pool)
    return HttpClient(agent, reactor, options, headers(options.header, "http.header"), pool)
