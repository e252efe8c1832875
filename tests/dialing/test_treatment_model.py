"""Random results played against the rules of treatments written once more, in the plainest way."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from ocs.dialing.actions import ExecuteSql, Treatment, TreatmentAction
from ocs.dialing.results import CallResult, RecordStatus, RecordType
from ocs.dialing.treatments import Decision, DialNext, FinishChain, Outcome, Progress, TreatmentTable
from tests.dialing.test_treatments import NOW, phones

A, R = TreatmentAction, CallResult
FAILURES = (R.BUSY, R.ANSWERING_MACHINE_DETECTED, R.NO_ANSWER)
CODES = ("cold", "warm")
RETRIES = (A.REDIAL, A.RETRY_IN, A.RESCHEDULE, A.ASSIGN_TO_GROUP)


@dataclass
class Model:
    """What each consecutive occurrence of a trigger brings is written out as a list, with cycle attempts as repetitions.
    Dates: those of `over` have passed."""

    treatments: list[Treatment]
    maximum_attempts: int
    attempts: list[int]
    index: int = 0
    last: object = None
    at: int = 0             # place in the written list
    passes: int = 1
    said: list[str] = field(default_factory=list)

    def written(self, trigger: object) -> list[tuple[Treatment, int]]:
        steps: list[tuple[Treatment, int]] = []
        for number in range(1, 100):
            found = [one for one in self.treatments if (one.disposition or one.call_result) == trigger and one.sequence == number]
            if not found:
                break
            steps += [(found[0], repetition) for repetition in range(found[0].cycle_attempts)]
        return steps

    def tell(self, result: CallResult, code: str) -> tuple[str, int | None, float, int]:
        """("finish" | "error" | "close" | "dial", index, delay, number of effects)."""
        self.attempts[self.index] += 1
        trigger: object = code if code and self.written(code) else result
        if trigger == R.ANSWER:
            return "finish", None, 0.0, 0
        if trigger != self.last:
            self.last, self.at = trigger, 0
        steps, effects = self.written(trigger), 0
        while self.at < len(steps):
            treatment, repetition = steps[self.at]
            self.at += 1
            over = treatment.date is not None and treatment.date.timestamp() <= NOW
            if over and (treatment.action is not A.NEXT_IN_CHAIN_AT_DATE or self.dialable()):
                continue
            effects += len(treatment.effects)
            if treatment.action not in (A.EXECUTE_SQL, A.SEND_HTTP_REQUEST):
                return *self.apply(treatment, repetition), effects
        return "finish", None, 0.0, effects

    def apply(self, treatment: Treatment, repetition: int) -> tuple[str, int | None, float]:
        if treatment.action is A.MARK_AS_AGENT_ERROR:
            return "error", None, 0.0
        if treatment.action is A.UPDATE_RECORD:
            return "close", None, 0.0
        wait_s = treatment.date.timestamp() - NOW if treatment.date is not None else 0.0
        if treatment.action in (*RETRIES, A.RETRY_AT_DATE) and self.attempts[self.index] < self.maximum_attempts:
            if treatment.action is not A.ASSIGN_TO_GROUP and treatment.date is None:
                wait_s = treatment.interval_s + repetition * treatment.increment_s
            return "dial", self.index, wait_s
        if treatment.action not in (A.NEXT_IN_CHAIN, A.NEXT_IN_CHAIN_AFTER, A.NEXT_IN_CHAIN_AT_DATE):
            return "finish", None, 0.0
        self.last, self.at = None, 0
        behind = [index for index in self.dialable() if index > self.index]
        if behind:
            self.index = behind[0]
            return "dial", self.index, wait_s + (treatment.interval_s if treatment.action is A.NEXT_IN_CHAIN_AFTER else 0.0)
        if not self.dialable() or self.passes >= treatment.cycle_attempts:
            return "finish", None, 0.0
        self.passes += 1
        self.index = self.dialable()[0]
        return "dial", self.index, wait_s or treatment.interval_s + (self.passes - 2) * treatment.increment_s

    def dialable(self) -> list[int]:
        return [index for index, count in enumerate(self.attempts) if count < self.maximum_attempts]


def as_told(decision: Decision) -> tuple[str, int | None, float, int]:
    effects = len(decision.effects)
    if isinstance(decision, DialNext):
        return "dial", decision.index, decision.delay_s, effects
    if isinstance(decision, FinishChain):
        return "error" if decision.status is RecordStatus.AGENT_ERROR else "finish", None, 0.0, effects
    return "close", None, 0.0, effects


@st.composite
def treatment_lists(draw: st.DrawFn) -> list[Treatment]:
    places = draw(st.lists(st.tuples(st.sampled_from(FAILURES + CODES), st.integers(1, 4)), max_size=10, unique=True))
    return [draw(treatments(dbid, trigger, sequence)) for dbid, (trigger, sequence) in enumerate(places, 1)]


@st.composite
def treatments(draw: st.DrawFn, dbid: int, trigger: CallResult | str, sequence: int) -> Treatment:
    action = draw(st.sampled_from(A))
    date = None
    if action in (A.RETRY_AT_DATE, A.NEXT_IN_CHAIN_AT_DATE) or (action is A.RESCHEDULE and draw(st.booleans())):
        date = datetime.fromtimestamp(NOW + draw(st.sampled_from([-60, 0, 60, 7200])), timezone.utc)
    effects = draw(st.integers(0, 2)) or (1 if action in (A.EXECUTE_SQL, A.SEND_HTTP_REQUEST) else 0)
    cycles = 1 if action in (A.EXECUTE_SQL, A.SEND_HTTP_REQUEST) else draw(st.integers(1, 3))
    if isinstance(trigger, str):
        result, code = None, trigger
    else:
        result, code = trigger, ""
    return Treatment(f"t{dbid}", result, action, dbid, sequence, cycles, float(draw(st.integers(0, 3000))),
                     float(draw(st.integers(0, 100))), date, code, effects=(ExecuteSql("x"),) * effects)


RESULTS = st.lists(st.tuples(st.sampled_from((*FAILURES, R.ANSWER)), st.sampled_from(("", "", *CODES))), max_size=40)


@given(treatment_lists(), RESULTS, st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_random_results_are_treated_as_the_plain_model_says(
        rules: list[Treatment], results: list[tuple[CallResult, str]], count: int, maximum_attempts: int, by_list: bool) -> None:
    model, table = Model(rules, maximum_attempts, [0] * count), TreatmentTable(rules)
    records, index, progress = phones(count), 0, Progress()
    for result, code in results:
        records[index] = replace(records[index], attempt=records[index].attempt + 1, call_result=result)
        decision = table.decide(Outcome(result, records, index, progress, maximum_attempts, NOW, disposition=code))
        assert as_told(decision) == model.tell(result, code)
        if not isinstance(decision, DialNext):
            break
        if decision.passes_on:
            records[index] = replace(records[index], treatments=decision.note)
        index, progress = decision.index, decision.progress
        if by_list:     # the chain goes by way of the list and comes back: nothing is forgotten
            records[index] = replace(records[index], treatments=decision.note, record_type=RecordType.CAMPAIGN_RESCHEDULED)
            assert table.resume(records, index) == progress
            progress = table.resume(records, index)
    assert max(record.attempt for record in records) <= maximum_attempts


@given(treatment_lists(), st.lists(st.sampled_from(FAILURES), min_size=40, max_size=40), st.integers(1, 4))
def test_no_chain_is_dialed_for_ever(rules: list[Treatment], results: list[CallResult], count: int) -> None:
    table, records, index, progress = TreatmentTable(rules), phones(count), 0, Progress()
    for result in results:
        records[index] = replace(records[index], attempt=records[index].attempt + 1)
        decision = table.decide(Outcome(result, records, index, progress, 5, NOW))
        if not isinstance(decision, DialNext):
            return
        index, progress = decision.index, decision.progress
    raise AssertionError("still dialed")


def test_the_model_is_not_the_rules_again() -> None:
    """The worked example of the public rules, by the model alone."""
    rules = [Treatment("Busy1", R.BUSY, A.REDIAL), Treatment("Busy2", R.BUSY, A.RETRY_IN, sequence=2, interval_s=3600.0)]
    model = Model(rules, 10, [0])
    assert [model.tell(R.BUSY, "")[2] for _ in range(3)] == [0.0, 3600.0, 0.0]
    assert model.tell(R.NO_ANSWER, "")[0] == "finish"
