"""``EmbeddedStore``: vectors as rows in SQLite, searched exactly or through a derived index."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reprise.core.ports import StoreReport
from reprise.errors import StoreError
from reprise.stores import snapshots
from reprise.stores.checks import (
    check_batch,
    check_dimension,
    check_k,
    check_keys,
    check_names,
    check_query,
    unknown_space,
)
from reprise.stores.embedded import building, files, rows
from reprise.stores.embedded.abilities import EMBEDDED
from reprise.stores.embedded.files import SpaceFile
from reprise.stores.rowbytes import FLOAT_BYTES, stack
from reprise.stores.sqlite_errors import CURE_DAMAGED, DamagedFile, told

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.embedded.rows import Held, Row
    from reprise.stores.embedded.searching import Searcher

    T = TypeVar("T")

INDEX_FROM = 100_000
"""Below, exact search takes 2 to 8 ms at dimension 160: see the package's notes."""

CACHE_MB = 1024


class EmbeddedStore:
    """A ``VectorStore`` in a folder: one SQLite file per space, an index per owner beside it.

    Nothing is opened or made before it is needed. For many threads and processes at once.
    """

    abilities = EMBEDDED

    def __init__(
        self,
        folder: Path,
        *,
        index_from: int = INDEX_FROM,
        cache_mb: int = CACHE_MB,
        build_apart: bool = False,
    ) -> None:
        """``index_from``: vectors of one owner from which on a flush builds an index. ``cache_mb``: memory
        for exact search over all spaces, MiB; an owner with more vectors than fit is read from the disk.
        With ``build_apart`` a process of its own builds indexes, so that the memory they take ends with it."""
        self._folder = folder
        self._index_from = index_from
        self._cache_bytes = cache_mb << 20
        self._build_apart = build_apart
        self._files: dict[str, SpaceFile] = {}
        self._lock = threading.Lock()
        self._lazy_searcher: Searcher | None = None

    @property
    def _searcher(self) -> Searcher:
        """Made at the first search: it brings numpy, and many commands do without."""
        from reprise.stores.embedded.searching import Searcher

        with self._lock:
            if self._lazy_searcher is None:
                self._lazy_searcher = Searcher(self._folder, self._index_from, self._cache_bytes)
            return self._lazy_searcher

    # which file, and whose rows

    def _path(self, space: str) -> Path:
        return self._folder / f"{space}.sqlite"

    def _file(self, owner: str, space: str) -> SpaceFile:
        check_names(owner, space)
        with self._lock:
            found = self._files.get(space)
            if found is None:
                path = self._path(space)
                if not path.exists():
                    raise unknown_space(owner, space)
                found = self._files[space] = SpaceFile(path)
            return found

    def _read(self, owner: str, space: str, body: Callable[[sqlite3.Connection, Held], T]) -> T:
        with self._file(owner, space).reading() as connection:
            return body(connection, _held(connection, owner, space))

    def _write(self, owner: str, space: str, body: Callable[[sqlite3.Connection, Held], T]) -> T:
        with self._file(owner, space).writing() as connection:
            return body(connection, _held(connection, owner, space))

    def create(self, owner: str, space: str, dimension: int) -> None:
        check_names(owner, space)
        check_dimension(dimension)
        files.make(self._path(space))
        with self._file(owner, space).writing() as connection:
            rows.add_owner(connection, owner, space, dimension)

    def drop(self, owner: str, space: str) -> None:
        """A file too damaged for that is set aside under another name, with all owners' vectors in it."""
        check_names(owner, space)
        if not self._path(space).exists():
            return
        try:
            self._drop_rows(owner, space)
        except DamagedFile:
            self._forget_file(space)
            files.set_aside(self._path(space))
        self._searcher.drop(owner, space)

    def _drop_rows(self, owner: str, space: str) -> None:
        file = self._file(owner, space)
        with file.writing() as connection:
            held = rows.find_owner(connection, owner)
            if held is None:
                return
            rows.remove_owner(connection, held)
        file.tidy()

    def _forget_file(self, space: str) -> None:
        with self._lock:
            file = self._files.pop(space, None)
        if file is not None:
            file.close()

    # rows

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        def write(connection: sqlite3.Connection, held: Held) -> None:
            plain, wide = check_batch(keys, vectors, held.dimension)
            rows.put(connection, held, _split(plain, wide, held.dimension))

        self._write(owner, space, write)

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        plain = check_keys(keys)
        return self._write(owner, space, lambda connection, held: rows.remove(connection, held, plain))

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        plain = check_keys(keys)

        def read(connection: sqlite3.Connection, held: Held) -> dict[int, Vectors]:
            found = list(rows.fetch(connection, held, plain))
            return dict(zip(*_checked(found, held, space), strict=True))

        return self._read(owner, space, read)

    def count(self, owner: str, space: str) -> int:
        return self._read(owner, space, rows.count)

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        """Every page is read on its own: a slow reader holds nothing open, and sees later writes behind it."""
        self._read(owner, space, lambda _connection, held: held)  # an unknown space is told at once
        return self._pages(owner, space, batch)

    def _pages(self, owner: str, space: str, batch: int) -> Iterator[tuple[Sequence[int], Vectors]]:
        after = -1
        while True:
            keys, vectors = self._page(owner, space, after, batch)
            if not keys:
                return
            yield keys, vectors
            after = keys[-1]

    def _page(self, owner: str, space: str, after: int, batch: int) -> tuple[list[int], Vectors]:
        def read(connection: sqlite3.Connection, held: Held) -> tuple[list[int], Vectors]:
            return _checked(rows.page(connection, held, after, batch), held, space)

        return self._read(owner, space, read)

    # search

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        check_k(k)
        searcher = self._searcher

        def find(connection: sqlite3.Connection, held: Held) -> list[Hit]:
            query = check_query(vector, held.dimension)
            place = searcher.place(owner, space)
            return searcher.search(connection, held, place, query, k, exclude)

        return self._read(owner, space, find)

    def flush(self, owner: str, space: str) -> None:
        searcher = self._searcher
        place = searcher.place(owner, space)
        if not self._read(owner, space, lambda connection, held: searcher.due(connection, held, place)):
            return
        if self._build_apart:
            building.build_apart(self._folder, owner, space)
            return
        self.build_index(owner, space)

    def build_index(self, owner: str, space: str) -> None:
        """Build the index of all of this owner's rows anew, here and now."""
        searcher = self._searcher
        place = searcher.place(owner, space)
        self._read(owner, space, lambda connection, held: searcher.build(connection, held, place))

    def verify(self, owner: str, space: str) -> StoreReport:
        searcher = self._searcher

        def check(connection: sqlite3.Connection, held: Held) -> StoreReport:
            return searcher.verify(connection, held, searcher.place(owner, space))

        try:
            return self._read(owner, space, check)
        except DamagedFile as error:
            return StoreReport(0, problem=f"{error.message}; {error.cure}")

    # copies

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        def pages(connection: sqlite3.Connection, held: Held) -> Iterator[tuple[int, bytes]]:
            with told(self._path(space)):  # or errors of this file would be told of the target
                yield from _all_rows(connection, held, space)

        def write(connection: sqlite3.Connection, held: Held) -> None:
            title = snapshots.Title(owner, space, held.dimension)
            snapshots.write(target, title, pages(connection, held))

        self._read(owner, space, write)

    def restore(self, owner: str, space: str, source: Path) -> None:
        """Makes the space when it is not there. Refused: another space's or owner's snapshot, a damaged one,
        one of another dimension than the space has."""
        check_names(owner, space)
        with snapshots.opened(source, owner, space) as snapshot:
            self.create(owner, space, snapshot.title.dimension)
            self._write(
                owner, space, lambda connection, held: rows.replace(connection, held, snapshot.rows())
            )

    def close(self) -> None:
        with self._lock:
            opened, self._files = self._files, {}
            searcher, self._lazy_searcher = self._lazy_searcher, None
        for file in opened.values():
            file.close()
        if searcher is not None:
            searcher.close()


def _held(connection: sqlite3.Connection, owner: str, space: str) -> Held:
    held = rows.find_owner(connection, owner)
    if held is None:
        raise unknown_space(owner, space)
    return held


def _split(keys: list[int], vectors: Vectors, dimension: int) -> Iterator[tuple[int, bytes]]:
    flat, width = vectors.tobytes(), dimension * FLOAT_BYTES
    for place, key in enumerate(keys):
        yield key, flat[place * width : (place + 1) * width]


def _checked(found: Sequence[Row], held: Held, space: str) -> tuple[list[int], Vectors]:
    """Keys and vectors, or ``StoreError`` naming the rows whose bytes are not those that were written."""
    damaged = [row.key for row in found if not row.is_sound(held.dimension)]
    if damaged:
        raise _damaged(space, damaged)
    return [row.key for row in found], stack([row.data for row in found], held.dimension)


def _all_rows(connection: sqlite3.Connection, held: Held, space: str) -> Iterator[tuple[int, bytes]]:
    after = -1
    while page := rows.page(connection, held, after, snapshots.PAGE_ROWS):
        for row in page:
            if not row.is_sound(held.dimension):
                raise _damaged(space, [row.key])
            yield row.key, row.data
        after = page[-1].key


def _damaged(space: str, keys: Sequence[int]) -> StoreError:
    named = ", ".join(str(key) for key in keys[:10])
    return StoreError(
        f"{len(keys)} vectors of space {space!r} fail their checksum: keys {named}",
        cure=f"embed these items again with --force; or {CURE_DAMAGED}",
    )
