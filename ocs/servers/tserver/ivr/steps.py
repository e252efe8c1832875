"""What a treatment does, one step after the other: values, no sockets, no clock.

A treatment is a generator: it yields a step, gets back what came of it (the digits of `Collect`, the success of `Post`,
None otherwise) and returns the digits that it collected last.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generator, Union

from protocols.attributes import KVList

__all__ = ["Change", "Collect", "HangUp", "Play", "Post", "Step", "Transfer", "Treatment"]


@dataclass(frozen=True)
class Play:
    """Play a prompt for so many seconds."""

    prompt: str
    seconds: float


@dataclass(frozen=True)
class Collect:
    """Listen for at most `maximum` digits, for at most `timeout_s` seconds. `offered` are the digits that the prompt told
    of ("" where it told of none in particular)."""

    maximum: int
    timeout_s: float
    offered: str = ""


@dataclass(frozen=True)
class Change:
    """Replace or add pairs of the call's user data."""

    pairs: KVList


@dataclass(frozen=True)
class Post:
    """POST `body` to `uri`; both are templates over the call's user data and `digits`."""

    uri: str
    body: str
    digits: str


@dataclass(frozen=True)
class Transfer:
    """Send the call to a DN or number; the treatment ends."""

    destination: str


@dataclass(frozen=True)
class HangUp:
    """Release the call; the treatment ends."""


Step = Union[Play, Collect, Change, Post, Transfer, HangUp]
Treatment = Generator[Step, Any, str]
