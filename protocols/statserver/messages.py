"""Messages of the Stat Server protocol: the requests that a server knows, and the enumerations that travel as numbers.

Names of events, object types, categories, notification modes, dialing modes and campaign events are the public ones, and so are
their numbers; a status has the number of its place in the public order of priorities. Source: docs/wire.md, section 14.
"""
from __future__ import annotations

from enum import IntEnum

from protocols.message import Vocabulary

__all__ = ["CampaignEvent", "CampaignStatus", "Category", "NotificationMode", "ObjectType", "RunMode", "Status", "StreamType",
           "Subject", "VOCABULARY", "WAITING_EVENTS", "Wait"]


class ObjectType(IntEnum):
    """Attribute ObjectType: what a statistic is about."""
    AGENT = 0
    AGENT_PLACE = 1
    GROUP_AGENTS = 2
    GROUP_PLACES = 3
    ROUTE_POINT = 4
    QUEUE = 5
    GROUP_QUEUES = 6
    SWITCH = 7
    REG_DN = 8
    CAMPAIGN = 9
    CAMPAIGN_GROUP = 10
    CALLING_LIST = 11
    CAMPAIGN_CALLING_LIST = 12
    TENANT = 13
    STAGING_AREA = 14
    ROUTING_STRATEGY = 15
    WORKBIN = 16


class NotificationMode(IntEnum):
    """Attribute NotificationMode: when the server tells of an open statistic."""
    CHANGES_BASED = 0
    TIME_BASED = 1
    NONE = 2
    RESET_BASED = 3


class Subject(IntEnum):
    """Attribute Subject: whose states count."""
    DN_ACTION = 0
    DN_STATUS = 1
    AGENT_STATUS = 2
    PLACE_STATUS = 3
    GROUP_STATUS = 4
    CAMPAIGN_ACTION = 5


class Category(IntEnum):
    """Attribute Category: what is computed; of the public categories those that name a present state."""
    CURRENT_STATE = 10
    CURRENT_NUMBER = 12
    CURRENT_TARGET_STATE = 44


class StreamType(IntEnum):
    """Attribute StreamType: who gets what is sent on a data stream: every client that has opened one, or the server alone."""
    BROADCAST = 0
    UNICAST = 1


class RunMode(IntEnum):
    """Attribute RunMode: whether the server is the one to ask (numbers: ours, those of ServerRole)."""
    PRIMARY = 0
    BACKUP = 1


class Status(IntEnum):
    """Attribute Status of a DN, an agent, a place or a group, by rising priority: the highest current action wins. Where the
    two of the active switching matrix stand among the others is our choice."""
    NOT_MONITORED = 0
    MONITORED = 1
    LOGGED_IN = 2
    ON_HOOK = 3
    WAIT_FOR_NEXT_CALL = 4
    OFF_HOOK = 5
    CALL_DIALING = 6
    CALL_RINGING = 7
    NOT_READY_FOR_NEXT_CALL = 8
    AFTER_CALL_WORK = 9
    CALL_ON_HOLD = 10
    CALL_UNKNOWN = 11
    CALL_CONSULT = 12
    CALL_INTERNAL = 13
    CALL_OUTBOUND = 14
    CALL_INBOUND = 15
    ASM_ENGAGED = 16
    ASM_OUTBOUND = 17
    LOGGED_OUT = 18         # agents only

    @property
    def word(self) -> str:
        """The public name, as logs write it: WaitForNextCall."""
        name = "".join(part.capitalize() for part in self.name.split("_"))
        return name.replace("Asm", "ASM_")

    @property
    def works(self) -> bool:
        """True for an agent who is at work: logged in, and the server sees it."""
        return Status.WAIT_FOR_NEXT_CALL <= self < Status.LOGGED_OUT


class CampaignStatus(IntEnum):
    """Attribute Status of a campaign or campaign group (numbers: ours); a campaign has the highest of its groups."""
    DEACTIVATED = 0
    ACTIVATED = 1
    RUNNING = 2

    @property
    def word(self) -> str:
        """The public name: StatusRunning."""
        return f"Status{self.name.capitalize()}"


class CampaignEvent(IntEnum):
    """Attribute CampaignEvent of a data stream message: what happens in an outbound contact server."""
    CAMPAIGN_ACTIVATED = 1
    CAMPAIGN_DEACTIVATED = 2
    DIALING_STARTED = 3
    DIAL_MODE_CHANGED = 4
    DIALING_STOPPED = 5
    WAITING_AGENTS_START = 6
    WAITING_AGENTS_OVER = 7
    WAITING_PORTS_START = 8
    WAITING_PORTS_OVER = 9
    WAITING_RECORDS_START = 10
    WAITING_RECORDS_OVER = 11
    SYSTEM_ERROR_START = 12
    SYSTEM_ERROR_OVER = 13
    CALL_COMPLETED = 14
    LEAD_PROCESSED = 15
    CALLBACK_SCHEDULED = 16
    CALLBACK_COMPLETED = 17
    CALLBACK_MISSED = 18
    AGENT_ERROR = 19
    RECORD_SCHEDULED = 20

    @property
    def word(self) -> str:
        """The public name: LeadProcessed."""
        return "".join(part.capitalize() for part in self.name.split("_"))


class Wait(IntEnum):
    """What a running campaign group waits for; the public names of the statuses."""
    WAITING_AGENTS = 0
    WAITING_PORTS = 1
    WAITING_RECORDS = 2
    SYSTEM_ERROR = 3

    @property
    def word(self) -> str:
        """The public name: StatusWaitingAgents."""
        return "Status" + "".join(part.capitalize() for part in self.name.split("_"))


_E = CampaignEvent
# event -> (what is waited for, whether it begins)
WAITING_EVENTS: dict[CampaignEvent, tuple[Wait, bool]] = {
    _E.WAITING_AGENTS_START: (Wait.WAITING_AGENTS, True), _E.WAITING_AGENTS_OVER: (Wait.WAITING_AGENTS, False),
    _E.WAITING_PORTS_START: (Wait.WAITING_PORTS, True), _E.WAITING_PORTS_OVER: (Wait.WAITING_PORTS, False),
    _E.WAITING_RECORDS_START: (Wait.WAITING_RECORDS, True), _E.WAITING_RECORDS_OVER: (Wait.WAITING_RECORDS, False),
    _E.SYSTEM_ERROR_START: (Wait.SYSTEM_ERROR, True), _E.SYSTEM_ERROR_OVER: (Wait.SYSTEM_ERROR, False),
}

VOCABULARY = Vocabulary(
    "Stat Server",
    {
        "RequestOpenStatistic": ("UserRequestID", "ObjectType", "ObjectID", "Category"),
        "RequestCloseStatistic": ("UserRequestID",),
        "RequestPeekStatistic": ("UserRequestID",),
        "RequestOpenDataStream": ("UserRequestID",),
        "RequestCloseDataStream": ("UserRequestID",),
        "RequestDataStreamMessage": ("UserRequestID", "CampaignEvent", "Campaign", "Group"),
    },
    {
        **dict.fromkeys(("AgentID", "CallingList", "Campaign", "Group", "ObjectID", "SessionGUID"), str),
        **dict.fromkeys(("ApplicationDBID", "CallResult", "CallingListDBID", "CampaignDBID", "CampaignEvent",
                         "CampaignGroupDBID", "Category", "DialMode", "GroupDBID", "NotificationMode", "ObjectType",
                         "RecordHandle", "StreamType", "Subject", "UserRequestID"), int),
        "Frequency": (int, float),
        "MainMask": list,
    },
    error="SEventError", repeated=("UserRequestID",))
