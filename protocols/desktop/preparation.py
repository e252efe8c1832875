"""What a site has prepared for its agents, as the answer to RequestQueryDesktop tells it."""
from __future__ import annotations

from typing import Any, Mapping

from protocols.message import Message

__all__ = ["Preparation"]


class Preparation:
    """What the site has prepared for its agents: `break_codes` (words), `dispositions` (words, call result), and for a campaign
    its `script` and the `form`, fields that the agent fills in. Empty where the server has none."""

    def __init__(self, answer: Message | None = None) -> None:
        told: Mapping[str, Any] = {} if answer is None else answer.attributes
        self.break_codes = tuple(one for one in _list(told.get("BreakCodes")) if isinstance(one, str))
        self.dispositions = tuple((one[0], one[1]) for one in _list(told.get("Dispositions")) if isinstance(one, (list, tuple))
                                  and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], int))
        scripts = told.get("Scripts")
        self._scripts: Mapping[str, Any] = scripts if isinstance(scripts, dict) else {}

    def script(self, campaign: str) -> str:
        """What to say, with `{Field}` where a value of the record belongs."""
        text = self._of(campaign).get("Text")
        return text if isinstance(text, str) else ""

    def form(self, campaign: str) -> tuple[str, ...]:
        """User-defined fields that the agent fills in."""
        return tuple(one for one in _list(self._of(campaign).get("Form")) if isinstance(one, str))

    def _of(self, campaign: str) -> Mapping[str, Any]:
        found = self._scripts.get(campaign)
        return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
