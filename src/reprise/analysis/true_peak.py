"""The true peak: how far the curve through the samples swings between them, ITU-R BS.1770-4 Annex 2."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

OVERSAMPLING = 4
HALF = 12
"""Samples on either side that a point between two samples is computed from."""

CHUNK = 16
"""Samples that are looked at together."""

NEAR = 10 ** (-3.1 / 20)
"""Only around samples within 3.1 dB of the largest is the curve looked at: a sine of up to a quarter of the sampling
rate swings at most 3 dB above its samples, and music far less."""

OVERSHOOT = 10 ** (6.0 / 20)
"""Nor where the curve would have to swing 6 dB above the samples to pass what was found already."""

_KAISER_BETA = 5.0


class TruePeak:
    """The largest of what is added, linear, 4 points per sample (more than 192,000 a second do not help)."""

    def __init__(self, rate: int, channels: int) -> None:
        self.value = self._largest = 0.0
        self._points = max(1, min(OVERSAMPLING, -(-48_000 * OVERSAMPLING // rate)))
        self._last = np.zeros((channels, CHUNK + 2 * HALF), np.float32)

    def add(self, sound: Floats) -> None:
        """Sound (channels, n), finite; its last samples are looked at when more follows."""
        sound = np.concatenate([self._last, sound], axis=1)
        self._last = sound[:, -(CHUNK + 2 * HALF) :].copy()
        magnitude = np.abs(sound)
        self._largest = max(self._largest, float(magnitude.max()))
        self.value = max(self.value, self._largest)
        if self._points == 1 or self.value == 0.0:
            return
        near = magnitude > np.float32(max(self._largest * NEAR, self.value / OVERSHOOT))
        for channel, marked in zip(sound, near, strict=True):
            self._look_between(channel, np.flatnonzero(marked))

    def finish(self) -> float:
        """Also between the last samples."""
        self.add(np.zeros_like(self._last))
        return self.value

    def _look_between(self, channel: Floats, marked: NDArray[np.intp]) -> None:
        """Oversample the chunks that hold the marked samples, and the gap on either side."""
        windows = np.lib.stride_tricks.sliding_window_view(channel, CHUNK + 2 * HALF)
        starts = (marked - HALF) // CHUNK * CHUNK
        starts = starts[np.flatnonzero(np.diff(starts, prepend=-1))]  # each once: they are in order
        starts = starts[(starts >= 0) & (starts < len(windows))]
        if not len(starts):
            return
        between = windows[starts] @ _interpolator(self._points)
        self.value = max(self.value, float(np.abs(between).max()))


@lru_cache(maxsize=4)
def _interpolator(points: int) -> Floats:
    """From a chunk and 12 samples on either side to the points in its 17 gaps, (40, 17 * (points - 1)): a sinc under
    a Kaiser window.
    """
    gaps = np.arange(HALF - 1, HALF + CHUNK)
    places = (gaps[:, None] + np.arange(1, points) / points).ravel()
    away = np.arange(CHUNK + 2 * HALF)[:, None] - places
    inside = np.clip(1 - (away / HALF) ** 2, 0.0, None)
    weights = np.sinc(away) * np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
    weights[np.abs(away) >= HALF] = 0.0
    return np.asarray(weights / weights.sum(axis=0), np.float32)
