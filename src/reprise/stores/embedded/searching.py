"""Search over rows: exactly, or candidates of an index joined with what changed since it was built.

Whatever an index proposes is scored from the rows, and only from rows that have not changed since; so a bad
index can cost neighbours but never give a wrong score, and a missing one costs time alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import StoreReport
from reprise.drafts import private_folder
from reprise.stores.embedded import ann, matrix
from reprise.stores.embedded import rows as table
from reprise.stores.embedded.ann import IndexUnusable
from reprise.stores.embedded.indexes import Indexes
from reprise.stores.embedded.locks import only_one
from reprise.stores.exact import best, scores

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.embedded.ann import Index
    from reprise.stores.embedded.rows import Held

log = logging.getLogger(__name__)

SLACK = 20
"""Candidates beyond ``k``: the order of the index differs from the exact one in the last place or two."""

MAX_CANDIDATES = 1000
"""Asked for more (many excluded, or many deleted since the build), reading the rows is as fast."""

STALE = 0.2
"""The share of changed rows above which a flush builds the index anew."""


class Searcher:
    """Answers questions about one owner's rows, with what memory and indexes there are."""

    def __init__(self, folder: Path, index_from: int, cache_bytes: int) -> None:
        self._cache = matrix.MatrixCache(cache_bytes)
        self._indexes = Indexes(folder)
        self._index_from = index_from

    def place(self, owner: str, space: str) -> Path:
        return self._indexes.place(owner, space)

    def search(
        self,
        connection: sqlite3.Connection,
        held: Held,
        place: Path,
        query: Vectors,
        k: int,
        exclude: Collection[int],
    ) -> list[Hit]:
        index = self._indexes.current(place, held)
        if index is not None:
            try:
                found = self._through(connection, held, index, query, k, exclude)
            except IndexUnusable as error:
                self._indexes.refuse(index, error)
            else:
                if found is not None:
                    return found
        return self._cache.nearest(connection, held, query, k, exclude)

    def _through(
        self,
        connection: sqlite3.Connection,
        held: Held,
        index: Index,
        query: Vectors,
        k: int,
        exclude: Collection[int],
    ) -> list[Hit] | None:
        """The answer by way of the index, or None when it cannot tell enough neighbours."""
        wanted = min(k, index.manifest.count)
        found = _unchanged(connection, held, index, query, k, exclude)
        if found is None or len(found) < wanted:
            return None
        changed = self._cache.nearest(connection, held, query, k, exclude, floor=index.manifest.seq)
        joined = {hit.key: hit for hit in (*found, *changed)}
        return sorted(joined.values(), key=lambda hit: (-hit.score, hit.key))[:k]

    # the index's life

    def due(self, connection: sqlite3.Connection, held: Held, place: Path) -> bool:
        """Whether there should be an index and too much has changed since the one there is."""
        count = table.count(connection, held)
        if count < self._index_from or not ann.available():
            return False
        return self._changed(connection, held, place, count) > STALE * count

    def build(self, connection: sqlite3.Connection, held: Held, place: Path) -> None:
        """Build the index, unless another process is at it; one that cannot be built is told and done without."""
        try:
            private_folder(place)
            with only_one(place / "building.lock") as mine:
                if mine:
                    count = table.count(connection, held)
                    self._indexes.build(place, held, count, _blocks(connection, held))
        except (IndexUnusable, OSError) as error:
            log.warning("no index was built, the rows are searched exactly: %s", error)

    def _changed(self, connection: sqlite3.Connection, held: Held, place: Path, count: int) -> int:
        """At least how many rows were written or removed since the index was built; all when there is none."""
        index = self._indexes.current(place, held)
        if index is None:
            return count
        written = table.count(connection, held, index.manifest.seq)
        no_more = index.manifest.count - (count - written)  # overwritten or deleted
        return max(written, no_more)

    def drop(self, owner: str, space: str) -> None:
        self._indexes.drop(self.place(owner, space))

    def close(self) -> None:
        self._cache.clear()
        self._indexes.close()

    # checks

    def verify(self, connection: sqlite3.Connection, held: Held, place: Path) -> StoreReport:
        seen, damaged = 0, []
        for block in table.blocks(connection, held):
            seen += len(block)
            damaged += [row.key for row in block if not row.is_sound(held.dimension)]
        problem = f"{len(damaged)} vectors fail their checksum" if damaged else ""
        (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            problem = f"the file is damaged: {told}"
        index = self._index_report(connection, held, place, seen)
        return StoreReport(seen, tuple(sorted(damaged)), index, problem)

    def _index_report(self, connection: sqlite3.Connection, held: Held, place: Path, count: int) -> str:
        index = self._indexes.current(place, held)
        if index is not None:
            changed = self._changed(connection, held, place, count)
            return f"zvec: {index.manifest.count} vectors, {changed} changed since"
        if count < self._index_from:
            return "none"
        if not ann.available():
            return "none: zvec is not installed on this platform, the rows are searched exactly"
        return "missing or damaged: the rows are searched exactly, the next flush builds it"


def _blocks(connection: sqlite3.Connection, held: Held) -> Iterator[tuple[list[int], Vectors]]:
    for block in table.blocks(connection, held):
        kept = matrix.sound(block, held.dimension)
        keys, vectors = matrix.arrays(kept, held.dimension)
        yield keys.tolist(), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)  # it ranks by product


def _unchanged(
    connection: sqlite3.Connection,
    held: Held,
    index: Index,
    query: Vectors,
    k: int,
    exclude: Collection[int],
) -> list[Hit] | None:
    """The best of the index's candidates that stand in the rows as they were indexed."""
    wanted = k + len(exclude) + SLACK
    if wanted > MAX_CANDIDATES:
        return None
    barred = set(exclude)
    keys = [key for key in index.candidates(query, wanted) if key not in barred]
    rows = [row for row in table.fetch(connection, held, keys) if row.seq <= index.manifest.seq]
    sound = matrix.sound(rows, held.dimension)
    if not sound:
        return []
    numbers, vectors = matrix.arrays(sound, held.dimension)
    return best(np.asarray(numbers), scores(vectors, query), k)
