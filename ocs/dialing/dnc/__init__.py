"""The do-not-call list: exact, in compressed memory, changed while it is used. `DoNotCallList` is the way in."""
from ocs.dialing.dnc.checks_off import checks_off
from ocs.dialing.dnc.listed import ChangeKind, DoNotCallBuilder, DoNotCallChange, DoNotCallList, Load, Scope

__all__ = ["ChangeKind", "DoNotCallBuilder", "DoNotCallChange", "DoNotCallList", "Load", "Scope", "checks_off"]
