"""Search: PostgreSQL finds the candidates, exactly or by its index, and ``stores.exact`` scores them.

pgvector adds products in float32, so that a candidate's distance is right to some 1e-6: too coarse for ties and for
neighbours that lie close together. So somewhat more than ``k`` are asked for, until the last lies clearly farther than
the ``k``-th, and all are scored again in float64, as every store scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.stores.pgvector import index, rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.pgvector.connections import Connection
    from reprise.stores.pgvector.schema import Extension, Table

PAGE_ROWS = 2000

EXTRA = 32
MARGIN = 2e-5
"""Wider than twice what pgvector's float32 sums differ from the cosine, up to dimension 16,000."""

MOST_CANDIDATES = 20_000
"""Whose vectors are held at once, 40 MB at dimension 512. For more neighbours all rows are read in pages and scored here."""

LEAST_BREADTH, LARGEST_BREADTH = 800, 1000
"""Candidates that HNSW keeps while it looks (ef_search); pgvector takes 1,000 at most."""

FIRST_ITERATIVE = (0, 8, 0)


def nearest(
    connection: Connection,
    extension: Extension,
    table: Table,
    query: Vectors,
    k: int,
    exclude: Collection[int],
) -> list[Hit]:
    """The ``k`` nearest to the unit vector ``query`` (dimension,), best first."""
    barred = sorted(set(exclude))
    wanted = k + EXTRA
    if wanted <= LARGEST_BREADTH and index.is_valid(connection, table):
        found = _by_index(connection, extension, table, query, wanted, barred)
        # Fewer than asked for: rows deleted or excluded were in the way, or there are no more. Only a scan can tell.
        if len(found[0]) >= wanted:
            return _scored(found, table, query, k)
    while wanted <= MOST_CANDIDATES:
        found = _exactly(connection, extension, table, query, wanted, barred)
        keys, distances, _ = found
        if len(keys) < wanted or distances[-1] > distances[k - 1] + MARGIN:
            return _scored(found, table, query, k)
        wanted *= 2
    return _of_all(connection, table, query, k, barred)


_Found = tuple[list[int], list[float], list[bytes]]


def _by_index(
    connection: Connection, extension: Extension, table: Table, query: Vectors, count: int, barred: list[int]
) -> _Found:
    breadth = min(LARGEST_BREADTH, max(LEAST_BREADTH, count + len(barred)))
    # The planner would rather scan some thousand rows; whoever asked for an index gets its answer.
    connection.execute(
        "SELECT set_config('hnsw.ef_search', %s, true), set_config('enable_seqscan', 'off', true)",
        (str(breadth),),
    )
    if extension.version >= FIRST_ITERATIVE:
        connection.execute("SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true)")
    distance = index.distance(extension, table)
    said = (
        f"SELECT key, {distance} AS distance, vector FROM {table.name}"
        f" {_where(barred)} ORDER BY {distance} LIMIT %(count)s"
    )
    found = _asked(connection, said, query, count, barred)
    connection.execute("SET LOCAL enable_seqscan TO DEFAULT")
    return found


def _exactly(
    connection: Connection, extension: Extension, table: Table, query: Vectors, count: int, barred: list[int]
) -> _Found:
    own = extension.schema
    # "+ 0" keeps the planner from answering out of the index.
    said = (
        f"WITH near AS MATERIALIZED (SELECT key, (vector OPERATOR({own}.<=>) %(query)s::{own}.vector) + 0 AS distance"
        f" FROM {table.name} {_where(barred)} ORDER BY distance, key LIMIT %(count)s)"
        f" SELECT key, distance, vector FROM near JOIN {table.name} USING (key) ORDER BY distance, key"
    )
    return _asked(connection, said, query, count, barred)


def _where(barred: list[int]) -> str:
    return "WHERE key <> ALL(%(barred)s::bigint[])" if barred else ""


def _asked(connection: Connection, said: str, query: Vectors, count: int, barred: list[int]) -> _Found:
    given = {"query": rows.literal(query), "count": count, "barred": barred}
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(said.encode(), given).fetchall()
    return [row[0] for row in found], [row[1] for row in found], [row[2] for row in found]


def _scored(found: _Found, table: Table, query: Vectors, k: int) -> list[Hit]:
    import numpy as np

    from reprise.stores.exact import best, scores

    keys, _, blobs = found
    if not keys:
        return []
    vectors = rows.unpacked(blobs, table.dimension)
    return best(np.array(keys, dtype=np.int64), scores(vectors, query), k)


def _of_all(connection: Connection, table: Table, query: Vectors, k: int, barred: list[int]) -> list[Hit]:
    """Every row is scored; held are 16 bytes of each."""
    import numpy as np

    from reprise.stores.exact import best, scores

    keys, cosines = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.float64)]
    last = -1
    while True:
        page, _, vectors = rows.page(connection, table.name, table.dimension, last, PAGE_ROWS)
        kept = ~np.isin(page, np.array(barred, dtype=np.int64))
        keys.append(page[kept])
        cosines.append(scores(vectors[kept], query))
        if len(page) < PAGE_ROWS:
            return best(np.concatenate(keys), np.concatenate(cosines), k)
        last = int(page[-1])
