"""The one spectrum that every description of a track is made from.

The sound is read once, in segments of a fixed length however the decoder cuts its blocks. Short frames (93 ms)
give band levels for timbre, rhythm and dynamics; long ones (372 ms) give pitch. What is kept is small: about
6 kB per second of sound, 44 MB for a mix of two hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from reprise.analysis.notes import BINS, NoteTracker
from reprise.errors import Silent, TooShort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reprise.core.ports import Audio

Floats: TypeAlias = NDArray[np.float32]
Part = TypeVar("Part", np.int16, np.float32)

SAMPLE_RATE = 22_050
"""Hz."""

FRAME, HOP = 2048, 512
"""Samples: 92.9 ms every 23.2 ms."""

LONG_FRAME, LONG_HOP = 8192, 4096
"""Samples: 371.5 ms every 185.8 ms; 2.7 Hz between the lines, enough to tell semitones from 100 Hz up."""

FRAMES_PER_SECOND = SAMPLE_RATE / HOP

SEGMENT = 64 * HOP
"""Samples of one segment, 1.5 s: its arrays are small enough that the memory of the last one is used again.
With 128 the allocator gives it back and takes it anew, page by page, which costs a sixth of the whole."""

BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 40.0, 9500.0
"""Above 9.5 kHz codecs differ more than music does."""

MIN_SECONDS = 0.5
SILENCE_DBFS = -80.0
LOUDEST = 1e6
"""Linear; files of floats that hold integers reach 2 ** 15, and the squares of more would not fit."""

LOG_OFFSET = 1e-20
"""Power added before a logarithm, -200 dBFS."""

GATE_DB = -30.0
"""Frames further below the mean power do not count towards a track's own level."""

FLOOR_DB = -60.0
"""Band levels are cut here, relative to the track's own level: below it codecs leave noise or nothing."""

SOUNDING_DB = -45.0
"""A frame below this, relative to the track's own level, is a pause and describes nothing."""

OCTAVE_EDGES_HZ = (150.0, 300.0, 600.0, 1200.0, 2400.0, 4800.0, 9600.0)
PITCH_LOWEST_HZ, PITCH_HIGHEST_HZ = 108.0, 2500.0
PITCH_BINS = 36
"""Three per semitone."""

C0_HZ = 16.351_597_831_287_414
"""C, nine semitones below A at 27.5 Hz."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What one pass over a track keeps.

    ``seconds`` is how long it sounds; ``peak`` the largest sample, linear; ``mean_square`` over all samples;
    ``levels`` (frames, 40) band levels in hundredths of a decibel as int16, 0 dB is a full-scale sine;
    ``moments`` (frames, 3) power (1 is a full-scale sine), centroid and spread in octaves above 1 kHz;
    ``crest`` (long frames, 6) peak over mean power in each octave from 150 Hz, dB;
    ``pitch`` (long frames, 36) salience by pitch class, a third of a semitone each, from C;
    ``notes`` (long frames, 198) strength of each third of a semitone from G of 49 Hz, 0 to 255 (``notes.py``);
    ``tuning`` in semitones from A = 440 Hz, -0.5 to 0.5. Both are empty where nobody asked for notes.
    """

    seconds: float
    peak: float
    mean_square: float
    levels: NDArray[np.int16]
    moments: Floats
    crest: Floats
    pitch: Floats
    notes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, BINS), np.uint8))
    tuning: float = 0.0

    @property
    def own_level(self) -> float:
        """The track's own level in dBFS: mean power of the frames above the gate."""
        power = self.moments[:, 0].astype(np.float64)
        gate = power.mean() * 10 ** (GATE_DB / 10)
        return float(10 * np.log10(power[power >= gate].mean() + LOG_OFFSET))

    def frame_levels(self) -> Floats:
        """Level of each short frame in dB relative to the track's own level, shape (frames,)."""
        return to_db(self.moments[:, 0]) - np.float32(self.own_level)

    def weights(self) -> Floats:
        """How much each short frame counts, 0 to 1, shape (frames,): its amplitude relative to the track's own
        level, at most 1, and nothing for a pause. Loud passages are what one remembers of a track, and a quiet
        intro that is cut off must not change its description.
        """
        levels = self.frame_levels()
        weights: Floats = np.power(np.float32(10.0), np.minimum(levels, np.float32(0.0)) / np.float32(20.0))
        weights[levels < SOUNDING_DB] = 0.0
        return weights

    def relative_levels(self, start: int, stop: int) -> Floats:
        """Band levels in dB relative to the track's own level, floored at -60; shape (stop - start, 40)."""
        levels: Floats = self.levels[start:stop] * np.float32(0.01)
        levels -= np.float32(self.own_level)
        np.maximum(levels, np.float32(FLOOR_DB), out=levels)
        return levels


def to_db(power: Floats) -> Floats:
    """10 log10 of a power, float32; zero becomes -200 dB."""
    level: Floats = np.log10(power + np.float32(LOG_OFFSET))
    level *= np.float32(10.0)
    return level


def analyse(audio: Audio, *, notes: bool = True) -> Spectrum:
    """Read a track once and keep what describes it.

    The answer does not depend on how ``audio.blocks()`` cuts the sound.

    Args:
        audio: mono sound at :data:`SAMPLE_RATE`.
        notes: whether to track notes and tuning, a quarter of the time, which only the key is heard by.

    Raises:
        TooShort: less than half a second of sound.
        Silent: no sample above -80 dBFS.
        ItemError: whatever decoding raises.
    """
    if audio.sample_rate != SAMPLE_RATE:
        raise ValueError(f"the analysis needs {SAMPLE_RATE} Hz, not {audio.sample_rate} Hz")
    passed = _Pass(NoteTracker(SAMPLE_RATE / LONG_FRAME) if notes else None)
    for segment in _segments(audio.blocks()):
        passed.add(segment)
    return passed.finish()


class _Pass:
    """Collects one pass; :meth:`finish` checks it and hands over."""

    def __init__(self, notes: NoteTracker | None) -> None:
        self.samples = 0
        self.peak = 0.0
        self.square_sum = 0.0
        self.levels: list[NDArray[np.int16]] = []
        self.moments: list[Floats] = []
        self.crest: list[Floats] = []
        self.pitch: list[Floats] = []
        self.notes = notes

    def add(self, segment: Floats) -> None:
        """A segment and the samples after it that its last long frame still needs."""
        peak = float(np.abs(segment).max())
        if not peak <= LOUDEST:  # so that NaN comes here too
            segment = _finite(segment)
            peak = float(np.abs(segment).max())
        own = segment[:SEGMENT]
        self.samples += len(own)
        self.peak = max(self.peak, peak)
        self.square_sum += float(own @ own)
        if len(segment) >= FRAME:
            self._add_short(_frames(segment, FRAME, HOP, SEGMENT // HOP))
        if len(segment) >= LONG_FRAME:
            self._add_long(_frames(segment, LONG_FRAME, LONG_HOP, SEGMENT // LONG_HOP))

    def _add_short(self, frames: Floats) -> None:
        bands = _power(frames) @ _band_filters()
        moments = bands @ _moment_weights()
        mean = moments[:, 1] / (moments[:, 0] + np.float32(LOG_OFFSET))
        square = moments[:, 2] / (moments[:, 0] + np.float32(LOG_OFFSET))
        spread = np.sqrt(np.maximum(square - mean * mean, 0))
        self.moments.append(np.stack([moments[:, 0], mean, spread], axis=1))
        self.levels.append(np.rint(to_db(bands) * np.float32(100)).astype(np.int16))

    def _add_long(self, frames: Floats) -> None:
        power = _power(frames)
        edges = _octave_lines()
        loudest: Floats = np.maximum.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
        mean: Floats = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
        mean /= np.diff(edges)
        self.crest.append(to_db(loudest) - to_db(mean))
        self.pitch.append(_salience(power))
        if self.notes is not None:
            self.notes.add(power)

    def finish(self) -> Spectrum:
        seconds = self.samples / SAMPLE_RATE
        if seconds < MIN_SECONDS:
            raise TooShort(f"{seconds:.3f} s of sound, less than {MIN_SECONDS} s")
        dbfs = 20 * np.log10(self.peak) if self.peak > 0 else -np.inf
        if dbfs < SILENCE_DBFS:
            raise Silent(f"{seconds:.1f} s of sound peak at {dbfs:.0f} dBFS, below {SILENCE_DBFS:.0f} dBFS")
        return Spectrum(
            seconds,
            self.peak,
            self.square_sum / self.samples,
            _joined(self.levels),
            _joined(self.moments),
            _joined(self.crest),
            _joined(self.pitch),
            *(self.notes.finish() if self.notes is not None else ()),
        )


def _joined(parts: list[NDArray[Part]]) -> NDArray[Part]:
    """One array; the parts are let go of, for a two-hour mix has a lot of them."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _segments(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Cut the sound anew: each segment overlaps the next by what a long frame reaches beyond its hop."""
    needed = SEGMENT + LONG_FRAME - LONG_HOP
    waiting: list[Floats] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count < needed:
            continue
        sound = np.concatenate(waiting)
        while len(sound) >= needed:
            yield sound[:needed]
            sound = sound[SEGMENT:]
        waiting, count = [sound], len(sound)
    rest = np.concatenate(waiting) if waiting else np.zeros(0, np.float32)
    while len(rest):
        yield rest
        rest = rest[SEGMENT:]


def _finite(sound: Floats) -> Floats:
    """Files of floating-point samples may hold anything: what is no number becomes silence."""
    return np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -LOUDEST, LOUDEST)


def _frames(segment: Floats, size: int, hop: int, most: int) -> Floats:
    """A view of overlapping frames, shape (n, size)."""
    count = min(most, (len(segment) - size) // hop + 1)
    step = segment.strides[0]
    # Not sliding_window_view: its checks cost as much as the copy that follows.
    return np.lib.stride_tricks.as_strided(segment, (count, size), (hop * step, step), writeable=False)


def _power(frames: Floats) -> Floats:
    """Power spectrum of Hann-windowed frames up to 9.6 kHz, (n, lines); a full-scale sine's lines sum to 1."""
    # Imported here: the import costs half a CPU second, and listing models must not pay it.
    from scipy.fft import rfft

    spectrum = rfft(frames * _window(frames.shape[1]), axis=1, overwrite_x=True)
    # Half the time of adding the squares of both parts: numpy's complex modulus is vectorised, a stride is not.
    amplitude: Floats = np.abs(spectrum[:, : _lines(frames.shape[1])])
    amplitude *= amplitude
    return amplitude


def _lines(size: int) -> int:
    """How many lines of a spectrum reach to the end of the highest octave."""
    return round(OCTAVE_EDGES_HZ[-1] * size / SAMPLE_RATE) + 1


@lru_cache(maxsize=2)
def _window(size: int) -> Floats:
    """Periodic Hann window, scaled so that the lines of a full-scale sine sum to a power of 1."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    # Parseval: the sine's half of the spectrum sums to size/4 times the window's energy, 3/8 of size.
    return np.asarray(hann / np.sqrt(size * size * 3 / 32), np.float32)


def hz_to_mel(hertz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """The mel scale of O'Shaughnessy (1987): 2595 log10(1 + f / 700)."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0))


@lru_cache(maxsize=1)
def band_centres() -> NDArray[np.float64]:
    """Centre frequencies of the 40 bands in Hz, shape (40,), from 89 to 8868."""
    return _band_edges()[1:-1]


def _band_edges() -> NDArray[np.float64]:
    low, high = hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ)
    return np.asarray(700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1.0))


@lru_cache(maxsize=1)
def _band_filters() -> Floats:
    """Triangles on the mel scale with peak 1 that sum to 1 between the bands, (lines, 40)."""
    edges = _band_edges()
    hertz = np.arange(_lines(FRAME))[:, None] * (SAMPLE_RATE / FRAME)
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, None), np.float32)


@lru_cache(maxsize=1)
def _moment_weights() -> Floats:
    """Columns 1, octaves above 1 kHz and their square, (40, 3)."""
    octaves = np.log2(band_centres() / 1000.0)
    return np.stack([np.ones(BANDS), octaves, octaves**2], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _octave_lines() -> NDArray[np.intp]:
    return np.rint(np.array(OCTAVE_EDGES_HZ) * LONG_FRAME / SAMPLE_RATE).astype(np.intp)


def _salience(power: Floats) -> Floats:
    """How far the lines stand out of their surroundings, summed by pitch class, (n, 36).

    The fourth root of the power keeps one loud partial from hiding a chord; what does not rise above 1.5 times
    the mean of its octave is noise.
    """
    first, weights, parts = _pitch_map()
    lines = power[:, first : first + len(weights)]
    root = np.sqrt(np.sqrt(lines))
    sizes = np.diff([*parts, root.shape[1]])
    mean = np.add.reduceat(root, parts, axis=1) / sizes.astype(np.float32)
    root -= np.float32(1.5) * np.repeat(mean, sizes, axis=1)
    np.maximum(root, np.float32(0), out=root)
    return root @ weights


@lru_cache(maxsize=1)
def _pitch_map() -> tuple[int, Floats, list[int]]:
    """First line, weights (lines, 36) by distance to each third of a semitone, and where half octaves begin."""
    spacing = SAMPLE_RATE / LONG_FRAME
    first = int(np.ceil(PITCH_LOWEST_HZ / spacing))
    hertz = np.arange(first, int(PITCH_HIGHEST_HZ / spacing) + 1) * spacing
    octaves = np.log2(hertz / C0_HZ)
    position = octaves * PITCH_BINS % PITCH_BINS
    away = np.abs(position[:, None] - np.arange(PITCH_BINS))
    near = np.clip(1.0 - np.minimum(away, PITCH_BINS - away), 0.0, None)
    # The ear's weight of pitch, an octave around 440 Hz; a bin per line would favour the treble otherwise.
    emphasis = np.exp(-0.5 * np.log2(hertz / 440.0) ** 2) / hertz
    weights = near * (emphasis / emphasis.max())[:, None]
    half = np.floor(2 * (octaves - octaves[0])).astype(int)
    return first, weights.astype(np.float32), [int(np.argmax(half == step)) for step in range(half[-1] + 1)]
