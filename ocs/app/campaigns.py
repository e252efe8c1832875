"""What is dialed for whom: treatments, lists, groups and campaigns as option tables and as the engine's values."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Protocol

from ocs.app.callers import number_problems
from ocs.app.calling_rules import ComplianceOptions, add_rules, rules_named
from ocs.app.calls import CallOptions
from ocs.app.rules import (
    DialingFilterOptions,
    HolidayCalendarOptions,
    TreatmentOptions,
    calendar_of,
    filter_problems,
    filter_text,
    hours_problems,
    list_windows,
    treatment_of,
)
from ocs.dialing.actions import CallAction, Treatment
from ocs.dialing.assignment import AssignmentRules
from ocs.dialing.campaign import (
    AgentGroup,
    CallbackDialing,
    CallbackDistribution,
    CallingList,
    CampaignGroup,
    GroupKind,
)
from ocs.dialing.compliance.rules import Rule
from ocs.dialing.results import CallResult
from ocs.dialing.shares import DEFAULT_SHARE, TypePriorities
from ocs.options import AT_NEXT_LOAD, AT_RESTART, REQUIRED, NumberedText, option, table
from ocs.store.phones import known_region

__all__ = ["AgentGroupOptions", "AtStart", "CallingListOptions", "CampaignGroupOptions",
           "CampaignOptions", "DialingFilterOptions", "HolidayCalendarOptions", "ListShareOptions", "TreatmentOptions",
           "calling_lists", "campaign_groups", "reference_problems"]


class AtStart(Enum):
    """What happens to a campaign group when the server starts."""
    MANUAL = "manual"
    LOAD = "load"
    START = "start"


@dataclass(frozen=True)
class CallingListOptions:
    """How the contacts of a table in the database are dialed; `ocs list import` fills the table."""

    name: str = option(REQUIRED, example="spring", text="Name of the list, unique.")
    dbid: int = option(REQUIRED, example=1, low=1, text="Number of the list, unique; agents' desktops get it.")
    table: str = option(
        "", effect=AT_NEXT_LOAD, text="Name under which the table was imported; empty = that of the list. Several lists may read "
                                      "one table, each with its own filter, treatments and hours.")
    maximum_attempts: int = option(
        10, low=1, high=10_000, unit="attempts", text="A record is dialed this often at most.")
    treatments: tuple[str, ...] = option((), text="Names of the treatments that apply.")
    disposition_field: str = option(
        "", text="User-defined field whose values, when an agent gives one, trigger treatments; looked at before the result.")
    customer_id_field: str = option(
        "", text="User-defined field that holds the customer id; empty = dialing.customer_id_field.")
    campaign_name_field: str = option(
        "", text="User-defined field that gets the campaign's name when a record is dialed; empty = none.")
    hours: tuple[str, ...] = option(
        (), example=("mon-fri 08:00-20:00", "sat 10:00-14:00"),
        text="When the list is dialed, by the clock in each record's time zone and beside the record's own window; weekdays "
             "that are not named are closed; no line = all days.")
    holiday_calendars: tuple[str, ...] = option((), text="Names of the calendars on whose days it is not dialed.")
    rules: tuple[str, ...] = option(
        (), example=("us-ftc",),
        text="Names of calling rules (docs/compliance.md) that hold for its records, beside those of the campaign group.")
    region_field: str = option(
        "", text="User-defined field with the region in which the record's person lives, like US-FL, for rules of regions; where "
                 "a record has none the number tells. Empty = none.")
    phone_region: str = option(
        "", example="US", text="Country (ISO 3166, two letters) of numbers without + in requests to add a record, which are then "
                               "read as an import reads them; empty = none, every number is in E.164.")
    filter: str = option("", text="Name of the dialing filter that applies; or give criteria and order_by here.")
    criteria: NumberedText = option(
        NumberedText(), text="What a record must meet to be dialed, as behind WHERE in SQL, over the list's own columns; none = "
                             "every record. A long text goes on in criteria1, criteria2 ...")
    order_by: NumberedText = option(
        NumberedText(), text="What is dialed first, as behind ORDER BY in SQL; it rules the phones of a chain, too. It goes on "
                             "in order_by1 ...")
    dial_log_destination: Path | None = option(
        None, effect=AT_RESTART, text="File of the list's record history, a line for each record that is processed; empty = "
                                      "none. Each list needs its own.")
    dial_log_delimiter: str = option(
        "", effect=AT_RESTART, text="What stands between the values of a line of it; empty = a tab.")
    cpn_digits: str = option(
        "", text="Caller's number that the called party is shown when its records are dialed, whatever the campaign group says.")
    caller_id_field: str = option(
        "", text="User-defined field that holds the caller's number of a record; it goes before every other.")
    ring_tone_field: str = option(
        "", text="User-defined field that holds the name of the tone with which an agent's telephone rings for a record.")
    record_processed: bool = option(
        False, text="Whether its records wait for the desktop's RecordProcessed even when their agent is ready again, whatever "
                    "the campaign group says.")
    check_dnc_list: bool = option(
        True, text="Whether its records are checked against the do-not-call list, callbacks apart; false switches the check "
                   "off for this list, and is audited.")

    @property
    def reads(self) -> str:
        """The name of its table."""
        return self.table or self.name

    def problems(self) -> list[str]:
        both = ["filter: give a filter's name, or criteria and order_by here, not both"]
        found = both if self.filter and (self.criteria or self.order_by) else []
        if len(self.dial_log_delimiter) > 8 or len(f"{self.dial_log_delimiter}.".splitlines()) > 1:
            found = [*found, "dial_log_delimiter: up to 8 characters are expected, no end of a line among them"]
        if self.phone_region and not known_region(self.phone_region.upper()):
            found = [*found, f"phone_region: {self.phone_region!r} is not a country code like US, GB, DE"]
        return [*hours_problems(self.hours), *found, *number_problems("cpn_digits", self.cpn_digits),
                *filter_problems(self.criteria, self.order_by)]


@dataclass(frozen=True)
class AgentGroupOptions:
    """Agents who work together."""

    name: str = option(REQUIRED, example="outbound", text="Name, unique.")
    dbid: int = option(
        REQUIRED, example=1, low=1, effect=AT_NEXT_LOAD, text="Number of the group, unique; retrieved records carry it.")
    agents: tuple[str, ...] = option(REQUIRED, example=("1001", "1002"), text="Agent ids of the members.")
    dns: tuple[str, ...] = option(REQUIRED, example=("7001", "7002"), text="Extensions at which they may log in.")
    kind: GroupKind = option(
        GroupKind.AGENTS, text="Whether the Stat Server knows it, by its name, as a group of agents or of places; it then says "
                               "who belongs to it, and agents is not looked at.")


@dataclass(frozen=True)
class ListShareOptions:
    """How much of what a campaign dials comes from one of its lists."""

    list: str = option(REQUIRED, example="spring", text="Name of one of the campaign's lists.")
    share: int = option(
        DEFAULT_SHARE, low=0, high=1_000_000,
        text="Its share of what is retrieved, beside the shares of the others; 10 and 30 are one to three, 0 is nothing.")
    active: bool = option(True, text="Whether it is dialed at present.")


@dataclass(frozen=True)
class CampaignOptions:
    """A purpose, and the lists that are dialed for it."""

    name: str = option(REQUIRED, example="renewals", text="Name, unique; do-not-call entries may be limited to it.")
    dbid: int = option(
        REQUIRED, example=1, low=1, effect=AT_NEXT_LOAD, text="Number of the campaign, unique; retrieved records carry it.")
    description: str = option("", text="What agents are told about it.")
    lists: tuple[str, ...] = option(REQUIRED, example=("spring",), text="Names of its calling lists.")
    shares: tuple[ListShareOptions, ...] = table()

    def problems(self) -> list[str]:
        found = [f"shares[{number}].list: {one.list} is not one of the campaign's lists"
                 for number, one in enumerate(self.shares, 1) if one.list and one.list not in self.lists]
        times = Counter(one.list for one in self.shares)
        return found + [f"shares: list {name} is given {count} times" for name, count in times.items() if count > 1]


@dataclass(frozen=True)
class CampaignGroupOptions(CallOptions):
    """A campaign and a group that works for it: the unit that is loaded, started, paced. Its name is Campaign@Group."""

    campaign: str = option(REQUIRED, example="renewals", text="Name of the campaign.")
    group: str = option(REQUIRED, example="outbound", text="Name of the agent group.")
    dbid: int = option(REQUIRED, example=1, low=1, effect=AT_NEXT_LOAD, text="Number of the campaign group, unique.")
    description: str = option("", text="What people are told about it.")
    minimum_buffer: float = option(
        4.0, low=0.1, high=1_000, unit="chains per agent", text="Retrieve records below this.")
    optimal_buffer: float = option(
        6.0, low=0.1, high=1_000, unit="chains per agent", text="Retrieve records up to this.")
    default_campaigncallback_priority: int = option(
        3, low=0, high=1_000, text="Priority of campaign callbacks: of what is due, the highest priority is dialed first.")
    default_campaignrescheduled_priority: int = option(2, low=0, high=1_000, text="The same for records that are retried.")
    default_general_priority: int = option(1, low=0, high=1_000, text="The same for records that were never dialed.")
    predictive_callback: CallbackDialing = option(
        CallbackDialing.AUTO_DIAL,
        text="How campaign callbacks are dialed: like other records, or by a ready agent who gets the record.")
    campaign_callback_distr: CallbackDistribution = option(
        CallbackDistribution.CAMPAIGN_GROUP,
        text="Who gets a campaign callback: anybody, or the agent who agreed on it, if that agent is logged in.")
    callback_observe_campaign: bool = option(False, text="Whether only callbacks are taken that this campaign agreed on.")
    callback_observe_group: bool = option(False, text="Whether only callbacks are taken that this group agreed on.")
    check_dnc_list: bool = option(
        True, text="Whether numbers are checked against the do-not-call list, callbacks apart; false switches the check off for "
                   "this group, and is audited.")
    check_dnc_callback: bool = option(True, text="The same for callbacks that were agreed on.")
    agent_preview_mode_start: bool = option(
        False, text="Whether agents get previews and callbacks only after PreviewDialingModeStart.")
    record_processed: bool = option(
        False, text="Whether its records wait for the desktop's RecordProcessed even when their agent is ready again, whatever "
                    "the server says.")
    desktop_chains_limit: int = option(
        10, low=1, high=1_000, unit="contacts", text="How many contacts an agent may have at hand when asking for another one.")
    rules: tuple[str, ...] = option(
        (), example=("us-ftc",),
        text="Names of calling rules (docs/compliance.md) that hold for its calls; of several the strictest.")
    detection_error_percent: float = option(
        0.0, low=0, high=100, unit="percent",
        text="Of the calls that detection takes for machines, how many are persons, as the site has measured: rules count them "
             "as abandoned.")
    undetected_machine_percent: float = option(
        0.0, low=0, high=100, unit="percent",
        text="Of the abandoned calls, how many are answered by machines, as the site has measured; some rules deduct them.")
    agent_assignment: bool = option(
        False, effect=AT_NEXT_LOAD,
        text="Whether it may dial, in any mode, for agents whom other groups that say so, too, have: each agent is assigned to "
             "one of them at a time.")
    agent_assignment_priority: int = option(
        1, low=1, high=1_000, text="Of groups that share agents that of the greatest priority is staffed first.")
    agent_assignment_min_num: int = option(
        0, low=-1, high=100_000, unit="agents",
        text="How many it has before others get more; 0 = it never has enough, -1 = only those whom no other group needs.")
    agent_assignment_max_num: int = option(
        0, low=0, high=100_000, unit="agents", text="How many it has at most; 0 = no limit. Who is left takes inbound calls.")
    agent_reassignment_if_waiting_ports: bool = option(
        False, text="Whether its agents go to other groups while it waits for ports.")
    agent_reassignment_if_waiting_ports_timeout_s: float = option(
        60.0, low=0, high=86_400, unit="seconds", text="After waiting so long.")
    agent_reassignment_if_waiting_records: bool = option(
        False, text="Whether its agents go to other groups while it waits for records.")
    agent_reassignment_if_waiting_records_timeout_s: float = option(
        60.0, low=0, high=86_400, unit="seconds", text="After waiting so long.")
    shared: bool = option(
        False, text="Whether peers ([[peer_server]]) may have the same campaign group loaded at the same time.")
    at_start: AtStart = option(AtStart.MANUAL, effect=AT_RESTART, text="What is done with it when the server starts.")

    @property
    def name(self) -> str:
        return f"{self.campaign}@{self.group}"

    @property
    def assignment(self) -> AssignmentRules:
        """How it shares agents."""
        ports, records = self.agent_reassignment_if_waiting_ports, self.agent_reassignment_if_waiting_records
        return AssignmentRules(
            self.agent_assignment_priority, self.agent_assignment_min_num, self.agent_assignment_max_num,
            self.agent_reassignment_if_waiting_ports_timeout_s if ports else None,
            self.agent_reassignment_if_waiting_records_timeout_s if records else None)

    def problems(self) -> list[str]:
        found = self.call_problems()
        if 0 < self.agent_assignment_max_num < self.agent_assignment_min_num:
            found.append(f"agent_assignment_max_num: {self.agent_assignment_max_num} is below agent_assignment_min_num")
        if self.optimal_buffer < self.minimum_buffer:
            found.append(f"optimal_buffer: {self.optimal_buffer:g} is below minimum_buffer {self.minimum_buffer:g}")
        return found


class Tables(Protocol):
    """The arrays of a configuration that refer to each other."""

    @property
    def treatment(self) -> tuple[TreatmentOptions, ...]: ...
    @property
    def holiday_calendar(self) -> tuple[HolidayCalendarOptions, ...]: ...
    @property
    def dialing_filter(self) -> tuple[DialingFilterOptions, ...]: ...
    @property
    def calling_list(self) -> tuple[CallingListOptions, ...]: ...
    @property
    def agent_group(self) -> tuple[AgentGroupOptions, ...]: ...
    @property
    def campaign(self) -> tuple[CampaignOptions, ...]: ...
    @property
    def campaign_group(self) -> tuple[CampaignGroupOptions, ...]: ...
    @property
    def compliance(self) -> ComplianceOptions: ...


def campaign_groups(tables: Tables) -> dict[str, CampaignGroup]:
    """The engine's values, by name; the references of `tables` must have been checked. ConfigurationError where a rule's file is
    gone since."""
    lists = calling_lists(tables)
    groups = {one.name: AgentGroup(one.name, one.dbid, one.agents, one.dns, one.kind) for one in tables.agent_group}
    campaigns = {one.name: one for one in tables.campaign}
    made = [_campaign_group(one, campaigns[one.campaign], groups[one.group], lists,
                            rules_named(one.rules, tables.compliance.rules_directory)) for one in tables.campaign_group]
    return {group.name: group for group in made}


def calling_lists(tables: Tables) -> dict[str, CallingList]:
    """The engine's values, by name, without what only a campaign says of them (shares); as `campaign_groups`."""
    treatments = {one.name: treatment_of(one) for one in tables.treatment}
    calendars = {one.name: calendar_of(one) for one in tables.holiday_calendar}
    filters = {one.name: filter_text(one.criteria, one.order_by, one.name) for one in tables.dialing_filter}
    made = {one.name: CallingList(one.name, one.dbid, one.maximum_attempts, tuple(treatments[name] for name in one.treatments),
                                  one.disposition_field,
                                  replace(list_windows(one.hours, (calendars[name] for name in one.holiday_calendars)),
                                          region_field=one.region_field),
                                  check_dnc_list=one.check_dnc_list, table=one.table,
                                  customer_id_field=one.customer_id_field, campaign_name_field=one.campaign_name_field,
                                  cpn_digits=one.cpn_digits, caller_id_field=one.caller_id_field,
                                  ring_tone_field=one.ring_tone_field, phone_region=one.phone_region.upper(),
                                  record_processed=one.record_processed,
                                  filter=filters[one.filter] if one.filter else filter_text(one.criteria, one.order_by))
            for one in tables.calling_list}
    return {one.name: add_rules(made[one.name], rules_named(one.rules, tables.compliance.rules_directory))
            for one in tables.calling_list}


def _campaign_group(one: CampaignGroupOptions, campaign: CampaignOptions, group: AgentGroup,
                    lists: Mapping[str, CallingList], rules: tuple[Rule, ...]) -> CampaignGroup:
    shares = {each.list: each for each in campaign.shares}
    ours = [add_rules(replace(lists[name], share=shares[name].share, active=shares[name].active) if name in shares
                      else lists[name], rules) for name in campaign.lists]
    return CampaignGroup(
        dbid=one.dbid, campaign=one.campaign, campaign_dbid=campaign.dbid, group=group, lists=tuple(ours),
        campaign_description=campaign.description, description=one.description,
        minimum_buffer=one.minimum_buffer, optimal_buffer=one.optimal_buffer,
        priorities=TypePriorities(one.default_general_priority, one.default_campaignrescheduled_priority,
                                  one.default_campaigncallback_priority),
        predictive_callback=one.predictive_callback, campaign_callback_distr=one.campaign_callback_distr,
        callback_observe_campaign=one.callback_observe_campaign, callback_observe_group=one.callback_observe_group,
        check_dnc_list=one.check_dnc_list, check_dnc_callback=one.check_dnc_callback,
        agent_preview_mode_start=one.agent_preview_mode_start, desktop_chains_limit=one.desktop_chains_limit,
        record_processed=one.record_processed,
        rules=tuple(dict.fromkeys([*rules, *(rule for each in ours for rule in each.rules)])),
        detection_error=one.detection_error_percent / 100.0, undetected_machine=one.undetected_machine_percent / 100.0,
        agent_assignment=one.agent_assignment, assignment=one.assignment,
        shared=one.shared, **one.call_values())


def reference_problems(tables: Tables) -> list[str]:
    """Names and numbers given twice, and references to what there is not; each names its option."""
    return [*_doubles(tables), *_unknown("calling_list", "treatments", "treatment", tables.treatment,
                                         ((one, one.treatments) for one in tables.calling_list)),
            *_unknown("calling_list", "holiday_calendars", "holiday calendar", tables.holiday_calendar,
                      ((one, one.holiday_calendars) for one in tables.calling_list)),
            *_unknown("calling_list", "filter", "dialing filter", tables.dialing_filter,
                      ((one, (one.filter,)) for one in tables.calling_list)),
            *_unknown("campaign", "lists", "calling list", tables.calling_list,
                      ((one, one.lists) for one in tables.campaign)),
            *_unknown("campaign_group", "campaign", "campaign", tables.campaign,
                      ((one, (one.campaign,)) for one in tables.campaign_group)),
            *_unknown("campaign_group", "group", "agent group", tables.agent_group,
                      ((one, (one.group,)) for one in tables.campaign_group)),
            *_sequences(tables), *_shared_files(tables)]


def _shared_files(tables: Tables) -> Iterator[str]:
    """Lists whose record histories would go into one file."""
    files: dict[Path, str] = {}
    for number, one in enumerate(tables.calling_list, 1):
        if one.dial_log_destination is not None:
            first = files.setdefault(one.dial_log_destination, one.name)
            if first != one.name:
                yield f"calling_list[{number}].dial_log_destination: calling list {first} has the same file"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _doubles(tables: Tables) -> Iterator[str]:
    arrays: dict[str, tuple[_Named, ...]] = {
        "treatment": tables.treatment, "holiday_calendar": tables.holiday_calendar,
        "dialing_filter": tables.dialing_filter, "calling_list": tables.calling_list, "agent_group": tables.agent_group,
        "campaign": tables.campaign, "campaign_group": tables.campaign_group}
    for array, elements in arrays.items():
        names = Counter(one.name for one in elements if one.name.strip("@"))
        what = "campaign and group" if array == "campaign_group" else "name"
        yield from (f"{array}: {what} {name} is given {count} times" for name, count in names.items() if count > 1)
        dbids = Counter(getattr(one, "dbid", 0) for one in elements)
        yield from (f"{array}: dbid {dbid} is given {count} times"
                    for dbid, count in dbids.items() if dbid and count > 1)


def _unknown(array: str, option_name: str, what: str, known: Iterable[_Named],
             references: Iterable[tuple[_Named, tuple[str, ...]]]) -> Iterator[str]:
    names = {one.name for one in known}
    for number, (element, wanted) in enumerate(references, 1):
        yield from (f"{array}[{number}].{option_name}: there is no {what} {name} (in {array} {element.name})"
                    for name in wanted if name and name not in names)


def _sequences(tables: Tables) -> Iterator[str]:
    """Two treatments of one list that answer the same trigger at the same place, or rule the same call; dispositions without
    a field to find them in. (What cannot be read at all was told where it stands.)"""
    treatments = {}
    for each in tables.treatment:
        try:
            treatments[each.name] = treatment_of(each)
        except ValueError:
            continue
    for number, one in enumerate(tables.calling_list, 1):
        option_name = f"calling_list[{number}].treatments"
        places: dict[tuple[object, int], str] = {}
        for treatment in (treatments[name] for name in one.treatments if name in treatments):
            if treatment.disposition and not one.disposition_field:
                yield f"{option_name}: {treatment.name} answers a disposition, but the list has no disposition_field"
            for place, what in _places(treatment):
                if place in places:
                    yield f"{option_name}: {places[place]} and {treatment.name} both {what}"
                places[place] = treatment.name


def _places(treatment: Treatment) -> Iterator[tuple[tuple[object, int], str]]:
    """What at most one treatment of a list can be: a number in the sequence of a trigger; the rule of a call (number 0)."""
    result = treatment.call_result
    label = result.label if isinstance(result, CallResult) else treatment.disposition
    if treatment.call_action is not CallAction.NONE:
        yield (treatment.trigger, 0), f"rule the call after {label}"
    if not treatment.of_call_only:
        yield (treatment.trigger, treatment.sequence), f"answer {label} as no. {treatment.sequence}"
