"""What a seed chooses before anything sounds: key, tempo, chords, sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.corpus.harmony import Chord, progression
from benchmarks.corpus.timing import Grid, beat_times

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.corpus.styles import SongStyle
    from reprise.demo.styles import Part

DRONE_BPM = 60.0
"""The pace at which a piece without a beat changes; it is no tempo that anyone could hear."""


@dataclass(frozen=True, slots=True)
class Song:
    """``tonic`` is a pitch class; ``chords`` one for each chord's turn, cyclic; ``layers`` (bars) names of what plays;
    ``tuning`` is a factor on every frequency; ``start`` and ``seconds``: where music begins and how long it lasts.
    """

    style: SongStyle
    rng: np.random.Generator
    bpm: float | None
    drift: float
    swing: float
    tonic: int
    minor: bool
    scale: str
    chords: tuple[Chord, ...]
    bars_per_chord: float
    layers: tuple[frozenset[str], ...]
    grid: Grid
    tuning: float
    start: float
    seconds: float
    pedal: bool

    @property
    def steps_per_bar(self) -> int:
        return self.style.beats * self.style.steps

    @property
    def step_seconds(self) -> float:
        return 60.0 / (self.bpm or DRONE_BPM) / self.style.steps

    def beat(self, bar: int, step: int) -> float:
        return bar * self.style.beats + step / self.style.steps

    def chord_at(self, bar: int, step: int) -> Chord:
        turn = int((bar + step / self.steps_per_bar) / self.bars_per_chord)
        return self.chords[turn % len(self.chords)]


def choose(style: SongStyle, rng: np.random.Generator, tonic: int, *, minor: bool, seconds: float) -> Song:
    """A song of the style in that key, as long as ``seconds`` of music."""
    flavours = [name for name, scales in style.harmony.items() if is_minor(scales[0]) == minor]
    if not flavours:  # a style of the other mode lends its beat to a plain progression
        flavours = ["pop minor" if minor else "pop major"]
    flavour = flavours[rng.integers(len(flavours))]
    scales = style.harmony.get(flavour, ("natural",) if minor else ("major",))
    bpm = (
        None
        if style.tempo is None
        else round(float(rng.uniform(*style.tempo)), 2 if rng.random() < 0.5 else 0)
    )
    drift = style.drift * float(rng.uniform(0.2, 1.0)) if rng.random() < 0.5 else 0.0
    swing = style.swing * float(rng.uniform(0.3, 1.0)) if rng.random() < 0.7 else 0.0
    start = float(rng.uniform(0.2, 4.0)) if rng.random() < 0.35 else 0.0
    times = beat_times(bpm or DRONE_BPM, drift, start, seconds, rng)
    jitter = style.jitter * float(rng.uniform(0.4, 1.0))
    bars = (len(times) - 1) // style.beats
    return Song(
        style,
        rng,
        bpm,
        drift,
        swing,
        tonic,
        minor,
        scales[rng.integers(len(scales))],
        progression(flavour, rng),
        float(rng.choice(style.bars_per_chord)),
        _sections(style, bars, rng),
        Grid(times, swing, style.swing_unit, jitter),
        2.0 ** (float(rng.uniform(-45, 45)) / 1200) if rng.random() < 0.4 else 1.0,
        start,
        seconds,
        pedal=rng.random() < 0.12,
    )


def is_minor(scale: str) -> bool:
    return scale not in {"major", "mixolydian"}


def _sections(style: SongStyle, bars: int, rng: np.random.Generator) -> tuple[frozenset[str], ...]:
    """What plays in each bar: an intro builds up, and something is left out in every other section."""
    everything = {"drums", "bass", "chords", "lead", "voice"}
    length = 8 if style.club else 4
    bare = ({"drums", "bass"}, {"chords"}, {"drums"}, {"chords", "lead"})[int(rng.integers(4))]
    out: list[frozenset[str]] = [frozenset(bare)] * int(rng.integers(0, length + 1))
    while len(out) < bars:
        left_out = {str(rng.choice(["lead", "voice", "chords", "lead"]))} if rng.random() < 0.6 else set()
        if style.club and rng.random() < 0.2:
            left_out = {"drums", "bass"}
        out += [frozenset(everything - left_out)] * length
        if rng.random() < 0.25:
            out += [frozenset({"chords", "lead", "voice"})] * int(rng.integers(1, 3))
    return tuple(out[:bars])


def chosen_part(song: Song, part: Part) -> tuple[str, str]:
    """A voice and a pattern of the part; the pattern is now and then varied in its soft strokes."""
    voice = part.voices[song.rng.integers(len(part.voices))]
    return voice, part.patterns[song.rng.integers(len(part.patterns))]
