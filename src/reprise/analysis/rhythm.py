"""Rhythm as the acoustic embedding has it: onsets, how they repeat, and how fast each register moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import FRAMES_PER_SECOND, SOUNDING_DB, Floats, band_centres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

CHUNK = 8192
REGISTER_EDGES_HZ = (200.0, 400.0, 800.0, 1600.0, 3200.0)
"""Six registers for the modulation: below, between and above these."""

ONSET_EDGES = (0, 2, 5, 6)
"""Low, middle and high onsets, as ranges of registers: below 400 Hz, to 3.2 kHz, above."""

LARGEST_RISE_DB = 20.0
LOCAL_FRAMES = 21
"""Half a second: what an onset must stand out of."""

TEMPOGRAM_FRAMES = 512
"""11.9 s: several bars, and short enough that the tempo hardly drifts."""

TEMPOGRAM_HOP = 64
"""1.5 s."""

MODULATION_FRAMES = 256
"""5.9 s; lines of the modulation spectrum are 0.17 Hz apart."""

MODULATION_HOP = 64
WINDOWS_AT_A_TIME = 64

MODULATION_EDGES_HZ = (0.4, 1.0, 1.8, 3.0, 5.0, 8.0, 13.0)
SLOWEST_BPM, TEMPO_BINS, BINS_PER_OCTAVE = 40.0, 24, 8
"""Periodicity from 40 to 293 per minute, eight steps an octave."""

MOST_LIKELY_BPM = 120.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``periodicity`` (24,) normalised autocorrelation of the onsets, -1 to 1; ``modulation`` (36,) depth in dB
    by register (6) and rate (6); ``onsets`` (7,): onsets per second, mean strength and deviation in dB,
    share of each register's strength (3), clarity of the pulse 0 to 1; ``pulse`` (2,) where in its octave the
    tempo lies, as a vector of length 0 to 1.
    """

    periodicity: NDArray[np.float64]
    modulation: NDArray[np.float64]
    onsets: NDArray[np.float64]
    pulse: NDArray[np.float64]


def describe_rhythm(spectrum: Spectrum) -> Rhythm:
    """Onsets from the rise of the band levels (log spectral flux), their tempogram and the modulation spectrum.

    Sources: Dixon 2006 (spectral flux), Grosche and Müller 2011 (tempogram), Pampalk 2006 (fluctuation
    patterns by register).
    """
    registers, rises = _registers_and_rises(spectrum)
    weights = spectrum.weights()
    onsets = _stand_out(rises.mean(axis=1))
    # The square root keeps a single crash from deciding what repeats.
    periodicity = _by_tempo(_autocorrelation(np.sqrt(onsets)))
    return Rhythm(
        periodicity,
        _modulation(registers, weights).reshape(-1),
        _onset_statistics(onsets, rises, weights, periodicity),
        _pulse(periodicity),
    )


def _registers_and_rises(spectrum: Spectrum) -> tuple[Floats, Floats]:
    """Mean level (frames, 6) and mean rise (frames, 6) of each register in dB, both free of the level."""
    count = len(spectrum.levels)
    registers = np.empty((count, len(REGISTER_EDGES_HZ) + 1), np.float32)
    rises = np.zeros_like(registers)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        before = max(start - 2, 0)
        levels = spectrum.relative_levels(before, stop)
        registers[start:stop] = (levels @ _register_means())[start - before :]
        # Against the louder of the two frames before: a tremolo's ripple is no onset.
        rise = levels[2:] - np.maximum(levels[1:-1], levels[:-2])
        np.clip(rise, 0.0, LARGEST_RISE_DB, out=rise)
        rises[before + 2 : stop] = rise @ _register_means()
    return registers, rises


@lru_cache(maxsize=1)
def _register_means() -> Floats:
    register = np.searchsorted(REGISTER_EDGES_HZ, band_centres())
    member = register[:, None] == np.arange(len(REGISTER_EDGES_HZ) + 1)
    return np.asarray(member / member.sum(axis=0), np.float32)


def _stand_out(envelope: Floats) -> Floats:
    """What rises above the mean of the half second around it."""
    total = np.concatenate([[0.0], np.cumsum(envelope, dtype=np.float64)])
    half = LOCAL_FRAMES // 2
    at = np.arange(len(envelope))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(envelope))
    local = (total[high] - total[low]) / (high - low)
    return np.asarray(np.maximum(envelope - local, 0.0), np.float32)


def _windows(values: Floats, size: int, hop: int) -> Iterator[Floats]:
    """Overlapping windows of the first axis, some at a time, (n, size, …)."""
    view = np.lib.stride_tricks.sliding_window_view(values, size, axis=0)[::hop]
    view = np.moveaxis(view, -1, 1)
    for start in range(0, len(view), WINDOWS_AT_A_TIME):
        yield view[start : start + WINDOWS_AT_A_TIME]


def _autocorrelation(onsets: Floats) -> NDArray[np.float64]:
    """Sum over windows of the unbiased autocorrelation, lag 0 is 1; shape (256,), lags in frames.

    Windows are not brought to one level before: where more happens counts more.
    """
    from scipy.fft import rfft

    size = min(TEMPOGRAM_FRAMES, len(onsets))
    lags = TEMPOGRAM_FRAMES // 2
    power = np.zeros(TEMPOGRAM_FRAMES + 1)
    for windows in _windows(onsets, size, TEMPOGRAM_HOP):
        level = windows - windows.mean(axis=1, keepdims=True)
        power += (np.abs(rfft(level, 2 * TEMPOGRAM_FRAMES, axis=1)) ** 2).sum(axis=0)
    total = np.fft.irfft(power)[:lags]
    total /= np.maximum(size - np.arange(lags), size // 4) / size
    return np.asarray(total / max(float(total[0]), 1e-9))


def _by_tempo(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The autocorrelation at the lags of 24 tempi, each the mean over its step of an eighth of an octave."""
    tempi = SLOWEST_BPM * 2.0 ** (np.arange(TEMPO_BINS) / BINS_PER_OCTAVE)
    shifts = 2.0 ** (np.linspace(-0.5, 0.5, 9) / BINS_PER_OCTAVE)
    lags = 60.0 * FRAMES_PER_SECOND / (tempi[:, None] * shifts)
    return np.asarray(np.interp(lags, np.arange(len(correlation)), correlation).mean(axis=1))


def _pulse(periodicity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the tempo's angle 2 pi log2(tempo / 120 BPM), weighed by the square of the periodicity, (2,).

    No decision is taken, so a track that loses a few seconds cannot jump from one tempo to another.
    """
    strength = np.maximum(periodicity, 0.0) ** 2
    tempi = SLOWEST_BPM * 2.0 ** (np.arange(TEMPO_BINS) / BINS_PER_OCTAVE)
    turn = np.exp(2j * np.pi * np.log2(tempi / MOST_LIKELY_BPM))
    mean = complex(strength @ turn) / max(float(strength.sum()), 1e-6)
    return np.array([mean.real, mean.imag])


def _modulation(registers: Floats, weights: Floats) -> NDArray[np.float64]:
    """Depth of the level's movement in dB (RMS) by register and rate, (6, 6)."""
    from scipy.fft import rfft

    levels = np.maximum(registers, np.float32(SOUNDING_DB))
    size = min(MODULATION_FRAMES, len(levels))
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)[:, None]
    power = np.zeros((MODULATION_FRAMES // 2 + 1, registers.shape[1]))
    total = 0.0
    heavy = _windows(weights, size, MODULATION_HOP)
    for windows, weight in zip(_windows(levels, size, MODULATION_HOP), heavy, strict=True):
        moving = (windows - windows.mean(axis=1, keepdims=True)) * hann
        share = weight.mean(axis=1)
        power += np.tensordot(share, np.abs(rfft(moving, MODULATION_FRAMES, axis=1)) ** 2, axes=1)
        total += float(share.sum())
    # Twice: both halves of the spectrum; 3/8 is the window's mean square.
    power *= 2 / (MODULATION_FRAMES * size * 3 / 8) / max(total, 1e-9)
    rates = np.arange(len(power)) * FRAMES_PER_SECOND / MODULATION_FRAMES
    edges = np.searchsorted(rates, MODULATION_EDGES_HZ)
    return np.asarray(np.sqrt(np.add.reduceat(power[: edges[-1]], edges[:-1], axis=0)).T)


def _onset_statistics(
    onsets: Floats, rises: Floats, weights: Floats, periodicity: NDArray[np.float64]
) -> NDArray[np.float64]:
    mean = np.average(onsets, weights=weights)
    deviation = float(np.sqrt(np.average((onsets - mean) ** 2, weights=weights)))
    threshold = max(float(mean) + 0.5 * deviation, 0.1)  # dB; less is no onset to anyone
    inner = onsets[1:-1]
    peaks = 1 + np.flatnonzero((inner > onsets[:-2]) & (inner >= onsets[2:]) & (inner > threshold))
    count = float(weights[peaks].sum())
    per_second = count / float(weights.sum()) * FRAMES_PER_SECOND
    strength = float(weights[peaks] @ onsets[peaks]) / count if count else 0.0
    register = weights @ rises
    shares = np.add.reduceat(register, ONSET_EDGES[:-1]) / max(float(register.sum()), 1e-6)
    clarity = float(np.clip(periodicity.max(), 0.0, 1.0))
    return np.array([per_second, strength, deviation, *shares, clarity])
