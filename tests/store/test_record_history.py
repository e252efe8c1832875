"""The record history of a list: a line for each record that is processed, with an agent's last word in it."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from ocs.dialing.actions import Treatment, TreatmentAction
from ocs.dialing.results import CallResult
from ocs.dialing.values import CustomField, DoNotCallEntry, Record
from ocs.interfaces import IHistory
from ocs.store.record_history import RECORD_COLUMNS, DialLogFile, RecordHistory
from tests.scheduler.bench import PREVIEW, Bench, chain, record

Line = dict[str, str]
FIELDS = (*RECORD_COLUMNS, "name", "age")


def kept(records: list[Record], **values: Any) -> tuple[Bench, list[Line]]:
    """A bench at work, and the lines that were made so far. Records 8 and 9 are on the do-not-call list."""
    bench, lines = Bench(records, running=False, **values), list[Line]()
    history = RecordHistory({"list": lambda line: lines.append(dict(zip(FIELDS, line, strict=True)))})
    assert verifyObject(IHistory, history)
    bench.context.history.add_listener(history)
    bench.memory.add_do_not_call([DoNotCallEntry(phone=record(n).contact_info) for n in (8, 9)])
    bench.up()
    bench.begin()
    bench.ready("7001")
    return bench, lines


def results(lines: list[Line]) -> list[tuple[int, int, int]]:
    return [(int(line["record_id"]), int(line["record_status"]), int(line["call_result"])) for line in lines]


def test_a_record_has_its_line_when_its_agent_has_settled_it() -> None:
    bench, lines = kept([record(1)])
    bench.talk()
    bench.hang_up(bench.switch.dialed[0])
    assert lines == []          # the database has it as Updated by now, but the agent may say otherwise
    bench.ask("7001", "RecordProcessed", record_handle=bench.holder().handle, call_result=53)
    (line,) = lines
    assert results(lines) == [(1, 3, 53)] and line["attempt_guid"] == bench.attempts(1)[0].guid
    assert (line["campaign"], line["group"], line["calling_list"], line["contact_info"], line["name"], line["age"]) == (
        "spring", "sales", "list", "+12125550001", "Person 1", "40")
    assert line["attempt"] == "1" and line["call_time"].endswith("Z") and line["processed"] >= line["call_time"]


def test_a_record_that_its_agent_puts_off_has_none() -> None:
    bench, lines = kept([record(1)], mode=PREVIEW)
    event = bench.preview()
    bench.ask("7001", "RecordReject", record_handle=event.record.record_handle)     # type: ignore[union-attr]
    bench.pass_(1)
    assert lines == []


def test_a_record_that_is_retried_has_one_when_it_is_given_up() -> None:
    bench, lines = kept([record(1)], maximum_attempts=2)
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=6)
    bench.pass_(301)
    assert lines == []
    bench.switch.over(bench.switch.dialed[1].conn_id, call_state=6)
    assert results(lines) == [(1, 3, 6)] and lines[0]["attempt"] == "2"


def test_the_records_of_a_chain_have_a_line_each_when_they_are_done() -> None:
    next_one = Treatment("next", CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN, dbid=3)
    bench, lines = kept(chain(1, 2), treatments=(next_one,))
    bench.switch.over(bench.switch.dialed[0].conn_id, call_state=7)
    bench.pass_(0)
    before = len(lines)
    bench.switch.over(bench.switch.dialed[1].conn_id, call_state=12)
    assert before <= 1 and sorted(int(line["record_id"]) for line in lines) == [1, 2]


def test_a_record_that_is_not_to_be_called_has_its_line_without_an_attempt() -> None:
    bench, lines = kept([record(8)])
    assert results(lines) == [(8, 3, 51)] and lines[0]["attempt_guid"] == "" and lines[0]["record_type"] == "7"


def test_other_lists_and_secure_fields_are_left_out() -> None:
    told: list[tuple[str, ...]] = []
    bench = Bench([], running=False)
    bench.memory._lists.clear()
    bench.memory.add_list("list", [record(8)], (CustomField("name"), CustomField("age", "int", secure=True)))
    for history in (RecordHistory({"other": told.append}), RecordHistory({"list": told.append})):
        bench.context.history.add_listener(history)
    bench.memory.add_do_not_call([DoNotCallEntry(phone=record(8).contact_info)])
    bench.up()
    bench.begin()
    bench.ready("7001")
    assert len(told) == 1 and told[0][-1] == "Person 8"


def test_what_is_with_an_agent_at_the_stop_has_its_line() -> None:
    bench, history = Bench([record(1)], running=False), RecordHistory({"list": (lines := list[Any]()).append})
    bench.context.history.add_listener(history)
    bench.up()
    bench.begin()
    bench.ready("7001")
    bench.talk()
    bench.hang_up(bench.switch.dialed[0])
    history.stop()
    assert len(lines) == 1


@pytest.mark.parametrize("delimiter", ["\t", ";", "||"])
def test_a_value_cannot_break_its_line(tmp_path: Path, delimiter: str) -> None:
    DialLogFile(tmp_path / "sub" / "spring.log", delimiter).append([("a", f"b{delimiter}c", "d\r\ne\x85f", "")])
    path = tmp_path / "sub" / "spring.log"
    assert path.read_text() == delimiter.join(["a", "b c", "d e f", ""]) + "\n"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_is_appended_to_and_put_aside_when_it_is_long(tmp_path: Path) -> None:
    path = tmp_path / "spring.log"
    for number in range(60):
        DialLogFile(path, rotate_octets=100, keep=3).append([(str(number), "x" * 20)])
    files = [path, *(tmp_path / f"spring.log.{n}" for n in (1, 2, 3))]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    numbers = [int(line.split("\t")[0]) for file in reversed(files) for line in file.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 60)) and all(len(file.read_bytes()) < 130 for file in files)
