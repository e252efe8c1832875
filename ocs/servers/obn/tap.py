"""`twistd ocs-obn --config FILE`."""
from __future__ import annotations

from typing import Any

from twisted.application.service import IService, MultiService
from twisted.python import usage

from ocs.errors import ConfigurationError
from ocs.log import log_through
from ocs.options import load_file
from ocs.runtime import ParentWatch, refuse
from ocs.servers.obn.config import ObnOptions
from ocs.servers.obn.service import ObnService

__all__ = ["Options", "makeService"]


class Options(usage.Options):
    """Command line of the plugin."""

    optParameters = [["config", "c", None, "TOML file with the options; see etc/ocs-obn.toml. Required."]]

    def postOptions(self) -> None:
        if not self["config"]:
            raise usage.UsageError("--config FILE is required")
        try:
            self.settings = load_file(ObnOptions, self["config"])
        except ConfigurationError as error:
            refuse(error)
        log_through(self.parent, self.settings.log)


def makeService(options: Any) -> IService:
    """The manager, and the watch on the parent process where wanted."""
    from twisted.internet import reactor  # by now twistd has installed the one that was asked for

    services = MultiService()
    try:
        ObnService(reactor, options.settings).setServiceParent(services)
    except ConfigurationError as error:
        refuse(error)
    if options.settings.service.stop_with_parent:
        ParentWatch(reactor).setServiceParent(services)
    return services
