"""Sessions that complete by themselves: as configured, unless somebody asked otherwise."""
from __future__ import annotations

from dataclasses import replace

from ocs.dialing.session import SessionState
from ocs.scheduler.completion import Completion
from tests.scheduler.bench import Bench, record


def done_with(bench: Bench, *dials: int) -> None:
    """Each of these dials ends at a number that does not work."""
    for number in dials:
        bench.switch.over(bench.switch.dialed[number].conn_id, call_state=11)
        bench.pass_(0)
    bench.pass_(30.0)


def made(**group: object) -> tuple[Bench, Completion]:
    bench = Bench([record(1), record(2)], running=False, **group)
    completion = Completion(bench.engine)
    bench.up()
    bench.begin()
    bench.ready("7001", "7002")
    return bench, completion


def test_a_session_that_is_configured_so_is_unloaded_when_its_list_is_done_with() -> None:
    bench, _ = made(auto_completion=True)
    done_with(bench, 0)
    assert bench.session.state is SessionState.RUNNING
    done_with(bench, 1)
    assert bench.session.state is SessionState.NOT_LOADED


def test_a_session_goes_on_where_nobody_wants_that_or_somebody_asked_otherwise() -> None:
    bench, _ = made()
    done_with(bench, 0, 1)
    assert bench.session.state is SessionState.RUNNING
    bench, completion = made(auto_completion=True)
    completion.want(bench.session, False)
    done_with(bench, 0, 1)
    assert bench.session.state is SessionState.RUNNING and not completion.wanted(bench.session)


def test_it_may_be_configured_while_the_session_dials() -> None:
    bench, _ = made()
    done_with(bench, 0, 1)
    bench.wait(bench.session.reconfigure(replace(bench.group, auto_completion=True)))
    bench.pass_(30.0)
    assert bench.session.state is SessionState.NOT_LOADED
