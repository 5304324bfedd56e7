"""Connections to PostgreSQL that are lent out, and patience with a server that is away for a while."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from reprise.catalog.postgres_errors import is_away, our_error
from reprise.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.catalog.postgres_errors import Address
    from reprise.errors import DiskFull

    Connection = psycopg.Connection[tuple[Any, ...]]
    Result = TypeVar("Result")

MOST_CONNECTIONS = 8
"""Connections of one process that are in use at the same time; streams of rows have their own."""
PATIENCE_SECONDS = 5.0
"""How long a server may be away before whoever asks hears of it: a restart takes about a second."""
PAUSE_SECONDS = (0.05, 1.0)
"""Between two tries to connect: at first, and at most."""
MEASURED_SECONDS = 60.0
"""How long the difference between the server's clock and this process's holds."""
_PREPARED = 400
"""Statements that the server keeps prepared for each connection."""

# A client that is cut off, or stopped for good, must not keep its rows locked for hours.
_SETTINGS = (
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
    " SET idle_in_transaction_session_timeout = '5min'; SET TIME ZONE 'UTC'"
)


class _Text(StrDumperUnknown):
    """PostgreSQL has no place for NUL in a text, and a tag of a file may hold one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class _Number(Loader):
    """Sums of whole numbers come as NUMERIC."""

    def load(self, data: Any) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text else int(text)


class Connections:
    """Lent to one thread each. ``stop``: asked while waiting for a server that is away; true ends the wait."""

    def __init__(self, address: Address, timeout: float, patience: float, stop: Callable[[], bool]) -> None:
        self._address = address
        self._timeout = timeout
        self._patience = patience
        self._stop = stop
        self._free: list[Connection] = []
        self._lent = threading.Semaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._closed = False

    def run(self, action: Callable[[Connection], Result]) -> Result:
        """What the action gives. It may run again on another connection, so it only reads."""
        with self._lent:
            connection, result = self._tried(action)
            self._give_back(connection)
            return result

    def begin(self, statement: str) -> Connection:
        """A connection on which this statement has run; :meth:`end` takes it back."""
        self._lent.acquire()
        try:
            return self._tried(lambda connection: connection.execute(statement))[0]
        except BaseException:
            self._lent.release()
            raise

    def end(self, connection: Connection) -> None:
        try:
            self._give_back(connection)
        finally:
            self._lent.release()

    def connect(self) -> Connection:
        """A connection of the caller's own; waits for the server as long as patience lasts."""
        deadline, pause = time.monotonic() + self._patience, PAUSE_SECONDS[0]
        while True:
            try:
                return self._connect()
            except psycopg.Error as error:
                if not is_away(error) or not self._waited(pause, deadline):
                    raise self.our_error(error) from error
            pause = min(2 * pause, PAUSE_SECONDS[1])

    def our_error(self, error: psycopg.Error, doing: str = "") -> CatalogueError | DiskFull:
        return our_error(self._address, error, doing=doing)

    def close(self) -> None:
        """What is lent out is closed when it comes back."""
        with self._lock:
            self._closed = True
        self._close_free()

    def _tried(self, action: Callable[[Connection], Result]) -> tuple[Connection, Result]:
        """A connection that was used before may have died with its server: then a new one is tried."""
        deadline, pause = time.monotonic() + self._patience, PAUSE_SECONDS[0]
        while True:
            connection, used = self._take()
            try:
                return connection, action(connection)
            except psycopg.Error as error:
                again = is_away(error) if error.sqlstate else connection.broken
                if not again:
                    self._give_back(connection)
                    raise self.our_error(error) from error
                connection.close()
                self._close_free()
                if not used and not self._waited(pause, deadline):
                    raise self.our_error(error) from error
                pause = pause if used else min(2 * pause, PAUSE_SECONDS[1])
            except BaseException:
                connection.close()
                raise

    def _waited(self, pause: float, deadline: float) -> bool:
        """Whether there is time for another try, after the pause."""
        if time.monotonic() + pause > deadline or self._stop():
            return False
        time.sleep(pause)
        return True

    def _take(self) -> tuple[Connection, bool]:
        """A connection, and whether it was used before."""
        with self._lock:
            if self._closed:
                raise CatalogueError("the catalogue is closed")
            if self._free:
                return self._free.pop(), True
        return self.connect(), False

    def _give_back(self, connection: Connection) -> None:
        whole = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if whole and not self._closed:
                self._free.append(connection)
                return
        connection.close()

    def _close_free(self) -> None:
        with self._lock:
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _connect(self) -> Connection:
        connection = psycopg.connect(
            self._address.url,
            autocommit=True,
            client_encoding="UTF8",
            application_name="reprise",
            connect_timeout=max(2, round(self._timeout)),
            tcp_user_timeout=round(self._timeout * 1000),
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        try:
            connection.prepared_max = _PREPARED
            connection.adapters.register_dumper(str, _Text)
            connection.adapters.register_loader("numeric", _Number)
            connection.execute(_SETTINGS)
        except BaseException:
            connection.close()
            raise
        return connection


class ServerClock:
    """The server's clock, asked now and then; in between this machine only counts the seconds, whatever its own
    clock says."""

    def __init__(self) -> None:
        self._measured: tuple[float, float] | None = None
        """When it was measured, and how far the server's clock is ahead, both by this machine's monotonic clock."""

    def now(self, ask: Callable[[str], list[tuple[Any, ...]]]) -> float:
        """``ask`` puts a question to the server; it is called without any lock, for it may have to wait."""
        known = self._measured
        if known is None or time.monotonic() - known[0] > MEASURED_SECONDS:
            known = self._measured = self._measure(ask, known)
        return time.monotonic() + known[1]

    def _measure(
        self, ask: Callable[[str], list[tuple[Any, ...]]], known: tuple[float, float] | None
    ) -> tuple[float, float]:
        """A server that is away is asked again later; what was measured once goes on holding."""
        asked = time.monotonic()
        try:
            told = ask("SELECT EXTRACT(EPOCH FROM CLOCK_TIMESTAMP())::float8")[0][0]
        except CatalogueError:
            if known is None:
                raise
            return known
        heard = time.monotonic()
        return heard, told - (asked + heard) / 2
