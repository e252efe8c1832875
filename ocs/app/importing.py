"""Files of objects into the Configuration Database and out of it: checked whole, changed in one transaction or not at all."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from ocs.app.list_checks import Fields
from ocs.app.object_checks import configuration_problems
from ocs.app.resolution import outbound_servers, server_tables
from ocs.app.vocabulary import VOCABULARY
from ocs.configuration.difference import Action, ObjectChange, differences
from ocs.configuration.document import Document, read_document
from ocs.configuration.exporting import document_of
from ocs.configuration.history import Act, changed_since
from ocs.configuration.kinds import KINDS
from ocs.configuration.names import Index, Objects
from ocs.configuration.plan import planned
from ocs.configuration.store import database_id, lock, read_objects, revision, write_changes
from ocs.configuration.versions import configuration_versions
from ocs.database.backend import Backend, transaction
from ocs.database.statements import Transaction
from ocs.errors import ConfigurationError, StaleObject, StoreUnavailable

__all__ = ["ImportReport", "check_file_objects", "check_objects", "export_file_objects", "export_objects", "export_server",
           "has_objects", "import_objects"]


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do. `unchanged` are labels of objects that are as they were; `left` tables of the file that
    concern one server alone and stay there."""

    changes: tuple[ObjectChange, ...]
    unchanged: tuple[str, ...]
    left: tuple[str, ...]
    revision: int
    done: bool

    def labels(self, action: Action) -> list[str]:
        """Objects with which this was done."""
        return [change.label for change in self.changes if change.action is action]


def import_objects(backend: Backend, mapping: Mapping[str, Any], act: Act, replace: bool = False, dry_run: bool = False,
                   force: bool = False, fields: Fields | None = None, rules: Path | None = None) -> ImportReport:
    """Make the objects of a file (decoded TOML) those of the database. With `replace` objects go that the file has not, and that
    nothing in it refers to. A file that was exported from this database is refused, unless `force`, where it would undo what
    others changed since. With the `fields` of the tables of calling lists, filters are checked against them; `rules` is the
    folder of the site's own calling rules. ConfigurationError with every problem, StaleObject among them; StoreUnavailable."""
    document = read_document(mapping, VOCABULARY)
    with transaction(backend, write=not dry_run) as work:
        configuration_versions.check(work)
        if not dry_run:
            lock(work)
        before = read_objects(work)
        after = planned(before, document, replace, _is_ours(work, document))
        problems = configuration_problems(after, fields, rules)
        if problems:
            raise ConfigurationError(problems)
        changes = differences(before, after)
        if not force:
            _refuse_stale(work, document, changes)
        if not dry_run:
            write_changes(work, changes, act)
        index = Index(after.values())
        touched = {change.key for change in changes}
        unchanged = tuple(index.label(*key) for key in sorted(after) if key not in touched)
        return ImportReport(tuple(changes), unchanged, document.left, revision(work), not dry_run)


def _is_ours(work: Transaction, document: Document) -> bool:
    """Whether the file was exported from this database."""
    return document.exported is not None and document.exported.database == database_id(work)


def _refuse_stale(work: Transaction, document: Document, changes: list[ObjectChange]) -> None:
    if document.exported is None or not _is_ours(work, document):
        return
    since = changed_since(work, document.exported.revision)
    stale = [f"{change.label}: was {entry.by_whom}, after this file was exported" for change in changes
             if (entry := since.get((KINDS[change.key[0]].number, change.key[1]))) is not None]
    if stale:
        raise StaleObject(stale)


def export_objects(backend: Backend, secrets: bool = False) -> dict[str, Any]:
    """The tables of a file with every object, and a note of where it comes from. StoreUnavailable."""
    with transaction(backend, write=False) as work:
        objects = _read(work)
        return {"exported": {"database": database_id(work), "revision": revision(work)},
                **document_of(objects, VOCABULARY, secrets)}


def has_objects(backend: Backend) -> bool:
    """Whether there is a Configuration Database with anything in it."""
    try:
        with transaction(backend, write=False) as work:
            configuration_versions.check(work)
            return revision(work) > 0
    except (StoreUnavailable, ConfigurationError):
        return False


def export_file_objects(mapping: Mapping[str, Any], secrets: bool = False, rules: Path | None = None) -> dict[str, Any]:
    """The tables of a file with every object that a server's own file (decoded TOML) speaks of: as an import into an empty
    database would make them. ConfigurationError with every problem."""
    return document_of(_alone(mapping, rules), VOCABULARY, secrets)


def check_file_objects(mapping: Mapping[str, Any], rules: Path | None = None) -> list[str]:
    """Check a file of objects (decoded TOML) by itself: as an import into an empty database would. The names of its outbound
    contact servers; ConfigurationError with every problem."""
    return outbound_servers(_alone(mapping, rules))


def _alone(mapping: Mapping[str, Any], rules: Path | None) -> Objects:
    objects = planned({}, read_document(mapping, VOCABULARY))
    problems = configuration_problems(objects, rules=rules)
    if problems:
        raise ConfigurationError(problems)
    return objects


def export_server(backend: Backend, application: str) -> dict[str, Any]:
    """The tables that one server works with, its options looked up: what its own file would have to say without the database.
    ConfigurationError where there is no such server; StoreUnavailable."""
    with transaction(backend, write=False) as work:
        tables = server_tables(_read(work), application)
    return {name: value for name, value in {**tables.links, **tables.mapping}.items() if value}


def check_objects(backend: Backend, fields: Fields | None = None, rules: Path | None = None) -> tuple[list[str], list[str]]:
    """Every problem of the objects in a database, as `configuration_problems` has it; and the names of the outbound contact
    servers for which they were checked. StoreUnavailable."""
    with transaction(backend, write=False) as work:
        objects = _read(work)
    return configuration_problems(objects, fields, rules), outbound_servers(objects)


def _read(work: Transaction) -> Objects:
    configuration_versions.check(work)
    return read_objects(work)
