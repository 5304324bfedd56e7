"""Models for the stateful test: a vector is a function of a file's sound, the model's name and its epoch.

The sound is the text in the ``data`` chunk of a WAV file; tags stand in another chunk and are not looked at.
``PLUGIN_MODELS_EPOCH`` is the epoch of ``epochal``; with ``PLUGIN_MODELS_SICK`` sounds that begin with "bad" raise.
Each item takes ``PLUGIN_MODELS_SECONDS``, and appends its model and path to ``PLUGIN_MODELS_LOG``.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

DIMENSION = 8


def vector_of(sound: str, model: str, epoch: int) -> NDArray[np.float32]:
    """What the model gives for the sound, of length 1."""
    seed = hashlib.blake2b(f"{model} {epoch} {sound}".encode(), digest_size=8).digest()
    row = np.random.default_rng(int.from_bytes(seed, "big")).standard_normal(DIMENSION, dtype=np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def sound_of(content: bytes) -> str:
    """The text in the ``data`` chunk."""
    at = content.index(b"data") + 4
    length = int.from_bytes(content[at : at + 4], "little")
    return content[at + 4 : at + 4 + length].decode().strip()


def _path_behind(audio: Any) -> str:
    """These models decode nothing, so they reach behind the port."""
    while hasattr(audio, "_audio"):
        audio = audio._audio
    return os.fsdecode(audio._path)


def _note(line: str) -> None:
    """A single write, so that processes do not cut into each other's lines."""
    if log := os.environ.get("PLUGIN_MODELS_LOG"):
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


class Steady:
    """A spec that never changes."""

    name = "steady"
    epoch = 1

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            self.name, DIMENSION, "none", 8000, "mean", "none", 1, 1, "none", "none", 0, self.epoch
        )
        return ModelCard(self.name, "for tests", spec, Execution.PER_CORE, "MIT", "tests", 64)

    def load(self) -> None:
        """There is nothing to load."""

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        path = _path_behind(audio)
        _note(f"{self.name} {path}\n")
        time.sleep(float(os.environ.get("PLUGIN_MODELS_SECONDS", "0")))
        with open(path, "rb") as file:
            sound = sound_of(file.read())
        if sound.startswith("bad") and os.environ.get("PLUGIN_MODELS_SICK"):
            raise RuntimeError("told to raise")
        return vector_of(sound, self.name, self.epoch)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return list(np.eye(2, DIMENSION, dtype=np.float32))


class Epochal(Steady):
    """Its meaning changes with its epoch."""

    name = "epochal"

    @property
    def epoch(self) -> int:  # type: ignore[override]  # a spec that changes under our feet
        return int(os.environ.get("PLUGIN_MODELS_EPOCH", "1"))
