"""A user's own package of models, for tests: they do what the file itself says, and most decode nothing.

A file's first word tells what happens to it: ``crash``, ``hang``, ``hog`` or ``raise`` while it is decoded;
``encode-crash``, ``encode-hang``, ``encode-raise``, ``encode-memory`` or ``encode-nan`` in the model. Any other
content gets a vector of its own; of a ``gated`` file not before ``PLUGIN_MODELS_GATE`` exists. Variables of the environment tell the rest:

``PLUGIN_MODELS_LOG``: a file to which each load, item and batch appends a line;
``PLUGIN_MODELS_SECONDS``: how long each item takes; ``PLUGIN_MODELS_LOAD_SECONDS``: how long a slow load takes;
``PLUGIN_MODELS_TEXT_SECONDS``: how long reading a text takes; ``PLUGIN_MODELS_FITS``: the largest batch for which there is memory; ``PLUGIN_MODELS_EPOCH``: the versioned model's.
The windowed models (``windowed.py``) know more.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec
from reprise_plugin_models.behaviour import (
    DIMENSION,
    IN_DECODING,
    IN_ENCODING,
    analysis_of,
    file_behind,
    misbehave,
    note,
    number,
    others_resident,
    vector_of,
    wait_at_gate,
)
from reprise_plugin_models.windowed import Heard, Windowed, WindowedB, WindowedOnDevice, WithoutPlacement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.ports import Audio


class Null:
    """Costs nothing. Subclasses change one thing each."""

    name = "null"
    execution = Execution.PER_CORE
    epoch = 1

    @property
    def card(self) -> ModelCard:
        epoch = self.epoch
        spec = ModelSpec(self.name, DIMENSION, "none", 8000, "mean", "none", 1, 1, "none", "none", 0, epoch)
        return ModelCard(self.name, "for tests", spec, self.execution, "MIT", "tests", 64)

    def load(self) -> None:
        note("load", self.name, os.getpid(), *others_resident(self.name))

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        """What to do in ``encode`` (0: nothing odd), and the vector."""
        path = file_behind(audio)
        with open(path, "rb") as file:
            content = file.read()
        note("item", self.name, os.path.basename(path))
        word = content.split(maxsplit=1)[0].decode() if content else ""
        time.sleep(number("SECONDS"))
        if word in IN_DECODING:
            misbehave(word)
        if word == "gated":
            wait_at_gate()
        odd = IN_ENCODING.index(word) + 1 if word in IN_ENCODING else 0
        return np.concatenate([[np.float32(odd)], vector_of(content, f"{self.name}{self.epoch}")]).astype(
            np.float32
        )

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        rows = np.stack(prepared)
        for odd in rows[:, 0]:
            if odd:
                misbehave(IN_ENCODING[int(odd) - 1])
        rows[rows[:, 0] == IN_ENCODING.index("encode-nan") + 1] = np.nan
        vectors: NDArray[np.float32] = rows[:, 1:]
        return vectors

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [np.concatenate([[0.0], row]).astype(np.float32) for row in np.eye(2, DIMENSION)]


class NullB(Null):
    name = "null-b"


class NullC(Null):
    name = "null-c"


class Versioned(Null):
    name = "versioned"

    @property
    def epoch(self) -> int:  # type: ignore[override]  # a spec that changes under our feet
        return int(number("EPOCH", 1))


class Exclusive(Null):
    """A heavy model: batches, of which only some sizes fit into memory."""

    name = "exclusive"
    execution = Execution.EXCLUSIVE

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        note("batch", self.name, len(prepared))
        time.sleep(number("BATCH_SECONDS"))
        if len(prepared) > number("FITS", 1e9):
            raise MemoryError
        return super().encode(prepared)


class ExclusiveB(Exclusive):
    name = "exclusive-b"


class BrokenLoad(Null):
    name = "broken-load"

    def load(self) -> None:
        super().load()
        raise RuntimeError("the weights are not there")


class CrashLoad(Null):
    name = "crash-load"

    def load(self) -> None:
        super().load()
        misbehave("crash")


class SlowLoad(Null):
    name = "slow-load"

    def load(self) -> None:
        super().load()
        time.sleep(number("LOAD_SECONDS"))


class SameCanaries(Null):
    name = "same-canaries"

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [super().canaries()[0]] * 2


class _Replaced(Null):
    """Gives every item, but not the canaries, the same odd vector."""

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return super().encode(prepared) if len(prepared) == 2 else np.stack([self.odd()])

    def odd(self) -> NDArray[np.float32]:
        raise NotImplementedError


class Constant(_Replaced):
    name = "constant"

    def odd(self) -> NDArray[np.float32]:
        return np.ones(DIMENSION, np.float32)


class Nan(_Replaced):
    name = "nan"

    def odd(self) -> NDArray[np.float32]:
        return np.full(DIMENSION, np.nan, np.float32)


class Zeros(_Replaced):
    name = "zeros"

    def odd(self) -> NDArray[np.float32]:
        return np.zeros(DIMENSION, np.float32)


class WrongShape(_Replaced):
    name = "wrong-shape"

    def odd(self) -> NDArray[np.float32]:
        return np.ones(DIMENSION + 1, np.float32)


class Listening(Null):
    """Tells what it heard as well: a tempo and a fingerprint made of the content."""

    name = "listening"

    def listen(self, audio: Audio) -> tuple[NDArray[np.float32], Analysis]:
        prepared = self.prepare(audio)
        with open(file_behind(audio), "rb") as file:
            return prepared, analysis_of(file.read())


class ListeningConstant(Listening):
    """Gives every item, but not the canaries, the same vector."""

    name = "listening-constant"

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return super().encode(prepared) if len(prepared) == 2 else np.ones((1, DIMENSION), np.float32)


class Reader(Null):
    """Reads text: where a text lies in its space is told by how long it is."""

    name = "reader"

    @property
    def card(self) -> ModelCard:
        return replace(super().card, reads_text=True)

    def load_text(self) -> None:
        note("load_text", self.name, os.getpid())

    def encode_text(self, text: str) -> NDArray[np.float32]:
        time.sleep(number("TEXT_SECONDS"))
        vector: NDArray[np.float32] = np.eye(DIMENSION, dtype=np.float32)[len(text) % DIMENSION]
        return vector


MODELS = (
    Null, NullB, NullC, Versioned, Exclusive, ExclusiveB, BrokenLoad, CrashLoad, SlowLoad, SameCanaries, Constant,
    Nan, Zeros, WrongShape, Listening, ListeningConstant, Windowed, WindowedB, WindowedOnDevice, WithoutPlacement, Heard,
    Reader,
)  # fmt: skip
