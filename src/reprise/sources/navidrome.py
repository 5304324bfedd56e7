"""Navidrome's database: which files its songs are. It is opened read-only, and nothing is ever written to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.following import Song
from reprise.errors import RemoteError, RemoteUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 5.0
FETCH_ROWS = 1000
NEEDED = {
    "media_file": ("id", "library_id", "path", "size", "updated_at", "missing"),
    "library": ("id", "path"),
}
"""The columns that are read, by table. Versions differ."""

_SONGS = (
    "SELECT m.id, CAST(l.path AS BLOB), CAST(m.path AS BLOB), m.size || ' ' || m.updated_at"
    " FROM media_file m JOIN library l ON l.id = m.library_id WHERE NOT m.missing ORDER BY m.id"
)


class NavidromeDatabase:
    """Implements ``core.following.SongList`` over the file at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def songs(self) -> Iterator[Song]:
        """All songs whose files are there.

        Raises ``RemoteUnreachable`` when the file cannot be read, ``RemoteError`` naming the columns that it lacks.
        """
        try:
            with closing(self._opened()) as database:
                self._check_columns(database)
                rows = database.execute(_SONGS)
                while part := rows.fetchmany(FETCH_ROWS):
                    yield from (_song(*row) for row in part)
        except sqlite3.Error as error:
            raise RemoteUnreachable(
                f"Navidrome's database {self._path} cannot be read: {error}",
                cure="check the setting navidrome_database, and the rights of the file and of its -wal and -shm",
            ) from error

    def _opened(self) -> sqlite3.Connection:
        place = f"{Path(self._path).absolute().as_uri()}?mode=ro"
        return sqlite3.connect(place, uri=True, timeout=BUSY_SECONDS)

    def _check_columns(self, database: sqlite3.Connection) -> None:
        missing = [
            f"{table}.{column}"
            for table, columns in NEEDED.items()
            for column in columns
            if column not in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        ]
        if missing:
            raise RemoteError(
                f"Navidrome's database {self._path} has no {', '.join(missing)}",
                cure="use Navidrome 0.55 or later; or leave navidrome_database empty, then its API is asked",
            )


def _song(song_id: str, root: bytes, path: bytes, mark: str) -> Song:
    return Song(song_id, root, path, f"{mark} {path!r}")
