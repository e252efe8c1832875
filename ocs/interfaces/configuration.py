"""Seam to a server's configuration."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ocs.dialing.campaign import CallingList, CampaignGroup

__all__ = ["IConfiguration"]


class IConfiguration(Interface):
    """A server's configuration: read whole and checked, or not at all; and who is told that there is another one."""

    origin = Attribute("str: where it comes from, for people.")
    trouble = Attribute("str: why changes are not seen at present; '' while they are.")

    def read() -> Deferred[Any]:
        """Read it. Fires with the server's options (an `ocs.app.config.OCSOptions`); fails with ConfigurationError, which has
        every problem, each naming object and field; also where it cannot be read. What was read before stays then."""

    def campaign_groups() -> Mapping[str, CampaignGroup]:
        """Of what was read last, by name (`Campaign@Group`); none before."""

    def calling_lists() -> Mapping[str, CallingList]:
        """Of what was read last, by name, without what only campaigns say of them; none before."""

    def told(problem: str) -> str:
        """What is wrong with the options that were read last, as people are to be told of it."""

    def add_listener(changed: Callable[[], None]) -> None:
        """Call `changed()` when there may be another configuration than the last one; it is not read by itself. Of a file's
        changes nobody is told: whoever edits it says when it is done."""

    def start() -> None:
        """Look for changes from now on, where they can be seen; then listeners are told once at the beginning."""

    def stop() -> Deferred[None] | None:
        """Look no more; listeners are not called any more. Fires when everything is closed."""
