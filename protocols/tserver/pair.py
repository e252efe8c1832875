"""What the two T-Servers of a pair ask each other, beside what every client may. Source: docs/wire.md, section 4.1."""
from __future__ import annotations

from protocols.message import Vocabulary
from protocols.tserver.messages import ATTRIBUTE_TYPES

__all__ = ["PAIR"]

PAIR = Vocabulary("T-Server pair", {
    "RequestServerRole": ("Extensions",),
    "RequestOpenMirror": (),
    "RequestMirrorPage": (),
}, {**ATTRIBUTE_TYPES, "Remaining": int, "Parties": list})
