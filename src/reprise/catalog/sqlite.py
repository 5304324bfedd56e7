"""SQLite as the embedded database: WAL, one writer at a time, readers never wait."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from reprise.catalog.database import SCHEMA_VERSION, Row
from reprise.catalog.dialects import SqliteDialect
from reprise.disks import is_full
from reprise.errors import (
    CatalogueCorrupt,
    CatalogueError,
    CatalogueLocked,
    CatalogueMissing,
    CatalogueTooNew,
    DiskFull,
    NotACatalogue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from reprise.catalog.dialects import Dialect

APPLICATION_ID = 0x52505253  # "RPRS"
BUSY_TIMEOUT_SECONDS = 30.0
FETCH_ROWS = 1000
MOST_READERS = 8
"""Connections that read at the same time; each has its own cache of 2 MB."""


class SqliteTransaction:
    """Statements inside ``BEGIN IMMEDIATE`` … ``COMMIT`` on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with closing(self._connection.execute(sql, parameters)) as cursor:
            return cursor.rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        with closing(self._connection.executemany(sql, rows)) as cursor:
            return max(0, cursor.rowcount)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with closing(self._connection.execute(sql, parameters)) as cursor:
            return cursor.fetchall()

    @property
    def skip_locked(self) -> str:
        return ""

    @property
    def locked(self) -> str:
        return ""

    def alone(self, name: str) -> None:
        """There is one writer at a time."""


class _Readers:
    """Connections that are lent out to read with, ``MOST_READERS`` at once; they are made as they are needed."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._free: list[sqlite3.Connection] = []
        self._lent = threading.Semaphore(MOST_READERS)
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """Waits for one when all are lent. Raises ``sqlite3.ProgrammingError`` when closed."""
        with self._lent:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
            if self._free:
                return self._free.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._free.append(connection)
                return
        connection.close()


class SqliteDatabase:
    """A ``Database`` in one file; safe across threads.

    One connection writes, a few read, so that readers wait for no writer, and each stream of rows has its own. Inside
    a transaction, ``query`` on its thread sees what that has written.
    """

    dialect: Dialect = SqliteDialect()

    def __init__(self, path: Path, *, busy_timeout: float = BUSY_TIMEOUT_SECONDS) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._lock = threading.RLock()
        self._writing: int | None = None
        """The thread that is inside a transaction."""
        self._connection = self._connect()
        self._readers = _Readers(self._connect_to_read)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[SqliteTransaction]:
        with self._lock, translated(self._path), self._synced(durable):
            self._connection.execute("BEGIN IMMEDIATE")
            self._writing = threading.get_ident()
            try:
                yield SqliteTransaction(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._writing = None

    @contextmanager
    def _synced(self, durable: bool) -> Iterator[None]:
        """Commits in here reach the disk before they return, if they are to."""
        if durable and self._writing is None:
            self._connection.execute("PRAGMA synchronous = FULL").close()
        try:
            yield
        finally:
            if durable and self._writing is None:
                self._connection.execute("PRAGMA synchronous = NORMAL").close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated(self._path):
            if self._writing == threading.get_ident():
                return SqliteTransaction(self._connection).query(sql, parameters)
            with self._readers.one() as connection:
                return SqliteTransaction(connection).query(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        with translated(self._path), closing(self._connect()) as connection:
            cursor = connection.execute(sql, parameters)
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows

    def now(self) -> float:
        """All who share a file share the machine's clock."""
        return time.time()

    def close(self) -> None:
        """What other threads read right now is read to its end."""
        self._readers.close()
        with self._lock:
            self._connection.close()

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON").close()
        return connection

    def _connect(self) -> sqlite3.Connection:
        with translated(self._path):
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=self._busy_timeout,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL").close()
                connection.execute("PRAGMA synchronous = NORMAL").close()
                connection.execute("PRAGMA foreign_keys = ON").close()
            except BaseException:
                connection.close()
                raise
            return connection


def open_sqlite(path: Path, *, create: bool, busy_timeout: float = BUSY_TIMEOUT_SECONDS) -> SqliteDatabase:
    """Open the catalogue at ``path``, migrating an older one; only ``create`` makes a new file.

    Raises ``CatalogueMissing``, ``NotACatalogue``, ``CatalogueTooNew``, ``CatalogueCorrupt``,
    ``CatalogueLocked``, ``DiskFull``. A file that is refused is left as it was.
    """
    path = path.absolute()
    if not path.exists():
        if not create:
            raise CatalogueMissing(f"there is no catalogue at {path}")
        _create(path)
    if _known_version(path, busy_timeout) < SCHEMA_VERSION:
        _migrate(path)
    return SqliteDatabase(path, busy_timeout=busy_timeout)


def copy_sqlite(path: Path, target: Path, *, busy_timeout: float = BUSY_TIMEOUT_SECONDS) -> None:
    """Copy a catalogue that may be in use, as of one moment. Raises like ``open_sqlite``."""
    path = path.absolute()
    _known_version(path, busy_timeout)
    with (
        translated(path),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_timeout)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _known_version(path: Path, busy_timeout: float) -> str:
    """The schema of the file at ``path``, when it is a catalogue that this version knows; else it raises."""
    with translated(path):
        _check_header(path)
        version = _version(path, busy_timeout)
    if version is None or version > SCHEMA_VERSION:
        raise CatalogueTooNew(
            f"{path} has schema {version or 'unknown'}, this version of Reprise knows up to {SCHEMA_VERSION}"
        )
    return version


def _create(path: Path) -> None:
    """Build the new file beside and link it in place: a crash leaves no half-made one, a race has one winner."""
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(draft)) as connection:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.commit()
            draft.chmod(0o600)
            _migrate(draft)
            _publish(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give the finished file its name unless another process was first."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            draft.rename(path)


def _migrate(path: Path) -> None:
    from reprise.catalog.migrate import upgrade_sqlite

    with translated(path):
        upgrade_sqlite(path)


def _check_header(path: Path) -> None:
    """Refuse what is not ours, and leave it as it was: SQLite reads its header as that of a file that never changes.

    The header is not read by hand, because closing a file lets go of all locks that this process has on it, those of
    its open databases too. The next process that leaves would then take the log away from under them.
    """
    try:
        size = path.stat().st_size
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_CORRUPT"):  # it may be changing after all: to be seen when it is opened
            return
        if name.startswith("SQLITE_CANTOPEN"):
            raise _unreadable(path, str(error)) from error
        raise
    if not size:
        raise NotACatalogue(f"{path} is empty, so it is not a catalogue of Reprise")
    if application != APPLICATION_ID:
        raise NotACatalogue(f"{path} is the database of another program")


def _unreadable(path: Path, reason: str) -> CatalogueError:
    return CatalogueError(
        f"{path} cannot be read: {reason}", cure="give the user that runs Reprise the right to read it"
    )


def _version(path: Path, busy_timeout: float) -> str | None:
    """Opened for writing although nothing is written: who may only read leaves the files of WAL lying about."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_timeout)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what the driver raises into our errors, with the file and the cure."""
    try:
        yield
    except sqlite3.Error as error:
        raise _our_error(path, error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"no space left on the disk of {path}") from error
        raise CatalogueError(
            f"{path}: {error.strerror}", cure="check the folder's rights and that its disk is mounted"
        ) from error


_DRIVER_ERRORS: tuple[tuple[tuple[str, ...], type[CatalogueError] | type[DiskFull], str, str], ...] = (
    (("SQLITE_BUSY", "SQLITE_LOCKED"), CatalogueLocked, "is locked by another program", ""),
    (("SQLITE_FULL",), DiskFull, "cannot grow: no space left on its disk", ""),
    (("SQLITE_NOTADB",), NotACatalogue, "is no SQLite database, so it is not a catalogue of Reprise", ""),
    (("SQLITE_CORRUPT",), CatalogueCorrupt, "is damaged", ""),
    (("SQLITE_IOERR",), CatalogueError, "cannot be read or written", "check the disk"),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"),
        CatalogueError,
        "cannot be written",
        "give the user that runs Reprise the right to write there",
    ),
)


def _our_error(path: Path, error: sqlite3.Error) -> CatalogueError | DiskFull:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_IOERR") and is_full(path.parent):
        return DiskFull(f"no space left on the disk of {path}")
    for prefixes, kind, what, cure in _DRIVER_ERRORS:
        if name.startswith(prefixes):
            return kind(f"{path} {what} ({error})", cure=cure)
    return CatalogueError(f"{path}: {error}", cure="run: reprise doctor")
