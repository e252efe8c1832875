"""Where a server's configuration comes from: its file alone, or its file and, for it, the Configuration Database."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ocs.app.campaigns import calling_lists
from ocs.app.config import OCSOptions, to_campaign_groups
from ocs.app.resolution import ServerTables, server_tables
from ocs.app.tidings import Tidings
from ocs.app.vocabulary import TABLES
from ocs.configuration.feed import ConfigurationFeed
from ocs.configuration.options import ConfigurationOptions, Source
from ocs.configuration.store import NOTIFY_CHANNEL, read_objects
from ocs.configuration.store import revision as revision_of
from ocs.configuration.versions import configuration_versions
from ocs.database.backend import Backend, backend_for, transaction
from ocs.database.pool import Database
from ocs.dialing.campaign import CallingList, CampaignGroup
from ocs.errors import ConfigurationError, StoreUnavailable
from ocs.interfaces import IConfiguration
from ocs.options import load, read_toml, table

__all__ = ["DatabaseConfiguration", "FileConfiguration", "ServerConfiguration", "configuration_backend", "load_own",
           "load_server", "make_configuration"]

_InThread = Callable[..., Deferred[Any]]        # (function, *arguments): what it returns
_OF_OBJECTS = (*TABLES, "dialing", "agent")      # what does not stand in the file of a server that works with the database


@dataclass(frozen=True)
class ServerConfiguration:
    """A server's options. `tables` are those of the database, and `revision` how far its history went; both are None where the
    file says everything."""

    options: OCSOptions
    tables: ServerTables | None = None
    revision: int | None = None


@dataclass(frozen=True)
class _Beginning:
    """What must be known before the rest can be read."""

    configuration: ConfigurationOptions = table(ConfigurationOptions)


def load_server(path: Path | str) -> ServerConfiguration:
    """Read and check all of a server's configuration; blocks. ConfigurationError with every problem; also where the database
    cannot be read."""
    path = Path(path)
    mapping = read_toml(path)
    own = _own(path, mapping)
    return ServerConfiguration(own) if own.configuration.source is Source.FILE else _with_database(path, mapping, own)


def load_own(path: Path) -> OCSOptions:
    """Read and check a server's file alone: without the objects of the Configuration Database, where that has them.
    ConfigurationError with every problem."""
    return _own(path, read_toml(path))


def _own(path: Path, mapping: Mapping[str, Any]) -> OCSOptions:
    try:
        source = load(_Beginning, {"configuration": mapping.get("configuration", {})}).configuration.source
        given = [] if source is Source.FILE else [
            f"{name}: is in the configuration database; `ocs config import` brings it there" for name in _OF_OBJECTS
            if name in mapping]
        if given:
            raise ConfigurationError(given)
        return load(OCSOptions, mapping, path.resolve().parent)
    except ConfigurationError as error:
        raise ConfigurationError([f"{path}: {problem}" for problem in error.problems]) from None


def _with_database(path: Path, mapping: Mapping[str, Any], own: OCSOptions) -> ServerConfiguration:
    backend = configuration_backend(own)
    try:
        with transaction(backend, write=False) as work:
            configuration_versions.check(work)
            revision, objects = revision_of(work), read_objects(work)
    except StoreUnavailable as error:
        raise ConfigurationError([f"configuration database: {error}"]) from None
    tables = server_tables(objects, own.application.name, mapping)
    told, known = mapping.get("application", {}).get("dbid"), tables.mapping["application"]["dbid"]
    if told not in (None, known):
        raise ConfigurationError([f"{path}: application.dbid: {told}, but application {own.application.name} of the configuration"
                                  f" database has {known}"])
    try:
        merged = {**mapping, **tables.mapping, **tables.links}
        return ServerConfiguration(load(OCSOptions, merged, path.resolve().parent), tables, revision)
    except ConfigurationError as error:
        raise ConfigurationError([tables.named(problem) for problem in error.problems]) from None


def configuration_backend(options: OCSOptions) -> Backend:
    """The Configuration Database that a server's file names."""
    return backend_for(options.configuration.url or options.database.url, options.database.statement_timeout_s)


class _Configuration:
    """What both sources have."""

    def __init__(self, path: Path, in_thread: _InThread) -> None:
        self.path, self._in_thread = path, in_thread
        self._last: ServerConfiguration | None = None
        self._listeners: list[Callable[[], None]] = []

    def read(self) -> Deferred[OCSOptions]:
        def done(found: ServerConfiguration) -> OCSOptions:
            self._last = found
            return found.options

        return self._in_thread(load_server, self.path).addCallback(done)

    def campaign_groups(self) -> Mapping[str, CampaignGroup]:
        return {} if self._last is None else to_campaign_groups(self._last.options)

    def calling_lists(self) -> Mapping[str, CallingList]:
        return {} if self._last is None else calling_lists(self._last.options)

    def add_listener(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    def told(self, problem: str) -> str:
        tables = None if self._last is None else self._last.tables
        return f"{self.path}: {problem}" if tables is None else tables.named(problem)

    def _changed(self) -> None:
        for changed in self._listeners:
            changed()


@implementer(IConfiguration)
class FileConfiguration(_Configuration):
    """A file; that it has changed is said by whoever changed it."""

    @property
    def origin(self) -> str:
        return f"file {self.path}"

    trouble = ""

    def start(self) -> None:
        """Nothing is looked for: a file that is just being edited is nobody's configuration."""

    def stop(self) -> Deferred[None] | None:
        return None


@implementer(IConfiguration)
class DatabaseConfiguration(_Configuration):
    """A server's file, and the Configuration Database: changes there are seen as they are made. `tidings` tells of them where the
    database can; `database` is where to ask (by default one connection in a thread of its own)."""

    def __init__(self, path: Path, options: OCSOptions, reactor: Any, in_thread: _InThread, tidings: Tidings,
                 database: Database | None = None) -> None:
        super().__init__(path, in_thread)
        self.backend = configuration_backend(options)
        self._database = Database(reactor, self.backend, readers=1) if database is None else database
        notified = tidings.listen(self.backend, NOTIFY_CHANNEL, self._told_of_change)
        self.feed = ConfigurationFeed(self._database.read, reactor, self._changed, options.configuration.poll_s, notified)

    @property
    def origin(self) -> str:
        revision = None if self._last is None else self._last.revision
        return f"{self.backend}" + (f", revision {revision}" if revision is not None else "")

    @property
    def trouble(self) -> str:
        return self.feed.trouble

    def start(self) -> None:
        self._database.startService()
        self.feed.start()

    def stop(self) -> Deferred[None] | None:
        idle = self.feed.stop()
        if idle is not None:
            return idle.addCallback(lambda _: self._close())
        self._close()
        return None

    def _close(self) -> None:
        if self._database.running:
            self._database.stopService()

    def _told_of_change(self) -> None:
        self.feed.wake()


def make_configuration(path: Path, options: OCSOptions, reactor: Any, in_thread: _InThread, tidings: Tidings
                       ) -> FileConfiguration | DatabaseConfiguration:
    """The source that a server's options name."""
    if options.configuration.source is Source.DATABASE:
        return DatabaseConfiguration(path, options, reactor, in_thread, tidings)
    return FileConfiguration(path, in_thread)
