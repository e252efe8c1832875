"""Whether somebody is still behind a DN: what a lost client leaves there is cleared after a grace period of real time.

An agent belongs to the client that logged it in; once that is gone, the agent is adopted by a client of the same
application that registers the DN, or by whoever acts for the agent there. A call at an extension or a trunk group needs a
client that is registered on the DN. Nobody coming in time, the agent is logged out and the calls are released.
"""
from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ocs.servers.tserver.agents import AgentFloor
from ocs.servers.tserver.call_control import CallControl
from ocs.servers.tserver.directory import DN, Directory, DNKind
from ocs.servers.tserver.events import EventStream, step
from ocs.servers.tserver.sessions import ClientSession

__all__ = ["Attendance"]


class Attendance:
    """Watches the DNs of clients that go."""

    log = Logger()

    def __init__(self, real_clock: IReactorTime, grace_s: float, directory: Directory, floor: AgentFloor,
                 control: CallControl, events: EventStream) -> None:
        self._clock, self._grace_s, self._directory = real_clock, grace_s, directory
        self._floor, self._control, self.events = floor, control, events

    def arrived(self, session: ClientSession, dn: DN) -> None:
        """A client registered on the DN."""
        agent = dn.agent
        if agent is not None and agent.owner is None and agent.application == session.application:
            agent.owner = session
        self._settle(dn)

    def acted(self, session: ClientSession, dn: DN) -> None:
        """A client acted for the agent at the DN, who takes it for owner if it has none."""
        if dn.agent is not None and dn.agent.owner is None:
            dn.agent.owner, dn.agent.application = session, session.application
            self._floor.changed.add(dn.agent)
            self._settle(dn)

    def left(self, session: ClientSession, dn: DN) -> None:
        """A client is registered on the DN no more."""
        if dn.agent is not None and dn.agent.owner is session:
            dn.agent.owner = None
        self._wait(dn)

    def _wait(self, dn: DN) -> None:
        if not self._attended(dn) and dn.unattended is None:
            dn.unattended = self._clock.callLater(self._grace_s, self._expired, dn)

    def resume(self) -> None:
        """No client is here yet of what this server has taken over: the grace begins."""
        for dn in self._directory:
            self._wait(dn)

    def stop(self) -> None:
        """Cancel every wait."""
        for dn in self._directory:
            self._cancel(dn)

    @staticmethod
    def _attended(dn: DN) -> bool:
        if dn.agent is not None:
            return dn.agent.owner is not None
        return bool(dn.clients) or not dn.parties or dn.kind not in (DNKind.EXTENSION, DNKind.TRUNK_GROUP)

    def _settle(self, dn: DN) -> None:
        if self._attended(dn):
            self._cancel(dn)

    @staticmethod
    def _cancel(dn: DN) -> None:
        if dn.unattended is not None and dn.unattended.active():
            dn.unattended.cancel()
        dn.unattended = None

    @step
    def _expired(self, dn: DN) -> None:
        dn.unattended = None
        if self._attended(dn):
            return
        self.log.info("nobody came back to {dn} within {grace_s} s: {calls} calls released, agent {agent} logged out",
                      dn=dn.number, grace_s=self._grace_s, calls=len(dn.parties),
                      agent=dn.agent.agent_id if dn.agent is not None else "(none)")
        for party in list(dn.parties.values()):
            if dn.parties.get(party.call.conn_id) is party:
                self._control.release(party)
        if dn.agent is not None:
            self._floor.log_out(dn.agent)
