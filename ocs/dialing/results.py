"""Call results, record types and statuses, dialing modes: the public enumerations of the field.

Source: the public call-result list (0..53) and the configuration enumerations of the outbound products.
"""
from __future__ import annotations

from enum import IntEnum

__all__ = ["CallResult", "ContactInfoType", "DialingMode", "OptimizationMethod", "RecordStatus", "RecordType", "RESULT_LABELS"]


class CallResult(IntEnum):
    """What came of a call (`call_result`, `GSW_CALL_RESULT`); 0..50 are also the switch's call states."""
    OK = 0
    TRANSFERRED = 1
    CONFERENCED = 2
    GENERAL_ERROR = 3
    SYSTEM_ERROR = 4
    REMOTE_RELEASE = 5
    BUSY = 6
    NO_ANSWER = 7
    SIT_DETECTED = 8
    ANSWERING_MACHINE_DETECTED = 9
    ALL_TRUNKS_BUSY = 10
    SIT_INVALID_NUMBER = 11
    SIT_VC = 12
    SIT_IC = 13
    SIT_UNKNOWN = 14
    SIT_NC = 15
    SIT_RO = 16
    FAX_DETECTED = 17
    QUEUE_FULL = 18
    CLEARED = 19
    OVERFLOWED = 20
    ABANDONED = 21
    REDIRECTED = 22
    FORWARDED = 23
    CONSULT = 24
    PICKEDUP = 25
    DROPPED = 26
    DROPPED_ON_NO_ANSWER = 27
    UNKNOWN = 28
    COVERED = 29
    CONVERSE_ON = 30
    BRIDGED = 31
    SILENCE_DETECTED = 32
    ANSWER = 33
    NU_TONE = 34
    NO_DIAL_TONE = 35
    NO_PROGRESS = 36
    NO_RINGBACK = 37
    NO_ESTABLISHED_DETECTED = 38
    PAGER_DETECTED = 39
    WRONG_PARTY = 40
    DIAL_ERROR = 41
    CALL_DROP_ERROR = 42
    SWITCH_ERROR = 43
    NO_FREE_PORT = 44
    TRANSFER_ERROR = 45
    STALE = 46
    AGENT_CALLBACK_ERROR = 47
    GROUP_CALLBACK_ERROR = 48
    DEAFENED = 49
    HELD = 50
    DO_NOT_CALL = 51
    CANCEL_RECORD = 52
    WRONG_NUMBER = 53

    @property
    def label(self) -> str:
        """The public name as people read it, e.g. "No Answer"."""
        return RESULT_LABELS[self]


_SPECIAL_LABELS = {
    CallResult.SIT_DETECTED: "SIT Detected", CallResult.SIT_INVALID_NUMBER: "SIT Invalid Number",
    CallResult.SIT_VC: "SIT VC (Vacant Code)", CallResult.SIT_IC: "SIT IC (Operator Intercept)",
    CallResult.SIT_UNKNOWN: "SIT Unknown Call State", CallResult.SIT_NC: "SIT NC (No Circuit)",
    CallResult.SIT_RO: "SIT RO (Reorder)", CallResult.DROPPED_ON_NO_ANSWER: "Dropped on No Answer",
    CallResult.CONVERSE_ON: "Converse-On", CallResult.NU_TONE: "NU Tone", CallResult.NO_RINGBACK: "No RingBack",
    CallResult.AGENT_CALLBACK_ERROR: "Agent CallBack Error", CallResult.GROUP_CALLBACK_ERROR: "Group CallBack Error",
}
RESULT_LABELS: dict[CallResult, str] = {
    result: _SPECIAL_LABELS.get(result, result.name.replace("_", " ").title()) for result in CallResult
}


class RecordType(IntEnum):
    """`record_type`: why the record is to be dialed."""
    NO_RECORD_TYPE = 0
    UNKNOWN = 1
    GENERAL = 2
    CAMPAIGN_RESCHEDULED = 3
    PERSONAL_RESCHEDULED = 4
    PERSONAL_CALLBACK = 5
    CAMPAIGN_CALLBACK = 6
    NO_CALL = 7


class RecordStatus(IntEnum):
    """`record_status`: where the record stands."""
    NO_RECORD_STATUS = 0
    READY = 1
    RETRIEVED = 2
    UPDATED = 3
    STALE = 4
    CANCELLED = 5
    AGENT_ERROR = 6
    CHAIN_UPDATED = 7
    MISSED_CALLBACK = 8
    CHAIN_READY = 9
    DELEGATED = 10

    @property
    def final(self) -> bool:
        """True where nothing more is planned for the record."""
        return self in _FINAL

    @property
    def open(self) -> bool:
        """True where this server may take, dial or move the record; not where it is final, or with somebody else."""
        return self in _OPEN


_OPEN = frozenset({RecordStatus.READY, RecordStatus.RETRIEVED, RecordStatus.CHAIN_READY})
_FINAL = frozenset({RecordStatus.UPDATED, RecordStatus.STALE, RecordStatus.CANCELLED, RecordStatus.AGENT_ERROR,
                    RecordStatus.CHAIN_UPDATED, RecordStatus.MISSED_CALLBACK})


class ContactInfoType(IntEnum):
    """`contact_info_type`: what kind of number or address."""
    NO_CONTACT_TYPE = 0
    HOME_PHONE = 1
    DIRECT_BUSINESS_PHONE = 2
    BUSINESS_WITH_EXT = 3
    MOBILE = 4
    VACATION_PHONE = 5
    PAGER = 6
    MODEM = 7
    VOICE_MAIL = 8
    PIN_PAGER = 9
    EMAIL_ADDRESS = 10
    INSTANT_MESSAGING = 11


class DialingMode(IntEnum):
    """How a campaign group dials; the value is the public number, `desktop` the word agents' desktops get."""
    NO_DIAL_MODE = 0
    PREDICTIVE = 1
    PROGRESSIVE = 2
    PREVIEW = 3
    PROGRESSIVE_SEIZING = 4
    PREDICTIVE_SEIZING = 5
    POWER = 6
    POWER_SEIZING = 7
    PUSH_PREVIEW = 8
    PROGRESSIVE_GVP = 9
    PREDICTIVE_GVP = 10
    POWER_GVP = 11

    @property
    def word(self) -> str:
        """The word in configuration and commands: "progressive", "push-preview"."""
        return self.name.lower().replace("_", "-")

    @property
    def watches_agents(self) -> bool:
        """True if the dialing depends on what agents do: not where only the lines to a voice application count."""
        return self not in (DialingMode.POWER_GVP, DialingMode.PROGRESSIVE_GVP)

    @property
    def desktop(self) -> str:
        """The value of GSW_CAMPAIGN_MODE."""
        return _DESKTOP_MODES[self]


_DESKTOP_MODES = {
    DialingMode.NO_DIAL_MODE: "", DialingMode.PREDICTIVE: "Predictive", DialingMode.PROGRESSIVE: "Progressive",
    DialingMode.PREVIEW: "Preview", DialingMode.PROGRESSIVE_SEIZING: "EngagedProgressive",
    DialingMode.PREDICTIVE_SEIZING: "EngagedPredictive", DialingMode.POWER: "Power",
    DialingMode.POWER_SEIZING: "EngagedPower", DialingMode.PUSH_PREVIEW: "PushPreview",
    DialingMode.PROGRESSIVE_GVP: "ProgressiveGVP", DialingMode.PREDICTIVE_GVP: "PredictiveGVP",
    DialingMode.POWER_GVP: "PowerGVP",
}


class OptimizationMethod(IntEnum):
    """CfgOptimizationMethod: what predictive dialing aims at, beside the abandon limit."""
    NONE = 0
    BUSY_FACTOR = 1
    OVERDIAL_RATE = 2
    WAIT_TIME = 3               # how long an agent waits between calls, on average
    DISTRIBUTION_TIME = 4       # how long a customer who answered waits for an agent, on average
    MAXIMUM_GAIN = 5            # of the power modes: as many calls as there are ports

    @property
    def word(self) -> str:
        """The word in configuration and commands: "busy-factor"."""
        return self.name.lower().replace("_", "-")

    @property
    def unit(self) -> str:
        """Of its goal: "%", "s", or "" where it has none."""
        return _UNITS.get(self, "")


_UNITS = {OptimizationMethod.BUSY_FACTOR: "%", OptimizationMethod.OVERDIAL_RATE: "%", OptimizationMethod.WAIT_TIME: "s",
          OptimizationMethod.DISTRIBUTION_TIME: "s"}
