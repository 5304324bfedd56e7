"""Videos in which somebody seems to speak: vowels of a synthetic voice, which voice activity detection takes for speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from scipy.signal import lfilter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16_000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""Formants in Hz, after Peterson and Barney (1952), a man's."""
BREADTHS = (90, 110, 150)
SYLLABLE = RATE // 5


def babble(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A wavering voice of about 120 Hz that says a vowel every fifth of a second; shape (n,)."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.6 * time) + 10 * np.sin(2 * np.pi * 2.3 * time)
    pulses = (np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0) > 0).astype(float)
    pulses += 0.02 * chance.standard_normal(count)
    syllables = [
        _vowel(pulses[start : start + SYLLABLE], VOWELS[chance.integers(len(VOWELS))])
        for start in range(0, count, SYLLABLE)
    ]
    voice = np.concatenate(syllables)
    loud: NDArray[np.float32] = (0.3 * voice / np.abs(voice).max()).astype(np.float32)
    return loud


def _vowel(pulses: NDArray[np.float64], formants: tuple[int, ...]) -> NDArray[np.float64]:
    sound = pulses
    for formant, breadth in zip(formants, BREADTHS, strict=True):
        radius = np.exp(-np.pi * breadth / RATE)
        feedback = [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2]
        sound = lfilter([1 - radius], feedback, sound)
    place = np.arange(len(sound))
    faded: NDArray[np.float64] = sound * np.minimum(1, np.minimum(place, len(sound) - place) / (0.03 * RATE))
    return faded


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * RATE), np.float32)


def video_with_sound(path: Path, samples: NDArray[np.float32] | None) -> Path:
    """Ten grey pictures a second for as long as the sound lasts, or for two seconds without any."""
    seconds = 2.0 if samples is None else len(samples) / RATE
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        sound = None if samples is None else container.add_stream("aac", rate=RATE, layout="mono")
        for index in range(int(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index % 256, np.uint8), format="rgb24")
            frame.pts = index
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        if sound is not None and samples is not None:
            for start in range(0, len(samples), 1024):
                block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
                block.sample_rate = RATE
                block.pts = start
                container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path
