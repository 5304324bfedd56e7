"""Connections to one PostgreSQL database: opened on demand, kept for the next who asks, replaced when the server left them."""

from __future__ import annotations

import math
import os
import select
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from reprise.errors import StoreRefused
from reprise.stores.pgvector.errors import Address, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

MOST_IDLE = 8
"""Connections that are kept open while nobody uses them."""

CURE_ADDRESS = "write it as postgresql://USER:PASSWORD@HOST:PORT/NAME, with %40 for an @ in the password"


class Connections:
    """For many threads. A process that was forked off opens its own."""

    def __init__(self, url: str, timeout: float) -> None:
        """``timeout`` in seconds, for connecting and for each statement. Raises ``StoreRefused`` for a wrong ``url``."""
        try:
            from psycopg.conninfo import conninfo_to_dict
        except ImportError:
            raise StoreRefused(
                "the store pgvector needs psycopg, which is not installed",
                cure="install it with: pip install 'reprise[postgres]'",
            ) from None
        import psycopg

        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            # What libpq says may quote a part of the password.
            raise StoreRefused(
                "store_url is no address of a PostgreSQL database", cure=CURE_ADDRESS
            ) from None
        self._options: dict[str, Any] = {
            "application_name": "reprise",
            "connect_timeout": max(2, math.ceil(timeout)),
            "keepalives_idle": max(1, math.ceil(timeout)),
            "keepalives_interval": max(1, math.ceil(timeout / 3)),
            "tcp_user_timeout": math.ceil(timeout * 1000),
            **given,
            "client_encoding": "UTF8",
        }
        self.address = Address.of(given)
        self._timeout = timeout
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection within a transaction; committed at the end. Errors of the driver are left to ``told``."""
        connection = self._taken()
        try:
            with connection.transaction():
                yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection of one's own that commits each statement and has no limit of time; closed afterwards."""
        connection = self._opened(limited=False)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whatever PostgreSQL says becomes one of our errors, without the password."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise translated(error, self.address, self._timeout) from error

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _taken(self) -> Connection:
        while True:
            with self._lock:
                if os.getpid() != self._process:
                    self._idle, self._process = [], os.getpid()
                found = self._idle.pop() if self._idle else None
            if found is None:
                return self._opened()
            if not _left(found):
                return found
            found.close()

    def _give_back(self, connection: Connection) -> None:
        from psycopg.pq import TransactionStatus

        usable = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if usable and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _opened(self, *, limited: bool = True) -> Connection:
        import psycopg

        from reprise.stores.pgvector.guarded import GuardedConnection

        # No prepared statements: a pooler such as PgBouncer may give each transaction another session.
        kind = GuardedConnection.within(self._timeout) if limited else psycopg.Connection
        connection = kind.connect(**self._options, autocommit=True, prepare_threshold=None)
        limit = math.ceil(self._timeout * 1000) if limited else 0
        try:
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(limit),))
        except BaseException:
            connection.close()
            raise
        return connection


def _left(connection: Connection) -> bool:
    """Whether the server ended an idle connection: then there is something to read, its farewell or the end."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
