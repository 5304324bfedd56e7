"""What pushes the points of a map apart, for all pairs at once.

Interpolation on a grid and convolution by Fourier transforms: Linderman, Rachh, Hoskins, Steinerberger and Kluger,
"Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq data", Nature Methods 2019. The cost
grows with the number of points and the size of the grid, not with the number of pairs.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

SPACING = 1 / 3
"""Of the grid, in units in which the kernel 1 / (1 + d²) is 2 wide at half its height."""

LEAST_STEPS, MOST_STEPS = 40, 400
"""Grid steps along one side of the map: finer for a small one, coarser for one of very many points."""

FEW = 500
"""So many points are compared pair by pair: that is quicker than a grid."""

MARGIN = 2
ROUND = 1.05
"""The side is rounded up to a power of this, so that the kernel need not be transformed each time."""


class Repulsion:
    """Keeps the transformed kernel for as long as the grid stays the same."""

    def __init__(self) -> None:
        self._grid = (0, 0.0)
        self._kernels = np.empty(0, np.complex128)

    def of(self, points: Points) -> Points:
        """The repulsive part of the gradient for each point, shape (n, 2)."""
        return pairwise(points) if len(points) <= FEW else self.gridded(points)

    def gridded(self, points: Points) -> Points:
        """By way of the grid, whatever the number of points."""
        centred = points - (points.max(axis=0) + points.min(axis=0)) / 2
        size, spacing = _grid(float(np.abs(centred).max()) * 2)
        self._prepare(size, spacing)
        places = centred / spacing + size / 2
        cells = np.rint(places).astype(np.int64)
        weights = _weights(places - cells)
        nodes = cells[:, 0] * size + cells[:, 1]
        charges = np.stack([np.ones(len(points)), *centred.T])
        near, *forces = self._potentials(_laid(charges, nodes, weights, size))
        field = _taken(np.stack([near, *forces]), nodes, weights, size)
        total = field[0].sum() - len(points)  # each point's kernel with itself is 1
        push = centred * field[1][:, None] - field[2:].T
        return np.asarray(push / max(total, 1e-12))

    def _prepare(self, size: int, spacing: float) -> None:
        if self._grid == (size, spacing):
            return
        steps = np.minimum(np.arange(2 * size), 2 * size - np.arange(2 * size)) * spacing
        kernel = 1 / (1 + steps[:, None] ** 2 + steps**2)
        self._kernels = np.fft.rfft2(np.stack([kernel, kernel**2]))
        self._grid = (size, spacing)

    def _potentials(self, laid: Points) -> Points:
        """Of the charges (3, size, size): the kernel's of the ones, then its square's of all three."""
        size = laid.shape[1]
        once, squared = self._kernels
        waves = np.fft.rfft2(laid, s=(2 * size, 2 * size))
        products = np.stack([once * waves[0], *(squared * wave for wave in waves)])
        return np.asarray(np.fft.irfft2(products, s=(2 * size, 2 * size))[:, :size, :size])


def pairwise(points: Points) -> Points:
    """Exactly, in time that grows with the number of pairs."""
    apart = [column[:, None] - column for column in points.T]
    near = 1 / (1 + apart[0] ** 2 + apart[1] ** 2)
    total = near.sum() - len(points)  # each point's kernel with itself is 1
    near *= near
    return np.stack([(near * column).sum(axis=1) for column in apart], axis=1) / max(float(total), 1e-12)


def _grid(side: float) -> tuple[int, float]:
    """Nodes along one side, and their distance, for a map of that side."""
    side = ROUND ** float(np.ceil(np.log(max(side, 1e-9)) / np.log(ROUND)))
    steps = int(np.clip(np.ceil(side / SPACING / 16) * 16, LEAST_STEPS, MOST_STEPS))
    return steps + 2 * MARGIN, side / steps


def _weights(offsets: Points) -> NDArray[np.float64]:
    """Quadratic interpolation: (3 nodes, n, 2 axes) of offsets from -½ to ½ to the middle node."""
    return np.stack([offsets * (offsets - 1) / 2, 1 - offsets**2, offsets * (offsets + 1) / 2])


def _laid(charges: Points, nodes: NDArray[np.int64], weights: Points, size: int) -> Points:
    """Charges (c, n) spread over the nine nodes around each point: (c, size, size)."""
    laid = np.zeros((len(charges), size * size))
    for a, b in product(range(3), range(3)):
        weight = weights[a, :, 0] * weights[b, :, 1]
        at = nodes + (a - 1) * size + (b - 1)
        for place, charge in enumerate(charges):
            laid[place] += np.bincount(at, weight * charge, minlength=size * size)
    return laid.reshape(-1, size, size)


def _taken(potentials: Points, nodes: NDArray[np.int64], weights: Points, size: int) -> Points:
    """Potentials (c, size, size) at each point: (c, n)."""
    flat = potentials.reshape(len(potentials), -1)
    taken = np.zeros((len(potentials), len(nodes)))
    for a, b in product(range(3), range(3)):
        weight = weights[a, :, 0] * weights[b, :, 1]
        taken += weight * flat[:, nodes + (a - 1) * size + (b - 1)]
    return taken
