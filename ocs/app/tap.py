"""`twistd ocs`: the command line of the server, and the service behind it."""
from __future__ import annotations

from pathlib import Path

from twisted.application.service import IService
from twisted.python import usage

from ocs.app.config import OCSOptions
from ocs.app.sources import load_server
from ocs.errors import ConfigurationError
from ocs.log import log_through
from ocs.runtime import refuse, set_start_up_aside

__all__ = ["Options", "makeService"]


class Options(usage.Options):
    """Outbound contact server: retrieves contacts, dials them, follows each call to its result."""

    optParameters = [["config", "c", None, "The configuration, a TOML file. `ocs config sample` prints one."]]
    optParameters += [["trace-wire", None, None, "Write the messages of all links to this file, as text; kept in ten files of"
                       " 10 MB. Telephone numbers are masked, passwords never written."]]
    optFlags = [["trace-numbers", None, "Show telephone numbers in that file as they are."]]
    configuration: OCSOptions

    def postOptions(self) -> None:
        """Load the file; with any problem nothing starts: all of them go to standard error, exit status 1."""
        if not self["config"]:
            raise usage.UsageError("--config FILE is required")
        try:
            self.configuration = load_server(self["config"]).options
        except ConfigurationError as error:
            refuse(error)
        log_through(getattr(self, "parent", None), self.configuration.log)


def makeService(options: Options) -> IService:
    """The whole server, not yet started."""
    from twisted.internet import reactor

    from ocs.app.service import make_service
    try:
        service = make_service(options.configuration, reactor, Path(options["config"]).resolve())
    except ConfigurationError as error:
        refuse(error)
    if options["trace-wire"]:
        try:
            service.trace_wire(Path(options["trace-wire"]).resolve(), bool(options["trace-numbers"]))
        except OSError as error:
            refuse(ConfigurationError([f"--trace-wire: cannot write {options['trace-wire']}: {error.strerror}"]))
    set_start_up_aside()
    return service
