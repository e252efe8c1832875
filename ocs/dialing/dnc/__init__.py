"""The do-not-call list: exact, in compressed memory, changed while it is used. `DoNotCallList` is the way in."""
from ocs.dialing.dnc.builder import DoNotCallBuilder
from ocs.dialing.dnc.changes import ChangeKind, DoNotCallChange, Scope
from ocs.dialing.dnc.checks_off import checks_off
from ocs.dialing.dnc.listed import DoNotCallList, Load

__all__ = ["ChangeKind", "DoNotCallBuilder", "DoNotCallChange", "DoNotCallList", "Load", "Scope", "checks_off"]
