"""The configuration files of a demonstration: `etc/demo.toml` and the command line become one file a server."""
from __future__ import annotations

import os
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
from sqlalchemy.engine import URL, make_url

from ocs.app.demo.certificates import RunCertificates
from ocs.app.demo.options import DemoOptions
from ocs.clock import ScaledClock
from ocs.dialing.modes import PacedBy, rules_of
from ocs.errors import ConfigurationError
from ocs.lab.agents.behaviour import AgentBehaviour
from ocs.lab.people import AgentPerson
from ocs.options import load
from ocs.passwords import hash_password

__all__ = ["CALLING_LIST", "CAMPAIGN", "CAMPAIGN_GROUP_DBID", "COMMUNICATION_DN", "GROUP", "LIST_DBID", "LabTime", "Plan",
           "SESSION", "VISITOR_DBID", "cpdserver_config", "icon_config", "interaction_config", "make_plan", "obn_config",
           "ocs_config", "statserver_config", "tserver_config", "write_config"]

CALLING_LIST, CAMPAIGN, GROUP = "contacts", "demo", "agents"
SESSION = f"{CAMPAIGN}@{GROUP}"
QUEUE, ROUTING_POINT, COMMUNICATION_DN = "6001", "6500", "6900"
TRUNK_GROUP, CPD_TRUNK_GROUP, OBN_TRUNK_GROUP = "6800", "6850", "6860"
INTERACTION_QUEUE = "previews"
FIRST_DN, FIRST_LOGIN = 7001, 1001
LIST_DBID, CAMPAIGN_GROUP_DBID, VISITOR_DBID = 101, 401, 901
VISITORS = 3        # seats for a visitor's own clients
STOP_S = 8.0        # real seconds that calls get to finish on a stop


@dataclass(frozen=True)
class LabTime:
    """The laboratory's clock: it showed `wall_start` when the machine's showed `real_start` (epoch s)."""

    speed: float
    wall_start: float
    real_start: float

    def clock(self, reactor: Any) -> ScaledClock:
        return ScaledClock(reactor, self.speed, self.wall_start, self.real_start)

    def table(self) -> dict[str, float]:
        """As a server's configuration wants it."""
        return {"speed": float(self.speed), "wall_start": float(self.wall_start), "real_start": float(self.real_start)}


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first server starts."""

    options: DemoOptions
    folder: Path
    database: str
    time: LabTime
    agents: tuple[AgentPerson, ...]
    visitors: tuple[AgentPerson, ...]
    passwords: dict[str, str] = field(repr=False)       # application, or "manhole" -> password
    base: dict[str, Any] = field(repr=False)            # etc/demo.toml
    certificates: RunCertificates | None = None         # where TLS is spoken

    @property
    def listen_tls(self) -> dict[str, Any]:
        """What TLS adds to the table `[listen]` of a server."""
        return {} if self.certificates is None else {"tls": self.certificates.listen()}

    @property
    def http_listen_tls(self) -> dict[str, Any]:
        """The same for a port of HTTP, whose clients show tokens and no certificates."""
        return {name: {key: file for key, file in files.items() if key != "client_ca"} for name, files in self.listen_tls.items()}

    @property
    def link_tls(self) -> dict[str, Any]:
        """What TLS adds to the table of a link."""
        return {} if self.certificates is None else {"tls": self.certificates.link()}

    @property
    def icon_database(self) -> str:
        """URL of the interaction database: beside the calling lists on PostgreSQL, a file of its own otherwise."""
        if make_url(self.database).get_backend_name() == "sqlite":
            return URL.create("sqlite", database=str(self.folder / "icon.sqlite")).render_as_string()
        return self.database

    @property
    def behaviour(self) -> AgentBehaviour:
        return load(AgentBehaviour, self.base.get("agents", {}))

    @property
    def edge_s(self) -> float:
        """How far apart a check and its dial may lie: two real seconds."""
        return 2.0 * self.time.speed


def make_plan(options: DemoOptions, folder: Path, database: str, time: LabTime, demo_file: Path) -> Plan:
    """Read `etc/demo.toml`, invent passwords, seat the agents. ConfigurationError for a demo file that cannot be used."""
    try:
        base = tomllib.loads(demo_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"{demo_file}: {error}"]) from None
    unknown = sorted(base.keys() - {"ocs", "tserver", "statserver", "icon", "cpdserver", "interaction", "obn", "agents"})
    if unknown:
        raise ConfigurationError([f"{demo_file}: {name}: unknown table" for name in unknown])
    people = tuple(AgentPerson(str(FIRST_LOGIN + place), str(FIRST_DN + place), QUEUE, secrets.token_urlsafe(12))
                   for place in range(options.agents + VISITORS))
    passwords = {name: secrets.token_urlsafe(18) for name in (
        "ocs", "statserver", "cpdserver", "obn", "lab", "visitor", "manhole")}
    return Plan(options, folder, database, time, people[:options.agents], people[options.agents:], passwords, base,
                RunCertificates(folder, options.mutual_tls) if options.tls else None)


def tserver_config(plan: Plan) -> dict[str, Any]:
    """The T-Server's file."""
    given = plan.base.get("tserver", {})
    people = plan.agents + plan.visitors
    return {
        "listen": {"host": "127.0.0.1", "port": 0, "clients": len(people) + 200, "dns_per_client": len(people) + 1_024,
                   **plan.listen_tls, **given.get("listen", {})},
        "switch": {"call_log": str(plan.folder / "calls.jsonl"), **given.get("switch", {})},
        "simulator": {"seed": plan.options.seed, **given.get("simulator", {})},
        "ivr_application": given.get("ivr_application", []),
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "tserver.ready"), "stop_with_parent": True},
        "application": [{"name": name, "password_hash": hash_password(plan.passwords[name], cheap=True)}
                        for name in ("ocs", "statserver", "cpdserver", "obn", "lab", "visitor")],
        "dn": [{"number": str(FIRST_DN), "count": len(people)}, {"number": QUEUE, "kind": "acd-queue"},
               {"number": ROUTING_POINT, "kind": "routing-point"}, {"number": TRUNK_GROUP, "kind": "trunk-group"},
               {"number": CPD_TRUNK_GROUP, "kind": "trunk-group"}, {"number": OBN_TRUNK_GROUP, "kind": "trunk-group"},
               {"number": COMMUNICATION_DN, "kind": "communication"}],
        "agent": [{"id": one.login, "password_hash": hash_password(one.password, cheap=True), "queue": QUEUE}
                  for one in people],
    }


def statserver_config(plan: Plan, tserver_port: int) -> dict[str, Any]:
    """The Stat Server's file: every agent, each with a desk, and the group that the campaign is for."""
    given = plan.base.get("statserver", {})
    people = plan.agents + plan.visitors
    return {
        "listen": {"host": "127.0.0.1", "port": 0, **plan.listen_tls, **given.get("listen", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "statserver.ready"), "stop_with_parent": True},
        "application": [{"name": name, "password_hash": hash_password(plan.passwords[name], cheap=True)}
                        for name in ("ocs", "visitor")],
        "tserver": [{"name": "tserver", "host": "127.0.0.1", "port": tserver_port, "application": "statserver",
                     "password": plan.passwords["statserver"], "reconnect_min_s": 0.2, "reconnect_max_s": 2.0,
                     "dns": [one.dn for one in people], "trunk_groups": [TRUNK_GROUP, CPD_TRUNK_GROUP], **plan.link_tls}],
        "agent": [{"id": one.login, "dbid": 501 + place} for place, one in enumerate(people)],
        "place": [{"name": f"desk-{one.dn}", "dbid": 10_001 + place, "dns": [one.dn]} for place, one in enumerate(people)],
        "agent_group": [{"name": GROUP, "dbid": 301, "agents": [one.login for one in people]}],
        "place_group": [{"name": GROUP, "dbid": 302, "places": [f"desk-{one.dn}" for one in people]}],
    }


def cpdserver_config(plan: Plan, tserver_port: int) -> dict[str, Any]:
    """The CPD Server's file."""
    given = plan.base.get("cpdserver", {})
    return {
        "listen": {"host": "127.0.0.1", "port": 0, **plan.listen_tls, **given.get("listen", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "cpdserver.ready"), "stop_with_parent": True},
        "application": [{"name": name, "password_hash": hash_password(plan.passwords[name], cheap=True)}
                        for name in ("ocs", "visitor")],
        "tserver": {"host": "127.0.0.1", "port": tserver_port, "application": "cpdserver",
                    "password": plan.passwords["cpdserver"], "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "channels": {"trunk_group": CPD_TRUNK_GROUP, "number": 4 * len(plan.agents) + 20, **given.get("channels", {})},
        **({"detection": given["detection"]} if "detection" in given else {}),
    }


def interaction_config(plan: Plan) -> dict[str, Any]:
    """The Interaction Server's file."""
    given = plan.base.get("interaction", {})
    return {
        "listen": {"host": "127.0.0.1", "port": 0, **plan.listen_tls, **given.get("listen", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "interaction.ready"), "stop_with_parent": True},
        "application": [{"name": name, "password_hash": hash_password(plan.passwords[name], cheap=True)}
                        for name in ("ocs", "lab", "visitor")],
        "routing": given.get("routing", {}),
        "queue": [{"name": INTERACTION_QUEUE}],
        "agent": [{"id": one.login} for one in plan.agents + plan.visitors],
    }


def obn_config(plan: Plan, tserver_port: int) -> dict[str, Any]:
    """The Outbound Notification Manager's file."""
    given = plan.base.get("obn", {})
    return {
        "listen": {"host": "127.0.0.1", "port": 0, **plan.listen_tls, **given.get("listen", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "obn.ready"), "stop_with_parent": True},
        "tserver": {"host": "127.0.0.1", "port": tserver_port, "application": "obn", "password": plan.passwords["obn"],
                    "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "notification": {} if plan.certificates is None else {"roots_file": str(plan.certificates.ca)},
        "dialing": {"trunk_group": OBN_TRUNK_GROUP, "ports": len(plan.agents), **given.get("dialing", {})},
        "journal": {"file": str(plan.folder / "obn.journal")},
    }


def icon_config(plan: Plan) -> dict[str, Any]:
    """ICON's file."""
    given = plan.base.get("icon", {})
    return {
        "listen": {"host": "127.0.0.1", "port": 0, **plan.listen_tls, **given.get("listen", {})},
        "database": {"url": plan.icon_database, "create": True, **given.get("database", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "icon.ready"), "stop_with_parent": True},
        "application": [{"name": name, "password_hash": hash_password(plan.passwords[name], cheap=True)}
                        for name in ("ocs", "visitor")],
    }


def ocs_config(plan: Plan, tserver_port: int, statserver_port: int | None = None,
               icon_port: int | None = None, cpdserver_port: int | None = None,
               interaction_port: int | None = None, obn_port: int | None = None) -> dict[str, Any]:
    """The outbound contact server's file; without a Stat Server the T-Server tells of agents' states, without ICON nobody is
    told of history, without a CPD Server and an Outbound Notification Manager only the T-Server dials."""
    given = plan.base.get("ocs", {})
    people = plan.agents + plan.visitors
    treatments = given.get("treatment", [])
    return {
        "application": {"name": "ocs", "dbid": 1},
        "database": {"url": plan.database},
        "tserver": {"host": "127.0.0.1", "port": tserver_port, "application": "ocs", "password": plan.passwords["ocs"],
                    "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "statserver": {} if statserver_port is None else {
            "enabled": True, "host": "127.0.0.1", "port": statserver_port, "application": "ocs",
            "password": plan.passwords["ocs"], "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "icon": {} if icon_port is None else {
            "enabled": True, "host": "127.0.0.1", "port": icon_port, "application": "ocs", "password": plan.passwords["ocs"],
            "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, "spool_file": str(plan.folder / "icon-spool.sqlite"),
            "stop_deadline_s": 15.0, **plan.link_tls},
        "cpdserver": {} if cpdserver_port is None else {
            "enabled": True, "host": "127.0.0.1", "port": cpdserver_port, "application": "ocs",
            "password": plan.passwords["ocs"], "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "interaction": {} if interaction_port is None else {
            "enabled": True, "host": "127.0.0.1", "port": interaction_port, "application": "ocs",
            "password": plan.passwords["ocs"], "reconnect_min_s": 0.2, "reconnect_max_s": 2.0, **plan.link_tls},
        "obn": {} if obn_port is None else {
            "enabled": True, "uri": f"http{'s' if plan.certificates else ''}://127.0.0.1:{obn_port}", "reconnect_min_s": 0.2,
            "reconnect_max_s": 2.0},
        "http_server": {"enabled": True, "port": 0, **plan.http_listen_tls, **given.get("http_server", {})},
        "communication_dn": {"dn": COMMUNICATION_DN},
        "third_party": [{"name": "visitor", "dbid": VISITOR_DBID}],
        "http": {} if plan.certificates is None else plan.certificates.http(),
        "peer": {"enabled": True, "port": 0, **plan.listen_tls, "application": [
            {"name": "visitor", "password_hash": hash_password(plan.passwords["visitor"], cheap=True)}]},
        "desktop_port": {"enabled": True, "port": 0, **plan.listen_tls, "application": [
            {"name": "visitor", "password_hash": hash_password(plan.passwords["visitor"], cheap=True)}],
            **given.get("desktop_port", {})},
        "agent": [{"name": one.login, "password_hash": hash_password(one.password, cheap=True)} for one in plan.visitors],
        "manhole": {"enabled": True, "port": 0, "user": "admin", "host_key": str(plan.folder / "ocs-host-key"),
                    "password_hash": hash_password(plan.passwords["manhole"], cheap=True)},
        "dialing": {"stop_deadline_s": min(3_600.0, STOP_S * plan.time.speed), **given.get("dialing", {})},
        "call_audit": {"directory": str(plan.folder / "call-audit"), **given.get("call_audit", {})},
        "clock": plan.time.table(),
        "service": {"ready_file": str(plan.folder / "ocs.ready"), "stop_with_parent": True},
        "treatment": treatments,
        "calling_list": [{"name": CALLING_LIST, "dbid": LIST_DBID, "treatments": [one["name"] for one in treatments],
                          **given.get("calling_list", {})}],
        "agent_group": [{"name": GROUP, "dbid": 301, "agents": [one.login for one in people],
                         "dns": [one.dn for one in people]}],
        "campaign": [{"name": CAMPAIGN, "dbid": 201, "lists": [CALLING_LIST], **given.get("campaign", {})}],
        "campaign_group": [{"campaign": CAMPAIGN, "group": GROUP, "dbid": CAMPAIGN_GROUP_DBID, "mode": plan.options.mode.word,
                            "voice_transfer_destination": QUEUE, "at_start": "start", **_dialing(plan),
                            **given.get("campaign_group", {})}],
    }


def _dialing(plan: Plan) -> dict[str, Any]:
    """What the dialing mode needs."""
    rules, agents = rules_of(plan.options.mode), len(plan.agents)
    needs: dict[str, Any] = {"trunk_group_dn": TRUNK_GROUP, "ivr_profile": "survey", "maximum_queue_size": agents,
                             "interaction_queue": INTERACTION_QUEUE}
    chosen = {name: value for name, value in needs.items() if name in rules.needs}
    if not rules.automatic:
        return chosen
    if rules.paced_by is PacedBy.IVR_PORTS:
        chosen["maximum_ports"] = agents
    return {**chosen, "cpd": plan.options.cpd, "obn": plan.options.obn}


def write_config(path: Path, kind: type[Any], values: dict[str, Any]) -> None:
    """Check the values as the server will, then write them, for the owner's eyes only: passwords are in them."""
    load(kind, values, path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        tomli_w.dump(values, file)
