"""A model of fixed cost: it sleeps for ``FIXED_COST_SECONDS`` per item and takes down each item that it looks at.

``FIXED_COST_LOG``: a folder in which each process appends to a file of its own the name of each item, and the seconds of
CPU that the model itself took for it, and for writing the line before.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

NAME = "fixed-cost"
DIMENSION = 64


class FixedCost:
    """Its vector comes out of the digest of the file's content."""

    def __init__(self) -> None:
        self._writing = 0.0  # what the last line took: the next one says so

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(NAME, DIMENSION, "none", 8000, "mean", "none", 1, 1, "none", "l2", 0, 1)
        return ModelCard(NAME, "sleeps", spec, Execution.PER_CORE, "MIT", "the benchmarks", 64)

    def load(self) -> None:
        """There is nothing to load."""

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        began = time.thread_time()
        path = _file_behind(audio)
        time.sleep(float(os.environ["FIXED_COST_SECONDS"]))
        seed = hashlib.blake2b(path.read_bytes()).digest()
        vector = np.resize(np.frombuffer(seed, np.uint8).astype(np.float32) - 127.5, DIMENSION)
        spent = time.thread_time() - began + self._writing
        began = time.thread_time()
        with open(os.path.join(os.environ["FIXED_COST_LOG"], str(os.getpid())), "a", encoding="utf-8") as log:
            log.write(f"{path.name} {spent:.6f}\n")
        self._writing = time.thread_time() - began
        return vector

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [np.eye(DIMENSION, dtype=np.float32)[place] for place in (0, 1)]


def _file_behind(audio: Any) -> Path:
    """Of what is to be decoded, which this model does not do."""
    while hasattr(audio, "_audio"):
        audio = audio._audio  # noqa: SLF001
    return Path(os.fsdecode(audio._path))  # noqa: SLF001
