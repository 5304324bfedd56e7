"""Items: what is known of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.catalog.database import tried_again
from reprise.catalog.forgetting import children_follow, remove_items
from reprise.catalog.scene_inputs import recompose_later
from reprise.catalog.settle import TAG_COLUMNS, settle
from reprise.catalog.text_matching import matching
from reprise.core.items import InputState, Item, ItemKind, Tags
from reprise.core.plan import below
from reprise.core.ports import WHOLE
from reprise.core.records import KnownFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.plan import Selection
    from reprise.core.ports import Part
    from reprise.core.records import ScanBatch

_TAGS = TAG_COLUMNS
_KNOWN = "id, path, size, mtime_ns, digest, duration, missing_since"
_ITEM = f"id, owner, library_id, path, size, mtime_ns, digest, updated_at, missing_since, {_TAGS}, kind"
FILES = "kind IN ('track', 'video')"
"""Items that lie on a disk, which is what a scan compares. A library has one of the two kinds."""
_FIRST_FILE = b"\1"
"""All paths of what is no file come before it (``core.made_up_paths``), so a scan need not read over them."""
_MARKS = 500
"""Ids in one IN list: databases limit how many parameters a statement takes."""


class SqlItems:
    """Implements ``core.records.Items``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def files(self, owner: str, library_id: int, part: Part = WHOLE) -> Iterator[Row]:
        where = f"owner = ? AND library_id = ? AND path >= ? AND {FILES}"
        values: list[Any] = [owner, library_id, _FIRST_FILE]
        if part.folder:
            where += " AND path > ? AND path < ?"
            values += below(part.folder)
        if not part.deep:
            where += f" AND {self._database.dialect.place_of_slash('SUBSTR(path, ?)')} = 0"
            values.append(len(part.folder) + 2 if part.folder else 1)
        return self._database.stream(f"SELECT {_KNOWN} FROM items WHERE {where} ORDER BY path", values)

    @tried_again
    def apply(self, owner: str, library_id: int, batch: ScanBatch, at: float) -> None:
        with self._database.transaction() as transaction:
            kind = _kind_of_files(transaction, owner, library_id)
            transaction.execute_many(
                f"INSERT INTO items (owner, library_id, kind, path, size, mtime_ns, updated_at, {_TAGS})"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (library_id, path) DO NOTHING",
                [
                    (owner, library_id, kind, file.path, file.size, file.mtime_ns, at, *tags)
                    for file, tags in batch.added
                ],
            )
            _revise(transaction, owner, batch.revised, at)
            transaction.execute_many(
                "UPDATE items SET missing_since = ? WHERE owner = ? AND id = ? AND missing_since IS NULL",
                [(at, owner, item_id) for item_id in batch.missing],
            )
            if kind == ItemKind.VIDEO:
                children_follow(transaction, owner, [*(row[0] for row in batch.revised), *batch.missing])

    def unread(self, owner: str, library_id: int) -> Iterator[KnownFile]:
        sql = (
            f"SELECT {_KNOWN} FROM items WHERE owner = ? AND library_id = ? AND digest IS NULL"
            f" AND missing_since IS NULL AND {FILES} ORDER BY id"
        )
        return map(KnownFile._make, self._database.stream(sql, (owner, library_id)))

    def missing(self, owner: str, library_id: int) -> list[KnownFile]:
        sql = (
            f"SELECT {_KNOWN} FROM items WHERE owner = ? AND library_id = ? AND missing_since IS NOT NULL"
            f" AND {FILES} ORDER BY id"
        )
        return [KnownFile._make(row) for row in self._database.query(sql, (owner, library_id))]

    @tried_again
    def learn_digests(self, owner: str, digests: Sequence[tuple[int, bytes]]) -> None:
        with self._database.transaction() as transaction:
            _learn(transaction, owner, digests)

    @tried_again
    def move(
        self,
        owner: str,
        moves: Sequence[tuple[int, int]],
        overwritten: Sequence[KnownFile],
        at: float,
        *,
        revised: Sequence[tuple[int, InputState, Tags]] = (),
        digests: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        if not moves and not revised and not digests:
            return 0
        with self._database.transaction() as transaction:
            _revise(transaction, owner, revised, at)
            _learn(transaction, owner, digests)
            before = {row.item_id: row for row in overwritten}
            displaced = settle(transaction, owner, dict(moves), before, at) if moves else 0
            concerned = {*(item_id for move in moves for item_id in move), *before}
            children_follow(transaction, owner, concerned)
            if moves:
                recompose_later(transaction, owner, concerned)
        return displaced

    def gone_since(self, owner: str, library_id: int, before: float) -> list[int]:
        sql = "SELECT id FROM items WHERE owner = ? AND library_id = ? AND missing_since < ? ORDER BY id"
        return [row[0] for row in self._database.query(sql, (owner, library_id, before))]

    @tried_again
    def remove(self, owner: str, item_ids: Sequence[int]) -> None:
        with self._database.transaction() as transaction:
            remove_items(transaction, owner, item_ids)

    def get(self, owner: str, item_ids: Collection[int]) -> dict[int, Item]:
        wanted = list(item_ids)
        found: dict[int, Item] = {}
        for start in range(0, len(wanted), _MARKS):
            part = wanted[start : start + _MARKS]
            marks = ", ".join("?" * len(part))
            rows = self._database.query(
                f"SELECT {_ITEM} FROM items WHERE owner = ? AND id IN ({marks})", (owner, *part)
            )
            found.update((row[0], _item(row)) for row in rows)
        return found

    def by_path(self, owner: str, library_id: int, path: bytes) -> Item | None:
        rows = self._database.query(
            f"SELECT {_ITEM} FROM items WHERE owner = ? AND library_id = ? AND path = ?",
            (owner, library_id, path),
        )
        return _item(rows[0]) if rows else None

    def cuts(self, owner: str, library_id: int, file: bytes) -> list[Item]:
        rows = self._database.query(
            f"SELECT {_ITEM} FROM items WHERE owner = ? AND library_id = ? AND path > ? AND path < ?",
            (owner, library_id, file + b"\0", file + b"\1"),
        )
        tracks = [_item(row) for row in rows]
        return sorted(tracks, key=lambda track: track.cut.number if track.cut else 0)

    def by_text(self, owner: str, text: str, limit: int) -> list[Item]:
        conditions, values = matching(
            self._database.dialect,
            "COALESCE(artist, '') || ' ' || COALESCE(title, '') || ' ' || COALESCE(album, '')",
            text,
            path="path",
        )
        rows = self._database.query(
            f"SELECT {_ITEM} FROM items WHERE owner = ? AND kind = 'track' AND missing_since IS NULL AND {conditions}"
            " ORDER BY CASE WHEN LOWER(title) = ? THEN 0 ELSE 1 END, artist NULLS FIRST, title NULLS FIRST,"
            " id LIMIT ?",
            (owner, *values, text.lower(), limit),
        )
        return [_item(row) for row in rows]

    def sample(self, owner: str, selection: Selection, count: int) -> list[Item]:
        low, high = selection.path_range()
        where = (
            f"owner = ? AND library_id = ? AND missing_since IS NULL AND path >= ? AND path < ? AND {FILES}"
        )
        values = (owner, selection.library_id, low, high)
        total = int(self._database.query(f"SELECT COUNT(*) FROM items WHERE {where}", values)[0][0])
        step = max(1, total // max(1, count))
        rows = self._database.query(
            f"SELECT {_ITEM} FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY path) AS place FROM items"
            f" WHERE {where}) AS placed WHERE (place - 1) % ? = 0 LIMIT ?",
            (*values, step, count),
        )
        return [_item(row) for row in rows]


def _revise(
    transaction: Transaction, owner: str, revised: Sequence[tuple[int, InputState, Tags]], at: float
) -> None:
    transaction.execute_many(
        "UPDATE items SET size = ?, mtime_ns = ?, digest = ?, updated_at = ?, missing_since = NULL,"
        " title = ?, artist = ?, album = ?, album_artist = ?, genre = ?, year = ?, track = ?, disc = ?,"
        " bpm = ?, key = ?, duration = ? WHERE owner = ? AND id = ?",
        [
            (state.size, state.mtime_ns, state.digest, at, *tags, owner, item_id)
            for item_id, state, tags in revised
        ],
    )


def _learn(transaction: Transaction, owner: str, digests: Sequence[tuple[int, bytes]]) -> None:
    transaction.execute_many(
        "UPDATE items SET digest = ? WHERE owner = ? AND id = ?",
        [(digest, owner, item_id) for item_id, digest in digests],
    )


def _kind_of_files(transaction: Transaction, owner: str, library_id: int) -> ItemKind:
    """What the files of the library are."""
    rows = transaction.query("SELECT kind FROM libraries WHERE owner = ? AND id = ?", (owner, library_id))
    return ItemKind.VIDEO if rows and rows[0][0] == "video" else ItemKind.TRACK


def _item(row: Row) -> Item:
    item_id, owner, library_id, path, size, mtime_ns, digest, updated_at, missing_since, *tags, kind = row
    state = InputState(size, mtime_ns, digest)
    return Item(
        item_id, owner, library_id, path, state, Tags(*tags), updated_at, missing_since, ItemKind(kind)
    )
