"""What upsets a pacer, as tables of a scenario."""
from __future__ import annotations

from typing import Any, Callable

__all__ = ["DISTURBANCES", "disturbed"]

DISTURBANCES: dict[str, Callable[[str], dict[str, Any]]] = {
    "hit ratio from 10 to 60 percent": lambda at: {"course": {"hit_ratio": ["09:00 0.1", f"{at} 0.6"]}},
    "half of the agents leave at once": lambda at: {"event": [{"at": at, "kind": "agents-leave", "value": 0.5}]},
    "answers come twice as late": lambda at: {"event": [{"at": at, "kind": "answer-delay", "value": 2.0}]},
    "the link is lost for 30 s": lambda at: {"event": [{"at": at, "kind": "link-lost", "lasts_s": 30.0}]},
    "the clock is set on": lambda at: {"event": [{"at": at, "kind": "clock-step", "value": 3_600.0}]},
    "the clock is set back": lambda at: {"event": [{"at": at, "kind": "clock-step", "value": -3_600.0}]},
}


def disturbed(name: str, at: str, agents: int, hours: float, seed: int = 1) -> dict[str, Any]:
    """Tables of a predictive day that is disturbed at this time."""
    return {"hours": hours, "interval_min": 5.0, "decisions": 0, "seed": seed, "shift": [{"agents": agents}],
            "calling_list": {"contacts": int(500 * agents * hours)}, "people": {"person": 0.3, "talk_s": 60.0, "machine": 0.15},
            "agents": {"wrap_up_s": 10.0, "break_every_s": 0.0},
            "campaign_group": {"ring_timeout_s": 25.0, "dialing_rate_limit": 100.0}, **DISTURBANCES[name](at)}
