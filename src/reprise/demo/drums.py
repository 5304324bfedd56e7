"""Percussion: each hit is synthesised once per track and then laid down wherever the pattern says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reprise.demo.synth import Samples


@dataclass(frozen=True, slots=True)
class Drum:
    """A tuned part that falls from ``start_hz`` to ``end_hz`` and a noise part between two frequencies.

    ``tone`` and ``noise`` are their gains, the decays are time constants in seconds.
    """

    tone: float = 0.0
    start_hz: float = 200.0
    end_hz: float = 50.0
    tone_decay: float = 0.15
    noise: float = 0.0
    low_hz: float = 200.0
    high_hz: float = 16_000.0
    noise_decay: float = 0.08
    metal: bool = False


DRUMS = {
    "kick": Drum(
        tone=1.0, start_hz=180, end_hz=48, tone_decay=0.16, noise=0.05, high_hz=6000, noise_decay=0.01
    ),
    "deepkick": Drum(tone=1.0, start_hz=120, end_hz=40, tone_decay=0.30),
    "snare": Drum(
        tone=0.4, start_hz=260, end_hz=180, tone_decay=0.07, noise=0.6, low_hz=800, noise_decay=0.11
    ),
    "brush": Drum(noise=0.3, low_hz=1500, high_hz=11_000, noise_decay=0.10),
    "clap": Drum(noise=0.7, low_hz=900, high_hz=5000, noise_decay=0.09),
    "rim": Drum(
        tone=0.6, start_hz=1750, end_hz=1650, tone_decay=0.02, noise=0.15, low_hz=2000, noise_decay=0.01
    ),
    "hat": Drum(noise=0.35, low_hz=6500, noise_decay=0.025),
    "openhat": Drum(noise=0.35, low_hz=6000, noise_decay=0.16),
    "shaker": Drum(noise=0.25, low_hz=4500, high_hz=12_000, noise_decay=0.04),
    "ride": Drum(noise=0.2, low_hz=4000, noise_decay=0.35, metal=True),
    "crash": Drum(noise=0.5, low_hz=2500, noise_decay=0.9, metal=True),
    "tom": Drum(tone=0.8, start_hz=160, end_hz=95, tone_decay=0.2),
    "chipkick": Drum(tone=0.8, start_hz=400, end_hz=60, tone_decay=0.06),
    "chipnoise": Drum(noise=0.4, low_hz=1000, high_hz=10_000, noise_decay=0.05),
    "conga": Drum(
        tone=0.6, start_hz=230, end_hz=205, tone_decay=0.11, noise=0.05, low_hz=1000, noise_decay=0.02
    ),
}
"""The drums by name."""


def hit(drum: Drum, rate: int, rng: np.random.Generator, tuning: float = 1.0) -> Samples:
    """One hit.

    Args:
        drum: which.
        rate: samples per second.
        rng: seeds the noise.
        tuning: factor on every frequency and on 1/decay, about 0.8 to 1.25.

    Returns:
        Mono samples, shape (n,), about six time constants long.
    """
    longest = max(drum.tone_decay if drum.tone else 0.0, drum.noise_decay if drum.noise else 0.0)
    time = (np.arange(int(6 * longest * rate)) / rate * tuning).astype(np.float32)
    out = np.zeros(len(time), np.float32)
    if drum.tone:
        out += _membrane(drum, time)
    if drum.noise:
        out += _rattle(drum, time, rate, rng)
    return out


def _membrane(drum: Drum, time: Samples) -> Samples:
    fall = 0.03  # seconds in which the pitch drops to 1/e of the way
    cycles = drum.end_hz * time + (drum.start_hz - drum.end_hz) * fall * (1 - np.exp(-time / fall))
    return np.asarray(drum.tone * np.sin(2 * np.pi * cycles) * np.exp(-time / drum.tone_decay), np.float32)


def _rattle(drum: Drum, time: Samples, rate: int, rng: np.random.Generator) -> Samples:
    spectrum = np.fft.rfft(rng.standard_normal(len(time)))
    hertz = np.fft.rfftfreq(len(time), 1 / rate)
    spectrum[(hertz < drum.low_hz) | (hertz > drum.high_hz)] = 0.0
    if drum.metal:
        # Cymbals ring: raise a few random modes above the noise.
        spectrum[rng.integers(1, len(spectrum), 60)] *= 6.0
    noise = np.fft.irfft(spectrum, len(time))
    noise /= max(float(np.abs(noise).max()), 1e-9)
    return np.asarray(drum.noise * noise * np.exp(-time / drum.noise_decay), np.float32)
