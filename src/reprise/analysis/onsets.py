"""Onsets by register, and how they repeat: what a tempo is heard from.

Each register has an envelope of its own, for a kick, a snare and a hat tell different things about the beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reprise.analysis.spectrum import (
    FLOOR_DB,
    FRAME,
    FRAMES_PER_SECOND,
    HOP,
    SAMPLE_RATE,
    Floats,
    band_centres,
)

if TYPE_CHECKING:
    from reprise.analysis.spectrum import Spectrum

Doubles: TypeAlias = NDArray[np.float64]

REGISTER_EDGES_HZ = (220.0, 1400.0, 5000.0)
"""Low (kick, bass), middle (chords, voices), high (snare, clap) and top (hats): below, between and above these."""

REGISTERS = 4
LARGEST_RISE_DB = 25.0
LOCAL_FRAMES = 43
"""A second: what an onset must stand out of."""

WINDOW_FRAMES = 1024
"""23.8 s: eight slow bars, and short enough that players keep their tempo."""

WINDOW_HOP = 512
LAGS = 512
"""11.9 s."""

FRAME_SECONDS = HOP / SAMPLE_RATE
FIRST_FRAME_SECONDS = FRAME / 2 / SAMPLE_RATE
"""The middle of the first frame; the rise of a click is found there within 5 ms."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """``own`` (5, lags): normalised autocorrelation of all onsets and of each register, lag 0 is 1;
    ``across`` (lags,): how the low onsets are followed by high ones, normalised likewise, both directions' mean.
    Lags are in frames.
    """

    own: Doubles
    across: Doubles


def onset_envelopes(spectrum: Spectrum) -> Floats:
    """Rise of the level by register in dB, shape (4, frames): what stands out of the second around it."""
    floor = np.int16(round(100 * max(spectrum.own_level + FLOOR_DB, -200.0)))
    levels = np.maximum(spectrum.levels, floor)
    if len(levels) < 3:
        return np.zeros((REGISTERS, len(levels)), np.float32)
    # Against the louder of the two frames before: a tremolo's ripple is no onset.
    rises = levels[2:] - np.maximum(levels[1:-1], levels[:-2])
    np.clip(rises, 0, round(100 * LARGEST_RISE_DB), out=rises)
    by_register = rises.astype(np.float32) @ _register_means()
    envelopes = np.zeros((REGISTERS, len(levels)), np.float32)
    envelopes[:, 2:] = by_register.T
    return _stand_out(envelopes)


@lru_cache(maxsize=1)
def _register_means() -> Floats:
    register = np.searchsorted(REGISTER_EDGES_HZ, band_centres())
    member = register[:, None] == np.arange(REGISTERS)
    return np.asarray(member / member.sum(axis=0) / 100.0, np.float32)


def _stand_out(envelopes: Floats) -> Floats:
    """What rises above the mean of the second around it."""
    total = np.concatenate(
        [np.zeros((len(envelopes), 1)), np.cumsum(envelopes, axis=1, dtype=np.float64)], axis=1
    )
    at = np.arange(envelopes.shape[1])
    low, high = np.maximum(at - LOCAL_FRAMES // 2, 0), np.minimum(at + LOCAL_FRAMES // 2 + 1, len(at))
    local = (total[:, high] - total[:, low]) / (high - low)
    return np.asarray(np.maximum(envelopes - local, 0.0), np.float32)


def repetition(envelopes: Floats) -> Repetition:
    """Autocorrelations summed over windows; where more happens counts more."""
    from scipy.fft import irfft, rfft

    # The square root keeps a single crash from deciding what repeats.
    signals = np.sqrt(np.concatenate([envelopes.sum(axis=0, keepdims=True) / REGISTERS, envelopes]))
    count = signals.shape[1]
    size = min(WINDOW_FRAMES, count)
    power = np.zeros((len(signals), WINDOW_FRAMES + 1))
    cross = np.zeros(WINDOW_FRAMES + 1)
    for start in range(0, max(count - size, 0) + 1, WINDOW_HOP):
        window = signals[:, start : start + size]
        spectra = rfft(window - window.mean(axis=1, keepdims=True), 2 * WINDOW_FRAMES, axis=1)
        power += np.abs(spectra) ** 2
        cross += (spectra[1] * np.conj(spectra[3])).real
    unbiased = np.maximum(size - np.arange(LAGS), size // 4) / size
    own = irfft(power, axis=1)[:, :LAGS] / unbiased
    across = irfft(cross)[:LAGS] / unbiased
    level = np.maximum(own[:, :1], 1e-9)
    return Repetition(own / level, across / np.sqrt(level[1, 0] * level[3, 0]))


def frame_time(frame: float | Doubles) -> Doubles:
    """Seconds at which an onset found in a frame sounds."""
    return np.asarray(np.asarray(frame) / FRAMES_PER_SECOND + FIRST_FRAME_SECONDS)
