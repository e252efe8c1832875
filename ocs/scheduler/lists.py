"""What a session knows of its calling lists: their fields, their filters as the store has read them, and why some of them
cannot be dialed as they are configured."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.dialing.custom_fields import fitting
from ocs.dialing.filtering import RecordFilter
from ocs.dialing.values import CustomField
from ocs.errors import FilterError, UnfitCallingList, UnknownCallingList

__all__ = ["KnownLists", "read_lists"]


@dataclass(frozen=True)
class KnownLists:
    """Read at one moment, for one group."""

    fields: Mapping[str, tuple[CustomField, ...]] = field(default_factory=dict)     # of every table in the database
    filters: Mapping[str, RecordFilter] = field(default_factory=dict)               # of the group's lists that have one
    faults: Mapping[str, str] = field(default_factory=dict)                         # list -> why it cannot be dialed

    def dialed(self, group: CampaignGroup) -> CampaignGroup:
        """The group; lists that cannot be dialed are not active."""
        if not self.faults:
            return group
        return replace(group, lists=tuple(replace(each, active=False) if each.name in self.faults else each
                                          for each in group.lists))

    def refuse_faults(self) -> None:
        """UnfitCallingList if anything is wrong with any of the lists."""
        if self.faults:
            raise UnfitCallingList("; ".join(self.faults.values()))


async def read_lists(store: Any, group: CampaignGroup) -> KnownLists:
    """Ask the store (IStore) for what is needed to dial the group's lists. UnknownCallingList for one whose table the database
    does not have, StoreUnavailable; what does not fit a table's columns is among the faults."""
    fields: Mapping[str, tuple[CustomField, ...]] = await store.calling_lists()
    missing = [f"{each.table} (of calling list {each.name})" if each.table else each.name
               for each in group.lists if each.reads not in fields]
    if missing:
        raise UnknownCallingList(f"calling list {', '.join(missing)} is not in the database")
    filters: dict[str, RecordFilter] = {}
    faults: dict[str, str] = {}
    for each in group.lists:
        try:
            _check_fields(each, group.campaign, fields[each.reads])
            if each.filter is not None:
                filters[each.name] = await store.dialing_filter(each.reads, each.filter.by_option)
        except FilterError as error:
            named = f"filter {each.filter.name}: " if each.filter is not None and each.filter.name else ""
            faults[each.name] = f"calling list {each.name}: {named}{error}"
        except UnfitCallingList as error:
            faults[each.name] = str(error)
    return KnownLists(fields, filters, faults)


def _check_fields(calling_list: CallingList, campaign: str, fields: tuple[CustomField, ...]) -> None:
    known = {one.name: one for one in fields}
    for option in ("disposition_field", "customer_id_field", "campaign_name_field", "caller_id_field", "ring_tone_field",
                   "region_field"):
        name = calling_list.windows.region_field if option == "region_field" else getattr(calling_list, option)
        if name and name not in known:
            raise UnfitCallingList(f"calling list {calling_list.name}: {option}: the list has no field {name!r}; its fields are"
                                   f" {', '.join(known) or 'none'}")
    if calling_list.campaign_name_field:
        try:
            fitting(known[calling_list.campaign_name_field], campaign)
        except ValueError as error:
            raise UnfitCallingList(f"calling list {calling_list.name}: campaign_name_field: {campaign}: {error}") from None
