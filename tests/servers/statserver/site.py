"""A small site for the tests of the Stat Server: two T-Servers, agents with skills, places, groups of every kind."""
from __future__ import annotations

from typing import Any, Mapping

from ocs.options import load
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.statserver.directory import Directory, ObjectRef
from ocs.servers.statserver.states import DNState, WorkState
from protocols.statserver.messages import ObjectType

__all__ = ["SALES", "SITE", "configured", "group", "site", "ready_dns"]

SITE: dict[str, Any] = {
    "tserver": [{"name": "one", "dns": ["7001-7003"], "trunk_groups": ["6800"]}, {"name": "two", "dns": ["7001", "8001-8002"]}],
    "agent": [{"id": "ann", "dbid": 11, "logins": ["1001"], "skills": ["German=3"]},
              {"id": "ben", "dbid": 12, "logins": ["1002", "2002"], "skills": ["German=1", "Sales=2"]},
              {"id": "cat", "dbid": 13, "logins": ["1003"]}],
    "place": [{"name": "desk-1", "dbid": 21, "tserver": "one", "dns": ["7001", "7002"]},
              {"name": "desk-2", "tserver": "one", "dns": ["7003"]}, {"name": "desk-3", "tserver": "two", "dns": ["8001"]}],
    "agent_group": [{"name": "sales", "dbid": 31, "agents": ["cat", "ann"]},
                    {"name": "german", "expression": 'Skill("German") >= 2'},
                    {"name": "here", "expression": 'LoggedIn("one") & ~Agent("cat")'},
                    {"name": "queue", "expression": 'LoggedIn("6001")'}],
    "place_group": [{"name": "floor", "places": ["desk-2", "desk-1"]}, {"name": "all", "places": ["desk-1", "desk-2", "desk-3"]}],
}
SALES = ObjectRef(ObjectType.GROUP_AGENTS, "sales")


def configured(**changes: Any) -> StatServerOptions:
    """The site's options; `changes` replace whole tables."""
    return load(StatServerOptions, {**SITE, **changes})


def site(**changes: Any) -> Directory:
    """The site."""
    return configured(**changes).directory()


def group(name: str, kind: ObjectType = ObjectType.GROUP_AGENTS) -> ObjectRef:
    """A group of the site."""
    return ObjectRef(kind, name)


def ready_dns(**logins: str) -> Mapping[str, DNState]:
    """DNs of T-Server one, all in sight: `dn7001="1001"` has this agent ready."""
    states = {dn: DNState(monitored=True) for dn in ("7001", "7002", "7003")}
    states.update({dn.removeprefix("dn"): DNState(True, login, "6001", WorkState.READY) for dn, login in logins.items()})
    return states
