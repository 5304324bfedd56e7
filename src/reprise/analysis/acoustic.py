"""The acoustic embedding: a table of groups of numbers that describe a track, and the vector made from them.

Each number is centred, scaled, limited and weighted by constants of the table, which are part of the model's
spec; the vector is then brought to unit length. ``docs/acoustic.md`` is this table in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.calibration import CALIBRATION
from reprise.analysis.dynamics import PERCENTILES, describe_dynamics
from reprise.analysis.harmony import PITCHES, describe_harmony
from reprise.analysis.rhythm import BINS_PER_OCTAVE, SLOWEST_BPM, TEMPO_BINS, describe_rhythm
from reprise.analysis.spectrum import analyse
from reprise.analysis.timbre import COEFFICIENTS, DELTA_COEFFICIENTS, describe_timbre

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum
    from reprise.core.ports import Audio

LIMIT = 3.0
"""Scaled values bend towards this many scales from the centre (3 tanh(x / 3)): one odd number cannot rule."""

OCTAVES = ("150-300 Hz", "300-600 Hz", "600-1200 Hz", "1.2-2.4 kHz", "2.4-4.8 kHz", "4.8-9.6 kHz")
REGISTERS = ("below 200 Hz", "200-400 Hz", "400-800 Hz", "0.8-1.6 kHz", "1.6-3.2 kHz", "above 3.2 kHz")
RATES = ("0.4-1 Hz", "1-1.8 Hz", "1.8-3 Hz", "3-5 Hz", "5-8 Hz", "8-13 Hz")
INTERVALS = ("minor second", "major second", "minor third", "major third", "fourth", "tritone")
TEMPI = tuple(f"{SLOWEST_BPM * 2 ** (step / BINS_PER_OCTAVE):.0f} per minute" for step in range(TEMPO_BINS))


@dataclass(frozen=True, slots=True)
class Group:
    """Dimensions of one kind. ``dimensions`` names them in order; ``weight`` is the group's share of the
    vector's length before it is brought to 1; ``formula`` says how they are computed and ``source`` where
    the idea is published.
    """

    name: str
    dimensions: tuple[str, ...]
    unit: str
    weight: float
    formula: str
    source: str

    @property
    def centre(self) -> tuple[float, ...]:
        """What counts as usual, in the group's unit, one per dimension."""
        return CALIBRATION[self.name][0]

    @property
    def scale(self) -> tuple[float, ...]:
        """What counts as a usual distance from the centre, in the group's unit, one per dimension."""
        return CALIBRATION[self.name][1]


GROUPS = (
    Group(
        "cepstrum_mean",
        tuple(f"coefficient {order}" for order in range(1, COEFFICIENTS + 1)),
        "dB",
        1.0,
        "mean over sounding frames of the orthonormal DCT-II of 40 mel band levels, 40 Hz to 9.5 kHz, relative to the track's own level and floored at -60 dB",
        "Davis and Mermelstein 1980",
    ),
    Group(
        "cepstrum_deviation",
        tuple(f"coefficient {order}" for order in range(1, COEFFICIENTS + 1)),
        "dB",
        0.8,
        "standard deviation of the same coefficients over sounding frames",
        "Logan and Salomon 2001",
    ),
    Group(
        "cepstrum_change",
        tuple(f"coefficient {order}" for order in range(1, DELTA_COEFFICIENTS + 1)),
        "dB",
        0.6,
        "root mean square of the change of each coefficient over 93 ms",
        "Furui 1986",
    ),
    Group(
        "moments",
        ("centroid, mean", "centroid, deviation", "spread, mean", "spread, deviation"),
        "octaves",
        0.5,
        "first and second moment of the band energies on a logarithmic frequency axis around 1 kHz",
        "Peeters 2004",
    ),
    Group(
        "crest_mean",
        OCTAVES,
        "dB",
        0.7,
        "mean over time of the largest line over the mean line in each octave, frames of 372 ms: high for tones, low for noise",
        "Peeters 2004; Jiang et al. 2002 (spectral contrast)",
    ),
    Group(
        "crest_deviation",
        OCTAVES,
        "dB",
        0.3,
        "standard deviation of the same",
        "Peeters 2004",
    ),
    Group(
        "periodicity",
        TEMPI,
        "1",
        1.0,
        "autocorrelation of the onset envelope in windows of 11.9 s, mean over windows, lag 0 is 1, averaged over an eighth of an octave of tempo",
        "Grosche and Müller 2011; Scheirer 1998",
    ),
    Group(
        "modulation",
        tuple(f"{register}, {rate}" for register in REGISTERS for rate in RATES),
        "dB",
        1.2,
        "root mean square movement of the level of a register at these rates, windows of 5.9 s",
        "Pampalk 2006 (fluctuation patterns); McKinney and Breebaart 2003",
    ),
    Group(
        "onsets",
        (
            "onsets per second",
            "strength, mean",
            "strength, deviation",
            "share below 400 Hz",
            "share 400 Hz to 3.2 kHz",
            "share above 3.2 kHz",
            "clarity of the pulse",
        ),
        "1/s, dB, dB, 1, 1, 1, 1",
        0.7,
        "peaks of the half-wave rectified rise of the band levels above its mean over half a second",
        "Dixon 2006; Bello et al. 2005",
    ),
    Group(
        "pulse",
        ("cosine", "sine"),
        "1",
        0.35,
        "mean of the angle 2π log2(tempo / 120 BPM), so that halves and doubles agree, over the periodicity, weighed by its square",
        "own",
    ),
    Group(
        "tonality",
        tuple(f"Fourier component {order}" for order in range(1, 7)),
        "1",
        0.4,
        "magnitudes of the discrete Fourier transform of the track's chroma: the same in every key",
        "Quinn 2006; Amiot 2016",
    ),
    Group(
        "chords",
        tuple(f"Fourier component {order}" for order in range(1, 7)),
        "1",
        0.8,
        "mean of the same magnitudes over windows of 0.93 s, weighed by salience",
        "Quinn 2006; Amiot 2016",
    ),
    Group(
        "intervals",
        INTERVALS,
        "1",
        0.6,
        "circular autocorrelation of the chroma of 0.93 s, lag 0 is 1, mean weighed by salience",
        "own, after the interval vector of Forte 1973",
    ),
    Group(
        "movement",
        ("harmonic change, mean", "harmonic change, deviation", "entropy, track", "entropy, 0.93 s"),
        "1",
        0.5,
        "distance that the Fourier components 3, 4 and 5 of the chroma move in 0.93 s; entropy of the chroma over log 12",
        "Harte, Sandler and Gasser 2006",
    ),
    Group(
        "mode",
        ("best major correlation", "best minor correlation"),
        "1",
        0.3,
        "largest correlation of the chroma with the twelve major and with the twelve minor key profiles",
        "Krumhansl and Kessler 1982",
    ),
    Group(
        "chroma",
        PITCHES,
        "1",
        0.7,
        "share of each pitch class at the track's own tuning, from the fourth root of spectral lines that stand out, 108 Hz to 2.5 kHz",
        "Fujishima 1999; Gómez 2006",
    ),
    Group(
        "level",
        tuple(f"percentile {percent}" for percent in PERCENTILES),
        "dB",
        0.3,
        "percentiles of the level of sounding frames relative to the track's own level (mean power above a gate at -30 dB)",
        "after EBU R 128 / Tech 3342",
    ),
    Group(
        "dynamics",
        (
            "phrase deviation",
            "phrase range",
            "peak over RMS",
            "share below -10 dB",
            "change per frame",
        ),
        "dB, dB, dB, 1, dB",
        0.3,
        "standard deviation and range (10 to 90 %) of the level over 1.5 s; crest factor; share of quiet frames; mean change of level in 23 ms",
        "Tzanetakis and Cook 2002 (low-energy share); EBU Tech 3342",
    ),
)
"""Every dimension of the embedding, in order."""

DIMENSION = sum(len(group.dimensions) for group in GROUPS)


def measure(spectrum: Spectrum) -> Mapping[str, NDArray[np.float64]]:
    """All numbers in their own units, by group, each of shape (dimensions of the group,)."""
    timbre, rhythm = describe_timbre(spectrum), describe_rhythm(spectrum)
    harmony, dynamics = describe_harmony(spectrum), describe_dynamics(spectrum)
    return {
        "cepstrum_mean": timbre.cepstrum_mean,
        "cepstrum_deviation": timbre.cepstrum_deviation,
        "cepstrum_change": timbre.change,
        "moments": timbre.moments,
        "crest_mean": timbre.crest_mean,
        "crest_deviation": timbre.crest_deviation,
        "periodicity": rhythm.periodicity,
        "modulation": rhythm.modulation,
        "onsets": rhythm.onsets,
        "pulse": rhythm.pulse,
        "tonality": harmony.tonality,
        "chords": harmony.chords,
        "intervals": harmony.intervals,
        "movement": harmony.movement,
        "mode": harmony.fit,
        "chroma": harmony.chroma,
        "level": dynamics.percentiles,
        "dynamics": np.array(
            [
                dynamics.phrase_deviation,
                dynamics.phrase_range,
                dynamics.crest,
                dynamics.quiet_share,
                dynamics.roughness,
            ]
        ),
    }


def embed(spectrum: Spectrum) -> NDArray[np.float32]:
    """The embedding of a track, shape (:data:`DIMENSION`,), unit length."""
    return combine(measure(spectrum))


def combine(values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """Centre, scale, limit, weigh and join the groups of :func:`measure`; unit length."""
    vector = np.concatenate([_scaled(group, values[group.name]) for group in GROUPS])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _scaled(group: Group, values: NDArray[np.float64]) -> NDArray[np.float64]:
    away = (values - np.array(group.centre)) / np.array(group.scale)
    return np.asarray(LIMIT * np.tanh(away / LIMIT) * (group.weight / np.sqrt(len(group.dimensions))))


def embed_audio(audio: Audio) -> NDArray[np.float32]:
    """Decode, analyse, embed: shape (:data:`DIMENSION`,), unit length.

    Raises ``TooShort``, ``Silent`` and whatever decoding raises.
    """
    return embed(analyse(audio, notes=False))
