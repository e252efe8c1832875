"""Who goes on working after a call: breaks come one by one, the end of a shift comes for many at once.

Two estimates run side by side, a slow one for breaks and a quick one. Which holds is a question of odds: each agent who leaves
speaks for the end of a shift, as much more as leaving is rarer otherwise, each who stays speaks against it. So two or three in
a row are believed, while a single break changes little.
"""
from __future__ import annotations

__all__ = ["Staying"]

_SLOW, _QUICK, _AT_SHIFT_END = 100.0, 6.0, 400.0    # agents remembered; the slow one learns less while many leave
_LEAVING, _RAREST = 0.6, 0.02                       # share that leaves when a shift ends; the least share of breaks
_LONGEST_ODDS = 1000.0


class Staying:
    """`share` of agents, 0 to 1, who are ready again after a call."""

    def __init__(self) -> None:
        self.share = self._slow = self._quick = 0.98
        self._odds = 1.0 / _LONGEST_ODDS

    @property
    def shift_ends(self) -> bool:
        """Whether those who leave now rather end their shift than take a break."""
        return self._odds > 1.0

    def saw(self, stayed: bool) -> None:
        """One more agent stayed or left."""
        leaves = max(_RAREST, 1.0 - self._slow)
        evidence = min(1.0, (1.0 - _LEAVING) / (1.0 - leaves)) if stayed else max(1.0, _LEAVING / leaves)
        self._odds = min(_LONGEST_ODDS, max(1.0 / _LONGEST_ODDS, self._odds * evidence))
        self._slow += (stayed - self._slow) / (_AT_SHIFT_END if self.shift_ends else _SLOW)
        self._quick += (stayed - self._quick) / _QUICK
        self.share = (self._slow + self._odds * self._quick) / (1.0 + self._odds)
