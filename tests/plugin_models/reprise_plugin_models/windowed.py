"""Windowed models. All but ``heard`` read what to do from the file's text, as the others do.

A file says ``windows=7`` how many windows it has (3 without it), and its first word what happens: ``crash@2`` while
its window 2 is decoded, ``encode-nan@0`` when its window 0 is encoded (0 when no number is said). With ``once`` the
same happens the first time only. Variables of the environment:

``PLUGIN_MODELS_WINDOW_SECONDS``, ``PLUGIN_MODELS_BATCH_SECONDS``: how long decoding a window and encoding a batch take;
``PLUGIN_MODELS_WINDOW_KB``: how large a window is; ``PLUGIN_MODELS_FITS``: how many windows the memory of the device
holds; ``PLUGIN_MODELS_SHORT_FROM``: from which batch on that is so; ``PLUGIN_MODELS_LOST_AT``: at which batch the
device is gone; ``PLUGIN_MODELS_WINDOW_MB``: memory that each window of a batch really takes;
``PLUGIN_MODELS_KILLED_ABOVE``: from how many windows on the system ends the process.
"""

from __future__ import annotations

import os
import signal
import time
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.core.spec import Execution, ModelCard, ModelSpec
from reprise.core.windows import Windowing
from reprise.errors import DeviceLost
from reprise_plugin_models.behaviour import (
    DIMENSION,
    IN_DECODING,
    IN_ENCODING,
    file_behind,
    misbehave,
    note,
    number,
    others_resident,
    vector_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Audio

MOMENTS = 2
"""Each window gives so many moments of features."""
HEAD = 4
"""Numbers at the start of a window: what to do with it (0: nothing odd), whether once only, its file, its place."""
FEATURES = 4
"""Of the model that hears."""


def file_number(name: str) -> int:
    """A number for a file's name that a float32 holds exactly."""
    return zlib.crc32(name.encode()) & 0xFFFFF


def features_of(content: bytes, place: int) -> NDArray[np.float32]:
    """What the text models make of a window, shape (MOMENTS, DIMENSION)."""
    return np.stack([vector_of(content, f"window {place} moment {moment}") for moment in range(MOMENTS)])


def heard_features(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the listening model makes of one, shape (2, FEATURES): of each half the moments of its distribution."""
    return np.stack([_shape_of(half) for half in np.array_split(window.astype(np.float64), 2)])


def _shape_of(samples: NDArray[np.float64]) -> NDArray[np.float32]:
    crossings = np.count_nonzero(np.diff(np.signbit(samples))) / len(samples)
    return np.array([np.abs(samples).mean(), samples.std(), samples.max(), crossings], np.float32)


def first_time(*words: object) -> bool:
    """Whether this is asked for the first time in this installation."""
    mark = f"{os.environ['PLUGIN_MODELS_LOG']}.{'-'.join(map(str, words))}"
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


class Windowed:
    """Reads text; pools by enrichment, which tells the order of moments."""

    name = "windowed"
    own_placement = "cpu, float32"

    def __init__(self) -> None:
        self._batches = 0
        self._loaded = False
        self._device = "auto"

    @property
    def card(self) -> ModelCard:
        size = (HEAD + MOMENTS * DIMENSION, int(number("WINDOW_KB") * 256))
        spec = ModelSpec(
            self.name,
            3 * DIMENSION,
            "none",
            8000,
            "mean",
            "none",
            max(size),
            max(size),
            "enriched",
            "none",
            0,
            1,
        )
        return ModelCard(self.name, "for tests", spec, Execution.WINDOWED, "MIT", "tests", 64)

    def configure(self, choices: ModelChoices) -> None:
        self._device = choices.device

    def placement(self) -> str:
        return "cpu, float32" if self._device == "cpu" else self.own_placement

    def load(self) -> None:
        note("load", self.name, os.getpid(), *others_resident(self.name))
        note("placed", self.name, *self.placement().split())

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        path = file_behind(audio)
        with open(path, "rb") as file:
            content = file.read()
        name = os.path.basename(path)
        note("item", self.name, name)
        fate, _, where = content.split(maxsplit=1)[0].decode().partition("@")
        said = dict(word.split("=", 1) for word in content.decode().split() if "=" in word)
        for place in range(int(said.get("windows", 3))):
            time.sleep(number("WINDOW_SECONDS"))
            here, once = place == int(where or 0), b" once " in content
            if here and fate in IN_DECODING and (not once or first_time(name, fate)):
                misbehave(fate)
            odd = IN_ENCODING.index(fate) + 1 if here and fate in IN_ENCODING else 0
            note("window", self.name, name, place)
            yield self._window([odd, once, file_number(name), place], features_of(content, place))

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
        if self._loaded:
            self._start_batch(windows)
        elif len(windows) > number("FITS", 1e9) and not self._on_cpu and not number("SHORT_FROM"):
            raise MemoryError
        self._loaded = True  # the first windows that go through are the canaries
        for window in windows:
            odd, once, key, place = map(int, window[:HEAD])
            if odd and (not once or first_time(key, place)):
                misbehave(IN_ENCODING[odd - 1])
        return [self._features(window) for window in windows]

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [self._window([0, 0, 0, 0], features_of(word, 0)) for word in (b"one", b"other")]

    @property
    def _on_cpu(self) -> bool:
        return self.placement().startswith("cpu")

    def _start_batch(self, windows: Sequence[NDArray[np.float32]]) -> None:
        self._batches += 1
        keys = [f"{int(window[2])}:{int(window[3])}" for window in windows]
        note("batch", self.name, self.placement().split(",")[0], len(windows), *keys)
        if len(windows) > number("KILLED_ABOVE", 1e9):
            os.kill(os.getpid(), signal.SIGKILL)
        taken = bytearray(os.urandom(1)) * (int(number("WINDOW_MB") * len(windows)) << 20)
        time.sleep(number("BATCH_SECONDS"))
        del taken
        if self._batches >= number("LOST_AT", 1e9):
            raise DeviceLost("the accelerator fell off the bus")
        short = self._batches >= number("SHORT_FROM") and self._device != "cpu"
        if short and len(windows) > number("FITS", 1e9):
            raise MemoryError

    def _window(self, head: Sequence[float], features: NDArray[np.float32]) -> NDArray[np.float32]:
        window = np.zeros(self.card.spec.window, np.float32)
        window[:HEAD] = head
        window[HEAD : HEAD + features.size] = features.ravel()
        return window

    def _features(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        features = window[HEAD : HEAD + MOMENTS * DIMENSION].reshape(MOMENTS, DIMENSION)
        return (
            np.full_like(features, np.nan) if window[0] == IN_ENCODING.index("encode-nan") + 1 else features
        )


class WindowedB(Windowed):
    name = "windowed-b"


class WindowedOnDevice(Windowed):
    """Says that it runs on an accelerator unless it is told to use the CPU."""

    name = "windowed-device"
    own_placement = "cuda:0, float16"


class WithoutPlacement(Windowed):
    """Its card says windowed, and one method is missing."""

    name = "without-placement"
    placement: Any = property()


class Heard:
    """Hears real sound through the real decoder; a track in windows of a second every half."""

    name = "heard"
    rate = 8000
    windowing = Windowing(8000, 4000)

    @property
    def card(self) -> ModelCard:
        window, hop = self.windowing.window, self.windowing.hop
        spec = ModelSpec(
            self.name, 3 * FEATURES, "none", self.rate, "mean", "swr", window, hop, "enriched", "l2", 0, 1
        )
        return ModelCard(self.name, "for tests", spec, Execution.WINDOWED, "MIT", "tests", 64)

    def load(self) -> None:
        note("load", self.name, os.getpid(), *others_resident(self.name))

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        return self.windowing.cut(audio)

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
        return [heard_features(window) for window in windows]

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        time_ = np.arange(self.windowing.window) / self.rate
        noise = np.random.default_rng(1).standard_normal(len(time_))
        return [np.sin(2 * np.pi * 100 * time_).astype(np.float32), noise.astype(np.float32)]

    def placement(self) -> str:
        return "cpu, float32"
