"""Timbre: the shape of the spectrum, how it varies and how tonal it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import BANDS, FRAME, HOP, LONG_FRAME, LONG_HOP, Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

COEFFICIENTS = 19
"""Cepstral coefficients 1 to 19; the 0th is the level and is left out."""

DELTA_COEFFICIENTS = 12
DELTA_FRAMES = 4
"""93 ms: one frame's length, so that the two spectra share no samples' bulk."""

CHUNK = 8192
"""Frames that are unpacked at a time, so that a two-hour mix needs no more memory than a song."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """``cepstrum_mean`` and ``cepstrum_deviation`` (19,) and ``change`` (12,) in dB; ``moments`` (4,): mean and
    deviation of the centroid, mean and deviation of the spread, octaves; ``crest_mean`` and ``crest_deviation`` (6,) in dB.
    """

    cepstrum_mean: NDArray[np.float64]
    cepstrum_deviation: NDArray[np.float64]
    change: NDArray[np.float64]
    moments: NDArray[np.float64]
    crest_mean: NDArray[np.float64]
    crest_deviation: NDArray[np.float64]


def describe_timbre(spectrum: Spectrum) -> Timbre:
    """Statistics over the frames by their weight.

    Cepstrum: orthonormal DCT-II of the floored band levels (Davis and Mermelstein 1980). Crest: peak over mean
    power by octave, high for tones and low for noise (after Peeters 2004). All are free of the level.
    """
    weights = spectrum.weights()
    mean, deviation, change = _cepstrum(spectrum, weights)
    moments = _weighted(spectrum.moments[:, 1:], weights)
    crest = _weighted(spectrum.crest, _long_weights(weights, len(spectrum.crest)))
    return Timbre(mean, deviation, change, np.stack(moments, axis=1).reshape(-1), *crest)


def _cepstrum(
    spectrum: Spectrum, weights: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, deviation and change of the coefficients, a chunk of frames at a time."""
    total, square = np.zeros(COEFFICIENTS), np.zeros(COEFFICIENTS)
    change, changes = np.zeros(DELTA_COEFFICIENTS), 1e-9
    for start in range(0, len(weights), CHUNK):
        cepstrum = spectrum.relative_levels(start, start + CHUNK) @ _cosines()
        weight = weights[start : start + CHUNK]
        total += weight @ cepstrum
        square += weight @ np.square(cepstrum)
        step = cepstrum[DELTA_FRAMES:, :DELTA_COEFFICIENTS] - cepstrum[:-DELTA_FRAMES, :DELTA_COEFFICIENTS]
        both = np.sqrt(weight[DELTA_FRAMES:] * weight[:-DELTA_FRAMES])
        change += both @ np.square(step)
        changes += float(both.sum())
    mean = total / float(weights.sum())
    deviation = np.sqrt(np.maximum(square / float(weights.sum()) - mean**2, 0.0))
    return mean, deviation, np.sqrt(change / changes)


def _weighted(values: Floats, weights: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and deviation of each column."""
    share = weights.astype(np.float64) / float(weights.sum())
    mean = share @ values
    return mean, np.sqrt(share @ (values - mean) ** 2)


def _long_weights(weights: Floats, count: int) -> Floats:
    """A long frame weighs as much as the short frames at its middle; if none weighs anything, all are alike."""
    middle = np.arange(count) * (LONG_HOP // HOP) + (LONG_FRAME - FRAME) // (2 * HOP)
    chosen = weights[np.minimum(middle, len(weights) - 1)]
    return chosen if chosen.any() else np.ones(count, np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """Orthonormal DCT-II without its constant row, (40, 19)."""
    phase = np.outer(np.arange(BANDS) + 0.5, np.arange(1, COEFFICIENTS + 1)) * np.pi / BANDS
    return np.asarray(np.sqrt(2.0 / BANDS) * np.cos(phase), np.float32)
