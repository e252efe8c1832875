"""Kinds of objects about people: persons, their logins and skills, places, groups."""
from __future__ import annotations

from ocs.configuration.declare import (
    description,
    flag,
    integer,
    name,
    reference,
    references,
    rows,
    short,
    state,
    tenant,
)
from ocs.configuration.model import Kind, Property, Rows

__all__ = ["PEOPLE"]

_PASSWORD = "Argon2 hash of the password, as `ocs config password` prints it."


def _group(word: str) -> tuple[Property | Rows, ...]:
    """What both kinds of groups have."""
    table = f"cfg_{word}"
    return (
        name("Name, unique."),
        tenant,
        references("managers", "managerDBIDs", "Persons in charge.", "person", f"{table}_manager"),
        references("route_dns", "routeDNDBIDs", "DNs from which calls come to the group.", "dn", f"{table}_route_dn"),
        references("agents", "agentDBIDs" if word == "agent_group" else "", "Persons, by employee id or agent id.", "person",
                   f"{table}_agent"),
        references("places", "placeDBIDs" if word == "place_group" else "", "Names of places.", "place", f"{table}_place"),
        references("dns", "", "DNs at which its agents may log in, beside those of places.", "dn", f"{table}_dn"),
        description,
        state,
    )


PEOPLE = (
    Kind("skill", 13, "cfg_skill", "skill", (
        name("Name, unique."),
        tenant,
        state,
    ), "CfgSkill"),
    Kind("place", 4, "cfg_place", "place", (
        name("Name, unique."),
        tenant,
        references("dns", "DNDBIDs", "DNs at it.", "dn", "cfg_place_dn"),
        state,
    ), "CfgPlace"),
    Kind("agent_login", 15, "cfg_agent_login", "agent login", (
        name("Agent id at the switch, unique there.", "loginCode", name="login_code"),
        reference("switch", "switchDBID", "Name of the switch; none = the only one.", "switch"),
        tenant,
        short("password", "password", _PASSWORD, secret=True),
        short("override", "override", "Id to use in its place."),
        flag("use_override", "useOverride", "Whether that is used."),
        integer("switch_specific_type", "switchSpecificType", "Type by the switch's own counting.", default=1),
        state,
    ), "CfgAgentLogin", naming="login_code", scope="switch", shared=True),
    Kind("person", 3, "cfg_person", "person", (
        name("Employee id, unique.", "employeeID", name="employee_id"),
        tenant,
        short("first_name", "firstName", "First name."),
        short("last_name", "lastName", "Last name."),
        short("user_name", "userName", "Name by which programs know the person."),
        short("password", "password", _PASSWORD, secret=True),
        flag("is_agent", "isAgent", "Whether calls come to this person.", True),
        reference("place", "agentInfo.placeDBID", "Name of the usual place.", "place"),
        references("agent_logins", "agentInfo.agentLogins", "Agent ids with which this person logs in.", "agent_login",
                   "cfg_person_agent_login"),
        rows("skills", "agentInfo.skillLevels", "What this person can do.", "cfg_person_skill",
             reference("skill", "skillDBID", "Name of the skill.", "skill", required=True),
             integer("level", "level", "How well.", default=1)),
        short("email_address", "emailAddress", "E-mail address."),
        short("external_id", "externalID", "Id in other systems."),
        state,
    ), "CfgPerson", naming="employee_id"),
    Kind("agent_group", 5, "cfg_agent_group", "agent group", _group("agent_group"), "CfgAgentGroup"),
    Kind("place_group", 6, "cfg_place_group", "place group", _group("place_group"), "CfgPlaceGroup"),
)
