"""Ports of the machine that nobody listens on, for tests that must know one beforehand."""
from __future__ import annotations

import os
import socket
from itertools import count

__all__ = ["busy_port", "free_port"]

# Below the ports that systems give to outgoing connections (Linux 32768 and up, others 49152), where a connection of another
# test could sit on one before its server listens. Each worker of the suite has a range of its own.
_FIRST, _WORKERS, _EACH = 12_000, 20, 1_000
_given = count(os.getpid() * 7)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free, and that this process gives to nobody else for a long time."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    for _ in range(_EACH):
        port = _FIRST + worker * _EACH + next(_given) % _EACH
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on {host}")


def busy_port(host: str = "127.0.0.1") -> socket.socket:
    """A listening socket; close it to give its port back."""
    taken = socket.socket()
    taken.bind((host, 0))
    taken.listen(1)
    return taken
