"""User data of what is sent: answers and unsolicited events for the OCS, requests for a desktop; pure.

Every answer carries GSW_USER_EVENT (clients read it unchecked), the application id and campaign name, and the reference
id of the request unchanged, if it had one. Source: docs/desktop-protocol.md.
"""
from __future__ import annotations

from enum import Enum
from typing import Any, Union

from protocols.attributes import KVList, KVValue, first, octets, updated
from protocols.desktop import keys
from protocols.desktop.errors import DesktopError, DesktopErrorCode, Echo, ReferenceId
from protocols.desktop.fields import FIELDS
from protocols.desktop.index import REQUESTS
from protocols.desktop.messages import DesktopRequest
from protocols.desktop.record import RecordData
from protocols.errors import LocalProtocolError

__all__ = ["CampaignEvent", "acknowledge", "build_request", "campaign_event", "error_answer", "error_event",
           "record_event"]

_Pairs = list[tuple[str, KVValue]]
_REPEATED_LIMIT = 8_000     # octets of user-defined fields that an acknowledgement repeats: switches bound user data


class CampaignEvent(Enum):
    """What agents are told of a campaign group; the value is GSW_USER_EVENT."""
    LOADED = "CampaignLoaded"
    UNLOADED = "CampaignUnloaded"
    GROUP_ASSIGNED = "CampaignGroupAssigned"
    STARTED = "CampaignStarted"
    STOPPED = "CampaignStopped"
    MODE_CHANGED = "CampaignModeChanged"


def _base(event: str, echo: Echo) -> _Pairs:
    """The pairs that open every event; what is not known is not sent."""
    pairs: _Pairs = [(keys.USER_EVENT, event)]
    for key, value in ((keys.APPLICATION_ID, echo.application_id), (keys.CAMPAIGN_NAME, echo.campaign_name),
                       (keys.REFERENCE_ID, echo.reference_id)):
        if value is not None:
            pairs.append((key, value))
    return pairs


def acknowledge(request: DesktopRequest, event: str | None = None, pairs: KVList = ()) -> KVList:
    """The successful answer to a request. `event` defaults to the request's acknowledgement; `pairs` (what OCS knows:
    calling list, chain id ...) are added and win over what is repeated of the request. LocalProtocolError for an event
    that does not answer this request."""
    kind = request.kind
    if event is not None and event not in kind.events:
        raise LocalProtocolError(f"{event} does not answer {request.name}")
    answer = _base(event or kind.events[0], request.echo)
    if event is None or event == kind.events[0]:
        for key in kind.repeated:
            value = first(request.raw, key)
            if value is not None:
                answer.append((key, _canonical(request, key, value)))
        if kind.repeats_fields and octets(request.others) <= _REPEATED_LIMIT:
            answer.extend(request.others)
    return updated(tuple(answer), pairs)


def _canonical(request: DesktopRequest, key: str, value: KVValue) -> KVValue:
    """A repeated value in its proper type: a handle that came as a string goes back as an integer."""
    return value if key not in (keys.RECORD_HANDLE, keys.CALL_RESULT) else getattr(request, FIELDS[key].attribute)


def error_event(refused: DesktopRequest | Echo, code: DesktopErrorCode, detail: str = "") -> KVList:
    """The answer to a request that is not carried out; `detail` names the field or the state."""
    echo = refused.echo if isinstance(refused, DesktopRequest) else refused
    pairs = _base(code.event, echo)
    if echo.record_handle is not None:
        pairs.append((keys.RECORD_HANDLE, echo.record_handle))
    return (*pairs, (keys.ERROR, code.with_detail(detail)), (keys.ERROR_NUMBER, int(code)))


def error_answer(error: DesktopError) -> KVList:
    """The answer that a DesktopError is."""
    return error_event(error.echo, error.code, error.detail)


def campaign_event(kind: CampaignEvent, application_id: int, campaign_name: str, *, description: str = "",
                   group_name: str = "", group_description: str = "", mode: str = "",
                   reference_id: ReferenceId = None) -> KVList:
    """News of a campaign group for one agent. `group_name` is `Campaign@Group`, `mode` a GSW_CAMPAIGN_MODE word (sent
    where given); `reference_id` where it answers a CampaignStatusRequest."""
    pairs = _base(kind.value, Echo("", application_id, campaign_name, None, reference_id))
    pairs += [(keys.CAMPAIGN_DESCRIPTION, description), (keys.CAMPAIGN_GROUP_NAME, group_name),
              (keys.CAMPAIGN_GROUP_DESCRIPTION, group_description)]
    if mode:
        pairs.append((keys.CAMPAIGN_MODE, mode))
    return tuple(pairs)


def record_event(name: str, record: RecordData, reference_id: ReferenceId = None, pairs: KVList = ()) -> KVList:
    """An event about a record: PreviewRecord, ChainedRecord, ScheduledCall, RecordCancel; `pairs` are added and win."""
    base = _base(name, Echo("", record.application_id, record.campaign_name, None, reference_id))
    return updated(updated(tuple(base), record.pairs()), pairs)


_ATTRIBUTES = {field.attribute: field for field in FIELDS.values()}
RequestValue = Union[KVValue, Enum, Any]


def build_request(name: str, *, reference_id: ReferenceId = None, others: KVList = (),
                  **values: RequestValue) -> KVList:
    """The user data of a request. `values` are named as the attributes of DesktopRequest; None is left out; `others`
    are user-defined fields to be sent along. LocalProtocolError for a request, an attribute or a value that the
    protocol does not have, and for a mandatory one that is missing."""
    kind = REQUESTS.get(name)
    if kind is None:
        raise LocalProtocolError(f"no request {name}")
    pairs: _Pairs = [(keys.REQUEST, name)]
    for attribute, value in values.items():
        field = _ATTRIBUTES.get(attribute)
        if field is None or (field.key not in kind.keys and field.key != keys.APPLICATION_ID):
            raise LocalProtocolError(f"{name} has no {attribute}")
        if value is None:
            continue
        try:
            written = field.write(value)
            field.read(field.key, written)
        except (KeyError, AttributeError, DesktopError) as error:
            raise LocalProtocolError(f"{name}: {attribute} cannot be {value!r}: {error}") from None
        pairs.append((field.key, written))
    given = {key for key, value in pairs if value != ""}
    missing = [key for key in kind.mandatory if key not in given]
    if kind.application_id and keys.APPLICATION_ID not in given:
        missing.append(keys.APPLICATION_ID)
    if kind.one_of and not given.intersection(kind.one_of):
        missing.append(" or ".join(kind.one_of))
    if missing:
        raise LocalProtocolError(f"{name} without {', '.join(missing)}")
    if reference_id is not None:
        pairs.append((keys.REFERENCE_ID, reference_id))
    return (*pairs, *(pair for pair in others if pair[0] not in keys.CONTROL_KEYS))
