"""Exact search. Scores are computed in float64 row by row, so that they depend on the two vectors alone.

A BLAS product gives a row another last bit when it stands elsewhere in the matrix; equal vectors would
then come in any order, and an index would disagree with a scan. So BLAS only picks the candidates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import Hit

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from reprise.core.ports import Vectors

ROUGH_MARGIN = 3e-4
"""Wider than what a float32 product differs from the cosine: 1e-4 for lengths that are not quite 1, and 1e-6
for rounding."""

DECIMALS = 12
"""Scores are rounded so that a vector compared with itself gives 1, not the next number above."""

BLOCK_ROWS = 4096
"""Rows made float64 at once: 10 MB at dimension 160 even when all scores are tied."""


def scores(rows: Vectors, query: Vectors) -> NDArray[np.float64]:
    """Cosines, shape (n,), of ``rows`` (n, dimension) and ``query`` (dimension,)."""
    wide = query.astype(np.float64)
    wide /= np.sqrt((wide * wide).sum())
    out = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS].astype(np.float64)
        lengths = np.sqrt((block * block).sum(axis=1))
        out[start : start + BLOCK_ROWS] = (block * wide).sum(axis=1) / lengths
    return np.round(out, DECIMALS)


def best(keys: NDArray[np.int64], cosines: NDArray[np.float64], k: int) -> list[Hit]:
    """The ``k`` best, ties by key."""
    order = np.lexsort((keys, -cosines))[:k]
    return [Hit(int(keys[i]), float(cosines[i])) for i in order]


def nearest(
    keys: NDArray[np.int64], rows: Vectors, query: Vectors, k: int, exclude: Collection[int] = ()
) -> list[Hit]:
    """The ``k`` nearest of ``rows`` (n, dimension), best first; a key of -1 marks a row that is no more."""
    rough = rows @ query
    rough[keys < 0] = -np.inf
    if exclude:
        rough[np.isin(keys, np.fromiter(exclude, dtype=np.int64, count=len(exclude)))] = -np.inf
    candidates = _candidates(rough, k)
    return best(keys[candidates], scores(rows[candidates], query), k)


def _candidates(rough: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    least = -np.inf
    if k < len(rough):
        least = float(np.partition(rough, len(rough) - k)[len(rough) - k]) - ROUGH_MARGIN
    return np.flatnonzero((rough >= least) & (rough > -np.inf))
