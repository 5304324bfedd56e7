"""Plays a song: parts, drums, a voice, and a master."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.corpus.harmony import melody_scale, voicing
from benchmarks.corpus.singing import sung
from benchmarks.corpus.song import chosen_part
from reprise.demo.drums import DRUMS, hit
from reprise.demo.synth import VOICES, midi_to_hz, tone

if TYPE_CHECKING:
    from benchmarks.corpus.harmony import Chord
    from benchmarks.corpus.song import Song
    from reprise.demo.styles import Part
    from reprise.demo.synth import Samples

RATE = 44_100
"""Hz."""

LONGEST_NOTE = 4.0
"""Seconds; what is held longer is struck anew, so that slow songs render as quickly."""

ECHO_BEATS = (0.375, 0.75, 1.21)


class Mixer:
    """Two buffers, so that a kick may duck what sustains; shape (2, n) each."""

    def __init__(self, seconds: float, rate: int) -> None:
        self.rate = rate
        self.tuned = np.zeros((2, int(seconds * rate)), np.float32)
        self.drums = np.zeros_like(self.tuned)

    def lay(self, buffer: Samples, sound: Samples, seconds: float, gain: float, pan: float) -> None:
        """``pan`` 0 is left, 1 is right; what reaches beyond the end is cut."""
        start = int(seconds * self.rate)
        cut = sound[: max(0, buffer.shape[1] - start)]
        buffer[0, start : start + len(cut)] += cut * np.float32(gain * (2 - 2 * pan) ** 0.5)
        buffer[1, start : start + len(cut)] += cut * np.float32(gain * (2 * pan) ** 0.5)


def play(song: Song, tail: float, rate: int = RATE) -> Samples:
    """The whole song with ``tail`` seconds of silence after it, shape (n, 2), peak below 1."""
    mixer = Mixer(song.start + song.seconds, rate)
    style = song.style
    for name, part in (("bass", style.bass), ("chords", style.chords), ("lead", style.lead)):
        if part is not None and not (name == "lead" and song.rng.random() < 0.25):
            _play_part(song, name, part, mixer)
    if song.rng.random() < style.sings:
        _sing(song, mixer)
    kicks = _drum(song, mixer)
    if style.pump and kicks:
        _duck(mixer, kicks, style.pump * float(song.rng.uniform(0.5, 1.2)))
    _echo(mixer, style.room * float(song.rng.uniform(0.5, 1.3)), song.step_seconds * style.steps)
    return _master(song, mixer, tail)


def strokes(pattern: str) -> list[tuple[int, int, float]]:
    """(step, steps held, level) of each stroke in a pattern."""
    out = []
    for step, mark in enumerate(pattern):
        if mark in "xo":
            rest = pattern[step + 1 :]
            out.append((step, 1 + len(rest) - len(rest.lstrip("-")), 1.0 if mark == "x" else 0.5))
    return out


@lru_cache(maxsize=512)
def _sound(
    voice: str, notes: tuple[int, ...], seconds: float, tuning: float, brightness: float, rate: int
) -> Samples:
    kind = VOICES[voice]
    clean = sum(
        (tone(kind, midi_to_hz(note) * tuning, seconds, rate, brightness) for note in notes), np.float32(0)
    )
    out: Samples = np.asarray(clean, np.float32) / np.float32(max(1.0, len(notes) ** 0.5))
    return np.tanh(out * np.float32(kind.drive)) if kind.drive else out


def _play_part(song: Song, name: str, part: Part, mixer: Mixer) -> None:
    rng = song.rng
    voice, pattern = chosen_part(song, part)
    arpeggio = name == "chords" and rng.random() < song.style.arpeggio
    brightness = round(float(rng.uniform(0.2, 0.8)), 1)
    gain = part.gain * float(rng.uniform(0.7, 1.3))
    pan = 0.5 if name == "bass" else float(rng.uniform(0.35, 0.65))
    line = Line(song, name, part.octave, arpeggio=arpeggio)
    for bar, layers in enumerate(song.layers):
        if name not in layers:
            continue
        for step, held, level in strokes(pattern):
            notes = line.notes(bar, step)
            seconds = min(round(held * song.step_seconds * 0.95, 2), LONGEST_NOTE)
            sound = _sound(voice, notes, seconds, song.tuning, brightness, mixer.rate)
            loud = gain * level * float(rng.uniform(0.85, 1.1))
            mixer.lay(mixer.tuned, sound, song.grid.played(song.beat(bar, step), rng), loud, pan)


class Line:
    """Which notes a part plays."""

    def __init__(self, song: Song, name: str, octave: int, *, arpeggio: bool) -> None:
        self._song = song
        self._name = name
        self._octave = octave
        self._arpeggio = arpeggio
        self._count = 0
        self._place = 3
        self._walk = [int(step) for step in song.rng.integers(-2, 3, size=24)]

    def notes(self, bar: int, step: int) -> tuple[int, ...]:
        song, chord = self._song, self._song.chord_at(bar, step)
        self._count += 1
        if self._name == "bass":
            return (self._bass(chord, step),)
        if self._name == "lead":
            return (self._melody(chord, step),)
        notes = voicing(chord, song.tonic, self._octave)
        return (notes[self._count % len(notes)],) if self._arpeggio else notes

    def _bass(self, chord: Chord, step: int) -> int:
        """The root, an inversion, a pedal tone below all chords, or a walk through the scale."""
        song, draw = self._song, self._song.rng.random()
        tone = chord.root
        if song.pedal and draw < 0.9:
            tone = 0
        elif song.style.walking and step % song.steps_per_bar:
            scale = melody_scale(song.scale, chord)
            tone = chord.tones[self._count % 3] if draw < 0.5 else scale[int(draw * 100) % len(scale)]
        elif draw < 0.12 or (step and draw < 0.3):
            tone = chord.tones[int(draw * 1000) % min(3, len(chord.tones))]
        return self._octave + (song.tonic + tone - self._octave) % 12

    def _melody(self, chord: Chord, step: int) -> int:
        """A phrase that comes back, moved to the chord's tones on strong beats, with a rare note from outside."""
        song = self._song
        scale = melody_scale(song.scale, chord)
        self._place += self._walk[self._count % len(self._walk)]
        self._place = min(max(self._place, -3), 9)
        octave, degree = divmod(self._place, len(scale))
        tone = scale[degree]
        if step % song.style.steps == 0 and song.rng.random() < 0.6:
            tone = min(chord.tones, key=lambda other: min((other - tone) % 12, (tone - other) % 12))
        if song.rng.random() < 0.03:
            tone += 1
        return self._octave + 12 * octave + (song.tonic + tone) % 12


def _sing(song: Song, mixer: Mixer) -> None:
    """Phrases of two to six notes that begin before or after a beat as they please."""
    rng = song.rng
    line = Line(song, "lead", int(rng.choice([48, 55, 60])), arpeggio=False)
    gain = float(rng.uniform(0.25, 0.55))
    beat_seconds = song.step_seconds * song.style.steps
    bar = int(rng.integers(0, 4))
    while bar < len(song.layers):
        if "voice" not in song.layers[bar]:
            bar += 1
            continue
        count = int(rng.integers(2, 7))
        lengths = (
            beat_seconds
            * rng.choice([0.5, 0.75, 1.0, 1.5, 2.0], size=count)
            * rng.uniform(0.85, 1.2, size=count)
        )
        notes = [(float(line.notes(bar, int(rng.integers(4)))[0]), float(length)) for length in lengths]
        begin = song.grid.at(bar * song.style.beats + float(rng.uniform(-0.7, 1.3)))
        mixer.lay(mixer.tuned, sung(notes, song.tuning, mixer.rate, rng), max(begin, 0.0), gain, 0.5)
        bar += int(rng.integers(1, 3)) + int(lengths.sum() / beat_seconds / song.style.beats)


def _drum(song: Song, mixer: Mixer) -> list[float]:
    """Play the drums; the times of the kicks in seconds."""
    rng, kicks = song.rng, []
    tuning = float(rng.uniform(0.85, 1.2))
    level = float(rng.uniform(0.35, 0.75))
    for name, patterns in song.style.drums.items():
        pattern = patterns[rng.integers(len(patterns))]
        sounds = [
            hit(DRUMS[name], mixer.rate, np.random.default_rng(rng.integers(2**32)), tuning) for _ in range(2)
        ]
        own = level * float(rng.uniform(0.65, 1.15))
        pan = 0.5 if "kick" in name or "snare" in name else float(rng.uniform(0.3, 0.7))
        for bar, layers in enumerate(song.layers):
            if "drums" not in layers:
                continue
            for step, _held, loud in strokes(_varied(pattern, bar, name, rng)):
                when = song.grid.played(song.beat(bar, step), rng)
                strength = own * loud * float(rng.uniform(0.8, 1.1))
                mixer.lay(mixer.drums, sounds[int(rng.integers(2))], when, strength, pan)
                if "kick" in name:
                    kicks.append(when)
    return sorted(kicks)


def _varied(pattern: str, bar: int, drum: str, rng: np.random.Generator) -> str:
    """The pattern with a soft stroke left out now and then, and a fill at the end of every fourth bar."""
    marks = ["." if mark == "o" and rng.random() < 0.15 else mark for mark in pattern]
    if pattern and bar % 4 == 3 and drum in {"snare", "tom", "clap", "kick"} and rng.random() < 0.35:
        for step in range(len(marks) - len(marks) // 4, len(marks)):
            marks[step] = "x" if rng.random() < 0.45 else marks[step]
    return "".join(marks)


def _duck(mixer: Mixer, kicks: list[float], depth: float) -> None:
    """Lower what sustains after each kick, back within an eighth of a second."""
    buffer, rate = mixer.tuned, mixer.rate
    time = np.arange(buffer.shape[1], dtype=np.float32) / rate
    starts = (np.asarray(kicks) * rate).astype(int)
    last = np.zeros(buffer.shape[1], np.float32)
    last[: starts[0]] = -10.0
    edges = np.concatenate([starts, [buffer.shape[1]]])
    for start, stop in pairwise(edges):
        last[start:stop] = start / rate
    buffer *= 1 - np.float32(min(depth, 0.8)) * np.exp((last - time) / np.float32(0.12))


def _echo(mixer: Mixer, level: float, beat: float) -> None:
    """A room of three echoes, crossed between the channels."""
    buffer, rate = mixer.tuned, mixer.rate
    dry = buffer.copy()
    for number, beats in enumerate(ECHO_BEATS):
        delay = int(beats * beat * rate)
        buffer[:, delay:] += dry[::-1, : buffer.shape[1] - delay] * np.float32(level * 0.6**number)


def _master(song: Song, mixer: Mixer, tail: float) -> Samples:
    """Sum, hiss, limiter, level and the silence after the end."""
    rng, rate = song.rng, mixer.rate
    out = mixer.tuned
    out += mixer.drums
    out *= np.float32(1.0 / max(float(np.abs(out).max()), 1e-6))
    if rng.random() < 0.4:
        out += np.float32(10 ** rng.uniform(-4.0, -2.5)) * rng.standard_normal(out.shape, np.float32)
        out[:, : int(song.start * rate)] = 0.0
    np.tanh(out * np.float32(rng.uniform(0.8, 2.5)), out=out)
    fade = int(float(rng.choice([0.01, 0.01, 4.0])) * rate)
    out[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    out *= np.float32(rng.uniform(0.3, 0.97) / max(float(np.abs(out).max()), 1e-6))
    silence = np.zeros((2, int(tail * rate)), np.float32)
    return np.ascontiguousarray(np.concatenate([out, silence], axis=1).T)
