"""Dynamics: how the level moves around the track's own level. The level itself is left out on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import FLOOR_DB, SOUNDING_DB, to_db

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

PERCENTILES = (5, 25, 50, 75, 95)
PHRASE_FRAMES = 64
"""1.5 s, in short frames: long enough to hear a passage and not its notes."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """``percentiles`` (5,) of the frame level and ``phrase_deviation``, ``phrase_range`` of the level over
    1.5 s, all dB relative to the track's own level; ``crest`` peak over RMS in dB; ``quiet_share`` of the
    sounding frames more than 10 dB below it, 0 to 1; ``roughness`` is the mean change from frame to frame, dB.
    """

    percentiles: NDArray[np.float64]
    phrase_deviation: float
    phrase_range: float
    crest: float
    quiet_share: float
    roughness: float


def describe_dynamics(spectrum: Spectrum) -> Dynamics:
    """Statistics of the level over sounding frames; pauses, and the silence that codecs add, do not count."""
    levels = np.maximum(spectrum.frame_levels(), np.float32(FLOOR_DB))
    sounding = levels >= SOUNDING_DB
    heard = levels[sounding]
    phrases = _phrase_levels(spectrum, sounding)
    low, high = np.percentile(phrases, (10, 90))
    rms = max(spectrum.mean_square, 1e-20)
    return Dynamics(
        np.percentile(heard, PERCENTILES),
        float(phrases.std()),
        float(high - low),
        float(10 * np.log10(spectrum.peak**2 / rms)),
        float((heard < -10).mean()),
        float(np.abs(np.diff(heard)).mean()) if len(heard) > 1 else 0.0,
    )


def _phrase_levels(spectrum: Spectrum, sounding: NDArray[np.bool_]) -> NDArray[np.float32]:
    power = spectrum.moments[sounding, 0]
    whole = max(len(power) // PHRASE_FRAMES, 1)
    size = min(PHRASE_FRAMES, len(power))
    return to_db(power[: whole * size].reshape(whole, size).mean(axis=1))
