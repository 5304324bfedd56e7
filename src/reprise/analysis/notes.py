"""Which notes sound: the peaks of long frames, measured against what surrounds them, on a scale of semitones.

A peak counts by how near it comes to the strongest of its neighbourhood, whatever the level: so a soft bass counts as
much as a loud voice, and a hiss or the tail of a drum hardly at all (after the whitening of Röbel and Rodet 2005, which
Gómez 2006 uses for pitch classes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LOWEST_NOTE, HIGHEST_NOTE = 31, 96
"""MIDI numbers: G of 49 Hz to C of 2.1 kHz."""

PER_SEMITONE = 3
BINS = (HIGHEST_NOTE - LOWEST_NOTE + 1) * PER_SEMITONE

LEAST = 1e-3
"""A peak 30 dB below its neighbourhood is none."""

FAINTEST = 1e-12
"""Power, -120 dB: below lies what coding leaves of silence."""

TUNED_FROM_NOTE = 50
"""Lower notes are too close to each other to tell a tuning from."""

_FRAMES = 128
_BELOW, _ABOVE, _LEAST_HZ = 0.34, 0.58, 50.0
"""How far a neighbourhood reaches, as shares of the frequency, and at least."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of some frames: ``frame`` number, ``note`` as a MIDI number with a fraction, ``strength`` 0 to 1; all (n,)."""

    frame: NDArray[np.intp]
    note: NDArray[np.float64]
    strength: NDArray[np.float64]


class NoteTracker:
    """Add the power spectra of every frame in order; ask for the notes at the end."""

    def __init__(self, line_hertz: float) -> None:
        self._line_hertz = line_hertz
        # Half a semitone more on either side, and up there what a neighbourhood reaches.
        self._highest = int(_hertz(HIGHEST_NOTE + 0.5) / line_hertz)
        self._lines = int(_hertz(HIGHEST_NOTE + 0.5) * (1 + _ABOVE) / line_hertz) + 1
        self._waiting: list[Floats] = []
        self._count = 0
        self._notes: list[NDArray[np.uint8]] = []
        self._turn = 0j

    def add(self, power: Floats) -> None:
        """``power`` (frames, lines) from 0 Hz up; 1 is a full-scale sine."""
        self._waiting.append(power[:, : self._lines].copy())
        self._count += len(power)
        if self._count >= _FRAMES:
            self._find()

    def finish(self) -> tuple[NDArray[np.uint8], float]:
        """Strengths (frames, 198) by thirds of a semitone from G of 49 Hz, 255 is the strongest; and the tuning in
        semitones from A = 440 Hz, -0.5 to 0.5.
        """
        if self._count:
            self._find()
        notes = np.concatenate([np.zeros((0, BINS), np.uint8), *self._notes])
        self._notes.clear()
        return notes, float(np.angle(self._turn) / (2 * np.pi))

    def _find(self) -> None:
        power = np.concatenate(self._waiting)
        self._waiting, self._count = [], 0
        peaks = find_peaks(power, self._highest, self._line_hertz)
        tuned = peaks.note > TUNED_FROM_NOTE
        self._turn += complex(np.sum(peaks.strength[tuned] * np.exp(2j * np.pi * peaks.note[tuned])))
        self._notes.append(_on_scale(peaks, len(power)))


def find_peaks(power: Floats, highest: int, line_hertz: float) -> Peaks:
    """Local maxima up to line ``highest`` that stand out, their place by a parabola through the logarithms."""
    middle = power[:, 1:highest]
    frame, line = np.nonzero(
        (middle > power[:, : highest - 1]) & (middle >= power[:, 2 : highest + 1]) & (middle > FAINTEST)
    )
    line += 1
    below, at, above = (
        np.log(np.maximum(power[frame, line + step], np.float32(FAINTEST)).astype(np.float64))
        for step in (-1, 0, 1)
    )
    bend = below - 2 * at + above
    away = np.clip(0.5 * (below - above) / np.where(bend < 0, bend, -1.0), -0.5, 0.5)
    hertz = (line + away) * line_hertz
    strength = np.exp(at - 0.25 * (below - above) * away) / _surroundings(
        power, frame, hertz / line_hertz, line_hertz
    )
    kept = (strength > LEAST) & (hertz > _hertz(LOWEST_NOTE - 0.5))
    note = 69 + 12 * np.log2(hertz[kept] / 440.0)
    return Peaks(frame[kept], note, np.minimum(strength[kept], 1.0))


def _surroundings(
    power: Floats, frame: NDArray[np.intp], line: NDArray[np.float64], line_hertz: float
) -> NDArray[np.float64]:
    """Mean power around each line, weighed by the power itself: near that of the strongest partials there."""
    padded = np.pad(power, ((0, 0), (1, 0))).astype(np.float64)
    total, square = np.cumsum(padded, axis=1), np.cumsum(padded * padded, axis=1)
    least = _LEAST_HZ / line_hertz
    start = np.maximum(line - np.maximum(least, _BELOW * line), 0).astype(np.intp)
    end = np.minimum(line + np.maximum(least, _ABOVE * line), power.shape[1]).astype(np.intp)
    spread = total[frame, end] - total[frame, start]
    return (square[frame, end] - square[frame, start]) / np.maximum(spread, 1e-30) + 1e-30


def _on_scale(peaks: Peaks, frames: int) -> NDArray[np.uint8]:
    """Each peak shared between the two nearest thirds of a semitone, (frames, 198)."""
    place = (peaks.note - LOWEST_NOTE) * PER_SEMITONE
    lower = np.floor(place).astype(np.intp)
    share = place - lower
    out = np.zeros(frames * BINS)
    for bins, weights in ((lower, 1 - share), (lower + 1, share)):
        inside = (bins >= 0) & (bins < BINS)
        cells = peaks.frame[inside] * BINS + bins[inside]
        out += np.bincount(cells, (peaks.strength * weights)[inside], frames * BINS)
    return np.asarray(np.rint(np.minimum(out, 1.0) * 255).reshape(frames, BINS), np.uint8)


def _hertz(note: float) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))
