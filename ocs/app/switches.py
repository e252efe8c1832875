"""The T-Servers of this server: the first one, whose DNs are written as they are, and further ones, each in front of a switch
with a name, `7001@east`."""
from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Protocol, Sequence

from ocs.clock import IClock
from ocs.dialing.modes import CallFlow, rules_of
from ocs.links.options import LinkOptions
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.links.switch import SwitchLink
from ocs.links.switches import Switches, switch_name
from ocs.options import REQUIRED, option

__all__ = ["SwitchLinkOptions", "SwitchOptions", "SwitchSide", "switch_dbids", "switch_problems"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class SwitchLinkOptions(LinkOptions):
    """A T-Server, and the number of its switch."""

    switch_dbid: int = option(
        0, low=0, text="Number of the switch, as agents and applications are told it (GSW_SWITCH_DBID); 0 = they are not.")


@dataclass(frozen=True)
class SwitchOptions(SwitchLinkOptions):
    """A further T-Server, in front of another switch."""

    name: str = option(REQUIRED, example="east", text="Name of the switch, unique; it stands behind its DNs: 7001@east.")
    port: int = option(7000, low=1, high=65_535, text="Port of the server.")

    def problems(self) -> list[str]:
        found = super().problems()
        if not _NAME.fullmatch(self.name):
            found.append("name: letters, digits and . _ - are expected, 32 at most")
        return found


def switch_dbids(first: SwitchLinkOptions, others: Sequence[SwitchOptions]) -> dict[str, int]:
    """Name of the switch ("" = the first) -> its number, of those that have one."""
    numbers = {"": first.switch_dbid, **{one.name: one.switch_dbid for one in others}}
    return {name: number for name, number in numbers.items() if number}


class SwitchSide:
    """`switch` is the ISwitchLink of all of them."""

    def __init__(self, first: LinkOptions, others: Sequence[SwitchOptions], clock: IClock, reactor: Any, links: Links,
                 rng: random.Random) -> None:
        alone = SwitchLink(clock)
        self.switch: SwitchLink | Switches = alone
        self._links = [Link("tserver", first, alone, reactor, links, rng)]
        if others:
            sides = {one.name: SwitchLink(clock, f"switch {one.name}", one.name) for one in others}
            self.switch = Switches({"": alone, **sides})
            self._links += [Link(f"switch {one.name}", one, sides[one.name], reactor, links, rng) for one in others]

    def start(self) -> None:
        """Connect to all."""
        for link in self._links:
            link.startService()

    async def stop(self) -> None:
        """Leave them."""
        for stopped in [link.stopService() for link in self._links]:
            await stopped


class _Tables(Protocol):
    """The tables of a configuration in which DNs stand."""

    @property
    def switch(self) -> tuple[SwitchOptions, ...]: ...
    @property
    def agent_group(self) -> tuple[Any, ...]: ...
    @property
    def campaign_group(self) -> tuple[Any, ...]: ...


def switch_problems(tables: _Tables) -> Iterator[str]:
    """Switches that have a name twice, DNs of switches that there are not, and calls that would have to change switches."""
    names: set[str] = {""}
    for number, one in enumerate(tables.switch, 1):
        if one.name in names:
            yield f"switch[{number}].name: {one.name} is given twice"
        names.add(one.name)
    for number, group in enumerate(tables.agent_group, 1):
        yield from _unknown(f"agent_group[{number}]", {"dns": group.dns}, names)
    for number, group in enumerate(tables.campaign_group, 1):
        where = f"campaign_group[{number}]"
        for path, place in ((where, group), *((f"{where}.elsewhere[{at}]", one) for at, one in enumerate(group.elsewhere, 1))):
            dns = {name: (getattr(place, name),) for name in ("voice_transfer_destination", "trunk_group_dn")}
            yield from _unknown(path, dns, names)
            if len({switch_name(dn) for (dn,) in dns.values() if dn}) > 1:
                yield f"{path}.trunk_group_dn: it is not of the switch of the voice_transfer_destination"
        yield from _elsewhere(where, group)


def _unknown(path: str, dns: Mapping[str, Sequence[str]], names: set[str]) -> Iterator[str]:
    for name, given in dns.items():
        wrong = sorted({switch_name(dn) for dn in given} - names)
        if wrong:
            yield f"{path}.{name}: there is no switch {', '.join(wrong)} ([[switch]])"


def _elsewhere(where: str, group: Any) -> Iterator[str]:
    if group.cpd and switch_name(group.voice_transfer_destination):
        yield f"{where}.voice_transfer_destination: the CPD Server dials for the first switch only"
    if not group.elsewhere:
        return
    if rules_of(group.mode).flow is not CallFlow.TRANSFER or group.cpd or group.obn or group.assured_connect:
        yield f"{where}.elsewhere: only in progressive and predictive, where the T-Servers dial and no agent is engaged before"
    places: list[Any] = [group, *group.elsewhere]
    used = [switch_name(place.voice_transfer_destination) for place in places]
    for at, _ in enumerate(group.elsewhere, 1):
        if used[at] in used[:at]:
            yield f"{where}.elsewhere[{at}].voice_transfer_destination: the group has a queue on that switch already"
