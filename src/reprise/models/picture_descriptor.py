"""A picture in 336 numbers, without weights: where which colours are, which there are, and how edges run.

It finds pictures that look alike: the same shot, the same place, the same light. It knows no things and no faces.
Three parts, each of unit length where there is something to see, and of equal weight:

- **Layout**: mean colour of 6 x 6 fields (the idea of MPEG-7's colour layout descriptor, ISO/IEC 15938-3).
- **Colours**: how much of each of 16 hues and 4 greys there is in the whole and in each quarter (histograms over a
  spatial pyramid: Lazebnik, Schmid, Ponce 2006), compared by Hellinger's distance, that is by their square roots.
- **Edges**: how gradients are oriented in 4 x 4 fields (histograms of oriented gradients: Dalal, Triggs 2005).

Colours are those of OKLab (Ottosson 2020), where distances are about what eyes make of them. Every value goes into its
two nearest bins in proportion, so that nothing jumps: a JPEG's noise, or another processor's rounding, moves little.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]

SIDE = 96
"""Pixels of the square that a picture is brought to; its shape is lost, as in MPEG-7. A multiple of all fields."""

GRID = 6
"""Fields of the layout, per side."""

HUES, LIGHTS, GREYS = 8, 2, 4
REGIONS = 5
"""The whole and its quarters."""

CELLS, ORIENTATIONS = 4, 8
"""Fields of the edges per side, and directions from 0 to 180 degrees in each."""

LAYOUT = GRID * GRID * 3  # 108
COLOURS = REGIONS * (HUES * LIGHTS + GREYS)  # 100
EDGES = CELLS * CELLS * ORIENTATIONS  # 128
DIMENSION = LAYOUT + COLOURS + EDGES  # 336

MIDDLE_LIGHT = 0.6
"""OKLab's lightness of a middling picture: what is as light as that says nothing."""

CHROMA_WEIGHT = 3.0
"""OKLab's a and b reach to about 0.3 where its lightness reaches to 1."""

GREY_CHROMA = 0.06
"""Chroma from which on a colour has its full hue; below, it is partly grey."""

FAINT_LAYOUT, FAINT_EDGES = 0.3, 0.3
"""Lengths at which a part counts for 0.7 of its weight: a flat picture's noise must not be blown up to full length."""

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Linear sRGB to OKLab by way of the cones' answers: bottosson.github.io/posts/oklab, in its present figures."""


def describe(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(SIDE, SIDE, 3), red, green and blue of sRGB from 0 to 255, to (DIMENSION,), of about unit length."""
    lab = oklab(picture)
    parts = [_layout(lab), _colours(lab), _edges(lab[..., 0])]
    whole: Floats = np.concatenate(parts) / np.sqrt(len(parts))
    return whole.astype(np.float32)


def oklab(picture: NDArray[np.uint8]) -> Floats:
    """sRGB (…, 3) to OKLab (…, 3): lightness 0 to 1, and two axes of colour, -0.4 to 0.4."""
    levels = np.arange(256) / 255.0
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    cones: Floats = np.cbrt(linear[picture] @ TO_CONES.T) @ TO_LAB.T
    return cones


def _layout(lab: Floats) -> Floats:
    centred = (lab - [MIDDLE_LIGHT, 0.0, 0.0]) * [1.0, CHROMA_WEIGHT, CHROMA_WEIGHT]
    side = SIDE // GRID
    means = centred.reshape(GRID, side, GRID, side, 3).mean((1, 3))
    return _lengthened(means.ravel() / GRID, FAINT_LAYOUT)


def _colours(lab: Floats) -> Floats:
    light, chroma = lab[..., 0].ravel(), np.hypot(lab[..., 1], lab[..., 2]).ravel()
    angle = np.arctan2(lab[..., 2], lab[..., 1]).ravel()
    coloured = np.minimum(chroma / GREY_CHROMA, 1.0)
    bins = HUES * LIGHTS + GREYS
    quarters = np.zeros(4 * bins)
    for hue, hue_share in _shares(angle * HUES / (2 * np.pi), HUES, circular=True):
        for shade, share in _shares(light * LIGHTS - 0.5, LIGHTS):
            place = _field_of(2) * bins + hue * LIGHTS + shade
            quarters += np.bincount(place, coloured * hue_share * share, 4 * bins)
    for grey, share in _shares(light * GREYS - 0.5, GREYS):
        place = _field_of(2) * bins + HUES * LIGHTS + grey
        quarters += np.bincount(place, (1.0 - coloured) * share, 4 * bins)
    each = quarters.reshape(4, bins) / (SIDE * SIDE / 4)
    regions = np.concatenate([each.mean(0, keepdims=True), each])
    roots = np.sqrt(regions) - 1.0 / np.sqrt(bins)  # of an even spread, which says nothing
    return np.asarray(roots / np.linalg.norm(roots)).ravel()


def _edges(light: Floats) -> Floats:
    down, across = np.gradient(light)
    strength = np.hypot(down, across).ravel()
    angle = np.arctan2(down, across).ravel() * ORIENTATIONS / np.pi  # a direction and its opposite are one
    sums = np.zeros(EDGES)
    for direction, share in _shares(angle, ORIENTATIONS, circular=True):
        sums += np.bincount(_field_of(CELLS) * ORIENTATIONS + direction, strength * share, EDGES)
    roots = np.sqrt(sums) / (SIDE // CELLS)
    return _lengthened(roots - roots.mean(), FAINT_EDGES)


def _shares(
    position: Floats, bins: int, *, circular: bool = False
) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """The two bins that each position (n,) lies between, and what of 1 each gets; 0 is the middle of the first."""
    if not circular:
        position = np.clip(position, 0.0, bins - 1.0)
    below = np.floor(position)
    above = position - below
    first = below.astype(np.intp)
    yield first % bins, 1.0 - above
    yield (first + 1) % bins, above


@cache
def _field_of(fields: int) -> NDArray[np.intp]:
    """The number of the field that each pixel lies in, row by row, shape (SIDE * SIDE,)."""
    line = np.arange(SIDE) * fields // SIDE
    return (line[:, None] * fields + line).ravel()


def _lengthened(part: Floats, faint: float) -> Floats:
    """To unit length, but for what is faint."""
    longer: Floats = part / np.sqrt(part @ part + faint * faint)
    return longer
