"""What every store refuses before it writes or reads: one set of rules, so that stores cannot differ.

numpy is imported where it is used: it costs 0.2 s, and many commands never touch a vector.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reprise.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reprise.core.ports import Vectors

MAX_KEY = 2**63 - 1
"""Keys are ids of items: integers of 63 bits, never negative."""

MAX_DIMENSION = 65_536

UNIT_TOLERANCE = 1e-4
"""How far from 1 a vector's length may be. Normalising in float32 leaves 1e-7; search relies on it."""

_SPACE = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,119}")


def unknown_space(owner: str, space: str) -> StoreError:
    return StoreError(
        f"there is no space {space!r} of owner {owner!r}",
        cure="embed the library first, or look at the spaces with: reprise spaces",
    )


def check_names(owner: str, space: str) -> None:
    """Spaces become parts of paths and of other systems' names; owners are any text that is not empty."""
    if not _SPACE.fullmatch(space):
        raise StoreError(f"{space!r} is no name of a space: a-z, 0-9, _, . and - only, 120 at most")
    if not owner or "\0" in owner:
        raise StoreError(f"{owner!r} is no name of an owner")


def check_dimension(dimension: int) -> None:
    if not 1 <= dimension <= MAX_DIMENSION:
        raise StoreError(f"a dimension of {dimension} is outside 1 to {MAX_DIMENSION}")


def check_same_dimension(space: str, have: int, wanted: int) -> None:
    if have != wanted:
        raise StoreError(
            f"space {space!r} holds vectors of dimension {have}, not {wanted}",
            cure="drop the space and embed again",
        )


def check_keys(keys: Collection[int]) -> list[int]:
    """The keys as plain integers, in the order given."""
    plain = [int(key) for key in keys]
    if plain and (min(plain) < 0 or max(plain) > MAX_KEY):
        raise StoreError(f"a key is outside 0 to {MAX_KEY}: {min(plain)} to {max(plain)}")
    return plain


def check_batch(keys: Sequence[int], vectors: Vectors, dimension: int) -> tuple[list[int], Vectors]:
    """Keys and vectors (n, dimension), float32 and contiguous, or ``StoreError`` before anything is written."""
    import numpy as np

    plain = check_keys(keys)
    if len(set(plain)) != len(plain):
        raise StoreError("the same key comes twice in one batch")
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.shape != (len(plain), dimension):
        raise StoreError(f"vectors of shape {rows.shape} for {len(plain)} keys of dimension {dimension}")
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    wrong = ~(np.abs(lengths - 1) <= UNIT_TOLERANCE)  # a NaN compares false, so it is wrong too
    if wrong.any():
        bad = int(np.argmax(wrong))
        raise StoreError(f"the vector of key {plain[bad]} is not of unit length: {lengths[bad]:.4g}")
    return plain, rows


def check_query(vector: Vectors, dimension: int) -> Vectors:
    """The query as a unit vector, shape (dimension,); its own length does not matter but may not be 0."""
    import numpy as np

    query = np.asarray(vector, dtype=np.float64)
    if query.shape != (dimension,):
        raise StoreError(f"a query of shape {query.shape} in a space of dimension {dimension}")
    length = float(np.sqrt(query @ query))
    if not 0 < length < float("inf"):
        raise StoreError("the query has no direction: its length is 0 or not a number")
    unit: Vectors = (query / length).astype(np.float32)
    return unit


def check_k(k: int) -> None:
    if k < 1:
        raise StoreError(f"asked for {k} neighbours; 1 is the least")
