"""How a server that kept a copy begins to serve, and how one that served stops.

What the copy holds becomes alive: those who wait are given their limits again, from the start; idle agents stand in line by how
long they have been idle; DNs get the grace of a lost client, in which their clients come over and take agents and calls into
their hands again. The driver is told which legs the other server's driver has placed, and reports what has become of them.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocs.servers.tserver.calls import PartyState
from ocs.servers.tserver.driver import CarriedLeg
from ocs.servers.tserver.events import step

if TYPE_CHECKING:
    from ocs.servers.tserver.server import TServer

__all__ = ["Handover"]

log = Logger()


class Handover:
    """Of one server."""

    def __init__(self, server: TServer) -> None:
        self._server, self.events = server, server.events

    @step
    def begin(self) -> None:
        """Serve from now on, with what there is."""
        server = self._server
        server.serving = True
        waiting = 0
        for dn in server.directory:
            dn.talked = any(party.talking for party in dn.parties.values())
            if dn.queue is not None:
                dn.queue.restore(party for party in dn.parties.values() if party.state is PartyState.QUEUED)
            for party in dn.parties.values():
                waiting += server.arrivals.resume(party)
        server.board.resume()
        server.floor.resume()
        server.attendance.resume()
        log.info("this server serves now: {calls} calls are taken over, {waiting} of them wait", calls=len(server.board.calls),
                 waiting=waiting)
        legs = [CarriedLeg(leg, party.name, party.talking) for leg, party in server.board.legs.items()]
        started: Deferred[None] = server.start_driver()
        started.addCallback(lambda _: self._carried(legs))
        started.addErrback(lambda failure: log.failure("starting the driver", failure))

    @step
    def _carried(self, legs: list[CarriedLeg]) -> None:
        server = self._server
        if legs and server.serving:
            server.driver.take_over(legs)
        for dn in server.directory:
            if dn.queue is not None:
                server.arrivals.match(dn)

    @step
    def end(self) -> Deferred[None]:
        """Serve no more. Calls of a switch that outlives its server go on with the other one; those of one that does not are
        released, each with its line in the call log. Fires when the driver has let go."""
        server = self._server
        server.serving = False
        if not server.driver.survives:
            server.control.drop_all()
            server.mirror.send_changes()
        server.mirror.close_all()
        if server.driver.survives:
            for call in list(server.board.calls.values()):
                server.board.end_treatments(call)
                server.board.forget(call)
            let_go: Deferred[None] = server.driver.let_go()
        else:
            let_go = server.driver.stop()
        for agent in server.floor:
            server.floor.forget(agent)
        server.attendance.stop()
        return let_go
