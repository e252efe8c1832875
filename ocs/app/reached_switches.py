"""Which switches of the Configuration Database one server reaches, by which T-Servers, and what it calls their DNs.

A switch has a T-Server's application object. Where the server's own application object has connections to T-Servers, their
switches are those that it reaches, in that order; otherwise it reaches every switch that has a T-Server. What the server's own
file says of the links (`[tserver]`, and a `[[switch]]` of the same name: passwords, certificates, another address) counts before
the host and port of the T-Server's object, and the number of the switch's. The first switch is `[tserver]`'s, and its DNs are
written as they are; DNs of the others have the switch's name behind them. A site that has no T-Servers among its objects has one
switch: the first.
"""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from ocs.configuration.enumerations import ApplicationType
from ocs.configuration.model import ConfigurationObject
from ocs.configuration.names import Objects

__all__ = ["ReachedSwitches"]


class ReachedSwitches:
    """`objects` are those that are enabled; `own` is the server's own file, as decoded TOML."""

    def __init__(self, objects: Objects, application: ConfigurationObject, own: Mapping[str, Any]) -> None:
        self._objects = objects
        self._own_first = own.get("tserver", {})
        self._own = {each.get("name"): each for each in own.get("switch", []) if isinstance(each, dict)}
        self._connections = [dbid for dbid in application["connections"] if self._tserver(dbid) is not None]
        switches = [one for key, one in sorted(objects.items()) if key[0] == "switch"]
        reached = sorted(filter(self._is_reached, switches), key=self._place)
        unnamed = [one for one in (reached if self._connections and reached else switches) if one["name"] not in self._own]
        self.first = unnamed[0] if unnamed else None
        self.further: Sequence[ConfigurationObject] = [one for one in reached if one is not self.first]
        self._names = {one.dbid: f"@{one['name']}" for one in self.further}

    def _tserver(self, dbid: int | None) -> ConfigurationObject | None:
        one = self._objects.get(("application", dbid or 0))
        return one if one is not None and one["type"] == ApplicationType.TSERVER else None

    def _is_reached(self, switch: ConfigurationObject) -> bool:
        if switch["name"] in self._own:
            return True
        return switch["tserver"] in self._connections if self._connections else self._tserver(switch["tserver"]) is not None

    def _place(self, switch: ConfigurationObject) -> tuple[int, int]:
        known = switch["tserver"] in self._connections
        return self._connections.index(switch["tserver"]) if known else len(self._connections), switch.dbid

    # -- DNs ------------------------------------------------------------------------------------------------------
    def has(self, dn: ConfigurationObject) -> bool:
        """Whether the DN is of a switch that the server reaches."""
        return dn["switch"] is None or self.first is None or dn["switch"] == self.first.dbid or dn["switch"] in self._names

    def name(self, dn: ConfigurationObject) -> str:
        """What the server calls a DN; one that it does not reach has its switch's name behind it, too."""
        number = str(dn["number"])
        if dn["switch"] in self._names:
            return number + self._names[dn["switch"]]
        if self.has(dn):
            return number
        switch = self._objects.get(("switch", dn["switch"]))
        return f"{number}@{switch['name'] if switch is not None else '?'}"

    # -- links ----------------------------------------------------------------------------------------------------
    @property
    def links(self) -> dict[str, Any]:
        """The tables `[tserver]` and `[[switch]]`, as decoded TOML; left out where there is nothing to say."""
        known = {one["name"] for one in self.further}
        others = [each for name, each in self._own.items() if name not in known]
        switches = [{"name": one["name"], **self._address(one), **self._own.get(one["name"], {})} for one in self.further]
        first = {**({} if self.first is None else self._address(self.first)), **self._own_first}
        return {name: value for name, value in (("tserver", first), ("switch", [*switches, *others])) if value}

    def _address(self, switch: ConfigurationObject) -> dict[str, Any]:
        tserver = self._tserver(switch["tserver"])
        if tserver is None:
            return {"switch_dbid": switch.dbid}
        address = {"switch_dbid": switch.dbid, "host": tserver["host"], "port": tserver["port"]}
        backup = self._tserver(tserver["backup_server"])
        if backup is not None and backup["host"]:
            address |= {"backup_host": backup["host"], "backup_port": backup["port"]}
        return {name: value for name, value in address.items() if value}
