"""What a disk has left, and whether a database on it is damaged or was only misread."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LEAST_FREE_BYTES = 1 << 20
"""Below this an I/O error of SQLite is put down to the disk: a full one is reported in several ways."""


def is_full(folder: Path) -> bool:
    """Whether next to nothing can be written into the folder. Raises ``OSError`` when it is not there."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < _LEAST_FREE_BYTES


def is_damaged(database: Path) -> bool:
    """Look again at a file that SQLite called malformed: a read that fails just once is told like that, too.

    Takes as long as reading all of the file. What cannot be read at all is not called damaged.
    """
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
