"""``PgvectorStore``: the port."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reprise.core.ports import StoreReport
from reprise.errors import StoreError
from reprise.stores import snapshots
from reprise.stores.checks import (
    UNIT_TOLERANCE,
    check_batch,
    check_dimension,
    check_k,
    check_keys,
    check_names,
    check_query,
    unknown_space,
)
from reprise.stores.pgvector import index, rows, schema
from reprise.stores.pgvector.abilities import INDEX_FROM, PGVECTOR
from reprise.stores.pgvector.connections import Connections
from reprise.stores.rowbytes import stack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.pgvector.connections import Connection
    from reprise.stores.pgvector.schema import Extension, Table

    T = TypeVar("T")

PAGE_ROWS = 1000

TRIES = 5
"""Of two that wait for each other PostgreSQL ends one, which begins again."""


class PgvectorStore:
    """A ``VectorStore`` in a PostgreSQL database. Nothing is asked of the server before the first call.

    For many threads and processes at once. When the server was away, the next call finds it again.
    """

    abilities = PGVECTOR

    def __init__(self, url: str, *, timeout: float, index_from: int = INDEX_FROM) -> None:
        """``timeout``: seconds in which the server must answer. ``index_from``: vectors of one owner from which on a
        flush builds an index. Raises ``StoreRefused`` for a ``url`` that is no address, without the password."""
        self._connections = Connections(url, timeout)
        self._index_from = index_from
        self._known: dict[tuple[str, str], Table] = {}
        self._extension: Extension | None = None

    def close(self) -> None:
        self._connections.close()

    # transactions

    def _run(self, work: Callable[[Connection, Extension], T]) -> T:
        """Do ``work`` in one transaction; again when it ran into another's. Errors of the driver come as they are."""
        from psycopg import errors

        extension = self._extension
        if extension is None:
            with self._connections.transaction() as connection:
                extension = self._extension = schema.prepared(connection)
        tries = TRIES
        while True:
            tries -= 1
            try:
                with self._connections.transaction() as connection:
                    return work(connection, extension)
            except (errors.DeadlockDetected, errors.SerializationFailure):
                if not tries:
                    raise

    def _of(
        self,
        owner: str,
        space: str,
        work: Callable[[Connection, Extension, Table], T],
        *,
        frozen: bool = False,
    ) -> T:
        """As ``_untold``, with errors of ours."""
        with self._connections.told():
            return self._untold(owner, space, work, frozen=frozen)

    def _untold(
        self,
        owner: str,
        space: str,
        work: Callable[[Connection, Extension, Table], T],
        *,
        frozen: bool = False,
    ) -> T:
        """Do ``work`` on the owner's table in one transaction, ``frozen``: all of it at one moment.

        What is known of the table may be of yesterday: then it is looked up again.
        """
        from psycopg import errors

        check_names(owner, space)

        def found(connection: Connection, extension: Extension) -> T:
            if frozen:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return work(connection, extension, self._table(connection, owner, space))

        try:
            return self._run(found)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            self._known.pop((owner, space), None)
            self._extension = None
            return self._run(found)

    def _table(self, connection: Connection, owner: str, space: str) -> Table:
        known = self._known.get((owner, space))
        if known is None:
            known = schema.find(connection, owner, space)
            if known is None:
                raise unknown_space(owner, space)
            self._known[owner, space] = known
        return known

    # spaces

    def create(self, owner: str, space: str, dimension: int) -> None:
        check_names(owner, space)
        check_dimension(dimension)
        schema.check_long(dimension)

        def work(connection: Connection, extension: Extension) -> None:
            held = schema.find(connection, owner, space)
            if held is None or held.dimension != dimension:
                schema.make(connection, extension, owner, space, dimension)

        with self._connections.told():
            self._run(work)

    def drop(self, owner: str, space: str) -> None:
        check_names(owner, space)
        self._known.pop((owner, space), None)
        with self._connections.told():
            self._run(lambda connection, _: schema.drop(connection, owner, space))

    # rows

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        """One transaction: what was there is deleted and the batch copied, nearly as fast as COPY alone.

        When another writes the same keys at the same moment, the batch is merged, which waits for the other.
        """

        def work(connection: Connection, _: Extension, table: Table) -> None:
            plain, batch = check_batch(keys, vectors, table.dimension)
            if plain and not merging:
                if not _follow_all(connection, table, plain):
                    _delete(connection, table, plain)
                rows.write(connection, table.name, plain, batch)
            elif plain:
                rows.merge(connection, table.name, plain, batch)

        merging = False
        with self._connections.told():
            from psycopg.errors import UniqueViolation

            try:
                self._untold(owner, space, work)
            except UniqueViolation:
                merging = True
                self._untold(owner, space, work)

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        plain = check_keys(keys)
        return self._of(owner, space, lambda connection, _, table: _delete(connection, table, plain))

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        plain = check_keys(keys)

        def work(connection: Connection, _: Extension, table: Table) -> Mapping[int, Vectors]:
            with connection.cursor(binary=True) as cursor:
                said = f"SELECT key, vector FROM {table.name} WHERE key = ANY(%s::bigint[])"
                found = cursor.execute(said.encode(), (plain,)).fetchall()
            vectors = rows.unpacked([row[1] for row in found], table.dimension)
            return {int(row[0]): vector for row, vector in zip(found, vectors, strict=True)}

        return self._of(owner, space, work)

    def count(self, owner: str, space: str) -> int:
        return self._of(owner, space, lambda connection, _, table: _count(connection, table))

    def scan(self, owner: str, space: str, batch: int = PAGE_ROWS) -> Iterator[tuple[Sequence[int], Vectors]]:
        self._known.pop((owner, space), None)
        self._of(owner, space, lambda _connection, _extension, _table: None)
        return self._pages(owner, space, batch)

    def _pages(self, owner: str, space: str, batch: int) -> Iterator[tuple[Sequence[int], Vectors]]:
        """Each page is a transaction of its own, so that a scan left early, or a slow reader, holds nothing."""
        last = -1

        def work(connection: Connection, _: Extension, table: Table) -> tuple[list[int], Vectors]:
            keys, _crcs, vectors = rows.page(connection, table.name, table.dimension, last, batch)
            return keys.tolist(), vectors

        while True:
            keys, vectors = self._of(owner, space, work)
            if keys:
                yield keys, vectors
            if len(keys) < batch:
                return
            last = keys[-1]

    # search

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        from reprise.stores.pgvector.searching import nearest

        check_k(k)

        def work(connection: Connection, extension: Extension, table: Table) -> list[Hit]:
            query = check_query(vector, table.dimension)
            return nearest(connection, extension, table, query, k, exclude)

        return self._of(owner, space, work)

    def flush(self, owner: str, space: str) -> None:
        """Builds the index of a large owner. Others read and write meanwhile; it takes minutes for 100,000 vectors."""

        def lacking(connection: Connection, extension: Extension, table: Table) -> tuple[Table, int] | None:
            if not index.possible(extension, table) or index.is_valid(connection, table):
                return None
            held = _count(connection, table)
            return (table, held) if held >= max(1, self._index_from) else None

        found = self._of(owner, space, lacking)
        extension = self._extension
        if found is not None and extension is not None:
            with self._connections.told(), self._connections.alone() as connection:
                index.build(connection, extension, *found)

    # copies and checks

    def verify(self, owner: str, space: str) -> StoreReport:
        def work(connection: Connection, extension: Extension, table: Table) -> StoreReport:
            count, damaged = 0, list[int]()
            for keys, _, sound in _checked(connection, table):
                count += len(keys)
                damaged.extend(key for key, good in zip(keys, sound, strict=True) if not good)
            state, problem = index.told(connection, extension, table, self._index_from)
            return StoreReport(count, tuple(damaged), state, problem)

        return self._of(owner, space, work)

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        def all_rows(connection: Connection, table: Table) -> Iterator[tuple[int, bytes]]:
            for keys, vectors, sound in _checked(connection, table):
                for key, vector, good in zip(keys, vectors, sound, strict=True):
                    if not good:
                        raise StoreError(
                            f"the vector of key {key} in space {space!r} is damaged; no snapshot was taken",
                            cure=f"see all that are with: reprise spaces verify {space}",
                        )
                    yield key, vector.astype("<f4").tobytes()

        def work(connection: Connection, _: Extension, table: Table) -> None:
            title = snapshots.Title(owner, space, table.dimension)
            snapshots.write(target, title, all_rows(connection, table))

        self._of(owner, space, work, frozen=True)

    def restore(self, owner: str, space: str, source: Path) -> None:
        """Into a new table, which takes the place of the old one in the same transaction; its index comes with a flush."""
        check_names(owner, space)
        with snapshots.opened(source, owner, space) as snapshot, self._connections.told():
            dimension = snapshot.title.dimension
            schema.check_long(dimension)

            def work(connection: Connection, extension: Extension) -> None:
                schema.make(connection, extension, owner, space, dimension)  # refuses another dimension
                schema.drop(connection, owner, space)
                table = schema.make(connection, extension, owner, space, dimension)
                stored = snapshot.rows()
                while page := list(islice(stored, snapshots.PAGE_ROWS)):
                    vectors = stack([blob for _, blob in page], dimension)
                    rows.write(connection, table.name, [key for key, _ in page], vectors)

            self._run(work)
        self._known.pop((owner, space), None)


def _delete(connection: Connection, table: Table, keys: list[int]) -> int:
    if not keys:
        return 0
    said = f"DELETE FROM {table.name} WHERE key = ANY(%s::bigint[])"
    return connection.execute(said.encode(), (sorted(keys),)).rowcount


def _follow_all(connection: Connection, table: Table, keys: list[int]) -> bool:
    """Whether all that is there has smaller keys: so it is while a space is filled in the order of keys."""
    said = f"SELECT NOT EXISTS (SELECT 1 FROM {table.name} WHERE key >= %s)"
    row = connection.execute(said.encode(), (min(keys),)).fetchone()
    return bool(row and row[0])


def _count(connection: Connection, table: Table) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table.name}".encode()).fetchone()
    return int(row[0]) if row else 0


def _checked(connection: Connection, table: Table) -> Iterator[tuple[list[int], Vectors, list[bool]]]:
    """Keys, vectors and whether each is sound: its checksum holds, and its length is one."""
    import numpy as np

    last = -1
    while True:
        found, crcs, vectors = rows.page(connection, table.name, table.dimension, last, PAGE_ROWS)
        keys = found.tolist()
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        right = np.abs(lengths - 1) <= UNIT_TOLERANCE
        sums = rows.sums(keys, vectors)
        yield (
            keys,
            vectors,
            [
                bool(good) and mine == theirs
                for good, mine, theirs in zip(right, sums, crcs.tolist(), strict=True)
            ],
        )
        if len(keys) < PAGE_ROWS:
            return
        last = keys[-1]
