"""Brings a database to the schema of this version. Importing it imports Alembic, so only openers in need do."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import Connection

_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('reprise migrations ' || CURRENT_SCHEMA, 0))"
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade_sqlite(path: Path) -> None:
    """Run all missing migrations in one transaction; a failure leaves the file as it was.

    SQLite rolls back table changes too, but Python's driver begins no transaction before them by itself: it is
    begun here by hand. Raises what the driver raises, without SQLAlchemy around it.
    """
    try:
        _in_one_transaction(path)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from None
        raise


def upgrade_postgres(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """The same on a server, over a connection that commits by itself and that is closed here. Of several processes
    that start at once one migrates; the others wait for it and find nothing left to do."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
    try:
        connection.autocommit = False
        with engine.begin() as transaction:
            transaction.exec_driver_sql(_ALONE)
            _upgrade(transaction)
    except DBAPIError as error:
        if error.orig is not None:
            raise error.orig from None
        raise
    finally:
        engine.dispose()


def _in_one_transaction(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            _upgrade(connection)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(DBAPIError):  # a full disk has rolled back by itself
                connection.exec_driver_sql("ROLLBACK")
            raise
    engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
