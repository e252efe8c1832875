"""Ports of the machine that nobody listens on, for tests that must know one beforehand."""
from __future__ import annotations

import socket

__all__ = ["busy_port", "free_port"]


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def busy_port(host: str = "127.0.0.1") -> socket.socket:
    """A listening socket; close it to give its port back."""
    taken = socket.socket()
    taken.bind((host, 0))
    taken.listen(1)
    return taken
