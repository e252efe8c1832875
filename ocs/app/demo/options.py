"""What the command line of `ocs demo` and `ocs serve-lab` says, and where the demonstration's own files lie."""
from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from pathlib import Path

import ocs
from ocs.dialing.results import DialingMode
from ocs.errors import ConfigurationError

__all__ = ["DemoOptions", "NOW", "shipped"]

NOW = "2026-03-10T16:30:00Z"    # a Tuesday, 12:30 in New York and 9:30 in Los Angeles: every zone of the demo is open


@dataclass(frozen=True)
class DemoOptions:
    """One run. `now` is epoch seconds, None = where the directory's clock stands, else `NOW`."""

    contacts: Path
    dnc: Path | None
    agents: int
    mode: DialingMode
    speed: float
    now: float | None
    seed: int
    directory: Path
    database: str | None = None     # a URL; None = a SQLite file in the directory
    json: Path | None = None
    picture: Path | None = None     # an SVG of the run
    skip_bad: bool = False
    cpd: bool = False           # the CPD Server dials
    obn: bool = False           # the Outbound Notification Manager dials; in power-gvp
    tls: bool = False           # every port and link of messages
    mutual_tls: bool = False    # with tls: every client shows a certificate
    stay: bool = False          # serve-lab: up until interrupted


def shipped(name: str) -> Path:
    """A file of `etc/`: beside the packages in a checkout, under `share/ocs` of an installation. ConfigurationError if it
    is in neither."""
    for folder in (Path(ocs.__file__).resolve().parent.parent / "etc", Path(sysconfig.get_path("data")) / "share" / "ocs"):
        if (folder / name).is_file():
            return folder / name
    raise ConfigurationError([f"{name} is not installed; give the file by its option"])
