"""What a request must bring before it is carried out, and the checks that all requests share.

Each request has a rule: which DNs it may name, whether the client must be registered there, whether it names a call there.
The checks refuse with the public code and a text that names the attribute.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ocs.servers.tserver.calls import Party
from ocs.servers.tserver.directory import DN, DNKind
from ocs.servers.tserver.events import Asker
from ocs.servers.tserver.sessions import ClientSession
from protocols.message import Refused, Vocabulary
from protocols.tserver.messages import VOCABULARY, ErrorCode, Message

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["ANY_KIND", "Request", "Rule", "prepare", "passed_on"]

ANY_KIND = frozenset(DNKind)
Member = TypeVar("Member", bound=IntEnum)


@dataclass(frozen=True)
class Request:
    """One request that passed the checks of its rule."""

    session: ClientSession
    message: Message
    dn: DN | None = None            # ThisDN
    party: Party | None = None      # the call ConnID at ThisDN

    @property
    def asker(self) -> Asker:
        """Whom the direct answer goes to."""
        return Asker(self.session, self.message.reference_id)

    @property
    def this_dn(self) -> DN:
        """ThisDN, of a request whose rule asks for it."""
        assert self.dn is not None
        return self.dn

    @property
    def this_party(self) -> Party:
        """The call at ThisDN, of a request whose rule asks for it."""
        assert self.party is not None
        return self.party

    def text(self, name: str, default: str = "") -> str:
        """A str attribute."""
        return str(self.message.get(name, default))

    def member(self, name: str, kind: type[Member], default: Member) -> Member:
        """An enumerated attribute; Refused (53) names it where the number means nothing."""
        value = self.message.get(name, default)
        try:
            return kind(value)
        except ValueError:
            raise Refused(ErrorCode.BAD_ATTRIBUTE, f"{name}: {value} is not a {kind.__name__}") from None


@dataclass(frozen=True)
class Rule:
    """How a request is checked (`registered`: the client must be registered on ThisDN; `call`: ConnID is one of the calls
    there) and what carries it out."""

    act: Callable[[TServer, Request], None]
    this_dn: bool = True
    registered: bool = True
    kinds: frozenset[DNKind] = ANY_KIND
    call: bool = False
    backup: bool = False                # whether a server that is the backup of another one carries it out, too
    vocabulary: Vocabulary = VOCABULARY


def prepare(server: TServer, session: ClientSession, message: Message, rule: Rule) -> Request:
    """Check a request against its rule: 53, then 59, 128, 41, 56."""
    rule.vocabulary.check(message)
    if not rule.this_dn:
        return Request(session, message)
    dn = server.directory.find(message.attributes["ThisDN"], "ThisDN")
    if dn.kind not in rule.kinds:
        raise Refused(ErrorCode.WRONG_DN_TYPE, f"ThisDN: {message.name} is not for {dn.number}: {dn.kind.value}")
    if rule.registered and dn.number not in session.dns:
        raise Refused(ErrorCode.NOT_REGISTERED, f"ThisDN: this client has not registered {dn.number}")
    return Request(session, message, dn, find_party(dn, message, "ConnID") if rule.call else None)


def find_party(dn: DN, message: Message, attribute: str) -> Party:
    """The call that an attribute names, at the DN; Refused (56) where there is none."""
    conn_id = message.attributes[attribute]
    party = dn.parties.get(conn_id)
    if party is None:
        raise Refused(ErrorCode.BAD_CONN_ID, f"{attribute}: no call {conn_id[:32]!r} at {dn.number}")
    return party


def passed_on(message: Message) -> dict[str, Any]:
    """The attributes of a request that its events repeat."""
    return {"Reasons": message.attributes["Reasons"]} if "Reasons" in message.attributes else {}
