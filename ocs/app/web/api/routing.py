"""Requests to the API: from a path to who carries it out. Table-driven: the routes are also what the OpenAPI document is made of.

In this order: who asks (401), how often (429), whether the role may (403), which resource (404), which method (405), what is said
(400), and only then the handler. Everything below /api/v1 is answered 401 before anything else is said about it.
"""
from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocs.app.web.api.values.words import Problem
from ocs.app.web.rates import Rates
from ocs.app.web.tokens import Tokens
from ocs.clock import IClock
from ocs.http_server import Asked, Reply
from ocs.store.api_additions import Addition
from ocs.store.api_tokens import ApiToken, Role

__all__ = ["ApiError", "Call", "PREFIX", "Route", "Router"]

PREFIX = ("api", "v1")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WHERE = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"(?:unknown|missing required) field `(.*)`$")


class ApiError(Exception):
    """A request that is refused: status, words, and the field that they are about."""

    def __init__(self, status: int, error: str, field: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.field = status, error, field

    @property
    def reply(self) -> Reply:
        """As it is told."""
        return Reply(self.status, Problem(self.error, self.field or None))


@dataclass(frozen=True)
class Call:
    """A request that has passed every check: `path` holds its parameters, `query` and `body` are the route's types."""

    client: ApiToken
    path: Mapping[str, str]
    query: Any
    body: Any
    addition: Addition | None = None
    octets: bytes = b""
    file: Any = None            # with what was sent, where that is too long to be held in memory

    def number(self, name: str) -> int:
        """A parameter of the path that is a number; ApiError 404 for what is none: there is no such thing then."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ApiError(404, f"{name}: there is none of this number", name)
        return int(text)


@dataclass(frozen=True)
class Route:
    """One method of one resource. `handler(call)` gives what `answer` says, or a Deferred of it, or raises ApiError. `octets`:
    the media type of a body that is not JSON. `adds`: an Idempotency-Key makes it happen once."""

    method: str
    path: str
    summary: str
    role: Role
    handler: Callable[[Call], Any]
    answer: Any
    query: Any = None
    body: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()
    adds: bool = False
    octets: str = ""
    body_optional: bool = False
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(part for part in self.path.split("/") if part))

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The parameters of a path that is this one's; None of another."""
        if len(path) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for part, given in zip(self.parts, path):
            if part.startswith("{"):
                found[part[1:-1]] = given
            elif part != given:
                return None
        return found


class Router:
    """Answers what is asked below /api/v1. `clock` keeps real time."""

    log = Logger()

    def __init__(self, routes: Sequence[Route], tokens: Tokens, rates: Rates, clock: IClock) -> None:
        self.routes, self._tokens, self._rates, self._clock = tuple(routes), tokens, rates, clock

    def respond(self, asked: Asked) -> Deferred[Reply]:
        """Fires with the Reply."""
        return Deferred.fromCoroutine(self._respond(asked))

    async def _respond(self, asked: Asked) -> Reply:
        try:
            return await self._answer(asked)
        except ApiError as error:
            reply = error.reply
        if reply.status == 401:
            return Reply(401, reply.body, (("WWW-Authenticate", "Bearer"),))
        return reply

    async def _answer(self, asked: Asked) -> Reply:
        known = self._tokens.find(asked.token)
        wait_s = self._rates.wait_s(known.name if known is not None else f"peer {asked.peer}", self._clock.seconds())
        if wait_s:
            return Reply(429, Problem("too many requests"), (("Retry-After", str(int(wait_s) + 1)),))
        client = known or await self._tokens.look_up(asked.token)
        if client is None and not self._tokens.known and asked.token:
            raise ApiError(503, "the database is away, tokens are not known yet")
        if client is None:
            raise ApiError(401, "a token is needed (Authorization: Bearer)")
        path = asked.path[len(PREFIX):]
        there = [(route, found) for route in self.routes if (found := route.match(path)) is not None]
        if not there:
            raise ApiError(404, "there is no such resource")
        chosen = next(((route, found) for route, found in there if route.method == asked.method), None)
        if chosen is None:
            allowed = ", ".join(sorted({route.method for route, _ in there}))
            return Reply(405, Problem(f"{asked.method} is not possible here"), (("Allow", allowed),))
        route, found = chosen
        if client.role < route.role:
            raise ApiError(403, f"the role {route.role.word} is needed")
        call = self._call(route, found, asked, client)
        answer = route.handler(call)
        if isinstance(answer, Deferred) or hasattr(answer, "__await__"):
            answer = await answer
        return answer if isinstance(answer, Reply) else Reply(route.status, answer)

    def _call(self, route: Route, found: dict[str, str], asked: Asked, client: ApiToken) -> Call:
        for name, text in {**found, **asked.query}.items():
            if "\x00" in text:
                raise ApiError(400, f"{name[:64]}: has a NUL character", name[:64])
        query = self._query(route, asked)
        body = None if route.body is None else self._body(route, asked.body)
        addition = None
        key = asked.headers.get("idempotency-key")
        if route.adds and key is not None:
            if _KEY.fullmatch(key) is None:
                raise ApiError(400, "Idempotency-Key: 1 to 255 printable characters without blanks", "Idempotency-Key")
            said = hashlib.sha256(b"\0".join((route.method.encode(), "/".join(asked.path).encode(), asked.body))).hexdigest()
            addition = Addition(client.name, key, said, self._clock.wall())
        return Call(client, found, query, body, addition, asked.body, asked.file)

    @staticmethod
    def _query(route: Route, asked: Asked) -> Any:
        if route.query is None:
            if asked.query:
                name = next(iter(asked.query))[:64]
                raise ApiError(400, f"{name}: there is no such parameter", name)
            return None
        return _checked(lambda: msgspec.convert(dict(asked.query), route.query, strict=False))

    @staticmethod
    def _body(route: Route, octets: bytes) -> Any:
        if route.body_optional and not octets.strip():
            return route.body()
        if b"\\u0000" in octets:
            raise ApiError(400, "a NUL character cannot be kept")
        try:
            octets.decode()
        except UnicodeDecodeError:
            raise ApiError(400, "the body is not UTF-8") from None
        return _checked(lambda: msgspec.json.decode(octets, type=route.body))


def _checked(read: Callable[[], Any]) -> Any:
    """What `read` gives; ApiError 400 names the field that does not fit."""
    try:
        return read()
    except msgspec.ValidationError as error:
        text = str(error)
        where, unknown = _WHERE.search(text), _UNKNOWN.search(_WHERE.sub("", text))
        name = ".".join(part for part in ((where[1] if where else ""), (unknown[1][:64] if unknown else "")) if part)
        raise ApiError(400, f"{name}: {_WHERE.sub('', text)}" if name else text, name) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(400, f"the body is no JSON: {error}") from None
