"""A PostgreSQL server of a benchmark's own, gone with it."""
from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from tests.postgres import PostgresServer, require_postgres

__all__ = ["postgresql"]


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of an empty database on a server in `folder`. Its settings are the defaults but for the usual advice: a quarter
    of the memory, 4 GiB at most, as shared buffers, and checkpoints far apart, because PostgreSQL writes a page whole when it
    is first changed after a checkpoint."""
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    place = folder / "server"
    folder.chmod(0o755)                             # the server may be another user's
    place.mkdir(mode=0o755)
    server = PostgresServer(require_postgres(), place, (
        f"shared_buffers={min(memory_mib // 4, 4_096)}MB", "max_wal_size=16GB", "checkpoint_timeout=30min"))
    server.start()
    try:
        yield server.database()
    finally:
        server.kill()
