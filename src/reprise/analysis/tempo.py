"""Tempo: what repeats, how fast it is to a hundredth, which of the tempi that fit it is the beat, where it begins.

Sources: Dixon 2006 (onsets), Percival and Tzanetakis 2014 (combs over the autocorrelation), Grosche and Müller 2011
(local pulses and their phase). The choice among octaves is :mod:`reprise.analysis.octaves`, where a beat begins
:mod:`reprise.analysis.beats`; what a library's own tags say about it, :mod:`reprise.analysis.octave_prior`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.beats import beat_offset
from reprise.analysis.octaves import describe_beats, likelihoods
from reprise.analysis.onsets import frame_time, onset_envelopes, repetition
from reprise.analysis.pulse import clearest_pulse, follow
from reprise.analysis.spectrum import SOUNDING_DB
from reprise.core.analysis import HeardTempo

if TYPE_CHECKING:
    from reprise.analysis.onsets import Doubles
    from reprise.analysis.pulse import Pulse
    from reprise.analysis.spectrum import Floats, Spectrum

SLOWEST_BPM, FASTEST_BPM = 50.0, 210.0
"""What is called a tempo."""

RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0)
"""Of a tempo to the clearest pulse: the pulse may be a part of the beat, or several beats, or cross it."""

FAINTEST, CLEAR = 0.2, 0.5
"""Clarity of the pulse. Drones reach 0.3, loose players come down to it: below the first there is no beat, and
below the second a tempo is in doubt whichever its octave."""

BY_CHANCE = 3.0
"""A faint pulse must stand out of chance by so much: drones reach 2.1, what players play loosely 4."""

DOUBTFUL = 0.15
"""Clarity at which nothing would be left of the confidence."""

MIN_SECONDS = 5.0
"""Of sound: less holds too few beats to tell them from chance."""

MIN_ONSETS = 6
STANDS_OUT_DB = 1.0
"""So many frames must stand out by so much."""

LIKELY = 0.01
"""An alternative below this share is not named, unless it is half or double."""


def hear_tempo(spectrum: Spectrum) -> HeardTempo | None:
    """The tempo of a track, or ``None``: it has no beat, or is too short to tell.

    The tempo is the mean over the track, within 0.1 % for steady ones. ``confidence`` is its probability among the
    tempi that fit the clearest pulse, less where that pulse is faint. Half and double are always among the
    alternatives when they are from 50 to 210 BPM; 2/3, 3/4, 4/3 and 3/2 when the metre speaks for them.
    """
    if spectrum.seconds < MIN_SECONDS:
        return None
    envelopes = onset_envelopes(spectrum)
    if np.count_nonzero(envelopes.max(axis=0) > STANDS_OUT_DB) < MIN_ONSETS:
        return None
    repeated = repetition(envelopes)
    per_minute, clarity = clearest_pulse(repeated)
    if clarity < FAINTEST:
        return None
    pulse = follow(envelopes, per_minute, clarity)
    if clarity < CLEAR and pulse.above_chance < BY_CHANCE:
        return None
    tempi = fitting_tempi(pulse.per_minute)
    chances = likelihoods(describe_beats(tempi, spectrum, envelopes, repeated, pulse))
    return _heard(spectrum, envelopes, pulse, tempi, chances)


def fitting_tempi(per_minute: float) -> Doubles:
    """The tempi in BPM whose beats go together with that pulse, ascending; there is always one."""
    tempi = per_minute * np.array(RATIOS)
    return np.asarray(tempi[(tempi >= SLOWEST_BPM) & (tempi <= FASTEST_BPM)])


def _heard(
    spectrum: Spectrum, envelopes: Floats, pulse: Pulse, tempi: Doubles, chances: Doubles
) -> HeardTempo:
    shares = chances * min((pulse.clarity - DOUBTFUL) / (CLEAR - DOUBTFUL), 1.0)
    best = int(np.argmax(shares))
    bpm = float(tempi[best])
    others = [
        (float(tempo), float(share))
        for tempo, share in zip(tempi, shares, strict=True)
        if tempo != bpm and (share >= LIKELY or _octave_apart(float(tempo), bpm))
    ]
    others.sort(key=lambda other: -other[1])
    return HeardTempo(
        round(bpm, 3),
        round(float(shares[best]), 4),
        tuple((round(tempo, 3), round(share, 4)) for tempo, share in others),
        _first_beat(spectrum, envelopes, pulse.places * (bpm / pulse.per_minute)),
    )


def _octave_apart(one: float, other: float) -> bool:
    return abs(abs(math.log2(one / other)) - 1.0) < 0.01


def _first_beat(spectrum: Spectrum, envelopes: Floats, places: Doubles) -> float | None:
    """Seconds to the first beat that sounds; ``places`` (frames,) counts beats from the first frame on."""
    sounding = np.flatnonzero(spectrum.frame_levels() > SOUNDING_DB)
    if not len(sounding):
        return None
    beats = places - beat_offset(envelopes, places)
    # Half a beat of grace: the frame in which the first sound begins may lie just behind its beat.
    first = np.ceil(beats[sounding[0]] - 0.1)
    frame = float(np.interp(first, beats, np.arange(len(beats))))
    return round(max(float(frame_time(frame)), 0.0), 4)
