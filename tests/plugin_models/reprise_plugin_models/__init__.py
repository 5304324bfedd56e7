"""A user's own package of models, for tests: they decode nothing, and do what the file itself says.

A file's first word tells what happens to it: ``crash``, ``hang``, ``hog`` or ``raise`` while it is decoded;
``encode-crash``, ``encode-hang``, ``encode-raise``, ``encode-memory`` or ``encode-nan`` in the model. Any other
content gets a vector of its own. Variables of the environment tell the rest:

``PLUGIN_MODELS_LOG``: a file to which each load, item and batch appends a line;
``PLUGIN_MODELS_SECONDS``: how long each item takes; ``PLUGIN_MODELS_LOAD_SECONDS``: how long a slow load takes;
``PLUGIN_MODELS_FITS``: the largest batch for which there is memory; ``PLUGIN_MODELS_EPOCH``: the versioned model's.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

DIMENSION = 8
IN_DECODING = ("crash", "hang", "hog", "raise")
IN_ENCODING = ("encode-crash", "encode-hang", "encode-raise", "encode-memory", "encode-nan")


def number(variable: str, default: float = 0.0) -> float:
    return float(os.environ.get(f"PLUGIN_MODELS_{variable}", default))


def note(*words: object) -> None:
    """Append one line to the log; a single write, so that processes do not cut into each other's lines."""
    if path := os.environ.get("PLUGIN_MODELS_LOG"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
        finally:
            os.close(descriptor)


def file_behind(audio: Any) -> str:
    """The path of what is to be decoded: tests reach behind the port because their models decode nothing."""
    while hasattr(audio, "_audio"):
        audio = audio._audio
    return os.fsdecode(audio._path)


def vector_of(content: bytes, salt: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(content + salt.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32)


def misbehave(word: str) -> None:
    kind = word.removeprefix("encode-")
    if kind == "crash":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        time.sleep(3600)
    if kind == "hog":
        held = [bytearray(os.urandom(1) * (32 << 20)) for _ in range(12)]
        time.sleep(3600)
        del held
    if kind == "raise":
        raise RuntimeError("told to raise")
    if kind == "memory":
        raise MemoryError


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


def others_resident(name: str) -> list[str]:
    """Other models whose process still lives, by the log of loads."""
    with open(os.environ.get("PLUGIN_MODELS_LOG", os.devnull)) as log:
        loads = [line.split() for line in log if line.startswith("load ")]
    return [other for _, other, pid, *_ in loads if other != name and is_model_process(int(pid))]


def is_model_process(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "reprise.child" in process.cmdline()
    except psutil.Error:
        return False


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


MODELS = (
    Null, NullB, NullC, Versioned, Exclusive, ExclusiveB, BrokenLoad, CrashLoad, SlowLoad, SameCanaries, Constant,
    Nan, Zeros, WrongShape,
)  # fmt: skip
