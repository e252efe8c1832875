"""How the server's own tables speak of objects of the Configuration Database: which option of them is which of an object."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import Mapping

from ocs.app.campaigns import (
    AgentGroupOptions,
    CallingListOptions,
    CampaignGroupOptions,
    CampaignOptions,
    DialingFilterOptions,
    HolidayCalendarOptions,
    TreatmentOptions,
)
from ocs.app.config import DialingOptions, OCSOptions
from ocs.app.switches import SwitchOptions
from ocs.configuration.kinds import KINDS
from ocs.configuration.lookup import DEFAULT, ORDINARY
from ocs.configuration.vocabulary import Vocabulary
from ocs.links.http_options import HeaderOptions, HttpRequestOptions
from ocs.options import option, table
from ocs.store.named_statements import SqlStatementOptions

__all__ = ["TABLES", "VOCABULARY", "SharedHttpRequestOptions"]

# kind -> option table of the server
TABLES: Mapping[str, type] = MappingProxyType({
    "treatment": TreatmentOptions, "holiday_calendar": HolidayCalendarOptions, "dialing_filter": DialingFilterOptions,
    "calling_list": CallingListOptions, "agent_group": AgentGroupOptions, "campaign": CampaignOptions,
    "campaign_group": CampaignGroupOptions, "http_request": HttpRequestOptions, "sql_statement": SqlStatementOptions})

_OUTBOUND = "Outbound"
# public names of options that the server's tables call otherwise
_CAMPAIGN_GROUP = {
    "multiplier": "progressive_blending_coefficient", "reserved_agents": "progressive_blending_reserved_agents",
    "ring_timeout_s": "call_wait_original_establish_timeout",
    "call_wait_in_queue_timeout_s": "call_wait_in_queue_timeout",
    "call_wait_agent_connected_timeout_s": "call_wait_agent_connected_timeout",
    "call_timeguard_timeout_ms": "call_timeguard_timeout", "cpn_digits": "CPNDigits", "cpn_display_name": "CPNDisplayName",
    "cpn_type": "CPNType", "cpn_plan": "CPNPlan", "cpn_presentation": "CPNPresentation", "cpn_screening": "CPNScreening",
    "caller_id_sets": "caller-id-sets", "caller_id_rotation": "caller-id-rotation",
    "desktop_chains_limit": "desktop-chains-limit",
    "assured_connect": "assured-connect", "asm_drop_announcement": "asm_drop_announcement_data",
    "campaign_callback_distr": "campaign-callback-distr", "callback_observe_campaign": "callback-observe-campaign",
    "callback_observe_group": "callback-observe-group", "agent_assignment": "agent-assignment",
    "agent_assignment_priority": "agent-assignment-priority", "agent_assignment_min_num": "agent-assignment-min-num",
    "agent_assignment_max_num": "agent-assignment-max-num",
    "agent_reassignment_if_waiting_ports": "agent-reassignment-if-waiting-ports",
    "agent_reassignment_if_waiting_ports_timeout_s": "agent-reassignment-if-waiting-ports-timeout",
    "agent_reassignment_if_waiting_records": "agent-reassignment-if-waiting-records",
    "agent_reassignment_if_waiting_records_timeout_s": "agent-reassignment-if-waiting-records-timeout"}
_APPLICATION = {"stale_clean_timeout_min": "stale_clean_timeout", "treatment_sched_threshold_min": "treatment_sched_threshold",
                "customer_id_field": "customer_id", "cancel_on_desktop": "cancel-on-desktop"}
_PRIORITIES = ("default_general_priority", "default_campaignrescheduled_priority", "default_campaigncallback_priority")


@dataclass(frozen=True)
class _Header(HeaderOptions):
    """A header whose file lies with each server, and whose value may be left out of a file."""

    value_file: str = option("", text="File of each server whose first line is the value.")     # type: ignore[assignment]

    def problems(self) -> list[str]:
        twice = ["value: given twice, here and by value_file"] if self.value and self.value_file else []
        return HeaderOptions(name=self.name, value=self.value or "none").problems() + twice


@dataclass(frozen=True)
class SharedHttpRequestOptions(HttpRequestOptions):
    """A request as files and the database have it."""

    header: tuple[_Header, ...] = table(text="Headers of this request, beside those of every request.")


@dataclass(frozen=True)
class _SharedSwitch(SwitchOptions):
    """A switch as files have it: that of a server's own file is a link of that server, too."""

    def problems(self) -> list[str]:
        return []       # a switch that no server reaches by name may have any name


def _keys() -> dict[tuple[str, str], tuple[str, str]]:
    keys = {("campaign_group", name): (ORDINARY, key) for name, key in _CAMPAIGN_GROUP.items()}
    keys |= {("application", name): (ORDINARY, key) for name, key in _APPLICATION.items()}
    keys |= {("campaign_group", name): (_OUTBOUND, name) for name in _PRIORITIES}
    keys |= {(kind, name): (DEFAULT, name) for kind in ("dialing_filter", "calling_list") for name in ("criteria", "order_by")}
    keys["calling_list", "customer_id_field"] = (ORDINARY, "customer_id")
    keys["calling_list", "cpn_digits"] = (ORDINARY, "CPNDigits")
    return keys


VOCABULARY = Vocabulary(
    bases=MappingProxyType({**TABLES, "http_request": SharedHttpRequestOptions, "application": DialingOptions,
                            "switch": _SharedSwitch}),
    keys=MappingProxyType(_keys()),
    apart=frozenset({("campaign", "shares"), ("agent_group", "kind"), *(
        ("switch", one.name) for one in dataclasses.fields(SwitchOptions) if one.name not in KINDS["switch"])}),
    server=frozenset(one.name for one in dataclasses.fields(OCSOptions)) - KINDS.keys() - {"dialing"})
