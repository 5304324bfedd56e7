"""Which of the tempi that fit a pulse people would call the tempo: a small model of musical features.

Half and double tempo repeat equally well. What tells them apart is how much happens within a beat, how a kick is
followed by a snare, when the harmony changes, and how usual a tempo is. The model is a conditional logit (McFadden
1974) over the candidates of one track; its weights were learnt by ``benchmarks/learn_tempo.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.octave_weights import WEIGHTS
from reprise.analysis.spectrum import FRAMES_PER_SECOND, HOP, LONG_HOP

if TYPE_CHECKING:
    from reprise.analysis.onsets import Doubles, Repetition
    from reprise.analysis.pulse import Pulse
    from reprise.analysis.spectrum import Floats, Spectrum

MIDDLE_BPM = 120.0
"""From which the speed is counted, in octaves."""

REPEATS_BEATS = (1 / 3, 2 / 3, 1.0, 2.0)
"""After so many beats do all onsets repeat: thirds tell a shuffle and a slow 6/8 from straight time."""

ANSWERS_BEATS = (1.0, 2.0)
"""After so many beats is a low onset followed by a high one: a kick by a snare after one, by the next kick after two."""

BAR_BEATS = (3.0, 4.0)
"""A bar has three beats or four: whichever of them repeats better."""

HARMONY_BEATS = (2.0, 8.0)
"""After so many beats, and after a bar, does the harmony change again: a chord seldom lasts for less than two beats."""

CHANGES_BEATS = (4.0, 3.0, 2.0, 1.0, 0.5)
"""Does the harmony change once in so many beats, and at the same place in them throughout: a bar, a half, a beat."""

HARMONY_LAGS = 96
"""Long frames, 17.8 s."""

FEWEST_CHANGES = 4
HARMONY_STEP = 2
"""Long frames between which pitches are compared, so that they do not overlap."""

DENSITIES = ("all", "low", "middle", "high", "top")
FEWEST_PER_BEAT = 0.05
PEAK_SHARE, PEAK_LOUDEST, PEAK_DB = 0.25, 0.025, 0.3
"""An onset counts from a quarter of the level that a fortieth of the frames exceed, and from 0.3 dB."""

NAMES = (
    "speed",
    "speed squared",
    *(f"repeats after {beats:.2f}" for beats in REPEATS_BEATS),
    *(f"answers after {beats:.2f}" for beats in ANSWERS_BEATS),
    "repeats after a bar",
    *(f"harmony after {beats:.2f}" for beats in HARMONY_BEATS),
    "harmony after a bar",
    *(f"harmony every {beats:.2f}" for beats in CHANGES_BEATS),
    *(f"{register} per beat" for register in DENSITIES),
    *(f"{register} per beat squared" for register in DENSITIES),
)
"""The features, in order."""


def likelihoods(features: Doubles) -> Doubles:
    """The share of each candidate, shape (n,), sum 1; ``features`` (n, 27) as :func:`describe_beats` gives them."""
    fit = features @ np.array([WEIGHTS[name] for name in NAMES])
    shares = np.exp(fit - fit.max())
    return np.asarray(shares / shares.sum())


def describe_beats(
    tempi: Doubles, spectrum: Spectrum, envelopes: Floats, repeated: Repetition, pulse: Pulse
) -> Doubles:
    """What speaks for and against each tempo, shape (n, 27), in the order of :data:`NAMES`.

    Args:
        tempi: candidates in BPM, shape (n,).
        envelopes: onsets by register, as :func:`reprise.analysis.onsets.onset_envelopes` gives them.
        repeated: how those repeat.
        pulse: what the tempi are multiples of.
    """
    beats = 60.0 * FRAMES_PER_SECOND / np.asarray(tempi)
    speed = np.log2(np.asarray(tempi) / MIDDLE_BPM)
    lags = np.arange(repeated.own.shape[1])
    changes = _harmony_changes(spectrum)
    harmony = _harmony_repetition(changes)
    harmony_lags, long_frames = np.arange(HARMONY_LAGS), beats * (HOP / LONG_HOP)
    density = np.log2(np.maximum(_onsets_per_frame(envelopes)[:, None] * beats, FEWEST_PER_BEAT))
    columns = [
        speed,
        speed**2,
        *(np.interp(beats * count, lags, repeated.own[0]) for count in REPEATS_BEATS),
        *(np.interp(beats * count, lags, repeated.across) for count in ANSWERS_BEATS),
        np.max([np.interp(beats * count, lags, repeated.own[0]) for count in BAR_BEATS], axis=0),
        *(np.interp(long_frames * count, harmony_lags, harmony) for count in HARMONY_BEATS),
        np.max([np.interp(long_frames * count, harmony_lags, harmony) for count in BAR_BEATS], axis=0),
        *_changes_on(changes, pulse, np.asarray(tempi)),
        *density,
        *density**2,
    ]
    return np.stack(columns, axis=1)


def _onsets_per_frame(envelopes: Floats) -> Doubles:
    """How many onsets there are of all registers together and of each, per frame, shape (5,)."""
    both = np.concatenate([envelopes.mean(axis=0, keepdims=True), envelopes])
    rank = max(1, round(both.shape[1] * PEAK_LOUDEST))
    loud = np.partition(both, -rank, axis=1)[:, -rank, None]
    inner = both[:, 1:-1]
    peaks = (inner > both[:, :-2]) & (inner >= both[:, 2:]) & (inner > np.maximum(PEAK_SHARE * loud, PEAK_DB))
    return np.asarray(peaks.mean(axis=1))


def _harmony_changes(spectrum: Spectrum) -> Doubles:
    """How much pitch is new in each long frame from the third on, shape (long frames - 2,) or (0,)."""
    pitch = np.log1p(spectrum.pitch / (spectrum.pitch.mean() + 1e-12)).astype(np.float64)
    return np.asarray(np.maximum(pitch[HARMONY_STEP:] - pitch[:-HARMONY_STEP], 0.0).sum(axis=1))


def _harmony_repetition(changes: Doubles) -> Doubles:
    """Autocorrelation of the changes by lag in long frames, lag 0 is 1; zeros for a sound without pitch."""
    from scipy.fft import irfft, rfft

    out = np.zeros(HARMONY_LAGS)
    if len(changes) < FEWEST_CHANGES:
        return out
    power = np.abs(rfft(changes - changes.mean(), 2 * len(changes))) ** 2
    correlation = irfft(power, 2 * len(changes))[: min(HARMONY_LAGS, len(changes))]
    out[: len(correlation)] = correlation / max(float(correlation[0]), 1e-9)
    return out


def _changes_on(changes: Doubles, pulse: Pulse, tempi: Doubles) -> Doubles:
    """The share of the changes that one place of so many beats holds, shape (5, n): the mean of their turns."""
    out = np.zeros((len(CHANGES_BEATS), len(tempi)))
    if len(changes) < FEWEST_CHANGES:
        return out
    at = (np.arange(len(changes)) + HARMONY_STEP) * (LONG_HOP / HOP)
    places = np.interp(at, np.arange(len(pulse.places)), pulse.places)
    turns = tempi / pulse.per_minute / np.array(CHANGES_BEATS)[:, None]
    for row, of_tempi in enumerate(turns):
        out[row] = np.abs(np.exp(2j * np.pi * of_tempi[:, None] * places) @ changes)
    return out / max(float(changes.sum()), 1e-9)
