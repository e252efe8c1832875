"""What an agent has at hand: a call, a record, and the campaigns that the desktop has heard of."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator

from ocs.lab.agents.judgement import Disposition
from protocols.attributes import KVList, without
from protocols.desktop import keys
from protocols.desktop.messages import DesktopEvent
from protocols.desktop.names import AgentResult
from protocols.desktop.record import RecordData

__all__ = ["Call", "Campaign", "Campaigns", "OfferedRecord"]

_CAMPAIGN_LIMIT = 100


@dataclass(frozen=True)
class OfferedRecord:
    """A record that the OCS gave to this agent: asked for (PreviewRecord), or a callback that is due (ScheduledCall)."""

    record: RecordData
    scheduled: bool
    user_data: KVList           # what the agent's call is to carry

    @classmethod
    def of(cls, event: DesktopEvent) -> OfferedRecord | None:
        """The record in an event that can be dialed; None if it names no handle, phone, application or campaign."""
        record = event.record
        if record is None or not record.phone or record.application_id is None or not record.campaign_name:
            return None
        return cls(record, event.name == "ScheduledCall", without(event.raw, keys.USER_EVENT, keys.REFERENCE_ID))


@dataclass
class Call:
    """The call at hand, one at a time. `result` is what the agent makes of it so far."""

    conn_id: str
    user_data: KVList = ()
    own: bool = False                   # dialed by the agent
    scheduled: bool = False
    established: bool = False
    busy: bool = False
    result: int = AgentResult.ANSWER
    disposition: Disposition | None = None
    tries: int = 0                      # how often the disposition was sent
    settling: bool = False              # it is on its way

    @property
    def record(self) -> RecordData | None:
        """The record that the call is about; None if it names none that could be settled."""
        record = RecordData.from_pairs(self.user_data)
        return record if record is not None and record.application_id is not None and record.campaign_name else None


@dataclass
class Campaign:
    """What the desktop knows of a campaign."""

    name: str
    application_id: int
    mode: str = ""
    running: bool = False


@dataclass
class Campaigns:
    """The campaigns that the desktop has heard of, at most 100."""

    _known: dict[str, Campaign] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Campaign]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def heard(self, event: DesktopEvent) -> bool:
        """Learn from an event; True if it was about a campaign."""
        if event.name not in _RUNNING or not event.campaign_name or event.application_id is None:
            return False
        if event.name == "CampaignUnloaded":
            self._known.pop(event.campaign_name, None)
            return True
        if event.campaign_name not in self._known and len(self._known) >= _CAMPAIGN_LIMIT:
            return True
        campaign = self._known.setdefault(event.campaign_name, Campaign(event.campaign_name, event.application_id))
        campaign.application_id = event.application_id
        campaign.mode = event.campaign_mode or campaign.mode
        running = _RUNNING[event.name]
        campaign.running = campaign.running if running is None else running
        return True

    def to_preview(self) -> Campaign | None:
        """A running campaign whose records are asked for; None if there is none."""
        return next((campaign for campaign in self if campaign.running and campaign.mode == "Preview"), None)

    def forget(self) -> None:
        """The link is gone: ask again."""
        self._known.clear()


# event -> whether the campaign runs after it; None = as before
_RUNNING: dict[str, bool | None] = {
    "CampaignLoaded": False, "CampaignGroupAssigned": None, "CampaignStarted": True, "CampaignStopped": False,
    "CampaignModeChanged": None, "CampaignUnloaded": False,
}
