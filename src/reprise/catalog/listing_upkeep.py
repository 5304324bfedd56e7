"""The listing follows the items: new, changed and removed ones are taken over in small steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.inputs import in_parts
from reprise.core.items import ItemKind, display_path
from reprise.core.words import sort_key, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.catalog.dialects import Dialect

_ITEM = (
    "id, owner, library_id, path, title, artist, album, genre, year, bpm, key, duration, updated_at, size,"
    " CASE WHEN missing_since IS NULL THEN 0 ELSE 1 END, kind"
)
_COUNTED = "owner, library_id, duration, size, missing"


def take_over(database: Database, most: int) -> int:
    """List what changed since the last time, ``most`` items of it, in one transaction; returns how many it were.

    What nothing changed in is only looked at: no transaction begins.
    """
    if not (_fresh(database, 1) or _noted(database, 1)):
        return 0
    with database.transaction() as transaction:
        transaction.alone("listing")
        fresh = _fresh(transaction, most)
        noted = _noted(transaction, most - len(fresh)) if len(fresh) < most else []
        # Before the items are read: what changes from now on leaves a note that stays.
        transaction.execute_many("DELETE FROM listing_notes WHERE item_id = ?", [(item,) for item in noted])
        _leave_out(transaction, noted)
        _add(database.dialect, transaction, _tracks(_listed_before(transaction, noted)))
        _add(database.dialect, transaction, _tracks(fresh))
        transaction.execute("UPDATE listing_state SET changes = changes + 1")
        if fresh:
            transaction.execute("UPDATE listing_state SET listed_to = ?", (fresh[-1][0],))
    return len(fresh) + len(noted)


def _fresh(reader: Database | Transaction, most: int) -> list[Row]:
    return reader.query(
        f"SELECT {_ITEM} FROM items WHERE id > (SELECT listed_to FROM listing_state) ORDER BY id LIMIT ?",
        (most,),
    )


def _tracks(rows: Sequence[Row]) -> list[Row]:
    """The rows of ``_ITEM`` that are tracks, without the column that says so: nothing else is listed."""
    return [row[:-1] for row in rows if row[-1] == ItemKind.TRACK]


def _noted(reader: Database | Transaction, most: int) -> list[int]:
    """Items that were listed and are not any more what they were; a note of one that never was is done with it."""
    rows = reader.query("SELECT DISTINCT item_id FROM listing_notes ORDER BY item_id LIMIT ?", (most,))
    return [row[0] for row in rows]


def _listed_before(transaction: Transaction, ids: Sequence[int]) -> list[Row]:
    """The items as they are now, if they are there and their turn as new ones is over."""
    sql = f"SELECT {_ITEM} FROM items WHERE id IN ({{marks}}) AND id <= (SELECT listed_to FROM listing_state) ORDER BY id"
    return list(in_parts(transaction, sql, (), ids))


def _leave_out(transaction: Transaction, ids: Sequence[int]) -> None:
    rows = [(item_id,) for item_id in ids]
    counted = in_parts(transaction, f"SELECT {_COUNTED} FROM listing WHERE item_id IN ({{marks}})", (), ids)
    _count(transaction, list(counted), -1)
    transaction.execute_many("DELETE FROM listing WHERE item_id = ?", rows)
    transaction.execute_many("DELETE FROM listing_words WHERE rowid = ?", rows)


def _add(dialect: Dialect, transaction: Transaction, items: Sequence[Row]) -> None:
    transaction.execute_many(
        "INSERT INTO listing (item_id, owner, library_id, path, title, artist, album, genre, key, year, bpm,"
        " duration, updated_at, size, missing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_listed(*item) for item in items],
    )
    _count(transaction, [(item[1], item[2], item[11], item[13], item[14]) for item in items], 1)
    transaction.execute_many(
        "INSERT INTO listing_words (rowid, words) VALUES (?, ?)",
        [(item[0], dialect.words(_terms(item))) for item in items],
    )


def _listed(item_id: int, owner: str, library_id: int, path: bytes, *facts: object) -> Row:
    *names, year, bpm, key, duration, updated_at, size, missing = facts
    keys = [sort_key(name) if isinstance(name, str) else None for name in (*names, key)]
    return (item_id, owner, library_id, path, *keys, year, bpm, duration, updated_at, size, missing)


def _count(transaction: Transaction, rows: Sequence[Row], sign: int) -> None:
    """Add rows (owner, library, duration, size, missing) to the counts of their libraries, or take them away."""
    sums: dict[tuple[str, int], list[float]] = {}
    for owner, library_id, duration, size, missing in rows:
        of_library = sums.setdefault((owner, library_id), [0, 0, 0.0, 0])
        facts = (0, 1, 0.0, 0) if missing else (1, 0, duration or 0.0, size)
        for place, fact in enumerate(facts):
            of_library[place] += sign * fact
    transaction.execute_many(
        "INSERT INTO listing_counts (owner, library_id, items, missing, audio_seconds, bytes)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner, library_id) DO UPDATE SET"
        " items = listing_counts.items + excluded.items, missing = listing_counts.missing + excluded.missing,"
        " audio_seconds = listing_counts.audio_seconds + excluded.audio_seconds,"
        " bytes = listing_counts.bytes + excluded.bytes",
        [(*key, *values) for key, values in sums.items()],
    )


def _terms(item: Row) -> list[str]:
    path, title, artist, album = item[3:7]
    file = display_path(path.partition(b"\0")[0])
    return terms(" / ".join(text for text in (artist, title, album, file) if text))
