"""Fingerprints of sound: how they are written, how two are compared, and which tracks are worth comparing.

A fingerprint is a row of *words*, 10.8 a second, of 16 bits each; ``reprise.analysis.fingerprint`` says what a bit
means. Two recordings of the same sound have most bits in common at one offset, whatever they were coded with; two
pieces of music have half of them in common, as by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint16]

VERSION = 1
"""The first byte. Fingerprints of another version cannot be compared with those of this one."""

BITS = 16
WORDS_PER_SECOND = 22_050 / 2048  # 10.8
UNHEARD = 0
"""The word for a moment in which nothing changes, as in silence: it says nothing and is compared with nothing."""

SAME_SIMILARITY = 0.75
"""From here on it is the same recording. Measured on rendered music (``docs/analysis.md``): codings of one recording
lie above 0.8; covers with the same notes, live versions and other music over the same drums below 0.73."""

SURE_SIMILARITY = 0.9
"""For sounds so short that less could be chance."""

SURE_SECONDS = 6.0
"""An overlap of this length is long enough to go by :data:`SAME_SIMILARITY`."""

MOST_DRIFT_SECONDS = 0.05
"""Half a word. Clocks of two recorders differ by 0.01 %, 24 ms in four minutes; takes of one song by far more."""

KEY_STEP = 5
"""Words between the two that make a key, 0.46 s: nearer ones hear the same moment and say the same twice."""

MOST_KEYS = 128
"""Keys of one track; a short one has fewer."""

_MIXER = np.uint32(0x9E37_79B1)
"""A prime next to 2 ** 32 divided by the golden ratio (Knuth 1973, multiplicative hashing): no two keys are mixed up."""


@dataclass(frozen=True, slots=True)
class Match:
    """How two fingerprints fit at the offset at which they fit best.

    ``similarity``: 1 is bit for bit the same, 0 no more than chance. ``offset_seconds``: how much later the sound comes
    in the second. ``overlap_seconds``: how much of both was compared there, without what is silent in either.
    ``drift_seconds``: how much later than the begin of the overlap its end fits. A recording does not drift, a
    performance at a tempo that is only a little different does.
    """

    similarity: float
    offset_seconds: float
    overlap_seconds: float
    drift_seconds: float = 0.0

    @property
    def same(self) -> bool:
        """Whether the overlap is one recording."""
        if abs(self.drift_seconds) > MOST_DRIFT_SECONDS:
            return False
        needed = SAME_SIMILARITY if self.overlap_seconds >= SURE_SECONDS else SURE_SIMILARITY
        return self.similarity >= needed


NO_MATCH = Match(0.0, 0.0, 0.0)


def written(words: Words) -> bytes:
    """Words as they are stored: the version, then two bytes each, the low one first."""
    return bytes([VERSION]) + words.astype("<u2").tobytes()


def words_of(fingerprint: bytes) -> Words:
    """The words of a fingerprint, shape (n,); none of an empty one or one of another version."""
    if not fingerprint or fingerprint[0] != VERSION:
        return np.zeros(0, np.uint16)
    return np.frombuffer(fingerprint, "<u2", (len(fingerprint) - 1) // 2, 1).astype(np.uint16)


def heard_seconds(fingerprint: bytes) -> float:
    """How much of the sound the fingerprint says something of, in seconds."""
    return float(np.count_nonzero(words_of(fingerprint) != UNHEARD) / WORDS_PER_SECOND)


def compare(first: bytes, second: bytes) -> Match:
    """Look at every offset at which the two overlap, and say how they fit at the best one.

    All offsets at once, by one Fourier transform of each bit: 2 ms for two tracks of four minutes. Then half a word
    to either side, because the offset between two files is seldom a whole number of words.
    """
    one, other = words_of(first), words_of(second)
    if not len(one) or not len(other):
        return NO_MATCH
    offset = _best_offset(one, other)
    one, other = one[max(0, -offset) :], other[max(0, offset) :]
    shared = min(len(one), len(other))
    one, other = one[:shared], other[:shared]
    heard = int(np.count_nonzero((one != UNHEARD) & (other != UNHEARD)))
    fits = {
        0.0: _similarity(one, one, other),
        -0.5: _similarity(one[:-1], one[1:], other[:-1]),
        0.5: _similarity(one[1:], one[:-1], other[1:]),
    }
    half = max(fits, key=fits.__getitem__)
    third = shared // 3
    drift = (
        _lateness(one[-third:], other[-third:]) - _lateness(one[:third], other[:third]) if third > 1 else 0.0
    )
    return Match(
        fits[half],
        (offset + half) / WORDS_PER_SECOND,
        heard / WORDS_PER_SECOND,
        drift / WORDS_PER_SECOND,
    )


def _lateness(one: Words, other: Words) -> float:
    """How many words later than it is laid the second fits, -1 to 1: the peak of a parabola through three fits."""
    before, here, after = (
        _similarity(first, first, second)
        for first, second in ((one[1:], other[:-1]), (one, other), (one[:-1], other[1:]))
    )
    bend = 2 * here - before - after
    if bend <= 0:
        return float(np.sign(after - before))
    return min(max(0.5 * (after - before) / bend, -1.0), 1.0)


def _similarity(one: Words, next_to_it: Words, other: Words) -> float:
    """How far the bits agree that do not change from a word to the one next to it, between which ``other`` lies."""
    heard = (one != UNHEARD) & (next_to_it != UNHEARD) & (other != UNHEARD)
    settled = ~(one[heard] ^ next_to_it[heard])
    count = int(np.bitwise_count(settled).sum())
    if not count:
        return 0.0
    differing = int(np.bitwise_count((one[heard] ^ other[heard]) & settled).sum())
    return max(0.0, 1.0 - 2.0 * differing / count)


def _best_offset(one: Words, other: Words) -> int:
    """In words: where most more bits agree than differ. Sums rather than shares, so that long overlaps win."""
    size = 1 << (len(one) + len(other) - 1).bit_length()
    spectrum = np.fft.rfft(_signs(one), size, axis=1).conj()
    spectrum *= np.fft.rfft(_signs(other), size, axis=1)
    agreement = np.fft.irfft(spectrum.sum(axis=0), size)
    best = int(np.argmax(agreement))
    return best if best < len(other) else best - size


def _signs(words: Words) -> NDArray[np.float32]:
    """Each bit as 1 or -1, and 0 where nothing was heard; shape (16, n)."""
    bits = (words >> np.arange(BITS, dtype=np.uint16)[:, None]) & np.uint16(1)
    signs = bits.astype(np.float32) * np.float32(2) - np.float32(1)
    signs[:, words == UNHEARD] = 0
    return signs


def keys_of(fingerprint: bytes) -> NDArray[np.uint32]:
    """Up to 128 different keys of the sound, ascending: codings of one recording have some of them in common.

    A key is the hash of two words, 0.46 s apart. The smallest are taken (Broder 1997), so that a key that two
    recordings share is taken from both.
    """
    words = words_of(fingerprint)
    if len(words) <= KEY_STEP:
        return np.zeros(0, np.uint32)
    first, second = words[:-KEY_STEP], words[KEY_STEP:]
    heard = (first != UNHEARD) & (second != UNHEARD)
    hashes = np.sort((first[heard].astype(np.uint32) << np.uint32(BITS) | second[heard]) * _MIXER)
    # Not np.unique: it takes ten times as long, and this is done for every track of a library.
    return hashes[np.flatnonzero(np.diff(hashes, prepend=hashes[:1] ^ np.uint32(1)))[:MOST_KEYS]]
