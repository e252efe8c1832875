"""A fixed number of calls: as many as there are ports of the IVR, or as the group is to keep in progress."""
from __future__ import annotations

from ocs.dialing.pacing.decision import PacingDecision, PacingInput, within_limits
from ocs.dialing.session import Condition

__all__ = ["fill_ports"]


def fill_ports(given: PacingInput, ports: int, what: str) -> PacingDecision:
    """Calls for the ports that are free; `under_way` are the calls in progress, `what` names the ports for the reason."""
    wanted = max(0, ports - given.under_way)
    text = f"{ports} {what} less {given.under_way} in progress"
    if not ports:
        return PacingDecision(given.now, 0, Condition.WAITING_PORTS, f"there are no {what}")
    if not wanted:
        return PacingDecision(given.now, 0, Condition.DIALING, f"dialed 0: {text}")
    return within_limits(given, wanted, text)
