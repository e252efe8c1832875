"""`twistd ocs-X --config FILE`, for every companion X: `Options, makeService = companion_tap(...)` in its own `tap.py`."""
from __future__ import annotations

from typing import Any, Callable

from twisted.application.service import IService, MultiService
from twisted.python import usage

from ocs.errors import ConfigurationError
from ocs.log import log_through
from ocs.options import load_file
from ocs.runtime import ParentWatch, refuse, set_start_up_aside
from ocs.servers.service import Build, CompanionOptions, CompanionService

__all__ = ["companion_tap"]


def companion_tap(name: str, kind: type[CompanionOptions],
                  build: Build) -> tuple[type[usage.Options], Callable[[Any], IService]]:
    """The command line and the maker of the service, as twistd wants them. `name` as in `endpoints.json`: the plugin is
    `ocs-NAME`, its sample `etc/ocs-NAME.toml`. Every problem of a configuration goes to standard error, exit status 1."""

    class Options(usage.Options):
        """Command line of the plugin."""

        optParameters = [["config", "c", None, f"TOML file with the options; see etc/ocs-{name}.toml. Required."]]

        def postOptions(self) -> None:
            if not self["config"]:
                raise usage.UsageError("--config FILE is required")
            try:
                self.settings = load_file(kind, self["config"])
            except ConfigurationError as error:
                refuse(error)
            log_through(self.parent, self.settings.log)

    def make_service(options: Any) -> IService:
        """The companion, and the watch on the parent process where wanted."""
        from twisted.internet import reactor  # by now twistd has installed the one that was asked for

        services = MultiService()
        try:
            CompanionService(reactor, name, options.settings, build).setServiceParent(services)
        except ConfigurationError as error:
            refuse(error)
        if options.settings.service.stop_with_parent:
            ParentWatch(reactor).setServiceParent(services)
        set_start_up_aside()
        return services

    return Options, make_service
