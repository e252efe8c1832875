"""Whether the objects of the Configuration Database are in order, together and for each server that works with them."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocs.app.calling_rules import ComplianceOptions, rule_problems
from ocs.app.campaigns import (
    AgentGroupOptions,
    CallingListOptions,
    CampaignGroupOptions,
    CampaignOptions,
    DialingFilterOptions,
    HolidayCalendarOptions,
    TreatmentOptions,
    reference_problems,
)
from ocs.app.config import ApplicationOptions, DialingOptions, effect_problems
from ocs.app.desktops import AgentOptions
from ocs.app.list_checks import Fields, list_problems
from ocs.app.resolution import outbound_servers, server_tables
from ocs.app.switches import switch_problems
from ocs.app.vocabulary import SharedHttpRequestOptions
from ocs.configuration.checks import object_problems
from ocs.configuration.names import Objects
from ocs.errors import ConfigurationError
from ocs.links.http_options import outgoing_problems
from ocs.options import load, option, table
from ocs.store.named_statements import SqlStatementOptions

__all__ = ["configuration_problems"]


@dataclass(frozen=True)
class _SwitchName:
    """A switch, whether or not this server reaches it: what links there are only the server's own file knows."""

    name: str = option("", text="Its name.")


@dataclass(frozen=True)
class _SharedTables:
    """What the database says to a server, without what only the server's own file knows."""

    application: ApplicationOptions = table(ApplicationOptions)
    dialing: DialingOptions = table(DialingOptions)
    switch: tuple[_SwitchName, ...] = table()
    agent: tuple[AgentOptions, ...] = table()
    treatment: tuple[TreatmentOptions, ...] = table()
    holiday_calendar: tuple[HolidayCalendarOptions, ...] = table()
    dialing_filter: tuple[DialingFilterOptions, ...] = table()
    calling_list: tuple[CallingListOptions, ...] = table()
    agent_group: tuple[AgentGroupOptions, ...] = table()
    campaign: tuple[CampaignOptions, ...] = table()
    campaign_group: tuple[CampaignGroupOptions, ...] = table()
    http_request: tuple[SharedHttpRequestOptions, ...] = table()
    sql_statement: tuple[SqlStatementOptions, ...] = table()
    compliance: ComplianceOptions = table(ComplianceOptions)

    def problems(self) -> list[str]:
        view: Any = self        # of the tables' own kinds, but for files that lie with the servers
        return [*reference_problems(view), *effect_problems(view), *switch_problems(view), *rule_problems(view),
                *outgoing_problems((), (), self.http_request, (), ())]


def configuration_problems(objects: Objects, fields: Fields | None = None, rules: Path | None = None) -> list[str]:
    """Every problem, each naming object and field; one that several servers have is told once. With the fields of the tables of
    calling lists, filters and names of fields are checked against them. Calling rules are those that come with the program, and
    those in the folder `rules`."""
    problems = object_problems(objects)
    if problems:
        return problems
    for name in outbound_servers(objects):
        problems += _of_server(objects, name, fields, rules)
    return list(dict.fromkeys(problems))


def _of_server(objects: Objects, name: str, fields: Fields | None, rules: Path | None) -> list[str]:
    try:
        tables = server_tables(objects, name)
    except ConfigurationError as error:
        return error.problems
    try:
        compliance = {} if rules is None else {"rules_directory": str(rules)}
        loaded = load(_SharedTables, {**tables.mapping, "switch": [{"name": name} for name in tables.switches],
                                      "compliance": compliance})
    except ConfigurationError as error:
        return [tables.named(problem) for problem in error.problems]
    return [] if fields is None else [tables.named(problem) for problem in list_problems(loaded, fields)]
