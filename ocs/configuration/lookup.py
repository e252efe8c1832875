"""Where an option of an object is looked for.

First on the object: in the section that has the name of the server's application object, then in `default`, then in
`OCServer`. Then in the same order on the objects behind it: for a campaign group its campaign, last of all the application
object itself. Where none has it, the built-in default counts. So two servers can work with one object, with different options.
Options that live in a section of another name (`Outbound`: the priorities of record types; `default`: a filter's criteria)
are looked for in that one, behind the application's.

Source: the public rule of the outbound contact server; that priorities stand in `Outbound`, too.
"""
from __future__ import annotations

from typing import Iterable, Iterator, Sequence

from ocs.configuration.model import ConfigurationObject, Options

__all__ = ["DEFAULT", "ORDINARY", "Found", "look_up", "sections"]

ORDINARY, DEFAULT = "OCServer", "default"
Found = tuple[str, ConfigurationObject, str]        # value, where it stands, section


def sections(application: str, home: str = ORDINARY) -> Sequence[str]:
    """The sections in which a server looks on each object, in order; `home` is where the option usually lives."""
    if home == ORDINARY:
        return application, DEFAULT, ORDINARY
    return application, home


def look_up(key: str, objects: Iterable[ConfigurationObject], application: str, home: str = ORDINARY) -> Found | None:
    """The value of an option that counts for a server, on the first of these objects that has it; None where none has."""
    return next(_found(key, objects, sections(application, home)), None)


def _found(key: str, objects: Iterable[ConfigurationObject], order: Sequence[str]) -> Iterator[Found]:
    for one in objects:
        options: Options = one.options
        for section in order:
            if (section, key) in options:
                yield options[section, key], one, section
