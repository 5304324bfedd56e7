"""Harmony: tuning, chroma, what chords and intervals there are, and how fast they change. The key: ``key.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import PITCH_BINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

SEMITONES = 12
PER_SEMITONE = PITCH_BINS // SEMITONES
CHORD_FRAMES = 5
"""0.93 s of long frames: about a chord."""

PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""How well each note fits a key on C: Krumhansl and Kessler 1982."""


@dataclass(frozen=True, slots=True)
class Harmony:
    """``chroma`` (12,) from C, sum 1; ``tuning`` in semitones, -0.5 to 0.5, 0 is A = 440 Hz;
    ``tonality`` (6,) and ``chords`` (6,): Fourier magnitudes 1 to 6 of the whole track's and of each second's
    chroma, 0 to 1; ``intervals`` (6,): how much notes 1 to 6 semitones apart sound in the same second, 0 to 1;
    ``movement`` (4,): mean and deviation of the harmonic change, entropy of the whole and of each second,
    0 to 1; ``fit`` (2,): best correlation with a major and with a minor key, -1 to 1.
    """

    chroma: NDArray[np.float64]
    tuning: float
    tonality: NDArray[np.float64]
    chords: NDArray[np.float64]
    intervals: NDArray[np.float64]
    movement: NDArray[np.float64]
    fit: NDArray[np.float64]


def describe_harmony(spectrum: Spectrum) -> Harmony:
    """Chroma at the track's own tuning, and what of it does not depend on the key.

    Sources: Fourier magnitudes of pitch-class sets, Quinn 2006 and Amiot 2016 (the 5th is diatonicity, the
    3rd triads, the 6th whole tones); harmonic change, Harte, Sandler and Gasser 2006.
    """
    pitch = spectrum.pitch.astype(np.float64)
    tuning = _tuning(pitch.sum(axis=0))
    chroma = pitch @ _semitones(tuning)
    total = _normalised(chroma.sum(axis=0))
    seconds, weights = _by_second(chroma)
    return Harmony(
        total,
        tuning,
        _fourier(total),
        weights @ _fourier(seconds),
        weights @ _intervals(seconds),
        np.array([*_change(seconds, weights), _entropy(total), float(weights @ _entropy(seconds))]),
        _mode_fit(total),
    )


def _tuning(pitch: NDArray[np.float64]) -> float:
    """Where between the semitones the energy sits: the phase of the chroma at one turn per semitone."""
    phase = np.sum(pitch * np.exp(-2j * np.pi * np.arange(PITCH_BINS) / PER_SEMITONE))
    return float(-np.angle(phase) / (2 * np.pi))


def _semitones(tuning: float) -> NDArray[np.float64]:
    """Fold thirds of semitones to semitones around the tuning, (36, 12)."""
    centre = (np.arange(SEMITONES) + tuning) * PER_SEMITONE
    away = np.abs(np.arange(PITCH_BINS)[:, None] - centre) % PITCH_BINS
    return np.asarray(np.clip(1.0 - np.minimum(away, PITCH_BINS - away) / PER_SEMITONE, 0.0, None))


def _normalised(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum 1 along the last axis; nothing at all becomes an even spread."""
    total = chroma.sum(axis=-1, keepdims=True)
    return np.where(total > 1e-9, chroma / np.maximum(total, 1e-9), 1.0 / SEMITONES)


def _by_second(chroma: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chroma smoothed over about a second, (n, 12), and each frame's weight, (n,), sum 1."""
    size = min(CHORD_FRAMES, len(chroma))
    total = np.concatenate([np.zeros((1, SEMITONES)), np.cumsum(chroma, axis=0)])
    smooth = total[size:] - total[:-size]
    weights = smooth.sum(axis=1)
    even = np.full(len(weights), 1.0 / len(weights))
    return _normalised(smooth), weights / weights.sum() if weights.sum() > 1e-9 else even


def _fourier(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.abs(np.fft.fft(chroma, axis=-1))[..., 1:7]


def _intervals(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Circular autocorrelation at 1 to 6 semitones over that at 0."""
    power = np.abs(np.fft.fft(chroma, axis=-1)) ** 2
    together: NDArray[np.float64] = np.fft.ifft(power, axis=-1).real
    return np.asarray(together[..., 1:7] / np.maximum(together[..., :1], 1e-12))


def _change(chroma: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and deviation of the distance a second moves in the plane of fifths, thirds and minor thirds."""
    place = np.fft.fft(chroma, axis=-1)[:, [5, 3, 4]]
    if len(place) <= CHORD_FRAMES:
        return 0.0, 0.0
    step = np.sqrt((np.abs(place[CHORD_FRAMES:] - place[:-CHORD_FRAMES]) ** 2).sum(axis=1))
    shares = weights[CHORD_FRAMES:] / max(float(weights[CHORD_FRAMES:].sum()), 1e-12)
    mean = float(shares @ step)
    return mean, float(np.sqrt(shares @ (step - mean) ** 2))


def _entropy(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """0: one note; 1: all twelve alike."""
    return np.asarray(-np.sum(chroma * np.log(chroma + 1e-12), axis=-1) / np.log(SEMITONES))


def _mode_fit(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best correlation of a chroma (12,) with the profiles of the major and of the minor keys, (2,)."""
    profiles = np.array(
        [np.roll(mode, tonic) for mode in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(SEMITONES)]
    )
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    centred = chroma - chroma.mean()
    scale = np.linalg.norm(profiles, axis=1) * max(float(np.linalg.norm(centred)), 1e-12)
    correlation = profiles @ centred / scale
    return np.array([correlation[:SEMITONES].max(), correlation[SEMITONES:].max()])
