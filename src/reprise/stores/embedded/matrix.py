"""Rows as a matrix in memory, kept up to date by the change number, and bounded over all spaces."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.stores.embedded import rows as table
from reprise.stores.exact import nearest
from reprise.stores.rowbytes import FLOAT_BYTES, stack

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.embedded.rows import Held, Row

log = logging.getLogger(__name__)

GONE = -1
"""Stands in ``keys`` where a row was replaced by a later one."""

WASTE = 0.25
"""The share of replaced rows above which a matrix is read anew."""

ROOM_TO_GROW = 1.25

MAX_KEPT = 4096
"""Small matrices are many when owners are many, or when indexes were built often."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows written after the change ``floor`` and up to ``seq``. Never changed: a newer one takes its place.

    ``keys`` (n,), ``vectors`` (n, dimension). ``spare`` is the array that ``vectors`` is the head of: rows
    behind n are free to be filled, and no reader of this matrix looks at them.
    """

    token: str
    floor: int
    seq: int
    keys: NDArray[np.int64]
    vectors: Vectors
    spare: Vectors

    @property
    def nbytes(self) -> int:
        return int(self.spare.nbytes + self.keys.nbytes)


def sound(block: Sequence[Row], dimension: int) -> list[Row]:
    """The rows whose checksum is right. A damaged one must not take search down: ``verify`` names it."""
    kept = [row for row in block if row.is_sound(dimension)]
    if len(kept) < len(block):
        damaged = sorted({row.key for row in block} - {row.key for row in kept})
        log.warning("damaged vectors are left out of the search: keys %s", damaged[:10])
    return kept


def arrays(block: Sequence[Row], dimension: int) -> tuple[NDArray[np.int64], Vectors]:
    keys = np.fromiter((row.key for row in block), dtype=np.int64, count=len(block))
    return keys, stack([row.data for row in block], dimension)


def _pairs(
    connection: sqlite3.Connection, held: Held, after: int
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    for block in table.blocks(connection, held, after):
        yield arrays(sound(block, held.dimension), held.dimension)


def empty(held: Held, floor: int, room: int) -> Matrix:
    spare = np.empty((room, held.dimension), dtype=np.float32)
    return Matrix(held.token, floor, floor, np.empty(0, dtype=np.int64), spare[:0], spare)


def grown(matrix: Matrix, keys: NDArray[np.int64], vectors: Vectors) -> Matrix:
    """``matrix`` with more rows behind; rows of the same keys further up are marked as gone."""
    have, more = len(matrix.keys), len(keys)
    spare = matrix.spare
    if have + more > len(spare):
        spare = np.empty((int((have + more) * ROOM_TO_GROW), spare.shape[1]), dtype=np.float32)
        spare[:have] = matrix.vectors
    spare[have : have + more] = vectors
    old = np.where(np.isin(matrix.keys, keys), GONE, matrix.keys) if have else matrix.keys
    return replace(matrix, keys=np.concatenate([old, keys]), vectors=spare[: have + more], spare=spare)


def read(connection: sqlite3.Connection, held: Held, floor: int) -> Matrix:
    """All rows newer than ``floor``."""
    matrix = empty(held, floor, table.count(connection, held, floor))
    filled = 0
    parts = []
    for keys, vectors in _pairs(connection, held, floor):
        matrix.spare[filled : filled + len(keys)] = vectors
        filled += len(keys)
        parts.append(keys)
    keys = np.concatenate(parts) if parts else matrix.keys
    return replace(matrix, seq=held.seq, keys=keys, vectors=matrix.spare[:filled])


def advanced(connection: sqlite3.Connection, held: Held, matrix: Matrix) -> Matrix:
    """``matrix`` with what was written since, or read anew where rows were taken away or much was replaced."""
    if held.erased > matrix.seq or np.count_nonzero(matrix.keys == GONE) > WASTE * len(matrix.keys):
        return read(connection, held, matrix.floor)
    for keys, vectors in _pairs(connection, held, matrix.seq):
        matrix = grown(matrix, keys, vectors)
    return replace(matrix, seq=held.seq)


class MatrixCache:
    """Matrices of several spaces and owners, the least recently used leaving first. For many threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[str, int], Matrix] = OrderedDict()
        self._gates: dict[tuple[str, int], threading.Lock] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def nearest(
        self,
        connection: sqlite3.Connection,
        held: Held,
        query: Vectors,
        k: int,
        exclude: Collection[int] = (),
        *,
        floor: int = 0,
    ) -> list[Hit]:
        """Exact search of the rows written after the change ``floor``."""
        matrix = self._matrix(connection, held, floor)
        if matrix is None:
            return _streamed(connection, held, query, k, exclude, floor)
        return nearest(matrix.keys, matrix.vectors, query, k, exclude)

    def _matrix(self, connection: sqlite3.Connection, held: Held, floor: int) -> Matrix | None:
        name = (held.token, floor)
        with self._gate(
            name
        ):  # of many threads one reads what is new, the others wait; other matrices do not
            kept = self._taken(name)
            matrix = kept
            if kept is None:
                matrix = self._first(connection, held, floor)
            elif kept.seq < held.seq:  # else another thread has looked a moment later
                matrix = advanced(connection, held, kept)
            if matrix is not None:
                self._keep(name, matrix)
            return matrix

    def _gate(self, name: tuple[str, int]) -> threading.Lock:
        with self._lock:
            return self._gates.setdefault(name, threading.Lock())

    def _taken(self, name: tuple[str, int]) -> Matrix | None:
        with self._lock:
            return self._kept.get(name)

    def _keep(self, name: tuple[str, int], matrix: Matrix) -> None:
        with self._lock:
            before = self._kept.get(name)
            self._bytes += matrix.nbytes - (before.nbytes if before else 0)
            self._kept[name] = matrix
            self._kept.move_to_end(name)
            self._shrink()

    def _first(self, connection: sqlite3.Connection, held: Held, floor: int) -> Matrix | None:
        wanted = table.count(connection, held, floor) * held.dimension * FLOAT_BYTES
        return None if wanted > self._limit_bytes else read(connection, held, floor)

    def _shrink(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > MAX_KEPT or self._bytes > self._limit_bytes):
            self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0


def _streamed(
    connection: sqlite3.Connection, held: Held, query: Vectors, k: int, exclude: Collection[int], floor: int
) -> list[Hit]:
    """Slower, in constant memory, for an owner whose rows do not fit the cache."""
    found: list[Hit] = []
    for keys, vectors in _pairs(connection, held, floor):
        found += nearest(keys, vectors, query, k, exclude)
        found = sorted(found, key=lambda hit: (-hit.score, hit.key))[:k]
    return found
