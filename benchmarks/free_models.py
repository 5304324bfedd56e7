"""Models that cost nothing, installed the way a user's own package is, to measure what the engine itself costs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

DIMENSION = 128


class Free:
    """Decodes nothing and encodes a counter: each item gets its own random unit vector."""

    name = "free"

    def __init__(self) -> None:
        self._made = 0

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(self.name, DIMENSION, "none", 22_050, "mean", "none", 1, 1, "none", "none", 0, 1)
        return ModelCard(self.name, "costs nothing", spec, Execution.PER_CORE, "MIT", "benchmark", 64)

    def load(self) -> None: ...

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        del audio
        self._made += 1
        seed = int.from_bytes(
            hashlib.blake2b(str((self._made, id(self))).encode(), digest_size=8).digest(), "big"
        )
        return np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [np.eye(DIMENSION, dtype=np.float32)[0], np.eye(DIMENSION, dtype=np.float32)[1]]


class FreeB(Free):
    name = "free-b"


class FreeC(Free):
    name = "free-c"


NAMES = (Free.name, FreeB.name, FreeC.name)


def install(folder: Path) -> Path:
    """Write a package's metadata into ``folder``; with it and this repository on PYTHONPATH the models are found."""
    info = folder / "reprise_free_models-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: reprise-free-models\nVersion: 1\n")
    lines = [f"{kind.name} = benchmarks.free_models:{kind.__name__}" for kind in (Free, FreeB, FreeC)]
    info.joinpath("entry_points.txt").write_text("[reprise.models]\n" + "\n".join(lines) + "\n")
    return folder
