"""A record with everything around it, as systems outside are told of it."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocs.dialing.campaign import AgentGroup, CallingList, CampaignGroup
from ocs.dialing.contact import Contact
from ocs.dialing.values import CustomField, Record

__all__ = ["GROUP", "contact"]

FIELDS = (CustomField("account", send_attribute="Account"), CustomField("balance", "float", send_attribute="balance"),
          CustomField("visits", "int", send_attribute="visits"), CustomField("secret", send_attribute="pin", secure=True),
          CustomField("inner"), CustomField("since", "datetime", send_attribute="since"))
GROUP = CampaignGroup(dbid=100, campaign="Spring", campaign_dbid=10, group=AgentGroup("Sales", 7, ("1001",), ("7001",)),
                      lists=(CallingList("Offer", 3),))
_RECORD = Record(record_id=15, chain_id=9, chain_n=1, contact_info="+12125550117", tz_name="America/New_York", tz_dbid=5,
                 attempt=2, fields={"account": "A-1", "balance": 1.5, "visits": 3, "secret": "4711", "inner": "x",
                                    "since": None})


def contact(record: Record | None = None, **changes: Any) -> Contact:
    """A contact; keywords that are fields of a record change the record."""
    of_record = {name: changes.pop(name) for name in tuple(changes) if name in Record.__dataclass_fields__}
    made = Contact(replace(record or _RECORD, **of_record), "Offer", 3, GROUP, FIELDS, record_handle=77)
    return replace(made, **changes)
