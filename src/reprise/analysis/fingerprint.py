"""A fingerprint of the sound itself: the same for every coding of a recording, another for every other recording.

After Haitsma and Kalker (2002): a bit says whether the step in level from one band to the next grows or shrinks with
time. Differences in frequency leave out how loud it is, differences in time how it is equalised. Comparing, and how a
fingerprint is written, is in ``reprise.core.fingerprints``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import BANDS, FRAMES_PER_SECOND
from reprise.core.fingerprints import BITS, UNHEARD, WORDS_PER_SECOND, written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

STEP = round(FRAMES_PER_SECOND / WORDS_PER_SECOND)
"""Frames from one word to the next: 4, 93 ms. An offset between two files is met to half of that."""

WINDOW, LAG = 10, 8
"""Frames: levels are means of 232 ms, compared with those 186 ms later. Shorter windows do not forgive an offset that
lies between two words; longer ones forgive another tempo and other instruments."""

LOWEST_BAND, HIGHEST_BAND = 2, 38
"""Bands that count, 150 Hz to 8 kHz: what lies outside, phones and codecs take away."""

FLOOR_DB = -45.0
"""Relative to the track's own level; below it codecs leave noise or nothing."""

LEAST_CHANGE_DB = 0.3
"""Median over the bits: where less changes nothing is heard, and the bits would be noise."""

MOST_SECONDS = 1800.0
"""Of longer tracks only the beginning: 39 kB are enough to know a mix by."""


def fingerprint(spectrum: Spectrum) -> bytes:
    """The fingerprint of a track: 22 bytes per second, at most 39 kB; empty of words when nothing changes in it."""
    count = min(len(spectrum.levels), round(MOST_SECONDS * FRAMES_PER_SECOND))
    if count < WINDOW + LAG:
        return written(np.zeros(0, np.uint16))
    floor = round((spectrum.own_level + FLOOR_DB) * 100)
    levels = np.maximum(spectrum.levels[:count], np.int16(max(floor, np.iinfo(np.int16).min)))
    change = _changes(levels) @ _steps_between_bands()
    words = ((change > 0) @ (1 << np.arange(BITS))).astype(np.uint16)
    words[np.median(np.abs(change), axis=1) < LEAST_CHANGE_DB] = UNHEARD
    return written(words)


def _changes(levels: NDArray[np.int16]) -> NDArray[np.float32]:
    """By how many dB the mean level of a window differs from that of the window :data:`LAG` later; (words, 40)."""
    total = np.zeros((len(levels) + 1, BANDS), np.int32)
    np.cumsum(levels - levels.min(), axis=0, dtype=np.int32, out=total[1:])
    sums = total[WINDOW:] - total[:-WINDOW]
    change = sums[LAG::STEP] - sums[:-LAG:STEP]
    return change.astype(np.float32) * np.float32(0.01 / WINDOW)


@lru_cache(maxsize=1)
def _steps_between_bands() -> NDArray[np.float32]:
    """From 40 bands to the differences of 17 neighbouring groups of them, (40, 16)."""
    edges = np.rint(np.linspace(LOWEST_BAND, HIGHEST_BAND, BITS + 2)).astype(int)
    band = np.arange(BANDS)[:, None]
    member = (band >= edges[:-1]) & (band < edges[1:])
    means = member / member.sum(axis=0)
    return np.asarray(means[:, 1:] - means[:, :-1], np.float32)
