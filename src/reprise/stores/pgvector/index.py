"""The HNSW index of one owner's table: when there is one, and how it is built while others go on writing.

``vector`` can be indexed up to dimension 2,000, ``halfvec`` (16-bit floats, pgvector 0.7) up to 4,000; beyond that
there is none and searches are exact. Whatever the index finds is scored again from the rows.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from reprise.stores.pgvector.abilities import LARGEST_INDEX_DIMENSION

if TYPE_CHECKING:
    from reprise.stores.pgvector.connections import Connection
    from reprise.stores.pgvector.schema import Extension, Table

LARGEST_WHOLE = 2000
FIRST_HALFVEC = (0, 7, 0)

LINKS, CONSTRUCTION = 32, 200
"""m and ef_construction. pgvector's own defaults, 16 and 64, lose neighbours that no breadth of search finds again."""

MOST_MEMORY_MB = 1024
"""Memory for building, where the server's own maintenance_work_mem is not larger. A graph that does not fit is built
several times slower."""

NODE_BYTES = 800
"""What a row of the graph takes beside its vector: links of all layers at m = 32, rounded up."""


def is_valid(connection: Connection, table: Table) -> bool | None:
    """Whether the index can be used; ``None`` when there is none, false when it is being built or was left half done."""
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (_qualified(table),)
    ).fetchone()
    return None if row is None else bool(row[0])


def possible(extension: Extension, table: Table) -> bool:
    if table.dimension <= LARGEST_WHOLE:
        return True
    return table.dimension <= LARGEST_INDEX_DIMENSION and extension.version >= FIRST_HALFVEC


def distance(extension: Extension, table: Table) -> str:
    """The cosine distance to the parameter ``query`` in the words that the index was built with."""
    own = extension.schema
    if table.dimension <= LARGEST_WHOLE:
        return f"vector OPERATOR({own}.<=>) %(query)s::{own}.vector"
    half = f"{own}.halfvec({table.dimension:d})"
    return f"vector::{half} OPERATOR({own}.<=>) %(query)s::{half}"


def build(connection: Connection, extension: Extension, table: Table, rows: int) -> None:
    """Build it unless somebody is at it. ``connection`` commits each statement and has no limit of time."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_lock_number(table),)).fetchone()
    if not (row and row[0]):
        return
    valid = is_valid(connection, table)
    if valid:
        return
    if valid is False:
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_qualified(table)}".encode())
    wanted = min(MOST_MEMORY_MB, (rows * (4 * table.dimension + NODE_BYTES) >> 20) + 64)
    connection.execute(
        "SELECT set_config('maintenance_work_mem', %s, false)"
        " WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes(%s)",
        (f"{wanted}MB", f"{wanted}MB"),
    )
    own = extension.schema
    what = f"vector {own}.vector_cosine_ops"
    if table.dimension > LARGEST_WHOLE:
        what = f"(vector::{own}.halfvec({table.dimension:d})) {own}.halfvec_cosine_ops"
    connection.execute(
        f"CREATE INDEX CONCURRENTLY {table.index} ON {table.name}"
        f" USING hnsw ({what}) WITH (m = {LINKS}, ef_construction = {CONSTRUCTION})".encode()
    )


def told(connection: Connection, extension: Extension, table: Table, index_from: int) -> tuple[str, str]:
    """What a report says of the index, and what is wrong with it (empty: nothing)."""
    valid = is_valid(connection, table)
    if valid:
        return f"hnsw, m {LINKS}, ef_construction {CONSTRUCTION}", ""
    if valid is False:
        return (
            "none that can be used",
            "its index is being built, or was left half done; the next flush builds it",
        )
    if not possible(extension, table):
        return f"none: pgvector indexes up to {LARGEST_INDEX_DIMENSION:,} dimensions; exact search", ""
    return f"none: exact search below {index_from:,} vectors", ""


def _qualified(table: Table) -> str:
    return f"{table.name.partition('.')[0]}.{table.index}"


def _lock_number(table: Table) -> int:
    """Held by the session that builds. A hash, so that it is nobody else's number in this database."""
    return int.from_bytes(sha256(f"{table.name}/index".encode()).digest()[:8], signed=True)
