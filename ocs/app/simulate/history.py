"""A scenario from what a campaign has recorded: its attempts in the database, its settings in the server's configuration."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Mapping, Sequence

import tomli_w

from ocs.app.campaigns import CampaignGroupOptions
from ocs.app.config import OCSOptions
from ocs.app.simulate.estimate import estimate
from ocs.app.simulate.scenario import MODES, GroupOptions
from ocs.app.sources import load_server
from ocs.database.backend import backend_for, transaction
from ocs.dialing.values import Attempt
from ocs.errors import ConfigurationError
from ocs.options import enum_word
from ocs.simulation.center import QUEUE, TRUNK_GROUP
from ocs.store.attempts import attempts_of
from ocs.store.registry import Catalog
from ocs.store.versions import check_version

__all__ = ["Recorded", "as_toml", "recorded", "scenario_of"]

_DAY_S = 86_400.0
_NOT_HERE = frozenset({"cpd", "obn", "elsewhere", "interaction_queue", "ivr_profile", "voice_transfer_destination",
                       "trunk_group_dn"})
_EFFECTS = frozenset({"execute_sql", "send_http_request", "destination_dn"})


@dataclass(frozen=True)
class Recorded:
    """A scenario as decoded TOML, with what people should know about it (comments, each beginning with #)."""

    mapping: dict[str, Any]
    notes: tuple[str, ...]


def recorded(config: Path, campaign: str, days: int) -> Recorded:
    """The scenario of a campaign of this server, by its name or as Campaign@Group, from its calls of the last days. Blocks.
    ConfigurationError for a configuration, or a campaign, that cannot be used; StoreUnavailable, UnknownCallingList."""
    options = load_server(config).options
    group = _group(options, campaign)
    lists = next(one.lists for one in options.campaign if one.name == group.campaign)
    tables = dict.fromkeys(one.reads for one in options.calling_list if one.name in lists)
    attempts: list[Attempt] = []
    with transaction(backend_for(options.database.url), write=False) as work:
        check_version(work)
        for table in tables:
            Catalog().calling_list(work, table)
            attempts += [one for one in attempts_of(work, table) if one.campaign == group.campaign and one.group == group.group]
    return scenario_of(options, group, attempts, days)


def _group(options: OCSOptions, campaign: str) -> CampaignGroupOptions:
    found = [one for one in options.campaign_group if campaign in (one.campaign, one.name)]
    if len(found) != 1:
        known = ", ".join(sorted(one.name for one in options.campaign_group)) or "none"
        raise ConfigurationError([f"campaign {campaign}: {'works for several groups' if found else 'there is no such campaign'}"
                                  f" (there: {known})"])
    return found[0]


def scenario_of(options: OCSOptions, group: CampaignGroupOptions, attempts: Sequence[Attempt], days: int) -> Recorded:
    """The scenario of these attempts, those of the last days, and of the server's settings. ConfigurationError where there is
    nothing to go by, or nothing that can be simulated."""
    if group.mode not in MODES or group.ivr_profile:
        raise ConfigurationError([f"campaign {group.campaign}: mode {group.mode.word} cannot be made a scenario of"])
    last = max((one.dialed_at for one in attempts if one.dialed_at is not None), default=0.0)
    recent = [one for one in attempts if one.dialed_at is not None and one.dialed_at > last - days * _DAY_S]
    try:
        found = estimate(recent)
    except ValueError as error:
        raise ConfigurationError([f"campaign {group.campaign}: {error}"]) from None
    notes = [*found.notes]
    settings = {name: value for name, value in _changed(group, GroupOptions()).items()
                if name in GroupOptions.__dataclass_fields__ and name not in _NOT_HERE}
    if group.trunk_group_dn:
        settings["trunk_group_dn"] = TRUNK_GROUP
    settings["voice_transfer_destination"] = QUEUE
    if group.cpd or group.obn:
        notes.append("# in the simulation the T-Server places the calls")
    campaign = next(one for one in options.campaign if one.name == group.campaign)
    ours = [one for one in options.calling_list if one.name in campaign.lists]
    names = dict.fromkeys(name for one in ours for name in one.treatments)
    treatments = [_changed(one, None, _EFFECTS) for one in options.treatment if one.name in names]
    length = "one day" if found.days == 1 else f"{found.days} days"
    mapping = {
        "name": f"{group.name} as recorded", "description": f"Made from {found.calls:,} calls of {length}.",
        **found.mapping, "campaign_group": settings, "treatment": treatments,
        "dialing": _changed(options.dialing, type(options.dialing)())}
    mapping["calling_list"]["maximum_attempts"] = min(one.maximum_attempts for one in ours)
    return Recorded(mapping, tuple(notes))


def _changed(value: Any, default: Any, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The options of a table that differ from another one's, or from their own defaults, as decoded TOML; no tables in it."""
    found: dict[str, Any] = {}
    for each in dataclasses.fields(value):
        if "rule" not in each.metadata or each.name in without:
            continue
        own, other = getattr(value, each.name), getattr(default, each.name, each.default)
        if own != other and own is not None:
            found[each.name] = _plain(own)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return enum_word(value)
    return list(value) if isinstance(value, tuple) else value


def as_toml(made: Recorded) -> str:
    """A scenario file."""
    mapping: Mapping[str, Any] = {name: value for name, value in made.mapping.items() if value not in ({}, [])}
    return "\n".join([*made.notes, "", tomli_w.dumps(mapping)])
