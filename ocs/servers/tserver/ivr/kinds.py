"""RequestApplyTreatment: from type and parameters to what is done. Keys of TreatmentParms: docs/wire.md, section 9.6."""
from __future__ import annotations

from enum import IntEnum
from typing import Mapping

from ocs.servers.tserver.ivr.applications import IvrApplicationOptions, run
from ocs.servers.tserver.ivr.steps import Collect, HangUp, Play, Treatment
from protocols.attributes import KVList, KVValue
from protocols.message import ErrorCode, Refused

__all__ = ["TreatmentType", "treatment"]

_LONGEST_S = 3_600
_MOST_DIGITS = 32


class TreatmentType(IntEnum):
    """Attribute TreatmentType: those that this server carries out."""
    MUSIC = 2
    RING_BACK = 3
    SILENCE = 4
    BUSY = 5
    COLLECT_DIGITS = 6
    PLAY_ANNOUNCEMENT = 7
    PLAY_ANNOUNCEMENT_AND_DIGITS = 8
    CANCEL_CALL = 12
    PLAY_APPLICATION = 13
    TEXT_TO_SPEECH = 15
    TEXT_TO_SPEECH_AND_DIGITS = 16
    FAST_BUSY = 17


_TONES = {TreatmentType.MUSIC: "music", TreatmentType.RING_BACK: "ring back", TreatmentType.SILENCE: "silence",
          TreatmentType.BUSY: "busy", TreatmentType.FAST_BUSY: "fast busy"}
_SPOKEN = (TreatmentType.PLAY_ANNOUNCEMENT, TreatmentType.TEXT_TO_SPEECH)
_SPOKEN_WITH_DIGITS = (TreatmentType.PLAY_ANNOUNCEMENT_AND_DIGITS, TreatmentType.TEXT_TO_SPEECH_AND_DIGITS)


def treatment(kind: int, parameters: KVList, applications: Mapping[str, IvrApplicationOptions]) -> Treatment:
    """The treatment; Refused (51, 53, 59) names what cannot be carried out."""
    try:
        known = TreatmentType(kind)
    except ValueError:
        raise Refused(ErrorCode.NOT_SUPPORTED, f"TreatmentType: {kind} is not supported") from None
    given = dict(reversed(parameters))      # of a key that is repeated the first value counts
    if known is TreatmentType.CANCEL_CALL:
        return _cancel()
    if known is TreatmentType.PLAY_APPLICATION:
        name = given.get("APP_ID")
        application = applications.get(str(name))
        if application is None:
            raise Refused(ErrorCode.NOT_CONFIGURED, f"TreatmentParms.APP_ID: no application {str(name)[:64]!r} is configured")
        return run(application)
    prompt = _TONES.get(known) or str(given.get("PROMPT", given.get("TEXT", "")))
    plays_s = _number(given, "DURATION", 3, _LONGEST_S)
    if known in _TONES or known in _SPOKEN:
        return _play(prompt, plays_s)
    digits, timeout_s = _number(given, "MAX_DIGITS", 1, _MOST_DIGITS), _number(given, "TOTAL_TIMEOUT", 10, 120)
    return _listen(prompt if known in _SPOKEN_WITH_DIGITS else "", plays_s, digits, timeout_s)


def _number(given: Mapping[str, KVValue], key: str, default: int, most: int) -> int:
    """A count or a number of seconds; people write it as text, too."""
    value = given.get(key, default)
    try:
        number = int(value) if isinstance(value, (int, str)) else 0
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise Refused(ErrorCode.BAD_ATTRIBUTE, f"TreatmentParms.{key}: 1 to {most}")
    return number


def _play(prompt: str, seconds: float) -> Treatment:
    yield Play(prompt, seconds)
    return ""


def _listen(prompt: str, seconds: float, digits: int, timeout_s: float) -> Treatment:
    if prompt:
        yield Play(prompt, seconds)
    collected: str = yield Collect(digits, timeout_s)
    return collected


def _cancel() -> Treatment:
    yield HangUp()
    return ""
