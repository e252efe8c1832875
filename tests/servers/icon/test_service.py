"""ICON behind its wire: sources are opened, batches acknowledged after their commit, a database that is away is told of."""
from __future__ import annotations

from typing import Any, Iterator

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from ocs.database.backend import transaction
from ocs.database.pool import Database
from ocs.errors import DatabaseAway, DataRefused, OCSError
from ocs.options import load
from ocs.servers.icon import schema
from ocs.servers.icon.config import IconOptions
from ocs.servers.icon.service import IconService
from protocols.icon.messages import EvtCode, GOMessageType
from protocols.message import ErrorCode, Message
from protocols.message_server import MessageServer
from tests.conftest import Logged
from tests.doubles.clock import VirtualClock
from tests.servers.icon.tables import CHAIN, NOW, Tables, report
from tests.store.threads import InlineReactor, InlineThreads


class Moody(Database):
    """A database that fails when it is told to."""

    fails: Exception | None = None

    def write_all(self, interactions: Any) -> Deferred[Any]:
        if self.fails is not None:
            return succeed([self.fails] * len(interactions))
        return super().write_all(interactions)


class Site:
    """ICON and one registered client, without sockets."""

    def __init__(self, tables: Tables, **options: Any) -> None:
        self.tables = tables
        self.database = Moody(InlineReactor(), tables.backend, 1, InlineThreads)
        self.service = IconService(load(IconOptions, {"database": {"url": tables.url, **options}}), VirtualClock(NOW),
                                   InlineReactor(), self.database)
        self.server = MessageServer(self.service, {"ocs": "hash"}, lambda given, password: succeed(password == "right"))
        self.heard: list[Message] = []
        self.client = self.server.connect(self.heard.append)

    def start(self) -> Any:
        return outcome(Deferred.fromCoroutine(self.service.start()))

    def log_in(self) -> Site:
        self.start()
        answer = self.ask("RequestRegisterClient", ApplicationName="ocs", ApplicationPassword="right", ProtocolVersion="1")
        assert answer.name == "EventLinkConnected"
        return self

    def ask(self, name: str, **attributes: Any) -> Message:
        self.client.receive(Message(name, 7, attributes))
        return self.heard.pop()

    def open(self, following: int = 1) -> int:
        answer = self.ask("RequestOpenReporting", Source="s", OCSID=1, NextSequence=following)
        assert answer.name == "EventReportingOpened" and answer.get("Source") == "s"
        return int(answer.get("LastSequence"))

    def send(self, *events: Any) -> Message:
        return self.ask("RequestGOReportingData", Source="s", Events=list(events))


def outcome(deferred: Deferred[Any]) -> Any:
    fired: list[Any] = []
    deferred.addBoth(fired.append)
    assert fired, "not fired"
    if isinstance(fired[0], Failure):
        fired[0].raiseException()
    return fired[0]


def call(sequence: int, **more: Any) -> dict[str, Any]:
    return report(sequence, GOMessageType.CHAIN_CALL, EvtCode.ADDED,
                  **{**CHAIN, "CallID": f"U{sequence}", "CallAttID": "G", **more})


@pytest.fixture
def site(tables: Tables) -> Iterator[Site]:
    made = Site(tables).log_in()
    yield made
    outcome(Deferred.fromCoroutine(made.service.stop()))


def test_a_batch_is_acknowledged_when_it_is_committed_and_only_once_written(site: Site) -> None:
    assert site.open() == 0
    answer = site.send(call(1), call(2))
    assert (answer.name, answer.reference_id, answer.get("LastSequence")) == ("EventGOReportingAcknowledged", 7, 2)
    assert [one["CallID"] for one in site.tables.rows(schema.chain_calls)] == ["U1", "U2"]
    assert site.send(call(1), call(2), call(3)).get("LastSequence") == 3
    assert len(site.tables.rows(schema.chain_calls)) == 3
    assert site.open() == 3 and site.service.counts["repeated"] == 2 and site.service.counts["reports"] == 3


@pytest.mark.parametrize("name, attributes, code, text", [
    ("RequestGOReportingData", {"Source": "never", "Events": [call(1)]}, ErrorCode.NOT_CONFIGURED, "Source: Request"),
    ("RequestGOReportingData", {"Source": "s", "Events": []}, ErrorCode.BAD_ATTRIBUTE, "Events: 1 to"),
    ("RequestGOReportingData", {"Source": "s", "Events": [call(1)] * 1_001}, ErrorCode.BAD_ATTRIBUTE, "Events: 1 to"),
    ("RequestGOReportingData", {"Source": "s", "Events": [call(1), {"EvtCode": 1}]}, ErrorCode.BAD_ATTRIBUTE, "Events: Sequence"),
    ("RequestGOReportingData", {"Source": "s", "Events": [7]}, ErrorCode.BAD_ATTRIBUTE, "Events: Sequence"),
    ("RequestGOReportingData", {"Source": "", "Events": [call(1)]}, ErrorCode.BAD_ATTRIBUTE, "Source: 1 to"),
    ("RequestGOReportingData", {"Source": "s"}, ErrorCode.BAD_ATTRIBUTE, "Events: missing"),
    ("RequestOpenReporting", {"Source": "s" * 65, "OCSID": 1, "NextSequence": 1}, ErrorCode.BAD_ATTRIBUTE, "Source: 1 to"),
    ("RequestOpenReporting", {"Source": "a\x00", "OCSID": 1, "NextSequence": 1}, ErrorCode.BAD_ATTRIBUTE, "Source: 1 to"),
    ("RequestOpenReporting", {"Source": "s", "OCSID": 1, "NextSequence": 0}, ErrorCode.BAD_ATTRIBUTE, "NextSequence"),
    ("RequestOpenReporting", {"Source": "s", "OCSID": 2 ** 63, "NextSequence": 1}, ErrorCode.BAD_ATTRIBUTE, "NextSequence"),
    ("RequestOpenReporting", {"Source": "s", "OCSID": "1", "NextSequence": 1}, ErrorCode.BAD_ATTRIBUTE, "OCSID: an int"),
    ("RequestReport", {"Source": "s"}, ErrorCode.NOT_SUPPORTED, "RequestReport")])
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(site: Site, name: str, attributes: dict[str, Any],
                                                               code: ErrorCode, text: str) -> None:
    site.open()
    answer = site.ask(name, **attributes)
    assert answer.name == "EventError" and answer.get("ErrorCode") == code and answer.get("ErrorMessage").startswith(text)
    assert site.tables.rows(schema.chain_calls) == [] and site.open() == 0


def test_while_the_database_is_away_batches_are_refused_and_can_be_sent_again(site: Site, logged: Logged) -> None:
    site.open()
    site.database.fails = DatabaseAway("gone")
    for _ in range(2):
        answer = site.send(call(1))
        assert (answer.name, answer.get("ErrorCode")) == ("EventError", ErrorCode.RESOURCE_UNAVAILABLE)
    site.database.fails = None
    assert site.send(call(1)).get("LastSequence") == 1
    assert [one["CallID"] for one in site.tables.rows(schema.chain_calls)] == ["U1"]
    assert [text for text in logged.texts() if "cannot be written" in text] == [
        "reports cannot be written, OCSs keep them: gone"]
    assert any("takes reports again" in text for text in logged.texts())


def test_a_value_that_the_database_refuses_does_not_stand_in_the_way_of_the_others(site: Site, logged: Logged,
                                                                                   monkeypatch: Any) -> None:
    site.open()
    gather = site.service._writer._gather

    def spoilt(batch: Any, made: Any) -> None:
        if made.get("CallID") == "U2":
            raise DataRefused("too much of it")
        gather(batch, made)
    monkeypatch.setattr(site.service._writer, "_gather", spoilt)
    assert site.send(call(1), call(2), call(3)).get("LastSequence") == 3
    assert [one["CallID"] for one in site.tables.rows(schema.chain_calls)] == ["U1", "U3"]
    assert [(one["kind"], one["first_sequence"], one["text"]) for one in site.tables.rows(schema.audit)] == [
        ("refused", 2, "too much of it")]
    assert any("icon_audit says why" in text for text in logged.texts())


def test_without_its_tables_it_does_not_start_and_says_what_to_do(tables: Tables) -> None:
    with transaction(tables.backend) as work:
        work.cursor.execute("ALTER TABLE icon_version RENAME TO icon_version_gone")
    try:
        with pytest.raises(OCSError, match="database.url: .*run `ocs icon upgrade`, or set database.create"):
            Site(tables).start()
    finally:
        with transaction(tables.backend) as work:
            work.cursor.execute("ALTER TABLE icon_version_gone RENAME TO icon_version")


def test_reports_that_are_under_way_are_written_before_it_stops(tables: Tables) -> None:
    site = Site(tables).log_in()
    site.open()
    site.send(call(1))
    outcome(Deferred.fromCoroutine(site.service.stop()))
    assert len(site.tables.rows(schema.chain_calls)) == 1 and not site.database.running
