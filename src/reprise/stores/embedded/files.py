"""One SQLite file per space, of all its owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.stores import sqlite_files
from reprise.stores.sqlite_files import FileKind, SqliteFile, set_aside

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SpaceFile", "make", "set_aside"]

PAGE_BYTES = 8192  # 12 vectors of dimension 160; reading all rows takes half the time it takes with 4096
BUSY_SECONDS = 20.0

_TABLES = """
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
"""

_VECTORS = FileKind(
    application=0x52505256,  # "RPRV": RePRise Vectors
    format=1,
    tables=_TABLES,
    page_bytes=PAGE_BYTES,
    what="vectors",
    idle_readers=40,  # as many threads as a server answers with
)


class SpaceFile(SqliteFile):
    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(path, _VECTORS, busy_seconds)


def make(path: Path) -> None:
    """Make an empty space file at ``path`` unless there is one; of several processes the first one wins."""
    sqlite_files.make(path, _VECTORS)
