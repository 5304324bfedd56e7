"""The rows of one owner in a space's file: the truth that everything else is derived from.

Every change of an owner's rows takes the next change number (``seq``) inside its own transaction. Whoever
holds something derived compares numbers, and reads only what is newer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reprise.stores.checks import check_same_dimension
from reprise.stores.rowbytes import checksum, is_sound

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

BLOCK_ROWS = 2048
"""Rows held at once while reading all of them: 1.3 MB at dimension 160, 17 MB at 2048."""

KEYS_PER_QUERY = 500
"""SQLite takes 32,766 parameters in one statement at most, older builds 999."""


@dataclass(frozen=True, slots=True)
class Held:
    """One owner's rows as they are at the moment of reading."""

    id: int
    dimension: int
    seq: int
    erased: int
    token: str


class Row(NamedTuple):  # made by the hundred thousand, where a dataclass takes three times as long
    key: int
    seq: int
    crc: object
    data: bytes

    def is_sound(self, dimension: int) -> bool:
        return is_sound(self.key, self.data, self.crc, dimension)


def find_owner(connection: sqlite3.Connection, owner: str) -> Held | None:
    found = connection.execute(
        "SELECT id, dimension, seq, erased, token FROM owner WHERE name = ?", (owner,)
    ).fetchone()
    return None if found is None else Held(*found)


def add_owner(connection: sqlite3.Connection, owner: str, space: str, dimension: int) -> Held:
    """The owner's entry, made if it is not there. A space has one dimension, whoever owns its vectors."""
    other = connection.execute("SELECT dimension FROM owner LIMIT 1").fetchone()
    if other is not None:
        check_same_dimension(space, other[0], dimension)
    connection.execute(
        "INSERT INTO owner (name, dimension, seq, erased, token) VALUES (?, ?, 0, 0, ?) "
        "ON CONFLICT (name) DO NOTHING",
        (owner, dimension, uuid.uuid4().hex),
    )
    held = find_owner(connection, owner)
    assert held is not None
    return held


def remove_owner(connection: sqlite3.Connection, held: Held) -> None:
    connection.execute("DELETE FROM owner WHERE id = ?", (held.id,))
    if connection.execute("SELECT 1 FROM owner").fetchone() is None:
        connection.execute("DELETE FROM vector")  # without WHERE, SQLite drops whole pages unread
        return
    connection.execute("DELETE FROM vector WHERE owner = ?", (held.id,))


def put(connection: sqlite3.Connection, held: Held, rows: Iterable[tuple[int, bytes]]) -> int:
    """Write ``rows`` (key, float32 bytes) as one change; returns how many they were."""
    seq = _next_seq(connection, held, erases=False)
    written = connection.executemany(
        "INSERT INTO vector (owner, key, seq, crc, data) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (owner, key) DO UPDATE SET seq = excluded.seq, crc = excluded.crc, data = excluded.data",
        ((held.id, key, seq, checksum(key, data), data) for key, data in rows),
    )
    return max(written.rowcount, 0)


def remove(connection: sqlite3.Connection, held: Held, keys: Sequence[int]) -> int:
    gone = connection.executemany(
        "DELETE FROM vector WHERE owner = ? AND key = ?", ((held.id, key) for key in keys)
    ).rowcount
    if gone > 0:
        _next_seq(connection, held, erases=True)
    return max(gone, 0)


def replace(connection: sqlite3.Connection, held: Held, rows: Iterable[tuple[int, bytes]]) -> None:
    """All rows of the owner give way to ``rows`` (key, float32 bytes)."""
    connection.execute("DELETE FROM vector WHERE owner = ?", (held.id,))
    _next_seq(connection, held, erases=True)
    put(connection, held, rows)


def _next_seq(connection: sqlite3.Connection, held: Held, *, erases: bool) -> int:
    column = "seq = seq + 1, erased = seq + 1" if erases else "seq = seq + 1"
    (seq,) = connection.execute(
        f"UPDATE owner SET {column} WHERE id = ? RETURNING seq",  # noqa: S608
        (held.id,),
    ).fetchone()
    return int(seq)


def count(connection: sqlite3.Connection, held: Held, after: int = 0) -> int:
    """How many rows were written by a change later than ``after``."""
    sql = "SELECT count(*) FROM vector WHERE owner = ? AND seq > ?"
    return int(connection.execute(sql, (held.id, after)).fetchone()[0])


def fetch(connection: sqlite3.Connection, held: Held, keys: Sequence[int]) -> Iterator[Row]:
    """The rows of ``keys`` that are there, in no order."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        part = keys[start : start + KEYS_PER_QUERY]
        marks = ",".join("?" * len(part))
        sql = f"SELECT key, seq, crc, data FROM vector WHERE owner = ? AND key IN ({marks})"  # noqa: S608
        for found in connection.execute(sql, (held.id, *part)):
            yield Row._make(found)


def page(connection: sqlite3.Connection, held: Held, after: int, limit: int) -> list[Row]:
    """The next ``limit`` rows in key order, beginning behind the key ``after``."""
    sql = "SELECT key, seq, crc, data FROM vector WHERE owner = ? AND key > ? ORDER BY key LIMIT ?"
    return [Row._make(found) for found in connection.execute(sql, (held.id, after, limit))]


def blocks(connection: sqlite3.Connection, held: Held, after: int = 0) -> Iterator[list[Row]]:
    """All rows written by a change later than ``after``, ``BLOCK_ROWS`` at a time, in no order."""
    sql = "SELECT key, seq, crc, data FROM vector WHERE owner = ? AND seq > ?"
    cursor = connection.execute(sql, (held.id, after))
    while found := cursor.fetchmany(BLOCK_ROWS):
        yield [Row._make(row) for row in found]
