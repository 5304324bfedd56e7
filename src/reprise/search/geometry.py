"""Angles between vectors, in float64: what a person sees must not depend on where a row stands in a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.ports import Vectors

    Wide = NDArray[np.float64]

DECIMALS = 12
"""A product of matrices gives a row another last bit when it stands elsewhere; rounded, equal rows score equally."""

ALMOST_NOTHING = 1e-6
"""A sum of unit vectors that is shorter than this has no direction."""


def unit(rows: Vectors | Wide) -> Wide:
    """Rows (..., dimension) made as long as 1; a row of zeros stays one."""
    wide = np.asarray(rows, np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=-1, keepdims=True))
    return np.asarray(wide / np.where(lengths > 0, lengths, 1.0))


def cosines(rows: Vectors | Wide, others: Vectors | Wide) -> Wide:
    """The cosine of each of ``rows`` (n, dimension) with each of ``others`` (m, dimension): (n, m), -1 to 1."""
    return np.asarray(np.clip(np.round(unit(rows) @ unit(others).T, DECIMALS), -1.0, 1.0))


def angles(rows: Vectors | Wide, others: Vectors | Wide) -> Wide:
    """As ``cosines``, in radians: 0 to pi."""
    return np.asarray(np.arccos(cosines(rows, others)))


def weighted_mean(rows: Vectors, weights: Wide) -> Vectors | None:
    """The direction (dimension,) of the weighted sum of unit rows; nothing when they cancel each other out."""
    total = (unit(rows) * (weights / weights.sum())[:, None]).sum(axis=0)
    if np.sqrt((total * total).sum()) < ALMOST_NOTHING:
        return None
    return unit(total).astype(np.float32)


def between(start: Vectors, end: Vectors, share: float) -> Vectors:
    """The point (dimension,) at ``share`` 0 to 1 of the great circle from ``start`` to ``end``.

    Spherical linear interpolation (Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985). Where it has
    no direction, for equal or opposite ends, the nearer end stands in.
    """
    first, last = unit(start), unit(end)
    angle = float(np.arccos(np.clip(first @ last, -1.0, 1.0)))
    if np.sin(angle) < ALMOST_NOTHING:
        return np.asarray(first if share < 0.5 else last, np.float32)
    point = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)
    return np.asarray(unit(point), np.float32)
