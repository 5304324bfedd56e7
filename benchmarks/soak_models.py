"""Cheap models for a soak: they decode like any other, and what sounds the same gets the same vector.

So it is known beforehand what is like what. ``SOAK_EPOCH_FILE`` names a file with the epoch of the specs: writing
a higher one into it is what an upgrade of a model package is, without a restart.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

DIMENSION = 64
EPOCH_FILE = "SOAK_EPOCH_FILE"


class Sounding:
    """A vector of its own for each sound."""

    name = "soak"

    @property
    def epoch(self) -> int:
        with open(os.environ[EPOCH_FILE], encoding="ascii") as file:
            return int(file.read())

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            self.name, DIMENSION, "none", 22_050, "mean", "none", 1, 1, "none", "none", 0, self.epoch
        )
        return ModelCard(self.name, "for soaks", spec, Execution.PER_CORE, "MIT", "benchmark", 64)

    def load(self) -> None: ...

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        heard = hashlib.blake2b(digest_size=8, salt=f"{self.name}{self.epoch}".encode()[:16])
        for block in audio.blocks():
            heard.update(np.round(block * 1000).astype(np.int16).tobytes())
        return _vector(heard.digest())

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [np.eye(DIMENSION, dtype=np.float32)[0], np.eye(DIMENSION, dtype=np.float32)[1]]


class SoundingReader(Sounding):
    """Reads text too: each text lies somewhere in its space, always at the same place."""

    name = "soak-text"
    epoch = 1  # never another

    @property
    def card(self) -> ModelCard:
        return replace(super().card, reads_text=True)

    def load_text(self) -> None: ...

    def encode_text(self, text: str) -> NDArray[np.float32]:
        return _vector(hashlib.blake2b(text.encode(), digest_size=8).digest())


def install(folder: Path) -> Path:
    """Write a package's metadata into ``folder``; with it and this repository on PYTHONPATH the models are found."""
    info = folder / "reprise_soak_models-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: reprise-soak-models\nVersion: 1\n")
    lines = [f"{kind.name} = benchmarks.soak_models:{kind.__name__}" for kind in (Sounding, SoundingReader)]
    info.joinpath("entry_points.txt").write_text("[reprise.models]\n" + "\n".join(lines) + "\n")
    return folder


def _vector(digest: bytes) -> NDArray[np.float32]:
    seed = int.from_bytes(digest, "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32)
