"""The management API on a bench: an engine, a database, no socket."""
from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, succeed

from ocs.app.web.api.service import Api
from ocs.app.web.api.site import Site
from ocs.app.web.public import PublicUris
from ocs.app.web.rates import Rates
from ocs.app.web.routes import Routes
from ocs.database.backend import backend_for, transaction
from ocs.desktop.campaigns import CampaignOperations
from ocs.http_server import Asked, Reply
from ocs.links.registry import Links
from ocs.scheduler.context import EngineOptions
from ocs.store.api_tokens import Role, add_token
from ocs.store.loading import insert_records
from ocs.store.registry import Catalog, create_list
from tests.contracts.stores import sql_store
from tests.scheduler.bench import FIELDS, Bench, record

GROUP = "spring@sales"


class Rig:
    """The API of an engine on a bench, with a database."""

    def __init__(self, url: str, **group: Any) -> None:
        self.url = url
        with transaction(backend_for(url)) as work:
            catalog = Catalog()
            zone = catalog.zone_dbid(work, "America/New_York")
            insert_records(work, create_list(work, catalog, "list", FIELDS), [record(n, tz_dbid=zone) for n in range(1, 11)])
            self.tokens = {role: add_token(work, role.word, role, 0.0, "1001" if role is Role.AGENT else None) for role in Role}
        self.open(**group)

    def open(self, **group: Any) -> None:
        """The server is started, for the first time or again."""
        self.store = sql_store(self.url)
        self.bench = Bench(store=self.store, running=False, options=EngineOptions(customer_id_field="name"), **group)
        self.bench.up()
        self.woken: list[bool] = []
        self.site = Site(self.bench.engine, CampaignOperations(self.bench.engine), self.store, Links(self.bench.clock),
                         lambda work, *args: succeed(work(*args)), lambda: list(self.bench.group.lists),
                         lambda: self.woken.append(True))
        self.rates = Rates(10_000.0, 10_000)
        self.api = Api(self.site, self.rates, self.bench.clock)
        public = PublicUris(self.bench.engine, self.site.campaigns, self.bench.desktops.reception.operations)
        self.up = True
        self.routes = Routes(public, lambda: self.up, None, self.rates, self.bench.clock, self.api.router, self.api.document)
        self.api.start()

    def close(self) -> None:
        self.api.stop()
        self.store.stop()

    def reply(self, method: str, path: str, body: Any = None, role: Role | None = Role.ADMINISTRATOR, key: str = "",
              token: str | None = None, **query: Any) -> Reply:
        shown = token if token is not None else self.tokens[role] if role is not None else ""
        headers = {**({"authorization": f"Bearer {shown}"} if shown else {}), **({"idempotency-key": key} if key else {})}
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        asked = Asked(method, ("api", "v1", *(part for part in path.split("/") if part)),
                      {name: str(value) for name, value in query.items()}, octets, headers, "10.0.0.1")
        answer = self.routes.respond(asked)
        found: list[Any] = []
        if isinstance(answer, Deferred):
            answer.addBoth(found.append)
            if not found and self.up:
                self.bench.clock.advance(0.25)      # who shows a token that is not known waits a moment
        else:
            found.append(answer)
        assert found and isinstance(found[0], Reply), found
        return found[0]

    def ask(self, method: str, path: str, body: Any = None, **rest: Any) -> tuple[int, Any]:
        """Status, and the body as it goes out."""
        import msgspec
        reply = self.reply(method, path, body, **rest)
        return reply.status, json.loads(msgspec.json.encode(reply.body))
