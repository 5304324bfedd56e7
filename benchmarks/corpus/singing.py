"""A voice-like line: vowels that change, pitch that glides and shakes, and phrases that keep off the grid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reprise.demo.synth import TABLE_SIZE, midi_to_hz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.demo.synth import Samples

VOWELS = (
    ((800, 1.0), (1150, 0.5), (2900, 0.12)),
    ((350, 1.0), (2000, 0.15), (2800, 0.1)),
    ((270, 1.0), (2140, 0.12), (2950, 0.1)),
    ((450, 1.0), (800, 0.35), (2830, 0.06)),
    ((325, 1.0), (700, 0.2), (2700, 0.05)),
)
"""Formants (Hz, linear level) of a, e, i, o and u, after Peterson and Barney (1952), rounded."""

FORMANT_WIDTH_HZ = 110.0
GLIDE_SECONDS = 0.05


@lru_cache(maxsize=512)
def _table(vowel: int, midi: int) -> Samples:
    """One cycle of a vowel sung near that note, peak 1."""
    hertz = midi_to_hz(midi)
    order = np.arange(1, max(2, int(8000 / hertz)))
    level = sum(
        gain / (1 + ((order * hertz - centre) / FORMANT_WIDTH_HZ) ** 2) for centre, gain in VOWELS[vowel]
    )
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, np.complex128)
    spectrum[1 : len(order) + 1] = (level + 0.01) * order**-0.5 * np.exp(-1j * order**2)
    wave = np.fft.irfft(spectrum)
    return np.asarray(wave / np.abs(wave).max(), np.float32)


def sung(notes: Sequence[tuple[float, float]], tuning: float, rate: int, rng: np.random.Generator) -> Samples:
    """One phrase on one breath, shape (n,), peak about 1.

    Args:
        notes: (MIDI number, seconds) of each note.
        tuning: factor on every frequency.
    """
    count = int(sum(seconds for _, seconds in notes) * rate)
    ends = np.cumsum([seconds for _, seconds in notes])
    time = np.arange(count) / rate
    pitch = np.full(count, float(notes[0][0]))
    for (before, _), (after, _), end in zip(notes[:-1], notes[1:], ends[:-1], strict=True):
        pitch += (after - before) / (1 + np.exp(-np.clip((time - end) / (GLIDE_SECONDS / 4), -30, 30)))
    depth = rng.uniform(0.15, 0.5) * np.clip(time / 0.6, 0, 1)
    pitch += depth * np.sin(2 * np.pi * rng.uniform(4.8, 6.5) * time) - 1.5 * np.exp(-time / 0.04)
    phase = np.cumsum(440.0 * tuning * 2 ** ((pitch - 69) / 12) / rate)
    index = (phase * TABLE_SIZE).astype(np.int64) & (TABLE_SIZE - 1)
    near = round(notes[0][0])
    vowels = rng.integers(len(VOWELS), size=2)
    turn = np.clip((time - rng.uniform(0.2, 0.6) * time[-1]) / 0.08, 0, 1).astype(np.float32)
    out = _table(int(vowels[0]), near)[index] * (1 - turn) + _table(int(vowels[1]), near)[index] * turn
    out *= np.clip(time / rng.uniform(0.02, 0.09), 0, 1) * np.clip((time[-1] - time) / 0.12, 0, 1)
    burst = min(count, int(0.05 * rate))
    if rng.random() < 0.6:  # a consonant
        hiss = rng.standard_normal(burst) * np.exp(-np.arange(burst) / (0.012 * rate))
        out[:burst] += rng.uniform(0.02, 0.12) * np.diff(hiss, prepend=0.0)
    return np.asarray(out, np.float32)
