"""PostgreSQL as the database of many machines: each row is locked for itself, a server may restart meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sized
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from reprise.catalog.database import SCHEMA_VERSION, Row
from reprise.catalog.dialects import PostgresDialect
from reprise.catalog.moving import MOVING
from reprise.catalog.postgres_connections import PATIENCE_SECONDS, Connections, ServerClock
from reprise.catalog.postgres_errors import read_address
from reprise.errors import CatalogueError, CatalogueRefused, CatalogueTooNew, NotACatalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reprise.catalog.dialects import Dialect
    from reprise.catalog.postgres_connections import Connection
    from reprise.catalog.postgres_errors import Address

OLDEST_SERVER = 14
FETCH_ROWS = 1000
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_BEGIN_DURABLE = f"{_BEGIN}; SET LOCAL synchronous_commit = on"
_MARKS_KEPT = 2000


class PostgresTransaction:
    """Statements between ``BEGIN`` and ``COMMIT`` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return max(0, self._connection.execute(_marked(sql), parameters).rowcount)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        if isinstance(rows, Sized) and not len(rows):
            return 0
        with self._connection.cursor() as cursor:
            cursor.executemany(_marked(sql), rows)
            return max(0, cursor.rowcount)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(_marked(sql), parameters).fetchall()

    @property
    def skip_locked(self) -> str:
        return " FOR NO KEY UPDATE SKIP LOCKED"

    @property
    def locked(self) -> str:
        return " FOR NO KEY UPDATE"

    def alone(self, name: str) -> None:
        self._connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('reprise ' || CURRENT_SCHEMA || ' ' || %s, 0))",
            (name,),
        )


class PostgresDatabase:
    """A ``Database`` on a server; safe across threads.

    Each transaction has a connection for itself; inside one, ``query`` on its thread sees what that has written. All
    commits wait for the disk as the server is set to do: where its ``synchronous_commit`` is off, a crash of the
    server may take back the last second, except of what is ``durable``.
    """

    dialect: Dialect = PostgresDialect()

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._clock = ServerClock()
        self._inside = threading.local()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[PostgresTransaction]:
        """Raises ``CatalogueAway`` when the server goes away meanwhile; when that was at the very end, what was
        written may have been kept."""
        if self._mine is not None:
            raise CatalogueError("a transaction cannot begin within another one of its thread")
        connection = self._connections.begin(_BEGIN_DURABLE if durable else _BEGIN)
        self._inside.connection = connection
        try:
            yield PostgresTransaction(connection)
            self._commit(connection)
        except psycopg.Error as error:
            _roll_back(connection)
            raise self._connections.our_error(error) from error
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            self._inside.connection = None
            self._connections.end(connection)

    def _commit(self, connection: Connection) -> None:
        if connection.info.transaction_status == TransactionStatus.INERROR:
            raise CatalogueError("a statement failed, so nothing of its transaction can be kept")
        try:
            connection.execute("COMMIT")
        except psycopg.Error as error:
            doing = "lost while it was to keep what was written, so it may have done so or not: "
            raise self._connections.our_error(error, doing if connection.broken else "") from error

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        mine = self._mine
        if mine is None:
            return self._connections.run(lambda free: PostgresTransaction(free).query(sql, parameters))
        try:
            return PostgresTransaction(mine).query(sql, parameters)
        except psycopg.Error as error:
            raise self._connections.our_error(error) from error

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        connection = self._connections.connect()
        try:
            with closing(connection), connection.transaction(), connection.cursor(name="stream") as cursor:
                cursor.execute(_marked(sql), parameters)
                while rows := cursor.fetchmany(FETCH_ROWS):
                    yield from rows
        except psycopg.Error as error:
            raise self._connections.our_error(error) from error

    def now(self) -> float:
        return self._clock.now(self.query)

    def close(self) -> None:
        self._connections.close()

    @property
    def _mine(self) -> Connection | None:
        """The connection of the transaction that this thread is in."""
        found: Connection | None = getattr(self._inside, "connection", None)
        return found


def open_postgres(
    url: str,
    *,
    timeout: float,
    patience: float = PATIENCE_SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> PostgresDatabase:
    """Open the catalogue at ``url``, ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``; an empty database is made one,
    an older one is migrated.

    ``timeout``: seconds in which the server must let us in. ``patience``: for how many seconds a server that is away
    is waited for, at first and whenever it goes away later; ``stop`` ends such a wait. Raises ``CatalogueAway``,
    ``CatalogueRefused``, ``CatalogueTooNew``, ``NotACatalogue``, ``DiskFull``. What is refused is left as it was.
    """
    address = read_address(url)
    connections = Connections(address, timeout, patience, stop)
    try:
        if connections.run(lambda connection: _known_version(address, connection)) < SCHEMA_VERSION:
            _migrate(connections)
    except BaseException:
        connections.close()
        raise
    return PostgresDatabase(connections)


def _migrate(connections: Connections) -> None:
    from reprise.catalog.migrate import upgrade_postgres

    with closing(connections.connect()) as connection:
        try:
            upgrade_postgres(connection)
        except psycopg.Error as error:
            raise connections.our_error(error) from error


def _known_version(address: Address, connection: Connection) -> str:
    """The schema of the catalogue there, empty when there is nothing. Raises when it is none that we know."""
    _check_server(address, connection)
    tables = {row[0] for row in connection.execute(_TABLES).fetchall()}
    if not tables:
        return ""
    version = None
    if tables >= {"alembic_version", "libraries", "items", "ledger", "jobs"}:
        row = connection.execute("SELECT MAX(version_num) FROM alembic_version").fetchone()
        version = row[0] if row else None
    if version == MOVING:
        raise CatalogueError(
            f"{address.shown} is being moved to, and not all of it is there yet",
            cure="finish it: run the same reprise move again",
        )
    if version is None or not (len(version) == len(SCHEMA_VERSION) and version.isdigit()):
        raise NotACatalogue(
            f"{address.shown} holds the tables of another program",
            cure="name a database of its own in catalogue_url; Reprise has not changed this one",
        )
    if version > SCHEMA_VERSION:
        raise CatalogueTooNew(
            f"{address.shown} has schema {version}, this version of Reprise knows up to {SCHEMA_VERSION}",
            cure="upgrade Reprise here too; this version has not changed the database",
        )
    return str(version)


# Extensions bring tables of their own, and a store of vectors keeps its spaces beside the catalogue.
_TABLES = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = CURRENT_SCHEMA)"
    " AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'reprise\\_%' AND NOT EXISTS"
    " (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
)


def _check_server(address: Address, connection: Connection) -> None:
    version = connection.info.server_version
    if version < OLDEST_SERVER * 10_000:
        raise CatalogueRefused(
            f"{address.shown} is version {version // 10_000}, older than {OLDEST_SERVER}",
            cure=f"upgrade the server to PostgreSQL {OLDEST_SERVER} or newer",
        )
    row = connection.execute("SELECT CURRENT_SCHEMA, current_setting('server_encoding')").fetchone()
    schema, encoding = row or (None, "")
    if schema is None:
        raise CatalogueRefused(
            f"{address.shown} has no schema that its search_path names",
            cure="CREATE SCHEMA public, or set the user's search_path to one that exists",
        )
    if encoding != "UTF8":
        raise CatalogueRefused(
            f"{address.shown} keeps its text as {encoding}, which has no room for all names",
            cure=f"CREATE DATABASE {address.database} ENCODING 'UTF8' TEMPLATE template0",
        )


def _roll_back(connection: Connection) -> None:
    """A connection that cannot even do that is closed when it comes back."""
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")


@lru_cache(maxsize=_MARKS_KEPT)
def _marked(sql: str) -> str:
    """The same with the driver's marks for parameters."""
    return sql.replace("%", "%%").replace("?", "%s")
