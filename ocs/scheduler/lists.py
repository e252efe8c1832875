"""What a session knows of its calling lists: their fields, their filters as the store has read them, and why some of them
cannot be dialed as they are configured."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ocs.dialing.values import CallingList, CampaignGroup, CustomField, RecordFilter
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
            _check_disposition(each, fields[each.reads])
            if each.filter is not None:
                filters[each.name] = await store.dialing_filter(each.reads, each.filter.by_option)
        except FilterError as error:
            named = f"filter {each.filter.name}: " if each.filter is not None and each.filter.name else ""
            faults[each.name] = f"calling list {each.name}: {named}{error}"
        except UnfitCallingList as error:
            faults[each.name] = str(error)
    return KnownLists(fields, filters, faults)


def _check_disposition(calling_list: CallingList, fields: tuple[CustomField, ...]) -> None:
    names = [one.name for one in fields]
    if calling_list.disposition_field and calling_list.disposition_field not in names:
        raise UnfitCallingList(f"calling list {calling_list.name}: disposition_field: the list has no field"
                               f" {calling_list.disposition_field!r}; its fields are {', '.join(names) or 'none'}")
