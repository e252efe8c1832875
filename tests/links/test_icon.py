"""The stream of reports: everything once and in order, whatever is lost and whoever dies; bounded, and honest about losses."""
from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Iterator

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from ocs.dialing import history as told
from ocs.dialing.campaign import AgentGroup, CampaignGroup
from ocs.dialing.history import ChainFacts, ChainStage, SessionFacts
from ocs.dialing.session import SessionEvent, SessionState
from ocs.dialing.values import Attempt, AttemptState, Record
from ocs.errors import DatabaseAway, StoreUnavailable
from ocs.interfaces import IHistory
from ocs.links.icon import IconLinkOptions, IconReporter
from ocs.options import load
from ocs.servers.icon import schema
from ocs.servers.icon.versions import icon_versions
from ocs.store.report_spool import ReportSpool
from protocols.client import IClientListener
from protocols.icon.messages import Cause
from protocols.message import ErrorCode
from tests.conftest import Logged
from tests.doubles.clock import VirtualClock
from tests.doubles.icon import Icon, IconWire, icon_at
from tests.servers.icon.tables import rows
from tests.store.threads import InlineReactor, InlineThreads

SESSION = SessionFacts("S1", 1, 401, "spring", 201, "agents", 301)
CHAIN = ChainFacts("C1", "list", 101, 7, 50)
GROUP = CampaignGroup(401, "spring", 201, AgentGroup("agents", 301, (), ()), ())
RECORD = Record(70, 7, 0, "+12125550001")
ATTEMPT = Attempt("G1", "list", 70, 7, 0, "+12125550001", 1, "spring", "agents", "S1", 1_773_160_200.0)


def loaded() -> told.SessionChanged:
    return told.SessionChanged(1_773_160_200.0, SESSION, SessionEvent.LOADED, SessionState.INACTIVE, SessionState.ACTIVE, GROUP)


def chain_loaded(guid: str = "C1") -> told.ChainLoaded:
    return told.ChainLoaded(1_773_160_200.0, SESSION, ChainFacts(guid, "list", 101, 7, 50), (RECORD,), ())


def opened() -> told.AttemptOpened:
    return told.AttemptOpened(1_773_160_200.0, SESSION, CHAIN, 50, RECORD, ATTEMPT)


class Site:
    """A reporter, its spool, and an ICON behind a wire."""

    def __init__(self, folder: Path, icon: Icon, **options: Any) -> None:
        self.folder, self.icon, self.clock = folder, icon, VirtualClock()
        self.database: dict[str, Attempt] = {}
        self.away: Exception | None = None
        self.options = load(IconLinkOptions, {"spool_file": str(folder / "spool.db"), **options})
        self.live()

    def live(self) -> None:
        """A process."""
        self.spool = ReportSpool(self.options.spool_file, InlineReactor(), self.clock, InlineThreads)
        self.reporter = IconReporter(self.options, self.spool, self.clock, self.clock.wall, random.Random(1), 1, self._attempts)
        self.wire = self.reporter.delivery.link = IconWire(self.icon)
        self.wire.listener = self.reporter.delivery

    async def _attempts(self, guids: Any) -> dict[str, Attempt]:
        if self.away is not None:
            raise self.away
        return {guid: self.database[guid] for guid in guids if guid in self.database}

    def start(self, up: bool = True) -> Site:
        wait(Deferred.fromCoroutine(self.reporter.start()))
        if up:
            self.wire.go_up()
        self.turn()
        return self

    def stop(self) -> None:
        stopped = Deferred.fromCoroutine(self.reporter.stop())
        self.clock.pump([1.0] * 10)
        wait(stopped)

    def crash(self) -> None:
        """kill -9 of the OCS; another one comes up on the same files."""
        self.wire.up = False
        self.spool._database.stopService()
        self.live()

    def turn(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.clock.advance(0)

    def tell(self, *events: Any) -> None:
        for event in events:
            self.reporter.happened(event)

    def causes(self) -> list[int]:
        return [row["Cause"] for row in rows(self.icon.backend, schema.chain_history)]

    def last_state(self, guid: str = "G1") -> Any:
        found = [row for row in rows(self.icon.backend, schema.chain_history)
                 if row.get("CallAttID") == guid and "AttemptState" in row]
        return found[-1]


def wait(deferred: Deferred[Any]) -> Any:
    fired: list[Any] = []
    deferred.addBoth(fired.append)
    assert fired, "not done"
    if hasattr(fired[0], "raiseException"):
        fired[0].raiseException()
    return fired[0]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("icon") / "icon.sqlite"
    icon_versions.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def site(tmp_path: Path, template: Path) -> Iterator[Site]:
    made = Site(tmp_path, icon_at(tmp_path, template))
    yield made
    if made.reporter._running:
        made.stop()
    made.icon.kill()


def test_it_keeps_history_and_listens_to_its_link(site: Site) -> None:
    assert verifyObject(IHistory, site.reporter) and verifyObject(IClientListener, site.reporter.delivery)


def test_what_happens_is_in_the_tables_in_order_and_leaves_the_spool(site: Site) -> None:
    site.start()
    site.tell(loaded(), chain_loaded(), opened())
    assert site.wire.sequences() == [1] and site.reporter.status.waiting == 3 + 1
    site.turn()
    assert site.wire.sequences() == [1, 2, 3, 4, 5] and site.reporter.status.waiting == 0
    assert site.causes() == [Cause.CHAIN_LOADED, Cause.ATTEMPT_OPENED]
    assert rows(site.icon.backend, schema.campaigns)[0]["State"] == 1
    site.stop()
    assert str(site.reporter.status) == "6 acknowledged, 0 wait (0.0 MB)"
    assert rows(site.icon.backend, schema.audit) == []


def test_nothing_is_sent_before_it_would_survive_a_crash(site: Site) -> None:
    site.start()
    site.tell(chain_loaded())
    assert site.wire.sequences() == [1]
    assert not site.reporter.told().called or site.spool.written == 3
    assert site.wire.sequences() == [1, 2, 3]


def test_while_icon_is_away_reports_wait_and_are_delivered_afterwards_once(site: Site) -> None:
    site.start(up=False)
    site.tell(loaded(), chain_loaded())
    site.turn(5.0)
    assert site.reporter.status.waiting == 4 and site.wire.asked == []
    site.wire.go_up()
    site.turn()
    assert site.wire.sequences() == [1, 2, 3, 4] and site.reporter.status.waiting == 0


@pytest.mark.parametrize("mood, again", [("before", []), ("after", [2, 3]), ("late", [2, 3])])
def test_a_connection_that_is_lost_at_any_moment_loses_and_doubles_nothing(
        site: Site, mood: str, again: list[int], logged: Logged) -> None:
    site.start()
    site.wire.mood = mood
    site.tell(chain_loaded())
    site.turn()
    assert not site.wire.up and site.wire.sequences() == [1, *again]
    site.wire.go_up()
    site.turn()
    # what ICON had written it says when it is asked, and only the rest comes again
    assert site.wire.sequences() == [1, 2, 3] and site.reporter.status.waiting == 0
    assert site.causes() == [Cause.CHAIN_LOADED]


def test_a_killed_icon_goes_on_where_its_database_stands(site: Site, tmp_path: Path, template: Path) -> None:
    site.start()
    site.wire.mood = "after"
    site.tell(chain_loaded())
    site.turn()
    site.icon.kill()
    site.icon = icon_at(tmp_path, template)
    site.wire.restart(site.icon)
    site.tell(opened())
    site.wire.go_up()
    site.turn()
    assert site.causes() == [Cause.CHAIN_LOADED, Cause.ATTEMPT_OPENED] and site.reporter.status.waiting == 0


def test_a_killed_ocs_delivers_what_was_on_its_disk_and_ends_what_it_had_going_on(site: Site) -> None:
    site.start(up=False)
    site.tell(loaded(), chain_loaded(), opened())
    site.turn()
    site.tell(told.ChainChanged(1_773_160_201.0, SESSION, CHAIN, ChainStage.SCHEDULED, ChainStage.PROCESSING, 50, "G1"))
    site.crash()                # the last one was not on the disk
    site.database["G1"] = ATTEMPT
    site.start()
    assert site.causes() == [Cause.CHAIN_LOADED, Cause.ATTEMPT_OPENED, Cause.SERVER_RESTARTED]
    assert [row["State"] for row in rows(site.icon.backend, schema.campaigns)] == [0]
    assert site.reporter.status.waiting == 0 and rows(site.icon.backend, schema.audit) == []


# -- attempts of which the end was not seen --------------------------------------------------------------------------
@pytest.mark.parametrize("there, expected", [
    (None, ("not-dialed", Cause.NOT_COMMITTED)), ("closed", ("closed", Cause.ATTEMPT_CLOSED)),
    ("unknown", ("unknown", Cause.ATTEMPT_CLOSED)), ("open", ("open", Cause.ATTEMPT_OPENED))])
def test_after_a_crash_the_database_says_what_became_of_an_attempt(site: Site, there: str | None,
                                                                   expected: tuple[str, Cause]) -> None:
    site.start()
    site.tell(chain_loaded(), opened())
    site.turn()
    if there is not None:
        site.database["G1"] = Attempt(**{**{name: getattr(ATTEMPT, name) for name in ATTEMPT.__slots__},
                                         "state": AttemptState(there), "conn_id": "0007"})
    site.crash()
    site.start()
    row = site.last_state()
    assert (row["AttemptState"], row["Cause"]) == expected
    assert (row.get("ConnID") == "0007") is (there in ("closed", "unknown"))


def test_one_that_is_open_there_is_compared_again_when_its_session_is_loaded(site: Site) -> None:
    site.start()
    site.tell(chain_loaded(), opened())
    site.turn()
    site.database["G1"] = ATTEMPT
    site.crash()
    site.start()
    site.database["G1"] = Attempt(**{**{name: getattr(ATTEMPT, name) for name in ATTEMPT.__slots__},
                                     "state": AttemptState.UNKNOWN})
    site.tell(loaded())
    site.turn()
    assert site.last_state()["AttemptState"] == "unknown"
    site.crash()
    site.start()
    assert site.causes().count(Cause.ATTEMPT_CLOSED) == 1


def test_one_that_the_recovery_tells_of_is_not_told_of_again(site: Site) -> None:
    site.start()
    site.tell(chain_loaded(), opened())
    site.turn()
    site.database["G1"] = ATTEMPT
    site.crash()
    site.start()
    ended = Attempt(**{**{name: getattr(ATTEMPT, name) for name in ATTEMPT.__slots__}, "state": AttemptState.UNKNOWN})
    again = ChainFacts("C2", "list", 101, 7, 60)
    site.tell(chain_loaded("C2"), told.AttemptClosed(1_773_160_210.0, SESSION, again, 60, RECORD, ended), loaded())
    site.database["G1"] = ended
    site.turn()
    assert site.causes().count(Cause.ATTEMPT_CLOSED) == 1 and site.last_state()["ChainGUID"] == "C2"


def test_a_database_that_is_away_is_asked_again_at_the_next_load(site: Site) -> None:
    site.start()
    site.tell(chain_loaded(), opened())
    site.turn()
    site.crash()
    site.away = DatabaseAway("gone")
    site.start()
    assert site.last_state()["AttemptState"] == "open"
    site.away = None
    site.tell(loaded())
    site.turn()
    assert site.last_state()["AttemptState"] == "not-dialed"


# -- refusals --------------------------------------------------------------------------------------------------------
def test_while_icon_refuses_the_reports_wait_a_growing_time(site: Site) -> None:
    site.start()
    site.wire.mood = int(ErrorCode.RESOURCE_UNAVAILABLE)
    site.tell(chain_loaded())
    site.turn()
    assert site.reporter.status.waiting == 2
    site.wire.mood = int(ErrorCode.RESOURCE_UNAVAILABLE)
    site.turn(0.7)
    assert site.reporter.status.waiting == 2
    site.turn(0.7)
    assert site.reporter.status.waiting == 2
    site.turn(1.0)
    assert site.reporter.status.waiting == 0 and site.causes() == [Cause.CHAIN_LOADED]


def test_a_source_that_icon_does_not_know_any_more_is_opened_again(site: Site) -> None:
    site.start()
    site.wire.mood = int(ErrorCode.NOT_CONFIGURED)
    site.tell(chain_loaded())
    site.turn()
    site.turn(1.0)
    assert [message.name for message in site.wire.asked].count("RequestOpenReporting") == 2
    assert site.reporter.status.waiting == 0


def test_a_report_that_icon_never_takes_is_left_out_and_the_others_go_on(site: Site, logged: Logged) -> None:
    site.start(up=False)
    site.tell(chain_loaded(), opened())
    site.turn()
    request = site.wire.request

    def picky(name: str, attributes: Any, timeout_s: Any = None) -> Any:
        if name == "RequestGOReportingData" and any(b"G1" in bytes(body) for body in attributes["Events"]):
            site.wire.mood = int(ErrorCode.BAD_ATTRIBUTE)
        return request(name, attributes, timeout_s)
    site.wire.request = picky           # type: ignore[method-assign]
    site.wire.go_up()
    site.turn()
    assert site.reporter.status.waiting == 0 and site.causes() == [Cause.CHAIN_LOADED]
    assert any("report 4 is not taken by ICON and is left out" in text for text in logged.texts())
    site.tell(chain_loaded("C2"))
    site.turn()
    assert [(row["kind"], row["first_sequence"], row["count"]) for row in rows(site.icon.backend, schema.audit)] == [
        ("missing", 4, 1)]


# -- room ------------------------------------------------------------------------------------------------------------
def test_when_the_spool_is_full_the_newest_are_lost_counted_and_the_loss_is_reported(site: Site, logged: Logged) -> None:
    site.start(up=False)
    site.reporter._limit = 2_000
    for number in range(40):
        site.tell(chain_loaded(f"C{number}"))
        site.turn(1.0)
    status = site.reporter.status
    assert status.lost > 60 and status.waiting < 10 and status.octets <= 2_700
    site.wire.go_up()
    site.turn()
    site.tell(chain_loaded("C99"))
    site.turn()
    kept = [row["ChainGUID"] for row in rows(site.icon.backend, schema.chains)]
    assert kept[:2] == ["C0", "C1"] and kept[-1] == "C99"        # what was first is there, without a hole
    audit, = rows(site.icon.backend, schema.audit)
    assert (audit["kind"], audit["count"]) == ("lost", status.lost) and "given up by the source" in audit["text"]
    errors = [text for text in logged.texts() if "no room for reports" in text]
    assert len(errors) == 1 and any("there is room for reports again" in text for text in logged.texts())
    assert f"{status.lost} lost for want of room" in str(site.reporter.status)


def test_a_disk_that_takes_nothing_costs_reports_and_no_dialing(site: Site, logged: Logged) -> None:
    from twisted.internet.defer import succeed
    site.start()
    write_all = site.spool._database.write_all
    site.spool._database.write_all = lambda interactions: succeed(       # type: ignore[method-assign]
        [StoreUnavailable("disk is full")] * len(interactions))
    site.tell(chain_loaded())
    assert wait(site.reporter.told()) is None and "the disk does not take them" in str(site.reporter.status)
    site.spool._database.write_all = write_all          # type: ignore[method-assign]
    site.turn(2.0)
    assert site.causes() == [Cause.CHAIN_LOADED] and site.reporter.status.waiting == 0


# -- files that were restored ----------------------------------------------------------------------------------------
def test_a_spool_that_was_restored_gets_a_stream_of_its_own(site: Site, logged: Logged) -> None:
    site.start()
    site.tell(chain_loaded(), opened())
    site.turn()
    source = site.spool.source
    site.stop()
    for path in site.folder.glob("spool.db*"):
        path.unlink()
    site.live()
    site.spool._database.backend.path.touch()
    site.start(up=False)
    site.spool.source = source          # as in a copy from before
    site.wire.go_up()
    site.turn()
    assert site.spool.source != source and site.reporter.status.waiting == 0
    assert any("was " in text and "restored?" in text for text in logged.texts())
    site.tell(chain_loaded("C5"))
    site.turn()
    assert [row["ChainGUID"] for row in rows(site.icon.backend, schema.chains)] == ["C1", "C5"]


def test_an_icon_whose_database_was_restored_goes_on_with_what_comes(
        site: Site, tmp_path: Path, template: Path) -> None:
    site.start()
    site.tell(chain_loaded())
    site.turn()
    site.icon.kill()
    (tmp_path / "icon.sqlite").unlink()
    for path in tmp_path.glob("icon.sqlite-*"):
        path.unlink()
    site.icon = icon_at(tmp_path, template)
    site.wire.restart(site.icon)
    site.wire.go_up()
    site.tell(opened())
    site.turn()
    assert site.causes() == [Cause.ATTEMPT_OPENED] and site.reporter.status.waiting == 0


def test_the_stop_waits_for_the_last_acknowledgement_but_not_for_ever(site: Site, logged: Logged) -> None:
    site.start()
    site.tell(chain_loaded())
    stopped = Deferred.fromCoroutine(site.reporter.stop())
    assert wait(stopped) is None and site.reporter.status.waiting == 0
    site.live()
    site.start()
    site.wire.mood = int(ErrorCode.RESOURCE_UNAVAILABLE)
    stopped = Deferred.fromCoroutine(site.reporter.stop())
    site.wire.mood = int(ErrorCode.RESOURCE_UNAVAILABLE)
    assert not stopped.called
    site.clock.pump([0.5] * 12)
    assert wait(stopped) is None and site.clock.getDelayedCalls() == []
