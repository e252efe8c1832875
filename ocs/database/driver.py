"""What the store needs of a kind of database: connections, transactions, and what its driver's errors mean."""
from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from ocs.database.statements import Transaction
from ocs.errors import DatabaseAway, DataRefused, OCSError, StoreUnavailable

__all__ = ["Backend", "Trouble"]


class Trouble(Enum):
    """What an error of the driver says about trying again."""
    LOCKED = "locked"           # another process held the database for longer than the time-out
    CONFLICT = "conflict"       # the transaction stood in the way of another one: the same again will do
    TIMEOUT = "timeout"         # a statement took longer than it may
    LOST = "lost"               # there is no connection any more
    DATA = "data"               # a value is wrong
    REFUSED = "refused"         # this statement is wrong


_SAID = {Trouble.REFUSED: StoreUnavailable, Trouble.DATA: DataRefused}


class Backend(ABC):
    """One database. Blocking: connections are made and used in worker threads, each by one thread at a time."""

    driver: str                                         # the driver's module
    dialect: Dialect
    errors: tuple[type[Exception], ...]                 # what the driver raises
    loads_beside_others = False                         # whether a long transaction that adds rows keeps nobody else waiting
    back_off_s: tuple[float, float] | None = None       # first and longest wait between tries to connect; None = no wait

    @property
    @abstractmethod
    def url(self) -> URL:
        """As SQLAlchemy and alembic want it, password included."""

    @property
    def shown_url(self) -> str:
        """The URL for people: without its password."""
        return self.url.set(drivername=self.dialect.name).render_as_string(hide_password=True)

    @abstractmethod
    def __str__(self) -> str:
        """The database for people, in a few words."""

    @property
    def exists(self) -> bool:
        """False if the database is known not to be there, without asking it."""
        return True

    def prepare_place(self) -> None:
        """Make what must be there before the database can be made; raises OCSError."""

    @abstractmethod
    def connect(self, create: bool = False, write: bool = True, bounded: bool = False) -> Any:
        """A connection for the calling thread; raises StoreUnavailable. `bounded` gives every statement its time-out, for
        the server's own work; an import on the command line may take as long as it takes."""

    @abstractmethod
    def begin_write(self, connection: Any) -> Transaction:
        """Begin a transaction for changes."""

    @abstractmethod
    def begin_read(self, connection: Any) -> Transaction:
        """Begin a transaction that sees one state of the database."""

    @abstractmethod
    def begin_upgrade(self, connection: Any) -> Transaction:
        """Begin a transaction that no second upgrade runs beside."""

    @abstractmethod
    def trouble(self, error: BaseException) -> Trouble:
        """What an error of the driver means."""

    @abstractmethod
    def is_closed(self, connection: Any) -> bool:
        """Whether nothing can be done on this connection any more."""

    def unavailable(self, error: BaseException) -> OCSError:
        """What the store says for an error of the driver: StoreUnavailable for a statement that was
        refused, DataRefused for its data, otherwise DatabaseAway."""
        return self._says(error, f"{self}: {error}")

    def _says(self, error: BaseException, text: str) -> StoreUnavailable:
        return _SAID.get(self.trouble(error), DatabaseAway)(text)
