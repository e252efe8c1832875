"""One demonstration from start to end: prepare, start the servers, let people work, watch, stop in order, audit."""
from __future__ import annotations

import signal
import time
from typing import Any, Callable

from rich.console import Console
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.app.config import OCSOptions
from ocs.app.demo.accounts import read_accounts, read_call_log
from ocs.app.demo.children import Child, ChildFailed
from ocs.app.demo.configs import (
    CALLING_LIST,
    CAMPAIGN,
    CAMPAIGN_GROUP_DBID,
    COMMUNICATION_DN,
    LIST_DBID,
    VISITOR_DBID,
    LabTime,
    Plan,
    cpdserver_config,
    icon_config,
    interaction_config,
    make_plan,
    obn_config,
    ocs_config,
    statserver_config,
    tserver_config,
    write_config,
)
from ocs.app.demo.directory import DemoDirectory, State, write_json
from ocs.app.demo.figures import Figures, figures, iso
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import NOW, DemoOptions, shipped
from ocs.app.demo.show import Picture, closing, make_board, verdict
from ocs.app.demo.snapshot import Snapshot, Watcher, finished
from ocs.app.demo.times import parse_time
from ocs.app.demo.tokens import visitors_token
from ocs.clock import ScaledClock
from ocs.database.backend import backend_for
from ocs.dialing.results import DialingMode
from ocs.errors import OCSError
from ocs.lab.agents.floor import LabFloor, tserver_desks
from ocs.lab.agents.pushed import PushedPreviews
from ocs.servers.cpdserver.config import CPDServerOptions
from ocs.servers.icon.config import IconOptions
from ocs.servers.interaction.config import InteractionServerOptions
from ocs.servers.obn.config import ObnOptions
from ocs.servers.statserver.config import StatServerOptions
from ocs.servers.tserver.config import TServerOptions
from ocs.tls import client_side

__all__ = ["Demonstration", "on_signals"]

POLL_S = 1.0                # real seconds between two looks at the database
HORIZON_S = 10 * 60.0       # a list is done when nothing can be dialed within this (laboratory's time)
STALL_S = 60.0              # real seconds in which nothing at all happens before the run is given up
STOP_S = 30.0               # real seconds that a server gets to stop
TENANT_DBID = 1
# name -> plugin, in order of the start
SERVERS = {"icon": "ocs-icon", "tserver": "ocs-tserver", "statserver": "ocs-statserver",
           "cpdserver": "ocs-cpdserver", "interaction": "ocs-interaction", "obn": "ocs-obn", "ocs": "ocs"}


class Demonstration:
    """One run in an open directory."""

    log = Logger()

    def __init__(self, options: DemoOptions, directory: DemoDirectory, reactor: Any, console: Console) -> None:
        self._options, self._directory, self._reactor, self._console = options, directory, reactor, console
        self._backend = backend_for(directory.database)
        self._interrupted = False
        self._pausing: Deferred[None] | None = None
        self._pushed: PushedPreviews | None = None
        self._state = State()
        self._started_at = time.monotonic()
        self._title = f"ocs demo: {options.contacts.name}, {options.agents} agents, {options.mode.word}"
        self._picture = Picture(self._title)

    # -- the whole of it ------------------------------------------------------------------------------------------
    async def run(self) -> Figures | None:
        """Fires with the figures; None if it was interrupted before anything ran. Fails with OCSError for what cannot be
        done; whatever happens, no server is left behind."""
        self._state = self._directory.load_state(self._options.contacts)
        await deferToThread(self._prepare)
        if self._interrupted:
            return None
        plan = self._plan()
        self._state = self._directory.save_state(self._state, wall=plan.time.wall_start, runs=self._state.runs + 1)
        clock = plan.time.clock(self._reactor)
        children = {name: self._child(name, plugin) for name, plugin in SERVERS.items() if name != "obn" or plan.options.obn}
        floor: LabFloor | None = None
        complete = False
        try:
            floor = await self._open(plan, clock, children)
            complete = await self._watch(clock, floor, tuple(children.values()))
        finally:
            await self._close(clock, children, floor)
        self._say("reconciling the calling list, the T-Server's call log and ICON's tables ...")
        return await self._audit(plan, clock, floor, complete)

    def interrupt(self) -> None:
        """Stop in order, from any point; idempotent."""
        if not self._interrupted:
            self._interrupted = True
            self._say("interrupted: calls may finish, records are given back ...")
            self._go_on()

    # -- before the servers ---------------------------------------------------------------------------------------
    def _prepare(self) -> None:
        """Database, contacts, do-not-call list; in a thread."""
        take_in(self._backend, self._options, CALLING_LIST, self._state, self._say)
        self._state = self._directory.save_state(self._state, imported=True)

    def _plan(self) -> Plan:
        return make_plan(self._options, self._directory.path, self._directory.database,
                         LabTime(self._options.speed, self._wall_start(), time.time()), shipped("demo.toml"))

    def _wall_start(self) -> float:
        """Where the clock goes on: never before the last thing that is on record. OCSError if --now would turn it back."""
        calls, _ = read_call_log(self._directory.call_log)
        past = max([self._state.wall, *(call.ended_at or 0.0 for call in calls)])
        wanted = self._options.now if self._options.now is not None else past or parse_time(NOW)
        if wanted < past:
            raise OCSError(f"--now: the clock of {self._directory.path} stands at {iso(past)} and does not go back")
        return wanted

    # -- start ----------------------------------------------------------------------------------------------------
    def _child(self, name: str, plugin: str) -> Child:
        return Child(self._reactor, name, plugin, self._directory.path / f"{name}.toml", self._directory.path,
                     self._directory.lock)

    async def _open(self, plan: Plan, clock: ScaledClock, children: dict[str, Child]) -> LabFloor:
        folder = self._directory.path
        write_config(folder / "icon.toml", IconOptions, icon_config(plan))
        write_config(folder / "tserver.toml", TServerOptions, tserver_config(plan))
        starting = [Deferred.fromCoroutine(children[name].start()) for name in ("icon", "tserver")]
        history, switch = await gatherResults(starting, consumeErrors=True).addErrback(_first_error)
        port = int(switch["tserver"]["port"])
        write_config(folder / "statserver.toml", StatServerOptions, statserver_config(plan, port))
        write_config(folder / "cpdserver.toml", CPDServerOptions, cpdserver_config(plan, port))
        write_config(folder / "interaction.toml", InteractionServerOptions, interaction_config(plan))
        starting = [Deferred.fromCoroutine(children[name].start()) for name in ("statserver", "cpdserver", "interaction")]
        states, dialer, previews = await gatherResults(starting, consumeErrors=True).addErrback(_first_error)
        manager_port: int | None = None
        if "obn" in children:
            write_config(folder / "obn.toml", ObnOptions, obn_config(plan, port))
            manager_port = int((await children["obn"].start())["obn"]["port"])
        states_port = int(states["statserver"]["port"])
        history_port = int(history["icon"]["port"])
        write_config(folder / "ocs.toml", OCSOptions, ocs_config(plan, port, states_port, history_port,
                                                                 int(dialer["cpdserver"]["port"]),
                                                                 int(previews["interaction"]["port"]), manager_port))
        token = await deferToThread(visitors_token, self._backend)
        engine = await children["ocs"].start()
        write_json(self._directory.endpoints, _endpoints(plan, {
            "tserver": switch, "statserver": states, "cpdserver": dialer, "interaction": previews,
            "icon": history}, engine, token))
        self._say(f"T-Server on port {port}, Stat Server on port {states_port}, ICON on port {history_port}, console on port"
                  f" {engine['manhole']['port']};"
                  f" {self._directory.endpoints} tells how to connect")
        endpoint = self._lab_endpoint(plan, port)
        floor = LabFloor(clock, plan.agents, tserver_desks(self._reactor, endpoint, "lab", plan.passwords["lab"]),
                         plan.behaviour, seed=self._options.seed)
        floor.start()
        if plan.options.mode is DialingMode.PUSH_PREVIEW:
            self._pushed = PushedPreviews(self._reactor, clock, self._lab_endpoint(plan, int(previews["interaction"]["port"])),
                                          "lab", plan.passwords["lab"], floor.agents)
            self._pushed.start()
        return floor

    def _lab_endpoint(self, plan: Plan, port: int) -> IStreamClientEndpoint:
        """How the people of the laboratory reach a server."""
        endpoint: IStreamClientEndpoint = TCP4ClientEndpoint(self._reactor, "127.0.0.1", port)
        if plan.certificates is None:
            return endpoint
        wrapped: IStreamClientEndpoint = wrapClientTLS(client_side(plan.certificates.client, "127.0.0.1", "lab.tls"), endpoint)
        return wrapped

    # -- watch ----------------------------------------------------------------------------------------------------
    async def _watch(self, clock: ScaledClock, floor: LabFloor, children: tuple[Child, ...]) -> bool:
        """Show how it goes until the list is done (True) or somebody interrupts (False). ChildFailed if a server ends by
        itself; OCSError if nothing happens any more although records are due."""
        watcher = Watcher(self._backend, CALLING_LIST)
        shown = make_board(self._console, self._title)
        done_before, signature, moved_at = False, None, time.monotonic()
        try:
            while not self._interrupted:
                snapshot: Snapshot = await deferToThread(watcher.take, clock.wall(), floor.states())
                self._state = self._directory.save_state(self._state, wall=snapshot.wall)
                shown.show(snapshot, time.monotonic() - self._started_at)
                self._picture.show(snapshot, time.monotonic() - self._started_at)
                for child in children:
                    if not child.running:
                        raise ChildFailed(f"{child.name} has ended by itself ({child.status}); the end of"
                                          f" {child.log_file}:\n{child.last_lines()}")
                done = finished(snapshot, HORIZON_S)
                if done and done_before and not self._options.stay:
                    return True
                done_before = done
                if snapshot.signature() != signature or done or self._options.stay:
                    signature, moved_at = snapshot.signature(), time.monotonic()
                elif time.monotonic() - moved_at > STALL_S:
                    raise OCSError(f"nothing has happened for {STALL_S:g} s although records are due; {children[-1].log_file}"
                                   f" may say why:\n{children[-1].last_lines()}")
                await self._pause(POLL_S)
            return False
        finally:
            shown.close()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not through an interruption."""
        self._pausing = Deferred()
        timer = self._reactor.callLater(seconds, self._go_on)
        await self._pausing
        if timer.active():
            timer.cancel()

    def _go_on(self) -> None:
        pausing, self._pausing = self._pausing, None
        if pausing is not None:
            pausing.callback(None)

    # -- stop -----------------------------------------------------------------------------------------------------
    async def _close(self, clock: ScaledClock, children: dict[str, Child], floor: LabFloor | None) -> None:
        """The OCS first, so that nothing new is dialed and calls finish with their agents; then agents, then the others, the
        switch last."""
        await children["ocs"].stop(STOP_S)
        if self._pushed is not None:
            await self._pushed.stop()
        if floor is not None:
            await floor.stop(5.0 * clock.speed)
        for child in reversed(children.values()):
            await child.stop(STOP_S)
        self._directory.endpoints.unlink(missing_ok=True)
        self._state = self._directory.save_state(self._state, wall=max(self._state.wall, clock.wall()))

    # -- audit ----------------------------------------------------------------------------------------------------
    async def _audit(self, plan: Plan, clock: ScaledClock, floor: LabFloor | None, complete: bool) -> Figures:
        wall, seconds = self._state.wall, time.monotonic() - self._started_at
        accounts = await deferToThread(read_accounts, self._backend, CALLING_LIST, self._directory.call_log, TENANT_DBID,
                                       backend_for(plan.icon_database), LIST_DBID)
        made = await deferToThread(
            figures, accounts, wall, utilisation=floor.account().utilisation if floor is not None else None,
            seconds=seconds, database=self._backend.shown_url, directory=str(self._directory.path),
            complete=complete, edge_s=plan.edge_s, visitors=[one.dn for one in plan.visitors])
        self._console.print(closing(made))
        self._console.print(verdict(made), soft_wrap=True)
        self._say(f"{seconds:.0f} s. Everything is in {self._directory.path}")
        if self._options.picture is not None:
            self._picture.save(made, self._options.picture)
        if self._options.json is not None:
            write_json(self._options.json, made.as_json())
        return made

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _first_error(failure: Failure) -> Failure:
    """What went wrong with one of several."""
    error = failure.value
    return error.subFailure if isinstance(error, FirstError) else failure


def _endpoints(plan: Plan, companions: dict[str, dict[str, Any]], engine: dict[str, Any], token: str) -> dict[str, Any]:
    """What a visitor's own client needs. `companions` are ready files by name; `token` opens the management API."""
    def server(place: dict[str, Any], facts: dict[str, Any], application: str, password: str) -> dict[str, Any]:
        tls = place.get("tls", False)
        return {"host": place["host"], "port": place["port"], "tls": tls, "application": application, "password": password,
                "pid": facts["pid"], **(plan.certificates.visitor() if tls and plan.certificates is not None else {})}
    return {
        "servers": {**{name: server(facts[name], facts, "visitor", plan.passwords["visitor"])
                       for name, facts in companions.items()},
                    "peer": server(engine["peer"], engine, "visitor", plan.passwords["visitor"]),
                    "desktop": server(engine["desktop"], engine, "visitor", plan.passwords["visitor"]),
                    "console": server(engine["http_server"], engine, "visitor", token),
                    "manhole": server(engine["manhole"], engine, "admin", plan.passwords["manhole"])},
        "agents": [{"login": one.login, "password": one.password, "dn": one.dn, "queue": one.queue} for one in plan.visitors],
        "names": {"campaign": CAMPAIGN, "campaign_group": CAMPAIGN_GROUP_DBID, "calling_list": CALLING_LIST,
                  "communication_dn": COMMUNICATION_DN, "third_party": VISITOR_DBID},
    }


def on_signals(interrupt: Callable[[], None], reactor: Any) -> None:
    """From now on Ctrl-C and SIGTERM interrupt the run in order instead of stopping the reactor."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: reactor.callFromThread(interrupt))
