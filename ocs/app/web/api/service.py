"""The API of one server, wired: its routes, the document of them, its tokens, the clean-up of old idempotency keys."""
from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ocs.app.web.api import campaign_groups, do_not_call, imports, records, system
from ocs.app.web.api.openapi import document
from ocs.app.web.api.routing import Call, Route, Router
from ocs.app.web.api.site import Site
from ocs.app.web.rates import Rates
from ocs.app.web.tokens import Tokens
from ocs.clock import IClock
from ocs.http_server import Reply
from ocs.store.api_additions import drop_old_additions
from ocs.store.api_tokens import Role, tokens

__all__ = ["Api", "api_routes"]

_CLEAN_S = 600.0


def api_routes(site: Site) -> list[Route]:
    """Everything there is below /api/v1, but for the document itself."""
    return [*campaign_groups.routes(site), *records.routes(site), *imports.routes(site), *do_not_call.routes(site),
            *system.routes(site)]


def _version() -> str:
    try:
        return version("outbound-contact-server")
    except PackageNotFoundError:        # run from a tree that is not installed
        return "unknown"


class Api:
    """`router` answers, `document` is the OpenAPI document. `clock` keeps real time."""

    log = Logger()

    def __init__(self, site: Site, rates: Rates, clock: IClock) -> None:
        self._site, self._clock = site, clock
        self.tokens = Tokens(lambda: site.store.read(tokens), clock)
        routes = api_routes(site)
        self.document: dict[str, Any] = document(routes, _version())
        own = Route("GET", "/openapi.json", "This document.", Role.AGENT, self._show, dict[str, Any])
        self.router = Router([*routes, own], self.tokens, rates, clock)
        self._timer: IDelayedCall | None = None

    def _show(self, call: Call) -> Reply:
        return Reply(200, self.document)

    def start(self) -> None:
        """Know the tokens."""
        self.tokens.start()
        self._clean()

    def stop(self) -> None:
        """No more timers, and no files."""
        self.tokens.stop()
        for end in self._site.at_stop:
            end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _clean(self) -> None:
        self._timer = self._clock.callLater(_CLEAN_S, self._clean)
        self._site.store.change(lambda work: drop_old_additions(work, self._clock.wall())).addErrback(
            lambda failure: self.log.debug("old idempotency keys: {reason}", reason=failure.getErrorMessage()))
