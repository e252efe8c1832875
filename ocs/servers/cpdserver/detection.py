"""Who or what has answered, told from what is heard: runs of voice, silence and tones, without audio, clock or sockets.

The rules are those of the best known open detector, with its public names and defaults: a greeting that is short and followed by
silence is a person's; one that is long, has many words, or does not pause is a machine's. Fax and long silence are told by
themselves. What each level of recognition changes in the numbers is the table `SETTINGS`; where no public figure exists the
choice is marked there, to be corrected in one place.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from protocols.cpd.messages import AnswerType, Recognition
from protocols.tserver.messages import CallState

__all__ = ["AnswerDetector", "DetectionSettings", "OUT_OF_TIME", "SETTINGS", "Sound", "UNANALYSED", "Verdict"]


class Sound(Enum):
    """What a stretch of audio is."""
    SILENCE = "silence"
    VOICE = "voice"
    FAX = "fax"         # 1100 or 2100 Hz
    BEEP = "beep"       # a single tone, as a machine gives before it records


@dataclass(frozen=True)
class DetectionSettings:
    """Seconds, and a number of words. The defaults are the public ones."""

    initial_silence_s: float = 2.5          # nobody speaks first: silence
    greeting_s: float = 1.5                 # so much voice is a machine's
    after_greeting_silence_s: float = 0.8   # so much silence after a first word is a person who waits
    total_analysis_s: float = 5.0
    minimum_word_s: float = 0.1
    between_words_s: float = 0.05
    maximum_words: int = 2
    maximum_word_s: float = 5.0
    fax_s: float = 0.425                    # contiguous tone
    machines: bool = True                   # tell machines from persons

    def problems(self) -> list[str]:
        """What cannot be."""
        return [f"{name}: must be more than 0" for name in ("initial_silence_s", "greeting_s", "after_greeting_silence_s",
                                                            "total_analysis_s", "fax_s") if getattr(self, name) <= 0]


_DEFAULT = DetectionSettings()
# level -> settings; None: every answer counts as a person. Of levels 0, 1, 2 and 4 the meaning is public; the numbers of 3 and 5
# are ours: slower, they need more proof of either
SETTINGS: dict[Recognition, DetectionSettings | None] = {
    Recognition.NO_PROGRESS_DETECTION: None,
    Recognition.NO_AM_DETECTION: replace(_DEFAULT, machines=False),
    Recognition.POSITIVE_AM_DETECTION: _DEFAULT,
    Recognition.FULL_POSITIVE_AM_DETECTION: replace(_DEFAULT, after_greeting_silence_s=1.2, greeting_s=1.8, maximum_words=3,
                                                    total_analysis_s=8.0),
    Recognition.TELEPHONY_PRESET: _DEFAULT,
    Recognition.ACCURATE_AM_DETECTION: replace(_DEFAULT, after_greeting_silence_s=1.0, greeting_s=2.0, maximum_words=4,
                                               total_analysis_s=10.0),
}


@dataclass(frozen=True)
class Verdict:
    """What answered, and why: a word for the log."""

    answer: AnswerType
    call_state: CallState
    cause: str


_PERSON = Verdict(AnswerType.VOICE, CallState.OK, "person")
_FAX = Verdict(AnswerType.FAX, CallState.FAX_DETECTED, "fax tone")
_SILENCE = Verdict(AnswerType.UNKNOWN, CallState.SILENCE, "initial silence")
UNDECIDED = Verdict(AnswerType.VOICE, CallState.OK, "undecided within the time for analysis")
UNANALYSED = Verdict(AnswerType.VOICE, CallState.OK, "not analysed")
OUT_OF_TIME = Verdict(AnswerType.VOICE, CallState.OK, "call_timeguard_timeout")


def _machine(cause: str) -> Verdict:
    return Verdict(AnswerType.ANSWERING_MACHINE, CallState.ANSWERING_MACHINE_DETECTED, cause)


class _Phase(Enum):
    BEFORE_GREETING = auto()
    GREETING = auto()


class AnswerDetector:
    """Listens to one call from its answer on; `hear` is told of everything, in order."""

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings, self._phase = settings, _Phase.BEFORE_GREETING
        self._total_s = self._voice_s = self._silence_s = self._greeting_s = self._tone_s = 0.0
        self._words, self._in_word = 0, False

    def hear(self, sound: Sound, seconds: float) -> Verdict | None:
        """A stretch of one kind of sound; the verdict, once there is one. Stretches of the same kind may follow each other."""
        self._total_s += seconds
        if sound is Sound.FAX:
            self._tone_s += seconds
            verdict = _FAX if self._tone_s >= self._settings.fax_s else None
        else:
            self._tone_s = 0.0
            verdict = self._voiced(seconds) if sound is Sound.VOICE else self._silent(seconds)
        if verdict is None and self._total_s >= self._settings.total_analysis_s:
            return UNDECIDED
        return verdict

    def _voiced(self, seconds: float) -> Verdict | None:
        settings = self._settings
        self._voice_s += seconds
        self._silence_s = 0.0
        if not self._in_word and self._voice_s >= settings.minimum_word_s:
            self._in_word, self._phase = True, _Phase.GREETING
            self._words += 1
            self._greeting_s += self._voice_s
        elif self._in_word:
            self._greeting_s += seconds
        if not settings.machines:
            return _PERSON if self._in_word else None
        if self._words > settings.maximum_words:
            return _machine(f"{self._words} words")
        if self._voice_s >= settings.maximum_word_s:
            return _machine("a word that does not end")
        if self._greeting_s >= settings.greeting_s:
            return _machine("long greeting")
        return None

    def _silent(self, seconds: float) -> Verdict | None:
        settings = self._settings
        self._silence_s += seconds
        if self._silence_s >= settings.between_words_s:
            self._in_word, self._voice_s = False, 0.0
        if self._phase is _Phase.BEFORE_GREETING:
            return _SILENCE if self._silence_s >= settings.initial_silence_s else None
        return _PERSON if self._silence_s >= settings.after_greeting_silence_s else None
