"""A third party on the Communication DN: what it asks, what it is told."""
from __future__ import annotations

from typing import Any

from ocs.desktop.campaigns import CampaignOperations
from ocs.desktop.communication import Application, CommunicationEntry
from ocs.desktop.operations import RecordOperations
from protocols.attributes import KVList
from protocols.communication import keys
from protocols.communication.index import REQUESTS, CampaignErrorCode, MessageType
from tests.scheduler.bench import Bench

DN, CRM = "6900", 300
T, E = MessageType, CampaignErrorCode


class Rig:
    """The engine with a Communication DN; `crm` is a known application."""

    def __init__(self, records: list[Any] | None = None, *, running: bool = False, **group: Any) -> None:
        self.bench = Bench(records, running=False, **group)
        self.campaigns = CampaignOperations(self.bench.engine)
        self.entry = CommunicationEntry(
            self.bench.engine, self.campaigns, RecordOperations(self.bench.engine), DN,
            [Application("crm", CRM), Application("other", 301)])
        self.bench.up()
        if running:
            self.bench.begin()
        self.session = self.bench.session
        self._references = 0
        self.seen = 0

    def said(self) -> list[dict[str, Any]]:
        """What the OCS has sent on the DN since the last look."""
        sent = [dict(asked.user_data) for asked in self.bench.switch.of("distribute_user_event") if asked.dn == DN]
        new, self.seen = sent[self.seen:], len(sent)
        return new

    def tell(self, kind: MessageType, sender: str = "crm", reference: Any = None, **values: Any) -> int:
        self._references += 1
        named = ((getattr(keys, name.upper()), value) for name, value in values.items())
        user_data: KVList = ((keys.MESSAGE_TYPE, int(kind)), (keys.REFERENCE_ID, self._references), (keys.SENDER_ID, CRM), *named)
        self.bench.switch.user_event(DN, user_data, sender)
        self.bench.pass_(0)
        return self._references

    def ask(self, kind: MessageType, **values: Any) -> dict[str, Any]:
        """The one answer; news with reference 0 apart."""
        if REQUESTS[kind].names_group and not values.keys() & {"session_id", "campaign_id"}:
            values["session_id"] = 1
        self.said()
        reference = self.tell(kind, **values)
        answers = [one for one in self.said() if one[keys.REFERENCE_ID] == reference]
        assert len(answers) == 1, answers
        assert answers[0][keys.SENDER_ID] == CRM and answers[0][keys.APPLICATION_ID] == 1
        return answers[0]

    def refused(self, kind: MessageType, **values: Any) -> tuple[CampaignErrorCode, str]:
        told = self.ask(kind, **values)
        assert told[keys.MESSAGE_TYPE] == T.ERROR, told
        return CampaignErrorCode(told[keys.ERROR_CODE]), told[keys.ERROR_MESSAGE]

    def news(self) -> list[tuple[str, int]]:
        """(event, status) of what was told without a request."""
        return [(MessageType(one[keys.MESSAGE_TYPE]).text, one[keys.STATUS])
                for one in self.said() if one[keys.REFERENCE_ID] == 0]


def short(told: dict[str, Any]) -> tuple[str, int, int]:
    """Event, status, mode."""
    return MessageType(told[keys.MESSAGE_TYPE]).text, told[keys.STATUS], told[keys.DIAL_MODE]
