"""Snapshots: one owner's vectors of one space in a file that says what it is. All stores share the format.

A SQLite file: table ``title`` (format, owner, space, dimension, rows) and table ``vector`` (key, data,
crc). It is written beside its target, synced, and then renamed: a snapshot is whole or not there.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.errors import StoreError
from reprise.stores.rowbytes import checksum, is_sound
from reprise.stores.sqlite_errors import CURE_DAMAGED, told

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

APPLICATION_ID = 0x52505353  # "RPSS": REPrise Store Snapshot
FORMAT = 1
PAGE_ROWS = 1000

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE title (owner TEXT NOT NULL, space TEXT NOT NULL, dimension INTEGER NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE vector (key INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Title:
    """What a snapshot holds."""

    owner: str
    space: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot whose every row was checked."""

    title: Title
    count: int
    connection: sqlite3.Connection

    def rows(self) -> Generator[tuple[int, bytes], None, None]:
        """Key and float32 bytes, in key order."""
        yield from self.connection.execute("SELECT key, data FROM vector ORDER BY key")


def write(target: Path, title: Title, rows: Iterable[tuple[int, bytes]]) -> None:
    """Write ``rows`` (key, float32 bytes; in key order) to the new file ``target``, wholly or not at all."""
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with told(target):
            if target.exists():
                raise StoreError(f"{target} is there already", cure="name a new file; none is overwritten")
            _fill(beside, title, rows)
            _sync(beside)
            beside.replace(target)
            _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _fill(path: Path, title: Title, rows: Iterable[tuple[int, bytes]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        written = connection.executemany(
            "INSERT INTO vector (key, data, crc) VALUES (?, ?, ?)",
            ((key, blob, checksum(key, blob)) for key, blob in rows),
        ).rowcount
        count = max(written, 0)
        connection.execute(
            "INSERT INTO title VALUES (?, ?, ?, ?)", (title.owner, title.space, title.dimension, count)
        )
        connection.execute("COMMIT")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def opened(source: Path, owner: str, space: str) -> Iterator[Snapshot]:
    """Open a snapshot of this owner and space and check all of it, or raise ``StoreError`` with the reason."""
    if not source.is_file():
        raise StoreError(f"there is no snapshot {source}", cure="name a file that a snapshot wrote")
    with (
        told(source),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        title, count = _read_title(source, connection)
        if (title.owner, title.space) != (owner, space):
            raise StoreError(
                f"{source} holds space {title.space!r} of owner {title.owner!r}, "
                f"not {space!r} of {owner!r}; nothing was restored"
            )
        _check_rows(source, connection, title.dimension, count)
        yield Snapshot(title, count, connection)


def _read_title(source: Path, connection: sqlite3.Connection) -> tuple[Title, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(f"{source} is no snapshot of Reprise", cure="name a file that a snapshot wrote")
    if version > FORMAT:
        raise StoreError(f"{source} was written by a newer Reprise", cure="upgrade Reprise")
    row = connection.execute("SELECT owner, space, dimension, rows FROM title").fetchone()
    if row is None:
        raise StoreError(f"{source} is damaged: it has no title", cure="take another snapshot")
    return Title(row[0], row[1], int(row[2])), int(row[3])


def _check_rows(source: Path, connection: sqlite3.Connection, dimension: int, count: int) -> None:
    seen = 0
    for key, blob, crc in connection.execute("SELECT key, data, crc FROM vector"):
        if not is_sound(key, blob, crc, dimension):
            raise StoreError(f"{source} is damaged at key {key}; nothing was restored", cure=CURE_DAMAGED)
        seen += 1
    if seen != count:
        raise StoreError(f"{source} holds {seen} rows of {count}; nothing was restored", cure=CURE_DAMAGED)
