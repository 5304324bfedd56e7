"""Items change places: moved, swapped and overwritten files, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.catalog.forgetting import remove_items
from reprise.core.items import Tags

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.catalog.database import Row, Transaction
    from reprise.core.records import KnownFile

TAG_COLUMNS = ", ".join(Tags._fields)
_PLACE = f"path, size, mtime_ns, digest, updated_at, {TAG_COLUMNS}"
_PART = 500


def settle(
    transaction: Transaction,
    owner: str,
    homes: dict[int, int],
    overwritten: Mapping[int, KnownFile],
    at: float,
) -> int:
    """Let each item of ``homes`` live where the row it is mapped to lies now, with that place's state and tags.

    Rows that lose their place get one that was left: first a file is there whose content nobody knows (of
    ``overwritten``, the items as they were before), then a path that is empty now. There an item waits as missing,
    with the content it had; a row that was only just added goes instead. Returns how many went missing now.
    """
    places = _read(transaction, owner, {*homes, *homes.values()})
    taken = set(homes.values())
    left = sorted((item for item in homes if item not in taken), key=lambda item: item not in overwritten)
    homeless = sorted((row for row in taken if row not in homes), key=lambda row: row in overwritten)
    settled = dict(homes)
    missing, new = [], []
    for row, place in zip(homeless, left, strict=True):
        if place in overwritten:
            settled[row] = place
        elif row in overwritten:
            missing.append((row, place))
        else:
            new.append(row)
    remove_items(transaction, owner, new)  # a plan may have noted them already
    _leave(transaction, owner, [*settled, *(row for row, _ in missing)])
    _arrive(transaction, owner, [(row, places[place]) for row, place in settled.items()])
    _wait(transaction, owner, [(overwritten[row], places[place][0]) for row, place in missing], at)
    return sum(overwritten[row].missing_since is None for row, _ in missing)


def _read(transaction: Transaction, owner: str, ids: Collection[int]) -> dict[int, Row]:
    wanted = list(ids)
    rows: list[Row] = []
    for start in range(0, len(wanted), _PART):
        part = wanted[start : start + _PART]
        marks = ", ".join("?" * len(part))
        rows += transaction.query(
            f"SELECT id, {_PLACE} FROM items WHERE owner = ? AND id IN ({marks})", (owner, *part)
        )
    return {row[0]: row[1:] for row in rows}


def _leave(transaction: Transaction, owner: str, ids: Collection[int]) -> None:
    """Paths are unique, and they may change in a circle: all are left before the first is taken."""
    transaction.execute_many(
        "UPDATE items SET path = ? WHERE owner = ? AND id = ?",
        [(b"\0%d" % item, owner, item) for item in ids],
    )


def _arrive(transaction: Transaction, owner: str, rows: Collection[tuple[int, Row]]) -> None:
    assignments = ", ".join(f"{column} = ?" for column in _PLACE.split(", "))
    transaction.execute_many(
        f"UPDATE items SET {assignments}, missing_since = NULL WHERE owner = ? AND id = ?",
        [(*place, owner, item) for item, place in rows],
    )


def _wait(transaction: Transaction, owner: str, rows: Collection[tuple[KnownFile, Any]], at: float) -> None:
    transaction.execute_many(
        "UPDATE items SET path = ?, size = ?, mtime_ns = ?, digest = ?, duration = ?, updated_at = ?,"
        " missing_since = ? WHERE owner = ? AND id = ?",
        [
            (
                path,
                row.size,
                row.mtime_ns,
                row.digest,
                row.duration,
                at,
                row.missing_since or at,
                owner,
                row.item_id,
            )
            for row, path in rows
        ],
    )
