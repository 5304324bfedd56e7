"""Two dimensions in which neighbours stay neighbours.

t-SNE (van der Maaten and Hinton, 2008) from the principal components on, so that the large order of the map is that of
the vectors and every run gives the same map; with equal weights for the nearest neighbours, which pictures as well as
tuned ones (Böhm, Berens and Kobak, "Attraction-repulsion spectrum in neighbor embeddings", JMLR 2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.search.map.cells import nearest_rows
from reprise.search.map.repulsion import Repulsion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

FEWEST = 40
"""Fewer points are laid out by their principal components alone: there is no crowd to be told apart."""

NEIGHBOURS = 15
EXAGGERATION = 12.0
EARLY, LATE = 120, 380
"""Rounds with and without exaggeration."""

LONGEST_STEP = 5.0
INSIDE = 0.9
"""Where the picture's rim begins, in which outliers are pressed together."""


def laid_out(rows: NDArray[np.float32]) -> tuple[str, Points]:
    """Of rows (n, dimension), largest spread first: how it was done, and points (n, 2) within -1 to 1."""
    flat = np.zeros((len(rows), 2))
    flat[:, : min(2, rows.shape[1])] = rows[:, :2]
    if len(rows) < FEWEST:
        return "pca", framed(flat)
    return "pca+tsne", framed(_settled(flat, *_edges(rows)))


def framed(points: Points) -> Points:
    """Points within -1 to 1: nine tenths of the frame for all but the outermost, which share the rim."""
    if not len(points):
        return points
    centred = points - np.median(points, axis=0)
    size = np.quantile(np.abs(centred), 0.99)
    if size == 0:
        size = max(float(np.abs(centred).max()), 1.0)
    scaled = centred / size * INSIDE
    beyond = np.maximum(np.abs(scaled) - INSIDE, 0)
    rim = 1 - INSIDE
    return np.asarray(np.sign(scaled) * (np.minimum(np.abs(scaled), INSIDE) + rim * np.tanh(beyond / rim)))


def _edges(rows: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of neighbours, each once (a < b), with weights that sum to ½."""
    count = min(NEIGHBOURS, len(rows) - 1)
    near = nearest_rows(rows, rows, count, themselves=True)
    one, other = np.repeat(np.arange(len(rows)), count), near.ravel()
    pairs, times = np.unique(np.minimum(one, other) * len(rows) + np.maximum(one, other), return_counts=True)
    return pairs // len(rows), pairs % len(rows), times / (2 * times.sum())


def _settled(
    flat: Points, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]
) -> Points:
    points = flat / max(float(flat[:, 0].std()), 1e-12) * 1e-4
    repulsion, moving, gains = Repulsion(), np.zeros_like(points), np.ones_like(points)
    for turn in range(EARLY + LATE):
        early = turn < EARLY
        pull = _attraction(points, first, second, weights) * (EXAGGERATION if early else 1.0)
        slope = 4 * (pull - repulsion.of(points))
        gains = np.where(np.sign(slope) == np.sign(moving), np.maximum(gains * 0.8, 0.01), gains + 0.2)
        rate = max(len(points) / EXAGGERATION, 50.0) if early else max(len(points) / 2, 50.0)
        moving = (0.5 if early else 0.8) * moving - rate * gains * slope
        moving = _bounded(moving)
        points = points + moving
        points -= points.mean(axis=0)
    return points


def _attraction(
    points: Points, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]
) -> Points:
    apart = points[first] - points[second]
    pull = apart * (weights / (1 + (apart * apart).sum(axis=1)))[:, None]
    sums = [
        np.bincount(first, pull[:, axis], minlength=len(points))
        - np.bincount(second, pull[:, axis], minlength=len(points))
        for axis in (0, 1)
    ]
    return np.stack(sums, axis=1)


def _bounded(moving: Points) -> Points:
    """No point moves farther at once than ``LONGEST_STEP``."""
    lengths = np.sqrt((moving * moving).sum(axis=1, keepdims=True))
    return np.asarray(moving * np.minimum(1.0, LONGEST_STEP / np.maximum(lengths, 1e-12)))
