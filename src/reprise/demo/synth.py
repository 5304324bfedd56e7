"""Pitched instruments as data, played from wavetables: quick enough to render a library while one waits.

A note is the sum of a dark table that lasts and a bright one that fades first, as strings and pianos do. All
sound here is mono float32, shape (n,), nominal range -1 to 1, at ``rate`` Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Samples: TypeAlias = NDArray[np.float32]

TABLE_SIZE = 4096
"""Samples in one cycle; nearest-neighbour reading then stays about 65 dB below the tone."""

RELEASE_SECONDS = 0.03
MAX_PARTIALS = 40
PARTIALS_BELOW_HZ = 16_000.0
A4_MIDI, A4_HZ = 69, 440.0


@dataclass(frozen=True, slots=True)
class Voice:
    """One instrument. Partial ``k`` has the amplitude ``k ** -rolloff``.

    ``body`` and ``bright`` are the roll-offs of the lasting and of the fading table; ``body_decay``,
    ``bright_decay`` and ``attack`` are time constants in seconds (a ``body_decay`` of 0 sustains);
    ``detune`` lists the strings in cents; ``vibrato`` is a depth in cents; ``drive`` distorts when above 0;
    ``fm`` is (ratio, index, decay in seconds) of a modulator, or ``None``.
    """

    body: float = 1.6
    bright: float = 0.8
    attack: float = 0.004
    body_decay: float = 0.6
    bright_decay: float = 0.12
    bright_share: float = 0.5
    odd_only: bool = False
    detune: tuple[float, ...] = (0.0,)
    vibrato: float = 0.0
    drive: float = 0.0
    breath: float = 0.0
    fm: tuple[float, float, float] | None = None


VOICES = {
    "guitar": Voice(body=1.5, bright=0.7, body_decay=0.7, bright_decay=0.15),
    "harp": Voice(body=2.2, bright=1.2, body_decay=0.9, bright_decay=0.1),
    "piano": Voice(body=1.8, bright=1.0, body_decay=1.1, bright_decay=0.25, detune=(0.0, 3.0)),
    "epiano": Voice(body=3.0, body_decay=1.2, bright_share=0.0, fm=(1.0, 1.6, 0.5)),
    "bell": Voice(body=4.0, body_decay=1.8, bright_share=0.0, fm=(3.51, 2.2, 1.2)),
    "organ": Voice(body=1.1, bright=0.4, attack=0.01, body_decay=0.0, bright_decay=0.04, bright_share=0.2),
    "accordion": Voice(body=0.9, attack=0.05, body_decay=0.0, bright_share=0.0, detune=(0.0, 11.0)),
    "pad": Voice(body=1.7, attack=0.5, body_decay=0.0, bright_share=0.0, detune=(-7.0, 6.0)),
    "strings": Voice(body=1.2, attack=0.15, body_decay=0.0, bright_share=0.0, detune=(0.0,), vibrato=14.0),
    "flute": Voice(body=2.6, attack=0.06, body_decay=0.0, bright_share=0.0, vibrato=10.0, breath=0.05),
    "supersaw": Voice(body=1.0, attack=0.008, body_decay=0.0, bright_share=0.0, detune=(-14.0, 0.0, 13.0)),
    "acid": Voice(body=1.8, bright=0.4, body_decay=0.5, bright_decay=0.07, bright_share=0.7, drive=1.5),
    "stab": Voice(body=1.3, bright=0.6, body_decay=0.15, bright_decay=0.05),
    "square": Voice(body=1.0, body_decay=0.0, bright_share=0.0, attack=0.002, odd_only=True),
    "distorted": Voice(body=1.0, bright=0.5, body_decay=1.5, bright_decay=0.8, drive=6.0),
    "sub": Voice(body=4.0, bright=2.0, attack=0.01, body_decay=1.2, bright_share=0.15),
    "upright": Voice(body=2.4, bright=1.3, body_decay=0.35, bright_decay=0.05),
    "bassguitar": Voice(body=1.9, bright=0.9, body_decay=0.6, bright_decay=0.1),
    "reese": Voice(body=1.2, attack=0.02, body_decay=0.0, bright_share=0.0, detune=(-18.0, 17.0), drive=1.0),
}
"""The instruments by name."""


def midi_to_hz(midi: float) -> float:
    """Frequency in Hz of a MIDI number (69 is A4, 440 Hz), equal temperament."""
    return float(A4_HZ * 2.0 ** ((midi - A4_MIDI) / 12.0))


def tone(voice: Voice, frequency: float, seconds: float, rate: int, brightness: float = 0.5) -> Samples:
    """One note.

    Args:
        voice: the instrument.
        frequency: of the fundamental, Hz, above 0 and below ``rate / 2``.
        seconds: how long the key is held; the sound is ``RELEASE_SECONDS`` longer.
        rate: samples per second.
        brightness: 0 (dark) to 1 (bright); moves every roll-off by up to 0.5.

    Returns:
        Mono samples, shape (n,), peak at most about 1.
    """
    time = np.arange(int((seconds + RELEASE_SECONDS) * rate), dtype=np.float64) / rate
    out: Samples = np.zeros(len(time), np.float32)
    for cents in voice.detune:
        out += _string(voice, frequency * 2.0 ** (cents / 1200.0), time, brightness)
    out *= _gate(time, voice.attack, seconds)
    if voice.drive:
        np.tanh(out * np.float32(1.0 + voice.drive), out=out)
        out *= np.float32(0.7)
    out /= np.float32(len(voice.detune))
    return out


def _string(voice: Voice, frequency: float, time: NDArray[np.float64], brightness: float) -> Samples:
    cycles = time * frequency
    if voice.vibrato:
        # Frequency swings by `vibrato` cents at 5 Hz; the phase is its integral.
        swing = frequency * (2.0 ** (voice.vibrato / 1200.0) - 1.0)
        cycles = cycles - swing / (2 * np.pi * 5.0) * np.cos(2 * np.pi * 5.0 * time)
    if voice.fm:
        return _modulated(voice, voice.fm, cycles, time, brightness)
    shift = 0.5 - brightness
    index = (cycles * TABLE_SIZE).astype(np.int64) & (TABLE_SIZE - 1)
    partials = max(1, min(MAX_PARTIALS, int(PARTIALS_BELOW_HZ / frequency)))
    out: Samples = _table(voice.body + shift, partials, odd_only=voice.odd_only)[index]
    if voice.body_decay:
        out = out * _decay(time, voice.body_decay)
    if voice.bright_share:
        bright = _table(voice.bright + shift, partials, odd_only=voice.odd_only)[index]
        share = np.float32(voice.bright_share)
        out = out * (1 - share) + bright * (share * _decay(time, voice.bright_decay))
    if voice.breath:
        out = out + np.float32(voice.breath) * _noise(len(time))
    return out.astype(np.float32, copy=False)


def _modulated(
    voice: Voice,
    fm: tuple[float, float, float],
    cycles: NDArray[np.float64],
    time: NDArray[np.float64],
    brightness: float,
) -> Samples:
    """Chowning's two-operator frequency modulation with a decaying index."""
    ratio, index, index_decay = fm
    modulator = np.sin((2 * np.pi * np.mod(cycles * ratio, 1.0)).astype(np.float32))
    depth = np.float32(index * (0.4 + 1.2 * brightness)) * _decay(time, index_decay)
    carrier = np.sin((2 * np.pi * np.mod(cycles, 1.0)).astype(np.float32) + depth * modulator)
    return (carrier * _decay(time, voice.body_decay)).astype(np.float32, copy=False)


@lru_cache(maxsize=2048)
def _table(rolloff: float, partials: int, *, odd_only: bool) -> Samples:
    """One cycle with peak 1, through the inverse FFT of its partials."""
    order = np.arange(1, partials + 1)
    amplitude = order ** -max(rolloff, 0.2)
    if odd_only:
        amplitude[1::2] = 0.0
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, np.complex128)
    # Schroeder's phases keep the crest of a rich spectrum low.
    spectrum[1 : partials + 1] = amplitude * np.exp(-1j * np.pi * order * (order - 1) / partials)
    wave = np.fft.irfft(spectrum)
    return np.asarray(wave / np.abs(wave).max(), np.float32)


def _decay(time: NDArray[np.float64], seconds: float) -> Samples:
    return np.exp((time * (-1.0 / seconds)).astype(np.float32))


def _gate(time: NDArray[np.float64], attack: float, held: float) -> Samples:
    rise = np.minimum(time * (1.0 / attack), 1.0)
    fall = np.clip(1.0 - (time - held) * (1.0 / RELEASE_SECONDS), 0.0, 1.0)
    return (rise * fall).astype(np.float32)


@lru_cache(maxsize=4)
def _noise(count: int) -> Samples:
    return np.random.default_rng(count).standard_normal(count, np.float32)


def chord(voice: Voice, notes: Sequence[int], seconds: float, rate: int, brightness: float) -> Samples:
    """Several MIDI notes at once, shape (n,); a driven voice distorts their sum, as an amplifier does."""
    clean = sum((tone(voice, midi_to_hz(note), seconds, rate, brightness) for note in notes), np.float32(0))
    out: Samples = np.asarray(clean, np.float32) / np.float32(max(1.0, len(notes) ** 0.5))
    return np.tanh(out * np.float32(voice.drive)) if voice.drive else out
