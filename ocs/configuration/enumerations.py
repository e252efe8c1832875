"""The public enumerations of configuration objects that dialing itself does not know; the values are the public numbers.

Source: the public configuration object model (CfgDNType, CfgAppType, CfgTableType ...).
"""
from __future__ import annotations

from enum import IntEnum

__all__ = ["ApplicationType", "DataType", "DNType", "FieldType", "Flag", "GroupType", "ObjectState", "OperationMode",
           "TableType"]


class Flag(IntEnum):
    """CfgFlag: how the database has a yes or no."""
    UNKNOWN = 0
    FALSE = 1
    TRUE = 2


class ObjectState(IntEnum):
    """CfgObjectState. Objects that are removed are gone: 3, Deleted, is in no table."""
    ENABLED = 1
    DISABLED = 2


class GroupType(IntEnum):
    """What a campaign group's group is: the number of the kind of object."""
    AGENTS = 5
    PLACES = 6


class OperationMode(IntEnum):
    """CfgOperationMode."""
    NONE = 0
    MANUAL = 1
    SCHEDULE = 2


class DataType(IntEnum):
    """CfgDataType: of a field's values."""
    NONE = 0
    INT = 1
    FLOAT = 2
    CHAR = 3
    VARCHAR = 4
    DATETIME = 5


class FieldType(IntEnum):
    """CfgFieldType: what a field of a calling list means."""
    NONE = 0
    RECORD_ID = 1
    PHONE = 2
    RECORD_TYPE = 3
    RECORD_STATUS = 4
    DIAL_RESULT = 5
    NUMBER_OF_ATTEMPTS = 6
    SCHEDULED_TIME = 7
    CALL_TIME = 8
    FROM = 9
    UNTIL = 10
    TIME_ZONE = 11
    CAMPAIGN_ID = 12
    AGENT_ID = 13
    CHAIN_ID = 14
    NUMBER_IN_CHAIN = 15
    CUSTOM_FIELD = 16
    ANI = 17
    LATA = 18
    NPA = 19
    NPA_NXX = 20
    STATE_CODE = 21
    INFO_DIGITS = 22
    COUNTRY_CODE = 23
    PHONE_TYPE = 24
    GROUP_DBID = 25
    APP_DBID = 26
    TREATMENTS = 27
    MEDIA_REFERENCE = 28
    EMAIL_SUBJECT = 29
    EMAIL_TEMPLATE_ID = 30
    SWITCH_ID = 31


class TableType(IntEnum):
    """CfgTableType: what a table behind a table access is for."""
    NONE = 0
    CALLING_LIST = 1
    LOG_TABLE = 2
    ANI = 3
    LATA = 4
    NPA = 5
    NPA_NXX = 6
    STATE_CODE = 7
    INFO_DIGITS = 8
    COUNTRY_CODE = 9
    CUSTOM = 10
    DO_NOT_CALL_LIST = 11
    EMAIL_CONTACT_LISTS = 12


class DNType(IntEnum):
    """CfgDNType."""
    EXTENSION = 1
    ACD_POSITION = 2
    ACD_QUEUE = 3
    ROUTING_POINT = 4
    VIRTUAL_ACD_QUEUE = 5
    VIRTUAL_ROUTING_POINT = 6
    EA_PORT = 7
    VOICE_MAIL = 8
    CELLULAR = 9
    CP = 10
    FAX = 11
    DATA = 12
    MUSIC = 13
    TRUNK = 14
    TRUNK_GROUP = 15
    TIE_LINE = 16
    TIE_LINE_GROUP = 17
    MIXED = 18
    EXTERNAL_ROUTING_POINT = 19
    DESTINATION_LABEL = 20
    SERVICE_NUMBER = 21
    ROUTING_QUEUE = 22
    COMMUNICATION = 23
    EMAIL = 24
    VOIP = 25
    VIDEO = 26
    CHAT = 27
    CO_BROWSE = 28
    VOIP_SERVICE = 29
    WORKFLOW = 30
    ACCESS_RESOURCE = 31
    GVP_DID = 32


class ApplicationType(IntEnum):
    """CfgAppType, those that an outbound site has; `ocs` is CMServer of the public list."""
    TSERVER = 1
    STAT_SERVER = 2
    DB_SERVER = 8
    ICON = 9
    CPD_SERVER = 10
    LIST_MANAGER = 11
    OCS = 12
    OCM = 13
    ROUTER_SERVER = 15
    AGENT_DESKTOP = 18
    CONFIGURATION_SERVER = 21
    THIRD_PARTY_APP = 22
    THIRD_PARTY_SERVER = 23
    MESSAGE_SERVER = 42
    SCS = 43
    CPD_SERVER_PROXY = 93
    INTERACTION_SERVER = 111
    GVP_OBN_MANAGER = 143
    MCP = 145
    MEDIA_SERVER = 151
    ORS = 161
