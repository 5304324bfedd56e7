"""The key of a track: which of 24 fits what its chords, its notes and its beginning are.

From the notes of each long frame come the strengths of the twelve pitch classes in three registers, and of the twelve
major and twelve minor triads. Their means over the track, and those of the chords over its first two seconds, are what
a key is judged by: twelve numbers each, turned so that the key's tonic comes first, times the weights of a major or of a
minor key (``key_weights``). It is the method of Krumhansl and Schmuckler with several profiles instead of one, and the
profiles are those of a logistic regression, so that the judgement is a probability.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.key_weights import FROM_THE_MIDDLE, FROM_THE_START
from reprise.analysis.notes import BINS, HIGHEST_NOTE, LOWEST_NOTE, PER_SEMITONE
from reprise.core.analysis import HeardKey
from reprise.core.musical_key import MusicalKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

    Floats = NDArray[np.float64]

SEMITONES = 12
NOTES = np.arange(LOWEST_NOTE, HIGHEST_NOTE + 1)

STEADY_FRAMES = 3
"""A note is heard when it lasts: the median of 0.6 s, so that drums do not sound like notes."""

CHORD_FRAMES = 5
"""0.9 s of long frames: about a chord."""

OPENING_FRAMES = 10
"""The first two seconds that sound: most music sets out from its tonic."""

PARTIALS = ((12, 0.4), (19, 0.16), (24, 0.064), (28, 0.0256))
"""Semitones above a note, and how much what sounds there speaks for the note below."""

LEAST_CREST_DB = 8.5
"""Peak over mean power from 300 Hz to 2.4 kHz, mean over octaves and time: 6 to 8 of noise and drums, 10 to 18 of
whatever has a pitch."""

_PITCHED_OCTAVES = slice(1, 4)

REGISTERS = ("whole", "bass", "middle")
"""Ranges of notes: all, with less and less of the treble; around D of 73 Hz; around A of 220 Hz."""

_BELLS = {"bass": (38.0, 7.0), "middle": (57.0, 9.0)}  # centre and width, semitones
_TREBLE_DB_PER_KHZ = 5.0

_CHORD_SHARPNESS = 4.0
_ROOT_WEIGHT = 0.6
_SOUNDING_SHARE = 0.3  # of the median strength: where the music begins


def tuning_cents(spectrum: Spectrum) -> float:
    """How far the track is tuned from A = 440 Hz, -50 to 50 cents."""
    return 100.0 * spectrum.tuning


def hear_key(spectrum: Spectrum, *, from_the_start: bool = True) -> HeardKey | None:
    """The likeliest key and the second, ``confidence`` 0 to 1: how likely it is, less how likely the second is.

    ``None`` when nothing has a pitch, as of drums alone. ``from_the_start``: whether the spectrum begins where the
    track does; of a part of it, the beginning says nothing.
    """
    if not spectrum.notes.any() or spectrum.crest[:, _PITCHED_OCTAVES].mean() < LEAST_CREST_DB:
        return None
    described = describe(steady_notes(spectrum))
    weights = FROM_THE_START
    if not from_the_start:
        described, weights = described[:4], FROM_THE_MIDDLE
    shares = _probabilities(described, np.array(weights))
    second, best = (int(place) for place in np.argsort(shares)[-2:])
    return HeardKey(_key(best), float(shares[best] - shares[second]), _key(second))


def steady_notes(spectrum: Spectrum) -> Floats:
    """Strength of each semitone from G of 49 Hz at the track's own tuning, (long frames, 66): what lasts, and what of
    it rests on a lower note's partials counted for that note too.
    """
    from scipy.ndimage import median_filter

    found = spectrum.notes.astype(np.float32) @ _semitones(round(spectrum.tuning, 3))
    steady = median_filter(found, (STEADY_FRAMES, 1)).astype(np.float64)
    notes = steady.copy()
    for up, share in PARTIALS:
        notes[:, :-up] += share * steady[:, up:]
    return np.asarray(notes)


def describe(notes: Floats) -> Floats:
    """What a key is judged by, from C, (6, 12): pitch classes of all registers and of the bass; major and minor chords
    of the whole; major and minor chords of the opening.
    """
    whole, bass, middle = (_loudest_first(notes @ _register(name)) for name in REGISTERS)
    chords = _chords(bass, middle)
    opening = chords[_beginning(notes) :][:OPENING_FRAMES]
    shares = [rows.mean(axis=0) / max(float(rows.mean()), 1e-9) - 1.0 for rows in (whole, bass)]
    return np.array([*shares, *_halves(chords), *_halves(opening)])


def _loudest_first(classes: Floats) -> Floats:
    """Relative to the strongest of each frame; the root keeps one note from hiding the others."""
    strongest = classes.max(axis=1, keepdims=True)
    return np.asarray(np.sqrt(classes / (strongest + 0.05 * strongest.mean() + 1e-9)))


def _chords(low: Floats, middle: Floats) -> Floats:
    """How likely each triad is in each frame, (n, 24): major ones from C, then minor ones. The bass is the root."""
    low, middle = _unit(_smooth(low)), _unit(_smooth(middle))
    score = middle @ _triads().T + _ROOT_WEIGHT * np.concatenate([low, low], axis=1)
    likely = np.exp(_CHORD_SHARPNESS * (score - score.max(axis=1, keepdims=True)))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _halves(chords: Floats) -> tuple[Floats, Floats]:
    """Mean of major and of minor chords, 0 for an even spread."""
    mean = chords.mean(axis=0) * SEMITONES - 0.5
    return mean[:SEMITONES], mean[SEMITONES:]


def _beginning(notes: Floats) -> int:
    """The first frame in which notes sound."""
    strength = notes.sum(axis=1)
    return int(np.argmax(strength > _SOUNDING_SHARE * np.median(strength)))


def _smooth(classes: Floats) -> Floats:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(classes, CHORD_FRAMES, axis=0))


def _unit(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-6))


def candidates(described: Floats) -> Floats:
    """``described`` (m, 12) as each of the 24 keys sees it, its tonic first, (24, 2 m 12 + 1): a major key's in the first
    half, a minor key's in the second, and 1 for a minor key.
    """
    size = described.size
    seen = np.zeros((2 * SEMITONES, 2 * size + 1))
    for tonic in range(SEMITONES):
        turned = np.roll(described, -tonic, axis=1).ravel()
        seen[tonic, :size] = seen[SEMITONES + tonic, size:-1] = turned
    seen[SEMITONES:, -1] = 1.0
    return seen


def _probabilities(described: Floats, weights: Floats) -> Floats:
    score = candidates(described) @ weights
    likely = np.exp(score - score.max())
    return np.asarray(likely / likely.sum())


def _key(place: int) -> MusicalKey:
    return MusicalKey(place % SEMITONES, minor=place >= SEMITONES)


@lru_cache(maxsize=8)
def _semitones(tuning: float) -> NDArray[np.float32]:
    """From thirds of semitones to semitones at a tuning, (198, 66): a cosine that ends half a semitone away."""
    away = np.arange(BINS)[:, None] / PER_SEMITONE - tuning - np.arange(len(NOTES))
    near = np.where(np.abs(away) < 0.5, np.cos(np.pi * away), 0.0)
    return np.asarray(near, np.float32)


@lru_cache(maxsize=3)
def _register(name: str) -> Floats:
    """From semitones to pitch classes, (66, 12)."""
    if name == "whole":
        weight = 10 ** (-_TREBLE_DB_PER_KHZ / 10 * 0.44 * 2.0 ** ((NOTES - 69) / 12))
    else:
        centre, width = _BELLS[name]
        weight = np.exp(-0.5 * ((NOTES - centre) / width) ** 2)
    return np.asarray((NOTES[:, None] % SEMITONES == np.arange(SEMITONES)) * weight[:, None])


@lru_cache(maxsize=1)
def _triads() -> Floats:
    """Centred and of unit length, (24, 12)."""
    shapes = np.zeros((2 * SEMITONES, SEMITONES))
    for third, first in ((4, 0), (3, SEMITONES)):
        for tonic in range(SEMITONES):
            shapes[first + tonic, [tonic, (tonic + third) % SEMITONES, (tonic + 7) % SEMITONES]] = 1.0
    return _unit(shapes)
