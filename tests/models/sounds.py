"""Sound for tests of models: the same on every machine, and different from second to second."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def piece(seconds: float, rate: int, seed: int = 5) -> NDArray[np.float32]:
    """A tone that climbs in steps of half a second, over noise that comes and goes, shape (samples,)."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    step = np.floor(time * 2)
    hertz = 110.0 * 2.0 ** ((step * 7 % 24) / 12)
    tone = 0.3 * np.sin(2 * np.pi * hertz * time) * np.exp(-3 * (time * 2 - step))
    noise = 0.05 * generator.standard_normal(len(time)) * (1 + np.sin(2 * np.pi * time / 3.1))
    heard: NDArray[np.float32] = (tone + noise).astype(np.float32)
    return heard


def write_stereo(path: Path, left: NDArray[np.float32], right: NDArray[np.float32], rate: int) -> Path:
    """A WAV of 16 bits."""
    frames = np.stack([left, right], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(frames, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


class Sound:
    """Samples in memory as :class:`reprise.core.ports.Audio`, in blocks of odd length."""

    def __init__(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        self._samples = samples
        self.sample_rate = sample_rate
        self.declared_seconds: float | None = len(samples) / sample_rate

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self._samples), 7_777):
            yield self._samples[start : start + 7_777]
