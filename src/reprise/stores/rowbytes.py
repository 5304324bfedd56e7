"""One row as it is stored: the vector's little-endian float32 bytes and a checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.ports import Vectors

FLOAT_BYTES = 4


def checksum(number: int, blob: bytes) -> int:
    """crc32 of the bytes, begun at the row's number: the right bytes under another number fail too."""
    return crc32(blob, (number ^ (number >> 32)) & 0xFFFFFFFF)


def is_sound(number: int, blob: object, crc: object, dimension: int) -> bool:
    """A damaged file can hold anything, so types are looked at as well."""
    if not isinstance(blob, bytes) or len(blob) != dimension * FLOAT_BYTES:
        return False
    return checksum(number, blob) == crc


def stack(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """The rows as one writable array, shape (n, dimension)."""
    import numpy as np

    flat = np.frombuffer(bytearray().join(blobs), dtype="<f4")
    rows: Vectors = flat.astype(np.float32, copy=False).reshape(len(blobs), dimension)
    return rows
