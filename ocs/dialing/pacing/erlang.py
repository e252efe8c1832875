"""The queue with impatient callers (Erlang A): what share leaves before an agent is free, and the load at which it is a given
one.

Agents work at rate 1 / handle time each; a caller who waits leaves at rate 1 / patience; arrivals come at random.
"""
from __future__ import annotations

from functools import lru_cache
from math import ceil, sqrt

import numpy as np

__all__ = ["abandoned_share", "largest_load"]

_TURNS = 40         # of the bisection
_MOST_QUEUE = 2_000


def abandoned_share(agents: int, load: float, handle_s: float, patience_s: float) -> float:
    """The share of callers, 0 to 1, who leave; `load` is arrivals a second times the handle time (Erlang)."""
    if load <= 0.0:
        return 0.0
    if agents <= 0:
        return 1.0
    overflow = (load + 2 * max(0.0, load - agents)) * patience_s / handle_s
    queue = min(_MOST_QUEUE, ceil(10 + 6 * sqrt(load) + overflow))
    waiting = np.arange(1, queue + 1)
    up = np.log(load) - np.log(np.arange(1, agents + 1))
    beyond = np.log(load) - np.log(agents + waiting * handle_s / patience_s)
    weights = np.concatenate(([0.0], np.cumsum(np.concatenate((up, beyond)))))
    chances = np.exp(weights - weights.max())
    chances /= chances.sum()
    return float(chances[agents + 1:] @ waiting) * handle_s / patience_s / load


def largest_load(agents: float, goal: float, handle_s: float, patience_s: float) -> float:
    """The largest load, in Erlang, at which no larger share than the goal leaves.

    Times are taken to two digits, so that answers can be kept."""
    return _largest_load(int(agents), round(goal, 4), float(f"{handle_s:.2g}"), float(f"{patience_s:.2g}"))


@lru_cache(maxsize=256)
def _largest_load(agents: int, goal: float, handle_s: float, patience_s: float) -> float:
    low, high = 0.0, 2.0 * agents + 1.0
    for _ in range(_TURNS):
        middle = (low + high) / 2
        if abandoned_share(agents, middle, handle_s, patience_s) <= goal:
            low = middle
        else:
            high = middle
    return low
