"""The do-not-call list in memory: phones and customer ids, by tenant and campaign.

A phone match wins and the customer id is then not looked at. An entry counts from the moment `add` returns. Entries
that are not of one tenant, or not of one campaign, count for all of them.

Theory of operation. Three things change the list, and none may undo another. A request to this server is put in with
`add` before the database has it. What the database has is told by its feed: `follow` gives each change under the
number that the database gave it. And a fresh list, read from the database while both went on, takes the place of the
old one in `Load.finish`, which first does again what the fresh list cannot know of: the changes that the feed told
since, and requests that the feed has not confirmed. A removal that the feed tells does not undo a request of which
the feed has not told yet, because nobody knows which of the two was first; such a contact stays blocked, and the
request's own row in the feed settles it.

Source: the public rules of the do-not-call check (phone before customer id, tenant and campaign 0 = all).
"""
from __future__ import annotations

from typing import Callable, Iterable, Iterator

from pyroaring import BitMap

from ocs.dialing.dnc.changes import ChangeKind, DoNotCallChange, Scope
from ocs.dialing.dnc.identifiers import IdentifierSet
from ocs.dialing.dnc.numbers import LOW, REGION_BITS, REGION_IN_BLOCK
from ocs.dialing.dnc.sparse import SparseBlock
from ocs.dialing.values import DoNotCallEntry

__all__ = ["DoNotCallList", "Load"]

_VIEWS_KEPT = 1_000
_CONFIRMED_KEPT = 10_000        # requests of which the feed told first, by request_id
_JOURNAL_LIMIT = 1_000_000


class _Listed:
    """What is listed in one scope."""

    __slots__ = ("phones", "customers")

    def __init__(self, phones: IdentifierSet | None = None, customers: IdentifierSet | None = None) -> None:
        self.phones = IdentifierSet("+") if phones is None else phones
        self.customers = IdentifierSet("") if customers is None else customers


# what `blocks` looks into: a campaign's first scope (see NumberSet), whether there is more to see (its phones that are no
# numbers; True where there are more scopes), and all its scopes
_View = tuple[Callable[[int], "BitMap | None"], Callable[[int], "SparseBlock | None"], "set[str] | bool", tuple[_Listed, ...]]


class DoNotCallList:
    """Exact, in compressed memory; `blocks` takes about as long as one look into a bitmap. Of one thread, but for a list
    that is being built. `sequence` is the last change that the feed has told, `known` the last that a fresh list had in it."""

    def __init__(self, entries: Iterable[DoNotCallEntry] = (), followed: bool = False) -> None:
        """`followed`: a feed tells every change of the database, so that requests are held until it confirms them."""
        self.sequence = self.known = 0
        self.followed = followed
        self._scopes: dict[Scope, _Listed] = {}
        self._views: dict[str | None | tuple[str | None, int], _View] = {}
        self._unconfirmed: dict[int, tuple[DoNotCallEntry, int]] = {}        # by request_id
        self._confirmed: dict[int, None] = {}       # what others asked for; the oldest first
        self._loads: list[Load] = []
        for entry in entries:
            self._put(entry.phone, entry.customer_id, Scope(0, entry.campaign))

    def __len__(self) -> int:
        """Phones and customer ids, each counted once in every scope that has it."""
        return sum(len(listed.phones) + len(listed.customers) for listed in self._scopes.values())

    # -- the check ------------------------------------------------------------------------------------------------
    def blocks(self, campaign: str | None, phone: str, customer_id: str | None = None, tenant: int | None = None) -> str | None:
        """Why this contact must not be dialed for this campaign: "phone" or "customer id"; None if it may. Without a tenant
        the entries of every tenant count."""
        key = campaign if tenant is None else (campaign, tenant)
        try:
            bitmap, sparse, more, scopes = self._views[key]
        except KeyError:
            bitmap, sparse, more, scopes = self._views[key] = self._view(campaign, tenant)
        try:
            number = int(phone)
        except ValueError:
            return _among(scopes, phone, customer_id)
        # `phone in scopes[0].phones` written out: this is done before every dial, twice
        region = number >> REGION_BITS
        near = bitmap(region)
        if near is None:
            block = sparse(region >> REGION_IN_BLOCK)
            if block is not None and block.has(number & LOW) and phone == f"+{number}":
                return "phone"
        elif number & LOW in near and phone == f"+{number}":
            return "phone"
        return _among(scopes, phone, customer_id) if more or customer_id else None

    def _view(self, campaign: str | None, tenant: int | None) -> _View:
        """The sets that count for a campaign of a tenant; those that are empty are looked into too, they may fill."""
        if len(self._views) >= _VIEWS_KEPT:
            self._views.clear()
        scopes = tuple(listed for scope, listed in self._scopes.items()
                       if scope.campaign in (None, campaign) and (tenant is None or scope.tenant in (0, tenant)))
        first = scopes[0].phones if scopes else IdentifierSet("+")
        return first.numbers.bitmaps.get, first.numbers.sparse.get, len(scopes) > 1 or first.others, scopes

    # -- changes --------------------------------------------------------------------------------------------------
    def add(self, entry: DoNotCallEntry, tenant: int = 0) -> None:
        """From now on the entry's phone and customer id are not dialed. A request of which the feed has told already, because
        its news took longer, does nothing: it may have been removed again since."""
        if entry.request_id in self._confirmed:
            return
        self._put(entry.phone, entry.customer_id, Scope(tenant, entry.campaign))
        if self.followed:
            self._unconfirmed[entry.request_id] = (entry, tenant)
        else:
            for load in self._loads:
                load.note_request(entry, tenant)

    def follow(self, change: DoNotCallChange) -> None:
        """Do what the database tells, in the order of its sequence; what was told before does nothing. Several changes may
        have one number: `passed` closes it."""
        if change.sequence <= self.sequence:
            return
        if change.kind is ChangeKind.ADD:
            if self._unconfirmed.pop(change.request_id, None) is None and change.request_id:
                self._confirmed[change.request_id] = None
                if len(self._confirmed) > _CONFIRMED_KEPT:
                    del self._confirmed[next(iter(self._confirmed))]
        if change.sequence > self.known:
            for load in self._loads:
                load.note(change)
            self._apply(change)

    def passed(self, sequence: int) -> None:
        """The feed has told everything up to this change."""
        self.sequence = max(self.sequence, sequence)

    def rewind(self, sequence: int) -> None:
        """The database is an older one than it was, with this as its last change; a fresh list has to be read."""
        self.sequence = self.known = sequence

    def _apply(self, change: DoNotCallChange) -> None:
        if change.kind is ChangeKind.ADD:
            self._put(change.phone, change.customer_id, change.scope)
            return
        for scope in list(self._scopes):
            if scope.tenant in (0, change.scope.tenant) and (change.everywhere or scope.campaign == change.scope.campaign):
                self._take_out(change, scope)

    def _put(self, phone: str | None, customer_id: str | None, scope: Scope) -> None:
        if not phone and not customer_id:
            return
        listed = self._scopes.get(scope)
        if listed is None:
            listed = self._scopes[scope] = _Listed()
            self._views.clear()
        if phone:
            listed.phones.add(phone)
        if customer_id:
            listed.customers.add(customer_id)

    def _take_out(self, change: DoNotCallChange, scope: Scope) -> None:
        waiting = [entry for entry, _ in self._unconfirmed.values() if entry.campaign == scope.campaign]
        if change.phone and not any(entry.phone == change.phone for entry in waiting):
            self._scopes[scope].phones.discard(change.phone)
        if change.customer_id and not any(entry.customer_id == change.customer_id for entry in waiting):
            self._scopes[scope].customers.discard(change.customer_id)

    # -- taking a fresh list --------------------------------------------------------------------------------------
    def replace(self, entries: Iterable[DoNotCallEntry]) -> None:
        """Take a fresh list, all at once. For long lists `begin_load` is the way: nothing is lost that changes meanwhile."""
        self.begin_load().finish(DoNotCallList(entries))

    def begin_load(self) -> Load:
        """A fresh list is about to be read from the database; its `finish` or `abandon` has to follow."""
        load = Load(self)
        self._loads.append(load)
        return load

    def _take_over(self, load: Load, fresh: DoNotCallList) -> DoNotCallList:
        self._loads.remove(load)
        for change in load.changes:
            if change.sequence > fresh.known:
                fresh._apply(change)
        for entry, tenant in [*load.requests, *self._unconfirmed.values()]:
            fresh.add(entry, tenant)
        old = DoNotCallList()
        old._scopes, self._scopes = self._scopes, fresh._scopes
        self._views, self.known = {}, fresh.known
        return old

    def scopes(self) -> Iterator[tuple[Scope, IdentifierSet, IdentifierSet]]:
        """Each scope with its phones and customer ids; for a snapshot."""
        for scope, listed in self._scopes.items():
            yield scope, listed.phones, listed.customers

    def put_scope(self, scope: Scope, phones: IdentifierSet, customers: IdentifierSet) -> None:
        """Put whole sets in, which are the list's from now on; they join what the scope has."""
        known = self._scopes.get(scope)
        if known is None:
            self._scopes[scope] = _Listed(phones, customers)
            self._views.clear()
        else:
            known.phones.update(phones)
            known.customers.update(customers)

    def dismantle(self) -> None:
        """Free the memory piece by piece, so that a thread can do it while others go on. The list is empty after it."""
        self._views.clear()
        while self._scopes:
            _, listed = self._scopes.popitem()
            listed.phones.dismantle()
            listed.customers.dismantle()


def _among(scopes: Iterable[_Listed], phone: str, customer_id: str | None) -> str | None:
    """What of a contact is in one of these scopes; as `DoNotCallList.blocks`."""
    if any(phone in listed.phones for listed in scopes):
        return "phone"
    return "customer id" if customer_id and any(customer_id in listed.customers for listed in scopes) else None


class Load:
    """A fresh list on its way, and what happens to the present one until it comes."""

    def __init__(self, target: DoNotCallList) -> None:
        self._target = target
        self.changes: list[DoNotCallChange] = []
        self.requests: list[tuple[DoNotCallEntry, int]] = []

    @property
    def overrun(self) -> bool:
        """So much changed meanwhile that it was not all kept: `finish` would lose some of it, and refuses."""
        return len(self.changes) + len(self.requests) > _JOURNAL_LIMIT

    def note(self, change: DoNotCallChange) -> None:
        """The feed told a change."""
        if not self.overrun:
            self.changes.append(change)

    def note_request(self, entry: DoNotCallEntry, tenant: int) -> None:
        """A request came that no feed will tell."""
        if not self.overrun:
            self.requests.append((entry, tenant))

    def finish(self, fresh: DoNotCallList) -> DoNotCallList:
        """The fresh list takes the place of the present one, between two checks. The list that was there is given back: to
        free it takes a while (`dismantle`). OverflowError where the load is `overrun`; it is abandoned then."""
        if self.overrun:
            self.abandon()
            raise OverflowError(f"more than {_JOURNAL_LIMIT} changes while the list was read")
        return self._target._take_over(self, fresh)

    def abandon(self) -> None:
        """There will be no fresh list; the present one stays."""
        if self in self._target._loads:
            self._target._loads.remove(self)
