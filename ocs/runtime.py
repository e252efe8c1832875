"""What every server of the project needs to run: its clock, its port or a clear refusal, its ready file, its parent.

A ready file tells whoever started a server where it listens: `{"pid": int, NAME: {"host": str, "port": int, "tls": bool}, ...}`,
NAME as in `endpoints.json` (`tserver`, `manhole`, ...).
"""
from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, NoReturn

from twisted.application.service import Service
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReadDescriptor
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from zope.interface import implementer

from ocs.clock import IClock, ScaledClock, SystemClock
from ocs.errors import ConfigurationError
from ocs.options import REQUIRED, option, table
from ocs.tls import ServerTlsOptions, over_tls

__all__ = ["ApplicationOptions", "ClockOptions", "ListenOptions", "MessageListenOptions", "ParentWatch", "ServiceOptions",
           "listen_or_exit", "make_clock", "refuse", "remove_ready_file", "set_start_up_aside", "write_ready_file"]

log = Logger()


@dataclass(frozen=True)
class ClockOptions:
    """The laboratory's time: where given, people and retries wait on a clock that runs faster. Not for production."""

    speed: float = option(1.0, low=0.01, high=10_000, unit="times",
                          text="How much faster than real time the clock runs.")
    wall_start: float = option(0.0, low=0, unit="epoch seconds",
                               text="What the clock showed at real_start; 0 = the machine's time.")
    real_start: float = option(0.0, low=0, unit="epoch seconds",
                               text="When, by the machine's time, the clock showed wall_start.")

    def problems(self) -> list[str]:
        return ["speed: needs wall_start and real_start"] if self.speed != 1.0 and not self.wall_start else []


def make_clock(options: ClockOptions, reactor: Any) -> IClock:
    """The clock that people, retries and windows go by."""
    if not options.wall_start:
        return SystemClock(reactor)
    return ScaledClock(reactor, options.speed, options.wall_start, options.real_start)


def set_start_up_aside() -> None:
    """What is there when a server is about to run (modules, options) stays for good: the garbage collector does not look through
    it again. Each of its full passes would hold the reactor 0.1 s longer."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class ServiceOptions:
    """How the process lives with whatever started it."""

    ready_file: str = option("", text="Where to write, once everything listens, the process id and ports as JSON;"
                                      " empty = nowhere.")
    stop_with_parent: bool = option(False, text="Stop in order when standard input ends; for servers that a parent"
                                                " process runs.")


@dataclass(frozen=True)
class ListenOptions:
    """Where a server listens."""

    host: str = option("127.0.0.1", text="Address to listen on; 0.0.0.0 = every interface.")
    port: int = option(0, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")
    tls: ServerTlsOptions = table(ServerTlsOptions)


@dataclass(frozen=True)
class MessageListenOptions(ListenOptions):
    """A port for clients that speak messages, and how much of a client is borne."""

    clients: int = option(1_000, low=1, high=10_000, text="Connections at the same time.")
    login_timeout_s: float = option(30.0, low=1, high=600, unit="seconds",
                                    text="A connection that has not registered by then is closed.")
    keep_alive_s: float = option(10.0, low=0, high=3_600, unit="seconds",
                                 text="A silent client is pinged after this time and given up after three times it;"
                                      " 0 = never.")
    frame_octets: int = option(65_536, low=32_768, high=16_777_216, unit="octets", text="Longest frame.")
    nesting: int = option(8, low=2, high=64, text="Deepest nesting of key-value lists.")
    pairs: int = option(1_024, low=64, high=65_536, text="Most pairs in one key-value list.")
    backlog_octets: int = option(4_194_304, low=65_536, high=1_073_741_824, unit="octets",
                                 text="A client that leaves more than this unread is cut off.")
    encoding: str = option(
        "any", choices=("any", "messagepack", "json"),
        text="Encoding of messages that is accepted; any: each client speaks what it likes, its first octet tells.")


@dataclass(frozen=True)
class ApplicationOptions:
    """A client program that may connect."""

    name: str = option(REQUIRED, text="Attribute ApplicationName.", example="ocs")
    password_hash: str = option(REQUIRED, secret=True, example="$argon2id$...",
                                text="Argon2 hash of the ApplicationPassword (`ocs config password` makes one).")


def listen_or_exit(reactor: IReactorTCP, name: str, options: Any, factory: ServerFactory) -> IListeningPort:
    """Listen, from `privilegedStartService`; a port in use or a host that is not ours exits with status 1 and
    one line that names the option (`name` is its table), the host and the port. `options` has `host` and `port`, and
    perhaps `tls` (ServerTlsOptions)."""
    tls = getattr(options, "tls", None)
    try:
        behind = factory if tls is None else over_tls(tls, factory, f"{name}.tls", reactor)
        return reactor.listenTCP(options.port, behind, interface=options.host)
    except ConfigurationError as error:
        _exit(str(error))
    except CannotListenError as error:
        reason = getattr(error.socketError, "strerror", None) or error.socketError
        _exit(f"{name}.port: cannot listen on {options.host}, port {options.port}: {reason}")


def _exit(text: str) -> NoReturn:
    log.error("{text}", text=text)
    print(text, file=sys.__stderr__, flush=True)    # twistd has sent the other one to the log
    raise SystemExit(1)


def refuse(error: ConfigurationError) -> NoReturn:
    """Tell every problem of a configuration and end, exit status 1; for the command line of a plugin."""
    for problem in error.problems:
        print(problem, file=sys.stderr)
    raise SystemExit(1)


def write_ready_file(path: Path | str, facts: Mapping[str, Any]) -> None:
    """Write `facts` and our `pid` as JSON, whole or not at all, readable by the owner only."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)     # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), **facts}, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def remove_ready_file(path: Path | str) -> None:
    """We listen no more."""
    Path(path).unlink(missing_ok=True)


@implementer(IReadDescriptor)
class ParentWatch(Service):
    """Stops the reactor when standard input ends: the parent, who holds the other end, is gone, however it died."""

    def __init__(self, reactor: Any, descriptor: int = 0) -> None:
        self._reactor, self._descriptor, self._stopping = reactor, descriptor, False

    def startService(self) -> None:
        super().startService()
        self._reactor.addReader(self)

    def stopService(self) -> None:
        self._reactor.removeReader(self)
        return super().stopService()        # type: ignore[no-any-return]

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "ParentWatch"

    def doRead(self) -> None:
        if not os.read(self._descriptor, 4_096):
            self._orphaned()

    def connectionLost(self, reason: Any) -> None:
        """How epoll tells that the other end of a pipe was closed."""
        self._orphaned()

    def _orphaned(self) -> None:
        self._reactor.removeReader(self)
        if self.running and not self._stopping:
            self._stopping = True
            log.info("the parent process is gone or let go: stopping")
            self._reactor.stop()
