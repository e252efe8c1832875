"""PostgreSQL: for production, and for several servers on one list. The driver is psycopg 3, an extra of the installation.

A server that goes away is told at once: its connections fail the next statement, are closed, and are made anew when they
are next needed, at most as often as `back_off_s` says. A machine that vanishes without a word is noticed by TCP within
seconds. Passwords lie best in a password file (PGPASSFILE, ~/.pgpass) and are never printed.
"""
from __future__ import annotations

from typing import Any, Mapping

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from ocs.database.driver import Backend, Trouble
from ocs.database.statements import Transaction
from ocs.errors import ConfigurationError, OCSError

__all__ = ["PostgresqlBackend"]

_CONNECT_TIMEOUT_S = 5
_UPGRADE_LOCK = 0x6F6373           # "ocs": one upgrade at a time in a database
# All that the server's writer does is small and served by an index. The planner does not know it where it has no statistics
# yet, right after an import, and would read a whole list, in parallel and compiled, to claim from its head.
_WRITER = {"enable_seqscan": "off", "jit": "off", "max_parallel_workers_per_gather": "0"}
_SQLSTATES = {
    "40001": Trouble.CONFLICT, "40P01": Trouble.CONFLICT,                           # serialization failure, deadlock
    "57014": Trouble.TIMEOUT, "55P03": Trouble.TIMEOUT,                             # statement or lock time-out
    "57P01": Trouble.LOST, "57P02": Trouble.LOST, "57P03": Trouble.LOST,            # shut down, crashed, starting up
    "25P03": Trouble.LOST, "25006": Trouble.LOST,                                   # idle for too long, a standby
}
_CLASSES = {
    "08": Trouble.LOST, "53": Trouble.LOST, "58": Trouble.LOST,     # connection; resources, as a full disk; the system
    "22": Trouble.DATA, "23": Trouble.DATA,                         # data exception, integrity constraint
}


class PostgresqlBackend(Backend):
    """One PostgreSQL database."""

    driver = "psycopg"
    loads_beside_others = True
    back_off_s = (0.1, 3.0)

    def __init__(self, url: URL, statement_timeout_s: float = 10.0) -> None:
        """Raises ConfigurationError where the driver is missing or the URL has an option that it does not know."""
        try:
            import psycopg
        except ImportError as error:
            raise ConfigurationError([f"database.url: PostgreSQL needs the driver psycopg, which cannot be loaded ({error}): "
                                      "pip install 'outbound-contact-server[postgresql]'"]) from None
        self._psycopg = psycopg
        self.errors = (psycopg.Error, psycopg.Warning, OverflowError, UnicodeError)
        self.dialect: Dialect = PGDialect_psycopg()
        self._url, self._timeout_s = url.set(drivername="postgresql+psycopg"), statement_timeout_s
        try:
            self._conninfo = psycopg.conninfo.make_conninfo(**self._connect_arguments())
        except psycopg.Error as error:
            raise ConfigurationError([f"database.url: {str(error).strip()}"]) from None

    @property
    def url(self) -> URL:
        return self._url

    def __str__(self) -> str:
        place = self._url.host or self._url.query.get("host") or "this machine"
        return f"PostgreSQL database {self._url.database or self._url.username or ''} on {place}".replace("  ", " ")

    def _connect_arguments(self) -> Mapping[str, Any]:
        """Keywords for libpq. What the URL's query says goes before what is set here."""
        url = self._url
        given = {"host": url.host, "port": url.port, "dbname": url.database, "user": url.username, "password": url.password}
        tcp = {"connect_timeout": _CONNECT_TIMEOUT_S, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
               "tcp_user_timeout": int(1_000 * (self._timeout_s + 5)), "application_name": "ocs", "client_encoding": "UTF8"}
        query = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
        return {**tcp, **{name: value for name, value in given.items() if value is not None}, **query}

    def connect(self, create: bool = False, write: bool = True, bounded: bool = False) -> Any:
        """A database is not made here (`create`): that is for its administrator."""
        try:
            connection = self._psycopg.connect(self._conninfo)
            try:
                self._prepare(connection, write, bounded)
            except BaseException:
                connection.close()
                raise
        except self._psycopg.Error as error:
            raise self.unavailable(error) from error
        return connection

    def _prepare(self, connection: Any, write: bool, bounded: bool) -> None:
        limit_ms = int(1_000 * self._timeout_s)
        settings = {"timezone": "UTC"}
        if bounded:             # a thread that dies between two statements must not hold its locks for ever
            settings |= {"statement_timeout": str(limit_ms), "idle_in_transaction_session_timeout": str(limit_ms + 5_000)}
        if bounded and write:
            settings |= _WRITER
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()
        if not write:
            connection.read_only = True
            connection.isolation_level = self._psycopg.IsolationLevel.REPEATABLE_READ

    def begin_write(self, connection: Any) -> Transaction:
        """The driver begins it with the first statement."""
        return Transaction(connection.cursor(), self.dialect)

    begin_read = begin_write

    def begin_upgrade(self, connection: Any) -> Transaction:
        work = self.begin_write(connection)
        work.cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_UPGRADE_LOCK,))
        return work

    def trouble(self, error: BaseException) -> Trouble:
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return _SQLSTATES.get(state) or _CLASSES.get(state[:2], Trouble.REFUSED)
        if isinstance(error, (self._psycopg.DataError, OverflowError, UnicodeError)):
            return Trouble.DATA         # the driver could not even send it
        # without a state it was not the server who spoke: the connection broke, or was closed by an earlier error
        lost = isinstance(error, (self._psycopg.OperationalError, self._psycopg.InterfaceError))
        return Trouble.LOST if lost else Trouble.REFUSED

    def is_closed(self, connection: Any) -> bool:
        return bool(connection.closed)

    def unavailable(self, error: BaseException) -> OCSError:
        # the server's first line only: its details quote the row, which is a person's
        primary = error.diag.message_primary if isinstance(error, self._psycopg.Error) else None
        text = primary or " ".join(str(error).split())
        if "does not exist" in text and "database" in text:
            text += " (`createdb` makes it, then `ocs db upgrade` its tables)"
        return self._says(error, f"{self}: {text}")
