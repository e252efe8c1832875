from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from twisted.logger import Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny

from ocs.log import LogForm, LogLevelName, LogOptions, debugging, log_through, masked, observer, set_level


def logger(options: LogOptions, file: io.StringIO) -> Logger:
    return Logger("ocs.test", observer=LogPublisher(observer(options, file)))


def test_a_line_of_text_has_time_level_origin_and_the_formatted_event() -> None:
    file = io.StringIO()
    logger(LogOptions(), file).info("record {record_id} retrieved", record_id=7)
    moment, level, origin, text = file.getvalue().split(maxsplit=3)
    assert moment.endswith("Z") and level == "info" and origin == "[ocs.test]" and text == "record 7 retrieved\n"


def test_a_line_of_json_keeps_the_fields() -> None:
    file = io.StringIO()
    logger(LogOptions(form=LogForm.JSON), file).warn("record {record_id}\nretrieved", record_id=7)
    [line] = file.getvalue().splitlines()
    event = json.loads(line)
    assert event["record_id"] == 7 and event["text"] == "record 7\nretrieved"


def test_only_events_of_the_wanted_level_are_written_and_it_can_be_changed() -> None:
    file = io.StringIO()
    log = logger(LogOptions(level=LogLevelName.WARN), file)
    log.info("quiet")
    set_level("debug", "ocs.test")
    log.debug("loud")
    set_level("error")
    log.warn("quiet again")
    assert [line.split("] ")[1] for line in file.getvalue().splitlines()] == ["loud"]
    with pytest.raises(ValueError):
        set_level("shout")


def test_nobody_is_told_what_happens_with_every_call_unless_debug_is_written_somewhere() -> None:
    set_level("info")
    assert not debugging()
    set_level("debug", "ocs.scheduler")
    assert debugging()
    set_level("warn")
    assert not debugging()
    set_level("debug")
    assert debugging()
    set_level("info")


def test_a_failure_is_written_with_its_traceback_and_a_bad_format_does_not_stop_the_log() -> None:
    file = io.StringIO()
    log = logger(LogOptions(), file)
    log.failure("telling {listener}", Failure(KeyError("gone")), listener="a")
    log.info("{missing}")
    text = file.getvalue()
    assert "telling a\n\tTraceback" in text and "KeyError" in text and "missing" in text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")   # the log stays open, as in a server
def test_a_file_is_made_with_its_folder_and_rotated(tmp_path: Path) -> None:
    options = LogOptions(file=tmp_path / "logs" / "ocs.log")
    Logger("ocs.test", observer=LogPublisher(observer(options))).info("here")
    assert "here" in (tmp_path / "logs" / "ocs.log").read_text()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_command_line_of_twistd_wins(tmp_path: Path) -> None:
    parent: dict[str, object] = {"logger": None, "logfile": str(tmp_path / "given.log")}
    log_through(parent, LogOptions(file=tmp_path / "configured.log"))
    factory = namedAny(str(parent["logger"]))
    Logger("ocs.test", observer=LogPublisher(factory())).info("here")
    assert (tmp_path / "given.log").exists() and not (tmp_path / "configured.log").exists()
    other: dict[str, object] = {"logger": "chosen", "logfile": None}
    log_through(other, LogOptions())
    assert other["logger"] == "chosen"


@pytest.mark.parametrize("number, shown", [("+14155550123", "+1415*****23"), ("7001", "7001"), ("", ""),
                                           ("+493012", "+493012")])
def test_numbers_are_masked(number: str, shown: str) -> None:
    assert masked(number) == shown
