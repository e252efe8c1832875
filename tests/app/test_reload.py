"""A running server takes over its configuration file: everything or nothing, and says what."""
from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Mapping

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel

from ocs.app.config import OCSOptions, load_configuration, to_campaign_groups
from ocs.app.reload import HangUp, Reloading
from ocs.app.service import engine_options
from ocs.app.sources import FileConfiguration
from ocs.errors import ConfigurationError, OCSError, StoreUnavailable, WrongState
from ocs.scheduler.regroup import prepare_groups
from tests.conftest import Logged
from tests.scheduler.bench import Bench, record

TEXT = """
[[treatment]]
name = "busy"
dbid = 1
call_result = "busy"
action = "retry-in"
interval_min = 5
[[calling_list]]
name = "list"
dbid = 1
treatments = ["busy"]
criteria = "age > 18"
[[agent_group]]
name = "sales"
dbid = 1
agents = ["1001"]
dns = ["7001", "7002", "7003", "7004"]
[[campaign]]
name = "spring"
dbid = 1
lists = ["list"]
[[campaign_group]]
campaign = "spring"
group = "sales"
dbid = 1
voice_transfer_destination = "6001"
"""


class Server:
    """A running engine on a bench, with what of the service a reload touches."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ocs.toml"
        self.path.write_text(TEXT)
        self.options: OCSOptions = load_configuration(self.path)
        self.bench = Bench([record(n) for n in range(1, 31)], running=False)
        self.bench.up()
        self.engine, self.store, self.context = self.bench.engine, self.bench.store, self.bench.context
        self.bench.wait(prepare_groups(self.engine, to_campaign_groups(self.options))).apply()
        self.bench.begin()
        self.is_up, self.log = True, list[Any]()
        self.outside = SimpleNamespace(prepared=self._prepared)
        self.clock, self.reactor = self.bench.clock, Clock()
        self.reloading = Reloading(self, FileConfiguration(self.path, maybeDeferred), maybeDeferred, self.reactor)

    def _prepared(self, options: OCSOptions) -> Callable[[], None]:
        return lambda: self.log.append([one.name for one in options.http_request])

    async def audit_checks(self, chosen: Mapping[str, bool]) -> None:
        self.log.append(dict(chosen))

    def use(self, options: OCSOptions) -> None:
        self.options, self.context.options = options, engine_options(options)

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))

    def reload(self) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self.bench.wait(self.reloading.reload())
        return rows

    def refused(self) -> list[str]:
        before = self.options, {name: session.group for name, session in self.engine.sessions.items()}, self.waiting
        with pytest.raises(OCSError) as caught:
            self.reload()
        assert (self.options, {name: session.group for name, session in self.engine.sessions.items()}, self.waiting) == before
        return caught.value.problems if isinstance(caught.value, ConfigurationError) else [str(caught.value)]

    @property
    def waiting(self) -> list[int]:
        return [held.record.record_id for held in self.bench.session.buffer]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_a_file_that_says_the_same_changes_nothing(server: Server) -> None:
    assert server.reload() == [] and server.log == [{}, []]


def test_filters_lists_treatments_and_numbers_change_at_once(server: Server) -> None:
    assert server.waiting == [1, 2, 3, 4, 5, 6]
    server.edit('criteria = "age > 18"', 'criteria = "record_id > 20"\norder_by = "record_id DESC"\nmaximum_attempts = 2')
    server.edit("interval_min = 5", "interval_min = 7")
    server.edit('destination = "6001"', 'destination = "6001"\nmultiplier = 2.5')
    server.edit("[[treatment]]", "[dialing]\nstale_clean_timeout_min = 5\n[[treatment]]")
    rows = server.reload()
    assert [(row["option"], row["from"], row["to"]) for row in rows] == [
        ("dialing.stale_clean_timeout_min", "30.0", "5.0"), ("treatment[busy].interval_min", "5.0", "7.0"),
        ("calling_list[list].maximum_attempts", "10", "2"), ("calling_list[list].criteria", "age > 18", "record_id > 20"),
        ("calling_list[list].order_by", "", "record_id DESC"), ("campaign_group[spring@sales].multiplier", "1.0", "2.5")]
    assert {row["takes effect"] for row in rows} == {"at once"}
    server.bench.pass_(1)
    assert server.waiting == [30, 29, 28, 27, 26, 25]
    group = server.bench.session.group
    assert (group.multiplier, group.lists[0].treatments[0].interval_s, group.lists[0].maximum_attempts) == (2.5, 420.0, 2)
    assert server.context.options.stale_clean_s == 300.0
    assert server.reload() == []


@pytest.mark.parametrize("old, new, words", [
    ("interval_min = 5", "interval_min = -5", "treatment[1].interval_min: 0 to 525600 is expected, not -5"),
    ("interval_min = 5", "interval_min = ", "not valid TOML"),
    ('criteria = "age > 18"', 'criteria = "wealth > 18"', "calling_list[1].criteria, line 1, column 1: no column 'wealth'"),
    ('criteria = "age > 18"', 'disposition_field = "outcome"', "calling_list[1].disposition_field: calling list list has no"),
    ('["busy"]', '["busy", "fax"]', "calling_list[1].treatments: there is no treatment fax"),
    ('lists = ["list"]', 'lists = ["list", "nowhere"]\n[[calling_list]]\nname = "nowhere"\ndbid = 2',
     "calling list nowhere is not in the database"),
])
def test_a_file_with_a_fault_changes_nothing_and_every_fault_is_told(server: Server, old: str, new: str, words: str) -> None:
    server.edit('destination = "6001"', 'destination = "6001"\nmultiplier = 2.5')
    server.edit(old, new)
    assert any(words in problem for problem in server.refused())


def test_what_needs_a_restart_or_a_load_is_named_and_named_again(server: Server) -> None:
    server.edit('destination = "6001"', 'destination = "6002"\nat_start = "load"\nmultiplier = 2.5')
    server.edit("[[treatment]]", '[database]\nurl = "sqlite:///other.db"\n[[treatment]]')
    group = "campaign_group[spring@sales]"
    effects = {row["option"]: row["takes effect"] for row in server.reload()}
    assert effects == {"database.url": "at restart", f"{group}.voice_transfer_destination": "at next load",
                       f"{group}.multiplier": "at once", f"{group}.at_start": "at restart"}
    assert server.options.database.url == "sqlite:///ocs.db"
    assert server.bench.session.group.voice_transfer_destination == "6001" and server.bench.session.group.multiplier == 2.5
    again = {row["option"]: row["takes effect"] for row in server.reload()}
    assert again == {"database.url": "at restart", f"{group}.at_start": "at restart"}


def test_what_changes_now_must_fit_what_needs_a_restart(server: Server) -> None:
    server.edit("[[treatment]]", '[[pre_dial_validation]]\nuri = "http://127.0.0.1/"\ncampaign_groups = ["winter@sales"]\n'
                '[[treatment]]')
    server.edit("[[campaign_group]]", '[[campaign]]\nname = "winter"\ndbid = 2\nlists = ["list"]\n[[campaign_group]]\n'
                'campaign = "winter"\ngroup = "sales"\ndbid = 2\nvoice_transfer_destination = "6001"\n[[campaign_group]]')
    assert {row["option"] for row in server.reload()} == {
        "pre_dial_validation[1]", "campaign[winter]", "campaign_group[winter@sales]"}
    server.options = load_configuration(server.path)        # as after a restart
    server.path.write_text(TEXT)
    assert server.refused() == [f"{server.path}: pre_dial_validation[1].campaign_groups: there is no winter@sales"
                                " (other options need a restart)"]


def test_a_group_that_leaves_is_told_so(server: Server) -> None:
    server.path.write_text(TEXT[:TEXT.index("[[campaign_group]]")])
    assert server.reload() == [{"option": "campaign_group[spring@sales]", "from": "", "to": "removed",
                                "takes effect": "is removed once it is unloaded"}]
    assert server.bench.wait(server.bench.session.unload()) is None and not server.engine.sessions


def test_a_session_that_is_unloading_is_named(server: Server) -> None:
    server.bench.ready("7001")
    server.bench.session.unload()
    server.edit('destination = "6001"', 'destination = "6001"\nmultiplier = 2.5')
    assert {row["option"]: row["takes effect"] for row in server.reload()} == {
        "campaign_group[spring@sales].multiplier": "at next load",
        "campaign_group[spring@sales]": "at next load: it is being loaded or unloaded"}


def test_checks_that_are_switched_off_are_audited_before_anything_changes(server: Server) -> None:
    server.edit('criteria = "age > 18"', 'criteria = "age > 18"\ncheck_dnc_list = false')
    server.reload()
    assert server.log == [{"calling_list[list].check_dnc_list": False}, []]
    assert not server.bench.session.group.lists[0].check_dnc_list
    server.edit("check_dnc_list = false", "check_dnc_list = true")

    async def fails(chosen: Mapping[str, bool]) -> None:
        raise StoreUnavailable("the database is away")

    server.audit_checks = fails     # type: ignore[method-assign]
    assert server.refused() == ["the database is away"]


def test_the_log_level_changes_where_the_file_says_another(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[str] = []
    monkeypatch.setattr("ocs.app.reload.set_level", levels.append)
    server.reload()
    server.edit("[[treatment]]", '[log]\nlevel = "warn"\n[[treatment]]')
    server.reload()
    assert levels == ["warn"]


def test_reloads_go_one_after_the_other(server: Server) -> None:
    server.store.held.add("calling_lists")
    first, second = server.reloading.reload(), server.reloading.reload()
    server.edit('destination = "6001"', 'destination = "6001"\nmultiplier = 2.5')
    for _ in range(2):
        server.reloading.hung_up()          # finds one waiting already
    assert len(server.reloading._turn.waiting) == 1
    server.store.held.clear()
    while server.store.release():
        pass
    assert server.bench.wait(first) == [] and len(server.bench.wait(second)) == 1


@pytest.mark.parametrize("state, words", [
    ({"is_up": False}, "starting or stopping"), ({"reloading": None}, "not started with a")])
def test_a_server_that_cannot_says_so(server: Server, state: dict[str, Any], words: str) -> None:
    server.__dict__.update(state)
    reloading = server.reloading or Reloading(server, None, maybeDeferred, Clock())
    with pytest.raises(WrongState, match=words):
        server.bench.wait(reloading.reload())


class Calls:
    """A reactor that calls back when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def callFromThread(self, work: Callable[[], None]) -> None:
        self.waiting.append(work)


def test_a_hang_up_is_answered_in_the_log(server: Server, logged: Logged) -> None:
    reactor = Calls()
    before = signal.getsignal(signal.SIGHUP)
    hang_up = HangUp(reactor, server.reloading.hung_up)
    hang_up.startService()
    try:
        server.edit("interval_min = 5", "interval_min = -5")
        signal.raise_signal(signal.SIGHUP)
        reactor.waiting.pop()()
        server.edit("interval_min = -5", "interval_min = 6")
        signal.raise_signal(signal.SIGHUP)
        reactor.waiting.pop()()
    finally:
        hang_up.stopService()
    assert signal.getsignal(signal.SIGHUP) is before
    texts = logged.texts(LogLevel.info)
    refused = [text for text in texts if text.startswith("configuration not taken over: ")]
    assert len(refused) == 1 and "treatment[1].interval_min: 0 to 525600 is expected, not -5" in refused[0]
    assert "configuration: treatment[busy].interval_min: 5.0 -> 6.0, at once" in texts and "1 changes" in texts[-1]


def test_what_cannot_be_taken_over_yet_is_tried_again_and_told_once(server: Server, logged: Logged) -> None:
    server.edit('criteria = "age > 18"', 'criteria = "wealth > 18"')
    server.reloading.follow()
    server.bench.pass_(1)
    for _ in range(3):
        server.reactor.advance(5.0)
        server.bench.pass_(1)
    refused = [text for text in logged.texts() if text.startswith("configuration not taken over: ")]
    assert len(refused) == 1 and "no column 'wealth'" in refused[0]
    assert "not taken over: " in server.reloading.state() and "no column 'wealth'" in server.reloading.state()
    server.edit("wealth", "age")
    server.edit("interval_min = 5", "interval_min = 6")
    server.reactor.advance(5.0)
    server.bench.pass_(1)
    assert "configuration: treatment[busy].interval_min: 5.0 -> 6.0, at once" in logged.texts(LogLevel.info)
    assert server.reactor.getDelayedCalls() == [] and "not taken over" not in server.reloading.state()


def test_nothing_is_tried_again_once_the_server_stops(server: Server) -> None:
    server.edit('criteria = "age > 18"', 'criteria = "wealth > 18"')
    server.reloading.follow()
    server.bench.pass_(1)
    assert len(server.reactor.getDelayedCalls()) == 1
    server.reloading.stop()
    assert server.reactor.getDelayedCalls() == []
    server.is_up = False
    server.reloading.follow()
    assert server.reactor.getDelayedCalls() == []


def test_the_state_names_what_waits_for_a_load_and_for_a_restart_until_it_has_come(server: Server) -> None:
    assert server.reloading.state() == f"file {server.path}"
    server.edit('destination = "6001"', 'destination = "6002"\nat_start = "load"')
    server.reload()
    state = server.reloading.state()
    assert "at next load: campaign_group[spring@sales].voice_transfer_destination" in state
    assert "at restart: campaign_group[spring@sales].at_start" in state
    session = server.bench.session
    session.stop()
    session.force_unload()
    server.bench.wait(session.load())
    assert "at next load" not in server.reloading.state() and "at restart" in server.reloading.state()
    server.edit('[[campaign_group]]', '[[treatment]]\nname = "x"\ndbid = 7\ncall_result = "fax-detected"\naction = "none"\n'
                                      '[[campaign_group]]')
    text = server.path.read_text()
    server.path.write_text(text[:text.index("[[campaign_group]]")])
    server.reload()
    assert "is removed once it is unloaded: campaign_group[spring@sales]" in server.reloading.state()


def test_a_bug_while_reading_is_logged_as_one(server: Server, logged: Logged) -> None:
    def broken(options: OCSOptions) -> Deferred[None]:
        raise ZeroDivisionError

    server.outside.prepared = broken
    server.reloading.hung_up()
    assert len(logged.failures(ZeroDivisionError)) == 1
