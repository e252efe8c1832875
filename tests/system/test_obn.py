"""Power GVP by way of an Outbound Notification Manager, all in processes of their own: who is dialed, who is killed."""
from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import read_accounts
from ocs.app.demo.children import Child
from ocs.app.demo.configs import (
    CALLING_LIST,
    LIST_DBID,
    OBN_TRUNK_GROUP,
    TRUNK_GROUP,
    LabTime,
    icon_config,
    make_plan,
    ocs_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions, shipped
from ocs.app.demo.reconcile import reconcile
from ocs.clock import SystemClock
from ocs.database.backend import backend_for
from ocs.dialing.call import CallEvent
from ocs.dialing.results import DialingMode
from ocs.http_server import Asked, HttpListenOptions, HttpService, Reply, bearer
from ocs.links.http import http_client
from ocs.links.http_options import HttpOptions
from ocs.links.obn import ObnLink, ObnLinkOptions
from ocs.links.registry import Links
from ocs.options import load
from ocs.servers.icon.config import IconOptions
from ocs.servers.obn.config import ObnOptions
from ocs.servers.obn.journal import Journal
from ocs.servers.obn.requests import DialRequests
from ocs.servers.obn.service import Routes as ManagerRoutes
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.ivr.posting import http_poster
from ocs.tls import ServerTlsOptions
from protocols.obn.messages import RequestStatus, decode
from tests.doubles.certificates import Authority
from tests.doubles.ports import free_port
from tests.servers.obn.test_requests import Lines
from tests.system.test_icon import NOON, pause, until

CLOCK: Any = reactor
SPEED, CONTACTS = 30.0, 120


class Site:
    """T-Server, ICON, manager and OCS under twistd; a survey whose end is told over HTTP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        database = f"sqlite:///{folder / 'ocs.sqlite'}"
        path = folder / "contacts.csv"
        path.write_text("\n".join(["name,phone", *(f"Person {n},+1415555{n:04}" for n in range(1_000, 1_000 + CONTACTS))]) + "\n")
        options = DemoOptions(contacts=path, dnc=None, agents=1, mode=DialingMode.POWER_GVP, speed=SPEED, now=None, seed=3,
                              directory=folder, database=database)
        take_in(backend_for(database), options, CALLING_LIST, State(), lambda text: None)
        self.plan = make_plan(options, folder, database, LabTime(SPEED, NOON, time.time()), shipped("demo.toml"))
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self.tserver, self.icon, self.obn, self.ocs = (
            Child(CLOCK, name, plugin, folder / f"{name}.toml", folder, self._lock)
            for name, plugin in (("tserver", "ocs-tserver"), ("icon", "ocs-icon"), ("obn", "ocs-obn"), ("ocs", "ocs")))
        self.obn_port, self.web_port = free_port(), free_port()

    async def open(self) -> None:
        values = tserver_config(self.plan)
        values["ivr_application"] = [{"name": "poll", "step": [
            {"name": "ask", "play": "question", "seconds": 6.0, "next": "end"},
            {"name": "end", "post": f"http://127.0.0.1:{self.web_port}/records/{{GSW_RECORD_HANDLE}}?req=RecordProcessed",
             "body": '{"GSW_CALL_RESULT": 33}'}]}]
        write_config(self.folder / "tserver.toml", TServerOptions, values)
        port = int((await self.tserver.start())["tserver"]["port"])
        write_config(self.folder / "obn.toml", ObnOptions, {
            "listen": {"port": self.obn_port}, "clock": self.plan.time.table(),
            "tserver": {"port": port, "application": "obn", "password": self.plan.passwords["obn"], "reconnect_min_s": 0.2,
                        "reconnect_max_s": 1.0},
            "dialing": {"trunk_group": OBN_TRUNK_GROUP, "ports": 12, "retry_s": 30.0},
            "service": {"ready_file": str(self.folder / "obn.ready"), "stop_with_parent": True}})
        await self.obn.start()
        write_config(self.folder / "icon.toml", IconOptions, icon_config(self.plan))
        ocs = ocs_config(self.plan, port, icon_port=int((await self.icon.start())["icon"]["port"]))
        ocs["http_server"] = {"enabled": True, "port": self.web_port}
        ocs["obn"] = {"enabled": True, "uri": f"http://127.0.0.1:{self.obn_port}", "reconnect_min_s": 0.2, "reconnect_max_s": 1.0,
                      "poll_s": 3.0}
        ocs["campaign_group"][0].update(obn=True, ivr_profile="poll", trunk_group_dn=TRUNK_GROUP, maximum_queue_size=20,
                                        dialer_num_attempts=2, dialer_ttl_s=600.0)
        ocs["treatment"], ocs["calling_list"][0]["treatments"] = [], []
        write_config(self.folder / "ocs.toml", OCSOptions, ocs)
        await self.ocs.start()

    def calls(self) -> list[dict[str, Any]]:
        """The switch's own account of the calls that are over."""
        try:
            return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.folder / "ocs.sqlite", timeout=10)
        try:
            return list(connection.execute(statement))
        finally:
            connection.close()

    async def kill(self, child: Child) -> None:
        ended: Deferred[None] = child.ended()
        child._signal(signal.SIGKILL)
        await ended
        await pause(0.3)
        await child.start()

    async def close(self) -> None:
        for child, seconds in ((self.ocs, 40.0), (self.obn, 20.0), (self.icon, 20.0), (self.tserver, 20.0)):
            await child.stop(seconds)
        os.close(self._lock)


@pytest_twisted.ensureDeferred
async def test_everybody_is_dialed_through_the_manager_whoever_is_killed_and_nobody_twice_for_one_request(tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        await site.open()
        await until(lambda: len(site.calls()) >= 15, "the first calls")
        await site.kill(site.ocs)
        await until(lambda: len(site.calls()) >= 45, "calls after the OCS was killed")
        await site.kill(site.obn)
        await until(lambda: not site.rows("SELECT 1 FROM ocs_attempt WHERE state = 'open'")
                    and len({row[0] for row in site.rows("SELECT record_id FROM ocs_attempt")}) == CONTACTS, "the end", 90.0)
    finally:
        await site.close()
    attempts = site.rows("SELECT phone, call_result, state FROM ocs_attempt")
    calls = Counter(call["destination"] for call in site.calls())
    assert all(count == 1 for count in Counter(phone for phone, _, state in attempts if state != "not-dialed").values())
    assert set(calls) <= {phone for phone, _, _ in attempts} and max(calls.values()) <= 2      # dialer_num_attempts
    accounts = read_accounts(backend_for(f"sqlite:///{tmp_path / 'ocs.sqlite'}"), CALLING_LIST, tmp_path / "calls.jsonl", 1,
                             backend_for(site.plan.icon_database), LIST_DBID)
    assert reconcile(accounts, edge_s=site.plan.edge_s) == []
    results = Counter(result for _, result, _ in attempts)
    unknown = results.pop(28, 0)
    # of 12 ports: what the killed manager had on the line
    assert unknown <= 12 and results[33] > 10 and results[9] > 3, results
    answered = {call["destination"] for call in site.calls() if call["answered_at"] is not None and call["call_state"] != 9}
    assert {phone for phone, result, _ in attempts if result == 33} <= answered
    assert site.rows("SELECT count(*) FROM cl_contacts WHERE record_status = 2") == [(0,)]      # nothing is left retrieved


class _Engine:
    """Hears what the link tells."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def obn_up(self) -> None:
        self.heard.append("up")

    def obn_down(self, reason: str) -> None:
        self.heard.append("down")

    def obn_not_dialed(self, token: str, refused: bool) -> None:
        self.heard.append("not dialed")

    def call_event(self, event: CallEvent) -> None:
        self.heard.append(event.kind.value)


@pytest_twisted.ensureDeferred
async def test_link_and_manager_speak_over_tls_and_show_their_tokens(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost")
    lines, engine = Lines(), _Engine()
    options = load(ObnOptions, {"notification": {"token": "ocs-secret"}})
    requests = DialRequests(options, lines, Journal(tmp_path / "journal", lambda work: execute(work)),
                            http_poster(CLOCK, 5.0, bearer("ocs-secret")), SystemClock(CLOCK), random.Random(1))
    await requests.start()
    manager = HttpService(CLOCK, "listen", HttpListenOptions(port=0, token="obn-secret", trusted_peers=(), tls=ServerTlsOptions(
        certificate=certificate, private_key=key)), ManagerRoutes(requests, lambda: True).respond)
    manager.privilegedStartService()
    told: list[Asked] = []

    def notified(asked: Asked) -> Reply:
        told.append(asked)
        return Reply(200, {"followed": link.told(decode(asked.body, RequestStatus))})

    port = HttpService(CLOCK, "http_server", HttpListenOptions(port=0, token="ocs-secret", trusted_peers=()), notified)
    port.privilegedStartService()
    client = http_client(CLOCK, HttpOptions(roots_file=authority.roots))
    link = ObnLink(client, ObnLinkOptions(uri=f"https://localhost:{manager.address()['port']}", token="obn-secret"),
                   lambda: f"http://127.0.0.1:{port.address()['port']}/obn/notifications", SystemClock(CLOCK), CLOCK,
                   random.Random(1), Links(SystemClock(CLOCK)))
    link.listener = engine
    try:
        link.start()
        token = await link.make_predictive_call("obn", "+12125550001", 20.0, (("GSW_CALL_ATTEMPT_GUID", "T1"),),
                                                (("ivr-profile", "poll"), ("dialer-num-attempts", 1), ("dialer-ttl", 60)))
        assert token == "T1" and lines.dialed == ["T1"]
        requests.answered("T1", 0)
        requests.treated("T1")
        requests.over("T1", 0)
        await until(lambda: len(told) == 3, "three notifications")
        assert [one for one in engine.heard if one != "up"] == [
            "EventDialing", "EventEstablished", "EventTreatmentApplied", "EventReleased"]
        assert "up" in engine.heard and len(link) == 0
        stranger = ObnLink(client, ObnLinkOptions(uri=f"https://localhost:{manager.address()['port']}", token="wrong"),
                           lambda: "", SystemClock(CLOCK), CLOCK, random.Random(1), Links(SystemClock(CLOCK)))
        stranger.listener = _Engine()
        stranger.start()
        await pause(0.3)
        assert not stranger.up
        stranger.stop()
    finally:
        link.stop()
        await client.stop()
        await manager.stopService()
        await port.stopService()
        await requests.stop()
        await pause(0.05)
