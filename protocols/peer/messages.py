"""Messages between outbound contact servers ("peers"): the requests that each takes from the others.

Every server is a server to its peers and a client of each of them: requests go one way over a connection, news of campaigns the
other way. Names of attributes are the public ones where there are any. Source: docs/wire.md, section 17.
"""
from __future__ import annotations

from typing import Any, Mapping

from protocols.message import ErrorCode, Refused, Vocabulary

__all__ = ["ENTRIES_LIMIT", "VOCABULARY", "checked_entries"]

ENTRIES_LIMIT = 100         # do-not-call entries in one request

_ENTRY_TYPES: dict[str, type] = {"Phone": str, "CustomerID": str, "CampaignName": str, "Message": str, "RequestedBy": str,
                                 "Origin": str, "TimeStamp": int, "RequestID": int}

VOCABULARY = Vocabulary(
    "peer OCS",
    {
        "RequestOpenPeer": ("ApplicationDBID", "Name", "StartedAt"),
        "RequestDoNotCall": ("Entries",),
        "RequestCancelRecord": (),
        "RequestOfferCallback": ("AgentID", "CallingList", "CampaignID", "GroupID"),
        "RequestTakeCallback": ("AgentID", "CallingList", "CampaignID", "GroupID"),
        "RequestCheckCampaign": ("CampaignID", "GroupID"),
    },
    {
        **dict.fromkeys(("AgentID", "CallingList", "CampaignName", "CustomerID", "Name", "Phone", "ServerVersion", "ThisDN"),
                        str),
        **dict.fromkeys(("ApplicationDBID", "CampaignID", "ChainAttr", "GroupID", "RecordHandle", "ServerRole"), int),
        "StartedAt": (int, float),
        "Entries": list,
    })


def checked_entries(value: list[Any]) -> list[Mapping[str, Any]]:
    """The maps of the attribute Entries; Refused names what is wrong with one. Other keys than the known are kept."""
    if not 1 <= len(value) <= ENTRIES_LIMIT:
        raise _wrong(f"1 to {ENTRIES_LIMIT} are expected, not {len(value)}")
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise _wrong(f"number {number} is not a map")
        for name, wanted in _ENTRY_TYPES.items():
            if name in entry and (isinstance(entry[name], bool) or not isinstance(entry[name], wanted)):
                raise _wrong(f"{name} of number {number}: {'a str' if wanted is str else 'an int'} is expected")
        if not entry.get("Phone") and not entry.get("CustomerID"):
            raise _wrong(f"number {number} has neither Phone nor CustomerID")
    return value


def _wrong(text: str) -> Refused:
    return Refused(ErrorCode.BAD_ATTRIBUTE, f"Entries: {text}")
