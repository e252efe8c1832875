"""What is heard on a line of the simulated network: stretches of voice, silence and tones, as a detector has them of real audio.

Nothing here says what the called party is. People and machines overlap, as they do: some people greet at length, some machines
are brief; so whoever listens makes the mistakes that are made on real lines.
"""
from __future__ import annotations

import random

from protocols.attributes import KVList
from protocols.tserver.messages import CallState

__all__ = ["line_audio"]

_LONG_GREETINGS = 0.04      # of people: "good morning, Miller and sons, what can I do for you"
_BRIEF_MACHINES = 0.03      # of machines: "not here. Beep."


def line_audio(party: CallState, rng: random.Random) -> KVList:
    """From the answer on: pairs of `voice`, `silence`, `fax` or `beep` and milliseconds."""
    if party is CallState.FAX_DETECTED:
        return (("silence", _ms(rng, 0.2, 0.6)), ("fax", 3_000), ("silence", 60_000))
    if party is CallState.ANSWERING_MACHINE_DETECTED:
        words = 2 if rng.random() < _BRIEF_MACHINES else rng.randint(8, 24)
        return (("silence", _ms(rng, 0.3, 1.2)), *_spoken(rng, words), ("silence", _ms(rng, 0.1, 0.5)), ("beep", 430),
                ("silence", 60_000))
    words = rng.randint(4, 8) if rng.random() < _LONG_GREETINGS else 1 + (rng.random() < 0.25)
    return (("silence", _ms(rng, 0.15, 0.9)), *_spoken(rng, words), ("silence", 60_000))


def _spoken(rng: random.Random, words: int) -> KVList:
    """Words with the gaps between them."""
    pairs: list[tuple[str, int]] = []
    for _ in range(words):
        pairs += [("voice", _ms(rng, 0.22, 0.55)), ("silence", _ms(rng, 0.06, 0.3))]
    return tuple(pairs[:-1])


def _ms(rng: random.Random, least_s: float, most_s: float) -> int:
    return round(1_000 * rng.uniform(least_s, most_s))
