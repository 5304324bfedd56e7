"""Items that are forgotten, with everything that hangs on them, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.inputs import in_parts
from reprise.catalog.pictures import release_of_items

if TYPE_CHECKING:
    from collections.abc import Collection

    from reprise.catalog.database import Database, Transaction

ROWS_OF_ITEMS = ("analyses", "inputs", "videos", "scenes", "frames", "persons", "photos")
"""Tables whose rows go with their item."""


def with_children(reading: Database | Transaction, owner: str, item_ids: Collection[int]) -> list[int]:
    """The items and what came out of them: of videos the scenes and frames, of a scene its frames, of a person the
    photos."""
    found = dict.fromkeys(item_ids)
    for column in ("video_id", "parent_id"):
        sql = f"SELECT id FROM items WHERE owner = ? AND {column} IN ({{marks}}) ORDER BY id"
        found.update(dict.fromkeys(row[0] for row in in_parts(reading, sql, (owner,), item_ids)))
    return list(found)


def remove_items(transaction: Transaction, owner: str, item_ids: Collection[int]) -> None:
    """Forget these items and what came out of them, and release their pictures. Vectors are the caller's to delete
    before, or the next run's."""
    ids = with_children(transaction, owner, item_ids)
    release_of_items(transaction, owner, ids)
    spaces = [row[0] for row in transaction.query("SELECT id FROM spaces WHERE owner = ?", (owner,))]
    for space_id in spaces:
        transaction.execute_many(
            "DELETE FROM ledger WHERE space_id = ? AND owner = ? AND item_id = ?",
            [(space_id, owner, item_id) for item_id in ids],
        )
    rows = [(owner, item_id) for item_id in ids]
    for table in ROWS_OF_ITEMS:
        transaction.execute_many(f"DELETE FROM {table} WHERE owner = ? AND item_id = ?", rows)
    transaction.execute_many("DELETE FROM items WHERE owner = ? AND id = ?", rows)


def children_follow(transaction: Transaction, owner: str, video_ids: Collection[int]) -> None:
    """Scenes and frames are missing when their video is, since the same moment, and come back with it."""
    transaction.execute_many(
        "UPDATE items SET missing_since = (SELECT v.missing_since FROM items v WHERE v.id = ?)"
        " WHERE video_id = ? AND owner = ?",
        [(video_id, video_id, owner) for video_id in video_ids],
    )
