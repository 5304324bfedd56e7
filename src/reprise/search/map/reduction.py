"""Vectors in fewer dimensions: principal components, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from reprise.core.ports import Vectors

KEPT = 50
"""Principal components that are kept: what neighbours share lies in far fewer."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """``mean`` (dimension,), ``axes`` (dimension, r): the largest spread first; r is ``KEPT`` or the dimension."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def of(self, vectors: Vectors) -> NDArray[np.float32]:
        """Vectors (n, dimension) as rows (n, r)."""
        return np.asarray((vectors - self.mean) @ self.axes, np.float32)


def reduction_of(blocks: Iterable[Vectors], dimension: int) -> Reduction:
    """The principal components of all blocks (n, dimension): exact, since the covariance of 512 dimensions is 2 MB.

    Each axis points to where its largest part is positive: a sign that the algebra leaves open.
    """
    count, total = 0, np.zeros(dimension)
    products = np.zeros((dimension, dimension))
    for block in blocks:
        wide = np.asarray(block, np.float64)
        count += len(wide)
        total += wide.sum(axis=0)
        products += wide.T @ wide
    mean = total / max(count, 1)
    spread, axes = np.linalg.eigh(products / max(count, 1) - np.outer(mean, mean))
    axes = axes[:, np.argsort(-spread, kind="stable")[:KEPT]]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes *= np.where(largest < 0, -1.0, 1.0)
    return Reduction(mean.astype(np.float32), axes.astype(np.float32))
