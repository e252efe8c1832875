"""Kinds of objects of a site: tenants, switches and what is on them, applications, time zones.

Source: the public configuration object model. Properties of it that nothing here has a use for (sites, contracts, capacity
rules, physical switches, hosts) are left out; what is ours has no public name.
"""
from __future__ import annotations

from ocs.configuration.declare import (
    description,
    flag,
    integer,
    member,
    name,
    reference,
    references,
    short,
    state,
    tenant,
)
from ocs.configuration.enumerations import ApplicationType, DNType
from ocs.configuration.model import Kind

__all__ = ["SITE"]

SITE = (
    Kind("tenant", 7, "cfg_tenant", "tenant", (
        name("Name, unique."),
        description,
        state,
    ), "CfgTenant", has_tenant=False, shared=True),
    Kind("application", 9, "cfg_application", "application", (
        name("Name, unique; servers look for options in sections of this name."),
        tenant,
        member("type", "type", "What it is.", ApplicationType, ApplicationType.OCS),
        short("version", "version", "Version of the program."),
        short("host", "hostDBID", "Host on which it runs.", column="host"),
        integer("port", "port", "Port on which it listens; 0 = none.", high=65_535),
        reference("backup_server", "backupServerDBID", "The application that takes its place.", "application"),
        references("connections", "appServerDBIDs", "Applications that it is a client of.", "application",
                   "cfg_application_connection"),
        description,
        state,
    ), "CfgApplication", shared=True),
    Kind("switch", 1, "cfg_switch", "switch", (
        name("Name, unique."),
        tenant,
        reference("tserver", "TServerDBID", "The T-Server in front of it.", "application"),
        short("dn_range", "DNRange", "Numbers of its DNs, for people."),
        description,
        state,
    ), "CfgSwitch", shared=True),
    Kind("dn", 2, "cfg_dn", "DN", (
        name("Number, unique on its switch.", "number", name="number"),
        reference("switch", "switchDBID", "Name of its switch; none = the only one.", "switch"),
        tenant,
        member("type", "type", "What it is.", DNType, DNType.EXTENSION),
        short("association", "association", "What it is associated with."),
        references("destinations", "destDNDBIDs", "DNs to which it leads.", "dn", "cfg_dn_destination"),
        flag("login_flag", "loginFlag", "Whether an agent logs in at it."),
        short("dn_login_id", "DNLoginID", "Login id of the DN itself."),
        flag("register_all", "registerAll", "Whether servers register it.", True),
        integer("trunks", "trunks", "Number of trunks."),
        short("override", "override", "Number to dial in its place."),
        flag("use_override", "useOverride", "Whether that is dialed."),
        integer("switch_specific_type", "switchSpecificType", "Type by the switch's own counting.", default=1),
        short("name", "name", "Name of the DN, beside its number."),
        state,
    ), "CfgDN", naming="number", scope="switch", shared=True),
    Kind("time_zone", 30, "cfg_time_zone", "time zone", (
        name("Name, unique; the IANA name serves best."),
        tenant,
        description,
        integer("offset", "offset", "From UTC.", low=-86_400, high=86_400, unit="seconds", column="utc_offset"),
        flag("is_dst_observed", "isDSTObserved", "Whether there is daylight saving time."),
        short("dst_start_date", "DSTStartDate", "When that begins, for people."),
        short("dst_stop_date", "DSTStopDate", "When that ends, for people."),
        integer("dst_offset", "DSTOffset", "From UTC while it lasts.", low=-86_400, high=86_400, unit="seconds"),
        short("name_netscape", "nameNetscape", "Its name in other programs."),
        short("name_ms_explorer", "nameMSExplorer", "Its name in still others."),
        state,
    ), "CfgTimeZone"),
)
