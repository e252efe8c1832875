"""The engine's error tree. What a peer did on the wire lies in `protocols.errors`."""
from __future__ import annotations

__all__ = ["OCSError", "ConfigurationError", "DataRefused", "DatabaseAway", "FilterError", "LoadedElsewhere", "NotAdded",
           "StaleObject", "StoreUnavailable", "UnexpectedEvent", "UnfitCallingList", "UnknownCallingList",
           "UnknownCampaign", "WrongState"]


class OCSError(Exception):
    """Anything that the engine refuses or cannot do."""


class ConfigurationError(OCSError):
    """A configuration that cannot be used; `problems` lists every fault, each naming its field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StaleObject(ConfigurationError):
    """Objects of the configuration that somebody else changed since they were read; `problems` names each."""


class FilterError(OCSError):
    """A dialing filter that cannot be used. `reason` names the column, function or word; `offset` is where it stands in
    the text, counted from 0, None where that is unknown; `unknown_column` is set where only the list's columns can tell."""

    def __init__(self, reason: str, offset: int | None = None, where: str = "", unknown_column: bool = False) -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason, self.offset, self.unknown_column = reason, offset, unknown_column


class UnexpectedEvent(OCSError):
    """An event for which a state machine has no row; a bug here or a peer out of step."""


class StoreUnavailable(OCSError):
    """The database cannot be reached or refused a statement; the text is the database's."""


class DatabaseAway(StoreUnavailable):
    """The database does not answer, or cannot work: nothing is said against what was asked, it may be done later. Whether it
    was done is not known where the connection was lost."""


class DataRefused(StoreUnavailable):
    """The database cannot take a value, and never will."""


class NotAdded(OCSError):
    """A record that cannot be added to a calling list; `attribute` names what is wrong about it."""

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(f"{attribute}: {reason}")
        self.attribute, self.reason = attribute, reason


class UnknownCampaign(OCSError):
    """No campaign group of that name is configured."""


class UnknownCallingList(OCSError):
    """No calling list of that name is in the database."""


class UnfitCallingList(OCSError):
    """What is configured for a calling list does not fit the columns that it has; the text names list and option."""


class WrongState(OCSError):
    """The command is not possible in the session's present state; the text names both."""


class LoadedElsewhere(WrongState):
    """Another server has the campaign group."""
