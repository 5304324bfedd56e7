"""Libraries: roots with an owner."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from reprise.catalog.forgetting import ROWS_OF_ITEMS
from reprise.catalog.items import FILES
from reprise.catalog.pictures import release_of_library
from reprise.core.items import Library, display_path
from reprise.core.ports import ScanProblem
from reprise.core.records import LibraryCounts
from reprise.errors import LibraryError, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.ports import Part

_COLUMNS = "id, owner, kind, name, root, exclude, watch, scanned_at"
_WITH_FOLDER = "kind <> 'people'"


class SqlLibraries:
    """Implements ``core.records.Libraries``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, kind: str, name: str, root: bytes, exclude: Sequence[str]) -> Library:
        with self._database.transaction() as transaction:
            transaction.alone(f"libraries of {owner}")
            rows = transaction.query(
                f"SELECT {_COLUMNS} FROM libraries WHERE owner = ? AND kind = ?", (owner, kind)
            )
            for library in map(_library, rows):
                if library.root == root:
                    return library
                _refuse_overlap(library, root)
            transaction.execute(
                "INSERT INTO libraries (owner, kind, name, root, exclude, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                (owner, kind, name, root, json.dumps(list(exclude)), time.time()),
            )
            rows = transaction.query(
                f"SELECT {_COLUMNS} FROM libraries WHERE owner = ? AND kind = ? AND root = ?",
                (owner, kind, root),
            )
            return _library(rows[0])

    def all(self, owner: str) -> list[Library]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM libraries WHERE owner = ? AND {_WITH_FOLDER} ORDER BY kind, id",
            (owner,),
        )
        return [_library(row) for row in rows]

    def watched(self) -> list[Library]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM libraries WHERE watch = 1 AND {_WITH_FOLDER} ORDER BY id"
        )
        return [_library(row) for row in rows]

    def get(self, owner: str, library_id: int) -> Library:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM libraries WHERE owner = ? AND id = ?", (owner, library_id)
        )
        if not rows:
            raise NotFound(f"there is no library {library_id}", cure="see: reprise libraries")
        return _library(rows[0])

    def set_exclude(self, owner: str, library_id: int, exclude: Sequence[str]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE libraries SET exclude = ? WHERE owner = ? AND id = ?",
                (json.dumps(list(exclude)), owner, library_id),
            )

    def set_name(self, owner: str, library_id: int, name: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE libraries SET name = ? WHERE owner = ? AND id = ?", (name, owner, library_id)
            )

    def set_watch(self, owner: str, library_id: int, *, watch: bool) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE libraries SET watch = ? WHERE owner = ? AND id = ?", (int(watch), owner, library_id)
            )

    def item_ids(self, owner: str, library_id: int) -> list[int]:
        sql = "SELECT id FROM items WHERE owner = ? AND library_id = ? ORDER BY id"
        return [row[0] for row in self._database.query(sql, (owner, library_id))]

    def remove(self, owner: str, library_id: int) -> list[int]:
        ids = self.item_ids(owner, library_id)
        mine = "owner = ? AND library_id = ?"
        with self._database.transaction() as transaction:
            release_of_library(transaction, owner, library_id)
            for table in ("ledger", *ROWS_OF_ITEMS):
                transaction.execute(
                    f"DELETE FROM {table} WHERE owner = ? AND item_id IN (SELECT id FROM items WHERE {mine})",
                    (owner, owner, library_id),
                )
            transaction.execute(f"DELETE FROM items WHERE {mine}", (owner, library_id))
            transaction.execute(f"DELETE FROM scan_problems WHERE {mine}", (owner, library_id))
            transaction.execute("DELETE FROM libraries WHERE owner = ? AND id = ?", (owner, library_id))
        return ids

    def counts(self, owner: str, library_id: int) -> LibraryCounts:
        rows = self._database.query(
            "SELECT COUNT(*) - COUNT(missing_since), COUNT(missing_since),"
            " COALESCE(SUM(CASE WHEN missing_since IS NULL THEN duration END), 0),"
            " COALESCE(SUM(CASE WHEN missing_since IS NULL THEN size END), 0)"
            f" FROM items WHERE owner = ? AND library_id = ? AND {FILES}",
            (owner, library_id),
        )
        return LibraryCounts(*rows[0])

    def set_problems(self, owner: str, library_id: int, problems: Sequence[ScanProblem], at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "DELETE FROM scan_problems WHERE owner = ? AND library_id = ?", (owner, library_id)
            )
            _add_problems(transaction, owner, library_id, problems, at)
            transaction.execute(
                "UPDATE libraries SET scanned_at = ? WHERE owner = ? AND id = ?", (at, owner, library_id)
            )

    def renew_problems(
        self,
        owner: str,
        library_id: int,
        parts: Sequence[Part],
        problems: Sequence[ScanProblem],
        at: float,
    ) -> None:
        key = "WHERE owner = ? AND library_id = ?"
        with self._database.transaction() as transaction:
            rows = transaction.query(f"SELECT path FROM scan_problems {key}", (owner, library_id))
            over = [row[0] for row in rows if any(part.holds(row[0]) for part in parts)]
            transaction.execute_many(
                f"DELETE FROM scan_problems {key} AND path = ?", [(owner, library_id, path) for path in over]
            )
            _add_problems(transaction, owner, library_id, problems, at)

    def problems(self, owner: str, library_id: int) -> list[ScanProblem]:
        rows = self._database.query(
            "SELECT path, code, message FROM scan_problems WHERE owner = ? AND library_id = ? ORDER BY path",
            (owner, library_id),
        )
        return [ScanProblem(path, code, message, is_folder=False) for path, code, message in rows]


def _library(row: Row) -> Library:
    library_id, owner, kind, name, root, exclude, watch, scanned_at = row
    patterns: list[Any] = json.loads(exclude)
    return Library(library_id, owner, kind, name, root, tuple(patterns), bool(watch), scanned_at)


def _add_problems(
    transaction: Transaction, owner: str, library_id: int, problems: Sequence[ScanProblem], at: float
) -> None:
    transaction.execute_many(
        "INSERT INTO scan_problems (library_id, path, owner, code, message, seen_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (library_id, path) DO NOTHING",
        [(library_id, p.path, owner, p.code, p.message, at) for p in problems],
    )


def _refuse_overlap(library: Library, root: bytes) -> None:
    """A library around another one of its kind would hold every file twice."""
    if not library.root.startswith(root.rstrip(b"/") + b"/"):
        return
    raise LibraryError(
        f"{display_path(root)} contains the library {library.name!r} ({display_path(library.root)})",
        cure=f"forget the inner one first: reprise libraries remove {library.id}",
    )
