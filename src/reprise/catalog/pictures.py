"""Files of the media folder, as rows name them and release them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.catalog.inputs import PART, in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reprise.catalog.database import Database, Transaction

_NAMING = ("frames", "photos", "inputs")
"""Tables with a column ``file``."""

# A video that is taken apart again keeps the rows of pictures that are the same: its own row says when that was.
_OF_FRAMES = (
    "SELECT f.file, MAX(COALESCE(v.updated_at, i.updated_at)) FROM frames f JOIN items i ON i.id = f.item_id"
    " LEFT JOIN videos v ON v.item_id = i.video_id WHERE f.owner = ?"
)
_OF_PHOTOS = "SELECT f.file, MAX(f.updated_at) FROM photos f WHERE f.owner = ?"
_RELEASE = (
    "INSERT INTO released_files (file, at) {rows} ON CONFLICT (file) DO UPDATE SET"
    " at = CASE WHEN excluded.at > released_files.at THEN excluded.at ELSE released_files.at END"
)


def release_of_items(transaction: Transaction, owner: str, item_ids: Collection[int]) -> None:
    """Part of what removes these frames and photos, or gives them other files, before it does: those are to go."""
    rows = [(owner, item_id) for item_id in item_ids]
    for select in (_OF_FRAMES, _OF_PHOTOS):
        transaction.execute_many(_RELEASE.format(rows=f"{select} AND f.item_id = ? GROUP BY f.file"), rows)


def release_of_library(transaction: Transaction, owner: str, library_id: int) -> None:
    """The same for all frames and photos of a library."""
    inside = "f.item_id IN (SELECT id FROM items WHERE owner = ? AND library_id = ?)"
    for select in (_OF_FRAMES, _OF_PHOTOS):
        rows = f"{select} AND {inside} GROUP BY f.file"
        transaction.execute(_RELEASE.format(rows=rows), (owner, owner, library_id))


class SqlPictures:
    """Implements ``core.pictures.Pictures``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def named(self, files: Collection[bytes]) -> set[bytes]:
        return _named(self._database, files)

    def release(self, files: Collection[bytes], at: float) -> None:
        with self._database.transaction() as transaction:
            sql = _RELEASE.format(rows="VALUES (?, ?)")
            transaction.execute_many(sql, [(file, at) for file in files])

    def settle(self, remove: Callable[[bytes, float], bool]) -> int:
        removed, last = 0, b""
        while self._database.query("SELECT 1 FROM released_files WHERE file > ? LIMIT 1", (last,)):
            with self._database.transaction() as transaction:  # one for each part: others write in between
                rows = transaction.query(
                    "SELECT file, at FROM released_files WHERE file > ? ORDER BY file LIMIT ?", (last, PART)
                )
                named = _named(transaction, [file for file, _ in rows])
                gone = {file for file, at in rows if file not in named and remove(file, at)}
                transaction.execute_many(
                    "DELETE FROM released_files WHERE file = ?", [(file,) for file in named | gone]
                )
            removed, last = removed + len(gone), max((file for file, _ in rows), default=last)
        return removed

    def released(self) -> int:
        return int(self._database.query("SELECT COUNT(*) FROM released_files")[0][0])


def _named(reading: Database | Transaction, files: Collection[bytes]) -> set[bytes]:
    found: set[Any] = set()
    for table in _NAMING:
        sql = f"SELECT file FROM {table} WHERE file IN ({{marks}})"
        found.update(row[0] for row in in_parts(reading, sql, (), files))
    return found
