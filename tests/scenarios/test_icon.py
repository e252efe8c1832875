"""Whatever happens in a campaign, to the OCS, to ICON and to the network between them: the interaction database tells of every
attempt what the calling list's database tells, each report is there once, and nothing is missing."""
from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from ocs.dialing.results import DialingMode
from ocs.dialing.values import AttemptState, CustomField
from ocs.links.icon import IconLinkOptions, IconReporter
from ocs.options import load
from ocs.servers.icon import schema
from ocs.servers.icon.versions import icon_versions
from ocs.store.report_spool import ReportSpool
from ocs.store.told_first import ToldFirst
from protocols.icon.messages import Cause
from tests.doubles.icon import IconWire, icon_at
from tests.scheduler import bench as benches
from tests.scheduler.bench import TRUNK, Bench
from tests.scheduler.walk import STEPS, World
from tests.servers.icon.tables import rows
from tests.store.threads import InlineReactor, InlineThreads

FIELDS = (CustomField("name", send_attribute="CustomerName", icon_attribute=1),
          CustomField("age", "int", send_attribute="Age", icon_attribute=2))
WIRE_STEPS = ("wire", "icon", *STEPS)
WORLDS: list[tuple[bool, dict[str, Any]]] = [
    (False, {}), (True, {"trunk_group_dn": TRUNK}), (False, {"mode": DialingMode.PREVIEW})]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("icon") / "icon.sqlite"
    icon_versions.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def reported_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "FIELDS", FIELDS)


class ReportedWorld(World):
    """A walk that is reported to an ICON, over a wire that breaks."""

    def __init__(self, template: Path, record_processed: bool, **group: Any) -> None:
        self._template, self.crashed = template, False
        self._folder = Path(tempfile.mkdtemp(prefix="ocs-walk-"))
        self.in_the_table: set[int] = set()     # records that were cancelled while nobody held them
        self.icon = icon_at(self._folder, template)
        super().__init__(record_processed, **group)

    def _live(self, bench: Bench) -> None:
        options = load(IconLinkOptions, {"spool_file": str(self._folder / "spool.db")})
        self.spool = ReportSpool(options.spool_file, InlineReactor(), bench.clock, InlineThreads)
        self.reporter = IconReporter(options, self.spool, bench.clock, bench.clock.wall, random.Random(1), 1, self._attempts)
        self.wire = self.reporter.delivery.link = IconWire(self.icon)
        self.wire.listener = self.reporter.delivery
        self.memory = bench.memory
        if self.memory.cancel_records != self._cancelled_in_the_table:
            self._cancel_in_the_table, self.memory.cancel_records = (  # type: ignore[method-assign]
                self.memory.cancel_records, self._cancelled_in_the_table)
        for name in ("save", "open_attempts"):
            setattr(bench.store, name, self._after_the_reports(getattr(bench.store, name)))
        bench.context.store = ToldFirst(bench.store, self.reporter.told)
        bench.context.history.add_listener(self.reporter)
        bench.wait(Deferred.fromCoroutine(self.reporter.start()))
        self.wire.go_up()
        super()._live(bench)

    def _cancelled_in_the_table(self, request: Any) -> Any:
        """Records that no server holds are cancelled where they are, in the table; ICON hears of chains that are worked on."""
        before = self.bench.records()
        answer = self._cancel_in_the_table(request)
        self.in_the_table |= {number for number, record in self.bench.records().items() if record != before[number]}
        return answer

    def _after_the_reports(self, request: Any) -> Any:
        def checked(change: Any) -> Any:
            assert self.spool.unwritten == 0, "the database hears of a change before its reports would survive a crash"
            return request(change)
        return checked

    async def _attempts(self, guids: Any) -> Any:
        return {guid: self.memory.attempts[guid] for guid in guids if guid in self.memory.attempts}

    def crash_within(self, what: str, number: int) -> None:
        """The process dies in the middle of a step: of what it asked the database for much is done, of what it would have done
        a moment later nothing is."""
        getattr(self, "_step_" + what)(number)
        self.crash()

    def crash(self) -> None:
        self.crashed = True
        self.wire.up = False
        self.spool._database.stopService()
        super().crash()

    # -- what the wire and ICON do --------------------------------------------------------------------------------
    def _step_wire(self, number: int) -> None:
        if not self.wire.up:
            self.wire.go_up()
        else:
            self.wire.mood = ("before", "after", "late", 166, "")[number % 5]
            if number % 7 == 0:
                self.wire.go_down()

    def _step_icon(self, number: int) -> None:
        """kill -9 of ICON; it is started again."""
        if number % 4 == 0:
            self.icon.kill()
            self.icon = icon_at(self._folder, self._template)
            self.wire.restart(self.icon)

    # -- the end --------------------------------------------------------------------------------------------------
    def end(self) -> None:
        try:
            self.wire.mood = ""
            self.wire.go_up()
            super().end()
        finally:
            self.close()

    def _end(self) -> None:
        told, self.reporter._running = self.reporter._running, True
        assert told
        super()._end()
        self.bench.wait(self.spool.flushed())
        self.wire.mood = ""
        self.wire.go_up()
        for _ in range(100):
            self.bench.clock.advance(1.0)
        assert self.reporter.status.waiting == 0, self.reporter.status
        self._compare()

    def close(self) -> None:
        self.spool._database.stopService()
        self.icon.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _rows(self, table: Any) -> list[Any]:
        return rows(self.icon.backend, table)

    def _compare(self) -> None:
        assert self._rows(schema.audit) == [], "reports are missing"
        history, chains = self._rows(schema.chain_history), self._rows(schema.chains)
        written = Counter(row["GSYS_SEQ"] for row in history if row["Cause"] != Cause.SERVER_RESTARTED)
        assert all(count == 1 for count in written.values()), "a report is there twice"
        assert {row["State"] for row in chains} <= {0} and {row["State"] for row in self._rows(schema.campaigns)} == {0}
        self._compare_attempts(history)
        self._compare_records(history, chains)
        self._compare_stages(history)

    def _compare_attempts(self, history: list[Any]) -> None:
        """The last word on each attempt is the database's. What the database never had was not dialed."""
        last = {row["CallAttID"]: row for row in history if "AttemptState" in row}
        attempts = self.memory.attempts
        assert attempts.keys() <= last.keys(), "an attempt is missing"
        for guid, row in last.items():
            attempt = attempts.get(guid)
            if attempt is None:
                assert row["AttemptState"] == AttemptState.NOT_DIALED.value, "an attempt that nobody made"
                continue
            assert (row["AttemptState"], row.get("CallResult"), row.get("ConnID"), row["RecordID"], row["Attempt"],
                    row["ContactInfo"], row.get("AgentID")) == (
                attempt.state.value, None if attempt.call_result is None else int(attempt.call_result), attempt.conn_id,
                attempt.record_id, attempt.number, attempt.phone, attempt.agent_id), guid
        calls = {row["CallAttID"]: row for row in self._rows(schema.chain_calls)}
        for guid, attempt in attempts.items():
            if attempt.conn_id is not None and attempt.state is AttemptState.CLOSED:
                assert calls[guid]["ConnID"] == attempt.conn_id

    def _compare_records(self, history: list[Any], chains: list[Any]) -> None:
        """What was told last of a record is what the list has, unless a crash came between."""
        restarted = {row["ChainGUID"] for row in history if row["Cause"] == Cause.SERVER_RESTARTED}
        newest = {row["RecordID"]: row for row in self._rows(schema.records)}
        fields = {(row["ChainGUID"], row["RecordHandle"], row["FieldName"]): row.get("Value")
                  for row in self._rows(schema.fields)}
        heard: defaultdict[int, set[Any]] = defaultdict(set)
        for row in history:
            if row["Cause"] == Cause.RECORD_CHANGED:
                heard[row["RecordID"]].add((row["CallResult"], row["RecordStatus"], row["Attempt"]))
        for record in self.bench.records().values():
            if record.record_status.final and record.record_id not in self.in_the_table:
                assert (record.call_result, record.record_status, record.attempt) in heard[record.record_id], "nobody was told"
        for record_id, row in newest.items():
            if row["ChainGUID"] in restarted or record_id in self.in_the_table:
                continue
            record = self.bench.records()[record_id]
            assert (row["CallResult"], row["RecordType"], row["RecordStatus"], row["Attempt"], row["ContactInfo"]) == (
                int(record.call_result), int(record.record_type), int(record.record_status), record.attempt,
                record.contact_info), record_id
            assert row.get("SchedTime_ts") == record.dial_sched_time and row.get("CallTime_ts") == record.call_time
            assert fields[row["ChainGUID"], row["RecordHandle"], "name"] == record.fields["name"]
        assert {row["FieldName"] for row in self._rows(schema.secure_fields)} <= {"age"}
        assert all(row["FieldName"] == "name" for row in self._rows(schema.field_history))

    @staticmethod
    def _compare_stages(history: list[Any]) -> None:
        """Each chain's history is a chain of states: one begins where the one before ended."""
        states: dict[str, int] = {}
        for row in history:
            guid = row["ChainGUID"]
            before = states.get(guid, 0)
            if "AttemptState" not in row or guid in states:     # an end that was found out later comes without a beginning
                assert row["PrevState"] == before, row
            states[guid] = row["State"]


def walked(world: ReportedWorld, steps: Any) -> None:
    try:
        for step in steps:
            world.step(*step)
    except BaseException:
        world.close()
        raise
    world.end()


def random_steps(rng: random.Random, count: int) -> Iterator[tuple[str, int]]:
    return ((rng.choice(WIRE_STEPS), rng.randrange(100_000)) for _ in range(count))


@pytest.mark.parametrize("record_processed, group", WORLDS)
@pytest.mark.parametrize("seed", range(1))
def test_a_long_walk_is_reported_to_the_last_attempt(template: Path, record_processed: bool, group: Any, seed: int) -> None:
    walked(ReportedWorld(template, record_processed, **group), random_steps(random.Random(seed), 200))


@pytest.mark.parametrize("record_processed, group", WORLDS)
@pytest.mark.parametrize("seed", range(2))
def test_a_crash_at_any_moment_loses_no_attempt_and_doubles_none(
        template: Path, record_processed: bool, group: Any, seed: int) -> None:
    rng, world = random.Random(100 + seed), ReportedWorld(template, record_processed, **group)
    for _ in range(4):
        for step in random_steps(rng, 40 + 30 * seed):
            world.step(*step)
        world.crash_within(rng.choice(("call", "call", "desktop", "agent", "time")), rng.randrange(100_000))
    walked(world, random_steps(rng, 80))


@settings(max_examples=8, deadline=None)
@given(world=st.sampled_from(WORLDS), crash_after=st.integers(0, 40),
       steps=st.lists(st.tuples(st.sampled_from(WIRE_STEPS), st.integers(0, 99_999)), min_size=5, max_size=50))
def test_a_short_walk_is_reported(template: Path, world: Any, crash_after: int, steps: Any) -> None:
    made = ReportedWorld(template, world[0], **world[1])
    for step in steps[:crash_after]:
        made.step(*step)
    if crash_after < len(steps):
        made.crash_within(*steps[crash_after])
    walked(made, steps[crash_after + 1:])
