"""All kinds of objects, in an order in which what is referred to mostly comes before what refers to it."""
from __future__ import annotations

from types import MappingProxyType
from typing import Mapping

from ocs.configuration.model import Kind
from ocs.configuration.outbound import OUTBOUND
from ocs.configuration.people import PEOPLE
from ocs.configuration.site import SITE

__all__ = ["GROUP_KINDS", "KINDS"]

KINDS: Mapping[str, Kind] = MappingProxyType({kind.word: kind for kind in (*SITE, *PEOPLE, *OUTBOUND)})
GROUP_KINDS: Mapping[int, str] = MappingProxyType({KINDS[word].number: word for word in ("agent_group", "place_group")})
