"""Short forms by which kinds of objects declare their properties."""
from __future__ import annotations

from enum import IntEnum
from typing import Any

from ocs.configuration.enumerations import ObjectState
from ocs.configuration.model import Form, Property, Rows

__all__ = ["description", "flag", "integer", "member", "name", "number", "reference", "references", "rows", "short", "state",
           "tenant", "text"]


def name(title: str, public: str = "name", **more: Any) -> Property:
    """What the object is called."""
    return Property(more.pop("name", "name"), Form.NAME, public, required=True, text=title, **more)


def short(name: str, public: str, title: str, **more: Any) -> Property:
    """Up to 255 characters."""
    return Property(name, Form.NAME, public, text=title, **more)


def text(name: str, public: str, title: str, **more: Any) -> Property:
    """Of any length."""
    return Property(name, Form.TEXT, public, text=title, **more)


def integer(name: str, public: str, title: str, default: int | None = 0, low: int = 0, high: int = 2_147_483_647,
            **more: Any) -> Property:
    return Property(name, Form.INTEGER, public, text=title, default=default, low=low, high=high, **more)


def number(name: str, public: str, title: str, default: float = 0.0, low: float | None = 0, high: float | None = None,
           **more: Any) -> Property:
    return Property(name, Form.NUMBER, public, text=title, default=default, low=low, high=high, **more)


def flag(name: str, public: str, title: str, default: bool = False, **more: Any) -> Property:
    return Property(name, Form.FLAG, public, text=title, default=default, **more)


def member(name: str, public: str, title: str, members: type[IntEnum], default: IntEnum | None, **more: Any) -> Property:
    """One of an enumeration; without a default there may be none."""
    return Property(name, Form.MEMBER, public, text=title, members=members, default=default, **more)


def reference(name: str, public: str, title: str, *kinds: str, **more: Any) -> Property:
    """To an object of one of these kinds, or to none."""
    return Property(name, Form.REFERENCE, public, text=title, refers=kinds, **more)


def references(name: str, public: str, title: str, kind: str, table: str, **more: Any) -> Rows:
    """To several objects of one kind."""
    return Rows(name, table, (Property(kind, Form.REFERENCE, column=f"{kind}_dbid", required=True, refers=(kind,)),), public,
                title, **more)


def rows(name: str, public: str, title: str, table: str, *columns: Property) -> Rows:
    """Several values of these columns."""
    return Rows(name, table, columns, public, title)


tenant = reference("tenant", "tenantDBID", "Name of its tenant; none = the first one.", "tenant")
state = member("state", "state", "Whether it is in use.", ObjectState, ObjectState.ENABLED)
description = text("description", "description", "For people.")
