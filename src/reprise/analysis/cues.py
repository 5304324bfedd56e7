"""Cues: where a track begins, where it drops, where it breaks down. From the same spectrum as everything else.

A drop is a sudden rise of energy that lasts, a breakdown a fall that lasts and is followed by a return. Bass counts
more than the rest: a build-up grows louder and louder in the treble, and the drop is where the bass comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import (
    FRAME,
    FRAMES_PER_SECOND,
    HOP,
    SAMPLE_RATE,
    SOUNDING_DB,
    Floats,
    band_centres,
    to_db,
)
from reprise.core.analysis import Cue, CueKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum
    from reprise.core.analysis import HeardTempo

MOST_DROPS, MOST_BREAKDOWNS = 4, 3
"""With the intro as many as a player has hot cues: 8."""

DROP_SECONDS = 8.0
"""Drops are so far apart at least, and what comes before and after is compared over that long."""

BREAKDOWN_SECONDS = 16.0
"""A breakdown lasts as long at least, and so are two of them apart."""

SUDDEN_SECONDS = 2.0
"""Where in the rise or fall the cue lies is decided by what is this near."""

BASS_BELOW_HZ = 180.0
BASS_SHARE = 0.6

SMOOTHED_SECONDS = 0.5
"""About a beat: the energy between two kicks is that of both."""

FLOOR_DB = -40.0
"""Relative to the track's own level; below it energy is as good as none."""

LEAST_STEP_DB = 4.0
CLEAR_STEP_DB = 16.0
"""A step of this much or more has strength 1."""

SURE_TEMPO = 0.4
"""Confidence from which on cues are moved to the nearest beat."""

EVERY = 4
"""Frames between the moments that are looked at, 93 ms."""

PER_SECOND = FRAMES_PER_SECOND / EVERY


@dataclass(frozen=True, slots=True)
class _Energy:
    """``levels`` (n,) in dB, bass weighted; those from ``start`` up to ``stop`` are sound, the rest is silence."""

    levels: NDArray[np.float64]
    start: int
    stop: int


def find_cues(spectrum: Spectrum, tempo: HeardTempo | None) -> tuple[Cue, ...]:
    """The intro, up to four drops and up to three breakdowns, in the order of time; none of silence.

    Seconds count from the begin of what the spectrum was made from. Cues lie on beats if the tempo is sure.
    """
    energy = _energy(spectrum)
    if energy is None:
        return ()
    long, sudden = _steps(energy, DROP_SECONDS), _steps(energy, SUDDEN_SECONDS)

    def on_beat(cues: list[Cue]) -> list[Cue]:
        return [_on_beat(cue, tempo, spectrum.seconds) for cue in cues]

    found = [
        *on_beat([_intro(spectrum, energy)]),
        *_strongest(on_beat(_drops(energy, long, sudden)), MOST_DROPS, DROP_SECONDS),
        *_strongest(on_beat(_breakdowns(energy, long, sudden)), MOST_BREAKDOWNS, BREAKDOWN_SECONDS),
    ]
    return tuple(sorted(found, key=lambda cue: cue.seconds))


def _energy(spectrum: Spectrum) -> _Energy | None:
    sounding = np.flatnonzero(spectrum.frame_levels() >= SOUNDING_DB)
    if not len(sounding):
        return None
    own = spectrum.own_level
    bass_bands = int(np.searchsorted(band_centres(), BASS_BELOW_HZ))
    bass = np.power(np.float32(10.0), spectrum.levels[:, :bass_bands] * np.float32(0.001)).sum(axis=1)
    levels = BASS_SHARE * _smoothed(bass, own) + (1 - BASS_SHARE) * _smoothed(spectrum.moments[:, 0], own)
    last = len(levels) - 1
    return _Energy(
        levels, min(int(sounding[0]) // EVERY, last), min(int(sounding[-1]) // EVERY + 1, last + 1)
    )


def _smoothed(power: Floats, own: float) -> NDArray[np.float64]:
    """Level of the mean power around every fourth frame in dB, relative to the track's own, floored at -40."""
    half = round(SMOOTHED_SECONDS * FRAMES_PER_SECOND / 2)
    total = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    at = np.arange(0, len(power), EVERY)
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(power))
    mean = (total[high] - total[low]) / (high - low)
    return np.maximum(to_db(np.asarray(mean, np.float32)).astype(np.float64) - own, FLOOR_DB)


def _steps(energy: _Energy, seconds: float) -> NDArray[np.float64]:
    """By how many dB the mean after each moment is above the mean before it, each over so many seconds of sound.

    0 where less than half of either is sound.
    """
    size = round(seconds * PER_SECOND)
    total = np.concatenate([[0.0], np.cumsum(energy.levels)])
    at = np.arange(len(energy.levels))
    low, high = np.maximum(at - size, energy.start), np.minimum(at + size, energy.stop)
    enough = (at - low >= size / 2) & (high - at >= size / 2)
    before = (total[at] - total[low]) / np.maximum(at - low, 1)
    after = (total[high] - total[at]) / np.maximum(high - at, 1)
    return np.where(enough, after - before, 0.0)


def _intro(spectrum: Spectrum, energy: _Energy) -> Cue:
    """The first sound; the clearer the louder what follows is."""
    first = int(np.argmax(spectrum.frame_levels() >= SOUNDING_DB))
    stretch = energy.levels[energy.start : energy.start + round(SUDDEN_SECONDS * PER_SECOND)]
    strength = 1.0 - float(stretch.max()) / FLOOR_DB
    # The first frame that hears a sound has it at its end.
    seconds = first / FRAMES_PER_SECOND + (FRAME - HOP) / SAMPLE_RATE if first else 0.0
    return Cue(CueKind.INTRO, seconds, min(max(strength, 0.0), 1.0))


def _drops(energy: _Energy, long: NDArray[np.float64], sudden: NDArray[np.float64]) -> list[Cue]:
    """Rises into what is loud for this track."""
    size = round(DROP_SECONDS * PER_SECOND)
    loud = float(np.median(energy.levels[energy.start : energy.stop]))
    found = []
    for peak in _peaks(long, size):
        at = _nearest_extreme(sudden, peak)
        lasting = energy.levels[at : min(at + size, energy.stop)]
        if sudden[at] >= LEAST_STEP_DB and lasting.mean() >= loud - 1.0:
            found.append(_cue(CueKind.DROP, at, float(long[peak])))
    return found


def _breakdowns(energy: _Energy, long: NDArray[np.float64], sudden: NDArray[np.float64]) -> list[Cue]:
    """Falls after which the energy stays low for 16 s and then comes back."""
    found = []
    for peak in _peaks(-long, round(DROP_SECONDS * PER_SECOND)):
        at = _nearest_extreme(-sudden, peak)
        if -sudden[at] >= LEAST_STEP_DB and _returns(energy, at, float(-long[peak])):
            found.append(_cue(CueKind.BREAKDOWN, at, float(-long[peak])))
    return found


def _returns(energy: _Energy, at: int, fall: float) -> bool:
    """Whether the energy stays below the middle of the fall for 16 s, and is above it later on."""
    size = round(DROP_SECONDS * PER_SECOND)
    before = energy.levels[max(at - size, energy.start) : at].mean()
    rest = energy.levels[at + round(SUDDEN_SECONDS * PER_SECOND / 2) : energy.stop]
    back = np.flatnonzero(rest > before - fall / 2)
    # Half a second less: the energy is smoothed over that long.
    needed = BREAKDOWN_SECONDS - SUDDEN_SECONDS / 2 - SMOOTHED_SECONDS
    return len(back) > 0 and bool(back[0] >= needed * PER_SECOND)


def _peaks(values: NDArray[np.float64], reach: int) -> list[int]:
    """Places of at least 4 dB that are the largest within ``reach`` to both sides."""
    from scipy.ndimage import maximum_filter1d

    largest = maximum_filter1d(values, 2 * (reach // 2) + 1, mode="constant")
    return [int(at) for at in np.flatnonzero((values >= LEAST_STEP_DB) & (values == largest))]


def _nearest_extreme(values: NDArray[np.float64], peak: int) -> int:
    reach = round(SUDDEN_SECONDS * PER_SECOND)
    low = max(0, peak - reach)
    return low + int(np.argmax(values[low : peak + reach + 1]))


def _cue(kind: CueKind, at: int, step: float) -> Cue:
    """The smoothed energy is high as soon as, and as long as, what it is smoothed over touches something loud."""
    touching = SMOOTHED_SECONDS / 2 if kind is CueKind.DROP else -SMOOTHED_SECONDS / 2
    middle = at / PER_SECOND + FRAME / 2 / SAMPLE_RATE
    return Cue(kind, max(middle + touching, 0.0), min(step / CLEAR_STEP_DB, 1.0))


def _strongest(cues: list[Cue], most: int, apart: float) -> list[Cue]:
    """The strongest first, none nearer than ``apart`` seconds to one that is taken; of equals the earlier one."""
    taken: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: (-cue.strength, cue.seconds)):
        if all(abs(cue.seconds - other.seconds) >= apart for other in taken):
            taken.append(cue)
    return taken[:most]


def _on_beat(cue: Cue, tempo: HeardTempo | None, seconds: float) -> Cue:
    """At the nearest beat, if the tempo is sure and the track still sounds there."""
    if tempo is None or tempo.first_beat is None or tempo.confidence < SURE_TEMPO:
        return cue
    beat = 60.0 / tempo.bpm
    at = tempo.first_beat + round((cue.seconds - tempo.first_beat) / beat) * beat
    return Cue(cue.kind, at, cue.strength) if 0.0 <= at < seconds else cue
