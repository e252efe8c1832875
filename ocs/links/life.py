"""The life of a link as a machine: what can happen to it, and what is done then.

    stopped --start--> connecting --connected--> logging in --granted--> up
                           ^  | not_connected        | lost             | lost
                           |  v                      v                  v
                           +- waiting <--------------+------------------+          stop, from anywhere --> (closing) --> stopped

Each state carries what must be cancelled when it is left: the attempt to connect, or a timer.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

__all__ = ["LinkActs", "LinkLife", "link_life"]


class LinkLife(Protocol):
    """What can happen to a link."""

    def start(self) -> None:
        """Somebody wants it."""

    def connected(self) -> None:
        """The server accepts; the log-in is sent."""

    def not_connected(self, reason: str) -> None:
        """Nobody accepts."""

    def granted(self) -> None:
        """The server grants the log-in."""

    def refused(self, reason: str) -> None:
        """It refuses it, and closes."""

    def leave(self, reason: str) -> None:
        """It is not the server that is wanted, or says nothing."""

    def lost(self, reason: str) -> None:
        """The connection is gone."""

    def due(self) -> None:
        """Time for the next try."""

    def stop(self) -> None:
        """Nobody wants it any more."""


class LinkActs(Protocol):
    """What is done then; `ocs.links.service.Link` does it."""

    def connect(self) -> Deferred[Any]:
        """Try the address in use; `connected` or `not_connected` follows."""

    def wait_for_answer(self) -> IDelayedCall:
        """The log-in is out; the timer leaves a server that does not answer."""

    def is_up(self) -> None:
        """The log-in was granted."""

    def wait(self, reason: str) -> IDelayedCall:
        """The next address; the timer is `due`."""

    def remember(self, reason: str) -> None:
        """Why the server closes the connection, which it will."""

    def part(self, reason: str) -> None:
        """Leave the server; `lost` follows."""

    def close(self) -> IDelayedCall:
        """Leave it in order; the timer cuts it off. `lost` follows."""

    def rest(self) -> None:
        """Nothing is open any more."""


@dataclass
class _Attempt:
    deferred: Deferred[Any]


@dataclass
class _Timer:
    call: IDelayedCall

    def cancel(self) -> None:
        if self.call.active():
            self.call.cancel()


def _connect(life: LinkLife, acts: LinkActs) -> _Attempt:
    return _Attempt(acts.connect())


def _log_in(life: LinkLife, acts: LinkActs) -> _Timer:
    return _Timer(acts.wait_for_answer())


def _wait(life: LinkLife, acts: LinkActs, reason: str) -> _Timer:
    return _Timer(acts.wait(reason))


def _close(life: LinkLife, acts: LinkActs) -> _Timer:
    return _Timer(acts.close())


_builder = TypeMachineBuilder(LinkLife, LinkActs)     # type: ignore[type-abstract]    # only a name to it
_stopped = _builder.state("stopped")
_connecting = _builder.state("connecting", _connect)
_logging_in = _builder.state("logging in", _log_in)
_up = _builder.state("up")
_waiting = _builder.state("waiting", _wait)
_closing = _builder.state("closing", _close)

# -- the way up ---------------------------------------------------------------------------------------------------
_stopped.upon(LinkLife.start).to(_connecting).returns(None)
_connecting.upon(LinkLife.connected, nodata=True).to(_logging_in).returns(None)
_waiting.upon(LinkLife.due, nodata=True).to(_connecting).returns(None)


@_logging_in.upon(LinkLife.granted).to(_up)
def _is_up(life: LinkLife, acts: LinkActs, answer: _Timer) -> None:
    answer.cancel()
    acts.is_up()


# -- the way down -------------------------------------------------------------------------------------------------
_connecting.upon(LinkLife.not_connected, nodata=True).to(_waiting).returns(None)
_up.upon(LinkLife.lost).to(_waiting).returns(None)


@_logging_in.upon(LinkLife.lost).to(_waiting)
def _not_granted(life: LinkLife, acts: LinkActs, answer: _Timer, reason: str) -> None:
    answer.cancel()


@_logging_in.upon(LinkLife.refused, nodata=True).loop()
def _refused(life: LinkLife, acts: LinkActs, reason: str) -> None:
    acts.remember(reason)


@_logging_in.upon(LinkLife.leave, nodata=True).loop()
@_up.upon(LinkLife.leave).loop()
def _leave(life: LinkLife, acts: LinkActs, reason: str) -> None:
    acts.part(reason)


# -- stop ---------------------------------------------------------------------------------------------------------
@_connecting.upon(LinkLife.stop).to(_stopped)
def _give_up(life: LinkLife, acts: LinkActs, attempt: _Attempt) -> None:
    attempt.deferred.cancel()
    acts.rest()


@_waiting.upon(LinkLife.stop).to(_stopped)
def _wait_no_more(life: LinkLife, acts: LinkActs, next_try: _Timer) -> None:
    next_try.cancel()
    acts.rest()


@_logging_in.upon(LinkLife.stop).to(_closing)
def _stop_log_in(life: LinkLife, acts: LinkActs, answer: _Timer) -> None:
    answer.cancel()


_up.upon(LinkLife.stop).to(_closing).returns(None)


@_closing.upon(LinkLife.lost).to(_stopped)
def _closed(life: LinkLife, acts: LinkActs, deadline: _Timer, reason: str) -> None:
    deadline.cancel()
    acts.rest()


@_stopped.upon(LinkLife.stop).loop()
def _rest(life: LinkLife, acts: LinkActs) -> None:
    acts.rest()


# -- legal, and without effect ------------------------------------------------------------------------------------
_stopped.upon(LinkLife.not_connected).loop().returns(None)          # an attempt that was cancelled
for _state in (_connecting, _logging_in, _waiting, _closing):       # (what is started while it closes, starts at rest)
    _state.upon(LinkLife.start, nodata=True).loop().returns(None)
_up.upon(LinkLife.start).loop().returns(None)
_closing.upon(LinkLife.stop, nodata=True).loop().returns(None)
_closing.upon(LinkLife.granted, nodata=True).loop().returns(None)
_closing.upon(LinkLife.refused, nodata=True).loop().returns(None)
_closing.upon(LinkLife.leave, nodata=True).loop().returns(None)

link_life = _builder.build()
"""LinkActs -> LinkLife, stopped."""
