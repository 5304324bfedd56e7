"""K-means, and each row's nearest rows by way of it: only the cells around a row are looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Rows = NDArray[np.float32]
    Numbers = NDArray[np.int64]

ROUNDS = 15
SAMPLE = 20_000
"""K-means learns from so many rows at most: more would not move the centres."""

ROWS_PER_CELL = 200
PROBED = 10
"""Cells that are looked into for the neighbours of the rows of one: nine of ten neighbours lie there."""

MOST_DISTANCES = 4_000_000
"""At once: 16 MB."""


def centres_of(rows: Rows, count: int, seed: int = 0) -> Rows:
    """``count`` centres (count, dimension) by k-means, begun as k-means++ does (Arthur and Vassilvitskii, 2007)."""
    chance = np.random.default_rng(seed)
    if len(rows) > SAMPLE:
        rows = rows[np.sort(chance.choice(len(rows), SAMPLE, replace=False))]
    centres = _spread(rows, min(count, len(rows)), chance)
    for _ in range(ROUNDS):
        cells = cells_of(rows, centres)
        sizes = np.bincount(cells, minlength=len(centres))
        sums = np.stack(
            [np.bincount(cells, column, minlength=len(centres)) for column in rows.T.astype(np.float64)],
            axis=1,
        )
        means = sums / np.maximum(sizes, 1)[:, None]
        centres = np.where(sizes[:, None] > 0, means, centres).astype(np.float32)
    return centres


def _spread(rows: Rows, count: int, chance: np.random.Generator) -> Rows:
    """Rows far from each other: each drawn with the square of its distance to those that came before."""
    chosen = [int(chance.integers(len(rows)))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(axis=1, dtype=np.float64)
    while len(chosen) < count:
        total = nearest.sum()
        weights = nearest / total if total > 0 else np.full(len(rows), 1 / len(rows))
        chosen.append(int(chance.choice(len(rows), p=weights)))
        nearest = np.minimum(nearest, ((rows - rows[chosen[-1]]) ** 2).sum(axis=1, dtype=np.float64))
    return rows[chosen]


def cells_of(rows: Rows, centres: Rows) -> Numbers:
    """The nearest centre of each row, (n,)."""
    parts = [distances(rows[part], centres).argmin(axis=1) for part in _parts(len(rows), len(centres))]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def nearest_rows(queries: Rows, rows: Rows, count: int, *, themselves: bool = False) -> Numbers:
    """For each query about the ``count`` nearest of ``rows``, as places in them: (n, count), nearest first.

    ``themselves``: the queries are the rows, and none is its own neighbour. There must be more rows than ``count``.
    """
    centres = centres_of(rows, max(1, len(rows) // ROWS_PER_CELL))
    members = _members(cells_of(rows, centres), len(centres))
    askers = _members(cells_of(queries, centres), len(centres))
    around = np.argsort(distances(centres, centres), axis=1, kind="stable")
    found = np.empty((len(queries), count), np.int64)
    for cell, asking in enumerate(askers):
        known = _enough(members, around[cell], count)
        for part in _parts(len(asking), len(known)):
            far = distances(queries[asking[part]], rows[known])
            if themselves:
                far[asking[part][:, None] == known] = np.inf
            found[asking[part]] = known[_least(far, count)]
    return found


def _enough(members: list[Numbers], around: Numbers, count: int) -> Numbers:
    """Rows of the nearest cells: of ``PROBED``, and of more while they hold too few."""
    probed = PROBED
    while True:
        known = np.concatenate([members[cell] for cell in around[:probed]])
        if len(known) > count or probed >= len(members):
            return known
        probed *= 2


def _least(far: Rows, count: int) -> Numbers:
    """Columns of the ``count`` smallest of each row, smallest first."""
    least = np.argpartition(far, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(far, least, axis=1), axis=1, kind="stable")
    return np.take_along_axis(least, order, axis=1)


def distances(rows: Rows, others: Rows) -> Rows:
    """Squared, (n, m)."""
    squares = (rows * rows).sum(axis=1)[:, None] + (others * others).sum(axis=1)
    return np.asarray(squares - 2 * (rows @ others.T))


def _members(cells: Numbers, count: int) -> list[Numbers]:
    """The places of the rows of each cell."""
    order = np.argsort(cells, kind="stable")
    ends = np.cumsum(np.bincount(cells, minlength=count))
    return np.split(order, ends[:-1])


def _parts(rows: int, others: int) -> Iterator[slice]:
    step = max(1, MOST_DISTANCES // max(1, others))
    yield from (slice(start, start + step) for start in range(0, rows, step))
