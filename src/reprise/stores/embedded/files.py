"""One SQLite file per space: how it is made, recognised, opened and shared between threads and processes.

A file appears whole, by a hard link, and is never removed while the space may be open somewhere: taking a
database in use from under another process is how SQLite files get corrupted. An empty space is a small file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from reprise.errors import StoreError
from reprise.stores.sqlite_errors import CURE_FOREIGN, Locked, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION_ID = 0x52505256  # "RPRV": RePRise Vectors
FORMAT = 1
PAGE_BYTES = 8192  # 12 vectors of dimension 160; reading all rows takes half the time it takes with 4096
MAX_IDLE_READERS = (
    40  # as many threads as a server answers with: opening one costs more than a small question
)
BUSY_SECONDS = 20.0
HEADER_BYTES = 100
LOG_BYTES = 64 << 20  # what is left of the log after one large change, such as a restore

_SCHEMA = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
BEGIN;
CREATE TABLE owner (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    seq INTEGER NOT NULL,     -- the number of the last change of this owner's rows
    erased INTEGER NOT NULL,  -- the number of the last change that took rows away
    token TEXT NOT NULL       -- tells this owner's rows from those of an earlier life of the space
);
CREATE TABLE vector (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,     -- the change that wrote this row
    crc INTEGER NOT NULL,
    data BLOB NOT NULL,       -- little-endian float32
    UNIQUE (owner, key)
);
CREATE INDEX vector_seq ON vector (owner, seq);
COMMIT;
PRAGMA journal_mode = WAL;
"""


class SpaceFile:
    """The connections to one space's file: one that writes, behind a lock, and a few that read."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._closed = False
        _refuse_foreign(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a read transaction: everything read in the body is of one moment."""
        with told(self.path):
            with self._idle_lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = self._connect()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("ROLLBACK")
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._idle_lock:
            if not self._closed and len(self._idle) < MAX_IDLE_READERS:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a write transaction: committed when the body ends, undone when it raises."""
        with told(self.path), self._write_lock:
            connection = self._writer = self._writer or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # some errors have already rolled back
                    connection.execute("ROLLBACK")
                raise

    def tidy(self) -> None:
        """Give the room of removed rows back to the disk, unless somebody reads or writes just now."""
        with suppress(Locked), told(self.path), closing(self._connect(0.0)) as connection:
            connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page of them
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _connect(self, busy_seconds: float | None = None) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._busy_seconds if busy_seconds is None else busy_seconds,
        )
        try:
            # FULL: a batch is on the disk before the ledger calls it done, so that even a power cut loses no
            # vector that somebody counts on. One fsync per batch is nothing beside computing it.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """A reader that is still at work closes its own connection when it is done."""
        with self._idle_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        with self._write_lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def make(path: Path) -> None:
    """Make an empty space file at ``path`` unless there is one; of several processes the first one wins."""
    with told(path):
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                connection.executescript(_SCHEMA)
            with suppress(FileExistsError):
                _place(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def _place(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except PermissionError:  # a file system without hard links
        beside.rename(path)


def _refuse_foreign(path: Path) -> None:
    """Look at the header as at that of a file that never changes: SQLite leaves such a one alone.

    It is not read by hand, because closing a file lets go of all locks that this process has on it, those of its open
    databases too.
    """
    with told(path):
        size = path.stat().st_size
        try:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as connection:
                application = connection.execute("PRAGMA application_id").fetchone()[0]
                version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT:
                return  # it may be changing after all: to be seen when it is opened
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise
            raise StoreError(f"{path} is no file of vectors", cure=CURE_FOREIGN) from error
    if size < HEADER_BYTES:
        raise StoreError(f"{path} is no file of vectors", cure=CURE_FOREIGN)
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program", cure=CURE_FOREIGN)
    if version > FORMAT:
        raise StoreError(
            f"{path} was written by a newer Reprise", cure="upgrade Reprise; the file is unchanged"
        )


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, keeping it for a repair by hand; returns where it lies."""
    aside = path.with_name(f"{path.name}.damaged")
    with told(path):
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.replace(aside)
    return aside
