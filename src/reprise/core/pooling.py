"""From what a model says of each window to one vector of the track. A spec names its pooling by a word of here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]

QUARTILES_TO_SIGMA = 1.34898
"""Distance of the quartiles of a normal distribution in standard deviations."""


def as_columns(output: NDArray[Any]) -> Floats:
    """One window's output as rows of features over time, shape (T, D).

    (D,) is one moment; (T, D) is taken as it is; (B, T, D) is averaged over time, one row for each of B.
    Raises ``ValueError`` for any other rank.
    """
    rows = np.asarray(output, dtype=np.float32)
    if rows.ndim == 1:
        return rows[np.newaxis]
    if rows.ndim == 2:
        return rows
    if rows.ndim == 3:
        averaged: Floats = rows.mean(axis=1, dtype=np.float64).astype(np.float32)
        return averaged
    raise ValueError(f"a model's output has rank {rows.ndim}; 1, 2 and 3 are understood")


def mean(rows: Floats) -> Floats:
    """(T, D) to (D,): the mean over time, summed in double precision."""
    averaged: Floats = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return averaged


def enriched(rows: Floats) -> Floats:
    """(T, D) to (3 D,): mean, robust spread and mean change over time.

    The spread is the distance of the quartiles (linear interpolation) divided by 1.34898, which estimates the
    standard deviation (Tukey 1977); the change is the mean of first differences, 0 for a single moment.
    """
    exact = rows.astype(np.float64)
    lower, upper = np.percentile(exact, (25, 75), axis=0)
    change = (exact[-1] - exact[0]) / max(1, len(exact) - 1)  # what a mean of differences telescopes to
    parts = [exact.mean(axis=0), (upper - lower) / QUARTILES_TO_SIGMA, change]
    return np.concatenate(parts).astype(np.float32)


POOLINGS: Mapping[str, Callable[[Floats], Floats]] = {"mean": mean, "enriched": enriched}


def pool(name: str, outputs: Sequence[NDArray[Any]]) -> Floats:
    """One track's vector from the outputs of its windows in their order.

    What is not finite stays so. Raises ``ValueError`` for an unknown name, and for outputs that are none or do not fit
    together.
    """
    if name not in POOLINGS:
        raise ValueError(f"there is no pooling {name!r}; there are: {', '.join(POOLINGS)}")
    parts = [as_columns(output) for output in outputs]
    widths = sorted({part.shape[1] for part in parts if part.size})
    if len(widths) != 1:
        raise ValueError(f"windows of {widths} features" if widths else "the model gave no features")
    with np.errstate(invalid="ignore", over="ignore"):
        return POOLINGS[name](np.concatenate(parts))
