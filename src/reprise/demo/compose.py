"""Turns a style and a seed into a short piece of music: key, tempo, chords, melody, timbre, arrangement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.demo.drums import DRUMS, hit
from reprise.demo.styles import SCALES
from reprise.demo.synth import VOICES, Samples, chord

if TYPE_CHECKING:
    from reprise.demo.styles import Part, Style

DEMO_RATE = 44_100
"""Hz."""

PEAK = 0.85
PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
ECHO_BEATS = (0.375, 0.75, 1.21)


@dataclass(frozen=True, slots=True)
class Piece:
    """What was rendered. ``samples`` (n, 2) float32, peak 0.85; ``tempo`` in BPM; ``key`` such as ``F#m``."""

    samples: Samples
    sample_rate: int
    tempo: float
    key: str


@dataclass(frozen=True, slots=True)
class _Score:
    """What the seed chose."""

    style: Style
    rng: np.random.Generator
    rate: int
    tempo: float
    tonic: int
    scale: tuple[int, ...]
    roots: tuple[int, ...]
    bars: int

    @property
    def steps_per_bar(self) -> int:
        return self.style.beats * self.style.steps

    @property
    def step_seconds(self) -> float:
        return 60.0 / self.tempo / self.style.steps

    def at(self, bar: int, step: int) -> int:
        """The sample at which a step begins; every second half of a beat comes late by the swing."""
        late = self.style.swing if step % 2 else 0.0
        return int((bar * self.steps_per_bar + step + late) * self.step_seconds * self.rate)

    def pitch(self, degree: int, octave: int) -> int:
        """MIDI number of a scale degree (0 is the tonic, 7 its octave) above a part's lowest C."""
        turn, step = divmod(degree, len(self.scale))
        return octave + self.tonic + 12 * turn + self.scale[step]


def render(style: Style, seed: int, seconds: float, sample_rate: int = DEMO_RATE) -> Piece:
    """One piece of the style, the same for the same arguments.

    Args:
        style: one of :data:`reprise.demo.styles.STYLES`.
        seed: any integer from 0; varies key, tempo, chords, melody, timbre and arrangement.
        seconds: length, above 0; the last note is cut there with a short fade.
        sample_rate: Hz, 8,000 to 192,000.

    Returns:
        A stereo :class:`Piece`.
    """
    score = _choose(style, seed, seconds, sample_rate)
    mix = np.zeros((2, int(seconds * sample_rate) + sample_rate), np.float32)
    for part in (style.bass, style.chords, style.lead):
        if part is not None:
            _play(score, part, mix)
    _drum(score, mix)
    if style.room:
        _echo(mix, style.room, 60.0 / score.tempo * sample_rate)
    samples = _master(score, mix, int(seconds * sample_rate))
    minor = style_is_minor(score.scale)
    return Piece(samples, sample_rate, round(score.tempo, 2), PITCHES[score.tonic] + ("m" if minor else ""))


def style_is_minor(scale: tuple[int, ...]) -> bool:
    """Whether the third above the tonic is a small one."""
    return 3 in scale


def _choose(style: Style, seed: int, seconds: float, rate: int) -> _Score:
    rng = np.random.default_rng([seed, *style.name.encode()])
    tempo = float(rng.uniform(*style.tempo))
    bars = int(seconds * tempo / 60.0 / style.beats) + 1
    scale = SCALES[style.scales[rng.integers(len(style.scales))]]
    roots = style.progressions[rng.integers(len(style.progressions))]
    return _Score(style, rng, rate, tempo, int(rng.integers(12)), scale, roots, bars)


def _active(score: _Score, *, is_lead: bool) -> list[bool]:
    """In which bars a layer plays: some come in late, most pause for a break of a bar or two."""
    late = int(score.rng.integers(0, 3)) + (1 if is_lead else 0)
    late = min(late, score.bars // 4)
    pause = int(score.rng.integers(score.bars // 2, score.bars)) if score.rng.random() < 0.6 else score.bars
    length = 1 + int(score.rng.integers(0, 2))
    return [bar >= late and not pause <= bar < pause + length for bar in range(score.bars)]


def _play(score: _Score, part: Part, mix: Samples) -> None:
    rng, style = score.rng, score.style
    voice = VOICES[part.voices[rng.integers(len(part.voices))]]
    pattern = part.patterns[rng.integers(len(part.patterns))]
    brightness = float(rng.uniform(0.2, 0.8))
    gain = part.gain * float(rng.uniform(0.8, 1.25))
    pan = float(rng.uniform(0.35, 0.65)) if part is not style.bass else 0.5
    active = _active(score, is_lead=part is style.lead)
    phrase = _melody(score) if part is style.lead else None
    notes: dict[tuple[tuple[int, ...], int], Samples] = {}
    for bar, playing in enumerate(active):
        for order, (step, held, loud) in enumerate(_strokes(pattern) if playing else ()):
            pitches = _pitches(score, part, bar, order, phrase)
            if (pitches, held) not in notes:
                seconds = held * score.step_seconds * 0.95
                notes[pitches, held] = chord(voice, pitches, seconds, score.rate, brightness)
            _lay(mix, notes[pitches, held], score.at(bar, step), gain * loud, pan)


def _strokes(pattern: str) -> list[tuple[int, int, float]]:
    """(step, steps held, level) of each stroke in a pattern."""
    out = []
    for step, mark in enumerate(pattern):
        if mark in "xo":
            tail = pattern[step + 1 :]
            out.append((step, 1 + len(tail) - len(tail.lstrip("-")), 1.0 if mark == "x" else 0.5))
    return out


def _melody(score: _Score) -> list[int]:
    """Scale degrees relative to the chord's root, a random walk that is repeated as a phrase."""
    reach = score.style.wander
    steps = score.rng.integers(-reach, reach + 1, size=24)
    return [int(degree) for degree in np.clip(np.cumsum(steps), -3, 9)]


def _pitches(score: _Score, part: Part, bar: int, order: int, phrase: list[int] | None) -> tuple[int, ...]:
    style, root = score.style, score.roots[bar % len(score.roots)]
    if phrase is not None:
        return (score.pitch(root + phrase[(bar % 2 * 12 + order) % len(phrase)], part.octave),)
    if part is style.bass:
        fifth = 4 if order % 4 == 3 else 0
        return (score.pitch(root + fifth, part.octave),)
    if style.arpeggio:
        return (score.pitch(root + style.chord[order % len(style.chord)], part.octave),)
    return tuple(score.pitch(root + step, part.octave) for step in style.chord)


def _drum(score: _Score, mix: Samples) -> None:
    tuning = float(score.rng.uniform(0.85, 1.2))
    for name, pattern in score.style.drums:
        # Noise of its own: how much of it is drawn depends on the rate, and the piece must not.
        noise = np.random.default_rng(score.rng.integers(2**32))
        sound = hit(DRUMS[name], score.rate, noise, tuning)
        level = float(score.rng.uniform(0.7, 1.1))
        pan = 0.5 if "kick" in name or "snare" in name else float(score.rng.uniform(0.3, 0.7))
        for bar, playing in enumerate(_active(score, is_lead=False)):
            for step, _held, loud in _strokes(pattern) if playing else ():
                _lay(mix, sound, score.at(bar, step), level * loud * 0.6, pan)


def _lay(mix: Samples, sound: Samples, start: int, gain: float, pan: float) -> None:
    """Add a mono sound to the stereo mix, cut at its end. ``pan`` 0 is left, 1 is right."""
    cut = sound[: max(0, mix.shape[1] - start)]
    stop = start + len(cut)
    mix[0, start:stop] += cut * np.float32(gain * (2 - 2 * pan) ** 0.5)
    mix[1, start:stop] += cut * np.float32(gain * (2 * pan) ** 0.5)


def _echo(mix: Samples, level: float, beat: float) -> None:
    """A room of three echoes, crossed between the channels."""
    dry = mix.copy()
    for number, beats in enumerate(ECHO_BEATS):
        delay = int(beats * beat)
        mix[:, delay:] += dry[::-1, :-delay] * np.float32(level * 0.6**number)


def _master(score: _Score, mix: Samples, length: int) -> Samples:
    """Cut, add the hiss, fade the ends in 5 ms, and bring the peak to :data:`PEAK`; shape (length, 2)."""
    out = mix[:, :length]
    out *= np.float32(1.0 / max(float(np.abs(out).max()), 1e-6))
    if score.style.hiss:
        out += np.float32(score.style.hiss) * score.rng.standard_normal(out.shape, np.float32)
    np.tanh(out * np.float32(1.2), out=out)
    fade = min(length // 2, int(0.005 * score.rate))
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    out[:, :fade] *= ramp
    out[:, length - fade :] *= ramp[::-1]
    out *= np.float32(PEAK / max(float(np.abs(out).max()), 1e-6))
    return np.ascontiguousarray(out.T)
