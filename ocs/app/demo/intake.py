"""Contacts and do-not-call numbers into the database of a demonstration."""
from __future__ import annotations
from ocs.store.versions import upgrade


def take_in(backend, options, calling_list, state, say):
    upgrade(backend.url)
