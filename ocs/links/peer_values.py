"""Values of `ocs.dialing` and the maps that stand for them in messages between peers. Source: docs/wire.md, section 17."""
from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from ocs.dialing.peering import CancelTarget, GroupKey, PeerIdentity, PeerSession
from ocs.dialing.session import SessionState
from ocs.dialing.values import DoNotCallEntry
from protocols.message import ErrorCode, Message, Refused
from protocols.peer.messages import ENTRIES_LIMIT

__all__ = ["cancel_attributes", "cancel_target", "entries_in_requests", "entry_from_wire", "group_key", "identity",
           "identity_attributes", "key_attributes", "session_attributes", "session_from"]

_ENTRY = {"Phone": "phone", "CustomerID": "customer_id", "CampaignName": "campaign", "Message": "message",
          "RequestedBy": "requested_by", "Origin": "origin", "TimeStamp": "time_stamp", "RequestID": "request_id"}


def entries_in_requests(entries: Iterable[DoNotCallEntry]) -> Iterator[dict[str, Any]]:
    """The attributes of as many requests as it takes."""
    maps = [{name: value for name, field in _ENTRY.items() if (value := getattr(one, field)) not in (None, "")}
            for one in entries]
    for start in range(0, len(maps), ENTRIES_LIMIT):
        yield {"Entries": maps[start:start + ENTRIES_LIMIT]}


def entry_from_wire(value: Mapping[str, Any]) -> DoNotCallEntry:
    """A checked map of the attribute Entries."""
    return DoNotCallEntry(internal=True, **{field: value[name] for name, field in _ENTRY.items() if name in value})


def identity_attributes(one: PeerIdentity) -> dict[str, Any]:
    """Who a server is."""
    return {"ApplicationDBID": one.dbid, "Name": one.name, "StartedAt": one.started_at, "ServerVersion": one.version,
            "ServerRole": one.role}


def identity(message: Message) -> PeerIdentity:
    """Who a peer says it is."""
    return PeerIdentity(str(message.get("Name", "")), _whole(message, "ApplicationDBID"), _number(message.get("StartedAt")),
                        str(message.get("ServerVersion", "")), _whole(message, "ServerRole"))


def key_attributes(key: GroupKey) -> dict[str, Any]:
    """Which campaign group."""
    return {"CampaignID": key.campaign_dbid, "GroupID": key.group_dbid}


def group_key(message: Message) -> GroupKey:
    """The campaign group that a message is about."""
    return GroupKey(_whole(message, "CampaignID"), _whole(message, "GroupID"))


def session_attributes(one: PeerSession) -> dict[str, Any]:
    """How a campaign group stands."""
    return {**key_attributes(one.key), "Name": one.name, "GroupCampaignStatus": int(one.state), "DialMode": one.mode,
            "Agents": one.agents, "Calls": one.calls, "RecordsHeld": one.held}


def session_from(message: Message) -> PeerSession:
    """How a campaign group of a peer stands; a state that is not known counts as loaded."""
    status = _whole(message, "GroupCampaignStatus")
    known = status in SessionState.__members__.values()
    return PeerSession(group_key(message), str(message.get("Name", ""))[:256], SessionState(status) if known else
                       SessionState.ACTIVE, *(_whole(message, name) for name in ("DialMode", "Agents", "Calls", "RecordsHeld")))


def cancel_attributes(target: CancelTarget) -> dict[str, Any]:
    """Which records are to be cancelled."""
    told = {"RecordHandle": target.handle, "Phone": target.phone, "CustomerID": target.customer_id,
            "CampaignName": target.campaign, "CallingList": target.calling_list, "ThisDN": target.dn,
            "ChainAttr": int(target.whole_chain)}
    return {name: value for name, value in told.items() if value not in (None, "")}


def cancel_target(message: Message) -> CancelTarget:
    """The same on the other side; Refused where nothing is named, or no agent with a handle."""
    target = CancelTarget(message.get("RecordHandle"), message.get("Phone", ""), message.get("CustomerID", ""),
                          message.get("CampaignName", ""), message.get("CallingList", ""), message.get("ThisDN", ""),
                          message.get("ChainAttr", 0) == 1)
    if target.handle is None and not target.phone and not target.customer_id:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "RecordHandle: missing, and so are Phone and CustomerID")
    if target.handle is not None and not target.dn:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, "ThisDN: missing; a handle is its agent's")
    return target


def _whole(message: Message, name: str) -> int:
    value = message.get(name, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
