"""What only the database can tell of a configuration: whether filters, and fields that lists name, fit their columns."""
from __future__ import annotations

from typing import Iterator, Mapping, Protocol, Sequence

from ocs.app.campaigns import CallingListOptions, DialingFilterOptions
from ocs.app.rules import filter_text
from ocs.database.backend import backend_for, transaction
from ocs.dialing.filtering import FilterText
from ocs.dialing.values import CustomField
from ocs.errors import FilterError
from ocs.store.filters import filter_from_options
from ocs.store.registry import Catalog
from ocs.store.versions import check_version

__all__ = ["Fields", "known_lists", "list_problems"]

Fields = Mapping[str, Sequence[CustomField]]        # of each table


class _Tables(Protocol):
    """The tables of a configuration that speak of columns."""

    @property
    def dialing_filter(self) -> tuple[DialingFilterOptions, ...]: ...
    @property
    def calling_list(self) -> tuple[CallingListOptions, ...]: ...


def known_lists(url: str) -> Fields:
    """The tables of a database with their fields; for the command line. StoreUnavailable, ConfigurationError."""
    with transaction(backend_for(url), write=False) as work:
        check_version(work)
        return Catalog().calling_lists(work)


def list_problems(options: _Tables, known: Fields) -> list[str]:
    """What does not fit, each with its option; tables that the database does not have (yet) are passed over."""
    places = {one.name: f"dialing_filter[{number}]" for number, one in enumerate(options.dialing_filter, 1)}
    shared = {one.name: filter_text(one.criteria, one.order_by, one.name) for one in options.dialing_filter}
    problems = []
    for number, one in enumerate(options.calling_list, 1):
        if one.reads in known:
            place, fields = f"calling_list[{number}]", known[one.reads]
            problems += [f"{place}.{fault}" for fault in _field_faults(one, fields)]
            if one.filter in shared:
                problems += [f"{places[one.filter]}.{fault} (in calling list {one.name})"
                             for fault in _filter_faults(shared[one.filter], fields)]
            else:
                problems += [f"{place}.{fault}" for fault in _filter_faults(filter_text(one.criteria, one.order_by), fields)]
    return problems


def _filter_faults(text: FilterText | None, fields: Sequence[CustomField]) -> Iterator[str]:
    if text is not None:
        try:
            filter_from_options(text.by_option, fields)
        except FilterError as error:
            yield str(error)


def _field_faults(one: CallingListOptions, fields: Sequence[CustomField]) -> Iterator[str]:
    names = [field.name for field in fields]
    for option in ("disposition_field", "customer_id_field", "campaign_name_field", "region_field"):
        name = getattr(one, option)
        if name and name not in names:
            yield f"{option}: calling list {one.name} has no field {name!r}; its fields are {', '.join(names) or 'none'}"
