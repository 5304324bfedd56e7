"""SQLite files that stores keep: how one is made, recognised, opened and shared between threads and processes.

A file appears whole, by a hard link, and is never removed while it may be open somewhere: taking a database in use from
under another process is how SQLite files get corrupted. An emptied one is a small file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.drafts import PRIVATE_FILE, private_folder
from reprise.errors import StoreError
from reprise.stores.sqlite_errors import CURE_FOREIGN, Locked, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER_BYTES = 100
LOG_BYTES = 64 << 20  # what is left of the log after one large change, such as a restore


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file holds. ``application``: the number in its header; ``format``: of the ``tables``, which SQL makes.

    ``what``: what it is a file of, for people. ``idle_readers``: how many connections it keeps open at most, because
    opening one costs more than a small question.
    """

    application: int
    format: int
    tables: str
    page_bytes: int
    what: str
    idle_readers: int

    @property
    def schema(self) -> str:
        return f"""
            PRAGMA page_size = {self.page_bytes};
            PRAGMA auto_vacuum = INCREMENTAL;
            PRAGMA application_id = {self.application};
            PRAGMA user_version = {self.format};
            BEGIN;
            {self.tables}
            COMMIT;
            PRAGMA journal_mode = WAL;
        """


class SqliteFile:
    """The connections to one file: one that writes, behind a lock, and a few that read."""

    def __init__(self, path: Path, kind: FileKind, busy_seconds: float) -> None:
        self.path = path
        self._kind = kind
        self._busy_seconds = busy_seconds
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._closed = False
        _refuse_foreign(path, kind)

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
            if not self._closed and len(self._idle) < self._kind.idle_readers:
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
            finally:
                if self._closed:  # meanwhile, by another thread
                    self._writer = None
                    connection.close()

    def tidy(self) -> None:
        """Give the room of what was removed back to the disk, unless somebody reads or writes just now."""
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
            # FULL: a batch is on the disk before the ledger calls it done, so that even a power cut loses nothing
            # that somebody counts on. One fsync per batch is nothing beside computing it.
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


def make(path: Path, kind: FileKind) -> None:
    """Make an empty file at ``path`` unless there is one; of several processes the first one wins."""
    with told(path):
        if path.exists():
            return
        private_folder(path.parent)
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
            with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                connection.executescript(kind.schema)
            with suppress(FileExistsError):
                _place(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def _place(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except PermissionError:  # a file system without hard links
        beside.rename(path)


def _refuse_foreign(path: Path, kind: FileKind) -> None:
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
            raise StoreError(f"{path} is no file of {kind.what}", cure=CURE_FOREIGN) from error
    if size < HEADER_BYTES:
        raise StoreError(f"{path} is no file of {kind.what}", cure=CURE_FOREIGN)
    if application != kind.application:
        raise StoreError(f"{path} is a database of another program", cure=CURE_FOREIGN)
    if version > kind.format:
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
