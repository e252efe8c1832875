"""The DNs of the switch: what each is, who is registered on it, which calls are there, who is logged in."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Iterable, Iterator

from twisted.internet.interfaces import IDelayedCall

from ocs.servers.tserver.calls import Party, PartyState
from ocs.servers.tserver.queues import AcdQueue
from protocols.message import Refused
from protocols.tserver.messages import AddressType, ErrorCode

if TYPE_CHECKING:
    from ocs.servers.tserver.agents import Agent
    from ocs.servers.tserver.sessions import ClientSession

__all__ = ["DN", "DNKind", "Directory", "is_network_number"]

_NETWORK_NUMBER = re.compile(r"\+[1-9][0-9]{2,14}", re.ASCII)


def is_network_number(text: str) -> bool:
    """True for an E.164 number with its plus sign; nothing else leaves for the network."""
    return _NETWORK_NUMBER.fullmatch(text) is not None


class DNKind(Enum):
    """What a DN is; the value is the word of the configuration."""
    EXTENSION = "extension"
    ACD_QUEUE = "acd-queue"
    ROUTING_POINT = "routing-point"
    COMMUNICATION = "communication"
    TRUNK_GROUP = "trunk-group"

    @property
    def address_type(self) -> AddressType:
        """Attribute AddressType."""
        return _ADDRESS_TYPES[self]


_ADDRESS_TYPES = {
    DNKind.EXTENSION: AddressType.DN, DNKind.ACD_QUEUE: AddressType.QUEUE, DNKind.ROUTING_POINT: AddressType.ROUTE_DN,
    DNKind.COMMUNICATION: AddressType.OTHER, DNKind.TRUNK_GROUP: AddressType.TRUNK,
}


@dataclass(eq=False, slots=True)
class DN:
    """One directory number."""

    number: str
    kind: DNKind
    default_destination: str = ""                                   # routing point: where calls go without instructions
    queue: AcdQueue | None = None                                   # ACD queue: who waits, who is idle
    clients: dict[ClientSession, None] = field(default_factory=dict)    # in order of registration
    parties: dict[str, Party] = field(default_factory=dict)         # ConnID -> the party here
    agent: Agent | None = None
    talked: bool = False                                            # connected since the DN was last free
    unattended: IDelayedCall | None = None                          # when what is here is cleared for want of a client

    @property
    def busy(self) -> bool:
        """True while any call is here, on hold or not."""
        return bool(self.parties)

    @property
    def engaged(self) -> bool:
        """True while a call is here that is not on hold."""
        return any(party.state is not PartyState.HELD for party in self.parties.values())


class Directory:
    """All DNs by number."""

    def __init__(self, dns: Iterable[DN]) -> None:
        self._dns = {dn.number: dn for dn in dns}

    def __iter__(self) -> Iterator[DN]:
        return iter(self._dns.values())

    def __len__(self) -> int:
        return len(self._dns)

    def get(self, number: str) -> DN | None:
        """The DN, None if it is not configured."""
        return self._dns.get(number)

    def find(self, number: str, attribute: str) -> DN:
        """The DN; Refused (59) names the attribute if it is not configured."""
        dn = self._dns.get(number)
        if dn is None:
            raise Refused(ErrorCode.NOT_CONFIGURED, f"{attribute}: no DN {number[:64]!r} is configured")
        return dn
