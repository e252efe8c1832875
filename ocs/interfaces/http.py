"""Seams to services outside that are asked and told over HTTP."""
from __future__ import annotations

from typing import Any, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Interface

__all__ = ["IContactNotifier", "IHttpRequests", "INotificationSpool", "IPreDialValidation"]


class IPreDialValidation(Interface):
    """Asks an outside service, just before a record is dialed, whether it may be."""

    def applies(campaign_group: str, calling_list: str) -> bool:
        """Whether records of this list, dialed by this group, are to be asked about; without that they are simply dialed."""

    def validate(contact: Any) -> Deferred[Any]:
        """Ask about one record (an `ocs.dialing.contact.Contact`). Fires with an `ocs.dialing.validation.Verdict`, within the
        configured time and whatever the service does; never fails. Cancelled, it gives the request up and fires with a
        verdict all the same."""

    def raced(contact: Any) -> Any:
        """The Verdict for a record that changed while the service was asked about it: not dialed, with the configured
        result."""


class IContactNotifier(Interface):
    """Tells an outside service of every chain that is processed: once, in order per chain, however long it takes."""

    def wants(campaign_group: str) -> bool:
        """Whether anybody is to be told of chains of this group."""

    def note(contact: Any) -> Deferred[int]:
        """Put on disk what is to be told of a chain that is about to be written as processed; `contact` (an
        `ocs.dialing.contact.Contact`) is its primary record. Fires with a ticket; never fails. The ticket is 0 where
        nothing will be told: nobody wants it, or there is no room (logged and counted)."""

    def release(ticket: int) -> None:
        """The chain's last values are committed: tell of it. Returns at once. Unknown tickets, and 0, are ignored."""

    def withdraw(ticket: int) -> None:
        """The chain was not processed after all: forget it. Unknown tickets, and 0, are ignored."""


class INotificationSpool(Interface):
    """What is still to be told, on disk. Every Deferred fails with StoreUnavailable when the disk does not do it."""

    def start() -> Deferred[list[Any]]:
        """Open; fires with what the last run left behind (`ocs.dialing.contact.Notice`), oldest first."""

    def add(notice: Any) -> Deferred[None]:
        """Keep one; fires when it would survive a crash."""

    def remove(ticket: int) -> Deferred[None]:
        """It is told, or never to be told."""

    def stop() -> Deferred[None]:
        """Finish what was asked for, and close."""


class IHttpRequests(Interface):
    """The requests that an administrator has named, for treatments to send."""

    def names() -> Sequence[str]:
        """Those that exist."""

    def send(name: str, contact: Any) -> None:
        """Send one, filled with the data of a record (an `ocs.dialing.contact.Contact`). Returns at once; the outcome is
        logged and counted, and changes nothing. KeyError for a name that does not exist."""
