"""How agents judge calls and agree on callbacks."""
from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.errors import ConfigurationError
from ocs.lab.agents.behaviour import AgentBehaviour, exponential, lognormal
from ocs.lab.agents.judgement import callback_time, heard, judge, unreached
from ocs.options import load
from protocols.desktop.build import build_request
from protocols.desktop.messages import parse_request
from protocols.desktop.names import CallbackType
from tests.doubles.clock import epoch
from tests.lab.wire import record

NOON = epoch("2026-03-10T19:00Z")       # noon in a zone seven hours behind


@pytest.mark.parametrize("call_state, answer_class, result", [
    (0, None, 33), (9, None, 9), (17, None, 17), (0, "AM", 9), (0, "FAX", 17), (0, "Voice", 33), (28, None, 33),
    (9, "AM", 9), (0, 7, 33)])
def test_the_wire_tells_a_machine_or_a_fax_from_a_person(call_state, answer_class, result):
    assert heard(call_state, () if answer_class is None else (("AnswerClass", answer_class),)) == result


def test_an_unanswered_call_has_the_switchs_reason_or_no_answer():
    assert [unreached(state, False) for state in (0, 5, 6, 7, 10, 11, 28)] == [7, 7, 6, 7, 10, 11, 7]
    assert unreached(0, True) == 6


def test_talks_end_in_the_configured_shares():
    rng, behaviour = random.Random(5), AgentBehaviour()
    talks = [judge(33, record(), behaviour, rng, NOON) for _ in range(20_000)]
    share = {name: count / len(talks) for name, count in Counter(one.request for one in talks).items()}
    assert share["RecordReschedule"] == pytest.approx(0.06, abs=0.01)
    assert share["DoNotCall"] == pytest.approx(0.02, abs=0.005)
    results = Counter(one.result for one in talks if one.request == "RecordProcessed")
    assert results[53] / len(talks) == pytest.approx(0.02, abs=0.005)
    assert results[40] / len(talks) == pytest.approx(0.04, abs=0.01)
    assert set(results) == {33, 40, 53}
    personal = [one for one in talks if one.values.get("callback_type") is CallbackType.PERSONAL]
    assert len(personal) / len(talks) == pytest.approx(0.06 * 0.2, abs=0.005)


@given(st.integers(0, 50), st.integers(), st.booleans())
def test_every_disposition_is_a_request_that_the_protocol_has(result, seed, scheduled):
    talks = AgentBehaviour(reschedule_share=0.4, do_not_call_share=0.3)
    disposition = judge(result, record(), talks, random.Random(seed), NOON, scheduled)
    request = parse_request(build_request(disposition.request, application_id=1, campaign_name="Spring",
                                          record_handle=7, **disposition.values))
    assert request.name == disposition.request


@given(st.integers(), st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from((-25_200, 0, 34_200)))
def test_a_callback_is_in_the_future_and_by_day(seed, utc, offset):
    wall = utc.replace(tzinfo=UTC).timestamp()
    agreed = callback_time(record(tz_offset=offset), random.Random(seed), wall)
    local = utc + timedelta(seconds=offset)
    assert local + timedelta(minutes=30) < agreed < local + timedelta(days=2) and agreed.hour in range(9, 19)
    assert agreed.second == agreed.microsecond == 0


@pytest.mark.parametrize("zone, offset, hours", [("America/Los_Angeles", None, -7), ("Nowhere/Else", None, 0),
                                                 ("", None, 0), ("PST", 10 ** 9, 0), ("../etc", None, 0)])
def test_without_an_offset_the_zones_name_counts_and_without_both_utc(zone, offset, hours):
    known = record(tz_name=zone, tz_offset=offset)
    same = record(tz_name="", tz_offset=hours * 3600)
    assert [callback_time(known, random.Random(seed), NOON) for seed in range(20)] == \
        [callback_time(same, random.Random(seed), NOON) for seed in range(20)]


def test_draws_have_the_mean_that_is_asked_for():
    rng = random.Random(3)
    assert sum(lognormal(rng, 15.0, 0.7) for _ in range(20_000)) / 20_000 == pytest.approx(15.0, rel=0.03)
    assert sum(exponential(rng, 600.0) for _ in range(20_000)) / 20_000 == pytest.approx(600.0, rel=0.03)
    assert lognormal(rng, 0.0, 1.0) == exponential(rng, 0.0) == 0.0


def test_shares_that_exceed_all_talks_are_refused():
    with pytest.raises(ConfigurationError, match="add up to 1.1"):
        load(AgentBehaviour, {"reschedule_share": 0.9, "do_not_call_share": 0.14})
