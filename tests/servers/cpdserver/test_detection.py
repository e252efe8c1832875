"""Who or what has answered: rule by rule on stretches of sound, and how often it errs on the lines of the simulated network."""
from __future__ import annotations

import random

import pytest

from ocs.servers.cpdserver.detection import SETTINGS, AnswerDetector, DetectionSettings, Sound, Verdict
from ocs.servers.tserver.line_audio import line_audio
from protocols.cpd.messages import AnswerType, Recognition
from protocols.tserver.messages import CallState

V, S, F = Sound.VOICE, Sound.SILENCE, Sound.FAX
_STEP_S = 0.02


def listen(stretches: list[tuple[Sound, float]],
           settings: DetectionSettings = DetectionSettings()) -> tuple[Verdict | None, float]:
    """The verdict, and when it came; told in frames of 20 ms."""
    detector, at = AnswerDetector(settings), 0.0
    for sound, seconds in stretches:
        for _ in range(round(seconds / _STEP_S)):
            at += _STEP_S
            verdict = detector.hear(sound, _STEP_S)
            if verdict is not None:
                return verdict, at
    return None, at


@pytest.mark.parametrize("stretches, answer, state, at", [
    ([(S, 0.4), (V, 0.6), (S, 5)], AnswerType.VOICE, CallState.OK, 1.8),                    # hello, and waits
    ([(S, 0.4), (V, 0.4), (S, 0.2), (V, 0.4), (S, 5)], AnswerType.VOICE, CallState.OK, 2.2),    # two words
    ([(S, 0.4), (V, 0.3), (S, 0.2), (V, 0.3), (S, 0.2), (V, 0.3)], AnswerType.ANSWERING_MACHINE,
     CallState.ANSWERING_MACHINE_DETECTED, 1.5),                                            # a third word
    ([(S, 0.4), (V, 4)], AnswerType.ANSWERING_MACHINE, CallState.ANSWERING_MACHINE_DETECTED, 1.9),  # a long greeting
    ([(S, 9)], AnswerType.UNKNOWN, CallState.SILENCE, 2.5),
    ([(S, 0.3), (F, 3)], AnswerType.FAX, CallState.FAX_DETECTED, 0.74),
    ([(S, 0.3), (F, 0.3), (S, 0.2), (F, 0.3), (S, 0.4), (V, 0.5), (S, 2)], AnswerType.VOICE, CallState.OK, 2.8),
    ([(V, 0.06), (S, 3)], AnswerType.UNKNOWN, CallState.SILENCE, 2.56)])                     # a click is no word
def test_the_rules(stretches: list[tuple[Sound, float]], answer: AnswerType, state: CallState, at: float) -> None:
    verdict, heard_at = listen(stretches)
    assert verdict is not None
    assert (verdict.answer, verdict.call_state) == (answer, state)
    assert heard_at == pytest.approx(at, abs=0.05)


def test_what_cannot_be_told_in_time_counts_as_a_person() -> None:
    hesitant = [(V, 0.2), (S, 0.7)] * 2 + [(S, 0.1), (V, 0.08)] * 40
    verdict, at = listen(hesitant, DetectionSettings(after_greeting_silence_s=3.0, maximum_words=9))
    assert verdict is not None and verdict.answer is AnswerType.VOICE and "undecided" in verdict.cause
    assert at == pytest.approx(5.0, abs=0.05)


def test_without_telling_machines_the_first_word_decides() -> None:
    settings = SETTINGS[Recognition.NO_AM_DETECTION]
    assert settings is not None
    verdict, at = listen([(S, 0.4), (V, 6)], settings)
    assert verdict is not None and verdict.answer is AnswerType.VOICE and at == pytest.approx(0.5, abs=0.03)
    verdict, _ = listen([(S, 0.4), (F, 6)], settings)
    assert verdict is not None and verdict.answer is AnswerType.FAX


def test_every_level_has_its_settings() -> None:
    assert set(SETTINGS) == set(Recognition)
    assert SETTINGS[Recognition.NO_PROGRESS_DETECTION] is None
    assert all(settings is None or not settings.problems() for settings in SETTINGS.values())


@pytest.mark.parametrize("level", [Recognition.POSITIVE_AM_DETECTION, Recognition.ACCURATE_AM_DETECTION])
def test_it_errs_seldom_on_simulated_lines_and_it_does_err(level: Recognition) -> None:
    settings, rng = SETTINGS[level], random.Random(5)
    assert settings is not None

    def wrong(party: CallState, calls: int = 400) -> float:
        missed = 0
        for _ in range(calls):
            audio = [(Sound(str(kind)), int(ms) / 1_000) for kind, ms in line_audio(party, rng)]     # type: ignore[arg-type]
            verdict, _ = listen(audio, settings)
            missed += verdict is None or verdict.call_state is not party
        return missed / calls

    assert 0 < wrong(CallState.OK) < 0.1
    assert 0 < wrong(CallState.ANSWERING_MACHINE_DETECTED) < 0.1
    assert wrong(CallState.FAX_DETECTED, 50) == 0
