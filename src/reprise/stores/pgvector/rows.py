"""Rows as PostgreSQL's binary COPY format has them: all of one size, so that numpy reads and writes whole batches.

A row is a key, a checksum (``rowbytes.checksum``) and pgvector's binary form of a vector: its dimension and an unused
number, 16 bits each, then float32, all big-endian. Nothing is rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.stores.rowbytes import checksum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Vectors
    from reprise.stores.pgvector.connections import Connection

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = SIGNATURE + bytes(8)  # flags, length of an extension: none of both
TRAILER = b"\xff\xff"

PIECE_ROWS = 200
"""Rows of one COPY: an index makes a row cost tens of milliseconds, and each statement has its limit of time."""


def _layout(dimension: int) -> np.dtype[Any]:
    import numpy as np

    return np.dtype(
        [
            ("fields", ">i2"),
            ("key_bytes", ">i4"),
            ("key", ">i8"),
            ("crc_bytes", ">i4"),
            ("crc", ">i8"),
            ("vector_bytes", ">i4"),
            ("dimension", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f4", (dimension,)),
        ]
    )


def sums(keys: Sequence[int], vectors: Vectors) -> list[int]:
    """The checksum of each row of ``vectors`` (n, dimension)."""
    import numpy as np

    plain = np.ascontiguousarray(vectors, dtype="<f4")
    return [checksum(key, row.tobytes()) for key, row in zip(keys, plain, strict=True)]


def write(connection: Connection, table: str, keys: Sequence[int], vectors: Vectors) -> None:
    """Add rows, none of which may be there; ``vectors`` of shape (n, dimension)."""
    for start in range(0, len(keys), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} (key, crc, vector) FROM STDIN (FORMAT BINARY)".encode()) as copy,
        ):
            copy.write(_packed(keys[piece], vectors[piece]))


def merge(connection: Connection, table: str, keys: Sequence[int], vectors: Vectors) -> None:
    """Add rows or replace those that are there, whoever else is writing them; ``vectors`` of shape (n, dimension)."""
    connection.execute(f"CREATE TEMP TABLE incoming (LIKE {table}) ON COMMIT DROP".encode())
    write(connection, "pg_temp.incoming", keys, vectors)
    # In the order of keys: two that do this wait for each other in turn, not in a circle.
    connection.execute(
        f"INSERT INTO {table} (key, crc, vector) SELECT key, crc, vector FROM pg_temp.incoming ORDER BY key"
        " ON CONFLICT (key) DO UPDATE SET crc = excluded.crc, vector = excluded.vector".encode()
    )


def _packed(keys: Sequence[int], vectors: Vectors) -> bytes:
    import numpy as np

    dimension = vectors.shape[1]
    rows = np.zeros(len(keys), dtype=_layout(dimension))
    rows["fields"] = 3
    rows["key_bytes"] = rows["crc_bytes"] = 8
    rows["vector_bytes"] = 4 + 4 * dimension
    rows["dimension"] = dimension
    rows["key"], rows["vector"] = keys, vectors
    rows["crc"] = sums(keys, vectors)
    return HEADER + rows.tobytes() + TRAILER


def page(
    connection: Connection, table: str, dimension: int, after: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Vectors]:
    """Keys, checksums and vectors (n, dimension) of the ``count`` rows that follow the key ``after``."""
    import numpy as np

    wanted = f"SELECT key, crc, vector FROM {table} WHERE key > {after:d} ORDER BY key LIMIT {count:d}"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({wanted}) TO STDOUT (FORMAT BINARY)".encode()) as copy,
    ):
        told = b"".join(bytes(part) for part in copy)
    rows = np.frombuffer(told[len(HEADER) : -len(TRAILER)], dtype=_layout(dimension))
    return rows["key"].astype(np.int64), rows["crc"].astype(np.int64), rows["vector"].astype(np.float32)


def unpacked(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Vectors in pgvector's binary form as one array, shape (n, dimension)."""
    import numpy as np

    layout = np.dtype([("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dimension,))])
    found: Vectors = np.frombuffer(b"".join(blobs), dtype=layout)["vector"].astype(np.float32)
    return found


def literal(vector: Vectors) -> str:
    """One vector as text that is read back to the same float32."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
