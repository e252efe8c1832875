"""A real PostgreSQL for the tests: started by the first test that needs it, in a directory of its own, gone with the run.

Debian's server programs are used where they are; without them the tests that need a server are skipped by name, or fail
where OCS_REQUIRE_SERVICES=1 promises that everything is there. A server refuses to run as root: then `setpriv` starts it
as the user postgres.
"""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator

import pytest

from tests.doubles.ports import free_port

START_S = 60.0


def _programs() -> Path | None:
    """Where the newest server's programs lie."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    on_path = shutil.which("postgres")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0, default=None)


class PostgresServer:
    """A server on loopback. `database()` makes a new database; `stop`, `start` and `kill` work on the same data."""

    def __init__(self, programs: Path, directory: Path, settings: tuple[str, ...] = ("fsync=off",)) -> None:
        self._programs, self._directory, self._settings = programs, directory, settings
        self._data, self._log = directory / "data", directory / "log"
        self.port, self._count, self._shared = free_port(), 0, False
        self._process: subprocess.Popen[bytes] | None = None
        self._as: list[str] = []
        if os.getuid() == 0:
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig", "INT"]
            shutil.chown(directory, "postgres")
        subprocess.run([*self._as, str(programs / "initdb"), "-D", str(self._data), "-U", "ocs", "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=directory)

    def url(self, database: str) -> str:
        """Of a database that is there."""
        return f"postgresql://ocs@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The URL of a new database, without tables."""
        self._count += 1
        self.execute(f"CREATE DATABASE test_{self._count}")
        return self.url(f"test_{self._count}")

    def cleared_database(self) -> str:
        """The URL of the database that the tests share: the fixed tables as they are after an upgrade, no lists, nobody
        connected."""
        import psycopg
        url = self.url("shared")
        if not self._shared:
            from ocs.store.versions import upgrade
            self.execute("CREATE DATABASE shared")
            upgrade(url)
            self._shared = True
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                               " WHERE datname = 'shared' AND pid <> pg_backend_pid()")
            names = [name for name, in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            lists = [name for name, in connection.execute("SELECT table_name FROM ocs_calling_list") if name in names]
            fixed = [name for name in names if name not in (*lists, "alembic_version", "ocs_time_zone")]
            for name in lists:
                connection.execute(f"DROP TABLE {name}")
            connection.execute(f"TRUNCATE {', '.join(fixed)} RESTART IDENTITY CASCADE")
            connection.execute("DELETE FROM ocs_time_zone WHERE tz_dbid <> 122")
        return url

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement, or several, on a database."""
        import psycopg
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)          # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Fires up the server and waits until it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}",
                   "-c", f"unix_socket_directories={self._directory}"]
        for setting in self._settings:
            options += ["-c", setting]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*self._as, str(self._programs / "postgres"), "-D", str(self._data), *options],
                                             stdout=log, stderr=log, cwd=self._directory)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        import psycopg
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Shut down at once, in order: connections are closed, nothing committed is lost."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As in a crash: no shutdown; the next start recovers."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_S)
            self._process = None


def require_postgres() -> Path:
    """The server's programs; without them the test is skipped by name or fails."""
    programs = _programs()
    if programs is None:
        text = "PostgreSQL's server is not on this machine (`make services` installs it)"
        if os.environ.get("OCS_REQUIRE_SERVICES") == "1":
            pytest.fail(text)
        pytest.skip(text)
    return programs


def _running() -> Iterator[PostgresServer]:
    programs = require_postgres()
    directory = Path(tempfile.mkdtemp(prefix="ocs-postgres-"))
    directory.chmod(0o755)                      # its owner is another user
    server = None
    try:
        server = PostgresServer(programs, directory)
        server.start()
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The run's server, shared by all tests: each takes a database of its own."""
    yield from _running()


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """A server of the test's own, to be stopped and killed."""
    yield from _running()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables: a test runs on both kinds. On SQLite the file is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ocs.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the fixed tables, of both kinds."""
    return upgraded_database(request, request.param, tmp_path)


def upgraded_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """A database with the fixed tables and nothing in them. On SQLite a copy in `folder` of one that is made once; on
    PostgreSQL, where that takes long, the one that all tests use, emptied."""
    if kind == "sqlite":
        path = folder / "ocs.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        path.chmod(0o600)
        return f"sqlite:///{path}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.cleared_database()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the fixed tables, to be copied."""
    from ocs.store.versions import upgrade
    path = tmp_path_factory.mktemp("template") / "ocs.sqlite"
    upgrade(f"sqlite:///{path}")
    return path
