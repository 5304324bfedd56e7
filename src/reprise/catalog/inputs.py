"""Inputs: what models look at in items that are no files, one row per item and channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reprise.core.scene_texts import COMPOSITION, input_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reprise.catalog.database import Database, Row, Transaction

PART = 500
"""Ids in one IN list: databases limit how many parameters a statement takes."""


class Input(NamedTuple):
    """Of one item in one channel: a text, or a file relative to the media folder, and the digest of either."""

    digest: bytes
    text: str | None = None
    file: bytes | None = None


def text_input(text: str) -> Input:
    return Input(input_digest(text), text)


def put_inputs(
    transaction: Transaction,
    owner: str,
    channels: Collection[str],
    wanted: Mapping[int, Mapping[str, Input]],
    at: float,
) -> int:
    """Let these items have exactly these inputs in those channels; returns how many changed.

    What comes out the same keeps its row, and so its vectors; of the others the items count as updated.
    """
    known = _known(transaction, owner, channels, list(wanted))
    changed = [
        (item_id, channel, one)
        for item_id, inputs in wanted.items()
        for channel, one in inputs.items()
        if known.get((item_id, channel), (None,))[0] != one.digest
    ]
    gone = [key for key in known if key[1] not in wanted[key[0]]]
    older = [key for key, (_, composed) in known.items() if composed != COMPOSITION]
    transaction.execute_many(
        "INSERT INTO inputs (item_id, channel, owner, digest, text, file, composed, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (item_id, channel) DO UPDATE SET digest = excluded.digest,"
        " text = excluded.text, file = excluded.file, composed = excluded.composed, updated_at = excluded.updated_at",
        [(item_id, channel, owner, *one, COMPOSITION, at) for item_id, channel, one in changed],
    )
    transaction.execute_many(
        "DELETE FROM inputs WHERE item_id = ? AND channel = ? AND owner = ?", [(*key, owner) for key in gone]
    )
    transaction.execute_many(
        "UPDATE inputs SET composed = ? WHERE item_id = ? AND channel = ? AND owner = ?",
        [(COMPOSITION, *key, owner) for key in older],
    )
    touched = {item_id for item_id, *_ in changed} | {item_id for item_id, _ in gone}
    transaction.execute_many(
        "UPDATE items SET updated_at = ? WHERE id = ? AND owner = ?",
        [(at, item_id, owner) for item_id in touched],
    )
    return len(changed) + len(gone)


def in_parts(
    reading: Database | Transaction,
    sql: str,
    before: Sequence[object],
    ids: Collection[object],
    after: Sequence[object] = (),
) -> Iterator[Row]:
    """Rows of a query for these ids (or paths), which stand in its ``{marks}``, a part of them at a time."""
    wanted = list(ids)
    for start in range(0, len(wanted), PART):
        part = wanted[start : start + PART]
        marks = ", ".join("?" * len(part))
        yield from reading.query(sql.format(marks=marks), (*before, *part, *after))


def _known(
    transaction: Transaction, owner: str, channels: Collection[str], ids: Sequence[int]
) -> dict[tuple[int, str], tuple[bytes, int]]:
    """Digest and rules of what there is, by item and channel."""
    among = ", ".join("?" * len(channels))
    sql = (
        "SELECT item_id, channel, digest, composed FROM inputs WHERE owner = ? AND item_id IN ({marks})"
        f" AND channel IN ({among})"
    )
    rows = in_parts(transaction, sql, (owner,), ids, tuple(channels))
    return {(item_id, channel): (digest, composed) for item_id, channel, digest, composed in rows}
