"""What the handlers of the API work on."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from twisted.internet.defer import Deferred

from ocs.app.web.api.routing import ApiError
from ocs.desktop.campaigns import CampaignOperations, CampaignRefused
from ocs.dialing.campaign import CallingList
from ocs.errors import DatabaseAway, DataRefused, NotAdded, OCSError, StoreUnavailable, UnknownCallingList
from ocs.links.registry import Links
from ocs.scheduler.engine import Engine
from ocs.scheduler.session import DialingSession
from ocs.store.api_additions import KeyReused
from ocs.store.registry import Catalog
from protocols.communication.index import CampaignErrorCode

__all__ = ["Site", "api_error", "exact"]

_E = CampaignErrorCode
_STATUS = {_E.SERVER_CONNECTION_ERROR: 503, _E.CAMPAIGN_GROUP_NOT_FOUND: 404, _E.INVALID_PARAMETER: 400}
InThread = Callable[..., "Deferred[Any]"]


def api_error(error: OCSError) -> ApiError:
    """How the API tells what the engine or the store refuses."""
    if isinstance(error, CampaignRefused):
        return ApiError(_STATUS.get(error.code, 409), error.detail)
    if isinstance(error, NotAdded):
        return ApiError(409 if error.attribute == "chain_id" else 400, str(error), error.attribute)
    if isinstance(error, KeyReused):
        return ApiError(409, str(error), "Idempotency-Key")
    if isinstance(error, UnknownCallingList):
        return ApiError(409, "the list has no table in the database yet")
    if isinstance(error, DataRefused):
        return ApiError(400, str(error))
    if isinstance(error, (DatabaseAway, StoreUnavailable)):
        return ApiError(503, "the database does not do it at present")
    return ApiError(400, str(error))


def exact(phone: str) -> str:
    """A number that has matched its pattern; ApiError 400 where an end of line is behind it, which `$` lets pass."""
    if phone.endswith("\n"):
        raise ApiError(400, "phone: has an end of line", "phone")
    return phone


@dataclass
class Site:
    """One running server, as the API sees it. `store` is its SqlStore; `in_thread` runs what would block."""

    engine: Engine
    campaigns: CampaignOperations
    store: Any
    links: Links
    in_thread: InThread
    calling_lists: Callable[[], list[CallingList]]
    wake_do_not_call: Callable[[], None]
    tenant: int = 1

    def __post_init__(self) -> None:
        self.catalog = Catalog()
        self.at_stop: list[Callable[[], None]] = []     # called when the server stops

    def session(self, name: str) -> DialingSession:
        """A campaign group by name, by number, or by its campaign's name where that is unique; ApiError 404."""
        if name.isascii() and name.isdigit():
            found = [one for one in self.engine.sessions.values() if str(one.group.dbid) == name]
            if found:
                return found[0]
        try:
            return self.engine.session(name)
        except OCSError as error:
            raise ApiError(404, str(error)) from None

    def calling_list(self, name: str) -> CallingList:
        """A list of the configuration; ApiError 404."""
        for one in self.calling_lists():
            if one.name == name:
                return one
        raise ApiError(404, f"there is no calling list {name[:64]!r}")

    async def read(self, work: Callable[[Any], Any]) -> Any:
        """What `work(transaction)` gives; ApiError."""
        try:
            return await self.store.read(work)
        except OCSError as error:
            raise api_error(error) from None

    async def change(self, work: Callable[[Any], Any]) -> Any:
        """As `read`, for a change."""
        try:
            return await self.store.change(work)
        except OCSError as error:
            raise api_error(error) from None
