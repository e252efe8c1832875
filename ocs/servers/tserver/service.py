"""The T-Server as a companion: the simulated network behind it, its call log on the disk."""
from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ocs.clock import IClock, SystemClock
from ocs.errors import ConfigurationError
from ocs.links.registry import Links
from ocs.links.service import Link
from ocs.servers.service import ICompanion, password_check
from ocs.servers.tserver.call_log import CallLog
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.ivr.posting import http_poster
from ocs.servers.tserver.pair.options import PairRole
from ocs.servers.tserver.pair.pairing import Pairing
from ocs.servers.tserver.server import TServer
from ocs.servers.tserver.simulator import SimulatedNetwork

__all__ = ["LoggingTServer", "make_tserver"]


@implementer(ICompanion)
class LoggingTServer(TServer):
    """A T-Server that writes every finished call to its call log, and closes it after the last one."""

    def __init__(self, options: TServerOptions, clock: IClock, reactor: Any) -> None:
        """ConfigurationError where the call log cannot be written."""
        path = options.switch.call_log
        try:
            self._call_log = None if path is None else CallLog(path)
        except OSError as error:
            raise ConfigurationError([f"switch.call_log: cannot write {path}: {error.strerror}"]) from None
        super().__init__(clock, SimulatedNetwork(clock, options.simulator), options,
                         on_finished=lambda call: None if self._call_log is None else self._call_log.write(call),
                         real_clock=reactor, instance=_instance(reactor, options.pair.role),
                         verify=password_check(reactor), post=http_poster(
                             reactor, options.ivr.post_timeout_s, roots_file=options.ivr.roots_file, option="ivr.roots_file"))
        if options.pair.role is not PairRole.ALONE:
            self.pair = Pairing(self, options.pair, reactor, lambda pairing: Link(
                "pair.partner", options.pair.partner, pairing, reactor, Links(SystemClock(reactor)), random.SystemRandom(),
                leaves_backups=False))

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._stop(super().stop))

    async def _stop(self, release_all: Any) -> None:
        calls = len(self.board.calls)
        try:
            await release_all()
        finally:
            call_log, self._call_log = self._call_log, None
            if call_log is not None:
                call_log.close()
        self.log.info("stopped; {calls} calls were released", calls=calls)


def make_tserver(options: TServerOptions, clock: IClock, reactor: Any) -> LoggingTServer:
    """The T-Server that the options describe."""
    return LoggingTServer(options, clock, reactor)


def _instance(reactor: Any, role: PairRole) -> int:
    """Tells this start from every other, that of the other server of a pair included: real time in tenths of a second, even where
    the laboratory's clock repeats."""
    return int(reactor.seconds() * 10) & ~1 | (role is PairRole.BACKUP)
