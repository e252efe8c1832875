from __future__ import annotations

import gc
import json
import os
import stat
from pathlib import Path

import pytest
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from ocs.clock import ScaledClock, SystemClock
from ocs.runtime import (
    ClockOptions,
    ListenOptions,
    ParentWatch,
    listen_or_exit,
    make_clock,
    set_start_up_aside,
    write_ready_file,
)
from tests.doubles.clock import VirtualClock


class BusyReactor(MemoryReactor):
    def listenTCP(self, port, factory, backlog=50, interface=""):   # type: ignore[no-untyped-def]
        raise CannotListenError(interface, port, OSError(98, "Address already in use"))


def test_the_clock_is_the_machines_unless_a_start_is_given() -> None:
    assert isinstance(make_clock(ClockOptions(), VirtualClock()), SystemClock)
    clock = make_clock(ClockOptions(speed=60.0, wall_start=1_000_000.0, real_start=1.0), VirtualClock())
    assert isinstance(clock, ScaledClock) and clock.speed == 60.0


def test_what_is_there_at_the_start_is_set_aside_from_garbage_collection() -> None:
    before = gc.get_freeze_count()
    kept: list[object] = [[]]
    try:
        set_start_up_aside()
        assert gc.get_freeze_count() > before and not any(each is kept for each in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(each is kept for each in gc.get_objects())


def test_a_port_that_is_free_is_listened_on() -> None:
    reactor = MemoryReactor()
    listen_or_exit(reactor, "listen", ListenOptions(port=7020), Factory())
    assert reactor.tcpServers[0][0] == 7020 and reactor.tcpServers[0][3] == "127.0.0.1"


def test_a_port_in_use_ends_the_process_with_one_line_that_names_it(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        listen_or_exit(BusyReactor(), "manhole", ListenOptions(port=7020), Factory())
    assert caught.value.code == 1
    assert capfd.readouterr().err == "manhole.port: cannot listen on 127.0.0.1, port 7020: Address already in use\n"


def test_a_ready_file_is_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    write_ready_file(path, {"tserver": {"host": "127.0.0.1", "port": 5}})
    assert json.loads(path.read_text()) == {"pid": os.getpid(), "tserver": {"host": "127.0.0.1", "port": 5}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_ready_file(path, {"again": 1})
    with pytest.raises(TypeError):
        write_ready_file(path, {"bad": object()})
    assert json.loads(path.read_text())["again"] == 1 and os.listdir(tmp_path) == ["ready.json"]


class ReaderReactor:
    def __init__(self) -> None:
        self.readers: list[object] = []
        self.stopped = 0

    def addReader(self, reader: object) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: object) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    def stop(self) -> None:
        self.stopped += 1


def test_the_end_of_standard_input_stops_the_server() -> None:
    ours, parents = os.pipe()
    try:
        reactor = ReaderReactor()
        watch = ParentWatch(reactor, ours)
        watch.startService()
        assert reactor.readers == [watch] and watch.fileno() == ours
        os.write(parents, b"still here")
        watch.doRead()
        assert reactor.stopped == 0
        os.close(parents)
        watch.doRead()
        assert reactor.stopped == 1 and reactor.readers == []
        watch.connectionLost(None)      # as epoll tells it; once is enough
        watch.stopService()
        watch.connectionLost(None)
        assert reactor.stopped == 1
    finally:
        os.close(ours)
