"""`twistd ocs-tserver --config FILE`."""
from __future__ import annotations

from twisted.application.service import IService, MultiService
from twisted.python import usage

from ocs.errors import ConfigurationError
from ocs.log import log_through
from ocs.options import load_file
from ocs.runtime import ParentWatch
from ocs.servers.tserver.config import TServerOptions
from ocs.servers.tserver.service import TServerService

__all__ = ["Options", "makeService"]


class Options(usage.Options):
    """Command line of the plugin."""

    optParameters = [["config", "c", None, "TOML file with the options; see etc/ocs-tserver.toml. Required."]]

    def postOptions(self) -> None:
        if not self["config"]:
            raise usage.UsageError("--config FILE is required")
        try:
            self.settings = load_file(TServerOptions, self["config"])
        except ConfigurationError as error:
            raise usage.UsageError(f"the configuration cannot be used:\n{error}") from None
        log_through(self.parent, self.settings.log)


def makeService(options: Options) -> IService:
    """The T-Server, and the watch on the parent process where wanted."""
    from twisted.internet import reactor  # by now twistd has installed the one that was asked for

    services = MultiService()
    TServerService(reactor, options.settings).setServiceParent(services)
    if options.settings.service.stop_with_parent:
        ParentWatch(reactor).setServiceParent(services)
    return services
