"""What a person's vector is made of: the ready photos, and the space that their vectors are in."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from reprise.catalog.inputs import Input, in_parts, put_inputs
from reprise.core.video import PhotoState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reprise.catalog.database import Transaction

PHOTOS = "photos"
"""The channel of a person. Its text is the fingerprint of the photos' space, its digest over that and the photos."""

MOST_ERROR_LETTERS = 500


def photos_settled(
    transaction: Transaction,
    owner: str,
    space_id: int,
    done_ids: Collection[int],
    failed: Sequence[tuple[int, str]],
    at: float,
) -> None:
    """Part of a commit: these photos have their vector in the space now, of those it is known why they have none."""
    transaction.execute_many(
        "UPDATE photos SET state = ?, error = '', updated_at = ? WHERE owner = ? AND item_id = ?",
        [(PhotoState.READY, at, owner, photo_id) for photo_id in done_ids],
    )
    transaction.execute_many(
        "UPDATE photos SET state = ?, error = ?, updated_at = ? WHERE owner = ? AND item_id = ?",
        [
            (PhotoState.FAILED, message[:MOST_ERROR_LETTERS], at, owner, photo_id)
            for photo_id, message in failed
        ],
    )
    marks = transaction.query("SELECT fingerprint FROM spaces WHERE owner = ? AND id = ?", (owner, space_id))
    if not marks:
        return
    settled = [*done_ids, *(photo_id for photo_id, _ in failed)]
    sql = "SELECT DISTINCT person_id FROM photos WHERE owner = ? AND item_id IN ({marks})"
    persons = {row[0] for row in in_parts(transaction, sql, (owner,), settled)}
    put_photos_inputs(transaction, owner, persons, marks[0][0], at)


def put_photos_inputs(
    transaction: Transaction, owner: str, person_ids: Collection[int], fingerprint: str, at: float
) -> None:
    """Bring the input of these persons up to their ready photos; a person without any has none."""
    # Photos of one person may be settled by several at once: the last of them has to see all.
    persons = f"SELECT item_id FROM persons WHERE owner = ? AND item_id IN ({{marks}}) ORDER BY item_id{transaction.locked}"
    list(in_parts(transaction, persons, (owner,), sorted(person_ids)))
    sql = (
        "SELECT person_id, item_id, digest FROM photos WHERE owner = ? AND person_id IN ({marks}) AND state = ?"
        " ORDER BY item_id"
    )
    photos: dict[int, list[tuple[int, str]]] = {person_id: [] for person_id in person_ids}
    for person_id, photo_id, digest in in_parts(
        transaction, sql, (owner,), list(photos), (PhotoState.READY,)
    ):
        photos[person_id].append((photo_id, digest.hex()))
    inputs = {
        person_id: {PHOTOS: Input(_digest(fingerprint, ready), fingerprint)} if ready else {}
        for person_id, ready in photos.items()
    }
    put_inputs(transaction, owner, (PHOTOS,), inputs, at)


def photo_left(transaction: Transaction, owner: str, person_id: int, at: float) -> None:
    """A photo of the person was taken away: the others are in the space that they were in."""
    rows = transaction.query(
        "SELECT text FROM inputs WHERE owner = ? AND item_id = ? AND channel = ?", (owner, person_id, PHOTOS)
    )
    if rows:
        put_photos_inputs(transaction, owner, [person_id], rows[0][0], at)


def _digest(fingerprint: str, photos: Sequence[tuple[int, str]]) -> bytes:
    return hashlib.sha256(json.dumps([fingerprint, photos], separators=(",", ":")).encode()).digest()
