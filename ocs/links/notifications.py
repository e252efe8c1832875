"""Contact-processed notifications: one post per chain that is processed, at least once.

A notice is put on disk before the chain's last values are committed (`note`), and told after (`release`): so nothing that
happens in between loses it. A chain whose last write a crash took is told of too early, and again when it is processed indeed.
"""
from __future__ import annotations

import random
from typing import Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from ocs.clock import IClock
from ocs.dialing.contact import Contact
from ocs.interfaces import IContactNotifier, INotificationSpool
from ocs.links.http import HttpClient
from ocs.links.http_options import ContactProcessedOptions, NotificationSpoolOptions
from ocs.links.notice_delivery import Lost, NoticeDelivery
from ocs.links.record_bodies import processed_body

__all__ = ["ContactNotifier", "Lost"]


@implementer(IContactNotifier)
class ContactNotifier(NoticeDelivery):
    """Tells the services of `rules` of chains that are processed."""

    def __init__(self, client: HttpClient, rules: Sequence[ContactProcessedOptions], options: NotificationSpoolOptions,
                 spool: INotificationSpool, application_id: int, clock: IClock, rng: random.Random) -> None:
        super().__init__(client, rules, options, spool, clock, rng, "notification")
        self._application_id = application_id

    def note(self, contact: Contact) -> Deferred[int]:
        if not self.wants(contact.group.name):
            return succeed(0)
        body = processed_body(contact, self._application_id, self._clock.wall())
        return self.keep(contact.group.name, contact.calling_list, contact.record.chain_id, body)
